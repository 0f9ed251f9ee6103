//! A seeded fleet in memory that implements the ports: partitions with loads, a consumer group that follows Kafka's
//! rules, pods on nodes that leave and come back under other names. What a strategy does to a fleet can be watched
//! without a cluster. A group begins with a fresh deal, and has gone through replacements before the first cycle; a
//! member keeps its id while it lives.
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
mod kafka;
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
use crate::policy::{MemberMatching, Persistence};
use crate::snapshot::{GroupQuestion, ObserveError, ObservedGroup, Past, Snapshot};
pub use shape::{Drift, Landing, Metrics, Nodes, Shape, ShapeError, Spread};
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

    /// What is asked of Kafka, where it can be asked: partition loads by offsets.
    #[must_use]
    pub fn question(&self) -> Option<GroupQuestion> {
        let asked =
            GroupQuestion { indicators: Vec::new(), partitions: true, window: SignedDuration::from_hours(1) };
        self.world().group().map(|_| asked)
    }

    /// The fleet as one cycle sees it.
    ///
    /// # Errors
    /// Never in this world; the type is the cycle's.
    pub fn snapshot(&self) -> Result<Snapshot, ObserveError> {
        let question = self.question();
        let (pods, hpas, mut readings, now, group) = {
            let world = self.world();
            let group = question.as_ref().zip(world.group());
            let group = group.map(|(question, group)| (question, kafka::reading(&world, group, question)));
            (world.pods(), world.hpas(), world.readings(), world.now, group)
        };
        let group = group.map(|(question, group)| {
            ObservedGroup::join(group, question, MemberMatching::Auto, &pods, &mut readings)
        });
        // As the cycle would read it: loads change only between two cycles.
        let cpu = readings.loads.get(&Indicator::Cpu).cloned().unwrap_or_else(|| Ok(Samples::new()));
        let earlier = Persistence::default().earlier();
        let windows = cpu.map(|samples| vec![samples; earlier]);
        let mut snapshot = Snapshot::assemble(Self::workload(), now, pods, Ok(hpas), "", readings)?;
        snapshot.group = group;
        snapshot.past = Some(Past { indicator: Indicator::Cpu, windows });
        Ok(snapshot)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
