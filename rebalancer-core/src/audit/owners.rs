//! Whose pods are whose, worked out again from the raw references: from the workload's name down to the pods, and not
//! from the pods up.

use std::collections::BTreeSet;

use super::Violation;
use crate::fleet::{Controller, NotRead, Owner, Phase, Pod, Uid};
use crate::snapshot::{ObservedPod, Snapshot};

/// Whether the pod is one of the workload's own.
pub(super) fn is_own(observed: &ObservedPod, snapshot: &Snapshot) -> bool {
    observed.pod.container.is_some() && is_owned(&observed.pod, snapshot)
}

/// Whether the workload owns it, whatever its containers are called: by UID, or, where what owns it could not be read, by
/// its name.
fn is_owned(pod: &Pod, snapshot: &Snapshot) -> bool {
    let workload = snapshot.workload.name.as_str();
    let Some(owner) = &pod.owner else { return false };
    if owner.name == workload || below(snapshot).contains(&owner.uid) {
        return true;
    }
    let was_read = objects(snapshot).any(|object| is_meant(object, owner));
    !was_read && may_be_revision(owner, workload)
}

fn objects(snapshot: &Snapshot) -> impl Iterator<Item = &Controller> {
    snapshot.surroundings.ownership.objects.iter()
}

fn is_meant(object: &Controller, owner: &Owner) -> bool {
    (&object.uid, &object.kind, &object.name) == (&owner.uid, &owner.kind, &owner.name)
}

fn may_be_revision(owner: &Owner, workload: &str) -> bool {
    let parts =
        owner.name.rsplit_once('-').filter(|(name, _)| *name == workload).map(|(_, revision)| revision);
    parts.is_some_and(|revision| match owner.kind.as_str() {
        "ReplicaSet" => !revision.is_empty(),
        "ReplicationController" => !revision.is_empty() && revision.parse::<u64>().is_ok(),
        _ => false,
    })
}

/// UIDs of everything that has the workload's name, or is controlled by something that has, however far down.
fn below(snapshot: &Snapshot) -> BTreeSet<&Uid> {
    let workload = snapshot.workload.name.as_str();
    let mut found: BTreeSet<&Uid> = BTreeSet::new();
    loop {
        let before = found.len();
        for object in objects(snapshot) {
            let under = object.owner.as_ref().is_some_and(|owner| {
                owner.name == workload
                    || (found.contains(&owner.uid) && objects(snapshot).any(|above| is_meant(above, owner)))
            });
            if object.name == workload || under {
                found.insert(&object.uid);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Every object above one of the workload's own pods, its own owner first.
fn above_or_presumed<'a>(observed: &'a ObservedPod, snapshot: &'a Snapshot) -> Vec<&'a Controller> {
    let mut found: Vec<&Controller> = Vec::new();
    if !is_owned(&observed.pod, snapshot) {
        return found;
    }
    let mut next = observed.pod.owner.as_ref();
    while let Some(object) = next.and_then(|owner| objects(snapshot).find(|object| is_meant(object, owner))) {
        if found.contains(&object) {
            break;
        }
        found.push(object);
        next = object.owner.as_ref();
    }
    found
}

/// The same, where they lead the pod to the workload and do not merely have names like it.
fn above<'a>(observed: &'a ObservedPod, snapshot: &'a Snapshot) -> Vec<&'a Controller> {
    let found = above_or_presumed(observed, snapshot);
    let named = |owner: &Owner| owner.name == snapshot.workload.name;
    let leads = observed.pod.owner.as_ref().is_some_and(named)
        || found.iter().any(|object| object.owner.as_ref().is_some_and(named));
    if leads { found } else { Vec::new() }
}

/// Those of them that have the workload's name, or stand above such a one: what is below may have marks that are old.
pub(super) fn at_and_above_the_workload<'a>(
    observed: &'a ObservedPod,
    snapshot: &'a Snapshot,
) -> Vec<&'a Controller> {
    let mut found = above(observed, snapshot);
    let first = found.iter().position(|object| object.name == snapshot.workload.name);
    match first {
        Some(first) => found.split_off(first),
        None => Vec::new(),
    }
}

/// A mark that was copied from an owner that is known, and stays when the owner has none any more.
fn is_copied(object: &Controller, snapshot: &Snapshot) -> bool {
    let unread = &snapshot.surroundings.ownership.unread;
    let read = |owner: &Owner| {
        let known = objects(snapshot).any(|above| is_meant(above, owner));
        known && unread.iter().all(|it| (&it.owner.uid, &it.owner.kind) != (&owner.uid, &owner.kind))
    };
    let known = object.owner.as_ref().is_some_and(read);
    known && (object.kind == "ReplicaSet" || object.kind == "ReplicationController")
}

/// What owns the pods, and what that says, forbids nothing.
pub(super) fn check(snapshot: &Snapshot) -> Vec<Violation> {
    let around = &snapshot.surroundings;
    let staying: Vec<&ObservedPod> = snapshot.pods.iter().filter(|pod| stays(&pod.pod)).collect();
    let owned: Vec<&ObservedPod> =
        staying.iter().copied().filter(|pod| is_owned(&pod.pod, snapshot)).collect();
    let controller = around.controller.as_ref();
    let progress = controller.and_then(|owner| owner.progress);
    let marked = |owner: &Controller| {
        let told = owner.annotations.get("pod-rebalancer.io/opt-out");
        told.is_some_and(|value| value.trim().to_lowercase() != "false")
    };
    let all_owned = snapshot.pods.iter().filter(|pod| is_owned(&pod.pod, snapshot));
    let marks = |pod: &ObservedPod| {
        above_or_presumed(pod, snapshot).into_iter().any(|owner| marked(owner) && !is_copied(owner, snapshot))
    };
    let opted_out = controller.is_some_and(marked) || all_owned.clone().any(marks);
    let told_by_status = controller.is_some_and(|owner| {
        owner.kind == "StatefulSet" && owner.api_version.split('/').next() == Some("apps")
    }) && progress.is_some();
    let own = owned.iter().filter(|pod| is_own(pod, snapshot));
    let revisions: BTreeSet<String> = own.map(|pod| revision_of(&pod.pod)).collect();
    let (least, most) = (owned.len(), all_owned.count());
    let mut violations = Vec::new();
    for (what, holds) in [
        ("several objects of the workload's name own pods", tops(&owned, snapshot).len() > 1),
        ("an owner of pods is gone", owned.iter().any(|pod| has_lost_an_owner(pod, snapshot))),
        (
            "a rollout is in progress",
            progress.is_some_and(|it| !it.status_is_current || it.updated < it.current),
        ),
        ("two revisions are among the pods", !told_by_status && revisions.len() > 1),
        (
            "the controller has another number of pods",
            progress.is_some_and(|it| (it.current as usize) < least || it.current as usize > most),
        ),
        ("a scaling is in progress", progress.is_some_and(|it| it.current != it.desired)),
        ("the workload opted out", opted_out),
    ] {
        violations.extend(holds.then_some(Violation::NotNow { what }));
    }
    violations
}

fn stays(pod: &Pod) -> bool {
    !pod.terminating && pod.phase != Phase::Succeeded && pod.phase != Phase::Failed
}

/// Something that is named above it does not exist, or is another object now.
fn has_lost_an_owner(observed: &ObservedPod, snapshot: &Snapshot) -> bool {
    let above = above_or_presumed(observed, snapshot);
    let named = observed.pod.owner.iter().chain(above.into_iter().filter_map(|object| object.owner.as_ref()));
    let named: BTreeSet<&Uid> = named.map(|owner| &owner.uid).collect();
    let by_replica_set =
        |owner: &Owner| owner.kind == "Deployment" && owner.api_version.split('/').next() == Some("apps");
    let unread = snapshot.surroundings.ownership.unread.iter();
    let mut lost = unread.filter(|it| match it.why {
        NotRead::Replaced => true,
        NotRead::Gone => by_replica_set(&it.owner),
        NotRead::NotAllowed | NotRead::Unreadable => false,
    });
    lost.any(|it| named.contains(&it.owner.uid))
}

/// Everything of a pod that differs between two revisions of a workload.
fn revision_of(pod: &Pod) -> String {
    let owner = pod.owner.as_ref().map(|owner| (&owner.uid, &owner.kind, &owner.name));
    let mut marks: Vec<&str> =
        vec!["pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"];
    if owner.is_some_and(|(_, kind, _)| kind == "ReplicationController") {
        marks.push("deployment");
    }
    let labels: Vec<_> = marks.iter().map(|mark| pod.labels.get(*mark)).collect();
    format!("{owner:?} {labels:?} {:?}", pod.annotations.get("strimzi.io/revision"))
}

/// Objects of the workload's name that own some of these pods.
fn tops<'a>(owned: &[&'a ObservedPod], snapshot: &'a Snapshot) -> BTreeSet<(&'a Uid, &'a str)> {
    let mut tops = BTreeSet::new();
    for pod in owned {
        let direct = pod.pod.owner.iter();
        let further = above(pod, snapshot).into_iter().filter_map(|object| object.owner.as_ref());
        let named = direct.chain(further).find(|owner| owner.name == snapshot.workload.name);
        tops.extend(named.map(|owner| (&owner.uid, owner.kind.as_str())));
    }
    tops
}
