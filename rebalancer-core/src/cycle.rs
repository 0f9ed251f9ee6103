//! The cycle: remember, observe, plan, audit, act, record. Generic over the ports, so that an embedder gets the whole
//! loop.
//!
//! ```text
//!   run = Memory::open ─> observe ─> look back ─> hold? ─> Memory::begin ─> act ─> Memory::close
//!         └───── may be dropped at any point ─────────┘   └── must not be dropped ──┘
//! ```
//!
//! What has changed nothing yet is dropped when it is time to stop; [`act`] stops by itself between two removals.

mod act;
mod journal;
mod memory;
mod outcome;
mod ownership;
mod run;

pub use act::{Hands, Order, act};
pub use journal::{Intent, Journal, Step};
pub use memory::{LookBack, Memory, NotBegun};
pub use outcome::{Changed, NotAttempted, Outcome, PodOutcome};
pub use ownership::ownership;
pub use run::{End, Failed, Ports, Remembering, Task, run};

use jiff::Timestamp;

use crate::fleet::{Hpa, Pod, Workload};
use crate::planner;
use crate::policy::Policy;
use crate::port::{Inventory, InventoryError, MetricsSource, Readings};
use crate::report::Report;
use crate::snapshot::Surroundings;
use crate::snapshot::{ObserveError, Past, Snapshot};

/// Whose fleet, and how its autoscaler may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The workload.
    pub workload: Workload,
    /// The autoscaler may be called `<prefix><workload>`; may be empty.
    pub hpa_prefix: String,
}

/// A snapshot and what the planner says of it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Observation {
    /// What was seen.
    pub snapshot: Snapshot,
    /// What follows.
    pub report: Report,
}

/// Reads the fleet and decides. Changes nothing, and may be dropped at any point.
///
/// Metrics are read before pods: what Kubernetes lists last is what is trusted. Their owners follow, since the pods name
/// them. Earlier metrics are read only when
/// there is an imbalance to confirm.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn observe(
    subject: &Subject,
    metrics: &dyn MetricsSource,
    inventory: &dyn Inventory,
    policy: &Policy,
    now: Timestamp,
) -> Result<Observation, ObserveError> {
    let snapshot = read(subject, metrics, inventory, policy, now).await?;
    let report = planner::plan(&snapshot, policy);
    Ok(Observation { snapshot, report })
}

/// Reads everything that is decided on.
async fn read(
    subject: &Subject,
    metrics: &dyn MetricsSource,
    inventory: &dyn Inventory,
    policy: &Policy,
    now: Timestamp,
) -> Result<Snapshot, ObserveError> {
    let readings = metrics.read(now).await;
    let hpas = inventory.hpas().await;
    let budgets = match policy.respect_budgets {
        true => inventory.budgets().await.map_err(ObserveError::Budgets)?,
        false => Vec::new(),
    };
    let pods = inventory.pods().await.map_err(ObserveError::Pods)?;
    let ownership = ownership(inventory, &subject.workload.name, &pods).await;
    let ownership = ownership.map_err(ObserveError::Controller)?;
    let controller = ownership.controller(pods.iter(), &subject.workload.name).cloned();
    let surroundings = Surroundings { controller, ownership, budgets, ..Surroundings::default() };
    assemble(subject, Seen { readings, hpas, surroundings, pods }, metrics, policy, now).await
}

/// What was read of a fleet, before it is put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What the metric system gave.
    pub readings: Readings,
    /// All autoscalers of the namespace.
    pub hpas: Result<Vec<Hpa>, InventoryError>,
    /// What goes on around the fleet.
    pub surroundings: Surroundings,
    /// The pods that Kubernetes lists.
    pub pods: Vec<Pod>,
}

/// Decides on what was read. Earlier metrics are read when there is an imbalance to confirm.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn conclude(
    subject: &Subject,
    seen: Seen,
    metrics: &dyn MetricsSource,
    policy: &Policy,
    now: Timestamp,
) -> Result<Observation, ObserveError> {
    let snapshot = assemble(subject, seen, metrics, policy, now).await?;
    let report = planner::plan(&snapshot, policy);
    Ok(Observation { snapshot, report })
}

async fn assemble(
    subject: &Subject,
    seen: Seen,
    metrics: &dyn MetricsSource,
    policy: &Policy,
    now: Timestamp,
) -> Result<Snapshot, ObserveError> {
    let Seen { readings, hpas, surroundings, pods } = seen;
    let mut snapshot =
        Snapshot::assemble(subject.workload.clone(), now, pods, hpas, &subject.hpa_prefix, readings)?;
    snapshot.surround(surroundings);
    if let Some(indicator) = planner::to_confirm(&snapshot, policy) {
        let persistence = policy.persistence;
        let past = metrics.past(indicator, now, persistence.step(), persistence.earlier()).await;
        snapshot.past = Some(Past { indicator, windows: past });
    }
    Ok(snapshot)
}

/// Does a step, and tells when it begins and ends.
fn told<T>(journal: &dyn Journal, step: Step, work: impl FnOnce() -> T) -> T {
    journal.began(step);
    let done = work();
    journal.ended(step);
    done
}

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
