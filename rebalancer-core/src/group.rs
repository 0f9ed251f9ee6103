//! The consumer group behind a fleet: who holds which partition, what a partition costs, and which pods pay more for
//! the same work.
//!
//! Two causes of a hot pod are kept apart. *Partition-side*: its partitions carry more. *Pod-side*: the same
//! partitions cost more there, because of a slow node or a noisy neighbor. Only the first one moves with partitions.

use std::collections::BTreeMap;

use crate::assignor::{Topic, TopicPartition};
use crate::fleet::{Indicator, PartitionLoad};
use crate::snapshot::{ObservedPod, Snapshot};

mod cost;
mod inference;
#[cfg(test)]
mod tests;

pub(crate) use cost::Cost;
pub use inference::Inference;
pub(crate) use inference::infer;

/// The group, with all that is needed to work out what a removal does to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupModel {
    /// Topics, sorted by name.
    pub(crate) topics: Vec<Topic>,
    /// Load of each partition, by topic and number, in the unit of the query.
    pub(crate) loads: Vec<Vec<f64>>,
    /// Members, in the order of their pods in the snapshot.
    pub(crate) members: Vec<Consumer>,
    /// From partition load to pod load.
    pub(crate) cost: Cost,
}

/// One member of the group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consumer {
    /// Index of its pod in the snapshot.
    pub(crate) pod: usize,
    /// What it holds, ascending.
    pub(crate) owned: Vec<TopicPartition>,
    /// How much more (above 1) the same work costs here than on a usual pod; 1 unless the pod stands out.
    pub(crate) factor: f64,
}

/// Why partition loads can't be used, so that rotate-outliers is used in their place.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "why")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Unusable {
    /// The policy does not request them.
    NotAsked,
    /// The query failed.
    NotRead,
    /// The query gave no partition.
    Empty,
    /// A partition's label is no number, or far beyond what a topic can have.
    NoNumber {
        /// Topic.
        topic: String,
        /// What was given.
        partition: String,
    },
    /// A partition is missing between others of its topic: its load is not known.
    Gap {
        /// Topic.
        topic: String,
        /// The missing partition.
        partition: u32,
    },
    /// A partition has two owners.
    TwoOwners {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
    },
    /// A partition is held by a pod that is not listed, or does not serve: the group has not settled.
    StrangeOwner {
        /// The pod.
        pod: String,
    },
    /// No pod is seen to hold a partition of a topic that the fleet consumes: its owner shows no lag for it (NaN, or none
    /// at all), or the group is in the middle of a rebalance.
    NoOwner {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
        /// Nothing flows into it. The Java client shows no lag of a partition from which nothing ever came.
        idle: bool,
    },
    /// Pod loads can't be explained by partition loads.
    Unexplained {
        /// The indicator.
        indicator: Indicator,
        /// The median relative error of the explanation.
        error: f64,
    },
    /// Who holds what follows none of the known rules, or not the configured one.
    NoKnownRule,
}

impl Unusable {
    /// It shows that the group is in the middle of a rebalance: nothing must be done to it now.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        matches!(self, Self::TwoOwners { .. } | Self::StrangeOwner { .. } | Self::NoOwner { idle: false, .. })
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAsked => f.write_str("partition loads are not requested"),
            Self::NotRead => f.write_str("partition loads could not be read"),
            Self::Empty => f.write_str("the metric system knows no partition"),
            Self::NoNumber { topic, partition } => {
                write!(f, "'{partition}' is no partition number (topic {topic})")
            }
            Self::Gap { topic, partition } => write!(f, "no load of partition {partition} of topic {topic}"),
            Self::TwoOwners { topic, partition } => {
                write!(f, "partition {partition} of topic {topic} has two owners: the group has not settled")
            }
            Self::StrangeOwner { pod } => {
                write!(f, "pod {pod} holds partitions and does not serve: the group has not settled")
            }
            Self::NoOwner { topic, partition, idle: false } => write!(
                f,
                "no pod shows a lag for partition {partition} of topic {topic}, into which messages flow: the group has \
                 not settled, or its owner's lag is NaN"
            ),
            Self::NoOwner { topic, partition, idle: true } => {
                write!(f, "no pod shows a lag for partition {partition} of topic {topic}, which is idle")
            }
            Self::Unexplained { indicator, error } => write!(
                f,
                "partition loads do not explain the pods' {indicator} (median error {:.0} %)",
                error * 100.0
            ),
            Self::NoKnownRule => f.write_str(
                "the current assignment does not follow the configured assignor, or any known one",
            ),
        }
    }
}

/// A topic with more partitions than this is a mistake in a label.
const MOST_PARTITIONS: u32 = 200_000;

impl GroupModel {
    /// Builds the model for the pods' loads by one indicator.
    ///
    /// Every serving pod is a member, and every member is taken to subscribe to every topic.
    ///
    /// # Errors
    /// Why partition loads can't be used.
    pub(crate) fn of(snapshot: &Snapshot, indicator: Indicator) -> Result<Self, Unusable> {
        let partitions = match (&snapshot.partitions, &snapshot.partitions_error) {
            (Some(partitions), _) => partitions,
            (None, Some(_)) => return Err(Unusable::NotRead),
            (None, None) => return Err(Unusable::NotAsked),
        };
        let by_topic = numbered(partitions)?;
        let topics: Vec<Topic> = by_topic
            .iter()
            .map(|(name, partitions)| Topic { name: (*name).to_owned(), partitions: count(partitions) })
            .collect();
        let mut members = members(snapshot);
        let mut loads = Vec::with_capacity(by_topic.len());
        for (topic, partitions) in (0..).zip(by_topic.values()) {
            loads.push(partitions.values().map(|partition| partition.load.get()).collect());
            give(&mut members, topic, partitions)?;
        }
        owned(&by_topic)?;
        let mut members: Vec<Consumer> = members.into_values().collect();
        members.sort_by_key(|member| member.pod);
        let mut model = Self { topics, loads, members, cost: Cost::default() };
        model.cost = cost::explain(&mut model, snapshot, indicator)?;
        Ok(model)
    }

    /// How many partitions there are.
    pub(crate) fn partitions(&self) -> usize {
        self.loads.iter().map(Vec::len).sum()
    }

    /// Load of one partition, in the unit of the query.
    pub(crate) fn load(&self, partition: &TopicPartition) -> f64 {
        let topic = self.loads.get(partition.topic as usize);
        topic.and_then(|loads| loads.get(partition.partition as usize)).copied().unwrap_or(0.0)
    }

    /// Load of a pod that holds these partitions and pays this factor, in the indicator's unit.
    pub(crate) fn pod_load(&self, owned: &[TopicPartition], factor: f64) -> f64 {
        let carried: f64 = owned.iter().map(|partition| self.load(partition)).sum();
        self.cost.of(carried) * factor
    }

    /// Loads of all members now, as the model explains them.
    pub(crate) fn loads_now(&self) -> Vec<f64> {
        self.members.iter().map(|member| self.pod_load(&member.owned, member.factor)).collect()
    }
}

type Numbered<'a> = BTreeMap<u32, &'a PartitionLoad>;

/// Partitions by topic and number, each exactly once and none missing.
fn numbered(partitions: &[PartitionLoad]) -> Result<BTreeMap<&str, Numbered<'_>>, Unusable> {
    let mut by_topic: BTreeMap<&str, Numbered<'_>> = BTreeMap::new();
    for one in partitions {
        let number =
            one.partition.parse::<u32>().ok().filter(|number| *number < MOST_PARTITIONS).ok_or_else(
                || Unusable::NoNumber { topic: one.topic.clone(), partition: one.partition.clone() },
            )?;
        if by_topic.entry(&one.topic).or_default().insert(number, one).is_some() {
            return Err(Unusable::TwoOwners { topic: one.topic.clone(), partition: number });
        }
    }
    for (topic, numbers) in &by_topic {
        if let Some((expected, _)) = (0..).zip(numbers.keys()).find(|(expected, number)| expected != *number)
        {
            return Err(Unusable::Gap { topic: (*topic).to_owned(), partition: expected });
        }
    }
    if by_topic.is_empty() { Err(Unusable::Empty) } else { Ok(by_topic) }
}

fn count(partitions: &Numbered<'_>) -> u32 {
    partitions.keys().next_back().map_or(0, |last| last + 1)
}

/// Every serving pod of the workload by name, holding nothing yet. Of two pods of one name it can't be known which one holds what, so
/// neither is a member.
fn members(snapshot: &Snapshot) -> BTreeMap<&str, Consumer> {
    let mut members = BTreeMap::new();
    for group in snapshot.pods.chunk_by(|a, b| a.pod.name == b.pod.name) {
        if let [only] = group
            && only.pod.is_serving()
            && only.own
        {
            let pod = snapshot.pods.partition_point(|other: &ObservedPod| other.pod.name < only.pod.name);
            members.insert(only.pod.name.as_str(), Consumer { pod, owned: Vec::new(), factor: 1.0 });
        }
    }
    members
}

fn give(
    members: &mut BTreeMap<&str, Consumer>,
    topic: u32,
    partitions: &Numbered<'_>,
) -> Result<(), Unusable> {
    for (&partition, load) in partitions {
        let Some(pod) = &load.pod else { continue };
        let owner =
            members.get_mut(pod.as_str()).ok_or_else(|| Unusable::StrangeOwner { pod: pod.clone() })?;
        owner.owned.push(TopicPartition { topic, partition });
    }
    Ok(())
}

/// Every partition has an owner. One that matters is named before one that is idle.
fn owned(by_topic: &BTreeMap<&str, Numbered<'_>>) -> Result<(), Unusable> {
    let all = by_topic.iter().flat_map(|(topic, partitions)| {
        partitions.iter().map(move |(&partition, load)| (*topic, partition, load))
    });
    let unowned = all.filter(|(_, _, load)| load.pod.is_none());
    let without = unowned.map(|(topic, partition, load)| (load.load.get() <= 0.0, topic, partition)).min();
    without.map_or(Ok(()), |(idle, topic, partition)| {
        Err(Unusable::NoOwner { topic: topic.to_owned(), partition, idle })
    })
}
