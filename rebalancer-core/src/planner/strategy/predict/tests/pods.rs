//! Which pods are hot and which are tried as cold ones, where CPU requests differ or other indicators are measured.

use super::*;
use crate::fixture::plan;
use crate::fixture::verdicts;
use crate::fixture::violations;
use crate::group::{AssumedTiming, GroupModel, TimingBasis};
use crate::prediction::Forecast;

#[test]
fn each_pod_is_hot_by_its_own_request() {
    let policy = with(Assignor::CooperativeSticky, Timing::AllAtOnce);
    let group = two_heavy(Numbering::Mixed);
    // 1.5 cores of two requested are less than 70 % and a half.
    let large = requesting(group.snapshot(), &[2.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(plan(&large, &policy).decision, Decision::Balanced);
    // 0.6 cores of a half requested are more.
    let small = requesting(group.snapshot(), &[2.0, 0.5, 1.0, 1.0, 1.0, 1.0]);
    let report = plan(&small, &policy);
    let hot = |verdict: &Verdict| match verdict {
        Verdict::Chosen(choice) | Verdict::Spared(Spared::Held(choice)) => choice.is_hot(),
        Verdict::Spared(_) | Verdict::Vetoed(_) => false,
    };
    let hot: Vec<usize> = (0..6).filter(|&pod| hot(&verdicts(&report)[pod])).collect();
    assert_eq!(hot, [1], "{}", report.decision);
}

/// Alone it gets back what it had. A larger replacement would seem to bring a relief.
#[test]
fn a_replacement_is_no_larger_than_the_pod_that_it_replaces() {
    let fleet = two_heavy(Numbering::Mixed).snapshot();
    let model = GroupModel::of(&fleet, Indicator::Cpu).unwrap();
    let inference = Inference::Configured { assignor: Assignor::CooperativeSticky };
    let mut limits = vec![2.0; 6];
    limits[0] = 0.7;
    let timing = AssumedTiming::only(Timing::AllAtOnce, TimingBasis::Configured);
    let prediction = Forecast::new(&model, inference, timing, limits).predict(&[0], 4, 1).all;
    assert!(prediction.relief_percent.get().abs() < 1e-9, "{}", prediction.relief_percent);
}

#[test]
fn that_a_hot_set_may_go_to_a_larger_pod_is_no_reason_to_make_the_same_sets_again() {
    let fleet = requesting(two_heavy(Numbering::Blocks).snapshot(), &[0.8, 2.0, 2.0, 2.0, 2.0, 2.0]);
    let assignor = Assignor::Range;
    let report = plan(&fleet, &with(assignor, Timing::LeaveThenJoin));
    assert_eq!(held(&report), &Hold::AssignorRestoresSets { assignor: Inference::Configured { assignor } });
}

#[test]
fn no_pod_is_tried_as_a_cold_one_that_is_hot_by_another_indicator() {
    let group = two_heavy(Numbering::Mixed);
    let cpu = named(&group.cores());
    let cpu: Vec<(&str, f64)> = cpu.iter().map(|(name, load)| (name.as_str(), *load)).collect();
    let lag = [("p000", 1.0), ("p001", 1.0), ("p002", 9.0), ("p003", 1.0), ("p004", 1.0)];
    let mut readings = Readings { partitions: Some(Ok(group.partitions())), ..readings(&cpu) };
    readings.loads.insert(Indicator::Lag, Ok(fixture::samples(&lag)));
    let fleet = group.measured(readings);
    for timing in [Timing::AllAtOnce, Timing::LeaveThenJoin] {
        let policy = with(Assignor::CooperativeSticky, timing);
        // The two coldest by CPU, of which the second has no sample of lag.
        let report = plan(&fleet, &policy);
        let Verdict::Spared(Spared::HotBy { indicator: Indicator::Lag, .. }) = verdicts(&report)[2] else {
            panic!("{}", verdicts(&report)[2])
        };
        assert_eq!(verdicts(&report)[5], Verdict::Spared(Spared::MaybeHotBy { indicator: Indicator::Lag }));
        let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
        assert_eq!(violations(plan, &fleet, &policy), []);
        assert!(plan.removals.iter().all(|removal| removal.choice.score().is_none()), "no score ranked");
    }
}
