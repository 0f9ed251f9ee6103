//! Reads the history of loads and has it forecast, where an imbalance lasts and the policy asks for it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fleet::Indicator;
use crate::planner::{self, Forecasted};
use crate::policy::Policy;
use crate::port::{HistoryGrid, LoadForecaster, LoadHistory, MetricsError, MetricsSource, SeriesOf};
use crate::snapshot::{ForecastBy, NotForecast, Outlook, Snapshot};
use crate::unit::Load;

/// What is expected; `None` where nothing is to be forecast. Whatever fails, the loads of now count then.
pub(super) async fn look_ahead(
    snapshot: &Snapshot,
    metrics: &dyn MetricsSource,
    forecaster: &dyn LoadForecaster,
    policy: &Policy,
    now: Timestamp,
) -> Option<Outlook> {
    let horizon = policy.balance.horizon?.get();
    let (indicator, by) = planner::to_forecast(snapshot, policy)?;
    let not_used = |why| Outlook { indicator, horizon, by, trials: None, expected: Err(why) };
    let count = match by {
        ForecastBy::Partitions => snapshot.partitions.as_ref().map_or(0, Vec::len),
        ForecastBy::Pods => snapshot.pods.iter().filter(|pod| pod.loads.get(indicator).is_some()).count(),
    };
    let grid = match forecaster.grid(count, horizon) {
        Ok(grid) => grid,
        Err(error) => return Some(not_used(NotForecast::Failed { error })),
    };
    let read = match by {
        ForecastBy::Partitions => of_partitions(snapshot, metrics, grid, now).await,
        ForecastBy::Pods => of_pods(snapshot, indicator, metrics, grid, now).await,
    };
    let histories = match read {
        Ok(histories) => histories,
        Err(error) => return Some(not_used(NotForecast::Unread { error })),
    };
    let series: Vec<SeriesOf> = histories.iter().map(|history| history.of.clone()).collect();
    Some(match forecaster.forecast(histories, grid, horizon).await {
        Ok(came) => {
            let asked = Forecasted { indicator, horizon, by, grid, series: &series };
            planner::outlook(snapshot, asked, &came)
        }
        Err(error) => not_used(NotForecast::Failed { error }),
    })
}

/// One for each partition of the snapshot. One of which nothing was read has an empty history.
async fn of_partitions(
    snapshot: &Snapshot,
    metrics: &dyn MetricsSource,
    grid: HistoryGrid,
    now: Timestamp,
) -> Result<Vec<LoadHistory>, MetricsError> {
    let read = metrics.partition_history(now, grid).await?;
    let mut read: BTreeMap<SeriesOf, Vec<Option<Load>>> =
        read.into_iter().map(|history| (history.of, history.loads)).collect();
    let partitions = snapshot.partitions.iter().flatten().map(|partition| SeriesOf::Partition {
        topic: partition.topic.clone(),
        partition: partition.partition.clone(),
    });
    let mut wanted: Vec<SeriesOf> = partitions.collect();
    wanted.dedup();
    let history = |of: SeriesOf| LoadHistory { loads: read.remove(&of).unwrap_or_default(), of };
    Ok(wanted.into_iter().map(history).collect())
}

/// One for each pod with a load, since it became Ready: a name may have been another pod's before.
async fn of_pods(
    snapshot: &Snapshot,
    indicator: Indicator,
    metrics: &dyn MetricsSource,
    grid: HistoryGrid,
    now: Timestamp,
) -> Result<Vec<LoadHistory>, MetricsError> {
    let windows = metrics.past(indicator, now, grid.step, grid.count).await?;
    let windows = snapshot.own_past(indicator, windows)?;
    let back = |steps: usize| {
        let back = grid.step.saturating_mul(i32::try_from(steps).unwrap_or(i32::MAX));
        now.checked_sub(back).unwrap_or(Timestamp::MIN)
    };
    let of_pod = |(name, since): (&String, Option<Timestamp>)| {
        let steps = windows.iter().zip(1..);
        let own = |steps: usize| since.is_some_and(|since| since <= back(steps));
        let mut loads: Vec<Option<Load>> =
            steps.map(|(window, steps)| window.get(name).copied().filter(|_| own(steps))).collect();
        loads.reverse();
        LoadHistory { of: SeriesOf::Pod(name.clone()), loads }
    };
    let pods = snapshot.pods.iter().filter(|pod| pod.loads.get(indicator).is_some());
    Ok(pods.map(|pod| of_pod((&pod.pod.name, pod.pod.ready_since))).collect())
}
