//! Several indicators: a weighted score ranks the pods.

use super::*;
use crate::fixture::measured;
use crate::policy::Weights;
use crate::unit::Weight;

/// The mean is 0.8 cores; the first three are above 1.05.
const CPU: [f64; 6] = [1.2, 1.1, 1.3, 0.5, 0.4, 0.3];

/// The mean is 100 messages; the fifth is above 150.
const LAG: [f64; 6] = [140.0, 130.0, 60.0, 80.0, 160.0, 30.0];

fn known(loads: &[f64]) -> Vec<Option<f64>> {
    loads.iter().map(|load| Some(*load)).collect()
}

fn fleet(cpu: &[Option<f64>], lag: &[Option<f64>]) -> Snapshot {
    measured(&[(Indicator::Cpu, cpu), (Indicator::Lag, lag)], Some(70.0))
}

fn both() -> Snapshot {
    fleet(&known(&CPU), &known(&LAG))
}

fn weighing(weights: &[(Indicator, f64)]) -> Policy {
    let weights = weights.iter().map(|(indicator, weight)| (*indicator, Weight::new(*weight).unwrap()));
    policy().with_weights(Weights::new(weights.collect()).unwrap())
}

fn scores(report: &Report) -> Vec<f64> {
    report.pods.iter().map(|pod| pod.score.map_or(f64::NAN, |score| score.get())).collect()
}

fn close(given: &[f64], expected: &[f64]) {
    let close = given.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9 || a.is_nan() && b.is_nan());
    assert!(close && given.len() == expected.len(), "{given:?} are not {expected:?}");
}

#[test]
fn the_worked_example_ranks_by_the_mean_of_both_and_removes_no_pod_as_cold_that_lags() {
    let report = plan(&both(), &policy());
    close(&scores(&report), &[1.45, 1.3375, 1.1125, 0.7125, 1.05, 0.3375]);
    assert_eq!(
        removed(&report),
        Some(vec![("p000", "hot"), ("p005", "cold"), ("p001", "hot"), ("p003", "cold")])
    );
    // The hottest by CPU has little lag; the second coldest by CPU has much.
    assert_eq!(verdicts(&report)[2], Verdict::Spared(Spared::Between));
    let Verdict::Spared(Spared::HotBy { indicator: Indicator::Lag, limit }) = verdicts(&report)[4] else {
        panic!("{}", verdicts(&report)[4])
    };
    assert!((limit.get() - 150.0).abs() < 1e-9);
    assert_eq!(audit_of(&report, &both(), &policy()), []);
}

fn audit_of(report: &Report, fleet: &Snapshot, policy: &Policy) -> Vec<crate::audit::Violation> {
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    violations(plan, fleet, policy)
}

#[test]
fn the_improvement_stays_that_of_the_indicator_that_raised_the_imbalance() {
    let Decision::Rotate(Plan { indicator, expectation: Expectation::EvenMixing(improvement), .. }) =
        plan(&both(), &policy()).decision
    else {
        panic!("no rotation")
    };
    // 1.2 and 1.1 cores, and with 0.3 and 0.5: 1.15 and 0.775.
    assert_eq!(indicator, Indicator::Cpu);
    assert!((improvement.percent.unwrap().get() - 32.6).abs() < 0.05, "{improvement}");
}

#[test]
fn weights_decide_how_much_each_indicator_counts() {
    let report = plan(&both(), &weighing(&[(Indicator::Lag, 3.0)]));
    close(&scores(&report)[..2], &[(1.5 + 3.0 * 1.4) / 4.0, (1.375 + 3.0 * 1.3) / 4.0]);
}

#[test]
fn without_weight_an_indicator_ranks_no_pod_but_still_keeps_a_pod_from_being_cold() {
    let report = plan(&both(), &weighing(&[(Indicator::Lag, 0.0)]));
    assert_eq!(
        removed(&report),
        Some(vec![("p002", "hot"), ("p005", "cold"), ("p000", "hot"), ("p003", "cold")])
    );
}

#[test]
fn without_weight_an_indicator_still_raises_an_imbalance() {
    let lag = known(&[10.0, 12.0, 9000.0, 11.0]);
    let fleet = fleet(&known(&[0.5, 0.6, 0.4, 0.5]), &lag);
    let report = plan(&fleet, &weighing(&[(Indicator::Lag, 0.0)]));
    // It decides who is hot; CPU decides the order of the cold ones, and p002 ranks below them all.
    assert_eq!(report.indicators.iter().map(|seen| seen.out_of_balance).collect::<Vec<_>>(), [false, true]);
    assert!(matches!(held(&report), Hold::SmallImprovement { .. }), "{}", report.decision);
}

#[test]
fn when_no_usable_indicator_has_a_weight_the_one_that_raised_the_imbalance_ranks() {
    let nothing_left = weighing(&[(Indicator::Cpu, 0.0), (Indicator::Lag, 0.0)]);
    let report = plan(&both(), &nothing_left);
    assert_eq!(removed(&report).unwrap()[0], ("p002", "hot"));
    assert!(report.pods.len() == 6 && !report.has_scores());
    assert_eq!(audit_of(&report, &both(), &nothing_left), []);
}

#[test]
fn a_pod_without_one_of_the_samples_is_scored_by_the_others() {
    let mut lag = known(&LAG);
    lag[1] = None;
    let report = plan(&fleet(&known(&CPU), &lag), &policy());
    assert!((scores(&report)[1] - 1.375).abs() < 1e-9);
    assert!(removed(&report).unwrap().contains(&("p001", "hot")));
}

#[test]
fn a_pod_that_may_be_hot_by_another_indicator_is_not_removed_as_a_cold_one() {
    let mut lag = known(&LAG);
    lag[5] = None;
    let report = plan(&fleet(&known(&CPU), &lag), &policy());
    assert_eq!(verdicts(&report)[5], Verdict::Spared(Spared::MaybeHotBy { indicator: Indicator::Lag }));
}

#[test]
fn a_pod_without_a_sample_of_the_raised_indicator_is_no_candidate_whatever_its_score() {
    for pod in [0, 5] {
        let mut cpu = known(&CPU);
        cpu[pod] = None;
        let report = plan(&fleet(&cpu, &known(&LAG)), &policy());
        assert_eq!(verdicts(&report)[pod], Verdict::Spared(Spared::NoSample));
        assert!(report.pods.get(pod).unwrap().score.is_some());
    }
}

#[test]
fn one_indicator_has_no_scores() {
    let report = plan(&snapshot(&CPU, Some(70.0)), &policy());
    assert!(!report.has_scores());
    let Verdict::Chosen(choice) = verdicts(&report)[2] else { panic!("{}", verdicts(&report)[2]) };
    assert_eq!(choice.to_string(), "hot: number 1 from the top, above 1.050");
}

#[test]
fn a_choice_tells_its_score_where_scores_ranked() {
    let report = plan(&both(), &policy());
    let Verdict::Chosen(choice) = verdicts(&report)[0] else { panic!("{}", verdicts(&report)[0]) };
    assert_eq!(choice.to_string(), "hot: number 1 from the top, above 1.050, score 1.450");
    assert_eq!(verdicts(&report)[5].to_string(), "chosen, cold: number 1 from the bottom, score 0.338");
}

#[test]
fn an_indicator_with_too_few_samples_and_one_that_is_zero_everywhere_are_left_out_of_the_score() {
    let alone = plan(&snapshot(&CPU, Some(70.0)), &policy());
    let mut few = known(&LAG);
    few[..2].fill(None);
    let incomplete = plan(&fleet(&known(&CPU), &few), &policy());
    assert!(!incomplete.has_scores());
    assert_eq!(incomplete.decision, alone.decision);
    let idle = plan(&fleet(&known(&CPU), &[Some(0.0); 6]), &policy());
    close(&scores(&idle), &CPU.map(|load| load / 0.8));
    assert_eq!(removed(&idle), removed(&alone));
}

#[test]
fn a_vetoed_pod_has_a_score_and_is_left_alone_all_the_same() {
    let mut fleet = both();
    fleet.pods[0].pod.ready = false;
    let report = plan(&fleet, &policy());
    assert_eq!(verdicts(&report)[0], Verdict::Vetoed(Veto::NotReady));
    assert!(report.pods.get(0).unwrap().score.is_some());
}

#[test]
fn a_pod_that_is_hot_by_several_and_one_that_is_cold_by_all_are_the_ends_of_three_indicators() {
    let rate = known(&[500.0, 400.0, 450.0, 300.0, 250.0, 100.0]);
    let (cpu, lag) = (known(&CPU), known(&LAG));
    let all = [(Indicator::Cpu, &cpu[..]), (Indicator::Lag, &lag), (Indicator::ConsumptionRate, &rate)];
    let report = plan(&measured(&all, Some(70.0)), &policy());
    let ends = removed(&report).unwrap();
    assert_eq!(ends[..2], [("p000", "hot"), ("p005", "cold")]);
    let expected = (1.5 + 1.4 + 500.0 / (2000.0 / 6.0)) / 3.0;
    assert!((scores(&report)[0] - expected).abs() < 1e-9);
}

#[test]
fn loads_as_large_as_numbers_go_have_a_score() {
    let huge = Load::MAX.get();
    let report = plan(&fleet(&known(&[huge, huge, 0.1, 0.1]), &known(&[huge, 1.0, 1.0, 1.0])), &policy());
    assert!(report.pods.iter().all(|pod| pod.score.is_some()), "{:?}", report.pods);
}
