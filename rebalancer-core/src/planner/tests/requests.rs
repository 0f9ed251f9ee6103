//! CPU requests that differ between pods: each is judged by its own.

use super::*;
use crate::fixture::{samples, sized};
use crate::fleet::{CpuTarget, Target};
use crate::policy::Persistence;
use crate::report::Limit;
use crate::snapshot::Past;
use crate::unit::Cores;
use proptest::prelude::*;

/// Two pods request one core, two request two; hot above 1.05 and 2.1 cores.
const TWO_SIZES: [(f64, f64); 4] = [(1.2, 1.0), (0.3, 1.0), (1.5, 2.0), (0.9, 2.0)];

fn cpu_limit(report: &Report) -> Limit {
    report.indicators[0].limit
}

#[test]
fn a_pod_with_twice_the_request_at_twice_the_load_is_not_hot() {
    // The target of the mean request makes pods above 1.575 cores hot.
    let report = plan(&sized(&[(0.9, 1.0), (0.8, 1.0), (1.8, 2.0), (1.6, 2.0)], 70.0), &policy());
    assert_eq!(report.decision, Decision::Balanced);
}

#[test]
fn a_small_pod_above_its_own_limit_is_hot_though_a_larger_one_carries_more() {
    let one = policy().with_top_k(1.try_into().unwrap());
    let report = plan(&sized(&TWO_SIZES, 70.0), &one);
    assert_eq!(removed(&report), Some(vec![("p000", "hot"), ("p001", "cold")]));
    let Verdict::Chosen(Choice::Hot { above, .. }) = verdicts(&report)[0] else { panic!() };
    assert!((above.get() - 1.05).abs() < 1e-12);
}

#[test]
fn the_improvement_is_that_of_the_work_whatever_is_requested() {
    // Mixed with 0.3, 1.2 cores become 0.75 each.
    let report = plan(&sized(&TWO_SIZES, 70.0), &policy().with_top_k(1.try_into().unwrap()));
    let Decision::Rotate(Plan { expectation: Expectation::EvenMixing(improvement), .. }) = report.decision
    else {
        panic!("{}", report.decision)
    };
    assert!((improvement.percent.unwrap().get() - 37.5).abs() < 1e-9);
}

#[test]
fn the_limit_tells_the_range_of_targets_and_the_distribution_stays_in_cores() {
    let report = plan(&sized(&TWO_SIZES, 70.0), &policy());
    assert_eq!(
        cpu_limit(&report).to_string(),
        "target 0.700 to 1.400 cores a pod by its CPU request, hot above 1.050 to 2.100"
    );
    assert!((report.indicators[0].distribution.max - 1.5).abs() < 1e-12);
    let equal = plan(&snapshot(&WORKED_EXAMPLE, Some(70.0)), &policy());
    assert_eq!(cpu_limit(&equal).to_string(), "target 0.700 cores a pod, hot above 1.050");
}

#[test]
fn an_average_value_is_the_same_for_every_pod_whatever_it_requests() {
    let mut fleet = sized(&TWO_SIZES, 70.0);
    let target = CpuTarget::AverageValue(Cores::new(0.7).unwrap());
    fleet.target = Target::Known { hpa: "consumer".to_owned(), target };
    let report = plan(&fleet, &policy());
    assert_eq!(removed(&report).unwrap()[0], ("p002", "hot"), "1.5 is the most above 1.05");
}

#[test]
fn a_request_of_no_cores_is_none() {
    let fleet = sized(&[(1.2, 1.0), (0.3, 0.0), (0.4, 1.0)], 70.0);
    assert_eq!(held(&plan(&fleet, &policy())), &Hold::RequestsUnknown { missing: 1, eligible: 3 });
}

#[test]
fn earlier_readings_are_judged_by_each_pods_own_request_too() {
    let lasting = policy().with_persistence(Persistence::default());
    let with_past = |small: f64, large: f64| {
        let mut fleet = sized(&TWO_SIZES, 70.0);
        let window = samples(&[("p000", small), ("p001", 0.3), ("p002", large), ("p003", 0.9)]);
        fleet.past = Some(Past { indicator: Indicator::Cpu, windows: Ok(vec![window; 2]) });
        plan(&fleet, &lasting)
    };
    assert_eq!(removed(&with_past(1.1, 1.5)).unwrap()[0], ("p000", "hot"));
    // 2.0 cores were within the larger pod's limit then as 1.5 are now.
    let not_persistent =
        Hold::NotPersistent { indicator: Indicator::Cpu, seen_in: 1, windows: 3, required: 2, younger: 0 };
    assert_eq!(held(&with_past(1.0, 2.0)), &not_persistent);
}

proptest! {
    /// The formula: `target = utilization / 100 * mean CPU request`.
    #[test]
    fn when_all_request_the_same_the_target_is_that_of_the_mean_request(
        loads in prop::collection::vec(0.0_f64..3.0, 1..30), request in 0.1_f64..4.0, percent in 10.0_f64..150.0,
    ) {
        let of_equals: Vec<(f64, f64)> = loads.iter().map(|load| (*load, request)).collect();
        let mut fleet = sized(&of_equals, percent);
        let by_request = plan(&fleet, &policy());
        let target = Cores::new(percent / 100.0 * request).unwrap();
        fleet.target =
            Target::Known { hpa: "consumer".to_owned(), target: CpuTarget::AverageValue(target) };
        let by_value = plan(&fleet, &policy());
        prop_assert_eq!(&by_request.decision, &by_value.decision);
        prop_assert_eq!(&verdicts(&by_request), &verdicts(&by_value));
        prop_assert_eq!(cpu_limit(&by_request).to_string(), cpu_limit(&by_value).to_string());
    }

    #[test]
    fn a_pod_is_hot_exactly_when_it_is_above_its_own_target_times_the_tolerance(
        fleet in prop::collection::vec((0.0_f64..4.0, 0.25_f64..4.0), 1..20), percent in 10.0_f64..150.0,
    ) {
        let report = plan(&sized(&fleet, percent), &policy());
        let limit = cpu_limit(&report);
        for (_, request) in &fleet {
            let own = percent / 100.0 * request * 1.5;
            let told = limit.for_request(Cores::new(*request).ok());
            prop_assert!((told.get() - own).abs() <= 1e-9 * own, "{told} is not {own}");
        }
        let hot = fleet.iter().any(|(load, request)| {
            Load::new(*load).unwrap() > limit.for_request(Cores::new(*request).ok())
        });
        prop_assert_eq!(report.indicators[0].out_of_balance, hot);
    }
}
