//! Backtests of simulated fleets, whose true course is known.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::assignor::Assignor;
use crate::fleet::Samples;
use crate::policy::{Persistence, Strategy};
use crate::port::{Inventory as _, MetricsSource as _};
use crate::simulation::course::Balance;
use crate::simulation::{Drift, Fleet, Shape, Spread};
use crate::unit::{Cores, Ratio};

pub(super) const STEP: SignedDuration = SignedDuration::from_mins(10);

/// Nothing here waits.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Loads that rise and fall with the day, without anything random.
pub(super) fn shape(assignor: Assignor, seed: u64) -> Shape {
    Shape {
        pods: 8,
        partitions: 40,
        spread: Spread::LogNormal { sigma: 1.0 },
        drift: Drift { swing: 0.5, walk: 0.0, ..Drift::default() },
        assignor,
        hpa_percent: None,
        seed,
        ..Shape::default()
    }
}

pub(super) fn spec(policy: Policy) -> BacktestSpec {
    BacktestSpec::new(Fleet::workload().into(), policy, Some(MemorySettings::default()), 1)
}

pub(super) fn policy(assignor: Assignor) -> Policy {
    let mut policy = Policy::default();
    policy.group.assignor = Some(assignor);
    policy.balance.persistence = Persistence::NONE;
    policy
}

/// The fleet left alone, and its true loads.
pub(super) fn past(shape: &Shape, moments: usize) -> (Vec<Moment>, Vec<Samples>) {
    let fleet = Fleet::new(shape).unwrap();
    let (mut history, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..moments {
        let at = fleet.now();
        let (readings, pods) = (now(fleet.read(at)), now(fleet.pods()).unwrap());
        history.push(Moment { at, readings, pods: Some(pods) });
        truth.push(fleet.loads());
        fleet.advance(STEP);
    }
    (history, truth)
}

pub(super) fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

#[test]
fn without_a_rotation_the_past_is_what_it_was() {
    let (history, truth) = past(&shape(Assignor::CooperativeSticky, 3), 36);
    let mut calm = policy(Assignor::CooperativeSticky);
    calm.balance.variance_thresholds.insert(Indicator::Cpu, Ratio::new(100.0).unwrap());
    let backtest = now(run(&spec(calm), &history));
    assert_eq!(backtest.cycles.len(), 36);
    for (cycle, truth) in backtest.cycles.iter().zip(&truth) {
        assert_eq!((&cycle.came, cycle.was), (&Came::Balanced, cycle.would));
        close(cycle.was.unwrap().cv, Balance::of(truth).cv);
    }
    let summary = backtest.summary();
    assert_eq!((summary.balanced, summary.removals, summary.removals_per_hundredth), (36, 0, None));
}

/// The same fleet, in which the same pods are removed at the same times.
fn simulated(shape: &Shape, backtest: &Backtest) -> Vec<f64> {
    let fleet = Fleet::new(shape).unwrap();
    let mut cvs = Vec::new();
    for cycle in &backtest.cycles {
        cvs.push(Balance::of(&fleet.loads()).cv);
        if let Came::Rotated { pods, .. } = &cycle.came {
            let listed = now(fleet.pods()).unwrap();
            let removed = listed.iter().filter(|pod| pods.contains(&pod.name));
            for pod in removed {
                now(crate::port::PodDeleter::remove(&fleet, &pod.into(), Mode::Real)).unwrap();
            }
            fleet.replace();
        }
        fleet.advance(STEP);
    }
    cvs
}

#[test]
fn under_range_the_counterfactual_is_a_simulation_of_the_same_rotations() {
    let shape = shape(Assignor::Range, 5);
    let (history, _) = past(&shape, 24);
    let mut outliers = policy(Assignor::Range).with_strategy(Strategy::RotateOutliers);
    outliers.selection.top_k = std::num::NonZeroUsize::MIN;
    let backtest = now(run(&spec(outliers), &history));
    // One rotation; after it memory pauses, and its breaker looks at what it brought, which is nothing.
    let rotations = backtest.summary().rotations;
    assert!(rotations >= 1, "{:?}", backtest.summary());
    let first = backtest.cycles.iter().position(|cycle| matches!(cycle.came, Came::Rotated { .. })).unwrap();
    let simulated =
        simulated(&shape, &Backtest { cycles: backtest.cycles[..=first].to_vec(), ..backtest.clone() });
    for (cycle, real) in backtest.cycles.iter().zip(simulated) {
        close(cycle.would.unwrap().cv, real);
    }
    // The same sets come back to other pods, so the course is the past's whatever is removed.
    for cycle in &backtest.cycles {
        close(cycle.would.unwrap().cv, cycle.was.unwrap().cv);
    }
}

#[test]
fn under_a_sticky_rule_it_is_one_of_many_possible_ones_and_right_on_average() {
    let (mut would, mut real, mut was, mut seeds) = (0.0, 0.0, 0.0, 0.0);
    for seed in 1..=12 {
        let shape = shape(Assignor::CooperativeSticky, seed);
        let (history, _) = past(&shape, 12);
        let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
        let rotated = |cycle: &PastCycle| matches!(cycle.came, Came::Rotated { .. });
        let Some(first) = backtest.cycles.iter().position(rotated) else { continue };
        // Until the next rotation, whose pods may have other names there.
        let until = backtest
            .cycles
            .iter()
            .skip(first + 1)
            .position(rotated)
            .map_or(12, |next| first + 2 + next)
            .min(12);
        let part = Backtest { cycles: backtest.cycles[..until].to_vec(), ..backtest.clone() };
        let last = until - 1;
        would += part.cycles[last].would.unwrap().cv;
        was += part.cycles[last].was.unwrap().cv;
        real += simulated(&shape, &part)[last];
        seeds += 1.0;
        assert!(backtest.unknown.contains(&NotKnown::MemberIds));
    }
    assert!(seeds >= 6.0, "{seeds}");
    assert!((would - real).abs() / seeds < 0.05, "{} is not {}", would / seeds, real / seeds);
    assert!(real < was, "{real} is not below {was}");
}

#[test]
fn without_partition_loads_it_says_what_it_wanted_and_predicts_nothing() {
    let (mut history, _) = past(&shape(Assignor::CooperativeSticky, 3), 6);
    for moment in &mut history {
        moment.readings.partitions = None;
    }
    let wants = Policy { group: Default::default(), ..policy(Assignor::CooperativeSticky) };
    let backtest = now(run(&spec(wants), &history));
    let summary = backtest.summary();
    assert!(summary.wanted > 0 && summary.rotations == 0, "{summary:?}");
    assert!(backtest.cycles.iter().all(|cycle| cycle.was == cycle.would));
    assert!(backtest.unknown.contains(&NotKnown::Partitions));
}

#[test]
fn a_gap_is_named_and_not_filled_in() {
    let (mut history, _) = past(&shape(Assignor::CooperativeSticky, 3), 12);
    for moment in &mut history[4..7] {
        moment.readings = Readings::none().with_loads(Indicator::Cpu, Samples::new());
        moment.pods = None;
    }
    let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    let (from, to) = (history[4].at, history[6].at);
    assert_eq!(backtest.gaps, [Gap { from, to, moments: 3 }]);
    for cycle in &backtest.cycles[4..7] {
        assert_eq!((cycle.was, cycle.would), (None, None));
        assert!(!matches!(cycle.came, Came::Rotated { .. } | Came::Balanced), "{:?}", cycle.came);
    }
    assert_eq!(backtest.summary().compared.unwrap().cycles, 9);
    assert!(!backtest.unknown.contains(&NotKnown::Pods), "in a gap there is nobody to be known");
    // After it, the group is where it was.
    assert_eq!(backtest.cycles[7].would.map(|seen| seen.pods), Some(8));
}

#[test]
fn where_nobody_knows_the_pods_those_with_samples_are_taken() {
    let (mut history, truth) = past(&shape(Assignor::CooperativeSticky, 3), 3);
    for moment in &mut history {
        moment.pods = None;
    }
    let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    assert!(backtest.unknown.contains(&NotKnown::Pods));
    close(backtest.cycles[0].was.unwrap().cv, Balance::of(&truth[0]).cv);
}

#[test]
fn pods_that_come_and_go_in_the_past_come_and_go_beside_a_rotation() {
    // A rollout every eight cycles replaces all pods, those that took another's place among them.
    let rolled =
        Shape { rollout_every: std::num::NonZeroUsize::new(8), ..shape(Assignor::CooperativeSticky, 3) };
    let (history, _) = past(&rolled, 24);
    let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    assert!(backtest.summary().rotations > 0);
    for cycle in &backtest.cycles {
        assert_eq!(cycle.would.map(|seen| seen.pods), Some(8), "{cycle:?}");
    }
}

#[test]
fn the_advice_is_that_of_the_last_moment_that_can_be_modeled() {
    let (mut history, _) = past(&shape(Assignor::CooperativeSticky, 3), 6);
    history[5].readings.partitions = None;
    let of_it = advice(&spec(policy(Assignor::CooperativeSticky)), &history).unwrap();
    assert_eq!(of_it.taken_at, history[4].at);
    assert!(matches!(of_it.outlook, crate::advice::Outlook::Known(_)), "{of_it:?}");
    history.iter_mut().for_each(|moment| moment.readings.partitions = None);
    assert_eq!(advice(&spec(policy(Assignor::CooperativeSticky)), &history), None);
}

#[test]
fn the_same_past_has_the_same_course() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 9), 12);
    let run = || now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    assert_eq!(run(), run());
}

#[test]
fn requests_of_a_replaced_pod_are_those_of_its_source() {
    let (mut history, _) = past(&shape(Assignor::CooperativeSticky, 3), 12);
    for moment in &mut history {
        let pods = moment.pods.as_mut().unwrap();
        let requests = pods.iter().map(|pod| (pod.name.clone(), crate::unit::Load::new(1.0).unwrap()));
        moment.readings.cpu_requests = Ok(requests.collect());
        for pod in pods {
            pod.container = Some(crate::fleet::Requests { cpu: Cores::new(1.0).ok(), memory: None });
        }
    }
    let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    assert!(backtest.summary().rotations > 0 && backtest.summary().failed == 0, "{:?}", backtest.summary());
}
