//! What is known, as it is served: as JSON, and as what the pages draw. docs/schema has the shape of each.

use std::sync::Arc;

use jiff::Timestamp;
use rebalancer_core::fleet::{Indicator, Workload};
use rebalancer_core::history::{Breaker, Rotation};
use rebalancer_core::report::Decision;
use serde::Serialize;

use super::board::{Board, Last, Past, Place};
use crate::advice;
use crate::journal::TrailEntry;
use crate::render::{Approval, PlanDocument, Shown};
use crate::target::Target;

/// The version of the shapes of `/api/v1`. Within a version, fields are only ever added.
pub(crate) const VERSION: u32 = 1;

/// Everything that is known at one time.
pub(super) struct View {
    pub(super) at: Timestamp,
    pub(super) places: Vec<Place>,
    pub(super) replica: ReplicaEntry,
    pub(super) not_ready: Vec<String>,
    pub(super) rejected: Option<String>,
}

/// What `/api/v1/workloads` answers.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkloadsDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// When this was known.
    at: Timestamp,
    /// What this replica does.
    replica: &'a ReplicaEntry,
    /// Why this replica is not ready; empty when it is.
    not_ready: &'a [String],
    /// What is wrong with the newest version of the file of workloads, while the one before counts; `null` where nothing is.
    rejected_file: Option<&'a str>,
    /// Every workload, by namespace and name.
    workloads: Vec<WorkloadEntry<'a>>,
}

/// What `/api/v1/workloads/{namespace}/{name}` answers.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkloadDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// When this was known.
    at: Timestamp,
    /// What this replica does.
    replica: &'a ReplicaEntry,
    #[serde(flatten)]
    entry: WorkloadEntry<'a>,
    /// The last decision, as `rebalancer plan --output json` has it; `null` when the last cycle did not come to one.
    plan: Option<PlanDocument<'a>>,
    /// Rotations that are remembered, the oldest first.
    rotations: &'a [Rotation],
    /// The audit trail of this process, the oldest line first.
    trail: Vec<&'a TrailEntry>,
    /// Loads of the pods over the last hours.
    loads: LoadsEntry,
}

/// What this replica does.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReplicaEntry {
    /// Cycles run here.
    pub(super) acts: bool,
    /// Replicas are elected; where not, this one acts.
    pub(super) elected: bool,
    /// Who holds the Lease, as it was seen last; `null` where nobody does, or there is no election.
    pub(super) holder: Option<String>,
    /// Why the Lease could not be read or written, the last time.
    pub(super) election_error: Option<String>,
}

/// One workload at a glance.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkloadEntry<'a> {
    /// Which one.
    pub(super) workload: &'a Workload,
    /// What its cluster is called, where CLUSTER_NAME says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<&'a str>,
    /// Removals are only tried, nothing is changed.
    pub(super) dry_run: bool,
    /// Its watches have told the whole fleet.
    pub(super) listed: bool,
    /// A cycle is under way.
    pub(super) running: bool,
    /// When the next cycle begins, unless something changes before; `null` when that is not known.
    pub(super) next_cycle: Option<Timestamp>,
    /// How the last cycle ended; `null` when none has.
    pub(super) last_cycle: Option<CycleEntry>,
    /// How even the loads were in the last cycle, by the indicator that ranks pods; `null` when that is not known.
    pub(super) balance: Option<BalanceEntry>,
    /// The circuit breaker; `null` without a record.
    pub(super) breaker: Option<BreakerEntry>,
    /// The removal budget; `null` when none counts.
    pub(super) budget: Option<BudgetEntry>,
    /// Earlier cycles, the oldest first; the last one is the last cycle.
    pub(super) past: Vec<PastEntry>,
}

/// How a cycle ended.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CycleEntry {
    /// When.
    pub(super) ended_at: Timestamp,
    /// How long it took.
    pub(super) seconds: f64,
    /// As the log line `cycle_finished` has it.
    pub(super) status: &'static str,
    /// What was decided: `rotate`, `balanced`, or the name of a hold; `null` when it did not come to that.
    pub(super) decision: Option<&'static str>,
    /// The decision in words, or why there is none, with what to do about it.
    pub(super) summary: String,
    /// Why it failed, or held without a decision.
    pub(super) problem: Option<String>,
}

/// How even the loads are.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BalanceEntry {
    /// By which indicator.
    pub(super) indicator: Indicator,
    /// Coefficient of variation.
    pub(super) cv: f64,
    /// Highest load by mean load.
    pub(super) max_to_mean: f64,
    /// It says that the fleet is out of balance.
    pub(super) out_of_balance: bool,
}

/// The circuit breaker.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BreakerEntry {
    /// `closed`, `open` or `half_open`.
    pub(super) state: &'static str,
    /// Until when it stays open.
    pub(super) until: Option<Timestamp>,
    /// Why it opened last, in words.
    pub(super) why: Option<String>,
}

/// The removal budget.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BudgetEntry {
    /// Pods that were removed, or may have been, in the time that ends now; `null` without a record.
    pub(super) used: Option<u64>,
    /// The most that may be.
    pub(super) allowed: u64,
    /// In so many seconds.
    pub(super) window_seconds: i64,
}

/// A cycle in a line.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PastEntry {
    /// When it ended.
    pub(super) ended_at: Timestamp,
    /// As the log line `cycle_finished` has it.
    pub(super) status: &'static str,
    /// Coefficient of variation; `null` where it was not seen.
    pub(super) cv: Option<f64>,
    /// Highest load by mean load; `null` where it was not seen.
    pub(super) max_to_mean: Option<f64>,
}

/// Loads over time.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LoadsEntry {
    /// By which indicator; `null` when nothing was seen yet.
    indicator: Option<Indicator>,
    /// The unit of the loads.
    unit: Option<&'static str>,
    /// The times of the columns.
    times: Vec<Timestamp>,
    /// Each pod by name, with its load at each of the times.
    pods: Vec<PodLoads>,
}

/// One pod over time.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PodLoads {
    /// Its name.
    #[cfg_attr(test, schemars(with = "String"))]
    name: Name,
    /// Its load at each of the times; `null` is not known, never zero.
    loads: Vec<Option<f32>>,
}

/// A name in the memory of the board.
#[derive(Serialize)]
#[serde(transparent)]
struct Name(#[serde(serialize_with = "as_text")] Arc<str>);

fn as_text<S: serde::Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

impl View {
    /// Of all workloads.
    pub(super) fn of(board: &Board, at: Timestamp) -> Self {
        Self::over(board, board.places(), at)
    }

    /// Of one; `None` when it is not known.
    pub(super) fn of_one(board: &Board, at: Timestamp, target: &Target) -> Option<Self> {
        Some(Self::over(board, vec![board.place(target)?], at))
    }

    fn over(board: &Board, places: Vec<Place>, at: Timestamp) -> Self {
        let leadership = board.leadership();
        let replica = ReplicaEntry {
            acts: board.leads(),
            elected: leadership.is_some(),
            holder: leadership.as_ref().and_then(|leadership| leadership.holder.clone()),
            election_error: leadership.and_then(|leadership| leadership.error),
        };
        Self { at, places, replica, not_ready: board.not_ready(), rejected: board.rejected() }
    }

    /// All workloads.
    pub(super) fn workloads(&self) -> WorkloadsDocument<'_> {
        WorkloadsDocument {
            version: VERSION,
            at: self.at,
            replica: &self.replica,
            not_ready: &self.not_ready,
            rejected_file: self.rejected.as_deref(),
            workloads: self.entries(),
        }
    }

    /// The first workload; `None` when there is none.
    pub(super) fn workload(&self) -> Option<WorkloadDocument<'_>> {
        let place = self.places.first()?;
        Some(WorkloadDocument {
            version: VERSION,
            at: self.at,
            replica: &self.replica,
            entry: WorkloadEntry::of(place, self.at),
            plan: shown(place).map(|shown| PlanDocument::of(&shown)),
            rotations: place.record.as_ref().map(|record| record.rotations()).unwrap_or_default(),
            trail: place.trail.iter().collect(),
            loads: LoadsEntry::of(place),
        })
    }

    /// Every workload at a glance.
    pub(super) fn entries(&self) -> Vec<WorkloadEntry<'_>> {
        self.places.iter().map(|place| WorkloadEntry::of(place, self.at)).collect()
    }
}

/// The last decision, as it is shown; `None` when there is none.
pub(super) fn shown(place: &Place) -> Option<Shown<'_>> {
    let last = place.last.as_ref()?;
    Some(Shown {
        cluster: place.cluster.as_deref(),
        report: last.report.as_ref()?,
        names: Some(&place.terms.names),
        last: place.record.as_ref().and_then(|record| record.rotations().last()),
        usage: last.metrics,
        kafka: last.kafka,
        approval: Approval {
            required: false,
            proposal: place.record.as_ref().and_then(|record| record.proposal()),
        },
        replayed: None,
    })
}

impl<'a> WorkloadEntry<'a> {
    /// The workload, in its cluster.
    pub(super) fn target(&self) -> Target {
        Target { cluster: self.cluster.map(str::to_owned), workload: self.workload.clone() }
    }

    pub(super) fn of(place: &'a Place, now: Timestamp) -> Self {
        let last = place.last.as_deref();
        let record = place.record.as_deref();
        Self {
            workload: &place.workload,
            cluster: place.cluster.as_deref(),
            dry_run: place.terms.dry_run,
            listed: place.listed,
            running: place.running,
            next_cycle: place.next,
            last_cycle: last.map(|last| CycleEntry::of(last, place)),
            balance: last.and_then(BalanceEntry::of),
            breaker: record.map(|record| BreakerEntry::of(record.breaker())),
            budget: place.terms.budget.map(|budget| BudgetEntry {
                used: record.map(|record| record.removed_since(now, budget.window())),
                allowed: budget.pods(),
                window_seconds: budget.window().as_secs(),
            }),
            past: place.past.iter().map(PastEntry::of).collect(),
        }
    }
}

impl CycleEntry {
    fn of(last: &Last, place: &Place) -> Self {
        let decided = last.report.as_ref().map(|report| advice::report(report, &place.terms.names));
        let summary = last.problem.clone().or(decided).unwrap_or_else(|| "nothing was decided".to_owned());
        Self {
            ended_at: last.ended_at,
            seconds: last.seconds,
            status: last.status,
            decision: last.report.as_ref().map(|report| Decision::name(&report.decision)),
            summary,
            problem: last.problem.clone(),
        }
    }
}

impl BalanceEntry {
    fn of(last: &Last) -> Option<Self> {
        let seen = last.report.as_ref()?.indicators.first()?;
        Some(Self {
            indicator: seen.indicator,
            cv: seen.distribution.cv,
            max_to_mean: seen.distribution.max_to_mean,
            out_of_balance: seen.out_of_balance,
        })
    }
}

impl BreakerEntry {
    fn of(breaker: Breaker) -> Self {
        let (until, why) = match breaker {
            Breaker::Closed => (None, None),
            Breaker::Open { until, why, .. } => (Some(until), Some(why.to_string())),
            Breaker::HalfOpen { why, .. } => (None, Some(why.to_string())),
        };
        Self { state: breaker.name(), until, why }
    }
}

impl PastEntry {
    fn of(past: &Past) -> Self {
        let (cv, max_to_mean) = past.spread.unzip();
        Self { ended_at: past.ended_at, status: past.status, cv, max_to_mean }
    }
}

impl LoadsEntry {
    fn of(place: &Place) -> Self {
        let indicator = place.loads.indicator();
        let pods = place.loads.rows().into_iter().map(|(name, loads)| PodLoads { name: Name(name), loads });
        Self {
            indicator,
            unit: indicator.map(Indicator::unit),
            times: place.loads.times().collect(),
            pods: pods.collect(),
        }
    }
}
