//! Pods that are hot because of their node.

use super::*;
use crate::fleet::PodRef;
use crate::history::{Constraints, HistoryPolicy, PodFactor, Record, RemovalResult, Role, Rotation, SlowPod};
use crate::unit::Ratio;

const NODE: &str = "worker-7";

/// Eight even pods under range, of which `p003` runs on worker-7 and costs twice as much.
fn slow_under(assignor: Assignor) -> (Snapshot, Policy) {
    let even: &[f64] = &[150.0, 145.0, 155.0, 150.0];
    let mut group = Group::new(&[even; 8], Numbering::Blocks);
    group.slow = Some(3);
    let mut snapshot = group.snapshot();
    for (place, pod) in snapshot.pods.iter_mut().enumerate() {
        pod.pod.node = Some(if place == 3 { NODE.into() } else { format!("worker-{}", place + 10).into() });
    }
    (snapshot, with(assignor, Timing::LeaveThenJoin))
}

/// What is remembered after replacements on worker-7 of these factors, half an hour apart.
fn remembering(factors: &[f64]) -> Constraints {
    let policy = HistoryPolicy::default();
    let ratio = |value| Ratio::new(value).unwrap();
    let before = |minutes: i64| fixture::NOW - jiff::SignedDuration::from_mins(minutes);
    let mut record = Record::default();
    for (turn, factor) in factors.iter().enumerate() {
        let (cycle, minutes) = (format!("cycle-{turn}"), 300 - 30 * i64::try_from(turn).unwrap());
        let gone = PodRef::from(&pod(&format!("gone-{turn}")));
        let slow = [(gone.uid.clone(), SlowPod::new(Some(NODE), ratio(2.0)))].into();
        let cv = crate::history::Imbalance::new(ratio(0.3), ratio(2.0));
        let pods = [(gone.clone(), Role::Hot)];
        let rotation = Rotation::intended(&cycle, before(minutes), Indicator::Cpu, pods, cv, None).unwrap();
        record.begin(rotation.with_slow(&slow));
        record.finish(&cycle, &[RemovalResult::removed(gone.uid)], before(minutes));
        let mut new = pod(&format!("new-{turn}"));
        (new.node, new.created_at) = (Some(NODE.into()), Some(before(minutes - 1)));
        let seen = [PodFactor { pod: &new, factor: ratio(*factor) }];
        record.replaced(&seen, before(minutes - 20), &policy);
        record.measure(before(minutes - 20), &policy, |_| Some(cv));
    }
    Constraints::default().with_replacements(record.replacements(fixture::NOW))
}

fn decided(assignor: Assignor, factors: &[f64]) -> Report {
    let (snapshot, policy) = slow_under(assignor);
    crate::planner::plan(&snapshot, &policy, &remembering(factors))
}

fn chosen(report: &Report) -> Vec<&str> {
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect()
}

#[test]
fn a_replacement_that_helped_is_reason_to_expect_that_of_the_next() {
    let (first, next) = (decided(Assignor::Range, &[]), decided(Assignor::Range, &[1.0]));
    assert_eq!((chosen(&first), chosen(&next)), (vec!["p003"], vec!["p003"]));
    assert_eq!(first.prediction, next.prediction);
}

#[test]
fn after_a_replacement_that_was_as_slow_less_is_promised_of_the_next() {
    let cv = |factors: &[f64]| decided(Assignor::Range, factors).prediction.unwrap().expected_cv;
    assert!(cv(&[]) < 0.05, "{}", cv(&[]));
    let before = decided(Assignor::Range, &[]).prediction.unwrap().cv_before;
    assert!((0.4..0.7).contains(&(cv(&[2.0]) / before)), "{} of {before}", cv(&[2.0]));
}

#[test]
fn after_two_that_were_as_slow_there_is_no_third_and_the_reason_names_the_node() {
    for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
        let report = decided(assignor, &[2.0, 2.0]);
        let Hold::SlowNode { node, pod, factor, replacements: 2 } = held(&report) else {
            panic!("{}", report.decision)
        };
        assert_eq!((node.as_str(), pod.as_str()), (NODE, "p003"));
        assert!((factor.get() - 2.0).abs() < 0.05, "{factor}");
        let words = report.decision.to_string();
        assert!(
            words.contains("node worker-7: the last 2 replacements of such pods did not help"),
            "{words}"
        );
    }
    let verdict = &verdicts(&decided(Assignor::Range, &[2.0, 2.0]))[3];
    assert!(
        matches!(verdict, Verdict::Spared(Spared::SlowNode { replacements: 2 } | Spared::Held(_))),
        "{verdict}"
    );
}

#[test]
fn static_members_on_such_a_node_are_held_for_the_node_too() {
    let (snapshot, policy) = slow_under(Assignor::CooperativeSticky);
    let policy = policy.with_static_members(true);
    assert_eq!(chosen(&crate::planner::plan(&snapshot, &policy, &remembering(&[]))), ["p003"]);
    let report = crate::planner::plan(&snapshot, &policy, &remembering(&[2.0, 2.0]));
    assert!(matches!(held(&report), Hold::SlowNode { .. }), "{}", report.decision);
}

#[test]
fn another_slow_pod_on_another_node_is_still_replaced() {
    let (mut snapshot, policy) = slow_under(Assignor::Range);
    snapshot.pods[3].pod.node = Some("worker-1".into());
    let report = crate::planner::plan(&snapshot, &policy, &remembering(&[2.0, 2.0]));
    assert!(!matches!(report.decision, Decision::Hold(Hold::SlowNode { .. })), "{}", report.decision);
}
