//! The server-side assignors against the broker's own classes: see `golden/server-assignors/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is the failure")]

#[path = "golden_server/situation.rs"]
mod situation;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rebalancer_core::assignor::{Assignment, Group, Member, Topic, TopicPartition, server_range, uniform};
use situation::assert_all_equal;

const UNIFORM: &str = include_str!("golden/uniform.jsonl");
const EARLY_UNIFORM: &str = include_str!("golden/uniform-4.0.0.jsonl");
const RANGE: &str = include_str!("golden/server-range.jsonl");

#[test]
fn uniform_is_the_brokers() {
    assert_all_equal(UNIFORM, 600, uniform::assign);
}

#[test]
fn early_uniform_is_that_of_kafka_4_0_0() {
    assert_all_equal(EARLY_UNIFORM, 600, uniform::assign_before_4_0_1);
}

#[test]
fn server_range_is_the_brokers() {
    assert_all_equal(RANGE, 600, server_range::assign);
}

prop_compose! {
    /// Any group, also with claims that contradict each other or the subscriptions.
    fn any_group()(counts in prop::collection::vec(0_u32..12, 1..5), equal in any::<bool>())(
        members in prop::collection::btree_map("[a-zA-Z0-9]{1,8}", any_member(counts.len()), 1..12),
        counts in Just(counts),
        equal in Just(equal),
    ) -> Group {
        let mut members: Vec<Member> = members.into_iter().map(|(id, member)| Member { id, ..member }).collect();
        if equal {
            let subscription = members[0].subscription.clone();
            members.iter_mut().for_each(|member| member.subscription.clone_from(&subscription));
        }
        let named = counts.into_iter().enumerate();
        Group { topics: named.map(|(i, partitions)| Topic { name: format!("t{i}"), partitions, hash: None }).collect(), members }
    }
}

prop_compose! {
    fn any_member(topics: usize)(
        subscription in prop::collection::btree_set(0..u32::try_from(topics).unwrap(), 1..=topics),
        owned in prop::collection::btree_set((0..u32::try_from(topics).unwrap(), 0_u32..14), 0..10),
        generation in prop::option::of(0..4),
        instance in prop::bool::weighted(0.2),
        tag in any::<u64>(),
    ) -> Member {
        Member {
            listed: 0,
            id: String::new(),
            instance: instance.then(|| format!("i{tag}")),
            subscription: subscription.into_iter().collect(),
            owned: owned.into_iter().map(|(topic, partition)| TopicPartition { topic, partition }).collect(),
            generation,
        }
    }
}

/// Every partition that anybody subscribes to, exactly once, to a subscriber; lists ascending.
fn assert_complete(group: &Group, assignment: &Assignment) {
    let mut holders: BTreeMap<TopicPartition, usize> = BTreeMap::new();
    assert_eq!(assignment.len(), group.members.len());
    for (member, held) in group.members.iter().zip(assignment) {
        assert!(held.is_sorted());
        assert!(held.iter().all(|held| member.subscription.contains(&held.topic)));
        held.iter().for_each(|held| *holders.entry(*held).or_default() += 1);
    }
    assert!(holders.values().all(|count| *count == 1));
    let subscribed = (0..)
        .zip(&group.topics)
        .filter(|(index, _)| group.members.iter().any(|member| member.subscription.contains(index)));
    let partitions: u32 = subscribed.map(|(_, topic)| topic.partitions).sum();
    assert_eq!(holders.len(), partitions as usize);
}

proptest! {
    #[test]
    fn every_partition_goes_to_one_subscriber(group in any_group()) {
        assert_complete(&group, &uniform::assign(&group));
        assert_complete(&group, &uniform::assign_before_4_0_1(&group));
        assert_complete(&group, &server_range::assign(&group));
    }

    #[test]
    fn the_order_of_members_does_not_matter(group in any_group(), by in 0_usize..12) {
        for assign in [uniform::assign, uniform::assign_before_4_0_1, server_range::assign] {
            let mut turned = group.clone();
            let by = by % group.members.len();
            turned.members.rotate_left(by);
            let mut expected = assign(&group);
            expected.rotate_left(by);
            prop_assert_eq!(assign(&turned), expected);
        }
    }

    #[test]
    fn uniform_counts_differ_by_at_most_one_with_equal_subscriptions(mut group in any_group()) {
        let subscription = group.members[0].subscription.clone();
        group.members.iter_mut().for_each(|member| member.subscription.clone_from(&subscription));
        let counts: Vec<usize> = uniform::assign(&group).iter().map(Vec::len).collect();
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }

    #[test]
    fn uniform_moves_nothing_when_nothing_has_changed(mut group in any_group()) {
        let subscription = group.members[0].subscription.clone();
        let before = uniform::assign(&group);
        for (member, held) in group.members.iter_mut().zip(&before) {
            member.owned.clone_from(held);
        }
        if group.members.iter().all(|member| member.subscription == subscription) {
            prop_assert_eq!(uniform::assign(&group), before);
        }
    }
}
