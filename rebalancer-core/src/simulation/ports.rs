//! The fleet behind the cycle's ports.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::Fleet;
use crate::fleet::PodRef;
use crate::fleet::{Controller, DisruptionBudget};
use crate::fleet::{Hpa, Indicator, Pod, Samples};
use crate::port::{
    Clock, Inventory, InventoryError, MetricsError, MetricsSource, Mode, PastReading, PodDeleter, Readings,
    RemovalError,
};

#[async_trait]
impl MetricsSource for Fleet {
    async fn read(&self, _at: Timestamp) -> Readings {
        self.world().readings()
    }

    /// Loads change only between two cycles, so they were what they are.
    async fn past(
        &self,
        indicator: Indicator,
        _at: Timestamp,
        _step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        let now = self.world().readings().loads.remove(&indicator);
        now.unwrap_or_else(|| Ok(Samples::new())).map(|samples| vec![samples.into(); count])
    }
}

impl Clock for Fleet {
    fn now(&self) -> Timestamp {
        self.world().now
    }
}

#[async_trait]
impl Inventory for Fleet {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        Ok(self.world().pods())
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        Ok(self.world().hpas())
    }

    /// Pods are replaced at once, and nobody else changes the fleet.
    async fn owner(&self, _: &str, _: &str, _: &str) -> Result<Option<Controller>, InventoryError> {
        Ok(None)
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        Ok(Vec::new())
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        Ok(self.world().pod(name))
    }
}

#[async_trait]
impl PodDeleter for Fleet {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        self.world().remove(pod, mode == Mode::Real)
    }
}
