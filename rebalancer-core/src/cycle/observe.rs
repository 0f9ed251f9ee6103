//! Reads the fleet, and decides on what was read.

use jiff::Timestamp;

use super::LookBack;
use super::ahead::look_ahead;
use super::memory::Memory;
use super::neighbors::neighbors;
use super::ownership::ownership;
use super::until::both;
use super::{GroupSide, Sources};
use crate::fleet::{Hpa, Indicator, Ownership, Pod, Samples, Workload};
use crate::history::{Constraints, Pause};
use crate::planner::{Judged, judge_to_confirm, plan, plan_judged};
use crate::policy::Policy;
use crate::port::{GroupError, GroupReading, InventoryError, MetricsError, MetricsSource, Readings};
use crate::report::Report;
use crate::snapshot::{ObserveError, ObservedGroup, Past, Snapshot, Surroundings};

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

impl Observation {
    /// The same where one more thing forbids every rotation.
    pub(super) fn paused(mut self, why: Pause, policy: &Policy) -> Self {
        self.constraints = self.constraints.with_pause(Some(why));
        self.report = plan(&self.snapshot, policy, &self.constraints);
        self
    }
}

/// Reads the fleet and decides. Changes nothing, and may be dropped at any point.
///
/// Metrics and pods are read at the same time. Metrics are those of `now`, which is over when the first request is sent: what
/// Kubernetes lists is later, and is what is trusted. Owners follow, since the pods name them. Earlier metrics are read only
/// when there is an imbalance to confirm, and requests only of pods that don't tell them themselves.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn observe(
    subject: &Subject,
    sources: Sources<'_>,
    policy: &Policy,
    memory: Option<&mut Memory>,
    now: Timestamp,
) -> Result<Observation, ObserveError> {
    let (snapshot, judged) = read(subject, sources, policy, now).await?;
    let (look_back, constraints) = remember(memory, &snapshot, policy, now);
    let report = plan_judged(judged, &snapshot, policy, &constraints);
    Ok(Observation { snapshot, look_back, constraints, report })
}

/// What a cycle without memory decides on this snapshot.
pub fn decide(snapshot: Snapshot, policy: &Policy) -> Observation {
    let constraints = Constraints::default();
    let report = plan(&snapshot, policy, &constraints);
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

/// Reads everything that is decided on. Where its pods had to be judged for that, the plan need not do it again.
pub(super) async fn read(
    subject: &Subject,
    sources: Sources<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Snapshot, Option<Judged>), ObserveError> {
    let Sources { metrics, inventory, group: side, forecaster, cruise_control } = sources;
    // What is told from now on is no older than this; a watch may be taken up again while the rest is read.
    let watched = inventory.watched();
    let loads = both(metrics.read(now), async {
        match side {
            Some(group) => Some(group.read(now).await),
            None => None,
        }
    });
    let executor = async {
        match cruise_control {
            Some(cruise_control) => Some(cruise_control.executor().await),
            None => None,
        }
    };
    // One after the other: each request more at the same time is another connection to the API server.
    let around = async {
        let hpas = inventory.hpas().await;
        match policy.limits.respect_budgets {
            true => (hpas, inventory.budgets().await),
            false => (hpas, Ok(Vec::new())),
        }
    };
    let fleet = async {
        let pods = inventory.pods().await.map_err(ObserveError::Pods)?;
        let ownership = ownership(inventory, &subject.workload.name, &pods).await;
        let ownership = ownership.map_err(ObserveError::Controller)?;
        let neighbors = neighbors(inventory, &subject.workload.name, &pods, policy).await;
        Ok((pods, ownership, neighbors))
    };
    let (((mut readings, group), executor), ((hpas, budgets), fleet)) =
        both(both(loads, executor), both(around, fleet)).await;
    let budgets = budgets.map_err(ObserveError::Budgets)?;
    let (pods, ownership, neighbors) = fleet?;
    if is_asked_for_requests(&readings, &pods, &ownership, &subject.workload) {
        readings.cpu_requests = metrics.cpu_requests(now).await;
    }
    let controller = ownership.controller(pods.iter(), &subject.workload.name).cloned();
    let surroundings =
        Surroundings { controller, ownership, budgets, watched, cruise_control: executor, ..neighbors };
    let reading = FleetReading { readings, hpas, surroundings, pods, group };
    let (mut snapshot, judged) = assemble_judged(subject, reading, metrics, side, policy, now).await?;
    if let Some(forecaster) = forecaster {
        snapshot.outlook = look_ahead(&snapshot, metrics, forecaster, policy, now).await;
    }
    Ok((snapshot, judged))
}

/// A pod of the workload does not tell what it requests, and nobody has told of any.
fn is_asked_for_requests(
    readings: &Readings,
    pods: &[Pod],
    ownership: &Ownership,
    workload: &Workload,
) -> bool {
    let tells = |pod: &Pod| pod.container.is_some_and(|requests| requests.cpu.is_some());
    readings.cpu_requests.as_ref().is_ok_and(Samples::is_empty)
        && pods.iter().any(|pod| !tells(pod) && ownership.belongs(pod, &workload.name))
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
    /// What Kafka tells of the consumer group; `None` when it is not asked.
    pub group: Option<Result<GroupReading, GroupError>>,
}

/// Puts a reading together. Earlier metrics are read when there is an imbalance to confirm.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn assemble(
    subject: &Subject,
    reading: FleetReading,
    metrics: &dyn MetricsSource,
    side: Option<GroupSide<'_>>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Snapshot, ObserveError> {
    let assembled = assemble_judged(subject, reading, metrics, side, policy, now).await;
    assembled.map(|(snapshot, _)| snapshot)
}

async fn assemble_judged(
    subject: &Subject,
    reading: FleetReading,
    metrics: &dyn MetricsSource,
    side: Option<GroupSide<'_>>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Snapshot, Option<Judged>), ObserveError> {
    let FleetReading { mut readings, hpas, surroundings, pods, group } = reading;
    let (group, group_error) = match (group, side) {
        (Some(Ok(group)), Some(GroupSide { question, .. })) => {
            (Some(ObservedGroup::join(group, question, policy.group.matching, &pods, &mut readings)), None)
        }
        (Some(Err(error)), Some(GroupSide { question, .. })) => {
            question.failed(&error, &mut readings);
            (None, Some(error))
        }
        (_, None) | (None, _) => (None, None),
    };
    let mut snapshot =
        Snapshot::assemble(subject.workload.clone(), now, pods, hpas, &subject.hpa_prefix, readings)?;
    snapshot.surround(surroundings);
    (snapshot.group, snapshot.group_error) = (group, group_error);
    let judged = judge_to_confirm(&snapshot, policy);
    if let Some(indicator) = judged.as_ref().and_then(Judged::raised) {
        let windows = past(indicator, &snapshot, metrics, side, policy, now).await;
        snapshot.past = Some(Past { indicator, windows });
    }
    Ok((snapshot, judged))
}

/// Earlier readings, from where the present one came.
async fn past(
    indicator: Indicator,
    snapshot: &Snapshot,
    metrics: &dyn MetricsSource,
    side: Option<GroupSide<'_>>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Samples>, MetricsError> {
    let persistence = policy.balance.persistence;
    let (step, earlier) = (persistence.step(), persistence.earlier());
    match (side, &snapshot.group) {
        (Some(side), Some(group)) if side.question.indicators.contains(&indicator) => match indicator {
            Indicator::ProductionRate => {
                let reading = side.read_past(now, step, earlier).await;
                let reading =
                    reading.map_err(|error| MetricsError::Offsets { message: error.to_string() })?;
                group.past_rates(&reading, snapshot)
            }
            Indicator::Lag | Indicator::Cpu | Indicator::Memory | Indicator::ConsumptionRate => {
                let message = format!("Kafka keeps no earlier {indicator}: only what it is now");
                Err(MetricsError::Offsets { message })
            }
        },
        _ => {
            let past = metrics.past(indicator, now, step, earlier).await;
            past.and_then(|past| snapshot.own_past(indicator, past))
        }
    }
}
