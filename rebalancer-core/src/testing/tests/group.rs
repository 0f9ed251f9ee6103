//! A whole cycle that asks Kafka: what it decides on, what it watches, what it remembers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::ScriptedGroup;
use super::*;
use crate::cycle::{GroupSide, Rebalance};
use crate::fleet::consumer_group::{
    ConsumerGroup, CoordinatorRelease, GroupMember, GroupProtocol, GroupState, Subscription, TopicPartition,
};
use crate::history::StateStore as _;
use crate::policy::Timing;
use crate::port::{GroupError, GroupSource};
use crate::report::Decision;
use crate::snapshot::GroupQuestion;

const PRODUCED: [u64; 18] = [90, 80, 70, 8, 5, 3, 20, 21, 22, 15, 16, 17, 2, 1, 1, 12, 13, 12];

/// Messages by partition: p0 carries the most, p4 the least.
fn produced() -> BTreeMap<TopicPartition, u64> {
    (0..).zip(PRODUCED).map(|(number, each)| (TopicPartition::new("events", number), each * 100)).collect()
}

fn group(state: GroupState, holds: &[(&str, &[u32])]) -> ConsumerGroup {
    let member = |(pod, held): &(&str, &[u32])| GroupMember {
        client_id: (*pod).to_owned(),
        subscription: Some(Subscription { topics: vec!["events".to_owned()], pattern: None }),
        assigned: Some(held.iter().map(|&number| TopicPartition::new("events", number)).collect()),
        ..GroupMember::new(format!("{pod}-id"))
    };
    ConsumerGroup {
        id: "orders".to_owned(),
        state,
        protocol: GroupProtocol::Consumer { epoch: 1, assignment_epoch: 1 },
        assignor: Some("uniform".to_owned()),
        members: holds.iter().map(member).collect(),
        coordinator: Some(CoordinatorRelease::Since4_3),
    }
}

const HELD: [(&str, &[u32]); 6] = [
    ("p0", &[0, 1, 2]),
    ("p1", &[3, 4, 5]),
    ("p2", &[6, 7, 8]),
    ("p3", &[9, 10, 11]),
    ("p4", &[12, 13, 14]),
    ("p5", &[15, 16, 17]),
];

fn before() -> ConsumerGroup {
    group(GroupState::Stable, &HELD)
}

fn world() -> World {
    world_at(NOW, &[])
}

/// The world at this time, with other pods in the place of these.
fn world_at(now: Timestamp, again: &[String]) -> World {
    HELD.iter().fold(World::new("streams", "p", now), |world, (name, _)| {
        let anew = if again.iter().any(|gone| gone == name) { "-again" } else { "" };
        let pod = Pod::new(*name, format!("uid-{name}{anew}"))
            .with_owner(Owner::of_apps("StatefulSet", "p", "uid-of-the-set"))
            .with_ready_since(NOW - SignedDuration::from_hours(1));
        world.with_pod(pod, [])
    })
}

fn question() -> GroupQuestion {
    let window = SignedDuration::from_secs(100);
    GroupQuestion { indicators: vec![Indicator::ProductionRate], partitions: true, window }
}

async fn run(world: &World, source: &dyn GroupSource, mode: Mode, store: &MemoryStore) -> cycle::CycleEnd {
    let (question, spec) = (question(), spec(world).with_mode(mode));
    let ports = world.ports().with_store(store).with_group(GroupSide { source, question: &question });
    cycle::run(&spec, &ports).await
}

/// The pods that a plan removes when everything is as it is before.
async fn chosen() -> Vec<String> {
    let end =
        run(&world(), &ScriptedGroup::new(before(), produced()), Mode::DryRun, &MemoryStore::default()).await;
    let report = end.report.unwrap();
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    plan.removals.iter().map(|removal| removal.pod.name.clone()).collect()
}

/// The group without these pods' members, and with new ones in their place.
fn replaced(gone: &[String]) -> (ConsumerGroup, ConsumerGroup) {
    let mut left = before();
    left.members.retain(|member| !gone.contains(&member.client_id));
    let mut after = before();
    for member in after.members.iter_mut().filter(|member| gone.contains(&member.client_id)) {
        member.id = format!("{}-again", member.client_id);
    }
    (left, after)
}

#[tokio::test]
async fn a_dry_run_predicts_by_the_groups_own_rule_and_does_not_wait_for_it() {
    let end =
        run(&world(), &ScriptedGroup::new(before(), produced()), Mode::DryRun, &MemoryStore::default()).await;
    let report = end.report.unwrap();
    assert_eq!(report.decision.name(), "rotate", "{}", report.decision);
    assert!(report.method.to_string().contains("uniform (told by Kafka)"), "{}", report.method);
    assert!(report.carried.is_some());
    assert_eq!(end.watched, None);
}

#[tokio::test]
async fn after_the_removals_the_group_is_watched_and_the_record_learns_what_came() {
    let (left, after) = replaced(&chosen().await);
    // One look to decide on, one before the first removal.
    let source = ScriptedGroup::new(before(), produced()).then(2, Ok(left)).then(2, Ok(after));
    let (world, store) = (world(), MemoryStore::default());
    let end = run(&world, &source, Mode::Real, &store).await;
    assert_eq!(end.outcome.unwrap().status(), "rebalanced");
    let watched = end.watched.unwrap();
    assert!(matches!(watched.rebalance, Rebalance::Settled { .. }), "{watched:?}");
    assert_eq!(watched.timing, Some(Timing::LeaveThenJoin));
    let record = store.peek(NOW).await.unwrap().record;
    let seen = record.timing().unwrap();
    assert_eq!((seen.timing, seen.rotations), (Timing::LeaveThenJoin, 1));
    assert_eq!(record.rotations()[0].group.unwrap().settled_after_ms, Some(0));
}

#[tokio::test]
async fn a_group_that_never_gets_its_replacements_is_told_as_it_was_last_seen() {
    let gone = chosen().await;
    let (left, _) = replaced(&gone);
    let source = ScriptedGroup::new(before(), produced()).then(2, Ok(left));
    let end = run(&world(), &source, Mode::Real, &MemoryStore::default()).await;
    let expected =
        Rebalance::NotYet { state: "Stable".to_owned(), members: 6 - gone.len(), expected: 6, staying: 0 };
    assert_eq!(end.watched.unwrap().rebalance, expected);
}

#[tokio::test]
async fn what_came_of_a_rotation_whose_cycle_could_not_wait_is_measured_by_the_next_one() {
    let gone = chosen().await;
    let (left, after) = replaced(&gone);
    let store = MemoryStore::default();
    let source = ScriptedGroup::new(before(), produced()).then(2, Ok(left));
    let first = run(&world(), &source, Mode::Real, &store).await;
    assert!(matches!(first.watched.unwrap().rebalance, Rebalance::NotYet { .. }));
    let measured = async |now| store.peek(now).await.unwrap().record.rotations()[0].group.unwrap().measured;
    assert_eq!(measured(NOW).await, None);

    let later = NOW + SignedDuration::from_mins(30);
    let next = run(&world_at(later, &gone), &ScriptedGroup::new(after, produced()), Mode::Real, &store).await;
    assert!(next.outcome.is_ok());
    assert!(measured(later).await.is_some());
}

#[tokio::test]
async fn nothing_is_removed_from_a_group_that_changed_after_the_decision() {
    let mut moved = before();
    moved.members[5].id = "another".to_owned();
    let error = GroupError::Unavailable { message: "no broker".to_owned() };
    for (now, told) in [(Ok(moved), "has other members"), (Err(error), "no broker")] {
        let source = ScriptedGroup::new(before(), produced()).then(1, now);
        let world = world();
        let end = run(&world, &source, Mode::Real, &MemoryStore::default()).await;
        assert_eq!(world.removed(), []);
        let outcome = format!("{:?}", end.outcome.unwrap());
        let last = format!("{:?}", world.journal().last());
        assert!(outcome.contains("NotNow") && last.contains("NotAttempted"), "{told}: {outcome}");
    }
}

#[tokio::test]
async fn a_group_that_can_not_be_read_gives_no_loads_and_so_no_decision() {
    let error = || GroupError::Unavailable { message: "no broker".to_owned() };
    let source = ScriptedGroup::new(before(), produced()).then(1, Err(error()));
    assert!(source.group().await.is_ok());
    let end = run(&world(), &source, Mode::Real, &MemoryStore::default()).await;
    let error = end.outcome.unwrap_err().to_string();
    assert!(error.contains("no broker"), "{error}");
}

mod executions;
mod removals_that_wait;
