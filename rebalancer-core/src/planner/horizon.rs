//! From forecasts of single series to what is expected of the fleet: which are relied on, and what follows for each pod.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::candidates::{Candidates, Eligible, JudgedPods};
use super::confirm;
use super::raised::Raised;
use super::strategy::{self, Selection};
use super::verdicts::Verdicts;
use crate::fleet::{Indicator, PartitionLoad, Samples};
use crate::group::GroupModel;
use crate::history::Constraints;
use crate::policy::{Policy, Strategy};
use crate::port::{HistoryGrid, SeriesForecast, SeriesOf, SeriesTrial};
use crate::report::{Decision, Hold, IndicatorReport, Method, Spared};
use crate::snapshot::{ExpectedLoads, ForecastBy, ForecastTrials, NotForecast, Outlook, Snapshot};
use crate::unit::Load;

/// What a [`plan`](super::plan) needs a forecast of: the policy asks for one, and an imbalance was there for long enough.
#[must_use]
pub fn to_forecast(snapshot: &Snapshot, policy: &Policy) -> Option<(Indicator, ForecastBy)> {
    policy.balance.horizon?;
    let unlimited = Constraints::default();
    let pods = JudgedPods::of(snapshot, policy);
    let candidates = Candidates::with(pods, snapshot, policy, &unlimited);
    let measured = candidates.measure().ok()?;
    let raised = measured.raised()?;
    confirm::confirm(&candidates, raised).ok()?;
    let by_partitions = policy.selection.strategy == Strategy::Predict
        && snapshot.partitions.is_some()
        && GroupModel::of(snapshot, raised.indicator).is_ok();
    Some((raised.indicator, if by_partitions { ForecastBy::Partitions } else { ForecastBy::Pods }))
}

/// What was asked of the forecaster.
#[derive(Debug, Clone, Copy)]
pub struct Forecasted<'a> {
    /// The indicator that raised an imbalance.
    pub indicator: Indicator,
    /// How far it looks.
    pub horizon: SignedDuration,
    /// Whose history was read.
    pub by: ForecastBy,
    /// Which times were read.
    pub grid: HistoryGrid,
    /// The series, in the order in which they were asked for.
    pub series: &'a [SeriesOf],
}

/// What follows from forecasts of single series. Of a series of which the method did not beat both baselines, the load of
/// now is expected.
#[must_use]
pub fn outlook(snapshot: &Snapshot, asked: Forecasted<'_>, came: &[SeriesForecast]) -> Outlook {
    let trials = trials(snapshot.taken_at, asked, came);
    let expected = if (trials.tried + trials.still) * 2 < trials.series || trials.series == 0 {
        Err(NotForecast::Broken)
    } else if !is_better(&trials) {
        Err(NotForecast::NotBetter)
    } else {
        Ok(expected(snapshot, asked, came))
    };
    let Forecasted { indicator, horizon, by, .. } = asked;
    Outlook { indicator, horizon, by, trials: Some(trials), expected }
}

/// In the median over the series, and for half of them.
fn is_better(trials: &ForecastTrials) -> bool {
    trials.tried > 0
        && trials.better * 2 >= trials.tried
        && trials.forecast < trials.as_now
        && trials.forecast < trials.as_a_day_ago
}

fn beats_both(trial: &SeriesTrial) -> bool {
    trial.trials > 0 && trial.forecast < trial.as_now && trial.forecast < trial.as_a_day_ago
}

fn trials(now: Timestamp, asked: Forecasted<'_>, came: &[SeriesForecast]) -> ForecastTrials {
    let (still, tried): (Vec<&SeriesTrial>, Vec<_>) =
        came.iter().filter_map(of_trial).partition(|trial| trial.as_now <= 0.0);
    let median = |of: &dyn Fn(&SeriesTrial) -> f64| {
        let mut errors: Vec<f64> = tried.iter().map(|trial| of(trial)).collect();
        errors.sort_unstable_by(f64::total_cmp);
        errors.get(errors.len() / 2).copied().unwrap_or(0.0)
    };
    let shortest = came.iter().filter_map(of_short).min();
    let back = |(readings, _): (usize, usize)| {
        let back = asked.grid.step.checked_mul(i32::try_from(readings).ok()?)?;
        (readings > 0).then_some(now.checked_sub(back).ok()?)
    };
    ForecastTrials {
        series: asked.series.len(),
        tried: tried.len(),
        still: still.len(),
        better: tried.iter().filter(|trial| beats_both(trial)).count(),
        unbroken_since: shortest.and_then(back),
        required: came.iter().filter_map(of_short).map(|(_, required)| required).max().unwrap_or(0),
        step: asked.grid.step,
        readings: asked.grid.count,
        trials: tried.iter().map(|trial| trial.trials).min().unwrap_or(0),
        forecast: median(&|trial| trial.forecast),
        as_now: median(&|trial| trial.as_now),
        as_a_day_ago: median(&|trial| trial.as_a_day_ago),
    }
}

const fn of_trial(came: &SeriesForecast) -> Option<&SeriesTrial> {
    match came {
        SeriesForecast::Tried(trial) => Some(trial),
        SeriesForecast::Short { .. } => None,
    }
}

const fn of_short(came: &SeriesForecast) -> Option<(usize, usize)> {
    match came {
        SeriesForecast::Tried(_) => None,
        SeriesForecast::Short { readings, required } => Some((*readings, *required)),
    }
}

/// The load that is expected of each series, where that is relied on.
type Later<'a> = BTreeMap<&'a SeriesOf, Load>;

fn expected(snapshot: &Snapshot, asked: Forecasted<'_>, came: &[SeriesForecast]) -> ExpectedLoads {
    let relied_on = |came| {
        let trial = of_trial(came).filter(|trial| beats_both(trial))?;
        Load::new(trial.expected).ok()
    };
    let later: Later<'_> =
        asked.series.iter().zip(came).filter_map(|(of, came)| Some((of, relied_on(came)?))).collect();
    match asked.by {
        ForecastBy::Pods => {
            let expected =
                |name: &str, now: Load| later.get(&SeriesOf::Pod(name.to_owned())).copied().unwrap_or(now);
            ExpectedLoads { pods: pods(snapshot, asked.indicator, expected), partitions: None }
        }
        ForecastBy::Partitions => by_partitions(snapshot, asked.indicator, &later),
    }
}

/// What is expected of each pod with a load now.
fn pods(snapshot: &Snapshot, indicator: Indicator, expected: impl Fn(&str, Load) -> Load) -> Samples {
    let known = snapshot.pods.iter().filter_map(|pod| Some((&pod.pod.name, pod.loads.get(indicator)?)));
    known.map(|(name, now)| (name.clone(), expected(name, now))).collect()
}

/// A pod's load changes by what its partitions cost more or less there. No load is below zero.
fn by_partitions(snapshot: &Snapshot, indicator: Indicator, later: &Later<'_>) -> ExpectedLoads {
    let of = |now: &PartitionLoad| {
        let of = SeriesOf::Partition { topic: now.topic.clone(), partition: now.partition.clone() };
        PartitionLoad { load: later.get(&of).copied().unwrap_or(now.load), ..now.clone() }
    };
    let partitions: Option<Vec<PartitionLoad>> =
        snapshot.partitions.as_ref().map(|partitions| partitions.iter().map(of).collect());
    let costs = costs(snapshot, indicator, partitions.as_deref());
    let expected = |name: &str, now: Load| {
        let change = costs.get(name).copied().unwrap_or(0.0);
        Load::new((now.get() + change).max(0.0)).unwrap_or(now)
    };
    ExpectedLoads { pods: pods(snapshot, indicator, expected), partitions }
}

/// What the change of its partitions costs each pod, by its name.
fn costs(
    snapshot: &Snapshot,
    indicator: Indicator,
    later: Option<&[PartitionLoad]>,
) -> BTreeMap<String, f64> {
    let later = Snapshot { partitions: later.map(<[PartitionLoad]>::to_vec), ..snapshot.clone() };
    let (Ok(now), Ok(later)) = (GroupModel::of(snapshot, indicator), GroupModel::without_cost(&later)) else {
        return BTreeMap::new();
    };
    let carried = now.carried_now().into_iter().zip(later.carried_now());
    let cost = |(pod, (before, after)): (&crate::group::MemberPod, (f64, f64))| {
        let name = snapshot.pods.get(pod.pod)?.pod.name.clone();
        Some((name, now.cost.slope * pod.factor * (after - before)))
    };
    now.pods.iter().zip(carried).filter_map(cost).collect()
}

/// Selects by the loads that are expected over the horizon, where they are relied on: pods that are hot now and will be.
pub(super) fn select(candidates: &Candidates<'_>, raised: &Raised<'_>) -> Selection {
    let indicator = raised.report.indicator;
    let Some(later) = candidates.snapshot.over_the_horizon(indicator) else {
        return strategy::select(candidates, raised);
    };
    let pods = JudgedPods::of(&later, candidates.policy);
    let ahead = Candidates::with(pods, &later, candidates.policy, candidates.constraints);
    let measured = match ahead.see() {
        Ok(measured) => measured,
        Err(hold) => return Selection::hold(hold),
    };
    let Some(report) = measured.indicators.iter().find(|report| report.indicator == indicator) else {
        return strategy::select(candidates, raised);
    };
    let unlike = unlike(candidates, &ahead, raised.report, report);
    let lasts = |pod: &Eligible| {
        pod.is_hot(report) && !raised.is_passing(pod.index) && !unlike.contains_key(&pod.index)
    };
    let any_lasts = report.out_of_balance && ahead.pods.eligible.iter().any(lasts);
    let over = Raised { unlike, ..Raised::confirmed(report, &measured, raised.passing.clone()) };
    if !any_lasts {
        return passes(candidates, raised.report, &over);
    }
    let mut selection = strategy::select(&ahead, &over);
    if let Decision::Rotate(plan) = &mut selection.decision {
        for removal in &mut plan.removals {
            let now = candidates.snapshot.pods.iter().find(|pod| pod.pod.uid == removal.pod.uid);
            removal.load = now.and_then(|pod| pod.loads.get(indicator)).unwrap_or(removal.load);
        }
    }
    selection
}

/// Pods that are hot only now, or only over the horizon. Both fleets have the same eligible pods.
fn unlike(
    candidates: &Candidates<'_>,
    ahead: &Candidates<'_>,
    now: &IndicatorReport,
    later: &IndicatorReport,
) -> BTreeMap<usize, Spared> {
    let both = candidates.pods.eligible.iter().zip(&ahead.pods.eligible);
    let unlike = both.filter_map(|(pod, then)| {
        let expected = then.loads.get(later.indicator)?;
        match (pod.is_hot(now), then.is_hot(later)) {
            (true, false) => {
                let limit = later.limit.for_request(then.cpu_request);
                Some((pod.index, Spared::WillPass { expected, limit }))
            }
            (false, true) => {
                Some((pod.index, Spared::NotHot { limit: now.limit.for_request(pod.cpu_request) }))
            }
            (true, true) | (false, false) => None,
        }
    });
    unlike.collect()
}

fn passes(candidates: &Candidates<'_>, now: &IndicatorReport, over: &Raised<'_>) -> Selection {
    let mut verdicts = Verdicts::of_ranked();
    verdicts.spare_passing(over, candidates.policy.balance.persistence);
    let outlook = candidates.snapshot.outlook.as_ref();
    let hold = Hold::WillPass {
        indicator: now.indicator,
        horizon: outlook.map_or(SignedDuration::ZERO, |outlook| outlook.horizon),
        cv: now.distribution.cv,
        expected_cv: over.report.distribution.cv,
        max: Load::new(now.distribution.max).unwrap_or(Load::MAX),
        expected_max: Load::new(over.report.distribution.max).unwrap_or(Load::MAX),
        limit: over.report.limit.hot_above(),
    };
    Selection { method: Method::None, prediction: None, decision: Decision::Hold(hold), verdicts }
}
