//! The port: where the record is kept, and the lock on it.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Record, SCHEMA_VERSION};

/// What a holder needs to write the record. Made by a store, for itself.
///
/// It is valid only until [`until`](Self::until): then another run may take the lock over, so no removal
/// may be requested any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who holds the lock.
    pub holder: String,
    /// For how long the lock is held after each write.
    pub ttl: SignedDuration,
    /// Until when it is held.
    pub until: Timestamp,
    /// The store's own: exactly what it wrote last. Opaque to everyone else.
    pub memo: String,
}

/// The lock was free, and is held now.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a lock that is not released holds up others until it expires"]
pub struct Acquired {
    /// What was remembered; empty at first.
    pub record: Record,
    /// For [`save`](StateStore::save) and [`release`](StateStore::release).
    pub token: Token,
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Held {
    /// The holder's identity.
    pub by: String,
    /// Until when; `None` when it never expires by itself.
    pub until: Option<Timestamp>,
}

/// What a look at the store gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Peeked {
    /// What is remembered; empty when there is nothing.
    pub record: Record,
    /// Who holds the lock at this time.
    pub held: Option<Held>,
}

/// Why the record can't be used, sorted by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum StateError {
    /// Another run holds the lock: stop, and report it.
    #[error("another run holds the lock: {by}, {}", until.map_or_else(
        || "without an expiry; remove holderIdentity from the Lease to release it".to_owned(),
        |until| format!("until {until:.0} at most")))]
    Held {
        /// The holder's identity.
        by: String,
        /// Until when; `None` when it never expires by itself.
        until: Option<Timestamp>,
    },
    /// Someone changed the record in the meantime, or took the lock over: stop acting.
    #[error("the record was changed by someone else in the meantime: {message}")]
    Conflict {
        /// What was seen.
        message: String,
    },
    /// 403: a right is missing.
    #[error(
        "not allowed to {verb} {resource} in namespace {namespace}: grant the verb '{verb}' on '{resource}' to this service account ({message})"
    )]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource, with its API group.
        resource: &'static str,
        /// The namespace.
        namespace: String,
        /// The server's own words.
        message: String,
    },
    /// No usable answer in time. A write may have succeeded all the same.
    #[error("the record could not be reached: {message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// Any other refusal: credentials, admission, an answer that can't be understood.
    #[error("the record could not be used: {message}")]
    Rejected {
        /// Status and the server's own words.
        message: String,
    },
    /// A later version of this program wrote it, which may know reasons to hold that this one doesn't.
    #[error(
        "the record {place} has version {version} and this program knows {SCHEMA_VERSION}: use the newer program everywhere"
    )]
    Newer {
        /// Its version.
        version: u32,
        /// Where it is kept.
        place: String,
    },
    /// It is not a valid record.
    #[error("the record {place} can't be read ({message}); remove it to start over")]
    Unreadable {
        /// What is wrong with it.
        message: String,
        /// Where it is kept.
        place: String,
    },
}

impl StateError {
    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Held { .. } => "lock_held",
            Self::Conflict { .. } => "record_conflict",
            Self::Forbidden { .. } => "record_forbidden",
            Self::Unavailable { .. } => "record_unavailable",
            Self::Rejected { .. } => "record_rejected",
            Self::Newer { .. } => "record_newer",
            Self::Unreadable { .. } => "record_unreadable",
        }
    }
}

/// Keeps the record of one workload, and a lock so that overlapping runs can't both act.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Takes the lock for this time, when nobody holds it or its time is up, and reads the record.
    ///
    /// `holder` must differ from run to run. `ttl` must be longer than everything the run may do while it holds it.
    ///
    /// # Errors
    /// When the lock is held, or the record can't be used. Then nothing is locked, as far as that can be known; a
    /// lock that was taken by a call whose answer was lost expires.
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError>;

    /// Writes the record and holds the lock for another ttl.
    ///
    /// # Errors
    /// When it is not known to be written. The token is as before.
    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError>;

    /// Writes the record and releases the lock.
    ///
    /// # Errors
    /// When it is not known to be written. The lock then expires.
    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError>;

    /// Reads only; for dry runs and inspection.
    ///
    /// # Errors
    /// When the record can't be read.
    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError>;
}
