//! What loads are, and what is seen of them.

use super::*;
use crate::simulation::course::Balance;

/// CPU as the metric system shows it.
fn seen(fleet: &Fleet) -> Samples {
    let snapshot = fleet.snapshot().unwrap();
    let seen =
        |pod: &crate::snapshot::ObservedPod| Some((pod.pod.name.clone(), pod.loads.get(Indicator::Cpu)?));
    snapshot.pods.iter().filter_map(seen).collect()
}

fn total(fleet: &Fleet) -> f64 {
    partitions(fleet).iter().map(|one| one.load.get()).sum()
}

#[test]
fn a_pods_cpu_is_what_its_partitions_cost_and_the_mean_is_that_of_the_shape() {
    let fleet = fleet(Shape { mean_cores: 0.8, ..Shape::default() });
    let partitions = partitions(&fleet);
    let mut sum = 0.0;
    for (name, load) in fleet.loads() {
        let messages: f64 = partitions
            .iter()
            .filter(|one| one.pod.as_deref() == Some(name.as_str()))
            .map(|one| one.load.get())
            .sum();
        assert!((load.get() - (0.8 * 0.03 + messages * 0.000_5)).abs() < 1e-9, "{name}");
        sum += load.get();
    }
    assert!((sum / 20.0 - 0.8).abs() < 1e-9, "{sum}");
}

#[test]
fn each_spread_is_as_uneven_as_it_says() {
    let ratios = |spread| {
        let loads = partitions(&fleet(Shape { spread, ..Shape::default() }));
        let mut loads: Vec<f64> = loads.iter().map(|one| one.load.get()).collect();
        loads.sort_by(|a, b| b.total_cmp(a));
        [loads[0] / loads[1], loads[1] / loads[2], loads[2] / loads[159]]
    };
    let close = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(ratios(Spread::Equal), [1.0, 1.0, 1.0]));
    assert!(close(ratios(Spread::Zipf { exponent: 1.0 }), [2.0, 1.5, 160.0 / 3.0]));
    assert!(close(ratios(Spread::Hot { partitions: 2, times: 9.0 }), [1.0, 9.0, 1.0]));
    let deviation = |sigma| {
        let loads = partitions(&fleet(Shape {
            partitions: 10_000,
            spread: Spread::LogNormal { sigma },
            ..Shape::default()
        }));
        let logs: Vec<f64> = loads.iter().map(|one| one.load.get().ln()).collect();
        let mean = logs.iter().sum::<f64>() / 1e4;
        (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 1e4).sqrt()
    };
    assert!((deviation(0.7) - 0.7).abs() < 0.03, "{}", deviation(0.7));
}

#[test]
fn a_slow_node_shows_in_the_cpu_of_its_pods_but_not_in_the_loads_of_their_partitions() {
    let shape = Shape { spread: Spread::Equal, ..Shape::default() };
    let slow = Shape { nodes: Nodes { slow_share: 0.25, cost_factor: 2.0, ..Nodes::default() }, ..shape };
    let (even, uneven) = (fleet(shape), fleet(slow));
    assert_eq!(partitions(&even), partitions(&uneven));
    assert!(Balance::of(&even.loads()).cv < 1e-9);
    for pod in &uneven.snapshot().unwrap().pods {
        let factor = if pod.pod.node.as_deref() == Some("node-000") { 2.0 } else { 1.0 };
        let expected = 0.6 * (0.03 + 0.97 * factor);
        assert!((pod.loads.get(Indicator::Cpu).unwrap().get() - expected).abs() < 1e-9, "{:?}", pod.pod.node);
    }
    assert!(Balance::of(&uneven.loads()).cv > 0.1, "no pod landed on the slow node");
}

#[test]
fn noise_changes_readings_each_cycle_and_never_the_truth() {
    let fleet = fleet(Shape { metrics: Metrics { noise: 0.1, delay: 0 }, ..Shape::default() });
    let (truth, first) = (fleet.loads(), seen(&fleet));
    assert_ne!(first, truth);
    assert_eq!(truth, super::fleet(Shape::default()).loads());
    assert_eq!(first, seen(&fleet), "one cycle reads one value, however often it asks");
    let errors: Vec<f64> = truth.iter().map(|(name, load)| (first[name].get() / load.get()).ln()).collect();
    let deviation = (errors.iter().map(|error| error * error).sum::<f64>() / 20.0).sqrt();
    assert!((0.05..0.2).contains(&deviation), "{deviation}");
    later(&fleet);
    assert_eq!(fleet.loads(), truth);
    assert_ne!(seen(&fleet), first);
}

#[test]
fn late_readings_are_those_of_earlier_cycles_and_newcomers_have_none() {
    let fleet = fleet(Shape {
        metrics: Metrics { noise: 0.0, delay: 2 },
        drift: Drift { swing: 0.5, walk: 0.0, ..Drift::default() },
        churn: 0,
        ..Shape::default()
    });
    let start = fleet.loads();
    remove(&fleet, "consumer-004");
    later(&fleet);
    let after_one = fleet.loads();
    later(&fleet);
    assert_eq!(seen(&fleet).len(), 19, "the newcomer is not known yet");
    assert!(seen(&fleet).iter().all(|(name, load)| start[name] == *load));
    assert!(
        partitions(&fleet).iter().any(|one| one.pod.as_deref() == Some("consumer-004")),
        "the one that left still is"
    );
    later(&fleet);
    assert_eq!(seen(&fleet), after_one);
}

#[test]
fn drift_keeps_every_partition_within_its_swing_turns_after_half_a_day_and_is_back_after_a_whole_one() {
    let fleet =
        fleet(Shape { drift: Drift { swing: 0.4, walk: 0.0, ..Drift::default() }, ..Shape::default() });
    let without = super::fleet(Shape::default());
    let loads = |fleet| partitions(fleet).into_iter().map(|one| one.load.get()).collect::<Vec<_>>();
    let (mean, mut days) = (loads(&without), vec![loads(&fleet)]);
    for _ in 0..144 {
        later(&fleet);
        days.push(loads(&fleet));
    }
    for (place, mean) in mean.iter().enumerate() {
        let relative: Vec<f64> = days.iter().map(|loads| loads[place] / mean).collect();
        let (least, most) = relative.iter().fold((9.0_f64, 0.0_f64), |(a, b), c| (a.min(*c), b.max(*c)));
        assert!((least - 0.6).abs() < 0.001 && (most - 1.4).abs() < 0.001, "{least} to {most}");
        assert!(
            (relative[0] + relative[72] - 2.0).abs() < 1e-9 && (relative[0] - relative[144]).abs() < 1e-9
        );
    }
}

#[test]
fn a_random_walk_leads_away_without_end() {
    let fleet =
        fleet(Shape { drift: Drift { swing: 0.0, walk: 0.5, ..Drift::default() }, ..Shape::default() });
    let (before, at_first) = (total(&fleet), Balance::of(&fleet.loads()).cv);
    for _ in 0..60 {
        later(&fleet);
    }
    assert!((total(&fleet) - before).abs() > 1.0 && Balance::of(&fleet.loads()).cv > at_first);
}
