//! What is counted, and under which names.

use super::*;
use crate::port::ApiErrors;
use crate::report::Hold;

fn errors() -> [RemovalError; 9] {
    let message = String::new;
    [
        RemovalError::Gone,
        RemovalError::Replaced,
        RemovalError::Conflict { message: message() },
        RemovalError::Blocked { message: message() },
        RemovalError::Throttled { message: message() },
        RemovalError::Unauthorized { message: message() },
        RemovalError::Forbidden { verb: "create", resource: "pods/eviction", message: message() },
        RemovalError::Rejected { message: message() },
        RemovalError::Unknown { message: message() },
    ]
}

#[test]
fn every_removal_that_did_not_succeed_has_a_name_that_is_listed_or_is_not_counted() {
    let mut record = Record::default();
    for error in errors() {
        record.begin(rotation("a", 0));
        record.finish("a", &both(Ends::Failed(error), blocked()), at(0));
    }
    let names = |tally: &Tally| tally.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let mut failed = Counters::FAILED.to_vec();
    failed.sort_unstable();
    assert_eq!(names(&record.counters().failed), failed);
    assert_eq!(names(&record.counters().refused), Counters::REFUSED);
    assert_eq!(record.counters().refused.get("disruption_budget"), 10);
}

#[test]
fn every_hold_is_counted_under_its_own_name() {
    let mut record = Record::default();
    for hold in Hold::NAMES {
        record.counters.holds.add(hold, 1);
    }
    assert_eq!(record.counters().holds.iter().count(), Hold::NAMES.len());
    assert_eq!(record.counters().holds.get("other"), 0);
}

#[test]
fn a_decision_is_counted_with_its_time_and_a_hold_with_its_reason() {
    let mut record = Record::default();
    let took = SignedDuration::from_millis(700);
    record.count_decision(None, took);
    record.count_decision(Some("no_pods"), took);
    record.count_decision(Some("workload_opted_out"), took);
    let holds: Vec<_> = record.counters().holds.iter().collect();
    assert_eq!(holds, [("no_pods", 1), ("workload_opted_out", 1)]);
    assert_eq!(record.counters().analysis.count(), 3);
    assert!((record.counters().analysis.sum() - 2.1).abs() < 1e-9);
    assert_eq!(record.counters().cycle.count(), 0);
}

#[test]
fn trouble_is_counted_by_component_and_none_makes_no_name() {
    let mut record = Record::default();
    let prometheus = ApiErrors { errors: 3, retries: 2 };
    let toll = CycleCost {
        cycle: SignedDuration::from_secs(4),
        prometheus,
        kafka: ApiErrors { errors: 4, retries: 0 },
        kubernetes: ApiErrors { errors: 0, retries: 1 },
    };
    record.count_cost(toll);
    record.count_cost(toll);
    let counters = record.counters();
    assert_eq!(counters.errors.iter().collect::<Vec<_>>(), [("kafka", 8), ("prometheus", 6)]);
    assert_eq!(counters.retries.iter().collect::<Vec<_>>(), [("kubernetes", 2), ("prometheus", 4)]);
    assert_eq!((counters.cycle.count(), counters.cycle.sum()), (2, 8.0));
    assert!(counters.errors.iter().all(|(name, _)| Counters::COMPONENTS.contains(&name)));
}

#[test]
fn names_that_are_listed_are_those_that_are_given() {
    let trips = [
        Trip::RotationsDidNotHelp { in_a_row: 2 },
        Trip::UnreliablePrediction { rotations: 3, kept_percent: -5 },
        Trip::CyclesFailed { in_a_row: 3 },
    ];
    assert_eq!(trips.map(Trip::name), Trip::NAMES);
    let (why, since, until, times) = (trips[0], at(0), at(60), 1);
    let breakers = [
        Breaker::Closed,
        Breaker::Open { since, until, why, times },
        Breaker::HalfOpen { since, why, times },
    ];
    assert_eq!(breakers.map(Breaker::name), Breaker::NAMES);
    let (at, after) = (at(0), imbalance(0.5));
    let judged = [Effect::Helped { at, after }, Effect::DidNotHelp { at, after }, Effect::NeverSeen { at }];
    assert_eq!(judged.map(Effect::name), Effect::JUDGED);
}
