//! The namespace, and the workload in it.

use std::collections::BTreeSet;

use rebalancer_core::fleet::{Controller, Progress};
use rebalancer_core::guard::{NotNow, not_now};
use rebalancer_kube::preflight::Presence;

use super::super::facts::{Around, Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::selector::owner_name;
use super::{owners, unread};

/// What becomes of a workload that has no pods on purpose.
const IDLE: &str = "as KEDA does it where there is nothing to do: a cycle holds (no_pods) until it has some";

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    if let Some(finding) = survey.around.as_ref().and_then(|around| namespace(facts, survey, around)) {
        return vec![finding];
    }
    let mut findings = match &survey.controller {
        Err(error) => return vec![unread("the workload", error, survey)],
        Ok(Some(found)) => known(facts, survey, found),
        Ok(None) if has_own(facts, survey) => Vec::new(),
        Ok(None) => vec![idle(facts, survey).unwrap_or_else(|| {
            survey.around.as_ref().map_or_else(|| missing(facts, None), |around| absent(facts, around))
        })],
    };
    findings.extend(owners::judge(facts, survey));
    findings.extend(guarded(facts));
    findings
}

fn has_own(facts: &Facts<'_>, survey: &Survey) -> bool {
    survey.pods.iter().flatten().any(|pod| survey.ownership.owns(pod, facts.workload()))
}

/// The workload's own object. One that only has its name is told with the pods that it may own.
fn known(facts: &Facts<'_>, survey: &Survey, found: &Controller) -> Vec<Finding> {
    let has_own = has_own(facts, survey);
    let Some(Progress { desired, current, .. }) = found.progress else { return Vec::new() };
    if survey.ownership.by_name.is_some() && has_own && current == 0 {
        return Vec::new();
    }
    let mut findings =
        vec![Finding::ok(Code::Workload, format!("{found} wants {desired} pods and has {current}"))];
    if desired == 0 && !has_own {
        findings.push(without_pods(facts, survey, found));
    }
    findings
}

/// KEDA scales to 0 where there is nothing to do, and that is as it should be.
fn without_pods(facts: &Facts<'_>, survey: &Survey, found: &Controller) -> Finding {
    let message = format!("{found} is scaled to 0 pods");
    match owners::meant(facts, survey) {
        Some(meant) => Finding::error(
            Code::WorkloadWithoutPods,
            format!("{message}, and {meant} has pods"),
            format!("set DEPLOYMENT_NAME={meant}, whose pods do the work (Flagger moves them there)"),
        ),
        None => Finding::note(Code::WorkloadWithoutPods, format!("{message}, {IDLE}")),
    }
}

/// Of another kind than Deployment and StatefulSet, and without pods that would lead to it: its autoscaler tells.
fn idle(facts: &Facts<'_>, survey: &Survey) -> Option<Finding> {
    let name = facts.workload();
    let hpa = survey.idle_autoscaler(name).filter(|_| survey.is_scaled_to_nothing(name))?;
    let kind = hpa.scales_kind.as_deref().unwrap_or("workload");
    Some(Finding::note(
        Code::WorkloadWithoutPods,
        format!("{kind} {name} is scaled to 0 pods, as its autoscaler {} says, {IDLE}", hpa.name),
    ))
}

/// Nothing can be found in a namespace that is not there, or is empty.
fn namespace(facts: &Facts<'_>, survey: &Survey, around: &Around) -> Option<Finding> {
    let namespace = &facts.asked.namespace;
    if let Presence::Absent(others) = &around.namespace {
        let fix = nearest(namespace, others).map_or_else(
            || "correct KUBE_NAMESPACE".to_owned(),
            |near| format!("correct KUBE_NAMESPACE, such as KUBE_NAMESPACE={near}"),
        );
        let others = if others.is_empty() { String::new() } else { format!("; there are: {}", some(others)) };
        return Some(Finding::error(
            Code::NamespaceMissing,
            format!("there is no namespace {namespace}{others}"),
            fix,
        ));
    }
    let is_known = !matches!(survey.controller, Ok(None))
        || !around.workloads.is_empty()
        || survey.idle_autoscaler(facts.workload()).is_some();
    let is_empty = survey.pods.is_ok() && around.has_no_pods() && !is_known;
    is_empty.then(|| {
        Finding::error(
            Code::NamespaceEmpty,
            format!("namespace {namespace} has no pods and no Deployment or StatefulSet {}", facts.workload()),
            "correct KUBE_NAMESPACE: it must be the namespace of the consumers; whether it exists at all may not be known \
             to this service account",
        )
    })
}

/// It is of another kind, or there is none of this name.
fn absent(facts: &Facts<'_>, around: &Around) -> Finding {
    let name = facts.workload();
    match around.workloads.iter().find(|workload| *workload == &format!("DaemonSet {name}")) {
        Some(_) => Finding::error(
            Code::WorkloadKind,
            format!("{name} is a DaemonSet, whose pods are not rotated"),
            "set DEPLOYMENT_NAME to a Deployment or StatefulSet",
        ),
        None => missing(facts, Some(around)),
    }
}

fn missing(facts: &Facts<'_>, around: Option<&Around>) -> Finding {
    let (name, namespace) = (facts.workload(), &facts.asked.namespace);
    let known = around.map(known_workloads).unwrap_or_default();
    let there = if known.is_empty() { String::new() } else { format!("; there are: {}", some(&known)) };
    Finding::error(
        Code::WorkloadMissing,
        format!("there is no Deployment or StatefulSet {name} in namespace {namespace}{there}"),
        nearest(name, &known).map_or_else(
            || "correct DEPLOYMENT_NAME".to_owned(),
            |near| format!("correct DEPLOYMENT_NAME, such as DEPLOYMENT_NAME={near}"),
        ),
    )
}

/// What may be listed, or else what owns the pods.
fn known_workloads(around: &Around) -> Vec<String> {
    if !around.workloads.is_empty() {
        return around.workloads.clone();
    }
    let owners: BTreeSet<String> =
        around.known_pods().iter().filter_map(|pod| pod.owner.as_ref()).map(owner_name).collect();
    owners.into_iter().collect()
}

/// The name that is most like this one, if any is.
pub(super) fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let plain = known.iter().map(|known| known.rsplit(' ').next().unwrap_or(known));
    let likeness = |other: &str| strsim::jaro(name, other);
    plain.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|near| likeness(near) > ALIKE)
}

/// What forbids every rotation and does not pass by itself.
fn guarded(facts: &Facts<'_>) -> Option<Finding> {
    let observation = facts.observation.as_ref()?.as_ref().ok()?;
    let guard = not_now(&observation.snapshot, &facts.settings.policy)?;
    let message = guard.to_string();
    match guard {
        NotNow::OptedOut { annotation } => Some(Finding::warning(
            Code::WorkloadOptedOut,
            message,
            format!(
                "remove the annotation {annotation}, when the reason for it is gone; every cycle holds until then"
            ),
        )),
        NotNow::SeveralOwners { .. } => Some(Finding::error(
            Code::SeveralOwners,
            message,
            "narrow KUBE_LABEL_SELECTOR to the pods of one of them, or remove the other; every cycle holds until then",
        )),
        NotNow::CountsDisagree { .. } => Some(Finding::error(
            Code::PodCountDisagrees,
            message,
            "see that KUBE_LABEL_SELECTOR matches all pods of the workload and no others, and what the ownerReferences of the \
             pods name; every cycle holds until the numbers agree",
        )),
        NotNow::OwnerGone { .. }
        | NotNow::QuietHours { .. }
        | NotNow::WatchStale { .. }
        | NotNow::RolloutInProgress { .. }
        | NotNow::ScalingInProgress { .. }
        | NotNow::ScaleInPending { .. }
        | NotNow::JustScaled { .. }
        | NotNow::Unsettled { .. }
        | NotNow::GroupUnread { .. }
        | NotNow::GroupNotStable { .. }
        | NotNow::PartitionsMoving { .. }
        | NotNow::CruiseControlExecuting { .. }
        | NotNow::CruiseControlUnread { .. }
        | NotNow::GroupChanged { .. }
        | NotNow::AtWork(_)
        | NotNow::NeighborUnread { .. }
        | NotNow::NodesDraining { .. }
        | NotNow::PodsResizing { .. }
        | NotNow::PodsEvicted { .. } => None,
    }
}
