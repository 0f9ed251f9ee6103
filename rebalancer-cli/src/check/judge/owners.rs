//! Who owns the pods, as far as the references could be followed, and where the name that was given is not the workload's.

use std::collections::BTreeSet;

use rebalancer_core::fleet::{Controller, NotRead, Owner, Pod, Tie, Unread};
use rebalancer_kube::resource;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, some};

/// Kinds whose pods are never rotated, by the same rule as a cycle's veto `controller_kind`.
const NEVER: [&str; 3] = ["DaemonSet", "Job", "Node"];

/// What a cycle makes of an owner that does not exist any more.
const HOLDS: &str = "nothing would replace a pod, and every cycle holds (owner_gone)";
const SEE_REFERENCES: &str = "see what the ownerReferences of the pods name: the garbage collector removes pods whose owner is not there";

/// What is to be said of the owners of the workload's own pods; nothing when all of them are known.
pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let own = own(facts, survey);
    let mut findings = Vec::new();
    if let Some(owner) = direct(&own).into_iter().find(|owner| NEVER.contains(&owner.kind.as_str())) {
        findings.push(Finding::error(
            Code::WorkloadKind,
            format!("{} is a {}, whose pods are not rotated", owner.name, owner.kind),
            "set DEPLOYMENT_NAME to a workload whose pods take over each other's work, such as a Deployment",
        ));
        return findings;
    }
    findings.extend(presumed(facts, survey, &own));
    findings.extend(top(facts, survey, &own));
    findings
}

fn own<'a>(facts: &Facts<'_>, survey: &'a Survey) -> Vec<&'a Pod> {
    let pods = survey.pods.iter().flatten();
    pods.filter(|pod| survey.ownership.owns(pod, facts.workload())).collect()
}

fn direct<'a>(pods: &[&'a Pod]) -> BTreeSet<&'a Owner> {
    pods.iter().filter_map(|pod| pod.owner.as_ref()).collect()
}

fn why_unread(survey: &Survey, owner: &Owner) -> Option<NotRead> {
    survey.ownership.unread.iter().find(|unread| unread.owner == *owner).map(|Unread { why, .. }| *why)
}

/// Pods whose owner is taken for one of the workload's by its name.
fn presumed(facts: &Facts<'_>, survey: &Survey, own: &[&Pod]) -> Option<Finding> {
    let presumed = |pod: &&&Pod| matches!(survey.ownership.tie(pod, facts.workload()), Tie::Presumed(_));
    let pods: Vec<&Pod> = own.iter().filter(presumed).copied().collect();
    let owners = direct(&pods);
    let first = owners.first()?;
    let known = format!(
        "{} belong to {}, which {}",
        pods_of(&pods),
        some(owners.iter().map(ToString::to_string)),
        in_words(why_unread(survey, first)),
    );
    let message = format!(
        "{known}: that they are the workload's is known by that name only. {}",
        match &survey.ownership.by_name {
            Some(found) => format!(
                "{found} is believed where it gives a reason to hold{}",
                scaled_kind(facts, survey)
                    .filter(|kind| *kind != found.kind)
                    .map(|kind| format!("; the autoscaler scales {kind} {}", facts.workload()))
                    .unwrap_or_default()
            ),
            None => format!(
                "Rollouts are told by the pods alone{}",
                scaled_kind(facts, survey)
                    .map(|kind| format!("; the autoscaler scales {kind} {}", facts.workload()))
                    .unwrap_or_default()
            ),
        }
    );
    Some(match why_unread(survey, first) {
        Some(NotRead::Gone | NotRead::Replaced) => {
            let lost = survey.ownership.is_lost(first).then(|| format!("{known}: {HOLDS}"));
            Finding::warning(Code::OwnerByName, lost.unwrap_or(message), SEE_REFERENCES)
        }
        Some(NotRead::NotAllowed | NotRead::Unreadable) | None => Finding::note(Code::OwnerByName, message),
    })
}

fn pods_of(pods: &[&Pod]) -> String {
    if pods.len() == 1 { "1 pod".to_owned() } else { format!("{} pods", pods.len()) }
}

fn in_words(why: Option<NotRead>) -> &'static str {
    match why {
        Some(NotRead::NotAllowed) => "this service account may not read",
        Some(NotRead::Gone) => "the API server does not have",
        Some(NotRead::Replaced) => "have been replaced by others of their name",
        Some(NotRead::Unreadable) => "could not be read",
        None => "were not looked at",
    }
}

/// The same of one object, as the sentence goes on with "it".
fn told_of_one(why: Option<NotRead>) -> &'static str {
    match why {
        Some(NotRead::NotAllowed) => "this service account may not read",
        Some(NotRead::Gone) => "the API server does not have",
        Some(NotRead::Replaced) => "another object has replaced",
        Some(NotRead::Unreadable) | None => "no answer tells of",
    }
}

/// The kind that the workload's autoscaler says it scales.
fn scaled_kind<'a>(facts: &Facts<'_>, survey: &'a Survey) -> Option<&'a str> {
    let hpas = survey.hpas.as_deref().unwrap_or_default();
    let scaling = hpas.iter().find(|hpa| hpa.scales.as_deref() == Some(facts.workload()))?;
    scaling.scales_kind.as_deref()
}

/// The workload's own object, when it could not be read, or does not tell how far it is.
fn top(facts: &Facts<'_>, survey: &Survey, own: &[&Pod]) -> Option<Finding> {
    let tops = survey.ownership.tops(own.iter().copied(), facts.workload());
    let [top] = tops.as_slice() else { return None };
    if let Some(found) = survey.ownership.object(top) {
        return told_in_part(survey, top, found, own);
    }
    let why = why_unread(survey, top);
    let known = format!("{top} owns {}, and {} it", pods_of(own), told_of_one(why));
    let message = format!(
        "{known}: rollouts are told by the revisions of its pods, its number of pods is not compared, and a mark on it is not \
         seen (one in its pod template is)"
    );
    Some(match why {
        Some(NotRead::Gone | NotRead::Replaced) => {
            let lost = survey.ownership.is_lost(top).then(|| format!("{known}: {HOLDS}"));
            Finding::warning(Code::OwnerNotRead, lost.unwrap_or(message), SEE_REFERENCES)
        }
        Some(NotRead::NotAllowed | NotRead::Unreadable) | None => {
            let note = Finding::note(Code::OwnerNotRead, message);
            Finding { fix: Some(format!("add to the Role, if it is to be read: {}", rule(top))), ..note }
        }
    })
}

/// An object that was found, when its scale subresource alone told of it, or nothing told its numbers.
fn told_in_part(survey: &Survey, top: &Owner, found: &Controller, own: &[&Pod]) -> Option<Finding> {
    let pods = pods_of(own);
    if survey.ownership.is_by_scale(found) {
        let message = format!(
            "{found} owns {pods}, and only its scale subresource may be read: a mark on it is not seen (one in its pod template \
             is), and rollouts are told by the revisions of its pods"
        );
        let fix = format!("add to the Role, if it is to be read: {}", rule(top));
        return Some(Finding { fix: Some(fix), ..Finding::note(Code::OwnerNotRead, message) });
    }
    let message = format!(
        "{found} owns {pods} and does not tell how far it is: rollouts are told by the revisions of its pods, and its number \
         of pods is not compared"
    );
    let fix = format!("add to the Role, if its kind has a scale subresource: {}", rule(top));
    let tells_nothing = found.progress.is_none();
    tells_nothing.then(|| Finding { fix: Some(fix), ..Finding::note(Code::Workload, message) })
}

/// The rule of a Role that lets this object be read, and its scale subresource.
fn rule(owner: &Owner) -> String {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let name = &owner.name;
    let resource = resource(&owner.kind);
    format!(
        "- {{apiGroups: [\"{group}\"], resources: [\"{resource}\", \"{resource}/scale\"], resourceNames: [\"{name}\"], \
         verbs: [\"get\"]}}"
    )
}

/// The name to give instead, when all pods that there are belong to one other workload. It is never one that the
/// autoscaler would have to follow.
pub(super) fn meant(facts: &Facts<'_>, survey: &Survey) -> Option<String> {
    let name = facts.workload();
    let idle = survey.progress().is_none_or(|progress| progress.desired == 0);
    let listed = survey.pods.as_deref().unwrap_or_default();
    let known = survey.around.as_ref().map(|around| around.known_pods()).unwrap_or_default();
    let of_listed = listed.iter().filter_map(|pod| scaled_name(survey, pod));
    let names: BTreeSet<String> = of_listed.collect();
    // Flagger moves the pods of `orders` to a Deployment `orders-primary`, and scales the other one to 0.
    let primary = format!("{name}-primary");
    let has_primary = names.contains(&primary)
        || known.iter().filter_map(|pod| pod.owner.as_ref()).any(|owner| named_after(owner) == primary);
    match names.first() {
        _ if !idle => None,
        _ if has_primary => Some(primary),
        Some(only) if names.len() == 1 && only != name => Some(only.clone()),
        Some(_) | None => None,
    }
}

/// What scales the pods of this one: what an autoscaler names in its chain of owners, or else the highest that is known.
fn scaled_name(survey: &Survey, pod: &Pod) -> Option<String> {
    let hpas = survey.hpas.as_deref().unwrap_or_default();
    let scaled = |owner: &&Owner| hpas.iter().any(|hpa| hpa.scales.as_deref() == Some(&owner.name));
    let chain: Vec<&Owner> = survey.ownership.chain(pod).collect();
    let by_autoscaler = chain.iter().copied().find(scaled).map(|owner| owner.name.clone());
    by_autoscaler.or_else(|| chain.last().map(|owner| named_after(owner)))
}

/// The name of the workload that an owner is a revision of, as far as its name tells.
pub(super) fn named_after(owner: &Owner) -> String {
    match (owner.kind.as_str(), owner.name.rsplit_once('-')) {
        ("ReplicaSet", Some((workload, _))) => workload.to_owned(),
        ("ReplicationController", Some((workload, number))) if number.parse::<u64>().is_ok() => {
            workload.to_owned()
        }
        _ => owner.name.clone(),
    }
}
