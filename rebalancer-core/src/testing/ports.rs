//! The world behind the ports.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::world::Inner;
use super::{JournalEntry, World};
use crate::cycle::{Intent, Journal, Observation, PodOutcome};
use crate::fleet::{Controller, DisruptionBudget, Hpa, Indicator, Pod, PodRef};
use crate::port::{
    Clock, Interrupt, Interruption, Inventory, InventoryError, MetricsError, MetricsSource, Mode,
    PastReading, PodDeleter, Readings, RemovalError,
};

#[async_trait]
impl MetricsSource for World {
    async fn read(&self, _at: Timestamp) -> Readings {
        let inner = self.inner();
        let loads = inner.loads.iter().map(|(&indicator, samples)| {
            (indicator, inner.metrics_error.clone().map_or_else(|| Ok(samples.clone()), Err))
        });
        let partitions = inner.partitions.clone();
        let partitions = partitions.map(|all| inner.metrics_error.clone().map_or(Ok(all), Err));
        Readings { loads: loads.collect(), partitions, ..Readings::none() }
    }

    /// Loads were what they are.
    async fn past(
        &self,
        indicator: Indicator,
        _at: Timestamp,
        _step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        let inner = self.inner();
        match &inner.metrics_error {
            Some(error) => Err(error.clone()),
            None => Ok(vec![inner.loads.get(&indicator).cloned().unwrap_or_default().into(); count]),
        }
    }
}

impl World {
    fn read_fleet<T>(&self, read: impl FnOnce(&Inner) -> T) -> Result<T, InventoryError> {
        let inner = self.inner();
        inner.inventory_error.clone().map_or_else(|| Ok(read(&inner)), Err)
    }
}

#[async_trait]
impl Inventory for World {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.read_fleet(|inner| inner.pods.clone())
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.read_fleet(|inner| inner.hpas.clone())
    }

    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        let is_it = |it: &&Controller| (&*it.api_version, &*it.kind, &*it.name) == (api_version, kind, name);
        self.read_fleet(|inner| inner.owners.iter().find(is_it).cloned())
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.read_fleet(|inner| inner.budgets.clone())
    }
}

#[async_trait]
impl PodDeleter for World {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        let mut inner = self.inner();
        if let Some(error) = inner.removal_errors.pop_front() {
            return Err(error);
        }
        let mut named = inner.pods.iter().filter(|there| there.name == pod.name).peekable();
        if named.peek().is_none() {
            return Err(RemovalError::Gone);
        }
        if !named.any(|there| there.uid == pod.uid) {
            return Err(RemovalError::Replaced);
        }
        if mode == Mode::Real {
            inner.pods.retain(|there| there.uid != pod.uid);
            inner.removed.push(pod.clone());
        }
        Ok(())
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.inner().now
    }
}

impl Journal for World {
    fn decided(&self, observation: &Observation) {
        self.inner().told.push(JournalEntry::Decided(observation.report.decision.name()));
    }

    fn intended(&self, intent: &Intent<'_>) {
        let Intent { removal, mode, .. } = *intent;
        self.inner().told.push(JournalEntry::Intended { pod: removal.pod.clone(), mode });
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        let pod = intent.removal.pod.clone();
        self.inner().told.push(JournalEntry::Finished { pod, outcome: outcome.clone() });
    }
}

#[async_trait]
impl Interrupt for World {
    fn requested(&self) -> Option<Interruption> {
        self.inner().interruption
    }

    async fn stopped(&self) -> Interruption {
        poll_fn(|context| {
            let mut inner = self.inner();
            if let Some(why) = inner.interruption {
                return Poll::Ready(why);
            }
            inner.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
