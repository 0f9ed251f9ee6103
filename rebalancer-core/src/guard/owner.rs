//! What the owners of pods forbid: there are several, or one has been deleted.

use super::census::Census;
use super::{NotNow, busy};
use crate::fleet::Owner;
use crate::snapshot::{Snapshot, Surroundings};

/// A reference by UID to what is not there any more, whoever has its name now: until the garbage collector has removed the
/// pods, they look like those of a workload that is well.
pub(super) fn gone(snapshot: &Snapshot, pods: &Census<'_>) -> Option<NotNow> {
    let ownership = &snapshot.surroundings.ownership;
    let mut own =
        pods.staying_by_owner.iter().copied().filter(|pod| ownership.owns(pod, &snapshot.workload.name));
    let of = own.find_map(|pod| ownership.lost(pod))?.to_string();
    Some(NotNow::OwnerGone { of })
}

/// What the workload's own object says that it does, or one above a pod of the workload: a Rollout, or what a platform puts
/// above it.
pub(super) fn at_work(snapshot: &Snapshot, pods: &Census<'_>) -> Option<NotNow> {
    let Surroundings { controller, ownership, .. } = &snapshot.surroundings;
    let own = pods.by_owner.iter().copied().filter(|pod| ownership.owns(pod, &snapshot.workload.name));
    let above = own.flat_map(|pod| ownership.chain(pod)).filter_map(|owner| ownership.object(owner));
    controller.iter().chain(above).find_map(busy)
}

/// Only one object of the workload's name can be the workload.
pub(super) fn several(snapshot: &Snapshot, pods: &Census<'_>) -> Option<NotNow> {
    let tops =
        snapshot.surroundings.ownership.tops(pods.staying_by_owner.iter().copied(), &snapshot.workload.name);
    let described = |owner: &&Owner| format!("{owner} ({})", owner.uid);
    (tops.len() > 1).then(|| NotNow::SeveralOwners { owners: tops.iter().map(described).collect() })
}
