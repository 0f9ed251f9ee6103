//! The fleet behind the cycle's ports.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Fleet, kafka};
use crate::fleet::PodRef;
use crate::fleet::consumer_group::{ConsumerGroup, GroupOffsets, Reassignment, Topic, TopicConfig};
use crate::fleet::{Controller, DisruptionBudget};
use crate::fleet::{Hpa, Indicator, Pod, Samples};
use crate::port::{
    Clock, GroupError, GroupSource, HistoryGrid, Inventory, InventoryError, LoadHistory, MetricsError,
    MetricsSource, MissingAcl, Mode, PastReading, PodDeleter, Readings, RemovalError,
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

    /// The load of each partition as it was, with the error of the readings. Before the start there was no random walk.
    async fn partition_history(
        &self,
        _at: Timestamp,
        grid: HistoryGrid,
    ) -> Result<Vec<LoadHistory>, MetricsError> {
        Ok(self.world().partition_history(grid))
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

#[async_trait]
impl GroupSource for Fleet {
    async fn group(&self) -> Result<ConsumerGroup, GroupError> {
        let unavailable =
            || GroupError::Unavailable { message: "this fleet's Kafka can't be asked".to_owned() };
        let mut world = self.world();
        if world.starts_quickly() {
            world.replace();
        }
        world.group().ok_or_else(unavailable)
    }

    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError> {
        Ok(self.world().topics().into_iter().filter(|topic| names.contains(&topic.name)).collect())
    }

    async fn topic_configs(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError> {
        Ok(names.iter().map(|name| (name.clone(), Ok(kafka::CONFIG))).collect())
    }

    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError> {
        let mut offsets = self.world().offsets(earlier);
        offsets.retain(|partition, _| topics.iter().any(|topic| topic.name == partition.topic));
        Ok(offsets)
    }

    async fn reassignments(&self, _: &[Topic]) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError> {
        Ok(Ok(Vec::new()))
    }
}
