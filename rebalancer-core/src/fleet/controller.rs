//! The object that owns a fleet, and which pods are its own.

use std::collections::BTreeMap;

use super::{Pod, Uid};

/// The object that owns the fleet, and how far it is with what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Controller {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: BTreeMap<String, String>,
    /// Its status speaks of its present specification.
    pub status_is_current: bool,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it has, in any state.
    pub current: u32,
    /// Pods that it has of its present template.
    pub updated: u32,
}

/// One of the workload's own pods: it has the container, and the workload owns it, directly or by a ReplicaSet.
///
/// A ReplicaSet of a Deployment or an Argo Rollout is called `<workload>-<hash>`, and a hash has no dash.
#[must_use]
pub fn belongs(pod: &Pod, workload: &str) -> bool {
    let owned = pod.owner.as_ref().is_some_and(|owner| {
        let hash = owner.name.strip_prefix(workload).and_then(|rest| rest.strip_prefix('-'));
        owner.name == workload
            || (owner.kind == "ReplicaSet"
                && hash.is_some_and(|hash| !hash.is_empty() && !hash.contains('-')))
    });
    owned && pod.container.is_some()
}
