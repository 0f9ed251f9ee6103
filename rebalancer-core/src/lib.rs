//! Decides which Kafka consumer pods to remove, so that the consumer group rebalances.
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
//! - Deterministic: the same snapshot, policy and constraints give the same report, whatever the order of the input.
//! - What is not known is never a reason to act: a missing sample is not zero, and a name is not an identity.
//! - Only an [audited](audit::audit) plan can be carried out; the audit works everything out by code of its own.
//! - Modules stand on floors, and use only what stands below.
//!
//! # A decision on data in memory
//!
//! ```
#![doc = include_str!("../examples/plan_only.rs")]
//! ```
//!
//! # A whole cycle, with your own ports
//!
//! ```
#![doc = include_str!("../examples/full_cycle.rs")]
//! ```
//!
//! # A prediction for a consumer group
//!
//! ```
#![doc = include_str!("../examples/predict.rs")]
//! ```

/// The README's example runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod advice;
pub mod assignor;
pub mod audit;
pub mod backtest;
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
#[cfg(feature = "testing")]
pub mod testing;
pub mod unit;

#[cfg(test)]
mod fixture;

/// Ports with async methods are implemented by this attribute.
pub use async_trait::async_trait;
/// Times and durations of this crate's interface.
pub use jiff;

pub use cycle::{CycleSpec, Ports};
pub use fleet::{Indicator, Pod, Workload};
pub use history::Constraints;
pub use planner::plan;
pub use policy::Policy;
pub use prediction::{Prediction, predict};
pub use report::{Decision, Hold, PodReport, Report, Verdict};
pub use snapshot::Snapshot;
