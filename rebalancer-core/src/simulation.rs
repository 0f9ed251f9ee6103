//! A seeded fleet in memory that implements the ports: partitions with loads, a consumer group that follows Kafka's
//! rules, pods on nodes that leave and come back under other names. What a strategy does to a fleet can be watched
//! without a cluster.
//!
//! ```text
//!  Shape ─> Fleet ─────────────────────────┐
//!           traffic (messages/s)           │      the production cycle
//!           group   (who holds what)       ├─────> observe, plan, audit, act ─> Course ─> Summary
//!           world   (pods, nodes, time)    │
//!           readings (noise, delay) ───────┘
//! ```
//!
//! [`course`] runs the production cycle over a fleet, [`suite`] is a standard list of fleets to compare strategies on.
//!
//! # Invariants
//!
//! - The same [`Shape`] gives the same course under the same policy.
//! - Who holds what is decided by [`Assignor::assign`](crate::assignor::Assignor::assign) and nothing else.
//! - The planner sees only [`Readings`](crate::port::Readings); [`Fleet::loads`] is the truth, for the judge.

pub mod course;
mod group;
mod ports;
mod shape;
pub mod suite;
pub mod tally;
#[cfg(test)]
mod tests;
mod traffic;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Indicator, Samples, Workload};
use crate::policy::Persistence;
use crate::snapshot::{ObserveError, Past, Snapshot};
pub use shape::{Drift, Metrics, Nodes, Shape, ShapeError, Spread};
use world::World;

/// The fleet. All ports work on the same world.
#[derive(Debug)]
pub struct Fleet(Mutex<World>);

impl Fleet {
    /// Makes the fleet: an hour old, with its consumer group at rest.
    ///
    /// # Errors
    /// When the shape's numbers make no fleet.
    pub fn new(shape: &Shape) -> Result<Self, ShapeError> {
        Ok(Self(Mutex::new(World::new(shape)?)))
    }

    /// The workload's name in this world.
    #[must_use]
    pub fn workload() -> Workload {
        Workload { namespace: world::NAMESPACE.to_owned(), name: world::NAME.to_owned() }
    }

    /// The world's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world().now
    }

    /// Replaces what was removed and lets the consumer group come to rest, in no time.
    pub fn replace(&self) {
        self.world().replace();
    }

    /// Moves time on to the next cycle: loads drift, readings come in, a rollout may happen. Tells whether it did.
    pub fn advance(&self, time: SignedDuration) -> bool {
        let mut world = self.world();
        world.advance(time);
        world.rollout_is_due()
    }

    /// Replaces what was removed, lets the consumer group rebalance, and moves time on.
    pub fn settle(&self, time: SignedDuration) {
        self.replace();
        self.advance(time);
    }

    /// CPU of each pod, in cores, by name: the truth, without noise or delay.
    #[must_use]
    pub fn loads(&self) -> Samples {
        self.world().loads()
    }

    /// The fleet as one cycle sees it.
    ///
    /// # Errors
    /// Never in this world; the type is the cycle's.
    pub fn snapshot(&self) -> Result<Snapshot, ObserveError> {
        let (pods, hpas, readings, now) = {
            let world = self.world();
            (world.pods(), world.hpas(), world.readings(), world.now)
        };
        // As the cycle would read it: loads change only between two cycles.
        let cpu = readings.loads.get(&Indicator::Cpu).cloned().unwrap_or_else(|| Ok(Samples::new()));
        let earlier = Persistence::default().earlier();
        let windows = cpu.map(|samples| vec![samples; earlier]);
        let mut snapshot = Snapshot::assemble(Self::workload(), now, pods, Ok(hpas), "", readings)?;
        snapshot.past = Some(Past { indicator: Indicator::Cpu, windows });
        Ok(snapshot)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
