//! What the queries to a metric server have cost.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a client has asked and read so far, together with its clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// Queries that were sent, whatever their result.
    pub queries: u64,
    /// Requests beyond the first of a query.
    pub retries: u64,
    /// Requests that failed or gave no usable answer; each attempt counts.
    pub errors: u64,
    /// Bytes of answers that were read, after decompression; answers that were given up count as far as they came.
    pub bytes: u64,
}

impl Usage {
    /// What was asked and read since an earlier usage of the same client.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            queries: self.queries.saturating_sub(earlier.queries),
            retries: self.retries.saturating_sub(earlier.retries),
            errors: self.errors.saturating_sub(earlier.errors),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queries, retries, errors, bytes } = self;
        write!(f, "queries: {queries}, retries: {retries}, errors: {errors}, bytes: {bytes}")
    }
}

/// The counters behind [`Usage`]. Nothing is decided by them, so they need no order among each other.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    queries: AtomicU64,
    retries: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    pub(crate) fn query(&self) {
        self.queries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            queries: self.queries.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
