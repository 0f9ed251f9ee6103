//! A spike is no reason to act; what lasts is.

use crate::fixture::plan;
use crate::fixture::verdicts;
use crate::fixture::{self, named, policy, snapshot};
use crate::fleet::{Indicator, Samples};
use crate::planner::to_confirm;
use crate::policy::{Persistence, Policy};
use crate::port::MetricsError;
use crate::report::{Decision, Hold, Report, Spared, Verdict};
use crate::snapshot::{Past, Snapshot};
use std::num::NonZeroUsize;

use jiff::SignedDuration;

/// Six pods of which the first two are hot.
const NOW: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];
const CALM: [f64; 6] = [0.8, 0.7, 0.8, 0.6, 0.6, 0.6];
const FIRST_ONLY: [f64; 6] = [1.2, 0.7, 0.8, 0.6, 0.6, 0.6];

fn lasting() -> Policy {
    policy().with_persistence(Persistence::default())
}

fn samples(loads: &[f64]) -> Samples {
    let named = named(loads);
    let loads: Vec<(&str, f64)> = named.iter().map(|(name, load)| (name.as_str(), *load)).collect();
    fixture::samples(&loads)
}

fn with_past(percent: Option<f64>, past: &[&[f64]]) -> Snapshot {
    let mut fleet = snapshot(&NOW, percent);
    let windows = Ok(past.iter().map(|loads| samples(loads)).collect());
    fleet.past = Some(Past { indicator: Indicator::Cpu, windows });
    fleet
}

fn removed(report: &Report) -> Vec<&str> {
    match &report.decision {
        Decision::Rotate(plan) => plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect(),
        Decision::Balanced | Decision::Hold(_) => panic!("{}", report.decision),
    }
}

fn check_held(fleet: &Snapshot, expected: &Hold) {
    assert_eq!(plan(fleet, &lasting()).decision, Decision::Hold(expected.clone()));
}

fn not_persistent(seen_in: usize) -> Hold {
    Hold::NotPersistent { indicator: Indicator::Cpu, seen_in, windows: 3, required: 2, younger: 0 }
}

#[test]
fn an_imbalance_that_is_only_there_now_is_held() {
    check_held(&with_past(Some(70.0), &[&CALM, &CALM]), &not_persistent(1));
}

#[test]
fn two_readings_of_three_are_enough_whichever_the_earlier_one_is() {
    for past in [[&NOW, &CALM], [&CALM, &NOW], [&NOW, &NOW]] {
        let report = plan(&with_past(Some(70.0), &past.map(|loads| &loads[..])), &lasting());
        assert_eq!(removed(&report), ["p000", "p005", "p001", "p004"]);
    }
}

#[test]
fn a_pod_that_is_hot_only_now_is_spared_while_one_that_stays_hot_goes() {
    let report = plan(&with_past(Some(70.0), &[&FIRST_ONLY, &FIRST_ONLY]), &lasting());
    assert_eq!(removed(&report), ["p000", "p005", "p004"]);
    let passing = Spared::NotPersistent { hot_in: 1, windows: 3, required: 2 };
    assert_eq!(verdicts(&report)[1], Verdict::Spared(passing));
}

/// Somebody is always hot, but never the same pod twice.
#[test]
fn a_spike_that_wanders_from_pod_to_pod_is_held() {
    let third = [0.8, 0.7, 1.2, 0.6, 0.6, 0.6];
    let fourth = [0.8, 0.7, 0.8, 1.2, 0.6, 0.6];
    check_held(&with_past(Some(70.0), &[&third, &fourth]), &not_persistent(1));
}

#[test]
fn without_a_target_each_reading_is_judged_by_its_own_mean_and_variation() {
    // All three times as loaded as now: the same imbalance.
    let heavier = NOW.map(|load| load * 3.0);
    let report = plan(&with_past(None, &[&heavier, &CALM]), &lasting());
    assert_eq!(removed(&report)[0], "p000");
    check_held(&with_past(None, &[&CALM, &CALM]), &not_persistent(1));
}

#[test]
fn a_reading_without_samples_and_one_that_is_missing_show_no_imbalance() {
    check_held(&with_past(Some(70.0), &[&[], &[]]), &not_persistent(1));
    check_held(&with_past(Some(70.0), &[]), &not_persistent(1));
}

/// A name may have been another pod's: a StatefulSet gives it again.
#[test]
fn what_was_measured_before_a_pod_was_ready_is_not_its_own() {
    let mut fleet = with_past(Some(70.0), &[&NOW, &NOW]);
    for hot in &mut fleet.pods[..2] {
        hot.pod.ready_since = Some(fixture::NOW - SignedDuration::from_secs(301));
    }
    let two_minutes = lasting().with_minimum_age(SignedDuration::from_mins(2));
    let report = plan(&fleet, &two_minutes);
    assert_eq!(removed(&report)[0], "p000", "one reading of five minutes ago is its own");
    for hot in &mut fleet.pods[..2] {
        hot.pod.ready_since = Some(fixture::NOW - SignedDuration::from_secs(299));
    }
    let hold =
        Hold::NotPersistent { indicator: Indicator::Cpu, seen_in: 1, windows: 3, required: 2, younger: 2 };
    assert_eq!(plan(&fleet, &two_minutes).decision, Decision::Hold(hold.clone()));
    assert!(hold.to_string().contains("2 hot pods are younger than those readings"), "{hold}");
    assert!(not_persistent(1).to_string().contains("may be a spike"));
}

#[test]
fn what_can_t_be_known_is_held() {
    let mut fleet = with_past(Some(70.0), &[]);
    let error = MetricsError::Unavailable { message: "down".to_owned() };
    fleet.past = Some(Past { indicator: Indicator::Cpu, windows: Err(error.clone()) });
    check_held(&fleet, &Hold::PastUnknown { indicator: Indicator::Cpu, error: Some(error) });
    for past in [None, Some(Past { indicator: Indicator::Lag, windows: Ok(vec![samples(&NOW); 2]) })] {
        fleet.past = past;
        check_held(&fleet, &Hold::PastUnknown { indicator: Indicator::Cpu, error: None });
    }
}

#[test]
fn earlier_readings_are_asked_for_only_when_there_is_something_to_confirm() {
    let uneven = snapshot(&NOW, Some(70.0));
    assert_eq!(to_confirm(&uneven, &lasting()), Some(Indicator::Cpu));
    assert_eq!(to_confirm(&uneven, &policy()), None);
    assert_eq!(to_confirm(&snapshot(&CALM, Some(70.0)), &lasting()), None);
    assert_eq!(to_confirm(&snapshot(&[], Some(70.0)), &lasting()), None);
}

#[test]
fn more_readings_than_there_are_can_t_be_required() {
    let count = |count| NonZeroUsize::new(count).unwrap();
    assert!(Persistence::new(count(3), count(3), SignedDuration::from_mins(1)).is_ok());
    assert!(Persistence::new(count(4), count(3), SignedDuration::from_mins(1)).is_err());
}
