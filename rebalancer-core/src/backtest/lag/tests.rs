//! Lag as it would have been is that of queues which are simulated with a capacity that the course is not told.

use super::*;
use crate::assignor::Assignor;
use crate::backtest::tests::{STEP, now, past, policy, shape, spec};
use crate::backtest::{BacktestSpec, Came, Moment, NotKnown, run};
use crate::fleet::Samples;
use crate::unit::{Load, Ratio};

/// Messages that a pod can consume in a step, by the mean of what pods get.
fn capacity(history: &[Moment], of_mean: f64) -> f64 {
    let first = history[0].readings.partitions.clone().unwrap().unwrap();
    of_mean * first.iter().map(|one| one.load.get()).sum::<f64>() / 8.0 * STEP.as_secs_f64()
}

/// Each pod has a queue.
fn with_lag(mut history: Vec<Moment>, capacity: f64) -> Vec<Moment> {
    let mut lags: BTreeMap<String, f64> = BTreeMap::new();
    for moment in &mut history {
        let mut arrived: BTreeMap<String, f64> = BTreeMap::new();
        for one in moment.readings.partitions.clone().unwrap().unwrap() {
            *arrived.entry(one.pod.unwrap()).or_default() += one.load.get() * STEP.as_secs_f64();
        }
        for (pod, arrived) in arrived {
            let lag = lags.entry(pod).or_default();
            *lag = (*lag + arrived - capacity).max(0.0);
        }
        let samples: Samples =
            lags.iter().map(|(pod, lag)| (pod.clone(), Load::new(*lag).unwrap())).collect();
        moment.readings.loads.insert(Indicator::Lag, Ok(samples));
    }
    history
}

fn produced(capacity: f64) -> BacktestSpec {
    let mut policy = policy(Assignor::CooperativeSticky);
    policy.balance.variance_thresholds.insert(Indicator::Lag, Ratio::new(100.0).unwrap());
    let mut spec = spec(policy);
    (spec.unit, spec.behind) = (PartitionUnit::Produced, capacity / 100.0);
    spec
}

#[test]
fn a_pod_that_is_relieved_catches_up_as_its_queue_says() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 10);
    let capacity = capacity(&history, 1.1);
    let history = with_lag(history, capacity);
    let snapshot = |place: usize| {
        let Moment { at, readings, pods } = history[place].clone();
        let workload = crate::simulation::Fleet::workload();
        Snapshot::assemble(workload, at, pods.unwrap(), Ok(Vec::new()), "", readings).unwrap()
    };
    let first = snapshot(3);
    let model = GroupModel::of(&first, Indicator::Cpu).unwrap();
    let mut course = LagCourse::of(&model, &first).unwrap();
    // The busiest pod gives its hottest partition to the idlest.
    let carried = model.carried_now();
    let place = |of: fn(f64, f64) -> bool| {
        (0..carried.len()).reduce(|a, b| if of(carried[b], carried[a]) { b } else { a }).unwrap()
    };
    let (busiest, idlest) = (place(|b, a| b > a), place(|b, a| b < a));
    let queue = |pod: &crate::group::MemberPod| PodQueue {
        source: Some(first.pods[pod.pod].pod.uid.clone()),
        replaced: false,
        holds: model.held(pod).copied().collect(),
    };
    let mut queues: Vec<PodQueue> = model.pods.iter().map(queue).collect();
    let loads = |held: &TopicPartition| model.load(held);
    let hottest = (0..queues[busiest].holds.len())
        .max_by(|a, b| loads(&queues[busiest].holds[*a]).total_cmp(&loads(&queues[busiest].holds[*b])))
        .unwrap();
    let moved = queues[busiest].holds.remove(hottest);
    queues[idlest].holds.push(moved);
    // The truth, partition by partition.
    let mut truth: Vec<f64> = queues.iter().map(|queue| course.of_pod(&queue.holds)).collect();
    let seconds = STEP.as_secs_f64();
    for place in 4..history.len() {
        let (before, after) = (snapshot(place - 1), snapshot(place));
        let model = GroupModel::of(&after, Indicator::Cpu).unwrap();
        let flows = flows(&samples(&before), &model, &after, seconds, capacity / 100.0).unwrap();
        assert!(
            flows.values().any(|flow| flow.at_limit),
            "a pod is behind, which tells what pods can consume"
        );
        course.step(&queues, &model, &after, &flows, seconds);
        for (queue, lag) in queues.iter().zip(&mut truth) {
            *lag = (*lag + model.carried(&queue.holds) * seconds - capacity).max(0.0);
            let seen = course.of_pod(&queue.holds);
            assert!((seen - *lag).abs() < 1e-6 * capacity, "{seen} is not {lag} at {place}");
        }
    }
}

#[test]
fn hours_behind_are_told_as_they_were_and_as_they_would_have_been() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 36);
    let capacity = capacity(&history, 1.3);
    let history = with_lag(history, capacity);
    let backtest = now(run(&produced(capacity), &history));
    assert!(backtest.summary().rotations > 0, "{:?}", backtest.summary());
    let behind = |moment: &Moment| {
        let lags = moment.readings.loads[&Indicator::Lag].clone().unwrap();
        lags.values().filter(|lag| lag.get() > capacity / 100.0).count()
    };
    let first = backtest.cycles.iter().position(|cycle| matches!(cycle.came, Came::Rotated { .. })).unwrap();
    for (place, (cycle, moment)) in backtest.cycles.iter().zip(&history).enumerate() {
        let lag = cycle.lag.unwrap();
        assert_eq!(lag.was, behind(moment));
        if place <= first {
            assert_eq!((lag.would, lag.removed), (Some(lag.was), 0));
        }
    }
    let hours = backtest.summary().lag.unwrap();
    let compared = hours.compared.unwrap();
    assert_eq!(compared.cycles, 36);
    assert!(compared.pod_hours_would < compared.pod_hours_was, "{hours:?}");
    assert!(hours.pod_hours_removed > 0.0 && hours.pod_hours_removed <= hours.pod_hours_was, "{hours:?}");
    assert!(backtest.unknown.contains(&NotKnown::Pauses));
}

#[test]
fn where_loads_are_no_messages_or_a_sample_is_missing_nothing_is_said_of_what_would_have_been() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 24);
    let capacity = capacity(&history, 1.3);
    let mut history = with_lag(history, capacity);
    let other = BacktestSpec { unit: PartitionUnit::Other, ..produced(capacity) };
    let backtest = now(run(&other, &history));
    let first = backtest.cycles.iter().position(|cycle| matches!(cycle.came, Came::Rotated { .. })).unwrap();
    assert!(backtest.cycles[first + 1..].iter().all(|cycle| cycle.lag.unwrap().would.is_none()));
    // Lag that is missing once leaves the course unknown from then on.
    let Ok(samples) = history[first + 3].readings.loads.get_mut(&Indicator::Lag).unwrap() else { panic!() };
    samples.pop_first();
    let backtest = now(run(&produced(capacity), &history));
    assert!(backtest.cycles[first + 2].lag.unwrap().would.is_some());
    assert!(backtest.cycles[first + 3..].iter().all(|cycle| cycle.lag.unwrap().would.is_none()));
    // Without any lag, there is nothing to tell.
    history.iter_mut().for_each(|moment| drop(moment.readings.loads.remove(&Indicator::Lag)));
    assert_eq!(now(run(&produced(capacity), &history)).summary().lag, None);
}
