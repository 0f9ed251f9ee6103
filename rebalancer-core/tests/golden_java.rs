//! The assignors of Kafka's Java clients against what the real ones did, and against what they promise.
//!
//! The situations come from `tests/golden/java-clients`, which calls the real `kafka-clients`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; the lints spare test functions, not what they share"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rebalancer_core::assignor::{
    Assignment, Group, Member, Topic, TopicPartition, cooperative_sticky, range, round_robin, sticky,
};
use serde_json::Value;

type Assignor = fn(&Group) -> Assignment;

const ALL: [Assignor; 4] = [range::assign, round_robin::assign, sticky::assign, cooperative_sticky::assign];

#[test]
fn range_assigns_as_kafka_does() {
    check(range::assign, include_str!("golden/range.jsonl"));
}

#[test]
fn round_robin_assigns_as_kafka_does() {
    check(round_robin::assign, include_str!("golden/round-robin.jsonl"));
}

#[test]
fn sticky_assigns_as_kafka_does() {
    check(sticky::assign, include_str!("golden/sticky.jsonl"));
}

#[test]
fn cooperative_sticky_assigns_as_kafka_does() {
    check(cooperative_sticky::assign, include_str!("golden/cooperative-sticky.jsonl"));
}

#[test]
fn a_group_settles_in_as_many_rebalances_as_with_kafka() {
    let lines = include_str!("golden/cooperative-sticky.jsonl").lines();
    let groups: Vec<Group> =
        lines.map(|line| group(&serde_json::from_str(line).expect("a line of JSON"))).collect();
    let mut followed = 0;
    for pair in groups.windows(2) {
        let (first, second) = (&pair[0], &pair[1]);
        let given = cooperative_sticky::assign(first);
        if follows(first, &given, second) {
            let (here, there) = (cooperative_sticky::settle(first), cooperative_sticky::settle(second));
            assert_eq!(here.assignment, there.assignment);
            assert_eq!(here.rebalances, there.rebalances + 1);
            followed += 1;
        }
    }
    assert!(followed > 50, "only {followed} series");
}

/// Whether the second group is the first one after members gave up what they had to.
fn follows(first: &Group, given: &Assignment, second: &Group) -> bool {
    let lost = |(member, list): (&Member, &Vec<_>)| member.owned.iter().any(|held| !list.contains(held));
    let same = first.topics == second.topics
        && first.members.len() == second.members.len()
        && first
            .members
            .iter()
            .zip(&second.members)
            .all(|(before, after)| before.id == after.id && before.subscription == after.subscription);
    same && second.members.iter().map(|member| &member.owned).eq(given)
        && first.members.iter().zip(given).any(lost)
}

fn check(assign: Assignor, situations: &str) {
    let mut count = 0;
    for (line, number) in situations.lines().zip(1..) {
        let situation: Value = serde_json::from_str(line).expect("a line of JSON");
        let group = group(&situation);
        let expected: Assignment = group
            .members
            .iter()
            .map(|member| partitions(&group.topics, &situation["assignment"][&member.id]))
            .collect();
        let got = assign(&group);
        assert_eq!(
            got, expected,
            "line {number}: {line}\ngot (left) and Kafka's (right) differ for {group:#?}"
        );
        let reversed = assign(&Group { members: group.members.iter().rev().cloned().collect(), ..group });
        assert!(reversed.iter().rev().eq(&expected), "line {number} depends on the order of the members");
        count += 1;
    }
    assert!(count >= 500, "only {count} situations");
}

fn group(situation: &Value) -> Group {
    let topics: Vec<Topic> = object(&situation["topics"])
        .iter()
        .map(|(name, count)| Topic { name: name.clone(), partitions: number(count), hash: None })
        .collect();
    let members = array(&situation["members"]).iter().map(|value| member(&topics, value)).collect();
    Group { topics, members }
}

fn member(topics: &[Topic], value: &Value) -> Member {
    let mut subscription: Vec<u32> = array(&value["topics"])
        .iter()
        .map(|name| topic_index(topics, name.as_str().expect("a name")))
        .collect();
    subscription.sort_unstable();
    Member {
        id: value["id"].as_str().expect("an id").to_owned(),
        instance: value["instance"].as_str().map(str::to_owned),
        subscription,
        owned: partitions(topics, &value["owned"]),
        generation: value["generation"].as_i64().map(|it| i32::try_from(it).expect("a generation")),
        listed: 0,
    }
}

fn partitions(topics: &[Topic], value: &Value) -> Vec<TopicPartition> {
    let mut result: Vec<TopicPartition> = object(value)
        .iter()
        .flat_map(|(name, numbers)| {
            let topic = topic_index(topics, name);
            array(numbers).iter().map(move |it| TopicPartition { topic, partition: number(it) })
        })
        .collect();
    result.sort_unstable();
    result
}

fn topic_index(topics: &[Topic], name: &str) -> u32 {
    let place = topics.iter().position(|topic| topic.name == name).expect("a known topic");
    u32::try_from(place).expect("few topics")
}

/// Sorted by key, as the topics of a group are.
fn object(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().expect("an object").clone().into_iter().collect()
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().expect("an array")
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a small number")
}

prop_compose! {
    /// A group in which every member subscribes to something, with claims that may contradict each other.
    fn groups(equal: bool)(
        counts in prop::collection::vec(1_u32..12, 1..5),
        members in prop::collection::vec((any::<u16>(), 1_u32..31, any::<u64>(), -1_i32..4, any::<bool>()), 1..14),
    ) -> Group {
        let topics: Vec<Topic> = counts.iter().zip(0..)
            .map(|(&partitions, index): (_, u32)| Topic { name: format!("t{index}"), partitions, hash: None })
            .collect();
        let members = members.into_iter().zip(0..)
            .map(|((id, wanted, owned, generation, fixed), index)| {
                let mask = if equal { u32::MAX } else { wanted };
                generated(&topics, format!("m{id:x}-{index}"), mask, owned, generation, fixed)
            })
            .collect();
        Group { topics, members }
    }
}

fn generated(topics: &[Topic], id: String, wanted: u32, owned: u64, generation: i32, fixed: bool) -> Member {
    let mut subscription: Vec<u32> =
        (0..).take(topics.len()).filter(|topic| wanted.rotate_right(*topic) & 1 == 1).collect();
    if subscription.is_empty() {
        subscription.push(0);
    }
    let everything = all_partitions(topics);
    let owned = everything.into_iter().zip(0_u32..).filter(|(_, index)| owned.rotate_right(*index) & 7 == 7);
    Member {
        instance: fixed.then(|| format!("i-{id}")),
        id,
        subscription,
        owned: owned.map(|(partition, _)| partition).collect(),
        generation: (generation >= 0).then_some(generation),
        listed: 0,
    }
}

fn all_partitions(topics: &[Topic]) -> Vec<TopicPartition> {
    let numbered = topics.iter().zip(0..);
    numbered
        .flat_map(|(known, topic)| {
            (0..known.partitions).map(move |partition| TopicPartition { topic, partition })
        })
        .collect()
}

fn counts(assignment: &Assignment) -> (usize, usize) {
    let sizes = || assignment.iter().map(Vec::len);
    (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0))
}

/// Claims of the past, which alone let the real thing give a member a topic that it has left, are taken away.
fn of_one_generation(mut group: Group) -> Group {
    group.members.iter_mut().for_each(|member| member.generation = Some(1));
    group
}

fn consistent(mut group: Group) -> Group {
    let mut taken = BTreeSet::new();
    group.members.iter_mut().for_each(|member| member.owned.retain(|partition| taken.insert(*partition)));
    of_one_generation(group)
}

proptest! {
    #[test]
    fn every_subscribed_partition_has_one_owner_that_subscribes(group in groups(false)) {
        let group = of_one_generation(group);
        let wanted: Vec<TopicPartition> = all_partitions(&group.topics).into_iter()
            .filter(|it| group.members.iter().any(|member| member.subscription.contains(&it.topic)))
            .collect();
        for assign in [range::assign, round_robin::assign, sticky::assign] {
            let assignment = assign(&group);
            let mut given: Vec<TopicPartition> = assignment.iter().flatten().copied().collect();
            given.sort_unstable();
            prop_assert_eq!(&given, &wanted);
            for (member, list) in group.members.iter().zip(&assignment) {
                prop_assert!(list.iter().all(|it| member.subscription.contains(&it.topic)));
                prop_assert!(list.is_sorted());
            }
        }
    }

    #[test]
    fn the_order_of_the_members_does_not_matter(group in groups(false)) {
        let turned = Group { members: group.members.iter().rev().cloned().collect(), ..group.clone() };
        for assign in ALL {
            prop_assert!(assign(&group).iter().eq(assign(&turned).iter().rev()));
        }
    }

    #[test]
    fn with_equal_subscriptions_counts_differ_by_at_most_one(group in groups(true)) {
        for assign in [round_robin::assign, sticky::assign] {
            let (least, most) = counts(&assign(&group));
            prop_assert!(most - least <= 1);
        }
    }

    #[test]
    fn range_deals_each_topic_evenly_in_one_block_each(group in groups(true)) {
        let assignment = range::assign(&group);
        for (topic, index) in group.topics.iter().zip(0..) {
            let fair = topic.partitions as usize / group.members.len();
            for list in &assignment {
                let block: Vec<u32> = list.iter().filter(|it| it.topic == index).map(|it| it.partition).collect();
                prop_assert!(block.len() == fair || block.len() == fair + 1);
                prop_assert!(block.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            }
        }
    }

    #[test]
    fn a_cooperative_rebalance_never_gives_away_what_another_member_holds(group in groups(false)) {
        let group = consistent(group);
        let assignment = cooperative_sticky::assign(&group);
        for (member, list) in group.members.iter().zip(&assignment) {
            let others = group.members.iter().filter(|other| other.id != member.id);
            let held: BTreeSet<_> = others.flat_map(|other| &other.owned).collect();
            prop_assert!(list.iter().all(|it| !held.contains(it)));
        }
    }

    #[test]
    fn a_settled_group_has_dealt_everything_and_stays_as_it_is(group in groups(false)) {
        let group = of_one_generation(group);
        let settled = cooperative_sticky::settle(&group);
        prop_assert!(settled.rebalances <= 4, "{} rebalances", settled.rebalances);
        let mut after = group.clone();
        for (member, given) in after.members.iter_mut().zip(&settled.assignment) {
            member.owned.clone_from(given);
            member.generation = Some(9);
        }
        prop_assert_eq!(cooperative_sticky::assign(&after), sticky::assign(&after));
        prop_assert_eq!(&sticky::assign(&after), &settled.assignment);
    }
}
