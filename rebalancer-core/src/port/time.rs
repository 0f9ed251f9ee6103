//! Time, and when to stop.

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// Reads the time, and lets it pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now, as the other processes that share the record know it.
    fn now(&self) -> Timestamp;

    /// Waits for this time. Only a cycle that watches a consumer group waits, between two looks; without this method the
    /// looks follow each other at once, and are as many.
    async fn sleep(&self, _time: SignedDuration) {}
}

/// Why a batch is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Interruption {
    /// The process was asked to stop.
    Signal,
    /// The cycle's time is up.
    Deadline,
    /// Someone else may hold the lock by now.
    LockExpired,
    /// Another replica of this process may be the one that acts by now.
    LeadershipLost,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "the process was asked to stop",
            Self::Deadline => "the cycle's time is up",
            Self::LockExpired => "the lock has expired",
            Self::LeadershipLost => "this process may not be the leader any more",
        })
    }
}

/// Says when to stop.
#[async_trait]
pub trait Interrupt: Send + Sync {
    /// The reason to stop, if there is one now; asked between two removals.
    fn requested(&self) -> Option<Interruption>;

    /// Waits until there is a reason to stop. While nothing has been done yet, work is dropped for it.
    async fn stopped(&self) -> Interruption;
}
