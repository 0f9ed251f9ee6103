//! A cycle over pods that start within three seconds. With `uniform`, two pods that go together may be assigned anew in several
//! ways, and one that goes alone in one.

use std::collections::BTreeSet;

use super::*;
use crate::assignor::{self, Assignor};
use crate::cycle::{NotAttempted, Outcome, PodOutcome};
use crate::fleet::consumer_group::{GroupOffsets, Reassignment, Topic, TopicConfig};
use crate::fleet::{Controller, Progress, Uid};
use crate::policy::Pace;
use crate::port::{GroupSource, MissingAcl};
use crate::report::Plan;

/// Two hot pods of six.
const TWO_HOT: [(&str, &[u32]); 6] = [
    ("p0", &[0, 6, 12, 18, 24]),
    ("p1", &[1, 7, 13, 19, 25]),
    ("p2", &[2, 8, 14, 20, 26]),
    ("p3", &[3, 9, 15, 21, 27]),
    ("p4", &[4, 10, 16, 22, 28]),
    ("p5", &[5, 11, 17, 23, 29]),
];

/// Messages by partition, in hundreds.
fn produced_here() -> BTreeMap<TopicPartition, u64> {
    let rate = |number: u32| if number % 6 < 2 { 500 + u64::from(number) } else { 50 + u64::from(number) };
    (0..30).map(|number| (TopicPartition::new("events", number), rate(number) * 100)).collect()
}

fn source() -> ScriptedGroup {
    ScriptedGroup::new(as_seen(), produced_here())
}

/// Who gets what follows from the ids: under these the removal of both hot pods at once is worth less than one after the other.
const IDS: [&str; 6] = [
    "0f6760a48f9b887c",
    "7746a55fbad8c037",
    "8cae14cb947eb0bd",
    "b2fb0d3281e2a6e6",
    "b585f767a79a3b6c",
    "e10d666732024679",
];

fn as_seen() -> ConsumerGroup {
    let mut seen = group(GroupState::Stable, &TWO_HOT);
    for (member, id) in seen.members.iter_mut().zip(IDS) {
        member.id = id.to_owned();
    }
    seen
}

fn quick() -> World {
    let ready = NOW - SignedDuration::from_hours(1);
    TWO_HOT.iter().fold(World::new("streams", "p", NOW), |world, (name, _)| {
        let pod = Pod::new(*name, format!("uid-{name}"))
            .with_owner(Owner::of_apps("StatefulSet", "p", "uid-of-the-set"))
            .with_ready_since(ready)
            .with_created_at(ready - SignedDuration::from_secs(3));
        world.with_pod(pod, [])
    })
}

async fn plan() -> Plan {
    let end = run(&quick(), &source(), Mode::DryRun, &MemoryStore::default()).await;
    let decision = end.report.unwrap().decision;
    let Decision::Rotate(plan) = decision else { panic!("{decision}") };
    plan
}

/// The group without the first pod of the plan, and when its replacement holds exactly what it held, which is not what this
/// rule does.
async fn without_and_with_the_first() -> (ConsumerGroup, ConsumerGroup) {
    let first = plan().await.removals[0].pod.name.clone();
    let (mut left, mut after) = (as_seen(), as_seen());
    left.members.retain(|member| member.client_id != first);
    for member in after.members.iter_mut().filter(|member| member.client_id == first) {
        member.id = "again".to_owned();
    }
    (left, after)
}

/// The group when the first pod of the plan is replaced, as this rule gives partitions out.
async fn with_the_first_replaced() -> ConsumerGroup {
    let (mut left, _) = without_and_with_the_first().await;
    reassign(&mut left);
    left.members.push(GroupMember {
        client_id: "again".to_owned(),
        subscription: left.members[0].subscription.clone(),
        assigned: Some(Vec::new()),
        ..GroupMember::new("again")
    });
    reassign(&mut left);
    left
}

fn reassign(group: &mut ConsumerGroup) {
    let number = |held: &TopicPartition| assignor::TopicPartition { topic: 0, partition: held.partition };
    let member = |member: &GroupMember| assignor::Member {
        id: member.id.clone(),
        instance: None,
        subscription: vec![0],
        owned: member.assigned.iter().flatten().map(number).collect(),
        generation: Some(1),
        listed: 0,
    };
    let topics = vec![assignor::Topic { name: "events".to_owned(), partitions: 30, hash: None }];
    let asked = assignor::Group { topics, members: group.members.iter().map(member).collect() };
    for (member, given) in group.members.iter_mut().zip(Assignor::Uniform.assign(&asked)) {
        let named = given.into_iter().map(|held| TopicPartition::new("events", held.partition));
        member.assigned = Some(named.collect());
    }
}

/// The cycle's status, and what became of each pod; the group becomes this after the first removal.
async fn outcomes(then: ConsumerGroup) -> (&'static str, Vec<PodOutcome>) {
    outcomes_in(&quick(), &source_then(then)).await
}

fn source_then(then: ConsumerGroup) -> ScriptedGroup {
    // One look to decide on, one before the first removal.
    source().then(2, Ok(then))
}

async fn outcomes_in(world: &World, source: &dyn GroupSource) -> (&'static str, Vec<PodOutcome>) {
    let end = run(world, source, Mode::Real, &MemoryStore::default()).await;
    let outcome = end.outcome.unwrap();
    let status = outcome.status();
    let Outcome::Acted { pods, .. } = outcome else { panic!("{outcome:?}") };
    (status, pods.into_iter().map(|(_, outcome)| outcome).collect())
}

#[tokio::test]
async fn one_waits_for_the_other_where_nothing_else_tells_what_becomes_of_both() {
    let plan = plan().await;
    assert_eq!((plan.pace(), plan.removals.len(), plan.steps.len()), (Pace::EachAwaited, 2, 2), "{plan:?}");
    assert!(plan.steps.iter().all(|step| step.spread < 5e-3), "{:?}", plan.steps);
}

#[tokio::test]
async fn the_second_goes_when_what_came_of_the_first_is_what_was_expected() {
    let (status, outcomes) = outcomes(with_the_first_replaced().await).await;
    assert_eq!((status, outcomes), ("rebalanced", vec![PodOutcome::Removed; 2]));
}

#[tokio::test]
async fn partitions_that_begin_to_move_while_a_batch_waits_end_it() {
    let moves = vec![Reassignment {
        partition: TopicPartition::new("events", 3),
        adding: vec![2],
        removing: vec![1],
    }];
    let source = source_then(with_the_first_replaced().await);
    // One question to decide on, one before the first removal, one before the second.
    let source = source.with_moving(Vec::new()).with_moving(Vec::new()).with_moving(moves);
    let (status, outcomes) = outcomes_in(&quick(), &source).await;
    let [PodOutcome::Removed, PodOutcome::NotAttempted(NotAttempted::NotNow(guard))] = outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((status, guard.name()), ("partial", "partitions_moving"));
}

#[tokio::test]
async fn a_rollout_that_begins_while_a_batch_waits_ends_it() {
    let owner = Controller {
        api_version: "apps/v1".to_owned(),
        kind: "StatefulSet".to_owned(),
        name: "p".to_owned(),
        uid: Uid::new("uid-of-the-set"),
        annotations: BTreeMap::new(),
        marks: Vec::new(),
        owner: None,
        progress: Some(Progress { status_is_current: true, desired: 6, current: 6, updated: 6 }),
        at_work: None,
    };
    let world = quick().with_controller(owner);
    let source = RollsOut { source: source_then(with_the_first_replaced().await), world: &world };
    let (status, outcomes) = outcomes_in(&world, &source).await;
    let [PodOutcome::Removed, PodOutcome::NotAttempted(NotAttempted::NotNow(guard))] = outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((status, guard.name()), ("partial", "rollout_in_progress"));
}

/// A group whose workload gets a new template as soon as one of its pods is gone.
struct RollsOut<'a> {
    source: ScriptedGroup,
    world: &'a World,
}

#[async_trait::async_trait]
impl GroupSource for RollsOut<'_> {
    async fn group(&self) -> Result<ConsumerGroup, GroupError> {
        if !self.world.removed().is_empty() {
            let rolled = Some(Progress { status_is_current: true, desired: 6, current: 6, updated: 1 });
            self.world.change_controller("p", |controller| controller.progress = rolled);
        }
        self.source.group().await
    }

    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError> {
        self.source.topics(names).await
    }

    async fn topic_configs(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError> {
        self.source.topic_configs(names).await
    }

    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError> {
        self.source.offsets(topics, earlier).await
    }

    async fn reassignments(
        &self,
        topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError> {
        self.source.reassignments(topics).await
    }
}

#[tokio::test]
async fn a_replacement_that_is_no_member_in_time_leaves_the_others_to_the_next_run() {
    let (left, _) = without_and_with_the_first().await;
    let not_yet = Rebalance::NotYet { state: "Stable".to_owned(), members: 5, expected: 6, staying: 0 };
    let waiting = PodOutcome::NotAttempted(NotAttempted::NotReplaced(not_yet));
    assert_eq!(outcomes(left).await, ("partial", vec![PodOutcome::Removed, waiting]));
}

#[tokio::test]
async fn what_did_not_come_as_expected_ends_the_batch() {
    let (_, after) = without_and_with_the_first().await;
    let (status, outcomes) = outcomes(after).await;
    let [PodOutcome::Removed, PodOutcome::NotAttempted(NotAttempted::NotAsExpected { expected, came })] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(status, "partial");
    assert!(expected.is_some() && came.is_some() && expected != came, "{outcomes:?}");
}

#[tokio::test]
async fn a_third_member_meanwhile_ends_the_batch() {
    let (_, mut grown) = without_and_with_the_first().await;
    grown.members.push(GroupMember { assigned: Some(Vec::new()), ..GroupMember::new("a third") });
    let (_, outcomes) = outcomes(grown).await;
    assert!(format!("{outcomes:?}").contains("GroupChanged"), "{outcomes:?}");
}
