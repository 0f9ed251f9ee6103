//! Why a cycle came to no outcome.

use crate::history::{StateError, Unrecordable};
use crate::port::Interruption;
use crate::snapshot::ObserveError;

/// Why a cycle came to no outcome. Nothing was removed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CycleError {
    /// Another run holds the lock, or the record can't be used.
    #[error("{0}")]
    Memory(StateError),
    /// There was nothing to decide on.
    #[error("the fleet could not be observed: {0}")]
    Observe(ObserveError),
    /// The intent could not be written.
    #[error("{0}")]
    NotBegun(NotBegun),
    /// It was time to stop before anything was done.
    #[error("stopped before anything was done: {0}")]
    Stopped(Interruption),
}

/// Why nothing may be removed although there is a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotBegun {
    /// The intent could not be written.
    #[error("the intent could not be recorded, so nothing was removed: {0}")]
    State(StateError),
    /// Somebody must approve it, and without a record nobody can be asked.
    #[error("approval is required, and without a record there is no place for a proposal")]
    NoRecord,
    /// The intent does not fit into the record.
    #[error("{0}")]
    Unrecordable(Unrecordable),
}
