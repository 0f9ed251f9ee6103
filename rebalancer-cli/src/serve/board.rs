//! What is known of every workload, for whoever asks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::Record;
use rebalancer_core::report::Report;
use rebalancer_kube::Leadership;
use tokio::sync::watch;

use crate::telemetry::MetricFamily;

/// Cycles that are remembered of each workload.
const MOST_CYCLES: usize = 240;

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
}

impl Last {
    /// It did not come to a cycle.
    pub(super) fn failed(problem: String) -> Self {
        let ended_at = Timestamp::now();
        let (report, families) = (None, Vec::new());
        Self { ended_at, seconds: 0.0, status: "failed", problem: Some(problem), report, families }
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
    pub(crate) workload: Workload,
    pub(crate) dry_run: bool,
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
    pub(crate) past: VecDeque<Past>,
}

impl Place {
    fn new(workload: Workload, dry_run: bool) -> Self {
        Self {
            workload,
            dry_run,
            listed: false,
            running: false,
            next: None,
            last: None,
            record: None,
            past: VecDeque::new(),
        }
    }
}

/// Everything that is known.
pub(crate) struct Board {
    places: Mutex<BTreeMap<(String, String), Place>>,
    leadership: Option<watch::Receiver<Leadership>>,
    /// What is wrong with the newest version of the file of workloads.
    rejected: Mutex<Option<String>>,
}

impl Board {
    /// Empty. `leadership`: `None` where this process acts without being elected.
    pub(crate) fn new(leadership: Option<watch::Receiver<Leadership>>) -> Self {
        Self { places: Mutex::default(), leadership, rejected: Mutex::default() }
    }

    /// All workloads, by namespace and name.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.locked().values().cloned().collect()
    }

    /// One workload.
    pub(crate) fn place(&self, namespace: &str, name: &str) -> Option<Place> {
        self.locked().get(&(namespace.to_owned(), name.to_owned())).cloned()
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

    /// Why this replica is not ready; empty when it is.
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
                unlisted.map(|place| format!("the watches on {} have not told it yet", place.workload)),
            );
        }
        why
    }

    pub(super) fn reject(&self, problem: Option<String>) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn enter(&self, workload: &Workload, dry_run: bool) {
        self.locked()
            .entry(key(workload))
            .and_modify(|place| place.dry_run = dry_run)
            .or_insert_with(|| Place::new(workload.clone(), dry_run));
    }

    pub(super) fn leave(&self, workload: &Workload) {
        self.locked().remove(&key(workload));
    }

    pub(super) fn change(&self, workload: &Workload, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.locked().get_mut(&key(workload)) {
            change(place);
        }
    }

    pub(super) fn ended(&self, workload: &Workload, last: Last, record: Option<Record>) {
        self.change(workload, |place| {
            let ranked = last.report.as_ref().and_then(|report| report.indicators.first());
            let spread = ranked.map(|seen| (seen.distribution.cv, seen.distribution.max_to_mean));
            place.past.push_back(Past { ended_at: last.ended_at, status: last.status, spread });
            if place.past.len() > MOST_CYCLES {
                place.past.pop_front();
            }
            place.last = Some(Arc::new(last));
            if let Some(record) = record {
                place.record = Some(Arc::new(record));
            }
        });
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<(String, String), Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(workload: &Workload) -> (String, String) {
    (workload.namespace.clone(), workload.name.clone())
}
