//! Decides which pods to remove.
pub mod cycle;
pub mod fleet;
pub mod port;
pub mod report;
pub mod snapshot;
pub mod stats;
pub mod unit;
