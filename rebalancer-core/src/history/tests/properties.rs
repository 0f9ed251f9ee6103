//! What holds whatever happens, at whatever times.

use proptest::prelude::*;

use super::*;
use crate::port::ApiErrors;

/// Something that happens to a record.
#[derive(Debug, Clone)]
enum Step {
    Advance,
    Begin { pods: usize },
    Finish { fate: u8 },
    Reconcile { pods: usize },
    Measure { cv: Option<f64> },
    End { failed: bool },
    Count { number: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Advance),
        (0_usize..=40).prop_map(|pods| Step::Begin { pods }),
        (0_u8..5).prop_map(|fate| Step::Finish { fate }),
        (0_usize..40).prop_map(|pods| Step::Reconcile { pods }),
        proptest::option::of(0.0_f64..10.0).prop_map(|cv| Step::Measure { cv }),
        any::<bool>().prop_map(|failed| Step::End { failed }),
        any::<u64>().prop_map(|number| Step::Count { number }),
    ]
}

/// Any time there is, often close to another, sometimes going back.
fn time() -> impl Strategy<Value = Timestamp> {
    let any = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    prop_oneof![
        8 => (1_767_225_600_i64..1_767_925_600).prop_map(|second| Timestamp::from_second(second).unwrap()),
        1 => any.prop_map(|second| Timestamp::from_second(second).unwrap()),
        1 => prop_oneof![Just(Timestamp::MIN), Just(Timestamp::MAX)],
    ]
}

fn story() -> impl Strategy<Value = Vec<(Timestamp, Step)>> {
    proptest::collection::vec((time(), step()), 0..120)
}

fn name(number: usize) -> String {
    format!("consumer-{number:04}")
}

fn outcome(fate: u8) -> Ends {
    match fate {
        0 => Ends::Removed,
        1 => unknown(),
        2 => blocked(),
        3 => Ends::Failed(RemovalError::Rejected { message: String::new() }),
        _ => Ends::Spared,
    }
}

fn happens(record: &mut Record, now: Timestamp, step: &Step, count: usize, policy: &HistoryPolicy) {
    match step {
        Step::Advance => record.advance(now, policy),
        Step::Begin { pods } => {
            let pods = (0..*pods).map(|n| (pod_ref(&name(n)), Role::Hot));
            let cycle = format!("cycle-{count}");
            let begun = Rotation::intended(&cycle, now, Indicator::Lag, pods, imbalance(0.5), None);
            record.begin(begun.unwrap());
        }
        Step::Finish { fate } => {
            let told = |pod: &RotatedPod| outcome(*fate).of(&pod.name);
            let Some(last) = record.rotations().last() else { return };
            let (cycle, told) = (last.cycle.clone(), last.pods.iter().map(told).collect::<Vec<_>>());
            record.finish(&cycle, &told, now);
        }
        Step::Reconcile { pods } => {
            let there: Vec<Pod> =
                (0..*pods).map(|n| listed(&name(n), &format!("uid-of-{}", name(n)))).collect();
            record.reconcile(&there, now);
        }
        Step::Measure { cv } => drop(record.measure(now, policy, |_| cv.map(imbalance)).cloned()),
        Step::End { failed } => {
            let end = if *failed { CycleHealth::Failed } else { CycleHealth::Sound };
            record.cycle_ended("any", end, now, policy);
        }
        Step::Count { number } => {
            let trouble = ApiErrors { errors: *number, retries: number / 2 };
            let cycle = SignedDuration::from_millis(i64::from_ne_bytes(number.to_ne_bytes()));
            record.count_cost(CycleCost { cycle, prometheus: trouble, kafka: trouble, kubernetes: trouble });
            record.count_decision(Some("no_pods"), cycle);
        }
    }
}

fn tallies(record: &Record) -> Vec<(String, u64)> {
    let Counters { cycles, removed, refused, failed, rotations, breaker, degraded, .. } = record.counters();
    let Counters { holds, errors, retries, analysis, cycle, .. } = record.counters();
    let few = [cycles, removed, refused, failed, rotations, breaker, degraded, errors, retries];
    let few = few.iter().map(|tally| tally.iter().collect());
    let durations = [analysis, cycle].into_iter().flat_map(|durations| {
        let buckets = durations.buckets().map(|(_, count)| ("bucket", count));
        [vec![("count", durations.count())], buckets.collect()]
    });
    few.chain([holds.iter().collect::<Vec<_>>()])
        .chain(durations)
        .enumerate()
        .flat_map(|(n, counts)| counts.into_iter().map(move |(name, count)| (format!("{n}/{name}"), count)))
        .collect()
}

proptest! {
    #[test]
    fn no_time_makes_it_panic_and_no_counter_falls(story in story()) {
        let policy = HistoryPolicy::default();
        let mut record = Record::default();
        for (count, (now, step)) in story.iter().enumerate() {
            let before = tallies(&record);
            happens(&mut record, *now, step, count, &policy);
            let _ = (record.pause(*now, &policy), record.allowance(*now, &policy));
            let after = tallies(&record);
            for (name, count) in before {
                prop_assert!(after.iter().any(|(n, c)| *n == name && *c >= count), "{}", name);
            }
        }
    }

    #[test]
    fn a_breaker_that_opens_again_opens_for_no_less_than_before(story in story()) {
        let policy = HistoryPolicy::default();
        let mut record = Record::default();
        let mut last = SignedDuration::ZERO;
        for (count, (now, step)) in story.iter().enumerate() {
            let before = record.breaker();
            happens(&mut record, *now, step, count, &policy);
            match (before, record.breaker()) {
                (_, Breaker::Closed) => last = SignedDuration::ZERO,
                // At the end of all time there is no time left to be open for.
                (Breaker::Closed | Breaker::HalfOpen { .. }, Breaker::Open { since, until, .. })
                    if until < Timestamp::MAX =>
                {
                    prop_assert!(until.duration_since(since) >= last);
                    last = until.duration_since(since);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn after_it_was_advanced_nothing_lies_in_the_future_and_nothing_holds_for_ever(
        story in story(), now in time(),
    ) {
        let policy = HistoryPolicy::default();
        let mut record = Record::default();
        for (count, (at, step)) in story.iter().enumerate() {
            happens(&mut record, *at, step, count, &policy);
        }
        record.advance(now, &policy);
        prop_assert!(record.rotations().iter().all(|rotation| rotation.at <= now));
        if let Breaker::Open { until, .. } = record.breaker() {
            prop_assert!(until <= later(now, SignedDuration::from_hours(24)));
        }
        let until = record.settling_until(SETTLE);
        prop_assert!(until.is_none_or(|until| until <= later(now, SETTLE)));
    }

    #[test]
    fn what_was_removed_in_the_window_is_never_counted_short(minutes in proptest::collection::vec(0_i64..120, 0..90)) {
        let mut minutes = minutes;
        minutes.sort_unstable();
        let mut record = Record::default();
        for (count, minute) in minutes.iter().enumerate() {
            let cycle = format!("cycle-{count}");
            record.begin(rotation(&cycle, *minute));
            let told = both(Ends::Removed, if count % 3 == 0 { unknown() } else { blocked() });
            record.finish(&cycle, &told, at(*minute));
        }
        let recent = |(count, minute): &(usize, &i64)| (**minute > 60).then_some(if count % 3 == 0 { 2 } else { 1 });
        let least: u64 = minutes.iter().enumerate().filter_map(|entry| recent(&entry)).sum();
        prop_assert!(record.removed_since(at(120), SignedDuration::from_hours(1)) >= least);
    }
}

#[cfg(feature = "serde")]
proptest! {
    #[test]
    fn a_record_comes_back_from_json_as_it_was_and_within_its_bounds(story in story()) {
        let mut record = Record::default();
        for (count, (now, step)) in story.iter().enumerate() {
            happens(&mut record, *now, step, count, &HistoryPolicy::default());
        }
        let text = serde_json::to_string(&record).unwrap();
        prop_assert!(text.len() < MOST_BYTES, "{}", text.len());
        prop_assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}") {
        let _ = serde_json::from_str::<Record>(&text);
    }
}
