//! Reads what a check judges. Everything that does not depend on something broken is read, so that one run shows all
//! mistakes.

mod cluster;
mod lookup;
mod metrics;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{FleetReading, GroupSide, Observation, assemble, decide};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::group::Unusable;
use rebalancer_core::port::{CruiseControl as _, GroupError, GroupReading, MetricsError, Readings};
use rebalancer_core::report::{Decision, Hold};
use rebalancer_core::snapshot::{ObserveError, Surroundings};
use rebalancer_kafka::preflight;
use rebalancer_kube::{ConnectError, Connection};

use super::facts::{Cluster, Executor, Facts, Kafka, Metrics, Survey};
use crate::adapters::{Group, Loads};
use crate::config::{AdapterSettings, RunSettings};

/// Reads all of it. Changes nothing.
pub(super) async fn facts<'a>(
    connection: Result<Connection, ConnectError>,
    adapters: &'a AdapterSettings,
    settings: &'a RunSettings,
) -> Facts<'a> {
    let now = Timestamp::now();
    let source = Loads::of(adapters.metrics.as_ref());
    let group = adapters.kafka.clone().map(Group::open);
    let (mut metrics, kafka, cruise_control, cluster, group_lock) = tokio::join!(
        of_metrics(adapters, &source, now),
        of_kafka(adapters, group.as_ref(), now),
        of_cruise_control(adapters),
        cluster::of(connection, adapters, settings),
        cluster::group_lock(adapters, settings)
    );
    let survey = match &cluster {
        Cluster::There(survey) => Some(survey.as_ref()),
        Cluster::NotConfigured(_) | Cluster::Silent(_) => None,
    };
    let read = |metrics: Option<&Metrics>| Read {
        readings: metrics.and_then(|metrics| metrics.readings.clone()),
        loads: &source,
        group: group.as_ref().map(Group::side).zip(kafka.as_ref().and_then(|kafka| kafka.reading.clone())),
        cruise_control: cruise_control.as_ref(),
    };
    let observation = match survey {
        Some(survey) => observe(survey, read(metrics.as_ref()), settings, now).await,
        None => None,
    };
    let fleet = observation.as_ref().and_then(|observation| observation.as_ref().ok());
    if let (Some(metrics), Some(server)) = (&mut metrics, &adapters.metrics) {
        metrics.lookups = metrics::lookups((adapters, server), metrics, fleet, now).await;
    }
    let unsettled_before = match (survey, fleet) {
        (Some(survey), Some(fleet)) if unsettled(fleet).is_some() => {
            unsettled_before(survey, read(metrics.as_ref()), settings, now).await
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    let asks_for_partitions =
        adapters.metrics.as_ref().is_some_and(|server| server.queries.asks_for_partitions());
    let asked = &adapters.inventory;
    Facts {
        settings,
        asked,
        asks_for_partitions,
        now,
        metrics,
        kafka,
        cruise_control,
        cluster,
        group_lock,
        observation,
        unsettled_before,
    }
}

async fn of_metrics(adapters: &AdapterSettings, source: &Loads, now: Timestamp) -> Option<Metrics> {
    Some(metrics::of(&adapters.metrics.as_ref()?.client, source, now).await)
}

async fn of_kafka<'a>(
    adapters: &'a AdapterSettings,
    group: Option<&Group>,
    now: Timestamp,
) -> Option<Kafka<'a>> {
    let (settings, group) = (adapters.kafka.as_ref()?, group?);
    let from = now.checked_sub(group.side().question.window).unwrap_or(Timestamp::MIN);
    let mut preflight = preflight::look(&group.source, vec![from], now).await;
    let reading = preflight.reading.take();
    Some(Kafka { settings, preflight, reading })
}

async fn of_cruise_control(adapters: &AdapterSettings) -> Option<Executor> {
    let api = adapters.cruise_control.as_ref()?;
    Some(Executor { base: api.base(), state: api.executor().await })
}

/// What was read besides the cluster, and where earlier readings come from.
pub(super) struct Read<'a> {
    /// `None`: the metric server does not answer, or there is none.
    pub(super) readings: Option<Readings>,
    pub(super) loads: &'a Loads,
    /// `None`: Kafka is not asked, or does not tell.
    pub(super) group: Option<(GroupSide<'a>, Result<GroupReading, GroupError>)>,
    /// `None`: it is not asked.
    pub(super) cruise_control: Option<&'a Executor>,
}

/// What a cycle would see and decide. What could not be read is left out; it has its own finding.
pub(super) async fn observe(
    survey: &Survey,
    read: Read<'_>,
    settings: &RunSettings,
    now: Timestamp,
) -> Option<Result<Observation, ObserveError>> {
    let Read { readings, loads, group, cruise_control } = read;
    let pods = survey.pods.as_ref().ok()?.clone();
    let controller = survey.controller.as_ref().ok().cloned().flatten();
    let budgets = survey.budgets.as_ref().and_then(|budgets| budgets.as_ref().ok()).cloned();
    let (ownership, budgets) = (survey.ownership.clone(), budgets.unwrap_or_default());
    let cruise_control = cruise_control.map(|executor| executor.state.clone());
    let surroundings =
        Surroundings { controller, ownership, budgets, cruise_control, ..survey.neighbors.clone() };
    let by_kafka = group.as_ref().is_some_and(|(side, _)| !side.question.indicators.is_empty());
    let nothing = || if by_kafka { Readings::none() } else { nothing_measured() };
    let readings = readings.filter(is_usable).unwrap_or_else(nothing);
    let (side, group) = group.unzip();
    let reading = FleetReading { readings, hpas: survey.hpas.clone(), surroundings, pods, group };
    let snapshot = assemble(&settings.subject, reading, loads, side, &settings.policy, now).await;
    Some(snapshot.map(|snapshot| decide(snapshot, &settings.policy)))
}

/// Why the consumer group has not settled, when a cycle holds for that.
fn unsettled(observation: &Observation) -> Option<&Unusable> {
    match &observation.report.decision {
        Decision::Hold(Hold::GroupUnsettled { why }) => Some(why),
        Decision::Hold(_) | Decision::Balanced | Decision::Rotate(_) => None,
    }
}

/// The same if who held what a while ago were so now: what is a passing state of the group would be over.
async fn unsettled_before(
    survey: &Survey,
    read: Read<'_>,
    settings: &RunSettings,
    now: Timestamp,
) -> Option<Unusable> {
    let before = now.checked_sub(longer_than_a_rebalance(settings)).ok()?;
    let partitions = read.loads.partitions(before).await?;
    let readings = read.readings.map(|readings| Readings { partitions: Some(partitions), ..readings });
    let observation = observe(survey, Read { readings, ..read }, settings, now).await?.ok()?;
    unsettled(&observation).cloned()
}

/// Old owners are seen for a window of the rates.
pub(super) fn longer_than_a_rebalance(settings: &RunSettings) -> SignedDuration {
    (settings.policy.balance.persistence.step() * 2).max(SignedDuration::from_mins(10))
}

/// Something can be decided on it, be it that the store mixes clusters.
pub(super) fn is_usable(readings: &Readings) -> bool {
    readings.loads.values().any(|load| load.as_ref().map_or_else(MetricsError::is_ambiguous, |_| true))
}

/// Stands for readings that could not be had, so that the pods are looked at all the same.
fn nothing_measured() -> Readings {
    let unknown = || MetricsError::Unavailable { message: "not read".to_owned() };
    Readings {
        loads: [(Indicator::Cpu, Ok(Samples::new()))].into(),
        claims: Default::default(),
        cpu_requests: Err(unknown()),
        hpas: Err(unknown()),
        partitions: None,
    }
}

/// How far we are ahead of a clock that shows only whole seconds; within its second we are not.
fn ahead(ours: Timestamp, theirs: Timestamp) -> SignedDuration {
    let ahead = ours.duration_since(theirs);
    if (SignedDuration::ZERO..=SignedDuration::from_secs(1)).contains(&ahead) {
        SignedDuration::ZERO
    } else {
        ahead
    }
}
