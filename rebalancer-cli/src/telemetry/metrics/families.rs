//! All metric families of one run.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::proto::MetricFamily;
use rebalancer_core::cycle::Outcome;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::{Breaker, Budget, GroupEffect, Record};

use super::catalog::{
    BREAKER_STATE, BUILD_INFO, DRY_RUN, GROUP_CV, GROUP_REBALANCE, INTERVAL, LAST_RUN, LAST_RUN_STATUS,
    LAST_SUCCESS, LEADER, LOAD_CV, LOAD_MAX_TO_MEAN, LOAD_MEAN, MEASURED_IMPROVEMENT, POD_LOAD, PODS,
    PREDICTED_IMPROVEMENT, PROPOSAL_STATE, REMOVAL_BUDGET, REMOVAL_BUDGET_USED,
};
use super::counters;
use super::family::Families;
use super::seen::{MetricsJournal, Seen};
use crate::target::Target;

/// One run of one workload, as far as it is known.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// The workload, in its cluster.
    pub(crate) target: &'a Target,
    /// How it ended, as `cycle_finished` has it.
    pub(crate) status: &'a str,
    /// It came to a decision, and nothing failed.
    pub(crate) success: bool,
    /// It changed nothing.
    pub(crate) dry_run: bool,
    /// When it ended.
    pub(crate) ended: Timestamp,
    /// How many pods may be removed in which time.
    pub(crate) budget: Option<Budget>,
    /// The record as it is in the store; `None` when that is not known.
    pub(crate) record: Option<&'a Record>,
    /// What it saw and decided.
    pub(crate) journal: &'a MetricsJournal,
}

/// What lives and dies together: a run that knows nothing of a part leaves the one of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What is counted.
    Record,
    /// What is remembered beside counters.
    Memory,
    /// What is true of the last run alone.
    Run,
    /// When the last run ended that was a success.
    Success,
    /// What the last prediction was.
    Prediction,
}

impl Part {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Memory => "memory",
            Self::Run => "run",
            Self::Success => "success",
            Self::Prediction => "prediction",
        }
    }
}

/// Every family of which something is known.
pub(crate) fn all(run: &Run<'_>) -> Vec<MetricFamily> {
    of(run).into_iter().flat_map(|(_, families)| families).collect()
}

/// What is true of a process that stays, at this moment.
pub(crate) fn live<'a>(
    targets: impl Iterator<Item = &'a Target>,
    leads: bool,
    interval: Duration,
) -> Vec<MetricFamily> {
    let of = |target| {
        let mut families = Families::of(target);
        families.one(LEADER, if leads { 1.0 } else { 0.0 });
        families.one(INTERVAL, interval.as_secs_f64());
        families.into_vec()
    };
    targets.flat_map(of).collect()
}

/// Every part of which something is known.
pub(super) fn of(run: &Run<'_>) -> Vec<(Part, Vec<MetricFamily>)> {
    let seen = run.journal.seen();
    let part = |part, fill: &dyn Fn(&mut Families<'_>)| {
        let mut families = Families::of(run.target);
        fill(&mut families);
        (part, families.into_vec())
    };
    let parts = [
        part(Part::Record, &|families| {
            // A dry run reads without the lock. A real one may have counted more meanwhile, and counters must not
            // fall.
            if let Some(record) = run.record.filter(|_| !run.dry_run) {
                counters::add(families, record.counters());
            }
        }),
        part(Part::Memory, &|families| {
            if let Some(record) = run.record {
                remembered(families, record, run);
            }
        }),
        part(Part::Run, &|families| {
            ended(families, run);
            if let Some(seen) = seen {
                observed(families, seen);
            }
        }),
        part(Part::Success, &|families| {
            if run.success {
                families.one(LAST_SUCCESS, seconds(run.ended));
            }
        }),
        part(Part::Prediction, &|families| {
            if let Some(predicted) = seen.and_then(|seen| seen.predicted) {
                families.one(PREDICTED_IMPROVEMENT, predicted);
            }
        }),
    ];
    parts.into_iter().filter(|(_, families)| !families.is_empty()).collect()
}

fn remembered(families: &mut Families<'_>, record: &Record, run: &Run<'_>) {
    families.state(BREAKER_STATE, &Breaker::NAMES, record.breaker().name());
    let proposal = record.proposal().map(|open| open.approved.is_some());
    let state = match proposal {
        None => "none",
        Some(false) => "waiting",
        Some(true) => "approved",
    };
    families.state(PROPOSAL_STATE, &["none", "waiting", "approved"], state);
    if let Some(measured) = measured(record) {
        families.one(MEASURED_IMPROVEMENT, measured);
    }
    if let Some(group) = record.rotations().iter().rev().find_map(|rotation| rotation.group) {
        grouped(families, &group);
    }
    if let Some(budget) = run.budget {
        families.one(REMOVAL_BUDGET, budget.pods() as f64);
        families.one(REMOVAL_BUDGET_USED, record.removed_since(run.ended, budget.window()) as f64);
    }
}

/// What the last rotation did to the consumer group: predicted, and as Kafka showed it.
fn grouped(families: &mut Families<'_>, group: &GroupEffect) {
    let known = [("before", Some(group.before)), ("predicted", group.predicted), ("after", group.measured)];
    let known = known.into_iter().filter_map(|(when, spread)| Some(([when], spread?.cv.get())));
    families.each(GROUP_CV, known);
    if let Some(millis) = group.settled_after_ms {
        families.one(GROUP_REBALANCE, millis as f64 / 1000.0);
    }
}

/// What the last rotation that was judged took away of the CV.
fn measured(record: &Record) -> Option<f64> {
    let judged = |rotation: &rebalancer_core::history::Rotation| {
        let (before, after) = (rotation.before.cv.get(), rotation.effect.measured()?.cv.get());
        (before > 0.0).then(|| (before - after) / before)
    };
    record.rotations().iter().rev().find_map(judged)
}

fn ended(families: &mut Families<'_>, run: &Run<'_>) {
    families.one(LAST_RUN, seconds(run.ended));
    families.state(LAST_RUN_STATUS, &Outcome::STATUSES, run.status);
    families.one(DRY_RUN, if run.dry_run { 1.0 } else { 0.0 });
    let revision = option_env!("REBALANCER_COMMIT").unwrap_or("unknown");
    families.each(BUILD_INFO, [([env!("CARGO_PKG_VERSION"), revision], 1.0)]);
}

fn observed(families: &mut Families<'_>, seen: &Seen) {
    families.each(PODS, seen.pods.iter().map(|(state, pods)| ([*state], *pods as f64)));
    let loads = || seen.loads.iter().map(|(indicator, distribution)| (indicator.name(), distribution));
    families.each(LOAD_CV, loads().map(|(name, load)| ([name], load.cv)));
    families.each(LOAD_MAX_TO_MEAN, loads().map(|(name, load)| ([name], load.max_to_mean)));
    let means = seen.loads.iter();
    families.each(LOAD_MEAN, means.map(|(name, load)| ([name.name(), unit(*name)], load.mean)));
    let each = seen.each.iter().map(|(pod, indicator, load)| ([pod.as_str(), indicator.name()], *load));
    families.each(POD_LOAD, each);
}

/// As a label's value: a dashboard reads it out, and a slash is no part of a unit's name.
const fn unit(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Cpu | Indicator::Memory | Indicator::Lag => indicator.unit(),
        Indicator::ConsumptionRate | Indicator::ProductionRate => "messages_per_second",
    }
}

/// Unix time.
fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
