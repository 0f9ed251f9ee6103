//! Only its own pods: what is removed belongs to the workload by UIDs, from the pod up to it, whatever its owner is called
//! and whatever the label selector matches.

use rebalancer_core::fleet::Pod;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

pub(super) struct OwnPods;

impl Invariant for OwnPods {
    fn name(&self) -> &'static str {
        "only its own pods"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        let What::Removed { uid, .. } = &event.what else { return Ok(()) };
        let Some(pod) = world.by_uid(uid) else { return Ok(()) };
        ensure(is_owned(pod, world), || format!("{} belongs to {:?}", pod.name, pod.owner))
    }
}

fn is_owned(pod: &Pod, world: &World) -> bool {
    let Some(owner) = &pod.owner else { return false };
    let workload = world.controller().uid;
    let above = (owner.kind == "ReplicaSet").then(|| world.replica_set(&owner.name).owner).flatten();
    owner.uid == workload || above.is_some_and(|above| above.uid == workload)
}
