//! What is advised, against simulated fleets whose truth is known, and bounds against all assignments.

use proptest::prelude::*;

use super::*;
use crate::assignor::Assignor;
use crate::report::Limit;
use crate::simulation::course::Balance;
use crate::simulation::{Fleet, Shape, Spread};
use crate::stats::Distribution;
use crate::unit::Load;

/// Eight pods with 40 partitions, some of which are hot.
fn shape(assignor: Assignor, seed: u64) -> Shape {
    let spread = Spread::LogNormal { sigma: 1.0 };
    Shape { pods: 8, partitions: 40, spread, assignor, hpa_percent: None, seed, ..Shape::default() }
}

fn policy(assignor: Assignor) -> Policy {
    let mut policy = Policy::default();
    policy.group.assignor = Some(assignor);
    policy
}

fn of(shape: &Shape) -> Advice {
    let snapshot = Fleet::new(shape).unwrap().snapshot().unwrap();
    advise(&snapshot, &policy(shape.assignor), &Constraints::default(), &LoadBasis::Present).unwrap()
}

fn known(advice: &Advice) -> &Known {
    match &advice.outlook {
        Outlook::Known(known) => known,
        Outlook::Unknown { why } => panic!("{why}"),
    }
}

fn cv_of(known: &Known, is: impl Fn(&Lever) -> bool) -> Option<Estimate> {
    let report = known.levers.iter().find(|report| is(&report.lever))?;
    report.outcome().map(|outcome| outcome.cv)
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

#[test]
fn to_do_nothing_leaves_the_fleet_as_it_is() {
    let shape = shape(Assignor::CooperativeSticky, 3);
    let truth = Balance::of(&Fleet::new(&shape).unwrap().loads());
    let advice = of(&shape);
    let nothing = cv_of(known(&advice), |lever| *lever == Lever::Nothing).unwrap();
    close(nothing.expected, truth.cv);
    close(nothing.low, nothing.high);
    close(known(&advice).now.max_to_mean, truth.max_to_mean);
}

#[test]
fn another_assignor_brings_what_a_fleet_under_it_has() {
    let (mut inside, mut difference) = (0, 0.0);
    for seed in 1..=20 {
        let advice = of(&shape(Assignor::Range, seed));
        let expected =
            cv_of(known(&advice), |lever| is_assignor(lever, Assignor::CooperativeSticky)).unwrap();
        // The same partitions with the same loads, under that rule from the start.
        let fleet = Fleet::new(&shape(Assignor::CooperativeSticky, seed)).unwrap();
        let real = Balance::of(&fleet.loads()).cv;
        inside += usize::from((expected.low..=expected.high).contains(&real));
        difference += (expected.expected - real) / 20.0;
    }
    // 90 % of the draws lie within the range, and what is expected is neither too high nor too low.
    assert!(inside >= 15, "{inside} of 20 within the range");
    assert!(difference.abs() < 0.05, "on average {difference} off");
}

fn is_assignor(lever: &Lever, wanted: Assignor) -> bool {
    matches!(lever, Lever::Assignor { assignor } if *assignor == wanted)
}

#[test]
fn under_range_removing_pods_is_no_lever_and_the_reason_is_the_planners() {
    let advice = of(&shape(Assignor::Range, 5));
    let rotation = known(&advice).levers.iter().find(|report| matches!(report.lever, Lever::Rotation { .. }));
    let rotation = rotation.unwrap();
    assert!(matches!(rotation.held, Some(Hold::AssignorRestoresSets { .. })), "{:?}", rotation.held);
    close(rotation.expected_cv().unwrap(), known(&advice).now.cv);
}

#[test]
fn the_best_rotation_is_the_planners_own() {
    let shape = shape(Assignor::CooperativeSticky, 3);
    let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
    let policy = policy(shape.assignor);
    let report = plan(&snapshot, &policy, &Constraints::default());
    let Decision::Rotate(planned) = &report.decision else { panic!("{}", report.decision) };
    let advice = of(&shape);
    let rotation = known(&advice).levers.iter().find(|report| matches!(report.lever, Lever::Rotation { .. }));
    let rotation = rotation.unwrap();
    let mut names: Vec<String> = planned.removals.iter().map(|removal| removal.pod.name.clone()).collect();
    names.sort_unstable();
    assert_eq!(rotation.lever, Lever::Rotation { pods: names });
    close(rotation.expected_cv().unwrap(), report.prediction.unwrap().expected_cv);
    assert_eq!(rotation.costs, vec![LeverCost::Restarts { pods: planned.removals.len() }]);
}

#[test]
fn where_several_rules_fit_each_lever_has_the_worst_and_the_spread_over_all() {
    let shape = shape(Assignor::CooperativeSticky, 3);
    let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
    let none = Policy::default();
    let advice = advise(&snapshot, &none, &Constraints::default(), &LoadBasis::Present).unwrap();
    let untold = known(&advice);
    let rules = untold.assignor.rules();
    assert!(rules.len() > 2, "{:?}", untold.assignor);
    let with = |assignor: Assignor| {
        advise(&snapshot, &policy(assignor), &Constraints::default(), &LoadBasis::Present).unwrap()
    };
    let told: Vec<(Assignor, Advice)> = rules.iter().map(|rule| (rule, with(rule))).collect();
    for report in &untold.levers {
        let (Some(outcome), false) = (report.outcome(), matches!(report.lever, Lever::Rotation { .. }))
        else {
            continue;
        };
        let own = |known: &Known| {
            let same = known.levers.iter().find(|other| other.lever == report.lever);
            same.and_then(LeverReport::expected_cv)
        };
        match &report.lever {
            // By rule of its own, and not by what the group has.
            Lever::Assignor { .. } | Lever::Nothing | Lever::HottestKey { .. } => {
                assert_eq!(outcome.rules, None)
            }
            Lever::Replicas { .. } | Lever::DoublePartitions | Lever::Rotation { .. } => {
                let all: Vec<f64> = told.iter().filter_map(|(_, advice)| own(known(advice))).collect();
                let spread = outcome.rules.unwrap();
                assert_eq!(all.len(), rules.len(), "{}", report.lever);
                close(spread.worst_cv, all.iter().copied().fold(0.0, f64::max));
                close(spread.best_cv, all.iter().copied().fold(f64::INFINITY, f64::min));
                close(outcome.cv.expected, spread.worst_cv);
                assert!(
                    outcome.cv.low <= spread.best_cv && spread.worst_cv <= outcome.cv.high,
                    "{outcome:?}"
                );
            }
        }
    }
    let rotation =
        untold.levers.iter().find(|report| matches!(report.lever, Lever::Rotation { .. })).unwrap();
    let spread = rotation.outcome().unwrap().rules.unwrap();
    assert!(spread.best_cv <= spread.worst_cv && rules.contains(spread.best) && rules.contains(spread.worst));
    // Each of them is a lever too, since it may be another one, and none is what follows; but for what nobody chooses.
    let never_chosen = [Assignor::LibrdkafkaCooperativeSticky, Assignor::EarlyUniform];
    for rule in rules.iter().filter(|rule| !never_chosen.contains(rule)) {
        assert!(cv_of(untold, |lever| is_assignor(lever, rule)).is_some(), "{rule}");
    }
    let own = |lever: &Lever| matches!(lever, Lever::Assignor { assignor } if rules.contains(*assignor));
    assert!(
        !matches!(&untold.conclusion, Conclusion::Best { lever, .. } if own(lever)),
        "{:?}",
        untold.conclusion
    );
}

#[test]
fn one_hot_partition_is_one_hot_partition() {
    let spread = Spread::Hot { partitions: 1, times: 60.0 };
    let hot = Shape { spread, ..shape(Assignor::CooperativeSticky, 2) };
    let advice = of(&hot);
    let known = known(&advice);
    assert!(known.hottest.of_mean_pod > 2.0, "{:?}", known.hottest);
    assert_eq!(known.conclusion, Conclusion::OneHotPartition);
    let any = known.bounds.iter().find(|bound| bound.kind == BoundKind::AnyAssignment).unwrap();
    // Neither another assignor nor more pods bring what its key does.
    let key = cv_of(known, |lever| matches!(lever, Lever::HottestKey { .. })).unwrap();
    assert!(key.expected < any.floor.unwrap().cv / 2.0, "{key:?} {any:?}");
    assert_eq!(known.levers.first().map(|best| best.lever.name()), Some("hottest_key"));
}

#[test]
fn a_number_of_pods_that_divides_equal_partitions_is_even() {
    let uneven =
        Shape { pods: 7, partitions: 40, spread: Spread::Equal, ..shape(Assignor::CooperativeSticky, 1) };
    let advice = of(&uneven);
    let eight = cv_of(known(&advice), |lever| *lever == Lever::Replicas { pods: 8 }).unwrap();
    close(eight.expected, 0.0);
    assert!(known(&advice).now.cv > 0.05, "{:?}", known(&advice).now);
    assert_eq!(advice.measured.out_of_balance, known(&advice).conclusion != Conclusion::Even);
}

#[test]
fn without_partition_loads_nothing_is_estimated() {
    let mut snapshot = Fleet::new(&shape(Assignor::Range, 5)).unwrap().snapshot().unwrap();
    snapshot.partitions = None;
    let advice =
        advise(&snapshot, &policy(Assignor::Range), &Constraints::default(), &LoadBasis::Present).unwrap();
    assert_eq!(advice.outlook, Outlook::Unknown { why: Unusable::NotAsked });
}

#[test]
fn a_partition_without_a_mean_is_a_gap_and_not_zero() {
    let shape = shape(Assignor::Range, 5);
    let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
    let mut partitions = snapshot.partitions.clone().unwrap();
    let (policy, constraints) = (policy(Assignor::Range), Constraints::default());
    let mean = |partitions| LoadBasis::Mean {
        window: SignedDuration::from_hours(6),
        readings: 12,
        asked: 12,
        partitions,
    };
    let same = advise(&snapshot, &policy, &constraints, &mean(partitions.clone())).unwrap();
    assert_eq!(same.outlook, of(&shape).outlook, "the mean of what is there now is what is there now");
    let missing = partitions.pop().unwrap();
    let advice = advise(&snapshot, &policy, &constraints, &mean(partitions)).unwrap();
    let partition = missing.partition.parse().unwrap();
    assert_eq!(advice.outlook, Outlook::Unknown { why: Unusable::Gap { topic: missing.topic, partition } });
}

#[test]
fn advice_is_the_same_each_time_and_ranked() {
    let shape = shape(Assignor::CooperativeSticky, 11);
    let (first, second) = (of(&shape), of(&shape));
    assert_eq!(first, second);
    let cvs: Vec<f64> = known(&first).levers.iter().filter_map(LeverReport::expected_cv).collect();
    assert!(cvs.is_sorted(), "{cvs:?}");
    // Do nothing, rotate, five other rules, twice the partitions, the hottest key, and some numbers of pods.
    assert!(cvs.len() >= 11, "{:?}", known(&first).levers);
}

#[test]
fn a_fleet_within_its_limits_needs_nothing() {
    let advice = of(&Shape { spread: Spread::Equal, ..shape(Assignor::CooperativeSticky, 1) });
    assert!(matches!(advice.measured.limit, Limit::Variance { .. }));
    assert_eq!(known(&advice).conclusion, Conclusion::Even);
}

/// Every way to give these partitions to so many pods.
fn best_of_all(items: &[f64], pods: usize, equal: bool) -> f64 {
    let mut best = f64::INFINITY;
    let ways = u32::try_from(pods).unwrap().pow(u32::try_from(items.len()).unwrap());
    for way in 0..ways {
        let (mut carried, mut counts, mut rest) = (vec![0.0; pods], vec![0_usize; pods], way as usize);
        for item in items {
            carried[rest % pods] += item;
            counts[rest % pods] += 1;
            rest /= pods;
        }
        let even = counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1;
        if even || !equal {
            let loads = carried.into_iter().map(|load| Load::new(load).unwrap());
            best = best.min(Distribution::of(loads).unwrap().cv);
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_best_assignment_lies_between_the_floor_and_what_was_found(
        loads in prop::collection::vec(0.01_f64..1.0, 6..8), hot in 0.0_f64..6.0,
    ) {
        let mut loads = loads;
        loads[0] += hot;
        let snapshot = tiny(&loads);
        let advice =
            advise(&snapshot, &policy(Assignor::RoundRobin), &Constraints::default(), &LoadBasis::Present).unwrap();
        let known = known(&advice);
        for bound in &known.bounds {
            let best = best_of_all(&loads, 3, bound.kind == BoundKind::EqualCounts);
            let floor = bound.floor.unwrap();
            prop_assert!(floor.cv <= best + 1e-9, "{:?}: {floor:?} is above {best}", bound.kind);
            prop_assert!(bound.found.cv >= best - 1e-9, "{:?}: {:?} is below {best}", bound.kind, bound.found);
        }
        prop_assert_eq!(known.bounds.len(), 2);
    }
}

/// Three pods with these partitions in turn; a message costs one core.
fn tiny(loads: &[f64]) -> Snapshot {
    let names = ["a", "b", "c"];
    let mut builder = Snapshot::builder("streams", "consumer", crate::fixture::NOW);
    for (index, name) in names.into_iter().enumerate() {
        let cpu: f64 = loads.iter().skip(index).step_by(3).sum();
        builder = builder.pod(crate::fixture::pod(name), [(Indicator::Cpu, Load::new(cpu).unwrap())]);
    }
    let partition = |(number, load): (usize, &f64)| PartitionLoad {
        topic: "events".to_owned(),
        partition: number.to_string(),
        pod: Some(names[number % 3].to_owned()),
        load: Load::new(*load).unwrap(),
    };
    let partitions = loads.iter().enumerate().map(partition).collect();
    builder.partitions(partitions).build().unwrap()
}
