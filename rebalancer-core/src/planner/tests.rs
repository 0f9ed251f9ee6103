//! The planner as a specification: worked examples first, then properties that hold for any fleet.

use super::*;
use crate::audit::audit;
use crate::eligibility::Criteria;
use crate::fixture::{self, hpa, pod, policy, readings, snapshot, workload};
use crate::fleet::{Phase, Target};
use crate::group::Unusable;
use crate::policy::Policy;
use crate::report::Veto;
use crate::unit::{Percent, Ratio, Share, Tolerance};

const WORKED_EXAMPLE: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];

/// Names and roles of the pods to remove, in order; `None` when nothing is to be removed.
fn removed(report: &Report) -> Option<Vec<(&str, &str)>> {
    match &report.decision {
        Decision::Rotate(plan) => Some(
            plan.removals.iter().map(|removal| (removal.pod.name.as_str(), removal.choice.role())).collect(),
        ),
        Decision::Balanced | Decision::Hold(_) => None,
    }
}

fn held(report: &Report) -> &Hold {
    match &report.decision {
        Decision::Hold(hold) => hold,
        other @ (Decision::Rotate(_) | Decision::Balanced) => panic!("no hold: {other}"),
    }
}

#[test]
fn the_worked_example_rotates_exactly_four_pods_hot_and_cold_in_turn() {
    let report = plan(&snapshot(&WORKED_EXAMPLE, Some(70.0)), &policy());
    assert_eq!(
        removed(&report),
        Some(vec![("p000", "hot"), ("p005", "cold"), ("p001", "hot"), ("p004", "cold")])
    );
    assert_eq!(report.verdicts[2], Verdict::Spared(Spared::Between));
    let Decision::Rotate(Plan { expectation: Expectation::EvenMixing(improvement), .. }) = &report.decision
    else {
        panic!("{}", report.decision)
    };
    assert!((improvement.percent - 34.78).abs() < 0.01);
    assert_eq!(report.method, Method::RotateOutliers { because: Some(Unusable::NotAsked) });
}

#[test]
fn a_fleet_with_no_pod_above_the_target_is_balanced_however_much_it_varies() {
    let report = plan(&snapshot(&[1.0, 0.9, 0.1, 0.1], Some(70.0)), &policy());
    assert_eq!(report.decision, Decision::Balanced);
}

#[test]
fn too_small_an_improvement_is_held_and_every_pod_says_what_it_would_have_been() {
    let report = plan(&snapshot(&[0.9, 0.85, 0.8, 0.75], Some(50.0)), &policy());
    assert!(
        matches!(held(&report), Hold::SmallImprovement { improvement, .. } if (improvement.percent - 5.71).abs() < 0.01)
    );
    assert!(report.verdicts.iter().all(|verdict| matches!(verdict, Verdict::Spared(Spared::Held(_)))));
}

#[test]
fn exactly_the_minimum_improvement_is_not_enough() {
    // Hot 1.0, cold 0.5: average 0.75, improvement 25 %.
    let fleet = snapshot(&[1.0, 0.5], Some(50.0));
    let at = |minimum| Policy { minimum_improvement: Percent::new(minimum).unwrap(), ..policy() };
    assert!(removed(&plan(&fleet, &at(25.0))).is_none());
    assert!(removed(&plan(&fleet, &at(24.9))).is_some());
}

#[test]
fn an_improvement_that_can_not_be_told_is_none() {
    let report = plan(&snapshot(&[1.7e308, 1.6e308, 0.2, 0.1], Some(70.0)), &policy());
    assert!(
        matches!(held(&report), Hold::SmallImprovement { improvement, .. } if improvement.percent.is_nan())
    );
}

#[test]
fn without_an_autoscaler_the_coefficient_of_variation_decides() {
    // Mean 0.733, CV 0.45: hot above 1.14, so only the hottest pod.
    let narrow = Policy { tolerance: Tolerance::new(1.55).unwrap(), ..policy() };
    let report = plan(&snapshot(&WORKED_EXAMPLE, None), &narrow);
    assert_eq!(removed(&report), Some(vec![("p000", "hot"), ("p005", "cold"), ("p004", "cold")]));
    let lenient =
        Policy { variance_thresholds: [(Indicator::Cpu, Ratio::new(0.5).unwrap())].into(), ..policy() };
    assert_eq!(plan(&snapshot(&WORKED_EXAMPLE, None), &lenient).decision, Decision::Balanced);
}

#[test]
fn a_fleet_that_varies_without_a_hot_pod_is_held() {
    // CV 0.47, but the highest load is only 1.3 times the mean.
    let report = plan(&snapshot(&[1.0, 1.0, 1.0, 0.8, 0.1], None), &policy());
    assert!(matches!(held(&report), Hold::NoHotPod { indicator: Indicator::Cpu, .. }), "{}", report.decision);
}

#[test]
fn an_autoscaler_that_does_not_scale_by_cpu_is_no_target() {
    let mut fleet = snapshot(&WORKED_EXAMPLE, None);
    fleet.target = Target::NotByCpu { hpa: "consumer".to_owned() };
    assert!(removed(&plan(&fleet, &policy())).is_some());
}

#[test]
fn two_autoscalers_are_a_hold_that_names_them() {
    let mut fleet = snapshot(&WORKED_EXAMPLE, Some(70.0));
    let hpas = vec!["consumer".to_owned(), "keda-hpa-consumer".to_owned()];
    fleet.target = Target::Ambiguous { hpas: hpas.clone() };
    assert_eq!(held(&plan(&fleet, &policy())), &Hold::AmbiguousTarget { hpas });
}

#[test]
fn a_missing_request_is_no_zero_request() {
    let mut fleet = snapshot(&WORKED_EXAMPLE, Some(70.0));
    fleet.pods[3].cpu_request = None;
    assert_eq!(held(&plan(&fleet, &policy())), &Hold::RequestsUnknown { missing: 1, eligible: 6 });
}

#[test]
fn a_target_of_zero_is_no_limit() {
    let report = plan(&snapshot(&WORKED_EXAMPLE, Some(0.0)), &policy());
    assert_eq!(held(&report), &Hold::UnusableTarget { hpa: "consumer".to_owned() });
}

#[test]
fn a_pod_without_a_sample_is_never_idle() {
    let pods = ["a", "b", "c", "d", "e"].map(pod).to_vec();
    let loads = readings(&[("a", 2.0), ("b", 0.5), ("c", 0.6), ("d", 0.7)]);
    let fleet = Snapshot::assemble(workload(), fixture::NOW, pods, Ok(vec![hpa(70.0)]), "", loads).unwrap();
    let report = plan(&fleet, &policy());
    assert_eq!(removed(&report), Some(vec![("a", "hot"), ("b", "cold"), ("c", "cold")]));
    assert_eq!(report.verdicts[4], Verdict::Spared(Spared::NoSample));
}

#[test]
fn too_few_samples_are_a_hold_never_a_balance() {
    let pods = ["a", "b", "c", "d", "e"].map(pod).to_vec();
    let fleet = Snapshot::assemble(
        workload(),
        fixture::NOW,
        pods,
        Ok(vec![hpa(70.0)]),
        "",
        readings(&[("a", 0.1), ("b", 0.1), ("c", 0.1)]),
    )
    .unwrap();
    let required = Share::new(0.8).unwrap();
    assert_eq!(
        held(&plan(&fleet, &policy())),
        &Hold::MetricsIncomplete { indicator: Indicator::Cpu, sampled: 3, eligible: 5, required }
    );
}

#[test]
fn no_pods_and_no_eligible_pods_are_told_apart() {
    let mut fleet = snapshot(&[2.0, 0.1], Some(70.0));
    for pod in &mut fleet.pods {
        pod.pod.ready = false;
    }
    let report = plan(&fleet, &policy());
    let vetoes = BTreeMap::from([("not_ready", 2)]);
    assert_eq!(held(&report), &Hold::NoEligiblePods { pods: 2, vetoes });
    assert_eq!(report.verdicts, vec![Verdict::Vetoed(Veto::NotReady); 2]);
    fleet.pods.clear();
    assert_eq!(held(&plan(&fleet, &policy())), &Hold::NoPods);
}

#[test]
fn the_minimum_of_pods_trims_the_batch_and_then_holds_it() {
    let fleet = snapshot(&WORKED_EXAMPLE, Some(70.0));
    let with = |minimum_pods| plan(&fleet, &Policy { minimum_pods, ..policy() });
    assert_eq!(removed(&with(2)).unwrap().len(), 4);
    let trimmed = with(3);
    assert_eq!(removed(&trimmed), Some(vec![("p000", "hot"), ("p005", "cold"), ("p001", "hot")]));
    assert_eq!(trimmed.verdicts[4], Verdict::Spared(Spared::Trimmed(Choice::Cold { rank: 2 })));
    assert_eq!(removed(&with(4)), Some(vec![("p000", "hot"), ("p005", "cold")]));
    assert_eq!(held(&with(5)), &Hold::TooFewPods { serving: 6, minimum: 5 });
}

#[test]
fn pods_of_another_workload_do_not_count_towards_the_minimum() {
    let loads = [("a", 2.0), ("b", 0.2), ("c", 0.3), ("x", 0.5), ("y", 0.5), ("z", 0.5)];
    let mut pods = loads.map(|(name, _)| pod(name)).to_vec();
    for pod in &mut pods[3..] {
        pod.owner = Some(crate::fleet::Owner { kind: "ReplicaSet".into(), name: "api-1".into() });
    }
    let fleet = Snapshot::assemble(workload(), fixture::NOW, pods, Ok(vec![hpa(70.0)]), "", readings(&loads))
        .unwrap();
    let report = plan(&fleet, &Policy { minimum_pods: 3, ..policy() });
    assert_eq!(held(&report), &Hold::TooFewPods { serving: 3, minimum: 3 });
    assert!(matches!(report.verdicts[4], Verdict::Vetoed(Veto::AnotherWorkload { .. })));
}

#[test]
fn lag_alone_may_raise_an_imbalance_and_then_ranks_the_pods() {
    let mut fleet = snapshot(&[0.5, 0.5, 0.5, 0.5], Some(70.0));
    fleet.readable.push(Indicator::Lag);
    let lag = fixture::samples(&[("p000", 10.0), ("p001", 12.0), ("p002", 9000.0), ("p003", 11.0)]);
    let again = Snapshot::assemble(
        workload(),
        fixture::NOW,
        fleet.pods.iter().map(|pod| pod.pod.clone()).collect(),
        Ok(vec![hpa(70.0)]),
        "",
        crate::port::Readings {
            loads: [
                (
                    Indicator::Cpu,
                    Ok(fleet
                        .pods
                        .iter()
                        .map(|pod| (pod.pod.name.clone(), Load::new(0.5).unwrap()))
                        .collect()),
                ),
                (Indicator::Lag, Ok(lag)),
            ]
            .into(),
            ..readings(&[])
        },
    )
    .unwrap();
    let report = plan(&again, &policy());
    assert_eq!(removed(&report), Some(vec![("p002", "hot"), ("p000", "cold"), ("p003", "cold")]));
}

mod properties {
    use super::*;
    use proptest::prelude::{Strategy, *};

    /// Any fleet: loads or none, states that veto, with and without an autoscaler.
    fn any_fleet() -> impl Strategy<Value = Snapshot> {
        let state = prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3), 1 => Just(4)];
        let load = prop_oneof![9 => (0.0_f64..3.0).prop_map(Some), 1 => Just(None)];
        let tie = prop_oneof![Just(None), Just(Some(0.5)), Just(Some(2.0))];
        let one = (prop_oneof![3 => load, 1 => tie], state);
        (prop::collection::vec(one, 0..40), prop::option::of(10.0_f64..150.0)).prop_map(|(pods, percent)| {
            let loads: Vec<f64> = pods.iter().map(|(load, _)| load.unwrap_or(0.0)).collect();
            let mut fleet = snapshot(&loads, percent);
            let pods: Vec<_> = pods
                .iter()
                .zip(&fleet.pods)
                .map(|((_, state), observed)| changed(observed.pod.clone(), *state))
                .zip(pods.iter().map(|(load, _)| *load))
                .collect();
            let names: Vec<(String, f64)> =
                pods.iter().filter_map(|(pod, load)| Some((pod.name.clone(), (*load)?))).collect();
            let readings =
                readings(&names.iter().map(|(name, load)| (name.as_str(), *load)).collect::<Vec<_>>());
            let hpas = percent.map(hpa).into_iter().collect();
            let pods = pods.into_iter().map(|(pod, _)| pod).collect();
            fleet = Snapshot::assemble(workload(), fixture::NOW, pods, Ok(hpas), "", readings).unwrap();
            fleet
        })
    }

    fn changed(mut pod: crate::fleet::Pod, state: u8) -> crate::fleet::Pod {
        match state {
            1 => pod.ready = false,
            2 => pod.terminating = true,
            3 => pod.phase = Phase::Succeeded,
            4 => pod.ready_since = Some(fixture::NOW),
            _ => {}
        }
        pod
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        (1_usize..6, 1.0_f64..3.0, 0.0_f64..60.0, 0_usize..30, 0.0_f64..1.0).prop_map(
            |(k, tolerance, improvement, minimum_pods, coverage)| Policy {
                top_k: k.try_into().unwrap(),
                tolerance: Tolerance::new(tolerance).unwrap(),
                minimum_improvement: Percent::new(improvement).unwrap(),
                minimum_pods,
                minimum_coverage: Share::new(coverage).unwrap(),
                ..Policy::default()
            },
        )
    }

    /// The same fleet from the same parts in another order.
    fn shuffled(fleet: &Snapshot) -> Snapshot {
        let pods = fleet.pods.iter().rev().map(|pod| pod.pod.clone()).collect();
        let loads: Vec<(&str, f64)> = fleet
            .pods
            .iter()
            .rev()
            .filter_map(|pod| Some((pod.pod.name.as_str(), pod.loads.get(Indicator::Cpu)?.get())))
            .collect();
        let mut again =
            Snapshot::assemble(workload(), fixture::NOW, pods, Ok(Vec::new()), "", readings(&loads)).unwrap();
        again.target = fleet.target.clone();
        again
    }

    proptest! {
        #[test]
        fn a_plan_is_clean_under_the_independent_audit(fleet in any_fleet(), policy in any_policy()) {
            if let Decision::Rotate(plan) = plan(&fleet, &policy).decision {
                prop_assert_eq!(audit(&plan, &fleet, &policy), vec![]);
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
            prop_assert!(count <= 2 * policy.top_k.get());
            if count > 0 {
                prop_assert!(count >= 2);
                prop_assert!(report.serving - count >= policy.minimum_pods);
            }
        }

        #[test]
        fn every_pod_has_a_verdict_and_exactly_the_chosen_ones_are_removed(fleet in any_fleet(), policy in any_policy()) {
            let report = plan(&fleet, &policy);
            prop_assert_eq!(report.verdicts.len(), fleet.pods.len());
            let mut chosen: Vec<&str> = fleet.pods.iter().zip(&report.verdicts)
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
            let report = plan(&fleet, &policy);
            for (name, _) in removed(&report).unwrap_or_default() {
                let pod = fleet.pods.iter().find(|pod| pod.pod.name == name).unwrap();
                prop_assert!(Criteria::of(&fleet, &policy).veto(&pod.pod, fleet.taken_at).is_none());
                prop_assert!(pod.loads.get(Indicator::Cpu).is_some());
            }
        }

        #[test]
        fn a_fleet_of_equal_loads_is_left_alone(load in 0.0_f64..100.0, pods in 1_usize..40, policy in any_policy()) {
            let report = plan(&snapshot(&vec![load; pods], None), &policy);
            prop_assert_eq!(report.decision, Decision::Balanced);
        }
    }
}
