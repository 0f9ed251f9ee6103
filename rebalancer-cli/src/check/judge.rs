//! From what was read to findings with their fixes. Pure.

mod autoscaler;
mod budgets;
mod clocks;
mod container;
mod cruise_control;
mod endpoint;
mod kafka;
mod members;
mod neighbors;
mod outlook;
mod owners;
mod pods;
mod record;
mod rights;
mod samples;
mod selector;
mod series;
#[cfg(test)]
mod tests;
mod way;
mod workload;

use rebalancer_core::port::{InventoryError, Mode};

use super::facts::{Cluster, Facts, Survey};
use super::finding::{Code, Finding};
use crate::advice;

/// All findings, in the order in which they build on each other.
pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.metrics.iter().flat_map(endpoint::judge).collect();
    findings.extend(facts.kafka.iter().flat_map(|kafka| kafka::judge(kafka, &facts.settings.policy)));
    findings.extend(facts.cruise_control.iter().map(cruise_control::judge));
    match &facts.cluster {
        Cluster::There(survey) => findings.extend(of_cluster(facts, survey)),
        Cluster::NotConfigured(why) => {
            findings.extend([way::judge(why), no_cluster("no cluster is configured")])
        }
        Cluster::Silent(error) => {
            findings.extend([silent(error), no_cluster("the Kubernetes API can't be used")])
        }
    }
    findings.extend(record::of_group(facts));
    findings.extend(samples::judge(facts));
    findings.extend(members::judge(facts));
    findings.extend(clocks::judge(facts));
    findings.extend(outlook::judge(facts));
    findings.extend(of_settings(facts));
    findings
}

fn of_cluster(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let answers = Finding::ok(Code::KubernetesApi, "the Kubernetes API answers");
    let mut findings = vec![answers];
    findings.extend(rights::judge(facts, survey));
    findings.extend(workload::judge(facts, survey));
    findings.extend(selector::judge(facts, survey));
    findings.extend(container::judge(facts, survey));
    findings.extend(pods::judge(facts, survey));
    findings.extend(autoscaler::judge(facts, survey));
    findings.extend(neighbors::judge(facts, survey));
    findings.extend(budgets::judge(facts, survey));
    findings.extend(record::judge(facts, survey));
    findings
}

fn silent(error: &InventoryError) -> Finding {
    let code = match error {
        InventoryError::Unauthorized { .. } => Code::KubernetesUnauthorized,
        InventoryError::Unavailable { .. }
        | InventoryError::Forbidden { .. }
        | InventoryError::Rejected { .. } => Code::KubernetesUnreachable,
    };
    Finding::error(code, error.to_string(), advice::cluster(error))
}

fn no_cluster(because: &str) -> Finding {
    Finding::not_checked("permissions, workload, pods, autoscaler, disruption budgets and record", because)
}

/// A read that failed. Nothing more is said of a missing right that has its own finding already.
fn unread(what: &str, error: &InventoryError, survey: &Survey) -> Finding {
    match error {
        InventoryError::Forbidden { verb, resource, .. }
            if rights::is_told(&survey.rights, verb, resource) =>
        {
            Finding::not_checked(what, "a permission is missing")
        }
        InventoryError::Forbidden { .. }
        | InventoryError::Unauthorized { .. }
        | InventoryError::Unavailable { .. }
        | InventoryError::Rejected { .. } => Finding::error(
            Code::Unreadable,
            format!("{what} could not be read: {error}"),
            "see the message; a cycle would fail",
        ),
    }
}

/// What the settings say by themselves.
fn of_settings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let budget = facts.settings.memory.as_ref().and_then(|memory| memory.policy.budget());
    if budget.is_some_and(|budget| budget.pods() == 0) {
        findings.push(Finding::error(
            Code::RemovalBudgetZero,
            "REMOVAL_BUDGET_PODS=0 lets no pod go, so that every cycle holds",
            "set a number of 2 or more, or none for no budget; to look without acting, set DRY_RUN=true",
        ));
    }
    if facts.settings.mode == Mode::DryRun {
        findings.push(Finding::note(Code::DryRun, "DRY_RUN=true: cycles change nothing"));
    }
    findings
}
