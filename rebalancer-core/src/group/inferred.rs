//! The model as the metric system shows the group: partitions by the pod that consumes them.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Consumer, Cost, GroupModel, MemberPod, Unusable};
use crate::assignor::{Topic, TopicPartition};
use crate::fleet::PartitionLoad;
use crate::snapshot::{ObservedPod, Snapshot};

/// A topic with more partitions than this is a mistake in a label.
const MOST_PARTITIONS: u32 = 200_000;

/// Pods that became Ready within this time of each other are taken to have joined together.
const TOGETHER: SignedDuration = SignedDuration::from_mins(3);

/// Every serving pod is one member, and every member is taken to subscribe to every topic.
///
/// # Errors
/// Why partition loads can't be used.
pub(super) fn model(snapshot: &Snapshot) -> Result<GroupModel, Unusable> {
    let partitions = match (&snapshot.partitions, &snapshot.partitions_error) {
        (Some(partitions), _) => partitions,
        (None, Some(_)) => return Err(Unusable::NotRead),
        (None, None) => return Err(Unusable::NotAsked),
    };
    let by_topic = numbered(partitions)?;
    let topics: Vec<Topic> = by_topic
        .iter()
        .map(|(name, partitions)| Topic {
            name: (*name).to_owned(),
            partitions: count(partitions),
            hash: None,
        })
        .collect();
    let mut owners = members(snapshot);
    let mut loads = Vec::with_capacity(by_topic.len());
    for (topic, partitions) in (0..).zip(by_topic.values()) {
        loads.push(partitions.values().map(|partition| partition.load.get()).collect());
        give(&mut owners, topic, partitions)?;
    }
    owned(&by_topic)?;
    let mut owners: Vec<(usize, Vec<TopicPartition>)> = owners.into_values().collect();
    owners.sort_by_key(|(pod, _)| *pod);
    let subscription: Vec<u32> = (0..).zip(&topics).map(|(index, _)| index).collect();
    let consumer = |(place, (_, owned)): (usize, &(usize, Vec<TopicPartition>))| Consumer {
        subscription: subscription.clone(),
        owned: owned.clone(),
        pod: Some(place),
        ..Consumer::default()
    };
    let members = owners.iter().enumerate().map(consumer).collect();
    let alone = |(place, (pod, _)): (usize, &(usize, _))| MemberPod {
        pod: *pod,
        members: vec![place],
        factor: 1.0,
        replacement: 1.0,
    };
    let pods = owners.iter().enumerate().map(alone).collect();
    let joined_together = joined_together(snapshot, owners.iter().map(|(pod, _)| *pod));
    Ok(GroupModel {
        topics,
        loads,
        members,
        pods,
        cost: Cost::default(),
        told: None,
        coordinator: None,
        joined_together,
    })
}

/// None of these pods is known to have joined after others.
fn joined_together(snapshot: &Snapshot, pods: impl Iterator<Item = usize>) -> bool {
    let since: Option<Vec<_>> = pods.map(|pod| snapshot.pods.get(pod)?.pod.ready_since).collect();
    let ends = since.as_ref().and_then(|since| Some((since.iter().min()?, since.iter().max()?)));
    ends.is_some_and(|(first, last)| last.duration_since(*first) <= TOGETHER)
}

pub(super) type Numbered<'a> = BTreeMap<u32, &'a PartitionLoad>;

/// Partitions by topic and number, each exactly once and none missing.
pub(super) fn numbered(partitions: &[PartitionLoad]) -> Result<BTreeMap<&str, Numbered<'_>>, Unusable> {
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

pub(super) fn count(partitions: &Numbered<'_>) -> u32 {
    partitions.keys().next_back().map_or(0, |last| last + 1)
}

/// Every serving pod of the workload by name, holding nothing yet. Of two pods of one name it can't be known which one holds what, so
/// neither is a member.
fn members(snapshot: &Snapshot) -> BTreeMap<&str, (usize, Vec<TopicPartition>)> {
    let mut members = BTreeMap::new();
    for group in snapshot.pods.chunk_by(|a, b| a.pod.name == b.pod.name) {
        if let [only] = group
            && only.pod.is_serving()
            && only.own
        {
            let pod = snapshot.pods.partition_point(|other: &ObservedPod| other.pod.name < only.pod.name);
            members.insert(only.pod.name.as_str(), (pod, Vec::new()));
        }
    }
    members
}

fn give(
    members: &mut BTreeMap<&str, (usize, Vec<TopicPartition>)>,
    topic: u32,
    partitions: &Numbered<'_>,
) -> Result<(), Unusable> {
    for (&partition, load) in partitions {
        let Some(pod) = &load.pod else { continue };
        let (_, owned) =
            members.get_mut(pod.as_str()).ok_or_else(|| Unusable::StrangeOwner { pod: pod.clone() })?;
        owned.push(TopicPartition { topic, partition });
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
