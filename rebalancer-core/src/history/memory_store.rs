//! A store in memory: for tests and simulations, and for a process that stays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Acquired, Held, Peeked, Record, StateError, StateStore, Token, later};

/// Keeps the record in memory, with the rules of a real store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    revision: u64,
    record: Record,
    held: Option<(String, Timestamp)>,
}

impl MemoryStore {
    /// Begins with this record, and without a holder of the lock.
    #[must_use]
    pub fn with(record: Record) -> Self {
        Self(Mutex::new(Inner { record, ..Inner::default() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn holder(&self, now: Timestamp) -> Option<Held> {
        let (by, until) = self.held.as_ref().filter(|(_, until)| now < *until)?;
        Some(Held { by: by.clone(), until: Some(*until) })
    }

    fn write(&mut self, token: &Token, record: &Record) -> Result<(), StateError> {
        if token.memo != self.revision.to_string() {
            return Err(StateError::Conflict { message: format!("revision {}", self.revision) });
        }
        self.revision += 1;
        self.record = record.clone();
        Ok(())
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        let mut inner = self.inner();
        if let Some(Held { by, until }) = inner.holder(now).filter(|held| held.by != holder) {
            return Err(StateError::Held { by, until });
        }
        let until = later(now, ttl);
        inner.revision += 1;
        inner.held = Some((holder.to_owned(), until));
        let token = Token { holder: holder.to_owned(), ttl, until, memo: inner.revision.to_string() };
        Ok(Acquired { record: inner.record.clone(), token })
    }

    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError> {
        let mut inner = self.inner();
        inner.write(token, record)?;
        token.until = later(now, token.ttl);
        token.memo = inner.revision.to_string();
        inner.held = Some((token.holder.clone(), token.until));
        Ok(())
    }

    async fn release(&self, _now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        let mut inner = self.inner();
        inner.write(&token, record)?;
        inner.held = None;
        Ok(())
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        let inner = self.inner();
        Ok(Peeked { record: inner.record.clone(), held: inner.holder(now) })
    }
}
