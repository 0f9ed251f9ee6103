//! The planner as a specification: worked examples.

use std::collections::BTreeMap;

use super::*;
use crate::eligibility::Criteria;
use crate::eligibility::Veto;
use crate::fixture::plan;
use crate::fixture::verdicts;
use crate::fixture::violations;
use crate::fixture::{self, hpa, pod, policy, readings, snapshot, workload};
use crate::fleet::{Phase, Target};
use crate::group::Unusable;
use crate::port::MetricsError;
use crate::report::{Choice, Expectation, Method, Plan, Removal, Spared, Verdict};
use crate::snapshot::Degraded;
use crate::unit::{Load, Percent, Ratio, Share, Tolerance};

mod horizon;
mod properties;
mod requests;
mod score;

const WORKED_EXAMPLE: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];

/// Names and roles of the pods to remove, in order; `None` when nothing is to be removed.
fn removed(report: &Report) -> Option<Vec<(&str, &str)>> {
    match &report.decision {
        Decision::Rotate(plan) => Some(
            plan.removals
                .iter()
                .map(|removal| (removal.pod.name.as_str(), removal.choice.role().name()))
                .collect(),
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
    assert_eq!(verdicts(&report)[2], Verdict::Spared(Spared::Between));
    let Decision::Rotate(Plan { expectation: Expectation::EvenMixing(improvement), .. }) = &report.decision
    else {
        panic!("{}", report.decision)
    };
    assert!((improvement.percent.unwrap().get() - 34.78).abs() < 0.01);
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
        matches!(held(&report), Hold::SmallImprovement { improvement, .. } if (improvement.percent.unwrap().get() - 5.71).abs() < 0.01)
    );
    assert!(verdicts(&report).iter().all(|verdict| matches!(verdict, Verdict::Spared(Spared::Held(_)))));
}

#[test]
fn exactly_the_minimum_improvement_is_not_enough() {
    // Hot 1.0, cold 0.5: average 0.75, improvement 25 %.
    let fleet = snapshot(&[1.0, 0.5], Some(50.0));
    let at = |minimum| policy().with_minimum_improvement(Percent::new(minimum).unwrap());
    assert!(removed(&plan(&fleet, &at(25.0))).is_none());
    assert!(removed(&plan(&fleet, &at(24.9))).is_some());
}

#[test]
fn an_improvement_that_can_not_be_told_is_none() {
    let report = plan(&snapshot(&[1.7e308, 1.6e308, 0.2, 0.1], Some(70.0)), &policy());
    assert!(
        matches!(held(&report), Hold::SmallImprovement { improvement, .. } if improvement.percent.is_none())
    );
}

#[test]
fn without_an_autoscaler_the_coefficient_of_variation_decides() {
    // Mean 0.733, CV 0.45: hot above 1.14, so only the hottest pod.
    let narrow = policy().with_tolerance(Tolerance::new(1.55).unwrap());
    let report = plan(&snapshot(&WORKED_EXAMPLE, None), &narrow);
    assert_eq!(removed(&report), Some(vec![("p000", "hot"), ("p005", "cold"), ("p004", "cold")]));
    let lenient = policy().with_variance_thresholds([(Indicator::Cpu, Ratio::new(0.5).unwrap())].into());
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
fn a_store_that_mixes_clusters_is_a_hold_whatever_else_could_be_read() {
    let error = MetricsError::Ambiguous {
        of: "pod consumer-1".to_owned(),
        label: "cluster".to_owned(),
        values: vec!["eu".to_owned(), "us".to_owned()],
        passing: false,
    };
    let held_for = |query: &'static str, spoil: &dyn Fn(&mut Snapshot)| {
        let mut fleet = snapshot(&WORKED_EXAMPLE, Some(70.0));
        spoil(&mut fleet);
        let report = plan(&fleet, &policy());
        assert_eq!(held(&report), &Hold::AmbiguousSeries { query: query.to_owned(), error: error.clone() });
        let words = report.decision.to_string();
        for word in [query, "cluster (\"eu\", \"us\")", "several clusters", "consumer-1"] {
            assert!(words.contains(word), "{words}");
        }
    };
    let degraded = |indicator| Degraded { indicator, error: error.clone() };
    held_for("lag", &|fleet| fleet.degraded = vec![degraded(Indicator::Lag)]);
    held_for("partition_load", &|fleet| fleet.partitions_error = Some(error.clone()));
    held_for("cpu_requests", &|fleet| fleet.requests_error = Some(error.clone()));
    held_for("cpu", &|fleet| {
        fleet.readable.clear();
        fleet.degraded = vec![degraded(Indicator::Cpu)];
    });
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
    assert_eq!(verdicts(&report)[4], Verdict::Spared(Spared::NoSample));
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
    let vetoes = BTreeMap::from([("not_ready".to_owned(), 2)]);
    assert_eq!(held(&report), &Hold::NoEligiblePods { pods: 2, vetoes });
    assert_eq!(verdicts(&report), vec![Verdict::Vetoed(Veto::NotReady); 2]);
    fleet.pods.clear();
    assert_eq!(held(&plan(&fleet, &policy())), &Hold::NoPods);
}

#[test]
fn the_minimum_of_pods_trims_the_batch_and_then_holds_it() {
    let fleet = snapshot(&WORKED_EXAMPLE, Some(70.0));
    let with = |minimum_pods| plan(&fleet, &policy().with_minimum_pods(minimum_pods));
    assert_eq!(removed(&with(2)).unwrap().len(), 4);
    let trimmed = with(3);
    assert_eq!(removed(&trimmed), Some(vec![("p000", "hot"), ("p005", "cold"), ("p001", "hot")]));
    assert_eq!(
        verdicts(&trimmed)[4],
        Verdict::Spared(Spared::Trimmed(Choice::Cold { rank: 2, score: None }))
    );
    assert_eq!(removed(&with(4)), Some(vec![("p000", "hot"), ("p005", "cold")]));
    assert_eq!(held(&with(5)), &Hold::TooFewPods { serving: 6, minimum: 5 });
}

#[test]
fn pods_of_another_workload_do_not_count_towards_the_minimum() {
    let loads = [("a", 2.0), ("b", 0.2), ("c", 0.3), ("x", 0.5), ("y", 0.5), ("z", 0.5)];
    let mut pods = loads.map(|(name, _)| pod(name)).to_vec();
    for pod in &mut pods[3..] {
        pod.owner = Some(fixture::owner("ReplicaSet", "api-1"));
    }
    let fleet = Snapshot::assemble(workload(), fixture::NOW, pods, Ok(vec![hpa(70.0)]), "", readings(&loads))
        .unwrap();
    let report = plan(&fleet, &policy().with_minimum_pods(3));
    assert_eq!(held(&report), &Hold::TooFewPods { serving: 3, minimum: 3 });
    assert!(matches!(verdicts(&report)[4], Verdict::Vetoed(Veto::AnotherWorkload { .. })));
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
