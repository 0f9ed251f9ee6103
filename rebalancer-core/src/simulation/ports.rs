//! The fleet behind the cycle's ports.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Fleet;
use crate::fleet::{Hpa, Pod};
use crate::port::{
    Inventory, InventoryError, MetricsSource, Mode, PodDeleter, PodRef, Readings, RemovalError,
};

#[async_trait]
impl MetricsSource for Fleet {
    async fn read(&self, _at: Timestamp) -> Readings {
        self.world().readings()
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
