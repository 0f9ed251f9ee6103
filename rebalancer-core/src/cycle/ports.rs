//! Everything that a cycle needs from outside, in one place.

use std::fmt;

use async_trait::async_trait;

use super::{GroupLock, GroupSide, Intent, Journal, PodOutcome, Sources};
use crate::history::StateStore;
use crate::port::{
    Clock, CruiseControl, Interrupt, Interruption, Inventory, LoadForecaster, MetricsSource, PodDeleter,
};

/// Everything that a cycle needs from outside.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Ports<'a> {
    /// Reads loads.
    pub metrics: &'a dyn MetricsSource,
    /// Reads the fleet, and each chosen pod once more.
    pub inventory: &'a dyn Inventory,
    /// What is observed, where something knows the fleet without asking, such as a watch. Before a removal `inventory` is
    /// asked all the same.
    pub view: Option<&'a dyn Inventory>,
    /// Reads the consumer group, where Kafka can be asked.
    pub group: Option<GroupSide<'a>>,
    /// Forecasts loads, where the policy asks for it.
    pub forecaster: Option<&'a dyn LoadForecaster>,
    /// Tells what balances the Kafka cluster itself, where that can be asked.
    pub cruise_control: Option<&'a dyn CruiseControl>,
    /// Removes pods.
    pub deleter: &'a dyn PodDeleter,
    /// Says how old pods are when they are read again, and whether the lock still holds.
    pub clock: &'a dyn Clock,
    /// Keeps the record and the lock; `None`: nothing is remembered, and nothing keeps two runs apart.
    pub store: Option<&'a dyn StateStore>,
    /// The lock on the consumer group, where rebalancers of several clusters work on it.
    pub group_lock: Option<GroupLock<'a>>,
    /// Keeps the audit trail.
    pub journal: &'a dyn Journal,
    /// Says when to stop.
    pub interrupt: &'a dyn Interrupt,
}

impl<'a> Ports<'a> {
    /// The ports that every cycle needs. Nothing is remembered, reported or interrupted, as long as no other port is
    /// added.
    #[must_use]
    pub fn new(
        metrics: &'a dyn MetricsSource,
        inventory: &'a dyn Inventory,
        deleter: &'a dyn PodDeleter,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            metrics,
            inventory,
            view: None,
            group: None,
            forecaster: None,
            cruise_control: None,
            deleter,
            clock,
            store: None,
            group_lock: None,
            journal: &NoJournal,
            interrupt: &Uninterrupted,
        }
    }

    /// Observes the fleet by this; what is acted on is still read by the inventory.
    #[must_use]
    pub fn with_view(self, view: &'a dyn Inventory) -> Self {
        Self { view: Some(view), ..self }
    }

    /// Asks Kafka for the consumer group too.
    #[must_use]
    pub fn with_group(self, group: GroupSide<'a>) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Forecasts loads by this, where the policy asks for it.
    #[must_use]
    pub fn with_forecaster(self, forecaster: &'a dyn LoadForecaster) -> Self {
        Self { forecaster: Some(forecaster), ..self }
    }

    /// Asks Cruise Control too.
    #[must_use]
    pub fn with_cruise_control(self, cruise_control: &'a dyn CruiseControl) -> Self {
        Self { cruise_control: Some(cruise_control), ..self }
    }

    /// Where this cycle reads from.
    #[must_use]
    pub const fn sources(&self) -> Sources<'a> {
        let inventory = match self.view {
            Some(view) => view,
            None => self.inventory,
        };
        Sources::new(self.metrics, inventory)
            .with_group(self.group)
            .with_forecaster(self.forecaster)
            .with_cruise_control(self.cruise_control)
    }

    /// Remembers, and keeps two runs apart, by this store.
    #[must_use]
    pub fn with_store(self, store: &'a dyn StateStore) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Rotates only while it has this lock on the consumer group.
    #[must_use]
    pub fn with_group_lock(self, lock: GroupLock<'a>) -> Self {
        Self { group_lock: Some(lock), ..self }
    }

    /// Reports to this journal what the cycle does.
    #[must_use]
    pub fn with_journal(self, journal: &'a dyn Journal) -> Self {
        Self { journal, ..self }
    }

    /// Stops when this says so.
    #[must_use]
    pub fn with_interrupt(self, interrupt: &'a dyn Interrupt) -> Self {
        Self { interrupt, ..self }
    }
}

impl fmt::Debug for Ports<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("store", &self.store.is_some()).finish_non_exhaustive()
    }
}

/// A journal that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn intended(&self, _: &Intent<'_>) {}
    fn finished(&self, _: &Intent<'_>, _: &PodOutcome) {}
}

/// An interrupt that never comes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uninterrupted;

#[async_trait]
impl Interrupt for Uninterrupted {
    fn requested(&self) -> Option<Interruption> {
        None
    }

    async fn stopped(&self) -> Interruption {
        std::future::pending().await
    }
}
