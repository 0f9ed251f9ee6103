//! A fleet that does what it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use jiff::Timestamp;

use crate::cycle::{PodOutcome, Ports};
use crate::fleet::{
    Controller, DisruptionBudget, Hpa, Indicator, PartitionLoad, Pod, PodRef, Samples, Workload,
};
use crate::port::{Interruption, InventoryError, MetricsError, Mode, RemovalError};
use crate::unit::Load;

/// A fleet in memory behind every port of a cycle. Nothing in it happens by itself: the clock stands still, a removed pod
/// is gone and not replaced, and what fails is what was told to fail.
#[derive(Debug)]
pub struct World {
    workload: Workload,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) now: Timestamp,
    pub(super) pods: Vec<Pod>,
    pub(super) loads: BTreeMap<Indicator, Samples>,
    pub(super) partitions: Option<Vec<PartitionLoad>>,
    pub(super) hpas: Vec<Hpa>,
    pub(super) owners: Vec<Controller>,
    pub(super) budgets: Vec<DisruptionBudget>,
    pub(super) metrics_error: Option<MetricsError>,
    pub(super) inventory_error: Option<InventoryError>,
    pub(super) removal_errors: VecDeque<RemovalError>,
    pub(super) interruption: Option<Interruption>,
    pub(super) waiting: Vec<Waker>,
    pub(super) removed: Vec<PodRef>,
    pub(super) told: Vec<JournalEntry>,
}

/// What the journal was told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum JournalEntry {
    /// What was decided, by its [name](crate::report::Decision::name).
    Decided(&'static str),
    /// A removal is about to be asked for.
    Intended {
        /// Which pod.
        pod: PodRef,
        /// Real or dry run.
        mode: Mode,
    },
    /// What became of it.
    Finished {
        /// Which pod.
        pod: PodRef,
        /// Its outcome.
        outcome: PodOutcome,
    },
}

impl World {
    /// Without pods, at this time.
    #[must_use]
    pub fn new(namespace: impl Into<String>, workload: impl Into<String>, now: Timestamp) -> Self {
        Self {
            workload: Workload { namespace: namespace.into(), name: workload.into() },
            inner: Mutex::new(Inner { now, ..Inner::default() }),
        }
    }

    /// With this pod, and its loads in each indicator's unit. A pod without a namespace is in the workload's.
    #[must_use]
    pub fn with_pod(self, mut pod: Pod, loads: impl IntoIterator<Item = (Indicator, Load)>) -> Self {
        if pod.namespace.is_empty() {
            pod.namespace = self.workload.namespace.as_str().into();
        }
        self.with(|inner| {
            for (indicator, load) in loads {
                inner.loads.entry(indicator).or_default().insert(pod.name.clone(), load);
            }
            inner.pods.push(pod);
        })
    }

    /// With the load and the owner of each partition.
    #[must_use]
    pub fn with_partitions(self, partitions: Vec<PartitionLoad>) -> Self {
        self.with(|inner| inner.partitions = Some(partitions))
    }

    /// With this autoscaler.
    #[must_use]
    pub fn with_hpa(self, hpa: Hpa) -> Self {
        self.with(|inner| inner.hpas.push(hpa))
    }

    /// With this object, which pods or other objects may name as their owner.
    #[must_use]
    pub fn with_controller(self, controller: Controller) -> Self {
        self.with(|inner| inner.owners.push(controller))
    }

    /// With this disruption budget. Only plans look at it: a removal that a budget refuses is told by
    /// [`fail_removal`](Self::fail_removal).
    #[must_use]
    pub fn with_budget(self, budget: DisruptionBudget) -> Self {
        self.with(|inner| inner.budgets.push(budget))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.inner());
        self
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose fleet it is.
    #[must_use]
    pub const fn workload(&self) -> &Workload {
        &self.workload
    }

    /// This world as every port but the store.
    #[must_use]
    pub fn ports(&self) -> Ports<'_> {
        Ports::new(self, self, self, self).with_journal(self).with_interrupt(self)
    }

    /// From now on it is this time.
    pub fn set_now(&self, now: Timestamp) {
        self.inner().now = now;
    }

    /// Changes every pod of this name.
    pub fn change_pod(&self, name: &str, change: impl Fn(&mut Pod)) {
        self.inner().pods.iter_mut().filter(|pod| pod.name == name).for_each(change);
    }

    /// Changes every object of this name that owns something.
    pub fn change_controller(&self, name: &str, change: impl Fn(&mut Controller)) {
        self.inner().owners.iter_mut().filter(|owner| owner.name == name).for_each(change);
    }

    /// From now on no load can be read, for this reason; `None`: it can again.
    pub fn fail_metrics(&self, error: impl Into<Option<MetricsError>>) {
        self.inner().metrics_error = error.into();
    }

    /// From now on nothing can be read of the fleet, for this reason; `None`: it can again.
    pub fn fail_inventory(&self, error: impl Into<Option<InventoryError>>) {
        self.inner().inventory_error = error.into();
    }

    /// The next removal fails for this reason, and once more for each call.
    pub fn fail_removal(&self, error: RemovalError) {
        self.inner().removal_errors.push_back(error);
    }

    /// Asks the cycle to stop.
    pub fn interrupt(&self, why: Interruption) {
        let mut inner = self.inner();
        inner.interruption = Some(why);
        std::mem::take(&mut inner.waiting).into_iter().for_each(Waker::wake);
    }

    /// The pods that there are.
    #[must_use]
    pub fn pods(&self) -> Vec<Pod> {
        self.inner().pods.clone()
    }

    /// The pods that were removed, in this order.
    #[must_use]
    pub fn removed(&self) -> Vec<PodRef> {
        self.inner().removed.clone()
    }

    /// What the journal was told, in this order.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.inner().told.clone()
    }
}
