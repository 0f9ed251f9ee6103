//! The snapshot.
/// Fleet with loads.
pub struct Snapshot;
