//! The suite finds each of these mistakes.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::history::{Acquired, MemoryStore, Peeked, Record, StateError, Token};

/// A mistake that a store may have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bug {
    None,
    LockGivenTwice,
    LockForEver,
    LockTooShort,
    RecordForgotten,
    TokenNotChecked,
    SaveDoesNotRenew,
    TokenChangedOnFailure,
    PeekLocks,
    ErrorReadsAsEmpty,
}

struct Buggy {
    store: MemoryStore,
    bug: Bug,
    unreachable: bool,
}

impl Buggy {
    fn new(bug: Bug) -> Self {
        Self { store: MemoryStore::default(), bug, unreachable: false }
    }

    fn reachable(&self) -> Result<(), StateError> {
        if self.unreachable {
            Err(StateError::Unavailable { message: "no answer".to_owned() })
        } else {
            Ok(())
        }
    }

    /// The token as it would be if it had been made by the latest write.
    async fn forged(&self, token: &Token) -> Token {
        for revision in 0..100 {
            let mut forged = Token { memo: revision.to_string(), ..token.clone() };
            let record = self.store.peek(BEGIN).await.unwrap().record;
            if self.store.save(BEGIN, &mut forged, &record).await.is_ok() {
                return forged;
            }
        }
        token.clone()
    }
}

#[async_trait]
impl StateStore for Buggy {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        if self.bug == Bug::ErrorReadsAsEmpty && self.unreachable {
            let token = Token { holder: holder.to_owned(), ttl, until: now, memo: String::new() };
            return Ok(Acquired { record: Record::default(), token });
        }
        self.reachable()?;
        let (holder, given) = match self.bug {
            Bug::LockGivenTwice => ("a", ttl),
            Bug::LockForEver => (holder, SignedDuration::from_hours(9)),
            Bug::LockTooShort => (holder, ttl / 2),
            Bug::None
            | Bug::RecordForgotten
            | Bug::TokenNotChecked
            | Bug::SaveDoesNotRenew
            | Bug::TokenChangedOnFailure
            | Bug::PeekLocks
            | Bug::ErrorReadsAsEmpty => (holder, ttl),
        };
        let mut acquired = self.store.acquire(now, holder, given).await?;
        if given != ttl {
            acquired.token.until = now + ttl;
        }
        if self.bug == Bug::RecordForgotten {
            acquired.record = Record::default();
        }
        Ok(acquired)
    }

    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError> {
        if self.bug == Bug::TokenNotChecked {
            *token = self.forged(token).await;
        }
        let held_since = if self.bug == Bug::SaveDoesNotRenew { BEGIN } else { now };
        let saved = self.store.save(held_since, token, record).await;
        if saved.is_err() && self.bug == Bug::TokenChangedOnFailure {
            token.until = now + token.ttl;
        }
        if saved.is_ok() {
            token.until = now + token.ttl;
        }
        saved
    }

    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        self.store.release(now, token, record).await
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        self.reachable()?;
        if self.bug == Bug::PeekLocks {
            let _ = self.store.acquire(now, "peek", SignedDuration::from_mins(9)).await;
        }
        self.store.peek(now).await
    }
}

#[tokio::test]
async fn a_store_in_memory_conforms() {
    assert_eq!(conforms(async || MemoryStore::default()).await, Ok(()));
    assert_eq!(conforms(async || Buggy::new(Bug::None)).await, Ok(()));
}

#[tokio::test]
async fn each_mistake_of_a_store_is_found_and_named() {
    for (bug, rule) in [
        (Bug::LockGivenTwice, "while one run holds the lock, no other gets it, and it is told who holds it"),
        (
            Bug::LockForEver,
            "a lock that was not released is free after its time, and not before or long after",
        ),
        (Bug::LockTooShort, "while one run holds the lock, no other gets it, and it is told who holds it"),
        (Bug::RecordForgotten, "what one run saves, the next one reads"),
        (Bug::TokenNotChecked, "whoever lost the lock writes no more"),
        (Bug::SaveDoesNotRenew, "each save holds the lock for another ttl"),
        (Bug::TokenChangedOnFailure, "a save that fails leaves the token as it was"),
        (Bug::PeekLocks, "a new store remembers nothing, and nobody holds its lock"),
    ] {
        let broken = conforms(async || Buggy::new(bug)).await.unwrap_err();
        assert_eq!(broken.rule, rule, "{bug:?}: {broken}");
    }
}

#[tokio::test]
async fn a_store_that_can_not_read_must_say_so() {
    let out_of_reach = |bug| Buggy { unreachable: true, ..Buggy::new(bug) };
    assert_eq!(never_reads_as_empty(&out_of_reach(Bug::None)).await, Ok(()));
    let broken = never_reads_as_empty(&out_of_reach(Bug::ErrorReadsAsEmpty)).await.unwrap_err();
    assert!(broken.seen.starts_with("the lock was given"), "{broken}");
    assert!(never_reads_as_empty(&MemoryStore::default()).await.is_err());
}
