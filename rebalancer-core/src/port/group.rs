//! What the cycle asks of Kafka: the consumer group and its partitions. Nothing is ever changed there.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ApiErrors, GroupError, MissingAcl};
use crate::fleet::consumer_group::{ConsumerGroup, GroupOffsets, Reassignment, Topic, TopicConfig};

/// What was read of a group at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupReading {
    /// The group with its members.
    pub group: ConsumerGroup,
    /// Its topics, by name.
    pub topics: Vec<Topic>,
    /// How far the offsets and time stamps of each topic can be trusted, or which right is missing to know that.
    pub configs: BTreeMap<String, Result<TopicConfig, MissingAcl>>,
    /// Offsets of all partitions: now and at the times of `earlier`.
    pub offsets: Result<GroupOffsets, GroupError>,
    /// The earlier times that were asked for.
    pub earlier: Vec<Timestamp>,
    /// Partitions that are being moved between brokers, or which right is missing to know that.
    pub moving: Result<Vec<Reassignment>, MissingAcl>,
    /// When the offsets were read.
    pub at: Timestamp,
}

impl GroupReading {
    /// Asks one question after the other.
    ///
    /// # Errors
    /// As [`GroupSource::reading`].
    pub async fn of<S: GroupSource + ?Sized>(
        source: &S,
        earlier: Vec<Timestamp>,
        at: Timestamp,
    ) -> Result<Self, GroupError> {
        let group = source.group().await?;
        let names = group.topics();
        let topics = source.topics(&names).await?;
        let configs = source.topic_configs(&names).await?;
        let moving = source.reassignments(&topics).await?;
        let offsets = source.offsets(&topics, &earlier).await;
        Ok(Self { group, topics, configs, offsets, earlier, moving, at })
    }

    /// With offsets of the same partitions at more earlier times, which were read later.
    pub fn extend(&mut self, earlier: &[Timestamp], more: GroupOffsets) {
        self.earlier.extend_from_slice(earlier);
        let Ok(offsets) = &mut self.offsets else { return };
        offsets.retain(|partition, _| more.contains_key(partition));
        for (partition, more) in more {
            let Some(known) = offsets.get_mut(&partition) else { continue };
            match (known.as_mut(), more) {
                (Ok(known), Ok(more)) => {
                    known.log_start = known.log_start.max(more.log_start);
                    (known.end, known.committed) = (more.end, more.committed);
                    known.earlier.extend(more.earlier);
                }
                (Ok(_), Err(why)) => *known = Err(why),
                (Err(_), _) => {}
            }
        }
    }
}

/// Reads one consumer group.
#[async_trait]
pub trait GroupSource: Send + Sync {
    /// The group with all of its members, now.
    ///
    /// # Errors
    /// When the whole of it was not given. A group without members is no error.
    async fn group(&self) -> Result<ConsumerGroup, GroupError>;

    /// These topics, by name. Those that don't exist are left out.
    ///
    /// # Errors
    /// When one of them can't be described.
    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError>;

    /// What is known of how far the offsets and time stamps of these topics can be trusted, by name. It needs a right that
    /// the rest does not need.
    ///
    /// # Errors
    /// When nothing was answered.
    async fn topic_configs(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError>;

    /// Offsets of all partitions of these topics: now, at earlier times, and as the group has committed them. A partition
    /// whose offsets can't be read has an entry that says why.
    ///
    /// # Errors
    /// When no whole answer was given.
    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError>;

    /// Partitions of these topics that are being moved between brokers. It needs a right that the rest does not need.
    ///
    /// # Errors
    /// When nothing was answered.
    async fn reassignments(
        &self,
        topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError>;

    /// Everything that a decision needs at this time, with offsets at earlier times. An implementation that has a time limit
    /// holds all questions of one time to it together, also if they are in several readings.
    ///
    /// # Errors
    /// When the group or its topics could not be read. Offsets that could not be read are an error within.
    async fn reading(&self, earlier: Vec<Timestamp>, at: Timestamp) -> Result<GroupReading, GroupError> {
        GroupReading::of(self, earlier, at).await
    }

    /// What went wrong with Kafka so far, as far as that is known.
    fn errors(&self) -> ApiErrors {
        ApiErrors::default()
    }
}
