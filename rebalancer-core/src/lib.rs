//! Decides which Kafka consumer pods to remove, so that the consumer group deals their partitions again.
//!
//! Kafka gives partitions to consumers by count, not by load, so some pods run hot and others idle. This crate takes
//! a snapshot of a fleet and gives a plan, or a reason to hold, with a typed verdict for every pod.
//!
//! ```text
//!  MetricsSource ─┐                                  ┌─ Inventory (each pod once more)
//!                 ├─> Snapshot ─> plan ─> audit ─> act ─ PodDeleter
//!  Inventory ─────┘        Policy ┘                  └─ Journal
//! ```
//!
//! # Invariants
//!
//! - No I/O, clock, environment, logger or async runtime: time is an argument, the world is behind [`port`]s.
//! - Deterministic: the same snapshot and policy give the same report, whatever the order of the input.
//! - What is not known is never a reason to act: a missing sample is not zero, and a name is not an identity.
//! - Nothing is removed that [`audit`](audit::audit) has not seen; it shares no code with the planner.
//!
//! # Example
//!
//! A cycle against a fleet in memory; behind the same ports stand Prometheus and Kubernetes.
//!
//! ```
//! # #[cfg(feature = "simulation")] {
//! use rebalancer_core::{planner, policy::Policy, report::Decision, simulation::{Fleet, Shape}};
//!
//! let fleet = Fleet::new(&Shape { seed: 7, ..Shape::default() }).expect("a valid shape");
//! let snapshot = fleet.snapshot().expect("a simulated fleet can be read");
//! let report = planner::plan(&snapshot, &Policy::default());
//! if let Decision::Rotate(plan) = &report.decision {
//!     for removal in &plan.removals {
//!         println!("{}: {}", removal.pod.name, removal.choice);
//!     }
//! }
//! assert_eq!(report.verdicts.len(), snapshot.pods.len());
//! # }
//! ```

/// The README's example runs.
#[cfg(all(doctest, feature = "simulation"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod assignor;
pub mod audit;
pub mod cycle;
pub mod eligibility;
pub mod fleet;
pub mod group;
pub mod guard;
pub mod history;
pub mod planner;
pub mod policy;
pub mod port;
pub mod prediction;
pub mod report;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod snapshot;
pub mod stats;
pub mod unit;

#[cfg(test)]
mod fixture;
