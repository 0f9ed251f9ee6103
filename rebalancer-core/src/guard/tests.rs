//! Each reason to make no rotation now, by itself.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::*;
use crate::fixture::{NOW, pod, snapshot};
use crate::fleet::{Owner, Uid};
use crate::policy::QuietHours;
use crate::snapshot::Surroundings;

fn controller() -> Controller {
    Controller {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: "consumer".to_owned(),
        uid: Uid::new("u"),
        annotations: BTreeMap::new(),
        status_is_current: true,
        desired: 4,
        current: 4,
        updated: 4,
    }
}

fn scaling() -> Scaling {
    Scaling { active: true, current: 4, desired: 4, minimum: 1, last_scaled_at: None, wants_fewer: false }
}

fn fleet() -> Snapshot {
    let mut fleet = snapshot(&[1.0, 1.0, 1.0, 1.0], None);
    let (controller, scaling) = (Some(controller()), Some(scaling()));
    fleet.surround(Surroundings { controller, scaling, ..Surroundings::default() });
    fleet
}

fn check(change: impl FnOnce(&mut Snapshot), expected: Option<NotNow>) {
    let mut fleet = fleet();
    change(&mut fleet);
    assert_eq!(not_now(&fleet, &Policy::default()), expected);
}

fn of_controller(change: impl FnOnce(&mut Controller), expected: Option<NotNow>) {
    check(|fleet| change(fleet.surroundings.controller.as_mut().unwrap()), expected);
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
    let mark = |value: &str| BTreeMap::from([(OPT_OUT.to_owned(), value.to_owned())]);
    of_controller(|it| it.annotations = mark("true"), Some(NotNow::OptedOut { annotation: OPT_OUT }));
    of_controller(|it| it.annotations = mark("false"), None);
}

#[test]
fn a_rollout_is_left_alone_and_so_is_one_that_has_not_begun_yet() {
    let rollout = |updated| {
        Some(NotNow::RolloutInProgress { of: "Deployment consumer".to_owned(), updated, current: 4 })
    };
    of_controller(|it| it.updated = 1, rollout(1));
    of_controller(|it| it.status_is_current = false, rollout(4));
}

#[test]
fn without_its_owner_a_rollout_shows_in_its_pods() {
    let mixed = |fleet: &mut Snapshot| {
        fleet.surroundings.controller = None;
        let new = &mut fleet.pods[3].pod;
        new.owner = Some(Owner { kind: "ReplicaSet".to_owned(), name: "consumer-2".to_owned() });
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
    let known_to_be_complete = |fleet: &mut Snapshot| {
        mixed(fleet);
        fleet.surroundings.controller = Some(controller());
    };
    check(known_to_be_complete, None);
}

#[test]
fn a_scaling_is_left_alone_whoever_asks_for_it() {
    let by =
        |by: &str, current, desired| Some(NotNow::ScalingInProgress { by: by.to_owned(), current, desired });
    of_controller(|it| it.desired = 6, by("Deployment consumer", 4, 6));
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
        other.pod = pod("z");
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
    let rolling = Controller { updated: 3, ..controller() };
    check(&rolling, true, Some("rollout_in_progress"));
    check(&rolling, false, None);
    let annotations = BTreeMap::from([(OPT_OUT.to_owned(), String::new())]);
    check(&Controller { annotations, ..controller() }, false, Some("workload_opted_out"));
}

#[test]
fn an_autoscaler_that_is_about_to_scale_in_need_not_be_waited_for() {
    let mut fleet = fleet();
    fleet.surroundings.scaling = Some(Scaling { wants_fewer: true, ..scaling() });
    assert_eq!(not_now(&fleet, &Policy::default().with_wait_for_scale_in(false)), None);
}
