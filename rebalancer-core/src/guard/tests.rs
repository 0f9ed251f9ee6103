//! Each reason to make no rotation now, by itself.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::*;
use crate::fixture::{self, NOW, owned_by, owner, pod, snapshot};
use crate::fleet::{NotRead, Owner, Ownership, Unread};
use crate::policy::QuietHours;
use crate::snapshot::Surroundings;

fn controller() -> Controller {
    fixture::controller("Deployment", "consumer", 4)
}

fn scaling() -> Scaling {
    let (current, desired) = (4, 4);
    let (last_scaled_at, wants_fewer, disabled) = (None, false, false);
    Scaling { active: true, current, desired, minimum: 1, last_scaled_at, wants_fewer, disabled }
}

fn fleet() -> Snapshot {
    let mut fleet = snapshot(&[1.0, 1.0, 1.0, 1.0], None);
    fleet.surround(Surroundings { scaling: Some(scaling()), ..owned_by(controller()) });
    fleet
}

fn check(change: impl FnOnce(&mut Snapshot), expected: Option<NotNow>) {
    let mut fleet = fleet();
    change(&mut fleet);
    assert_eq!(not_now(&fleet, &Policy::default()), expected);
}

/// Silence is counted from what was heard last; a fleet that was asked for is as of now.
#[test]
fn a_watch_that_is_silent_for_too_long_holds() {
    let longest = SignedDuration::from_secs(90);
    let ago = |seconds| Some(NOW - SignedDuration::from_secs(seconds));
    let watched = |heard_at, error: Option<&str>| {
        let watched = Watched { heard_at, error: error.map(str::to_owned) };
        move |fleet: &mut Snapshot| fleet.surroundings.watched = Some(watched)
    };
    check(watched(ago(0), None), None);
    check(watched(ago(90), Some("it broke and was taken up again")), None);
    let stale = |heard_at, error: Option<&str>| {
        Some(NotNow::WatchStale { heard_at, longest, error: error.map(str::to_owned) })
    };
    check(watched(ago(91), None), stale(ago(91), None));
    check(watched(ago(91), Some("refused")), stale(ago(91), Some("refused")));
    check(watched(None, None), stale(None, None));
}

fn of_controller(change: impl FnOnce(&mut Controller), expected: Option<NotNow>) {
    let mut deployment = controller();
    change(&mut deployment);
    check(|fleet| fleet.surround(owned_by(deployment)), expected);
}

fn of_progress(change: impl FnOnce(&mut Progress), expected: Option<NotNow>) {
    of_controller(|it| change(it.progress.as_mut().unwrap()), expected);
}

fn of_scaling(change: impl FnOnce(&mut Scaling), expected: Option<NotNow>) {
    check(|fleet| change(fleet.surroundings.scaling.as_mut().unwrap()), expected);
}

/// The first of four pods is what unsettles the fleet.
fn unsettled(young: usize, not_ready: usize) -> Option<NotNow> {
    let (such_as, minimum_age) = ("p000".to_owned(), SignedDuration::from_mins(5));
    Some(NotNow::Unsettled { young, not_ready, such_as, pods: 4, minimum_age })
}

#[test]
fn a_settled_fleet_that_nobody_else_changes_may_be_rotated() {
    check(|_| {}, None);
    check(|fleet| fleet.surroundings = Surroundings::default(), None);
}

#[test]
fn a_workload_that_is_marked_is_left_alone() {
    let mark = |value: &str| BTreeMap::from([(Annotation::OptOut.to_string(), value.to_owned())]);
    of_controller(
        |it| it.annotations = mark("true"),
        Some(NotNow::OptedOut { annotation: Annotation::OptOut }),
    );
    of_controller(|it| it.annotations = mark("false"), None);
}

#[test]
fn a_rollout_is_left_alone_and_so_is_one_that_has_not_begun_yet() {
    let rollout = |updated| {
        Some(NotNow::RolloutInProgress { of: "Deployment consumer".to_owned(), updated, current: 4 })
    };
    of_progress(|it| it.updated = 1, rollout(1));
    of_progress(|it| it.status_is_current = false, rollout(4));
}

#[test]
fn without_its_owner_a_rollout_shows_in_its_pods() {
    let mixed = |fleet: &mut Snapshot| {
        fleet.surroundings.controller = None;
        let new = &mut fleet.pods[3].pod;
        new.owner = Some(owner("ReplicaSet", "consumer-2"));
        new.created_at = Some(NOW - SignedDuration::from_mins(30));
    };
    let expected = NotNow::RolloutInProgress { of: "streams/consumer".to_owned(), updated: 1, current: 4 };
    check(mixed, Some(expected));
    let on_its_way_out = |fleet: &mut Snapshot| {
        mixed(fleet);
        fleet.pods[3].pod.terminating = true;
    };
    check(on_its_way_out, None);
    let evicted = |fleet: &mut Snapshot| {
        mixed(fleet);
        fleet.pods[3].pod.phase = Phase::Failed;
    };
    check(evicted, None);
}

#[test]
fn two_revisions_are_a_rollout_whatever_label_tells_them() {
    let expected = || {
        let of = "streams/consumer".to_owned();
        Some(NotNow::RolloutInProgress { of, updated: 3, current: 4 })
    };
    let labelled = |label: &'static str, owner: Owner| {
        move |fleet: &mut Snapshot| {
            for (place, pod) in fleet.pods.iter_mut().enumerate() {
                pod.pod.owner = Some(owner.clone());
                let (value, age) = if place == 0 { ("old", 90) } else { ("new", 60) };
                pod.pod.labels.insert(label.to_owned(), value.to_owned());
                pod.pod.created_at = Some(NOW - SignedDuration::from_mins(age));
            }
            fleet.surround(Surroundings::default());
        }
    };
    let set = || owner("ReplicaSet", "consumer-1");
    for label in ["pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"] {
        check(labelled(label, set()), expected());
    }
    check(labelled("deployment", set()), None);
    check(labelled("deployment", owner("ReplicationController", "consumer-3")), expected());
    let annotated = |fleet: &mut Snapshot| {
        fleet.surround(Surroundings::default());
        fleet.pods[0].pod.annotations.insert("strimzi.io/revision".to_owned(), "1".to_owned());
        fleet.pods[0].pod.created_at = None;
    };
    check(annotated, expected());
}

#[test]
fn a_stateful_set_tells_by_its_own_status_whether_two_revisions_are_a_rollout() {
    let partitioned = |set: Controller| {
        move |fleet: &mut Snapshot| {
            for (place, pod) in fleet.pods.iter_mut().enumerate() {
                pod.pod.owner = Some(owner("StatefulSet", "consumer"));
                let revision = if place < 2 { "old" } else { "new" };
                pod.pod.labels.insert("controller-revision-hash".to_owned(), revision.to_owned());
            }
            let ownership = Ownership { objects: vec![set.clone()], ..Ownership::default() };
            fleet.surround(Surroundings { controller: Some(set), ownership, ..Surroundings::default() });
        }
    };
    let set = fixture::controller("StatefulSet", "consumer", 4);
    check(partitioned(set.clone()), None);
    let of = "StatefulSet consumer".to_owned();
    let rolling = Some(NotNow::RolloutInProgress { of, updated: 2, current: 4 });
    let of_another_group = Controller { api_version: "apps.kruise.io/v1beta1".to_owned(), ..set };
    check(partitioned(of_another_group), rolling);
}

/// What is read where an object of this kind and name owns the ReplicaSet of the pods, and another one has its name.
fn beside(top: &str, deployment: Controller) -> Surroundings {
    let set = Controller {
        owner: Some(owner(top, "consumer")),
        ..fixture::controller("ReplicaSet", "consumer-1", 4)
    };
    let ownership = Ownership { objects: vec![set, deployment], ..Ownership::default() };
    Surroundings { ownership, ..Surroundings::default() }
}

#[test]
fn an_object_of_the_workload_s_name_that_owns_none_of_the_pods_says_nothing_of_them() {
    let marked = |value: &str| BTreeMap::from([(Annotation::OptOut.key().to_owned(), value.to_owned())]);
    let other =
        Controller { annotations: marked("true"), ..fixture::controller("Deployment", "consumer", 0) };
    check(|fleet| fleet.surround(beside("Rollout", other)), None);
    let rollout = Controller { annotations: marked(""), ..fixture::controller("Rollout", "consumer", 4) };
    let opted_out = Some(NotNow::OptedOut { annotation: Annotation::OptOut });
    check(|fleet| fleet.surround(beside("Rollout", rollout)), opted_out);
}

#[test]
fn pods_whose_owner_does_not_exist_any_more_are_left_to_the_garbage_collector() {
    let reading = |lost: Owner, why| {
        move |fleet: &mut Snapshot| {
            let mut around = owned_by(controller());
            around.controller = None;
            let missing = |object: &Controller| object.uid == lost.uid || object.kind == "Deployment";
            around.ownership.objects.retain(|object| !missing(object));
            around.ownership.unread = vec![Unread { owner: lost, why }];
            fleet.surround(around);
        }
    };
    // Of what may be asked for in the wrong place, that nothing is there is not enough.
    for (lost, holds) in [(owner("Deployment", "consumer"), true), (owner("ReplicaSet", "consumer-1"), false)]
    {
        for (why, holds) in [
            (NotRead::Gone, holds),
            (NotRead::Replaced, true),
            (NotRead::NotAllowed, false),
            (NotRead::Unreadable, false),
        ] {
            let expected = holds.then(|| NotNow::OwnerGone { of: lost.to_string() });
            check(reading(lost.clone(), why), expected);
        }
    }
    check(reading(owner("ReplicaSet", "consumer-7"), NotRead::Replaced), None);
}

#[test]
fn two_objects_of_the_workload_s_name_that_own_pods_are_a_contradiction() {
    let both = |fleet: &mut Snapshot| {
        fleet.pods[0].pod.owner = Some(owner("ReplicaSet", "consumer-2"));
        let mut around = owned_by(controller());
        around.controller = None;
        let of_rollout = Controller {
            owner: Some(owner("Rollout", "consumer")),
            ..fixture::controller("ReplicaSet", "consumer-2", 1)
        };
        around.ownership.objects.push(of_rollout);
        fleet.surround(around);
    };
    let described = |kind| format!("{kind} consumer (uid-of-{kind}-consumer)");
    let owners = vec![described("Deployment"), described("Rollout")];
    check(both, Some(NotNow::SeveralOwners { owners }));
}

#[test]
fn a_controller_that_counts_other_pods_than_are_listed_is_not_believed() {
    let disagree = |says, listed, ending| {
        let of = "Deployment consumer".to_owned();
        Some(NotNow::CountsDisagree { of, says, listed, ending })
    };
    let counting = |pods| move |it: &mut Progress| (it.desired, it.current, it.updated) = (pods, pods, pods);
    of_progress(counting(2), disagree(2, 4, 0));
    of_progress(counting(5), disagree(5, 4, 0));
    // One that ends may be counted or not; another container's name is no matter.
    let ending = |fleet: &mut Snapshot| fleet.pods[0].pod.terminating = true;
    check(ending, None);
    let nameless = |fleet: &mut Snapshot| {
        fleet.pods[0].pod.container = None;
        fleet.pods[0].own = false;
    };
    check(nameless, None);
    let by_name = |fleet: &mut Snapshot| {
        let deployment = fixture::controller("Deployment", "consumer", 0);
        let ownership = Ownership { by_name: Some(deployment.clone()), ..Ownership::default() };
        fleet.surround(Surroundings { controller: Some(deployment), ownership, ..Surroundings::default() });
    };
    check(by_name, disagree(0, 4, 0));
}

#[test]
fn a_scaling_is_left_alone_whoever_asks_for_it() {
    let by =
        |by: &str, current, desired| Some(NotNow::ScalingInProgress { by: by.to_owned(), current, desired });
    of_progress(|it| it.desired = 6, by("Deployment consumer", 4, 6));
    of_scaling(|it| it.desired = 3, by("the autoscaler", 4, 3));
    of_scaling(|it| (it.desired, it.active) = (0, false), None);
}

#[test]
fn a_scale_in_that_only_waits_is_not_run_ahead_of() {
    of_scaling(|it| it.wants_fewer = true, Some(NotNow::ScaleInPending { current: 4, minimum: 1 }));
    of_scaling(|it| (it.wants_fewer, it.minimum) = (true, 4), None);
    of_scaling(|it| (it.wants_fewer, it.active) = (true, false), None);
}

#[test]
fn after_a_scaling_the_fleet_settles_for_the_minimum_age() {
    let scaled = |ago: i64| Some(NOW - SignedDuration::from_secs(ago));
    let until = NOW + SignedDuration::from_secs(1);
    let at = NOW - SignedDuration::from_secs(299);
    of_scaling(|it| it.last_scaled_at = scaled(299), Some(NotNow::JustScaled { at, until }));
    of_scaling(|it| it.last_scaled_at = scaled(300), None);
}

#[test]
fn with_many_fresh_pods_the_fleet_has_not_settled() {
    let young = |fleet: &mut Snapshot| fleet.pods[0].pod.ready_since = Some(NOW);
    check(young, unsettled(1, 0));
    let one_of_many = |fleet: &mut Snapshot| {
        *fleet = snapshot(&[1.0; 10], None);
        young(fleet);
    };
    check(one_of_many, None);
    check(|fleet| fleet.pods[0].pod.ready_since = None, unsettled(1, 0));
}

#[test]
fn pods_that_start_unsettle_the_fleet_and_those_that_ended_do_not() {
    let starting = unsettled(0, 1);
    check(|fleet| fleet.pods[0].pod.phase = Phase::Pending, starting.clone());
    check(|fleet| fleet.pods[0].pod.ready = false, starting);
    check(|fleet| fleet.pods[0].pod.phase = Phase::Failed, None);
    check(|fleet| fleet.pods[0].pod.terminating = true, None);
}

#[test]
fn a_stranger_does_not_unsettle_the_fleet() {
    let stranger = |fleet: &mut Snapshot| {
        let mut other = fleet.pods[0].clone();
        other.pod = Pod { owner: Some(owner("ReplicaSet", "other-1")), ..pod("z") };
        other.pod.ready_since = Some(NOW);
        other.own = false;
        fleet.pods.push(other);
    };
    check(stranger, None);
}

#[test]
fn a_quiet_hour_is_kept() {
    // NOW is a Thursday at midnight.
    let hours = |text| Some(QuietHours::parse(text, TimeZone::UTC).unwrap());
    let policy = |text| Policy::default().with_quiet_hours(hours(text));
    let until = NOW + SignedDuration::from_hours(6);
    let expected = NotNow::QuietHours { window: "Thu 00:00-06:00".to_owned(), until };
    assert_eq!(not_now(&fleet(), &policy("Thu 00:00-06:00")), Some(expected));
    assert_eq!(not_now(&fleet(), &policy("Thu 01:00-06:00")), None);
}

#[test]
fn what_comes_up_after_the_decision_ends_a_batch_but_not_what_the_batch_did() {
    let policy = Policy::default();
    let check = |controller: &Controller, untouched, expected: Option<&str>| {
        let guard = still_not_now(Some(controller), &policy, NOW, untouched);
        assert_eq!(guard.as_ref().map(NotNow::name), expected);
    };
    check(&controller(), true, None);
    let progress = controller().progress.map(|progress| Progress { updated: 3, ..progress });
    let rolling = Controller { progress, ..controller() };
    check(&rolling, true, Some("rollout_in_progress"));
    check(&rolling, false, None);
    let annotations = BTreeMap::from([(Annotation::OptOut.to_string(), String::new())]);
    check(&Controller { annotations, ..controller() }, false, Some("workload_opted_out"));
}

#[test]
fn an_autoscaler_that_is_about_to_scale_in_need_not_be_waited_for() {
    let mut fleet = fleet();
    fleet.surroundings.scaling = Some(Scaling { wants_fewer: true, ..scaling() });
    assert_eq!(not_now(&fleet, &Policy::default().with_wait_for_scale_in(false)), None);
}
