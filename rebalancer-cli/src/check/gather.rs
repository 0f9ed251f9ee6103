//! Reads what a check judges. Everything that does not depend on something broken is read, so that one run shows all
//! mistakes.

mod cluster;
mod metrics;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{FleetReading, Observation, assemble};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::history::Constraints;
use rebalancer_core::planner::plan;
use rebalancer_core::policy::Policy;
use rebalancer_core::port::{MetricsError, Readings};
use rebalancer_core::snapshot::{ObserveError, Snapshot, Surroundings};
use rebalancer_kube::{ConnectError, Connection};
use rebalancer_prom::PrometheusSource;

use super::facts::{Cluster, Facts, Metrics, Survey};
use crate::config::{AdapterSettings, RunSettings};

/// Reads all of it. Changes nothing.
pub(super) async fn facts<'a>(
    connection: Result<Connection, ConnectError>,
    adapters: &'a AdapterSettings,
    settings: &'a RunSettings,
) -> Facts<'a> {
    let now = Timestamp::now();
    let source = PrometheusSource::new(adapters.metrics.clone(), adapters.queries.clone());
    let (mut metrics, cluster) = tokio::join!(
        metrics::of(&adapters.metrics, &source, now),
        cluster::of(connection, adapters, settings)
    );
    let survey = match &cluster {
        Cluster::There(survey) => Some(survey.as_ref()),
        Cluster::NotConfigured(_) | Cluster::Silent(_) => None,
    };
    let observation = match survey {
        Some(survey) => observe(survey, &metrics, &source, settings, now).await,
        None => None,
    };
    let fleet = observation.as_ref().and_then(|observation| observation.as_ref().ok());
    metrics.lookups = metrics::lookups(&adapters.metrics, &adapters.queries, &metrics, fleet, now).await;
    let asks_for_partitions = adapters.queries.asks_for_partitions();
    Facts { settings, asked: &adapters.inventory, asks_for_partitions, now, metrics, cluster, observation }
}

/// What a cycle would see and decide. What could not be read is left out; it has its own finding.
pub(super) async fn observe(
    survey: &Survey,
    metrics: &Metrics,
    source: &PrometheusSource,
    settings: &RunSettings,
    now: Timestamp,
) -> Option<Result<Observation, ObserveError>> {
    let pods = survey.pods.as_ref().ok()?.clone();
    let controller = survey.controller.as_ref().ok().cloned().flatten();
    let budgets = survey.budgets.as_ref().and_then(|budgets| budgets.as_ref().ok()).cloned();
    let surroundings =
        Surroundings { controller, budgets: budgets.unwrap_or_default(), ..Surroundings::default() };
    let readings = metrics.readings.clone().filter(is_usable).unwrap_or_else(nothing_measured);
    let reading = FleetReading { readings, hpas: survey.hpas.clone(), surroundings, pods };
    let snapshot = assemble(&settings.subject, reading, source, &settings.policy, now).await;
    Some(snapshot.map(|snapshot| decided(snapshot, &settings.policy)))
}

/// What a cycle without memory would decide.
fn decided(snapshot: Snapshot, policy: &Policy) -> Observation {
    let constraints = Constraints::default();
    let report = plan(&snapshot, policy, &constraints);
    Observation { snapshot, look_back: None, constraints, report }
}

fn is_usable(readings: &Readings) -> bool {
    readings.loads.values().any(Result::is_ok)
}

/// Stands for readings that could not be had, so that the pods are looked at all the same.
fn nothing_measured() -> Readings {
    let unknown = || MetricsError::Unavailable { message: "not read".to_owned() };
    Readings {
        loads: [(Indicator::Cpu, Ok(Samples::new()))].into(),
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
