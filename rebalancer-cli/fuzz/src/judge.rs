//! Plans a snapshot, and panics at a plan that must not be carried out.

use rebalancer_core::audit::audit;
use rebalancer_core::history::Constraints;
use rebalancer_core::planner;
use rebalancer_core::policy::Policy;
use rebalancer_core::report::{Decision, Expectation, Plan, Report, Verdict};
use rebalancer_core::snapshot::Snapshot;

/// Plans under a policy, and gives the plan when pods are to be removed.
#[must_use]
pub fn plan(snapshot: &Snapshot, policy: &Policy) -> Option<Plan> {
    let constraints = Constraints::default();
    let report = planner::plan(snapshot, policy, &constraints);
    assert_eq!(report.pods.len(), snapshot.pods.len(), "a verdict for every pod");
    shown(&report);
    let chosen = report.pods.iter().filter(|pod| matches!(pod.verdict, Verdict::Chosen(_))).count();
    let Decision::Rotate(plan) = report.decision else {
        assert_eq!(chosen, 0, "chosen pods without a plan");
        return None;
    };
    assert_eq!(chosen, plan.removals.len(), "the plan is what the report says");
    let audited = audit(&plan, snapshot, policy, &constraints).map(drop);
    assert_eq!(audited, Ok(()), "{plan:?}");
    is_worth_it(&plan, policy);
    Some(plan)
}

/// A gain that can't be told is none.
fn is_worth_it(plan: &Plan, policy: &Policy) {
    let percent = match &plan.expectation {
        Expectation::EvenMixing(improvement) => improvement.percent.expect("a rotation has a gain").get(),
        Expectation::Predicted(prediction) => prediction.relief_percent.get(),
    };
    assert!(
        percent.is_finite() && percent > policy.selection.minimum_improvement.get(),
        "{:?}",
        plan.expectation
    );
}

/// Whatever was decided can be told, to people and to machines.
fn shown(report: &Report) {
    let mut words: Vec<String> = report.pods.iter().map(|pod| pod.verdict.to_string()).collect();
    words.push(report.decision.to_string());
    words.push(report.method.to_string());
    assert!(words.iter().all(|words| !words.is_empty()));
    serde_json::to_string(report).expect("a report is JSON");
}
