//! Permissions.

use rebalancer_core::port::InventoryError;
use rebalancer_kube::preflight::{Access, Allowed};

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, Severity};
use super::super::needs::{Answered, Need, Only};

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let is_deployment = survey
        .controller
        .as_ref()
        .is_ok_and(|found| found.as_ref().is_some_and(|found| found.kind == "Deployment"));
    let of_set = survey.pods.iter().flatten().filter_map(|pod| pod.owner.as_ref());
    let has_sets = of_set.into_iter().any(|owner| owner.kind == "ReplicaSet");
    let matters = |only| match only {
        Only::Always => true,
        Only::WithoutDeployment => !is_deployment,
        Only::WithReplicaSets => has_sets,
    };
    let namespace = &facts.asked.namespace;
    let asked = survey.rights.iter().filter(|(need, _)| matters(need.only));
    let mut findings: Vec<Finding> =
        asked.filter_map(|(need, answer)| finding(need, answer, namespace)).collect();
    if findings.is_empty() {
        let granted = survey.rights.iter().filter(|(_, answer)| is_granted(answer)).count();
        findings.push(Finding::ok(
            Code::Permissions,
            format!("all {granted} rights that the settings need are granted in namespace {namespace}"),
        ));
    }
    findings
}

/// What is wrong with rights that count for every workload.
pub(super) fn missing_of(rights: &[Answered], namespace: &str) -> Vec<Finding> {
    rights.iter().filter_map(|(need, answer)| finding(need, answer, namespace)).collect()
}

fn is_granted(answer: &Result<Allowed, InventoryError>) -> bool {
    answer.as_ref().is_ok_and(|allowed| allowed.allowed)
}

fn finding(need: &Need, answer: &Result<Allowed, InventoryError>, namespace: &str) -> Option<Finding> {
    match answer {
        Ok(allowed) if allowed.allowed => None,
        Ok(_) => Some(missing(need, namespace)),
        Err(error) => Some(Finding::warning(
            Code::PermissionsUnknown,
            format!("whether we may {} could not be determined: {error}", need.access),
            "the ClusterRole system:basic-user lets every authenticated user ask; bind it to this account too",
        )),
    }
}

/// That this right is missing is an error already. A review may be refused itself, or not know what a webhook forbids.
pub(super) fn is_told(rights: &[Answered], verb: &str, resource: &str) -> bool {
    rights.iter().any(|(need, answer)| {
        let of_any = Access { name: None, ..need.access.clone() };
        need.severity == Severity::Error
            && answer.as_ref().is_ok_and(|answer| !answer.allowed)
            && of_any.to_string() == format!("{verb} {resource}")
    })
}

fn missing(need: &Need, namespace: &str) -> Finding {
    let Need { access, purpose, severity, .. } = need;
    // Nodes are in no namespace.
    let (place, role) = match (access.group, access.resource) {
        ("", "nodes") => ("at all".to_owned(), "a ClusterRole".to_owned()),
        _ => (format!("in namespace {namespace}"), format!("the Role in {namespace}")),
    };
    let message = format!("not allowed to {access} {place}, which {purpose}");
    let fix = format!("add to {role}: {}", access.rule());
    match severity {
        Severity::Error => Finding::error(Code::PermissionMissing, message, fix),
        Severity::Ok | Severity::Note | Severity::Warning => {
            Finding::warning(Code::PermissionMissing, message, fix)
        }
    }
}
