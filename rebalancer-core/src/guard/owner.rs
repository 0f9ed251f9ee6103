//! What becomes of pods whose owner has been deleted.

use super::{NotNow, one_by_owner, stays};
use crate::snapshot::Snapshot;

/// A reference by UID to what is not there any more, whoever has its name now: until the garbage collector has removed the
/// pods, they look like those of a workload that is well.
pub(super) fn gone(snapshot: &Snapshot) -> Option<NotNow> {
    let ownership = &snapshot.surroundings.ownership;
    let staying = snapshot.pods.iter().map(|pod| &pod.pod).filter(|pod| stays(pod));
    let mut own = one_by_owner(staying).filter(|pod| ownership.owns(pod, &snapshot.workload.name));
    let of = own.find_map(|pod| ownership.lost(pod))?.to_string();
    Some(NotNow::OwnerGone { of })
}
