//! The rules of memory, as sentences.

mod approval;
mod counters;
#[cfg(feature = "serde")]
mod json;
mod lock;
mod notices;
mod promises;
mod properties;
mod slow;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::fixture;
use crate::fleet::PodRef;
use crate::fleet::{Indicator, Pod, Uid};
use crate::port::RemovalError;
use crate::unit::{Ratio, Share};

const SETTLE: SignedDuration = SignedDuration::from_mins(15);

fn at(minute: i64) -> Timestamp {
    later("2026-01-01T00:00:00Z".parse().unwrap(), SignedDuration::from_mins(minute))
}

fn imbalance(cv: f64) -> Imbalance {
    Imbalance::new(Ratio::new(cv).unwrap(), Ratio::new(2.0).unwrap())
}

fn pod_ref(name: &str) -> PodRef {
    PodRef { namespace: "shop".into(), name: name.into(), uid: Uid::new(format!("uid-of-{name}")) }
}

fn rotation(cycle: &str, minute: i64) -> Rotation {
    let pods = [(pod_ref("hot"), Role::Hot), (pod_ref("cold"), Role::Cold)];
    Rotation::intended(cycle, at(minute), Indicator::Cpu, pods, imbalance(0.5), None).unwrap()
}

/// How a removal can end, as the record sees it.
#[derive(Clone)]
enum Ends {
    Removed,
    Failed(RemovalError),
    Spared,
}

impl Ends {
    fn of(&self, name: &str) -> RemovalResult {
        let uid = pod_ref(name).uid;
        match self {
            Self::Removed => RemovalResult::removed(uid),
            Self::Failed(error) => RemovalResult::failed(uid, error),
            Self::Spared => RemovalResult::spared(uid),
        }
    }
}

fn both(hot: Ends, cold: Ends) -> Vec<RemovalResult> {
    vec![hot.of("hot"), cold.of("cold")]
}

fn removed() -> Vec<RemovalResult> {
    both(Ends::Removed, Ends::Removed)
}

fn unknown() -> Ends {
    Ends::Failed(RemovalError::Unknown { message: "lost".into() })
}

fn blocked() -> Ends {
    Ends::Failed(RemovalError::Blocked { message: "budget".into() })
}

fn listed(name: &str, uid: &str) -> Pod {
    Pod { uid: Uid::new(uid), ..fixture::pod(name) }
}

/// A record in which a rotation was made at each of these minutes and measured 15 minutes later, with this CV.
fn after(rotations: &[(i64, f64)]) -> Record {
    let mut record = Record::default();
    rotations.iter().for_each(|(minute, cv)| rotate(&mut record, *minute, *cv));
    record
}

fn rotate(record: &mut Record, minute: i64, cv: f64) {
    let policy = HistoryPolicy::default();
    let cycle = format!("cycle-{minute}");
    record.advance(at(minute), &policy);
    record.begin(rotation(&cycle, minute));
    record.finish(&cycle, &removed(), at(minute));
    record.measure(at(minute + 15), &policy, |_| Some(imbalance(cv)));
}

fn is_open_for(record: &Record, minutes: i64) -> bool {
    matches!(record.breaker(), Breaker::Open { since, until, .. }
        if until.duration_since(since) == SignedDuration::from_mins(minutes))
}

#[test]
fn nothing_is_remembered_at_first_and_nothing_holds() {
    let record = Record::default();
    assert_eq!(record.pause(at(0), &HistoryPolicy::default()), None);
    assert_eq!(record.allowance(at(0), &HistoryPolicy::default()), Some(12));
    assert_eq!(record.settling_until(SETTLE), None);
}

#[test]
fn a_fleet_is_left_alone_until_the_last_rotation_has_settled() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.finish("a", &removed(), at(0));
    assert_eq!(record.settling_until(SETTLE), Some(at(15)));
    let pause = |minute| record.pause(at(minute), &HistoryPolicy::default());
    assert_eq!(pause(14), Some(Pause::Settling { since: at(0), until: at(15) }));
    assert_eq!(pause(15), None);
}

#[test]
fn a_rotation_that_removed_nothing_holds_nothing_up_and_is_not_measured() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.finish("a", &both(blocked(), blocked()), at(0));
    assert_eq!(record.rotations()[0].effect, Effect::NotMade);
    assert_eq!(record.settling_until(SETTLE), None);
    assert_eq!(record.measure(at(60), &HistoryPolicy::default(), |_| Some(imbalance(0.5))), None);
    assert_eq!(record.counters().refused.get("disruption_budget"), 2);
}

#[test]
fn an_effect_is_measured_once_and_not_before_it_has_settled() {
    let policy = HistoryPolicy::default();
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.finish("a", &removed(), at(0));
    assert_eq!(record.measure(at(14), &policy, |_| Some(imbalance(0.1))), None);
    assert_eq!(record.measure(at(15), &policy, |_| None), None);
    let asked = |indicator| (indicator == Indicator::Cpu).then(|| imbalance(0.4));
    let judged = record.measure(at(20), &policy, asked).unwrap();
    assert_eq!(judged.effect, Effect::Helped { at: at(20), after: imbalance(0.4) });
    assert_eq!(record.measure(at(25), &policy, |_| Some(imbalance(0.9))), None);
    assert_eq!(record.counters().rotations.get("helped"), 1);
}

#[test]
fn to_help_is_to_bring_the_cv_down_by_the_minimum() {
    let verdict = |before, after| {
        let minimum = Share::new(0.05).unwrap();
        Effect::judge(imbalance(before), imbalance(after), minimum, at(0)).name()
    };
    assert_eq!(verdict(0.5, 0.47), "helped");
    assert_eq!(verdict(0.5, 0.48), "did_not_help");
    assert_eq!(verdict(0.5, 0.6), "did_not_help");
    assert_eq!(verdict(0.0, 0.0), "did_not_help");
}

#[test]
fn two_rotations_in_a_row_that_did_not_help_open_the_breaker() {
    assert_eq!(after(&[(0, 0.5)]).breaker(), Breaker::Closed);
    assert_eq!(after(&[(0, 0.5), (20, 0.1), (40, 0.5)]).breaker(), Breaker::Closed);
    let record = after(&[(0, 0.5), (20, 0.5)]);
    let why = Trip::RotationsDidNotHelp { in_a_row: 2 };
    assert_eq!(record.breaker(), Breaker::Open { since: at(35), until: at(95), why, times: 1 });
    let pause = record.pause(at(36), &HistoryPolicy::default());
    assert_eq!(pause, Some(Pause::BreakerOpen { until: at(95), why, times: 1 }));
}

#[test]
fn a_half_open_breaker_tries_one_rotation_which_closes_it_or_opens_it_for_longer() {
    let policy = HistoryPolicy::default();
    let mut record = after(&[(0, 0.5), (20, 0.5)]);
    record.advance(at(94), &policy);
    assert_eq!(record.breaker().name(), "open");
    record.advance(at(95), &policy);
    assert_eq!((record.breaker().name(), record.pause(at(95), &policy)), ("half_open", None));

    let mut helped = record.clone();
    rotate(&mut helped, 95, 0.2);
    assert_eq!((helped.breaker(), helped.unhelpful_in_a_row()), (Breaker::Closed, 0));

    rotate(&mut record, 95, 0.5);
    assert!(is_open_for(&record, 120), "{:?}", record.breaker());
    assert_eq!(record.counters().breaker.get("rotations_did_not_help"), 2);
}

#[test]
fn a_trial_that_can_never_be_measured_did_not_help() {
    let policy = HistoryPolicy::default();
    let mut record = after(&[(0, 0.5), (20, 0.5)]);
    record.advance(at(95), &policy);
    record.begin(rotation("trial", 95));
    record.finish("trial", &removed(), at(95));
    record.advance(at(130), &policy);
    assert_eq!(record.pause(at(130), &policy), Some(Pause::TrialPending { since: at(95), until: at(170) }));
    assert_eq!(record.measure(at(169), &policy, |_| None), None);
    let mut seen_late = record.clone();
    seen_late.measure(at(170), &policy, |_| Some(imbalance(0.1)));
    assert_eq!(seen_late.breaker(), Breaker::Closed);
    record.measure(at(170), &policy, |_| None);
    assert!(is_open_for(&record, 120));
    assert_eq!(record.rotations().last().unwrap().effect, Effect::NeverSeen { at: at(170) });
}

#[test]
fn three_cycles_in_a_row_that_failed_open_the_breaker_and_one_that_did_not_forgives_them() {
    let policy = HistoryPolicy::default();
    let end = |record: &mut Record, ends: &[CycleHealth]| {
        ends.iter().for_each(|end| record.cycle_ended("failed", *end, at(0), &policy));
    };
    use CycleHealth::{Failed, Sound};
    let mut record = Record::default();
    end(&mut record, &[Failed, Failed, Sound, Failed, Failed]);
    assert_eq!(record.breaker(), Breaker::Closed);
    end(&mut record, &[Failed]);
    assert!(is_open_for(&record, 60));
    end(&mut record, &[Failed, Failed]);
    assert!(is_open_for(&record, 60));
    record.advance(at(60), &policy);
    record.cycle_ended("failed", Failed, at(60), &policy);
    assert!(is_open_for(&record, 120));
    record.forgive();
    assert_eq!((record.breaker(), record.failures_in_a_row()), (Breaker::Closed, 0));
    assert_eq!(record.counters().cycles.get("failed"), 9);
}

#[test]
fn a_sound_cycle_forgives_failures_and_not_the_rotations_that_did_not_help() {
    let policy = HistoryPolicy::default();
    let mut record = after(&[(0, 0.5), (20, 0.5)]);
    record.advance(at(95), &policy);
    for _ in 0..3 {
        record.cycle_ended("failed", CycleHealth::Failed, at(95), &policy);
    }
    assert!(is_open_for(&record, 120), "{:?}", record.breaker());
    record.advance(at(215), &policy);
    record.cycle_ended("held", CycleHealth::Sound, at(215), &policy);
    let why = Trip::RotationsDidNotHelp { in_a_row: 2 };
    assert_eq!(record.breaker(), Breaker::HalfOpen { since: at(215), why, times: 2 });
    rotate(&mut record, 220, 0.5);
    assert!(is_open_for(&record, 240), "{:?}", record.breaker());
}

#[test]
fn a_clock_that_is_set_back_while_a_trial_begins_does_not_hide_it() {
    let policy = HistoryPolicy::default();
    let mut record = after(&[(0, 0.5), (20, 0.5)]);
    record.advance(at(95), &policy);
    record.begin(rotation("trial", 94));
    record.finish("trial", &removed(), at(94));
    record.advance(at(130), &policy);
    assert!(matches!(record.pause(at(130), &policy), Some(Pause::TrialPending { .. })));
}

#[test]
fn a_batch_that_a_crash_cut_off_is_told_to_its_end_from_what_is_listed_now() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    let names = |record: &Record| record.unfinished().map(|pod| pod.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&record), ["hot", "cold"]);
    assert_eq!(record.removed_since(at(1), SignedDuration::from_hours(1)), 2);

    let reconciled = record.reconcile(&[listed("hot", "another"), listed("cold", "uid-of-cold")], at(1));
    let found: Vec<_> = reconciled.iter().map(|story| story.found.clone()).collect();
    assert_eq!(found, [Found::Replaced { by: Uid::new("another") }, Found::StillThere]);
    assert_eq!(
        reconciled[1].to_string(),
        "cold (uid-of-cold), which cycle a meant to remove, is still there"
    );
    assert!(names(&record).is_empty());
    assert_eq!(record.removed_since(at(1), SignedDuration::from_hours(1)), 1);
    assert_eq!((record.counters().removed.get("hot"), record.counters().removed.get("cold")), (1, 0));
}

#[test]
fn a_pod_on_its_way_out_was_removed_and_one_nobody_lists_too() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.finish("a", &both(unknown(), unknown()), at(0));
    let leaving = Pod { terminating: true, ..listed("hot", "uid-of-hot") };
    let reconciled = record.reconcile(&[leaving], at(1));
    assert!(reconciled.iter().all(|story| story.found == Found::Removed));
    assert_eq!(record.rotations()[0].effect, Effect::NotYetKnown);
    assert_eq!(record.counters().failed.get("unknown"), 2);
}

#[test]
fn a_crash_before_the_first_removal_leaves_no_rotation_to_wait_for() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    assert_eq!(record.settling_until(SETTLE), Some(at(15)));
    record.reconcile(&[listed("hot", "uid-of-hot"), listed("cold", "uid-of-cold")], at(1));
    assert_eq!(record.rotations()[0].effect, Effect::NotMade);
    assert_eq!(record.settling_until(SETTLE), None);
}

#[test]
fn what_was_never_asked_for_is_not_counted_when_it_goes_by_other_hands() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.withdraw("a");
    assert_eq!((record.unfinished().count(), record.rotations()[0].effect), (0, Effect::NotMade));
    assert_eq!(record.reconcile(&[], at(1)), []);
    assert_eq!(record.counters().removed.get("hot"), 0);
}

#[test]
fn a_spent_budget_holds_until_the_oldest_removal_leaves_the_window() {
    let hour = SignedDuration::from_hours(1);
    let policy = HistoryPolicy::default().spending(Some(Budget::new(5, hour).unwrap()));
    let mut record = Record::default();
    for (cycle, minute) in [("a", 0), ("b", 20)] {
        record.begin(rotation(cycle, minute));
        record.finish(cycle, &removed(), at(minute));
    }
    let spent = Pause::BudgetSpent { removed: 4, budget: 5, window: hour, until: at(60) };
    assert_eq!(record.pause(at(40), &policy), Some(spent));
    assert_eq!(record.allowance(at(40), &policy), Some(1));
    assert_eq!((record.pause(at(60), &policy), record.allowance(at(60), &policy)), (None, Some(3)));
    assert_eq!(record.pause(at(40), &policy.spending(None)), None);
}

#[test]
fn a_removal_counts_from_when_it_is_told_and_one_that_may_have_happened_until_it_is_known() {
    let hour = SignedDuration::from_hours(1);
    let mut record = Record::default();
    record.begin(rotation("slow", 0));
    record.finish("slow", &removed(), at(2));
    assert_eq!((record.removed_since(at(61), hour), record.removed_since(at(62), hour)), (2, 0));

    record.begin(rotation("killed", 70));
    assert_eq!(record.removed_since(at(200), hour), 2);
    record.reconcile(&[], at(200));
    assert_eq!((record.removed_since(at(259), hour), record.removed_since(at(260), hour)), (2, 0));
}

#[test]
fn removals_are_counted_although_their_rotations_are_forgotten() {
    let mut record = Record::default();
    for minute in 0..50 {
        let cycle = format!("cycle-{minute}");
        record.begin(rotation(&cycle, minute));
        record.finish(&cycle, &removed(), at(minute));
    }
    assert_eq!(record.rotations().len(), 20);
    assert_eq!(record.removed_since(at(50), SignedDuration::from_hours(1)), 100);
}

#[test]
fn a_clock_that_was_ahead_holds_no_longer_than_if_it_had_just_happened() {
    let policy = HistoryPolicy::default();
    let year = 365 * 24 * 60;
    let mut record = after(&[(year, 0.5), (year + 20, 0.5)]);
    record.advance(at(0), &policy);
    assert_eq!(record.settling_until(SETTLE), Some(at(15)));
    assert_eq!(record.removed_since(at(0), SignedDuration::from_hours(1)), 4);
    let Breaker::Open { until, .. } = record.breaker() else { panic!("{:?}", record.breaker()) };
    assert_eq!(until, at(24 * 60));
    let measured_now =
        |rotation: &Rotation| matches!(rotation.effect, Effect::DidNotHelp { at: when, .. } if when == at(0));
    assert!(record.rotations().iter().all(measured_now), "{:?}", record.rotations());
}

#[test]
fn what_would_not_fit_is_not_begun() {
    let of = |count: usize, name: &str| {
        let pods = (0..count).map(|_| (pod_ref(name), Role::Hot));
        Rotation::intended("a", at(0), Indicator::Cpu, pods, imbalance(0.5), None)
    };
    assert!(of(40, "pod").is_ok());
    assert_eq!(of(41, "pod"), Err(Unrecordable::TooManyPods { pods: 41, most: 40 }));
    for name in ["a\"b", "a\nb", "ä", &"x".repeat(300)] {
        assert!(matches!(of(1, name), Err(Unrecordable::NotPlain { .. })), "{name}");
    }
}

#[test]
fn a_history_policy_has_only_numbers_that_make_sense() {
    let (second, hour) = (SignedDuration::from_secs(1), SignedDuration::from_hours(1));
    let policy = HistoryPolicy::default();
    assert!(policy.settling_for(SignedDuration::ZERO).is_err());
    assert!(policy.giving_up_after(0, 1).is_err() && policy.giving_up_after(1, 0).is_err());
    assert_eq!(
        policy.opening_for(hour, second),
        Err(HistoryPolicyError::Shrinking { first: hour, longest: second })
    );
    assert!(Budget::new(1, SignedDuration::from_hours(200)).is_err());
    let opens: Vec<i64> = (0..8).map(|times| policy.open_for(times).as_hours()).collect();
    assert_eq!(opens, [1, 1, 2, 4, 8, 16, 24, 24]);
    assert_eq!(policy.open_for(u32::MAX), SignedDuration::from_hours(24));
}
