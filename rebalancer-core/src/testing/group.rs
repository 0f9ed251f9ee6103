//! A consumer group that does what it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::fleet::consumer_group::{
    ConsumerGroup, GroupOffsets, OffsetAt, Partition, PartitionOffsets, Reassignment, Topic, TopicConfig,
    TopicPartition,
};
use crate::port::{GroupError, GroupSource, MissingAcl};

/// What the log of a partition held before everything that is produced here.
const BEFORE: u64 = 1_000;

/// A consumer group in memory behind the port that asks Kafka. Each look at the group gives the next state that it was
/// given; the last one stays.
///
/// What was produced to a partition was so since whatever earlier time is asked for, and all of it is consumed.
#[derive(Debug)]
pub struct ScriptedGroup {
    looks: Mutex<VecDeque<Result<ConsumerGroup, GroupError>>>,
    produced: BTreeMap<TopicPartition, u64>,
    moving: Mutex<VecDeque<Vec<Reassignment>>>,
}

impl ScriptedGroup {
    /// The group as it is first, with how many messages were produced to each of its partitions.
    #[must_use]
    pub fn new(first: ConsumerGroup, produced: BTreeMap<TopicPartition, u64>) -> Self {
        Self { looks: Mutex::new(VecDeque::from([Ok(first)])), produced, moving: Mutex::default() }
    }

    /// It stays as it was last for `looks` looks, and then is this.
    #[must_use]
    pub fn then(self, looks: usize, next: Result<ConsumerGroup, GroupError>) -> Self {
        {
            let mut script = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = script.back().cloned() {
                script.extend(std::iter::repeat_n(last, looks.saturating_sub(1)));
            }
            script.push_back(next);
        }
        self
    }

    /// With partitions that are being moved between brokers. Each question after them gives the next ones that it was given;
    /// the last ones stay.
    #[must_use]
    pub fn with_moving(self, moving: Vec<Reassignment>) -> Self {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner).push_back(moving);
        self
    }

    fn offsets_of(&self, partition: &TopicPartition, earlier: usize) -> PartitionOffsets {
        let produced = self.produced.get(partition).copied().unwrap_or(0);
        let since = match produced {
            0 => OffsetAt::NothingSince,
            _ => OffsetAt::First { offset: BEFORE, timestamp: None },
        };
        let end = BEFORE.saturating_add(produced);
        PartitionOffsets { log_start: 0, end, earlier: vec![since; earlier], committed: Some(end) }
    }
}

#[async_trait]
impl GroupSource for ScriptedGroup {
    async fn group(&self) -> Result<ConsumerGroup, GroupError> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if looks.len() > 1 { looks.pop_front() } else { looks.front().cloned() };
        next.unwrap_or_else(|| Err(GroupError::Unavailable { message: "nothing was scripted".to_owned() }))
    }

    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError> {
        let one = || Partition { leader: Some(1), racks: BTreeSet::new() };
        let count = |name: &String| self.produced.keys().filter(|partition| partition.topic == *name).count();
        let topic = |name: &String| Topic {
            id: None,
            name: name.clone(),
            partitions: (0..count(name)).map(|_| one()).collect(),
        };
        Ok(names.iter().map(topic).collect())
    }

    async fn topic_configs(
        &self,
        _names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError> {
        Ok(BTreeMap::new())
    }

    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError> {
        let all = topics.iter().flat_map(|topic| {
            let numbers = (0..).zip(&topic.partitions);
            numbers.map(|(number, _)| TopicPartition::new(&*topic.name, number))
        });
        Ok(all.map(|partition| (partition.clone(), Ok(self.offsets_of(&partition, earlier.len())))).collect())
    }

    async fn reassignments(
        &self,
        _topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError> {
        let mut moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let now = if moving.len() > 1 { moving.pop_front() } else { moving.front().cloned() };
        Ok(Ok(now.unwrap_or_default()))
    }
}
