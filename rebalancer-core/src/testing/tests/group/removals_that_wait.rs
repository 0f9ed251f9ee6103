//! A cycle over pods that start within three seconds. With `uniform`, two pods that go together may be assigned anew in several
//! ways, and one that goes alone in one.

use super::*;
use crate::cycle::{NotAttempted, Outcome, PodOutcome};
use crate::policy::Pace;
use crate::report::Plan;

/// Two hot pods of eight.
const TWO_HOT: [(&str, &[u32]); 8] = [
    ("p0", &[0, 1, 2]),
    ("p1", &[3, 4, 5]),
    ("p2", &[6, 7, 8]),
    ("p3", &[9, 10, 11]),
    ("p4", &[12, 13, 14]),
    ("p5", &[15, 16, 17]),
    ("p6", &[18, 19, 20]),
    ("p7", &[21, 22, 23]),
];

const RATES: [u64; 24] = [90, 80, 70, 85, 80, 75, 9, 8, 10, 11, 9, 8, 7, 12, 10, 8, 9, 9, 10, 8, 7, 9, 10, 8];

fn source() -> ScriptedGroup {
    let rates = (0..).zip(RATES).map(|(number, rate)| (TopicPartition::new("events", number), rate * 100));
    ScriptedGroup::new(as_seen(), rates.collect())
}

fn as_seen() -> ConsumerGroup {
    group(GroupState::Stable, &TWO_HOT)
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

/// The cycle's status, and what became of each pod; the group becomes this after the first removal.
async fn outcomes(then: ConsumerGroup) -> (&'static str, Vec<PodOutcome>) {
    // One look to decide on, one before the first removal.
    let source = source().then(2, Ok(then));
    let end = run(&quick(), &source, Mode::Real, &MemoryStore::default()).await;
    let outcome = end.outcome.unwrap();
    let status = outcome.status();
    let Outcome::Acted { pods, .. } = outcome else { panic!("{outcome:?}") };
    (status, pods.into_iter().map(|(_, outcome)| outcome).collect())
}

#[tokio::test]
async fn one_waits_for_the_other_where_nothing_else_tells_what_becomes_of_both() {
    let plan = plan().await;
    assert_eq!((plan.pace(), plan.removals.len(), plan.steps.len()), (Pace::EachAwaited, 2, 2), "{plan:?}");
    assert!(plan.steps.iter().all(|step| step.spread < 1e-3), "{:?}", plan.steps);
}

#[tokio::test]
async fn a_replacement_that_is_no_member_in_time_leaves_the_others_to_the_next_run() {
    let (left, _) = without_and_with_the_first().await;
    let not_yet = Rebalance::NotYet { state: "Stable".to_owned(), members: 7, expected: 8, staying: 0 };
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
