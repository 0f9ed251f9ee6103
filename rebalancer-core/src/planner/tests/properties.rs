//! What holds for any fleet and any policy.

use super::*;
use crate::fleet::{Pod, Requests, Samples};
use crate::policy::{Persistence, Weights};
use crate::port::Readings;
use crate::snapshot::Past;
use crate::unit::{Cores, Weight};
use proptest::prelude::{Strategy, *};
use proptest::strategy::ValueTree as _;

/// A pod as it is drawn: its loads by CPU and by lag or none, its CPU request, and a state that may veto it.
type Drawn = (Option<f64>, Option<f64>, f64, u8);

/// Any fleet: with and without an autoscaler and lag, with requests that are equal or differ.
fn any_fleet() -> impl Strategy<Value = Snapshot> {
    let state = prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3), 1 => Just(4)];
    let load = |most: f64| prop_oneof![19 => (0.0..most).prop_map(Some), 1 => Just(None)];
    let tie = prop_oneof![Just(None), Just(Some(0.5)), Just(Some(2.0))];
    let request = prop_oneof![3 => Just(1.0), 1 => Just(0.5), 1 => Just(2.0)];
    let one = (prop_oneof![3 => load(3.0), 1 => tie], load(1000.0), request, state);
    let pods = prop::collection::vec(one, 0..40);
    (pods, prop::option::of(10.0_f64..150.0), any::<bool>(), any::<bool>()).prop_map(
        |(pods, percent, equal, with_lag)| {
            let pods = pods.into_iter().map(|(cpu, lag, request, state)| {
                (cpu, lag.filter(|_| with_lag), if equal { 1.0 } else { request }, state)
            });
            built(&pods.collect::<Vec<Drawn>>(), percent, with_lag)
        },
    )
}

fn built(drawn: &[Drawn], percent: Option<f64>, with_lag: bool) -> Snapshot {
    let name = |index: usize| format!("p{index:03}");
    let pods = drawn.iter().enumerate().map(|(index, (_, _, request, state))| {
        let mut pod = changed(pod(&name(index)), *state);
        pod.container = Some(Requests { cpu: Cores::new(*request).ok(), memory: None });
        pod
    });
    let samples = |of: fn(&Drawn) -> Option<f64>| {
        let one = |(index, pod): (usize, &Drawn)| Some((name(index), Load::new(of(pod)?).unwrap()));
        drawn.iter().enumerate().filter_map(one).collect::<Samples>()
    };
    let mut loads = BTreeMap::from([(Indicator::Cpu, Ok(samples(|pod| pod.0)))]);
    if with_lag {
        loads.insert(Indicator::Lag, Ok(samples(|pod| pod.1)));
    }
    let hpas = percent.map(hpa).into_iter().collect();
    let readings = Readings { loads, ..readings(&[]) };
    Snapshot::assemble(workload(), fixture::NOW, pods.collect(), Ok(hpas), "", readings).unwrap()
}

fn changed(mut pod: Pod, state: u8) -> Pod {
    match state {
        1 => pod.ready = false,
        2 => pod.terminating = true,
        3 => pod.phase = Phase::Succeeded,
        4 => pod.ready_since = Some(fixture::NOW),
        _ => {}
    }
    pod
}

/// Of CPU and lag, perhaps none.
fn any_weights() -> impl Strategy<Value = Weights> {
    let weight = || prop_oneof![1 => Just(0.0), 2 => Just(1.0), 3 => 0.0_f64..10.0];
    (weight(), weight()).prop_map(|(cpu, lag)| weights(cpu, lag))
}

fn weights(cpu: f64, lag: f64) -> Weights {
    let weights = [(Indicator::Cpu, cpu), (Indicator::Lag, lag)];
    Weights::new(weights.map(|(indicator, weight)| (indicator, Weight::new(weight).unwrap())).into()).unwrap()
}

/// Two earlier readings of CPU, in shares of what each pod carries now.
fn any_past() -> impl Strategy<Value = Vec<[f64; 2]>> {
    prop::collection::vec([0.2_f64..1.5, 0.2..1.5], 40)
}

fn with_past(mut fleet: Snapshot, shares: &[[f64; 2]]) -> Snapshot {
    let window = |number: usize| -> Samples {
        let pods = fleet.pods.iter().zip(shares).filter_map(|(pod, shares)| {
            let load = pod.loads.get(Indicator::Cpu)?.get() * shares.get(number)?;
            Some((pod.pod.name.clone(), Load::new(load).unwrap()))
        });
        pods.collect()
    };
    fleet.past = Some(Past { indicator: Indicator::Cpu, windows: Ok(vec![window(0), window(1)]) });
    fleet
}

/// With one reading.
fn any_policy() -> impl Strategy<Value = Policy> {
    (1_usize..6, 1.0_f64..2.0, 0.0_f64..30.0, 0_usize..15, 0.0_f64..1.0, any_weights()).prop_map(
        |(k, tolerance, improvement, minimum_pods, coverage, weights)| {
            policy()
                .with_weights(weights)
                .with_top_k(k.try_into().unwrap())
                .with_tolerance(Tolerance::new(tolerance).unwrap())
                .with_minimum_improvement(Percent::new(improvement).unwrap())
                .with_minimum_pods(minimum_pods)
                .with_minimum_coverage(Share::new(coverage).unwrap())
                .with_most_young(Share::new(1.0).unwrap())
        },
    )
}

/// The same fleet from the same parts in another order.
fn shuffled(fleet: &Snapshot) -> Snapshot {
    let pods = fleet.pods.iter().rev().map(|pod| pod.pod.clone()).collect();
    let samples = |indicator| {
        let pods = fleet.pods.iter().rev();
        pods.filter_map(|pod| Some((pod.pod.name.clone(), pod.loads.get(indicator)?))).collect()
    };
    let loads = fleet.readable.iter().map(|&indicator| (indicator, Ok(samples(indicator)))).collect();
    let readings = Readings { loads, ..readings(&[]) };
    let mut again = Snapshot::assemble(workload(), fixture::NOW, pods, Ok(Vec::new()), "", readings).unwrap();
    again.target = fleet.target.clone();
    again
}

/// Properties of rotations say nothing about fleets that are never rotated.
#[test]
fn many_of_these_fleets_are_rotated() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut at_once, mut confirmed) = (0, 0);
    for _ in 0..400 {
        let drawn = (any_fleet(), any_past(), any_policy()).new_tree(&mut runner).unwrap();
        let (fleet, past, policy) = drawn.current();
        let lasting = policy.clone().with_persistence(Persistence::default());
        at_once += usize::from(removed(&plan(&fleet, &policy)).is_some());
        confirmed += usize::from(removed(&plan(&with_past(fleet, &past), &lasting)).is_some());
    }
    assert!(at_once >= 100 && confirmed >= 50, "{at_once} and {confirmed} of 400");
}

proptest! {
    #[cfg(feature = "serde")]
    #[test]
    fn what_was_decided_on_is_written_down_and_read_back_and_the_decision_is_the_same(
        fleet in any_fleet(), past in any_past(), policy in any_policy(),
    ) {
        let fleet = with_past(fleet, &past);
        let policy = policy.with_persistence(Persistence::default());
        let again = (fixture::read_back(&fleet), fixture::read_back(&policy));
        prop_assert_eq!((&again.0, &again.1), (&fleet, &policy));
        let report = plan(&again.0, &again.1);
        prop_assert_eq!(&report, &plan(&fleet, &policy));
        prop_assert_eq!(&fixture::read_back(&report), &report);
    }

    #[test]
    fn a_plan_is_clean_under_the_independent_audit(fleet in any_fleet(), policy in any_policy()) {
        if let Decision::Rotate(plan) = plan(&fleet, &policy).decision {
            prop_assert_eq!(violations(&plan, &fleet, &policy), vec![]);
        }
    }

    #[test]
    fn a_plan_that_earlier_readings_confirm_is_clean_under_the_independent_audit(
        fleet in any_fleet(), past in any_past(), policy in any_policy(),
    ) {
        let (fleet, policy) = (with_past(fleet, &past), policy.with_persistence(Persistence::default()));
        if let Decision::Rotate(plan) = plan(&fleet, &policy).decision {
            prop_assert_eq!(violations(&plan, &fleet, &policy), vec![]);
        }
    }

    #[test]
    fn the_plan_is_deterministic_and_blind_to_the_order_of_the_input(fleet in any_fleet(), policy in any_policy()) {
        let first = plan(&fleet, &policy);
        prop_assert_eq!(&first, &plan(&fleet, &policy));
        prop_assert_eq!(&first, &plan(&shuffled(&fleet), &policy));
    }

    #[test]
    fn a_plan_stays_within_its_limits(fleet in any_fleet(), policy in any_policy()) {
        let report = plan(&fleet, &policy);
        let count = removed(&report).map_or(0, |pods| pods.len());
        prop_assert!(count <= 2 * policy.selection.top_k.get());
        if count > 0 {
            prop_assert!(count >= 2);
            prop_assert!(report.serving - count >= policy.limits.minimum_pods);
        }
    }

    #[test]
    fn every_pod_has_a_verdict_and_exactly_the_chosen_ones_are_removed(fleet in any_fleet(), policy in any_policy()) {
        let report = plan(&fleet, &policy);
        prop_assert_eq!(verdicts(&report).len(), fleet.pods.len());
        let mut chosen: Vec<&str> = fleet.pods.iter().zip(&verdicts(&report))
            .filter(|(_, verdict)| matches!(verdict, Verdict::Chosen(_)))
            .map(|(pod, _)| pod.pod.name.as_str()).collect();
        let mut planned: Vec<&str> =
            removed(&report).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        chosen.sort_unstable();
        planned.sort_unstable();
        prop_assert_eq!(chosen, planned);
    }

    #[test]
    fn a_vetoed_pod_and_one_without_a_sample_are_never_removed(fleet in any_fleet(), policy in any_policy()) {
        let Decision::Rotate(plan) = plan(&fleet, &policy).decision else { return Ok(()) };
        for removal in &plan.removals {
            let pod = fleet.pods.iter().find(|pod| pod.pod.name == removal.pod.name).unwrap();
            prop_assert!(Criteria::of(&fleet, &policy).veto(&pod.pod, fleet.taken_at).is_none());
            prop_assert_eq!(pod.loads.get(plan.indicator), Some(removal.load));
        }
    }

    #[test]
    fn no_pod_is_removed_as_a_cold_one_that_is_hot_or_may_be_by_another_indicator(
        fleet in any_fleet(), policy in any_policy(),
    ) {
        let report = plan(&fleet, &policy);
        let Decision::Rotate(plan) = &report.decision else { return Ok(()) };
        for removal in plan.removals.iter().filter(|removal| !removal.choice.is_hot()) {
            let pod = fleet.pods.iter().find(|pod| pod.pod.name == removal.pod.name).unwrap();
            for other in report.indicators.iter().filter(|seen| seen.indicator != plan.indicator) {
                let load = pod.loads.get(other.indicator);
                prop_assert!(load.is_some_and(|load| load <= other.limit.for_request(pod.cpu_request)));
            }
        }
    }

    #[test]
    fn hot_and_cold_pods_are_in_the_order_of_their_scores(fleet in any_fleet(), policy in any_policy()) {
        let report = plan(&fleet, &policy);
        let Decision::Rotate(plan) = &report.decision else { return Ok(()) };
        for removal in &plan.removals {
            let place = fleet.pods.iter().position(|pod| pod.pod.name == removal.pod.name).unwrap();
            prop_assert_eq!(removal.choice.score(), report.pods.get(place).unwrap().score);
        }
        let raised = report.indicators.iter().find(|seen| seen.indicator == plan.indicator).unwrap();
        let is_above = |removal: &&Removal| {
            let pod = fleet.pods.iter().find(|pod| pod.pod.name == removal.pod.name).unwrap();
            removal.load > raised.limit.for_request(pod.cpu_request)
        };
        let (hot, cold): (Vec<_>, Vec<_>) = plan.removals.iter().partition(|removal| removal.choice.is_hot());
        let score = |removal: &&Removal| removal.choice.score();
        prop_assert!(hot.iter().all(is_above));
        prop_assert!(hot.iter().map(score).is_sorted_by(|a, b| a >= b), "{:?}", hot);
        // A pod above its limit is a cold one only where no other is left.
        prop_assert!(cold.iter().map(|one| (is_above(one), score(one))).is_sorted(), "{:?}", cold);
        prop_assert!(cold.iter().all(|cold| hot.iter().all(|hot| score(hot) >= score(cold))));
    }

    #[test]
    fn an_indicator_by_which_all_are_equal_changes_no_choice(
        cpu in prop::collection::vec(0.0_f64..3.0, 1..30), lag in 0.0_f64..1000.0, policy in any_policy(),
    ) {
        let policy = policy.with_weights(Weights::default());
        let drawn = |lag: Option<f64>| cpu.iter().map(|cpu| (Some(*cpu), lag, 1.0, 0)).collect::<Vec<Drawn>>();
        let alone = plan(&built(&drawn(None), Some(70.0), false), &policy);
        let beside = plan(&built(&drawn(Some(lag)), Some(70.0), true), &policy);
        prop_assert_eq!(removed(&alone), removed(&beside));
        prop_assert!(!alone.has_scores());
    }

    #[test]
    fn weights_count_by_their_ratio(
        fleet in any_fleet(), policy in any_policy(), cpu in 0.1_f64..10.0, lag in 0.0_f64..10.0,
    ) {
        let once = plan(&fleet, &policy.clone().with_weights(weights(cpu, lag)));
        let fourfold = plan(&fleet, &policy.with_weights(weights(cpu * 4.0, lag * 4.0)));
        let but_weights = |mut report: Report| {
            report.indicators.iter_mut().for_each(|seen| seen.weight = Weight::ONE);
            report
        };
        prop_assert_eq!(but_weights(once), but_weights(fourfold));
    }

    #[test]
    fn a_fleet_of_equal_loads_is_left_alone(load in 0.0_f64..100.0, pods in 1_usize..40, policy in any_policy()) {
        let report = plan(&snapshot(&vec![load; pods], None), &policy);
        prop_assert_eq!(report.decision, Decision::Balanced);
    }
}
