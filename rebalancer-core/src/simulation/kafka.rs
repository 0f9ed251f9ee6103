//! The group as Kafka describes it: members by id, what they hold, and offsets that grow with the traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::group::Consumers;
use super::world::World;
use crate::assignor::{self, Assignor, Member};
use crate::fleet::consumer_group::{
    ConsumerGroup, CoordinatorRelease, GroupMember, GroupProtocol, GroupState, JoinedWith, OffsetAt,
    Partition, PartitionOffsets, Subscription, TimestampType, Topic, TopicConfig, TopicPartition,
};
use crate::port::GroupReading;
use crate::snapshot::GroupQuestion;

/// `client.id` of every consumer.
pub(super) const CLIENT_ID: &str = "consumer-1";

/// What each partition had before the first time that is asked for.
const OLDEST: u64 = 1_000_000_000;

/// Of every topic.
pub(super) const CONFIG: TopicConfig =
    TopicConfig { compacted: false, timestamps: TimestampType::LogAppendTime };

/// The generation that the Java client's sticky rules write for themselves, in bytes.
const USER_DATA: usize = 4;

/// A member assigns, not the coordinator.
pub(super) const fn is_classic(rule: Assignor) -> bool {
    match rule {
        Assignor::Range
        | Assignor::RoundRobin
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky => true,
        Assignor::Uniform | Assignor::EarlyUniform | Assignor::ServerRange => false,
    }
}

/// The group with its members, by member id.
pub(super) fn described(consumers: &Consumers, address: impl Fn(&str) -> Option<Ipv4Addr>) -> ConsumerGroup {
    let rule = consumers.rule();
    let epoch = consumers.generation();
    let protocol = if is_classic(rule) {
        GroupProtocol::Classic
    } else {
        GroupProtocol::Consumer { epoch, assignment_epoch: epoch }
    };
    let mut members: Vec<GroupMember> =
        consumers.members().map(|(pod, member)| described_member(consumers, member, address(pod))).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    ConsumerGroup {
        id: "orders".to_owned(),
        state: GroupState::Stable,
        protocol,
        assignor: Some(name(rule).to_owned()),
        members,
        coordinator: coordinator(rule),
    }
}

/// The release that has this rule.
pub(super) const fn coordinator(rule: Assignor) -> Option<CoordinatorRelease> {
    match rule {
        Assignor::Uniform | Assignor::ServerRange => Some(CoordinatorRelease::Since4_3),
        Assignor::EarlyUniform => Some(CoordinatorRelease::Before4_0_1),
        Assignor::Range
        | Assignor::RoundRobin
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky => None,
    }
}

/// As Kafka tells it: two rules have one name.
const fn name(rule: Assignor) -> &'static str {
    match rule {
        Assignor::LibrdkafkaCooperativeSticky => Assignor::CooperativeSticky.name(),
        Assignor::ServerRange => Assignor::Range.name(),
        Assignor::EarlyUniform => Assignor::Uniform.name(),
        Assignor::Range
        | Assignor::RoundRobin
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::Uniform => rule.name(),
    }
}

fn described_member(consumers: &Consumers, member: &Member, address: Option<Ipv4Addr>) -> GroupMember {
    let held: Vec<TopicPartition> =
        member.owned.iter().map(|&held| TopicPartition::new(consumers.topic(held), held.partition)).collect();
    let topics = consumers.topics().iter().map(|topic| topic.name.clone()).collect();
    let classic = is_classic(consumers.rule());
    let java = consumers.rule() != Assignor::LibrdkafkaCooperativeSticky;
    let joined =
        JoinedWith { generation: member.generation, owned: Vec::new(), user_data: java.then_some(USER_DATA) };
    GroupMember {
        id: member.id.clone(),
        listed: member.listed,
        client_id: CLIENT_ID.to_owned(),
        host: address.map_or_else(String::new, |address| format!("/{address}")),
        instance_id: member.instance.clone(),
        rack: None,
        protocol: None,
        epoch: member.generation.filter(|_| !classic),
        subscription: Some(Subscription { topics, pattern: None }),
        target: (!classic).then(|| held.clone()),
        assigned: Some(held),
        joined_with: classic.then_some(joined),
    }
}

/// A topic on one broker.
pub(super) fn topic(known: &assignor::Topic) -> Topic {
    let one = Partition { leader: Some(1), racks: BTreeSet::new() };
    let partitions = usize::try_from(known.partitions).unwrap_or(usize::MAX);
    Topic { name: known.name.clone(), id: None, partitions: vec![one; partitions] }
}

/// Offsets of a partition with so many messages a second; everything is consumed.
pub(super) fn offsets(rate: f64, earlier: &[Timestamp], now: Timestamp) -> PartitionOffsets {
    let since = |at: &Timestamp| messages(rate * now.duration_since(*at).as_secs_f64());
    let end = OLDEST + earlier.iter().map(since).max().unwrap_or(0);
    let at = |at: &Timestamp| match since(at) {
        0 => OffsetAt::NothingSince,
        messages => OffsetAt::First { offset: end - messages, timestamp: Some(*at) },
    };
    PartitionOffsets { log_start: 0, end, earlier: earlier.iter().map(at).collect(), committed: Some(end) }
}

/// Whole messages.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and what is too large becomes the largest"
)]
fn messages(count: f64) -> u64 {
    count.max(0.0).round() as u64
}

/// What a cycle reads of it.
pub(super) fn reading(world: &World, group: ConsumerGroup, question: &GroupQuestion) -> GroupReading {
    let now = world.now;
    let earlier = vec![now.checked_sub(question.window).unwrap_or(Timestamp::MIN)];
    let topics = world.topics();
    let configs: BTreeMap<_, _> = topics.iter().map(|topic| (topic.name.clone(), Ok(CONFIG))).collect();
    let offsets = Ok(world.offsets(&earlier));
    GroupReading { group, topics, configs, offsets, earlier, moving: Ok(Vec::new()), at: now }
}
