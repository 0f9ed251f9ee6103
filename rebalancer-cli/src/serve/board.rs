//! What is known of every workload, for whoever asks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::{Budget, Record};
use rebalancer_core::port::Mode;
use rebalancer_core::report::Report;
use rebalancer_kube::Leadership;
use tokio::sync::watch;

use super::loads::Loads;
use crate::config::{Names, RunSettings};
use crate::journal::TrailEntry;
use crate::target::Target;
use crate::telemetry::MetricFamily;

/// Cycles that are remembered of each workload.
const MOST_CYCLES: usize = 240;
/// Lines of the audit trail that are remembered of each workload.
const MOST_LINES: usize = 200;

/// A cycle that has ended.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) ended_at: Timestamp,
    pub(crate) seconds: f64,
    /// As `cycle_finished` has it.
    pub(crate) status: &'static str,
    /// Why it failed, or held without a decision.
    pub(crate) problem: Option<String>,
    /// What was decided; `None` when it did not come to that.
    pub(crate) report: Option<Report>,
    /// Its metrics.
    pub(crate) families: Vec<MetricFamily>,
    /// The removals that it intended and finished.
    pub(crate) trail: Vec<TrailEntry>,
    /// What the metric server was asked for it.
    pub(crate) metrics: rebalancer_prom::Usage,
    /// What Kafka was asked for it; `None` where it is not asked.
    pub(crate) kafka: Option<rebalancer_kafka::Usage>,
}

/// What the settings say of a workload.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    /// Removals are only tried.
    pub(crate) dry_run: bool,
    /// The names by which the fleet is found.
    pub(crate) names: Names,
    /// How many pods may be removed in which time; `None`: no budget counts.
    pub(crate) budget: Option<Budget>,
}

impl From<&RunSettings> for Terms {
    fn from(run: &RunSettings) -> Self {
        Self {
            dry_run: run.mode == Mode::DryRun,
            names: run.names.clone(),
            budget: run.memory.and_then(|memory| memory.policy.budget()),
        }
    }
}

impl Last {
    /// It did not come to a cycle.
    pub(super) fn failed(problem: String) -> Self {
        let ended_at = Timestamp::now();
        Self {
            ended_at,
            seconds: 0.0,
            status: "failed",
            problem: Some(problem),
            report: None,
            families: Vec::new(),
            trail: Vec::new(),
            metrics: rebalancer_prom::Usage::default(),
            kafka: None,
        }
    }
}

/// A cycle in a line.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) ended_at: Timestamp,
    pub(crate) status: &'static str,
    /// The CV and the ratio of the largest load to the mean, of the indicator that ranks pods; `None` where it was not seen.
    pub(crate) spread: Option<(f64, f64)>,
}

/// One workload.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// What its cluster is called; `None`: nothing.
    pub(crate) cluster: Option<String>,
    pub(crate) workload: Workload,
    pub(crate) terms: Terms,
    /// Its watches have told the whole fleet.
    pub(crate) listed: bool,
    /// A cycle is under way.
    pub(crate) running: bool,
    /// When the next begins, unless something changes.
    pub(crate) next: Option<Timestamp>,
    pub(crate) last: Option<Arc<Last>>,
    /// The record, as it was known last.
    pub(crate) record: Option<Arc<Record>>,
    /// Earlier cycles, the oldest first.
    pub(crate) past: Arc<VecDeque<Past>>,
    /// Loads of its pods over the last hours.
    pub(crate) loads: Arc<Loads>,
    /// The audit trail since this process began, the oldest first.
    pub(crate) trail: Arc<VecDeque<TrailEntry>>,
}

impl Place {
    fn new(Target { cluster, workload }: Target, terms: Terms) -> Self {
        Self {
            cluster,
            workload,
            terms,
            listed: false,
            running: false,
            next: None,
            last: None,
            record: None,
            past: Arc::default(),
            loads: Arc::default(),
            trail: Arc::default(),
        }
    }
}

impl Place {
    /// The workload, in its cluster.
    pub(crate) fn target(&self) -> Target {
        Target { cluster: self.cluster.clone(), workload: self.workload.clone() }
    }
}

/// Everything that is known.
pub(crate) struct Board {
    places: Mutex<BTreeMap<Target, Place>>,
    leadership: Option<watch::Receiver<Leadership>>,
    /// What is wrong with the newest version of the file of workloads.
    rejected: Mutex<Option<String>>,
}

impl Board {
    /// Empty. `leadership`: `None` where this process acts without being elected.
    pub(crate) fn new(leadership: Option<watch::Receiver<Leadership>>) -> Self {
        Self { places: Mutex::default(), leadership, rejected: Mutex::default() }
    }

    /// With these workloads.
    #[cfg(test)]
    pub(super) fn of(places: Vec<Place>) -> Self {
        let board = Self::new(None);
        board.locked().extend(places.into_iter().map(|place| (place.target(), place)));
        board
    }

    /// All workloads, by cluster, namespace and name.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.locked().values().cloned().collect()
    }

    /// One workload.
    pub(crate) fn place(&self, target: &Target) -> Option<Place> {
        self.locked().get(target).cloned()
    }

    /// Who leads; `None` where there is no election.
    pub(crate) fn leadership(&self) -> Option<Leadership> {
        self.leadership.as_ref().map(|leadership| leadership.borrow().clone())
    }

    /// This replica acts.
    pub(crate) fn leads(&self) -> bool {
        self.leadership().is_none_or(|leadership| leadership.leads())
    }

    /// What is wrong with the newest version of the file of workloads; the one before counts.
    pub(crate) fn rejected(&self) -> Option<String> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What keeps this replica from working for all workloads; empty when nothing does.
    pub(crate) fn not_ready(&self) -> Vec<String> {
        let mut why = Vec::new();
        match self.leadership() {
            Some(Leadership { error: Some(error), .. }) => {
                why.push(format!("who leads is not known: {error}"));
            }
            Some(Leadership { until: None, holder: None, error: None }) => {
                why.push("no replica leads yet".to_owned());
            }
            Some(Leadership { error: None, .. }) | None => {}
        }
        if self.leads() {
            let unlisted = self.places().into_iter().filter(|place| !place.listed);
            why.extend(
                unlisted.map(|place| format!("the watches on {} have not told it yet", place.target())),
            );
        }
        why
    }

    /// It can do its work for some of the workloads: one cluster that is away must not hold up a rollout of what serves others.
    pub(crate) fn is_ready(&self) -> bool {
        let known = self
            .leadership()
            .is_none_or(|told| told.error.is_none() && (told.leads() || told.holder.is_some()));
        let places = self.places();
        let listed = places.is_empty() || places.iter().any(|place| place.listed);
        known && (!self.leads() || listed)
    }

    pub(super) fn reject(&self, problem: Option<String>) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn enter(&self, target: &Target, terms: Terms) {
        self.locked()
            .entry(target.clone())
            .and_modify(|place| place.terms = terms.clone())
            .or_insert_with(|| Place::new(target.clone(), terms));
    }

    pub(super) fn leave(&self, target: &Target) {
        self.locked().remove(target);
    }

    pub(super) fn change(&self, target: &Target, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.locked().get_mut(target) {
            change(place);
        }
    }

    pub(super) fn ended(&self, target: &Target, last: Last, record: Option<Record>) {
        self.change(target, |place| {
            let ranked = last.report.as_ref().and_then(|report| report.indicators.first());
            let spread = ranked.map(|seen| (seen.distribution.cv, seen.distribution.max_to_mean));
            let past = Past { ended_at: last.ended_at, status: last.status, spread };
            push(Arc::make_mut(&mut place.past), past, MOST_CYCLES);
            for line in &last.trail {
                push(Arc::make_mut(&mut place.trail), line.clone(), MOST_LINES);
            }
            if let Some(report) = &last.report {
                Arc::make_mut(&mut place.loads).add(report);
            }
            place.last = Some(Arc::new(last));
            if let Some(record) = record {
                place.record = Some(Arc::new(record));
            }
        });
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<Target, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    all.push_back(one);
    while all.len() > most {
        all.pop_front();
    }
}
