//! Whose pods are whose, worked out again from the raw references: from the workload's name down to the pods, and not
//! from the pods up.

use std::collections::BTreeSet;

use super::{Seen, Violation};
use crate::fleet::{Controller, NotRead, Owner, Phase, Pod, Uid};
use crate::snapshot::{ObservedPod, Snapshot};

/// Who owns the pods, as the raw references say.
pub(super) struct Owners<'a> {
    snapshot: &'a Snapshot,
    /// UIDs of everything that has the workload's name, or is controlled by something that has, however far down.
    below: BTreeSet<&'a Uid>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, below: below(snapshot) }
    }

    /// Of each pod, in the order of the snapshot, whether the workload [owns](Self::is_owned) it. Pods with one owner have one
    /// answer.
    pub(super) fn owned(&self) -> impl Iterator<Item = (&'a ObservedPod, bool)> {
        let mut last: Option<(&Owner, bool)> = None;
        self.snapshot.pods.iter().map(move |observed| {
            let Some(owner) = &observed.pod.owner else { return (observed, false) };
            let owned = match last {
                Some((same, owned)) if same == owner => owned,
                Some(_) | None => self.is_owned(owner),
            };
            last = Some((owner, owned));
            (observed, owned)
        })
    }

    /// Whether the workload owns what has this owner: by UID, or, where what owns it could not be read, by its name.
    fn is_owned(&self, owner: &Owner) -> bool {
        let workload = self.snapshot.workload.name.as_str();
        if owner.name == workload || self.below.contains(&owner.uid) {
            return true;
        }
        let was_read = objects(self.snapshot).any(|object| is_meant(object, owner));
        !was_read && may_be_revision(owner, workload)
    }
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
fn above_or_presumed<'a>(owner: &'a Owner, snapshot: &'a Snapshot) -> Vec<&'a Controller> {
    let mut found: Vec<&Controller> = Vec::new();
    let mut next = Some(owner);
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
fn above<'a>(owner: &'a Owner, snapshot: &'a Snapshot) -> Vec<&'a Controller> {
    let found = above_or_presumed(owner, snapshot);
    let named = |owner: &Owner| owner.name == snapshot.workload.name;
    let leads = named(owner) || found.iter().any(|object| object.owner.as_ref().is_some_and(named));
    if leads { found } else { Vec::new() }
}

/// Those of them that have the workload's name, or stand above such a one: what is below may have marks that are old.
pub(super) fn at_and_above_the_workload<'a>(seen: &Seen<'a>, snapshot: &'a Snapshot) -> Vec<&'a Controller> {
    let owner = seen.observed.pod.owner.as_ref().filter(|_| seen.owned);
    let mut found = owner.map(|owner| above(owner, snapshot)).unwrap_or_default();
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
pub(super) fn check(snapshot: &Snapshot, fleet: &[Seen<'_>]) -> Vec<Violation> {
    let all_owned = || fleet.iter().filter(|seen| seen.owned);
    let owned = || all_owned().filter(|seen| stays(&seen.observed.pod));
    let controller = snapshot.surroundings.controller.as_ref();
    let progress = controller.and_then(|owner| owner.progress);
    let marked = |owner: &Controller| {
        let told = owner.annotations.get("pod-rebalancer.io/opt-out");
        told.is_some_and(|value| value.trim().to_lowercase() != "false")
    };
    let marks = |owner: &Owner| {
        above_or_presumed(owner, snapshot)
            .into_iter()
            .any(|owner| marked(owner) && !is_copied(owner, snapshot))
    };
    let opted_out = controller.is_some_and(marked) || each(all_owned()).any(marks);
    let told_by_status = controller.is_some_and(|owner| {
        owner.kind == "StatefulSet" && owner.api_version.split('/').next() == Some("apps")
    }) && progress.is_some();
    let (least, most) = (owned().count(), all_owned().count());
    let mut violations = Vec::new();
    for (what, holds) in [
        ("several objects of the workload's name own pods", tops(each(owned()), snapshot).len() > 1),
        ("an owner of pods is gone", each(owned()).any(|owner| has_lost_an_owner(owner, snapshot))),
        (
            "a rollout is in progress",
            progress.is_some_and(|it| !it.status_is_current || it.updated < it.current),
        ),
        (
            "two revisions are among the pods",
            !told_by_status && has_two_revisions(owned().filter(|seen| seen.own)),
        ),
        (
            "the controller has another number of pods",
            progress.is_some_and(|it| (it.current as usize) < least || it.current as usize > most),
        ),
        (
            "an owner's controller is at work",
            controller.is_some_and(|owner| owner.at_work.is_some())
                || each(all_owned()).any(|owner| {
                    above_or_presumed(owner, snapshot).iter().any(|object| object.at_work.is_some())
                }),
        ),
        ("a scaling is in progress", progress.is_some_and(|it| it.current != it.desired)),
        ("the workload opted out", opted_out),
    ] {
        violations.extend(holds.then_some(Violation::NotNow { what }));
    }
    violations
}

/// The owners of these pods; of pods in a row that have the same, once.
fn each<'a>(pods: impl Iterator<Item = &'a Seen<'a>>) -> impl Iterator<Item = &'a Owner> {
    let mut last: Option<&Owner> = None;
    pods.filter_map(move |seen| {
        let owner = seen.observed.pod.owner.as_ref()?;
        let same = last == Some(owner);
        last = Some(owner);
        (!same).then_some(owner)
    })
}

fn stays(pod: &Pod) -> bool {
    !pod.terminating && pod.phase != Phase::Succeeded && pod.phase != Phase::Failed
}

/// Something that is named above it does not exist, or is another object now.
fn has_lost_an_owner(owner: &Owner, snapshot: &Snapshot) -> bool {
    let above = above_or_presumed(owner, snapshot);
    let named = std::iter::once(owner).chain(above.into_iter().filter_map(|object| object.owner.as_ref()));
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

fn has_two_revisions<'a>(pods: impl Iterator<Item = &'a Seen<'a>>) -> bool {
    let mut last: Option<&Pod> = None;
    // What is one and the same in two pods in a row need not be looked up again.
    let unlike_the_last = pods.map(|seen| &seen.observed.pod).filter(|pod| {
        let same = last.is_some_and(|last| {
            let unmarked = last.annotations.is_empty() && pod.annotations.is_empty();
            unmarked && last.owner == pod.owner && last.labels.are_shared_with(&pod.labels)
        });
        last = Some(pod);
        !same
    });
    let mut first = None;
    unlike_the_last.map(revision_of).any(|of| *first.get_or_insert(of) != of)
}

/// Everything of a pod that differs between two revisions of a workload: its owner's UID, kind and name, and what
/// controllers write on it.
type Revision<'a> = (Option<(&'a Uid, &'a str, &'a str)>, [Option<&'a String>; 5]);

fn revision_of(pod: &Pod) -> Revision<'_> {
    let owner = pod.owner.as_ref();
    let by_number = owner.is_some_and(|owner| owner.kind == "ReplicationController");
    let label = |mark: &str| pod.labels.get(mark);
    let marks = [
        label("pod-template-hash"),
        label("controller-revision-hash"),
        label("rollouts-pod-template-hash"),
        label("deployment").filter(|_| by_number),
        pod.annotations.get("strimzi.io/revision"),
    ];
    (owner.map(|owner| (&owner.uid, owner.kind.as_str(), owner.name.as_str())), marks)
}

/// Objects of the workload's name among these owners, and above them.
fn tops<'a>(owners: impl Iterator<Item = &'a Owner>, snapshot: &'a Snapshot) -> BTreeSet<(&'a Uid, &'a str)> {
    let mut tops = BTreeSet::new();
    for owner in owners {
        let further = above(owner, snapshot).into_iter().filter_map(|object| object.owner.as_ref());
        let named = std::iter::once(owner).chain(further).find(|owner| owner.name == snapshot.workload.name);
        tops.extend(named.map(|owner| (&owner.uid, owner.kind.as_str())));
    }
    tops
}
