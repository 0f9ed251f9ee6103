//! The label selector: it must match the workload's pods, and no others.

use std::collections::{BTreeMap, BTreeSet};

use rebalancer_core::fleet::{Owner, Pod};
use rebalancer_kube::preflight::PodShape;

use super::super::facts::{Around, Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::owners::{self, named_after};
use super::unread;

/// Labels that controllers give, and that differ from pod to pod or from rollout to rollout.
const PASSING: [&str; 6] = [
    "pod-template-hash",
    "controller-revision-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "pod-template-generation",
];

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let pods = match &survey.pods {
        Ok(pods) => pods,
        Err(error) => return vec![unread("the pods", error, survey)],
    };
    let name = facts.workload();
    let own = pods.iter().filter(|pod| survey.ownership.owns(pod, name)).count();
    let strangers: BTreeSet<String> = pods
        .iter()
        .filter(|pod| !survey.ownership.owns(pod, name))
        .map(|pod| stranger(survey, pod))
        .collect();
    let selector = &facts.asked.label_selector;
    match (own, strangers.is_empty()) {
        (0, true) => nothing(facts, survey),
        (0, false) => vec![Finding::error(
            Code::SelectorMatchesOthers,
            format!(
                "KUBE_LABEL_SELECTOR={selector} matches {} pods, all of others: {}",
                pods.len(),
                some(&strangers)
            ),
            suggestion(facts, survey),
        )],
        (own, true) => {
            vec![Finding::ok(
                Code::Selector,
                format!("KUBE_LABEL_SELECTOR={selector} matches {own} pods of {name}"),
            )]
        }
        (own, false) => vec![Finding::warning(
            Code::SelectorMatchesOthers,
            format!(
                "KUBE_LABEL_SELECTOR={selector} matches {own} pods of {name}, and pods of others: {}",
                some(&strangers)
            ),
            format!("{}; pods of others are never removed", suggestion(facts, survey)),
        )],
    }
}

/// The highest owner of a pod that is known, or what its name says.
fn stranger(survey: &Survey, pod: &Pod) -> String {
    let owners: Vec<&Owner> = survey.ownership.chain(pod).collect();
    match owners.as_slice() {
        [] => format!("Pod {}", pod.name),
        [direct] => owner_name(direct),
        [.., top] => top.to_string(),
    }
}

/// An empty namespace, or a workload without pods, is told already.
fn nothing(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let selector = &facts.asked.label_selector;
    let is_empty = survey.around.as_ref().is_some_and(Around::has_no_pods);
    if survey.is_scaled_to_nothing(facts.workload()) || (is_empty && survey.progress().is_none()) {
        return vec![Finding::not_checked("selector and container", "there are no pods")];
    }
    let message =
        format!("KUBE_LABEL_SELECTOR={selector} matches no pod in namespace {}", facts.asked.namespace);
    vec![Finding::error(Code::SelectorMatchesNothing, message, suggestion(facts, survey))]
}

/// The labels that the workload gives its pods; or the name of the one that is meant.
fn suggestion(facts: &Facts<'_>, survey: &Survey) -> String {
    let name = facts.workload();
    if let Some(meant) = owners::meant(facts, survey) {
        return format!("set DEPLOYMENT_NAME={meant}, to which these pods belong");
    }
    let from_template = survey.shape.as_ref().map(|shape| shape.labels.clone());
    let from_pod = || {
        let pods = survey.around.as_ref().map(Around::known_pods).unwrap_or_default();
        pods.iter().find(|pod| is_owned_by(pod, name)).map(|pod| pod.labels.clone())
    };
    match from_template.or_else(from_pod).map(lasting).filter(|labels| !labels.is_empty()) {
        Some(labels) => {
            let all: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("the pods of {name} have these labels: KUBE_LABEL_SELECTOR={}", all.join(","))
        }
        None => format!("set KUBE_LABEL_SELECTOR to labels of the pods of {name}"),
    }
}

fn lasting(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.retain(|key, _| !PASSING.contains(&key.as_str()));
    labels
}

/// The workload owns this pod, as far as its name tells: it was only looked at from afar.
pub(super) fn is_owned_by(pod: &PodShape, workload: &str) -> bool {
    pod.owner.as_ref().is_some_and(|owner| owner.name == workload || named_after(owner) == workload)
}

/// Such as `Deployment orders`: of a ReplicaSet, what stands before its hash.
pub(super) fn owner_name(owner: &Owner) -> String {
    let kind = match owner.kind.as_str() {
        "ReplicaSet" => "Deployment",
        "ReplicationController" => "DeploymentConfig",
        kind => kind,
    };
    let name = named_after(owner);
    // One without a hash or a number in its name is nobody's revision.
    if name == owner.name { owner.to_string() } else { format!("{kind} {name}") }
}
