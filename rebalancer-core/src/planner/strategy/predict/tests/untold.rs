//! Where nothing tells the group's rule.

use super::*;

fn untold(timing: Timing) -> Policy {
    policy().with_timing(Some(timing))
}

#[test]
fn a_group_that_was_just_formed_is_not_guessed() {
    let fleet = two_heavy(Numbering::InTurn).snapshot();
    let report = plan(&fleet, &untold(Timing::LeaveThenJoin));
    let Hold::AssignorUnclear { fits, helps, .. } = held(&report) else { panic!("{}", report.decision) };
    assert!(fits.contains(Assignor::RoundRobin) && fits.contains(Assignor::CooperativeSticky), "{fits}");
    assert!(helps.contains(Assignor::CooperativeSticky), "{helps}");
    assert!(helps.that_restore_sets().is_empty(), "{helps}");
    let words = report.decision.to_string();
    assert!(
        words.contains("a rotation would help under") && words.contains("not under roundrobin"),
        "{words}"
    );
    assert!(
        verdicts(&report).iter().any(|verdict| matches!(verdict, Verdict::Spared(Spared::Held(_)))),
        "it shows which pods would go"
    );
    // Once it is told, it is rotated, and what comes of that is known.
    let told = plan(&fleet, &with(Assignor::CooperativeSticky, Timing::LeaveThenJoin));
    let Decision::Rotate(Plan { expectation: Expectation::Predicted(prediction), .. }) = &told.decision
    else {
        panic!("{}", told.decision)
    };
    assert!(prediction.cv_spread < 1e-9, "the deal shows the order of ids: {prediction}");
}

#[test]
fn a_rotation_is_made_if_it_is_good_under_each_rule_that_fits() {
    let report = plan(&two_heavy(Numbering::Mixed).snapshot(), &untold(Timing::AllAtOnce));
    let Decision::Rotate(Plan { expectation: Expectation::Predicted(prediction), .. }) = &report.decision
    else {
        panic!("{}", report.decision)
    };
    let worst = prediction.worst.unwrap();
    assert!(worst.cv < prediction.cv_before && worst.cv > prediction.expected_cv - 1e-9, "{prediction}");
    assert!(prediction.to_string().contains("at worst"), "{prediction}");
}

#[test]
fn a_slow_pod_is_replaced_whatever_the_rule() {
    let even: &[f64] = &[150.0, 145.0, 155.0, 150.0];
    for numbering in [Numbering::Blocks, Numbering::InTurn] {
        let mut group = Group::new(&[even; 8], numbering);
        group.slow = Some(3);
        let report = plan(&group.snapshot(), &untold(Timing::LeaveThenJoin));
        let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
        let names: Vec<&str> = plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect();
        assert_eq!(names, ["p003"], "{numbering:?}");
    }
}
