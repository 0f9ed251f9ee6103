//! What a source has cost, and what went wrong, as numbers.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use rebalancer_core::port::ApiErrors;

/// Counts for all connections of a source. Nothing is decided by it, so it needs no order among its numbers.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    connections: AtomicU64,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    errors: AtomicU64,
    retries: AtomicU64,
}

/// What a source has cost since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// Connections that were made, with all they need.
    pub connections: u64,
    /// Requests, those to authenticate among them.
    pub requests: u64,
    /// Bytes of requests, before TLS.
    pub bytes_sent: u64,
    /// Bytes of answers, after TLS.
    pub bytes_received: u64,
}

impl Usage {
    /// What it has cost since an earlier usage of the same source.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            connections: self.connections.saturating_sub(earlier.connections),
            requests: self.requests.saturating_sub(earlier.requests),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, requests, bytes_sent, bytes_received } = self;
        write!(
            f,
            "{requests} requests over {connections} connections, {bytes_sent} bytes sent, {bytes_received} received"
        )
    }
}

impl Meter {
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        add(&self.sent, bytes);
    }

    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    /// Something gave nothing that can be used.
    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Something is about to be tried again.
    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn errors(&self) -> ApiErrors {
        ApiErrors {
            errors: self.errors.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            bytes_sent: self.sent.load(Ordering::Relaxed),
            bytes_received: self.received.load(Ordering::Relaxed),
        }
    }
}

fn add(count: &AtomicU64, bytes: usize) {
    count.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
}
