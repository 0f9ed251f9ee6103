//! What the owners of pods forbid: there are several, or one has been deleted.

use super::{NotNow, stays};
use crate::fleet::{Owner, Pod};
use crate::snapshot::Snapshot;

/// A reference by UID to what is not there any more, whoever has its name now: until the garbage collector has removed the
/// pods, they look like those of a workload that is well.
pub(super) fn gone(snapshot: &Snapshot) -> Option<NotNow> {
    let ownership = &snapshot.surroundings.ownership;
    let staying = snapshot.pods.iter().map(|pod| &pod.pod).filter(|pod| stays(pod));
    let mut own = one_of_each(staying).filter(|pod| ownership.owns(pod, &snapshot.workload.name));
    let of = own.find_map(|pod| ownership.lost(pod))?.to_string();
    Some(NotNow::OwnerGone { of })
}

/// Only one object of the workload's name can be the workload.
pub(super) fn several(snapshot: &Snapshot) -> Option<NotNow> {
    let staying = snapshot.pods.iter().map(|pod| &pod.pod).filter(|pod| stays(pod));
    let tops = snapshot.surroundings.ownership.tops(one_of_each(staying), &snapshot.workload.name);
    let described = |owner: &&Owner| format!("{owner} ({})", owner.uid);
    (tops.len() > 1).then(|| NotNow::SeveralOwners { owners: tops.iter().map(described).collect() })
}

/// Of pods in a row with one owner the first, where what is asked depends on the owner alone.
pub(super) fn one_of_each<'a>(pods: impl Iterator<Item = &'a Pod>) -> impl Iterator<Item = &'a Pod> {
    let mut last = None;
    pods.filter(move |pod| last.replace(&pod.owner) != Some(&pod.owner))
}
