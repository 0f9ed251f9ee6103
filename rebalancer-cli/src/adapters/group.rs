//! The consumer group of a workload, as Kafka tells it.

use rebalancer_core::cycle::GroupSide;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::snapshot::GroupQuestion;
use rebalancer_kafka::{KafkaGroupSource, Usage};

use crate::config::KafkaSettings;

/// A consumer group, and what is taken from its offsets.
pub(crate) struct Group {
    pub(crate) source: KafkaGroupSource,
    question: GroupQuestion,
}

impl Group {
    /// Contacts no broker.
    pub(crate) fn open(settings: KafkaSettings) -> Self {
        Self { source: KafkaGroupSource::new(settings.source), question: settings.question }
    }

    /// As a cycle reads it.
    pub(crate) fn side(&self) -> GroupSide<'_> {
        GroupSide { source: &self.source, question: &self.question }
    }

    /// Partition loads are taken from its offsets.
    pub(crate) const fn tells_loads(&self) -> bool {
        self.question.partitions
    }

    /// This indicator is taken from its offsets.
    pub(crate) fn tells(&self, indicator: Indicator) -> bool {
        self.question.indicators.contains(&indicator)
    }

    /// Something is taken from its offsets.
    pub(crate) fn is_asked(&self) -> bool {
        self.question.partitions || !self.question.indicators.is_empty()
    }

    /// What the brokers were asked so far.
    pub(crate) fn usage(&self) -> Usage {
        self.source.usage()
    }
}
