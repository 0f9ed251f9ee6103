//! librdkafka's assignors against what librdkafka itself did: see `golden/librdkafka/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is the failure")]

#[path = "golden_server/situation.rs"]
mod situation;

use std::collections::BTreeSet;

use rebalancer_core::assignor::{
    Group, Member, Topic, TopicPartition, librdkafka_cooperative_sticky, range, round_robin,
};
use situation::assert_all_equal;

#[test]
fn cooperative_sticky_is_librdkafkas() {
    let lines = include_str!("golden/librdkafka-cooperative-sticky.jsonl");
    assert_all_equal(lines, 600, librdkafka_cooperative_sticky::assign);
}

#[test]
fn cooperative_sticky_is_what_real_groups_do() {
    assert_all_equal(
        include_str!("golden/librdkafka/groups.jsonl"),
        100,
        librdkafka_cooperative_sticky::assign,
    );
}

#[test]
fn range_is_javas() {
    assert_all_equal(include_str!("golden/librdkafka/range.jsonl"), 200, range::assign);
}

#[test]
fn round_robin_is_javas() {
    assert_all_equal(include_str!("golden/librdkafka/round-robin.jsonl"), 200, round_robin::assign);
}

/// Twelve members, four of them replaced: how many of the sets of partitions are there afterwards as before.
fn sets_kept(partitions: u32, replace: fn(&mut Group)) -> usize {
    let topics = vec![Topic { name: "t".to_owned(), partitions, hash: None }];
    let mut group = Group { topics, members: (0..12).map(|i| member(&format!("m{i:02}"))).collect() };
    settle(&mut group);
    let before = sets(&group);
    replace(&mut group);
    settle(&mut group);
    before.intersection(&sets(&group)).count()
}

fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        instance: None,
        subscription: vec![0],
        owned: Vec::new(),
        generation: None,
        listed: 0,
    }
}

fn sets(group: &Group) -> BTreeSet<Vec<TopicPartition>> {
    group.members.iter().map(|member| member.owned.clone()).collect()
}

/// Rebalances until nobody gets anything else.
fn settle(group: &mut Group) {
    loop {
        let held: Vec<_> = group.members.iter().map(|member| member.owned.clone()).collect();
        let next = librdkafka_cooperative_sticky::assign(group);
        for (member, owned) in group.members.iter_mut().zip(&next) {
            member.owned.clone_from(owned);
            member.generation = Some(1);
        }
        if next == held {
            return;
        }
    }
}

/// Four from the middle leave; those who come sort last.
fn all_at_once(group: &mut Group) {
    group.members.drain(4..8);
    group.members.extend((12..16).map(|i| member(&format!("m{i}"))));
}

fn one_at_a_time(group: &mut Group) {
    for i in 12..16 {
        group.members.remove(4);
        settle(group);
        group.members.push(member(&format!("m{i}")));
        settle(group);
    }
}

fn leave_settle_join(group: &mut Group) {
    group.members.drain(4..8);
    settle(group);
    group.members.extend((12..16).map(|i| member(&format!("m{i}"))));
}

#[test]
fn whether_replacements_join_before_the_group_has_settled_decides_what_is_mixed() {
    let timings = [leave_settle_join, one_at_a_time, all_at_once];
    assert_eq!(timings.map(|timing| sets_kept(48, timing)), [0, 4, 12]);
    assert_eq!(timings.map(|timing| sets_kept(54, timing)), [0, 4, 8]);
}
