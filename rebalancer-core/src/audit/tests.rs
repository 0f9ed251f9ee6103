//! The audit must catch what a broken planner would do, so each test plants one bug in a good plan.

use super::*;
use crate::fixture::{policy, snapshot};
use crate::fleet::{Owner, Uid};
use crate::planner;
use crate::report::Decision;
use crate::unit::Load;

fn good() -> (Plan, Snapshot) {
    let snapshot = snapshot(&[1.2, 1.1, 0.8, 0.6, 0.4, 0.3], Some(70.0));
    match planner::plan(&snapshot, &policy()).decision {
        Decision::Rotate(plan) => (plan, snapshot),
        other @ (Decision::Balanced | Decision::Hold(_)) => panic!("{other}"),
    }
}

fn check(plant: impl FnOnce(&mut Plan, &mut Snapshot), expected: &[Violation]) {
    let (mut plan, mut snapshot) = good();
    plant(&mut plan, &mut snapshot);
    assert_eq!(audit(&plan, &snapshot, &policy()), expected);
}

fn first() -> String {
    "p000".to_owned()
}

#[test]
fn a_good_plan_is_clean() {
    check(|_, _| {}, &[]);
}

#[test]
fn a_stranger_under_the_same_name_is_caught() {
    check(
        |_, snapshot| snapshot.pods[0].pod.uid = Uid::new("another"),
        &[Violation::UnknownPod { pod: first() }],
    );
    check(
        |plan, _| plan.removals[0].pod.namespace = "elsewhere".to_owned(),
        &[Violation::UnknownPod { pod: first() }],
    );
}

#[test]
fn a_pod_that_does_not_serve_or_is_too_young_is_caught() {
    check(|_, snapshot| snapshot.pods[0].pod.ready = false, &[Violation::NotServing { pod: first() }]);
    check(|_, snapshot| snapshot.pods[0].pod.terminating = true, &[Violation::NotServing { pod: first() }]);
    check(
        |_, snapshot| snapshot.pods[0].pod.phase = Phase::Failed,
        &[Violation::NotServing { pod: first() }],
    );
    check(
        |_, snapshot| snapshot.pods[0].pod.ready_since = Some(snapshot.taken_at),
        &[Violation::TooYoung { pod: first() }],
    );
}

#[test]
fn a_pod_that_must_not_be_touched_is_caught() {
    let expected = [Violation::Untouchable { pod: first() }];
    check(|_, snapshot| snapshot.pods[0].pod.owner = None, &expected);
    check(|_, snapshot| snapshot.pods[0].pod.mirror = true, &expected);
    for (name, value) in [
        ("pod-rebalancer.io/opt-out", "true"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        ("descheduler.alpha.kubernetes.io/prefer-no-eviction", ""),
    ] {
        let mark = |snapshot: &mut Snapshot| {
            snapshot.pods[0].pod.annotations.insert(name.to_owned(), value.to_owned());
        };
        check(|_, snapshot| mark(snapshot), &expected);
    }
    check(|_, snapshot| snapshot.pods[0].pod.container = None, &expected);
    check(
        |_, snapshot| snapshot.pods[0].pod.priority_class = Some("system-node-critical".to_owned()),
        &expected,
    );
    check(
        |_, snapshot| {
            let owner = Owner { kind: "DaemonSet".to_owned(), name: "agent".to_owned() };
            snapshot.pods[0].pod.owner = Some(owner);
        },
        &expected,
    );
}

#[test]
fn pods_of_another_workload_are_caught_and_do_not_count_as_left() {
    let other = Owner { kind: "ReplicaSet".to_owned(), name: "other-1".to_owned() };
    check(
        |_, snapshot| snapshot.pods[0].pod.owner = Some(other.clone()),
        &[Violation::Untouchable { pod: first() }],
    );
    let (plan, mut snapshot) = good();
    for pod in &mut snapshot.pods[2..4] {
        pod.pod.owner = Some(other.clone());
    }
    let policy = Policy { minimum_pods: 1, ..policy() };
    assert_eq!(audit(&plan, &snapshot, &policy), [Violation::TooFewLeft { left: 0, minimum: 1 }]);
}

#[test]
fn a_made_up_load_is_caught() {
    check(
        |plan, _| plan.removals[0].load = Load::new(9.0).unwrap(),
        &[Violation::NotMeasured { pod: first() }],
    );
}

#[test]
fn a_batch_of_the_wrong_shape_is_caught() {
    check(
        |plan, _| plan.removals.retain(|removal| removal.choice.is_hot()),
        &[Violation::Unbalanced { hot: 2, cold: 0, k: 2 }],
    );
    check(
        |plan, _| {
            let again = plan.removals[0].clone();
            plan.removals.push(again);
        },
        &[Violation::Twice { pod: first() }, Violation::Unbalanced { hot: 3, cold: 2, k: 2 }],
    );
    check(
        |plan, _| {
            let (hot, cold) = (plan.removals[0].choice, plan.removals[1].choice);
            plan.removals[0].choice = cold;
            plan.removals[1].choice = hot;
        },
        &[Violation::NotOutliers],
    );
}

#[test]
fn a_batch_that_leaves_too_few_is_caught() {
    let (plan, snapshot) = good();
    let policy = Policy { minimum_pods: 3, ..policy() };
    assert_eq!(audit(&plan, &snapshot, &policy), [Violation::TooFewLeft { left: 2, minimum: 3 }]);
}
