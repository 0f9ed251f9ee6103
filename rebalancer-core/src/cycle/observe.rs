//! Reads the fleet, and decides on what was read.

use jiff::Timestamp;

use super::LookBack;
use super::memory::Memory;
use super::ownership::ownership;
use crate::fleet::{Hpa, Pod, Workload};
use crate::history::Constraints;
use crate::planner;
use crate::policy::Policy;
use crate::port::{Inventory, InventoryError, MetricsSource, Readings};
use crate::report::Report;
use crate::snapshot::{ObserveError, Past, Snapshot, Surroundings};

/// The workload, and the prefix of its autoscaler's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The workload.
    pub workload: Workload,
    /// The autoscaler may be called `<prefix><workload>`; may be empty.
    pub hpa_prefix: String,
}

impl From<Workload> for Subject {
    fn from(workload: Workload) -> Self {
        Self { workload, hpa_prefix: String::new() }
    }
}

/// A snapshot, what memory allows, and what the planner says of both.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Observation {
    /// What was seen.
    pub snapshot: Snapshot,
    /// What memory shows of earlier cycles; `None` without memory.
    pub look_back: Option<LookBack>,
    /// What memory allows.
    pub constraints: Constraints,
    /// What follows.
    pub report: Report,
}

/// Reads the fleet and decides. Changes nothing, and may be dropped at any point.
///
/// Metrics are read before pods: what Kubernetes lists last is what is trusted. Their owners follow, since the pods name
/// them. Earlier metrics are read only when there is an imbalance to confirm.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn observe(
    subject: &Subject,
    metrics: &dyn MetricsSource,
    inventory: &dyn Inventory,
    policy: &Policy,
    memory: Option<&mut Memory>,
    now: Timestamp,
) -> Result<Observation, ObserveError> {
    let snapshot = read(subject, metrics, inventory, policy, now).await?;
    let (look_back, constraints) = remember(memory, &snapshot, policy, now);
    let report = planner::plan(&snapshot, policy, &constraints);
    Ok(Observation { snapshot, look_back, constraints, report })
}

/// What a cycle without memory decides on this snapshot.
pub fn decide(snapshot: Snapshot, policy: &Policy) -> Observation {
    let constraints = Constraints::default();
    let report = planner::plan(&snapshot, policy, &constraints);
    Observation { snapshot, look_back: None, constraints, report }
}

/// What memory shows, and what it allows; without memory, everything.
pub(super) fn remember(
    memory: Option<&mut Memory>,
    snapshot: &Snapshot,
    policy: &Policy,
    now: Timestamp,
) -> (Option<LookBack>, Constraints) {
    let Some(memory) = memory else { return (None, Constraints::default()) };
    let look_back = memory.look_back(snapshot, policy, now);
    (Some(look_back), memory.constraints(now))
}

/// Reads everything that is decided on.
pub(super) async fn read(
    subject: &Subject,
    metrics: &dyn MetricsSource,
    inventory: &dyn Inventory,
    policy: &Policy,
    now: Timestamp,
) -> Result<Snapshot, ObserveError> {
    let readings = metrics.read(now).await;
    let hpas = inventory.hpas().await;
    let budgets = match policy.limits.respect_budgets {
        true => inventory.budgets().await.map_err(ObserveError::Budgets)?,
        false => Vec::new(),
    };
    let pods = inventory.pods().await.map_err(ObserveError::Pods)?;
    let ownership = ownership(inventory, &subject.workload.name, &pods).await;
    let ownership = ownership.map_err(ObserveError::Controller)?;
    let controller = ownership.controller(pods.iter(), &subject.workload.name).cloned();
    let surroundings = Surroundings { controller, ownership, budgets, ..Surroundings::default() };
    let reading = FleetReading { readings, hpas, surroundings, pods };
    assemble(subject, reading, metrics, policy, now).await
}

/// What was read of a fleet, before it is put together.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetReading {
    /// What the metric system gave.
    pub readings: Readings,
    /// All autoscalers of the namespace.
    pub hpas: Result<Vec<Hpa>, InventoryError>,
    /// What goes on around the fleet.
    pub surroundings: Surroundings,
    /// The pods that Kubernetes lists.
    pub pods: Vec<Pod>,
}

/// Puts a reading together. Earlier metrics are read when there is an imbalance to confirm.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn assemble(
    subject: &Subject,
    reading: FleetReading,
    metrics: &dyn MetricsSource,
    policy: &Policy,
    now: Timestamp,
) -> Result<Snapshot, ObserveError> {
    let FleetReading { readings, hpas, surroundings, pods } = reading;
    let mut snapshot =
        Snapshot::assemble(subject.workload.clone(), now, pods, hpas, &subject.hpa_prefix, readings)?;
    snapshot.surround(surroundings);
    if let Some(indicator) = planner::to_confirm(&snapshot, policy) {
        let persistence = policy.balance.persistence;
        let past = metrics.claimed_past(indicator, now, persistence.step(), persistence.earlier()).await;
        let windows = past.and_then(|past| snapshot.own_past(indicator, past));
        snapshot.past = Some(Past { indicator, windows });
    }
    Ok(snapshot)
}
