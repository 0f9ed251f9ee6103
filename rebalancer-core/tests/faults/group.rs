//! The consumer group that fleets of two clusters form: the lock on it, which both rebalancers see, and what really happens
//! to it. Each cluster has its own store, which the other does not see.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::MemoryStore;

#[derive(Default)]
pub(crate) struct Group {
    pub(crate) lock: MemoryStore,
    /// The last removal in each cluster.
    pub(crate) removals: Mutex<BTreeMap<&'static str, Removal>>,
}

/// A pod was removed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removal {
    pub(crate) at: Timestamp,
    /// For how long the group settles after it.
    pub(crate) settles: SignedDuration,
    /// How far clocks are off there.
    pub(crate) clock_error: SignedDuration,
}
