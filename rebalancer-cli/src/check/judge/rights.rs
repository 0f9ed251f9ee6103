//! Permissions.

use rebalancer_kube::preflight::Access;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, Severity};
use super::super::needs::{Need, Only};

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
    let mut findings = Vec::new();
    let mut granted = 0;
    for (need, answer) in &survey.rights {
        match answer {
            Ok(allowed) if allowed.allowed => granted += 1,
            Ok(_) if !matters(need.only) => {}
            Ok(_) => findings.push(missing(need, &facts.asked.namespace)),
            Err(error) => findings.push(Finding::warning(
                Code::PermissionsUnknown,
                format!("whether we may {} could not be determined: {error}", need.access),
                "the ClusterRole system:basic-user lets every authenticated user ask; bind it to this account too",
            )),
        }
    }
    if findings.is_empty() {
        let namespace = &facts.asked.namespace;
        findings.push(Finding::ok(
            Code::Permissions,
            format!("all {granted} rights that the settings need are granted in namespace {namespace}"),
        ));
    }
    findings
}

/// That this right is missing is an error already. A review may be refused itself, or not know what a webhook forbids.
pub(super) fn is_told(survey: &Survey, verb: &str, resource: &str) -> bool {
    survey.rights.iter().any(|(need, answer)| {
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
