//! The cycle: observe, plan, audit, act.

use crate::fleet::Uid;
use crate::port::{Interruption, InventoryError, RemovalError};
use crate::report::Veto;

/// What became of one chosen pod.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum PodOutcome {
    /// The API server accepted its removal.
    Removed,
    /// The API server would have accepted its removal; nothing changed.
    WouldBeRemoved,
    /// It changed between decision and removal, so it was left alone.
    Spared(Changed),
    /// Its removal was asked for and did not happen, or may not have happened.
    Failed(RemovalError),
    /// Its removal was not asked for.
    NotAttempted(NotAttempted),
}

/// What changed between decision and removal.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Changed {
    /// There is no pod of that name any more.
    Gone,
    /// Another pod has the name now.
    Replaced {
        /// The stranger.
        by: Uid,
    },
    /// It must not be removed any more.
    Vetoed(Veto),
}

/// Why a removal was not asked for.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum NotAttempted {
    /// The cycle was asked to stop.
    Interrupted(Interruption),
    /// The pod could not be read again.
    Unreadable(InventoryError),
}
