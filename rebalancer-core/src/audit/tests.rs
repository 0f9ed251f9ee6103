//! The audit must catch what a broken planner would do, so each test plants one bug in a good plan.

use super::*;
use crate::fixture::plan;
use crate::fixture::violations;
use crate::fixture::{controller, owned_by, owner, policy, snapshot};
use crate::fleet::Indicator;
use crate::fleet::{Progress, Scaling, Selector, Target, Uid};
use crate::policy::{Persistence, QuietHours};
use crate::report::Decision;
use crate::snapshot::Degraded;
use crate::snapshot::Past;
use crate::unit::{Cores, Load, Tolerance};

mod load;
mod owners;

fn good() -> (Plan, Snapshot) {
    let snapshot = snapshot(&[1.2, 1.1, 0.8, 0.6, 0.4, 0.3], Some(70.0));
    match plan(&snapshot, &policy()).decision {
        Decision::Rotate(plan) => (plan, snapshot),
        other @ (Decision::Balanced | Decision::Hold(_)) => panic!("{other}"),
    }
}

fn check(plant: impl FnOnce(&mut Plan, &mut Snapshot), expected: &[Violation]) {
    let (mut plan, mut snapshot) = good();
    plant(&mut plan, &mut snapshot);
    assert_eq!(violations(&plan, &snapshot, &policy()), expected);
}

fn first() -> String {
    "p000".to_owned()
}

#[test]
fn a_good_plan_is_clean() {
    check(|_, _| {}, &[]);
}

#[test]
fn a_plan_on_a_fleet_that_a_silent_watch_told_is_caught() {
    use crate::fleet::Watched;
    use jiff::SignedDuration;
    let watched = |seconds_ago: Option<i64>| {
        move |_: &mut Plan, snapshot: &mut Snapshot| {
            let heard_at = seconds_ago.map(|ago| snapshot.taken_at - SignedDuration::from_secs(ago));
            snapshot.surroundings.watched = Some(Watched { heard_at, error: None });
        }
    };
    check(watched(Some(90)), &[]);
    for silent in [Some(91), None] {
        check(watched(silent), &[Violation::NotNow { what: "the watch on the fleet is stale" }]);
    }
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
fn a_plan_from_a_store_that_mixes_clusters_is_caught_whatever_it_goes_by() {
    let error = || MetricsError::Ambiguous {
        of: "pod p000".to_owned(),
        label: "cluster".to_owned(),
        values: vec!["eu".to_owned(), "us".to_owned()],
        passing: false,
    };
    let degraded = || Degraded { indicator: Indicator::Lag, error: error() };
    check(|_, snapshot| snapshot.degraded = vec![degraded()], &[Violation::MixedSeries { query: "lag" }]);
    check(
        |_, snapshot| snapshot.partitions_error = Some(error()),
        &[Violation::MixedSeries { query: "partition_load" }],
    );
    check(
        |_, snapshot| snapshot.requests_error = Some(error()),
        &[Violation::MixedSeries { query: "cpu_requests" }],
    );
    let down = MetricsError::Unavailable { message: "down".to_owned() };
    check(|_, snapshot| snapshot.partitions_error = Some(down), &[]);
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
        |_, snapshot| snapshot.pods[0].pod.extras.priority_class = Some("system-node-critical".into()),
        &expected,
    );
    check(
        |_, snapshot| {
            snapshot.pods[0].pod.owner = Some(owner("DaemonSet", "agent"));
        },
        &expected,
    );
}

#[test]
fn pods_of_another_workload_are_caught_and_do_not_count_as_left() {
    let of_others = |snapshot: &mut Snapshot, places: std::ops::Range<usize>| {
        for pod in &mut snapshot.pods[places] {
            pod.pod.owner = Some(owner("ReplicaSet", "other-1"));
        }
    };
    check(|_, snapshot| of_others(snapshot, 0..1), &[Violation::Untouchable { pod: first() }]);
    let (plan, mut snapshot) = good();
    of_others(&mut snapshot, 2..4);
    let policy = policy().with_minimum_pods(1);
    assert_eq!(violations(&plan, &snapshot, &policy), [Violation::TooFewLeft { left: 0, minimum: 1 }]);
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
        &[Violation::NotHot { pod: "p005".to_owned() }, Violation::NotOutliers],
    );
}

/// Only a prediction knows what becomes of a partner's partitions.
#[test]
fn a_partner_in_a_plan_that_predicts_nothing_is_caught() {
    let nobody = crate::report::Exchange { pods: 0, load: Load::new(0.0).unwrap() };
    check(
        |plan, _| plan.removals[1].choice = Choice::Partner { takers: nobody, givers: nobody },
        &[Violation::Unbalanced { hot: 2, cold: 2, k: 2 }],
    );
}

#[test]
fn a_hot_pod_that_is_not_above_the_limit_of_its_own_request_is_caught() {
    let not_hot = || Violation::NotHot { pod: first() };
    let without = || vec![not_hot(), Violation::RequestUnknown];
    for (request, expected) in [(Some(2.0), vec![not_hot()]), (Some(0.0), without()), (None, without())] {
        let request = request.map(|cores| Cores::new(cores).unwrap());
        check(|_, snapshot| snapshot.pods[0].cpu_request = request, &expected);
    }
    // 1.2 cores are above 1.05, the limit of one requested core, and above that of 1.1 too.
    let more = Cores::new(1.1).ok();
    check(|_, snapshot| snapshot.pods[0].cpu_request = more, &[]);
}

#[test]
fn a_hot_pod_that_is_not_above_the_mean_times_the_tolerance_is_caught() {
    // The mean of all six is 0.733: without a target, 1.6 times as much is above 1.1, and 1.7 times above 1.2.
    let not_hot = |pod: &str| Violation::NotHot { pod: pod.to_owned() };
    for (tolerance, expected) in
        [(1.5, vec![]), (1.6, vec![not_hot("p001")]), (1.7, vec![not_hot("p000"), not_hot("p001")])]
    {
        let policy = policy().with_tolerance(Tolerance::new(tolerance).unwrap());
        check_under(&policy, |snapshot| snapshot.target = Target::None, &expected);
    }
}

#[test]
fn a_batch_that_leaves_too_few_is_caught() {
    let (plan, snapshot) = good();
    let policy = policy().with_minimum_pods(3);
    assert_eq!(violations(&plan, &snapshot, &policy), [Violation::TooFewLeft { left: 2, minimum: 3 }]);
}

fn check_under(policy: &Policy, plant: impl FnOnce(&mut Snapshot), expected: &[Violation]) {
    let (plan, mut snapshot) = good();
    plant(&mut snapshot);
    assert_eq!(violations(&plan, &snapshot, policy), expected);
}

#[test]
fn a_batch_that_is_a_larger_share_than_allowed_is_caught() {
    let policy = policy().with_most_share(crate::unit::Share::new(0.5).unwrap());
    check_under(&policy, |_| {}, &[Violation::OverShare { pods: 4, serving: 6 }]);
}

#[test]
fn a_pod_of_too_high_a_priority_and_one_that_is_not_opted_in_are_caught() {
    let low = policy().with_highest_priority(10);
    let expected = [Violation::Untouchable { pod: first() }];
    check_under(&low, |snapshot| snapshot.pods[0].pod.priority = Some(11), &expected);
    let opt_in = policy().with_opt_in(true);
    let mark_all_but_the_first = |snapshot: &mut Snapshot| {
        for pod in &mut snapshot.pods[1..] {
            pod.pod.annotations.insert("pod-rebalancer.io/opt-in".to_owned(), "true".to_owned());
        }
    };
    check_under(&opt_in, mark_all_but_the_first, &expected);
}

#[test]
fn more_than_a_disruption_budget_lets_go_is_caught() {
    let budget = |name: &str, allowed, status_is_current| DisruptionBudget {
        name: name.to_owned(),
        selector: Selector::All(Vec::new()),
        allowed,
        status_is_current,
    };
    let over = |pods| Violation::OverDisruptionBudget { budget: "b".to_owned(), pods };
    for (allowed, current, expected) in
        [(4, true, vec![]), (3, true, vec![over(4)]), (4, false, vec![over(4)])]
    {
        let budgets = vec![budget("b", allowed, current)];
        check_under(&policy(), |snapshot| snapshot.surroundings.budgets = budgets, &expected);
    }
    let two = vec![budget("a", 9, true), budget("b", 9, true)];
    check_under(
        &policy(),
        |snapshot| snapshot.surroundings.budgets = two,
        &[over(1), over(1), over(1), over(1)],
    );
}

#[test]
fn a_plan_in_the_middle_of_a_rollout_a_scaling_or_a_quiet_hour_is_caught() {
    let not_now = |what| [Violation::NotNow { what }];
    let under = |change: fn(&mut Progress), expected: &[Violation]| {
        let mut deployment = controller("Deployment", "consumer", 6);
        change(deployment.progress.as_mut().unwrap());
        check_under(&policy(), |snapshot| snapshot.surround(owned_by(deployment)), expected);
    };
    under(|_| {}, &[]);
    under(|it| it.updated = 5, &not_now("a rollout is in progress"));
    under(|it| it.status_is_current = false, &not_now("a rollout is in progress"));
    under(|it| it.desired = 5, &not_now("a scaling is in progress"));
    let scaling = Scaling {
        active: true,
        current: 6,
        desired: 5,
        minimum: 1,
        last_scaled_at: None,
        wants_fewer: false,
        disabled: false,
    };
    let scale = |snapshot: &mut Snapshot| snapshot.surroundings.scaling = Some(scaling);
    check_under(&policy(), scale, &not_now("the autoscaler is scaling"));
    let pending = Scaling { desired: 6, wants_fewer: true, ..scaling };
    let wait = |snapshot: &mut Snapshot| snapshot.surroundings.scaling = Some(pending);
    check_under(&policy(), wait, &not_now("the autoscaler is about to scale in"));
    let recent = |snapshot: &mut Snapshot| {
        let last_scaled_at = Some(snapshot.taken_at);
        snapshot.surroundings.scaling = Some(Scaling { desired: 6, last_scaled_at, ..scaling });
    };
    check_under(&policy(), recent, &not_now("the autoscaler has just scaled"));
    let two = |snapshot: &mut Snapshot| snapshot.target = Target::Ambiguous { hpas: Vec::new() };
    check_under(&policy(), two, &not_now("several autoscalers match"));
    let strict = policy().with_most_young(crate::unit::Share::new(0.1).unwrap());
    let fresh = |snapshot: &mut Snapshot| snapshot.pods[2].pod.ready_since = Some(snapshot.taken_at);
    check_under(&strict, fresh, &not_now("the fleet has not settled"));
    let always = QuietHours::parse("00:00-24:00", jiff::tz::TimeZone::UTC).unwrap();
    let quiet = policy().with_quiet_hours(Some(always));
    check_under(&quiet, |_| {}, &not_now("a quiet hour"));
}

#[test]
fn a_hot_pod_that_was_not_there_before_is_caught() {
    let lasting = policy().with_persistence(Persistence::default());
    let passing = [first(), "p001".to_owned()].map(|pod| Violation::Passing { pod });
    check_under(&lasting, |_| {}, &passing);
    let seen = |snapshot: &mut Snapshot| {
        let windows = Ok(vec![crate::fixture::samples(&[("p000", 1.2), ("p001", 1.2)])]);
        snapshot.past = Some(Past { indicator: plan_indicator(), windows });
    };
    check_under(&lasting, seen, &[]);
    let calm_then = |snapshot: &mut Snapshot| {
        let windows = Ok(vec![crate::fixture::samples(&[("p000", 1.2), ("p001", 0.1), ("p002", 1.2)])]);
        snapshot.past = Some(Past { indicator: plan_indicator(), windows });
    };
    check_under(&lasting, calm_then, &[Violation::Passing { pod: "p001".to_owned() }]);
    let another_pod_then = |snapshot: &mut Snapshot| {
        seen(snapshot);
        snapshot.pods[0].pod.ready_since = Some(snapshot.taken_at - lasting.balance.persistence.step() / 2);
    };
    let young = lasting.clone().with_minimum_age(jiff::SignedDuration::ZERO);
    check_under(&young, another_pod_then, &[Violation::Passing { pod: first() }]);
}

fn plan_indicator() -> Indicator {
    good().0.indicator
}
