//! For the tests of those who embed this crate: a small scripted [`World`] behind every port, and a suite that an own
//! [`StateStore`](crate::history::StateStore) must pass. A store for such tests is
//! [`MemoryStore`](crate::history::MemoryStore).
//!
//! ```
//! use rebalancer_core::fleet::Owner;
//! use rebalancer_core::jiff::{SignedDuration, Timestamp};
//! use rebalancer_core::port::{Mode, RemovalError};
//! use rebalancer_core::testing::World;
//! use rebalancer_core::unit::Load;
//! use rebalancer_core::{CycleSpec, Indicator, Pod, cycle};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;
//! let mut world = World::new("streams", "consumer", now);
//! for (number, lag) in [9000.0, 8000.0, 900.0, 800.0, 700.0, 600.0, 90.0, 80.0].into_iter().enumerate() {
//!     let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}"))
//!         .with_owner(Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set"))
//!         .with_ready_since(now - SignedDuration::from_hours(1));
//!     world = world.with_pod(pod, [(Indicator::Lag, Load::new(lag)?)]);
//! }
//! world.fail_removal(RemovalError::Blocked { message: "the budget is spent".to_owned() });
//!
//! let spec = CycleSpec::new("cycle-1", world.workload().clone()).with_mode(Mode::Real);
//! let end = cycle::run(&spec, &world.ports()).await;
//! assert_eq!(end.outcome?.status(), "partial");
//! assert_eq!(world.removed().len(), 3);
//! # Ok(())
//! # }
//! ```

mod group;
mod ports;
pub mod state_store;
#[cfg(test)]
mod tests;
mod world;

pub use group::ScriptedGroup;
pub use world::{JournalEntry, World};
