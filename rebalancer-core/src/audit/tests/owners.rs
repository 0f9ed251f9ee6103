//! Bugs in who owns which pod, and in what the owners say.

use super::*;
use crate::fleet::{Controller, NotRead, Owner, Unread};
use crate::snapshot::Surroundings;

/// Plants a bug in a fleet of six pods, which a Deployment owns.
fn check(plant: impl FnOnce(&mut Surroundings, &mut Snapshot), expected: &[&'static str]) {
    let plant = |snapshot: &mut Snapshot| {
        let mut around = owned_by(controller("Deployment", "consumer", 6));
        plant(&mut around, snapshot);
        snapshot.surround(around);
    };
    let expected: Vec<_> = expected.iter().map(|what| Violation::NotNow { what }).collect();
    check_under(&policy(), plant, &expected);
}

/// The ReplicaSet `consumer-2`, which this object controls.
fn second_set(top: Option<Owner>) -> Controller {
    Controller { owner: top, ..controller("ReplicaSet", "consumer-2", 1) }
}

#[test]
fn a_mark_on_any_owner_is_seen() {
    let mark = || BTreeMap::from([("pod-rebalancer.io/opt-out".to_owned(), "true".to_owned())]);
    let what = ["the workload opted out"];
    check(|around, _| around.controller.as_mut().unwrap().annotations = mark(), &what);
    let copied = |around: &mut Surroundings, _: &mut Snapshot| {
        around.ownership.objects[0].annotations = mark();
    };
    check(copied, &[]);
    let of_what_tells_only_its_scale = |around: &mut Surroundings, _: &mut Snapshot| {
        around.ownership.objects[0].annotations = mark();
        let unread = Unread { owner: owner("Deployment", "consumer"), why: NotRead::NotAllowed };
        around.ownership.unread = vec![unread];
    };
    check(of_what_tells_only_its_scale, &what);
    let of_what_is_not_read = |around: &mut Surroundings, _: &mut Snapshot| {
        around.controller = None;
        around.ownership.objects = vec![Controller {
            owner: Some(owner("Rollout", "consumer")),
            annotations: mark(),
            ..controller("ReplicaSet", "consumer-1", 6)
        }];
    };
    check(of_what_is_not_read, &what);
    check(
        |around, _| around.ownership.objects.push(Controller { annotations: mark(), ..second_set(None) }),
        &[],
    );
}

#[test]
fn a_plan_in_spite_of_another_count_or_of_two_revisions_is_caught() {
    let another = |around: &mut Surroundings, _: &mut Snapshot| {
        around.controller = Some(controller("Deployment", "consumer", 2));
    };
    check(another, &["the controller has another number of pods"]);
    let relabelled = |_: &mut Surroundings, snapshot: &mut Snapshot| {
        snapshot.pods[2].pod.labels.insert("rollouts-pod-template-hash".to_owned(), "x".to_owned());
    };
    check(relabelled, &["two revisions are among the pods"]);
}

#[test]
fn a_plan_for_pods_whose_owner_is_gone_is_caught() {
    for (kind, name, why) in [
        ("Deployment", "consumer", NotRead::Gone),
        ("Deployment", "consumer", NotRead::Replaced),
        ("ReplicaSet", "consumer-1", NotRead::Replaced),
    ] {
        let lost = |around: &mut Surroundings, _: &mut Snapshot| {
            around.controller = None;
            around.ownership.objects.retain(|object| object.kind != kind && object.kind != "Deployment");
            around.ownership.unread = vec![Unread { owner: owner(kind, name), why }];
        };
        check(lost, &["an owner of pods is gone"]);
    }
}

#[test]
fn a_plan_for_pods_of_two_objects_of_one_name_is_caught() {
    let two = |around: &mut Surroundings, snapshot: &mut Snapshot| {
        around.controller = None;
        around.ownership.objects.push(second_set(Some(owner("Rollout", "consumer"))));
        snapshot.pods[2].pod.owner = Some(owner("ReplicaSet", "consumer-2"));
    };
    check(two, &["several objects of the workload's name own pods", "two revisions are among the pods"]);
}

#[test]
fn a_pod_whose_set_only_has_the_workload_s_name_is_caught() {
    let plant = |snapshot: &mut Snapshot| {
        snapshot.pods[0].pod.owner = Some(owner("ReplicaSet", "consumer-2"));
        let mut around = owned_by(controller("Deployment", "consumer", 5));
        around.ownership.objects.push(second_set(Some(owner("Deployment", "other"))));
        snapshot.surround(around);
        // The planner took it for one of the workload's own.
        snapshot.pods[0].own = true;
    };
    check_under(&policy(), plant, &[Violation::Untouchable { pod: first() }]);
}
