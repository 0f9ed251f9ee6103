//! Disruption budgets.

use rebalancer_core::fleet::DisruptionBudget;
use rebalancer_core::fleet::Pod;
use rebalancer_kube::preflight::BudgetShape;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::pods::smallest_rotation;
use super::unread;

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let Ok(pods) = &survey.pods else { return Vec::new() };
    let own: Vec<&Pod> = pods.iter().filter(|pod| survey.ownership.owns(pod, facts.workload())).collect();
    let budgets = match &survey.budgets {
        None => {
            return vec![Finding::note(Code::Budgets, "REMOVAL_METHOD=delete ignores disruption budgets")];
        }
        Some(Err(error)) => return vec![unread("the disruption budgets", error, survey)],
        Some(Ok(_)) if own.is_empty() => return Vec::new(),
        Some(Ok(budgets)) => budgets,
    };
    let covering: Vec<&DisruptionBudget> =
        budgets.iter().filter(|budget| own.iter().any(|pod| budget.covers(pod))).collect();
    if covering.is_empty() {
        return vec![Finding::note(
            Code::Budgets,
            "no disruption budget covers the pods; one would be a second guard",
        )];
    }
    if let Some(overlap) = overlapping(&own, &covering) {
        return vec![overlap];
    }
    covering.iter().map(|budget| room(facts, survey, budget, pods)).collect()
}

/// The Eviction API refuses pods with more than one.
fn overlapping(own: &[&Pod], covering: &[&DisruptionBudget]) -> Option<Finding> {
    let twice =
        own.iter().filter(|pod| covering.iter().filter(|budget| budget.covers(pod)).count() > 1).count();
    if twice == 0 {
        return None;
    }
    let names = some(covering.iter().map(|budget| &budget.name));
    let message = format!(
        "{twice} of {} pods have more than one disruption budget ({names}); they can't be evicted",
        own.len()
    );
    let finding = if twice == own.len() { Finding::error } else { Finding::warning };
    Some(finding(Code::BudgetsOverlap, message, "keep one disruption budget for each pod".to_owned()))
}

fn room(facts: &Facts<'_>, survey: &Survey, budget: &DisruptionBudget, pods: &[Pod]) -> Finding {
    let name = &budget.name;
    let desired = survey.progress().map_or(0, |progress| progress.desired);
    let covered = pods.iter().filter(|pod| budget.covers(pod)).count();
    let shape = survey.budget_shapes.iter().find(|shape| &shape.name == name);
    // It may cover pods that KUBE_LABEL_SELECTOR leaves out.
    let expected = shape.and_then(|shape| shape.expected).unwrap_or(0);
    let count = u32::try_from(covered).unwrap_or(u32::MAX).max(desired).max(expected);
    let promise = shape.map(BudgetShape::to_string).unwrap_or_default();
    let smallest = smallest_rotation(facts);
    let has_room =
        budget.status_is_current && usize::try_from(budget.allowed).is_ok_and(|now| now >= smallest);
    match shape.and_then(|shape| shape.room(count)).filter(|_| !has_room) {
        Some(0) => Finding::error(
            Code::BudgetNever,
            format!(
                "disruption budget {name} ({promise}) never lets any of {count} pods go; every cycle holds"
            ),
            loosen(smallest, count),
        ),
        Some(1) if smallest > 1 => Finding::error(
            Code::BudgetTooTight,
            format!(
                "disruption budget {name} ({promise}) lets one of {count} pods go at a time, and a rotation takes one hot and \
                 one cold pod; every cycle holds"
            ),
            format!(
                "{}, or set KAFKA_METRICS_PRESET or PARTITION_LOAD_QUERY, so that one hot pod can be a batch",
                loosen(smallest, count)
            ),
        ),
        _ => Finding::ok(
            Code::Budgets,
            format!("disruption budget {name} ({promise}) lets {} pods go now", budget.allowed),
        ),
    }
}

fn loosen(smallest: usize, count: u32) -> String {
    let stay = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(smallest);
    format!("loosen it, such as maxUnavailable: {smallest}, or minAvailable: {stay}, or run more replicas")
}
