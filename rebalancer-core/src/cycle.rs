//! The cycle: remember, observe, plan, audit, act, record. Generic over the ports, so that an embedder gets the whole
//! loop.
//!
//! ```text
//!   run = Memory::open ─> read ─> Memory::look_back ─> plan ─> audit ─> Memory::begin ─> act ─> Memory::close
//!         └─────────────── may be dropped at any point ──────────────┘  └──── must not be dropped ────┘
//! ```
//!
//! What has changed nothing yet is dropped when it is time to stop; [`act`] stops by itself between two removals.

mod act;
mod ahead;
mod asked;
mod error;
mod group_lock;
mod journal;
mod left;
mod looks;
mod memory;
mod neighbors;
mod observe;
mod outcome;
mod ownership;
mod ports;
mod rebalance;
mod replaced;
mod run;
mod sources;
mod until;
mod watch;

pub use act::{ActSettings, act};
pub use asked::{Asked, Permission};
pub use error::{CycleError, NotBegun};
pub use group_lock::GroupLock;
pub use journal::{Intent, Journal, Step};
pub use looks::WatchSettings;
pub use memory::{LookBack, Memory, Written};
pub use neighbors::neighbors;
pub use observe::{FleetReading, Observation, Subject, assemble, decide, observe};
pub use outcome::{Changed, NotAttempted, Outcome, PodOutcome};
pub use ownership::ownership;
pub use ports::{NoJournal, Ports, Uninterrupted};
pub use rebalance::Rebalance;
pub use run::{CycleEnd, CycleSpec, MemorySettings, run};
pub use sources::{GroupSide, Sources};
pub use watch::Watched;

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
