//! Offsets of many partitions: one request for each leader and each time, leaders at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{
    GroupOffsets, OffsetAt, PartitionOffsets, Topic, TopicPartition, Unread,
};
use rebalancer_core::port::{AclResource, MissingAcl};
use tokio::time::sleep;

use crate::cluster::{Cluster, Question};
use crate::decode;
use crate::failure::Failure;
use crate::query::{self, OffsetSpec};
use crate::retry::Attempts;
use crate::wire::{Api, BadAnswer, ErrorCode};

/// How often partitions are looked for at another leader.
const ROUNDS: u32 = 3;
/// A new leader takes this long, as a rule.
const ELECTION: Duration = Duration::from_millis(200);

type Found = Result<Vec<OffsetAt>, ErrorCode>;
/// For each partition its offsets in the order of what was asked, or why there are none.
pub(crate) type Listed = BTreeMap<TopicPartition, Found>;
/// Partitions by topic, as requests have them.
pub(crate) type ByTopic<'a> = BTreeMap<&'a str, Vec<i32>>;

/// All partitions of these topics.
pub(crate) fn all(topics: &[Topic]) -> ByTopic<'_> {
    topics.iter().map(|topic| (topic.name.as_str(), (0..).take(topic.partitions.len()).collect())).collect()
}

/// What is asked of each partition. The end comes last, and the start shortly before it, so that a record that is written
/// or deleted meanwhile makes no offsets that contradict each other.
fn specs(earlier: &[Timestamp]) -> Vec<OffsetSpec> {
    let mut specs: Vec<OffsetSpec> = earlier.iter().copied().map(OffsetSpec::At).collect();
    specs.extend([OffsetSpec::LogStart, OffsetSpec::End]);
    specs
}

/// Asks the leaders; where they have moved, the new ones.
pub(crate) async fn listed(
    cluster: &Cluster,
    attempts: &Attempts<'_>,
    topics: &[Topic],
    earlier: &[Timestamp],
) -> Result<Listed, Failure> {
    let specs = specs(earlier);
    let mut leaders = leaders(topics);
    let mut listed = Listed::new();
    for round in 0..ROUNDS {
        if round > 0 {
            sleep(ELECTION * round).await;
            cluster.meter.retry();
        }
        if round > 0 || cluster.brokers().is_empty() {
            let names = leaders.keys().map(|partition| partition.topic.clone()).collect();
            refresh(cluster, attempts, &names, &mut leaders).await?;
        }
        for (partition, found) in asked(cluster, attempts, &leaders, &specs).await? {
            if !matches!(found, Err(error) if error.is_about_leader()) {
                leaders.remove(&partition);
            }
            listed.insert(partition, found);
        }
        if leaders.is_empty() {
            break;
        }
    }
    Ok(listed)
}

fn leaders(topics: &[Topic]) -> BTreeMap<TopicPartition, Option<i32>> {
    let of_topic = |topic: &Topic| {
        let name = topic.name.clone();
        let leaders: Vec<Option<i32>> = topic.partitions.iter().map(|partition| partition.leader).collect();
        leaders
            .into_iter()
            .zip(0..)
            .map(move |(leader, number)| (TopicPartition::new(name.clone(), number), leader))
    };
    topics.iter().flat_map(of_topic).collect()
}

async fn refresh(
    cluster: &Cluster,
    attempts: &Attempts<'_>,
    names: &BTreeSet<String>,
    leaders: &mut BTreeMap<TopicPartition, Option<i32>>,
) -> Result<(), Failure> {
    for topic in cluster.metadata(attempts, names).await?.topics {
        for partition in topic.partitions {
            if let Some(leader) = leaders.get_mut(&TopicPartition::new(topic.name.clone(), partition.number))
            {
                *leader = partition.leader;
            }
        }
    }
    Ok(())
}

async fn asked(
    cluster: &Cluster,
    attempts: &Attempts<'_>,
    leaders: &BTreeMap<TopicPartition, Option<i32>>,
    specs: &[OffsetSpec],
) -> Result<Listed, Failure> {
    let mut by_leader: BTreeMap<i32, ByTopic<'_>> = BTreeMap::new();
    let mut listed = Listed::new();
    for (partition, leader) in leaders {
        match leader {
            Some(leader) => {
                let number = i32::try_from(partition.partition).unwrap_or(i32::MAX);
                by_leader.entry(*leader).or_default().entry(&partition.topic).or_default().push(number);
            }
            None => drop(listed.insert(partition.clone(), Err(ErrorCode::LEADER_NOT_AVAILABLE))),
        }
    }
    let asked =
        by_leader.iter().map(|(leader, partitions)| at_leader(cluster, attempts, *leader, partitions, specs));
    for of_leader in try_join_all(asked).await? {
        listed.extend(of_leader);
    }
    Ok(listed)
}

async fn at_leader(
    cluster: &Cluster,
    attempts: &Attempts<'_>,
    leader: i32,
    partitions: &ByTopic<'_>,
    specs: &[OffsetSpec],
) -> Result<Listed, Failure> {
    let mut listed: Listed = partitions
        .iter()
        .flat_map(|(topic, numbers)| {
            numbers.iter().filter_map(|number| Some((*topic, u32::try_from(*number).ok()?)))
        })
        .map(|(topic, number)| (TopicPartition::new(topic, number), Ok(Vec::new())))
        .collect();
    let Some(address) = cluster.address_of(leader) else {
        listed.values_mut().for_each(|found| *found = Err(ErrorCode::LEADER_NOT_AVAILABLE));
        return Ok(listed);
    };
    for (spec, so_far) in specs.iter().zip(1..) {
        let question = Question::new(
            Api::ListOffsets,
            |version| query::list_offsets(version, partitions, *spec),
            decode::list_offsets,
        );
        let answer = cluster.ask_at(attempts, &address, question).await?;
        take(&mut listed, answer, so_far)?;
    }
    Ok(listed)
}

/// Adds one answer, which must be about exactly these partitions.
fn take(
    listed: &mut Listed,
    answer: Vec<(TopicPartition, Result<OffsetAt, ErrorCode>)>,
    so_far: usize,
) -> Result<(), Failure> {
    let contradiction = |why: String| Failure::Contradiction { api: Api::ListOffsets, why: BadAnswer(why) };
    for (partition, found) in answer {
        let entry = listed.get_mut(&partition);
        let entry = entry.ok_or_else(|| contradiction(format!("{partition} was not asked for")))?;
        match (entry.as_mut(), found) {
            (_, Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED)) => {
                return Err(Failure::Unauthorized(MissingAcl::describe(AclResource::Topic(partition.topic))));
            }
            (Ok(offsets), Ok(offset)) => offsets.push(offset),
            (Ok(_), Err(error)) => *entry = Err(error),
            (Err(_), _) => {}
        }
    }
    let other = listed.iter().find(|(_, found)| found.as_ref().is_ok_and(|offsets| offsets.len() != so_far));
    other.map_or(Ok(()), |(partition, _)| Err(contradiction(format!("{partition} is there not once"))))
}

/// What the coordinator says of each partition.
pub(crate) type Committed = BTreeMap<TopicPartition, Result<Option<u64>, ErrorCode>>;

/// Puts together what leaders and coordinator say; no coordinator, nothing committed.
pub(crate) fn joined(
    listed: Listed,
    committed: Option<&Committed>,
    earlier: usize,
) -> Result<GroupOffsets, Failure> {
    let left_out = |partition: &&TopicPartition| committed.is_some_and(|all| !all.contains_key(*partition));
    if let Some(partition) = listed.keys().find(left_out) {
        let why = BadAnswer(format!("{partition} is not there"));
        return Err(Failure::Contradiction { api: Api::OffsetFetch, why });
    }
    let one = |partition: &TopicPartition, found: Found| {
        let mut offsets = found.map_err(unread)?;
        let committed = committed.and_then(|all| all.get(partition)).copied();
        let committed = committed.unwrap_or(Ok(None)).map_err(unread)?;
        let rest = offsets.split_off(earlier.min(offsets.len()));
        match rest.as_slice() {
            [OffsetAt::First { offset: log_start, .. }, OffsetAt::First { offset: end, .. }] => {
                Ok(PartitionOffsets { log_start: *log_start, end: *end, earlier: offsets, committed })
            }
            _ => Err(Unread::Refused { error: "no start or end of its log".to_owned() }),
        }
    };
    Ok(listed.into_iter().map(|(partition, found)| (partition.clone(), one(&partition, found))).collect())
}

fn unread(error: ErrorCode) -> Unread {
    match error {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Unread::NoSuchPartition,
        ErrorCode::LEADER_NOT_AVAILABLE => Unread::NoLeader,
        error => Unread::Refused { error: error.to_string() },
    }
}
