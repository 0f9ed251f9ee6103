//! Nodes: whether they are about to lose their pods.

use rebalancer_core::fleet::{Leaving, LeavingNode};
use serde::Deserialize;

use crate::answer::OnlyJson;

/// Who taints a node that it drains: Karpenter (v1, and before it `karpenter.sh/disruption`) and the cluster autoscaler. What
/// is out of service has lost its pods.
const DRAINING: [&str; 4] = [
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "ToBeDeletedByClusterAutoscaler",
    "node.kubernetes.io/out-of-service",
];

/// The cluster autoscaler marks so what it does not need, some ten minutes before it drains it, and takes many back.
const CANDIDATE: [&str; 1] = ["DeletionCandidateOfClusterAutoscaler"];

/// A node as the server sends it, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct RawNode {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

impl OnlyJson for RawNode {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    unschedulable: bool,
    taints: Option<Vec<Taint>>,
}

#[derive(Deserialize)]
struct Taint {
    key: String,
}

/// The node's name, and how far it is from losing its pods; `None` where it is not on the way.
pub(crate) fn node(raw: RawNode) -> (String, Option<LeavingNode>) {
    let RawNode { metadata: Metadata { name, deletion_timestamp }, spec } = raw;
    let tainted = |keys: &[&str]| {
        let mut taints = spec.taints.iter().flatten();
        taints.find(|taint| keys.contains(&taint.key.as_str())).map(|taint| taint.key.clone())
    };
    let deleted = deletion_timestamp.map(|_| "deleted".to_owned());
    let stage = deleted
        .or_else(|| tainted(&DRAINING))
        .map(|by| (Leaving::Draining, by))
        .or_else(|| spec.unschedulable.then(|| (Leaving::Cordoned, "cordoned".to_owned())))
        .or_else(|| tainted(&CANDIDATE).map(|by| (Leaving::Candidate, by)));
    let leaving = stage.map(|(stage, by)| LeavingNode { name: name.as_str().into(), stage, by });
    (name, leaving)
}

/// A node that is not there any more: the garbage collector of pods is about to remove those that were on it.
pub(crate) fn gone(name: &str) -> LeavingNode {
    LeavingNode { name: name.into(), stage: Leaving::Draining, by: "deleted".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(metadata: Value, spec: Value, expected: Option<(Leaving, &str)>) {
        let mut raw = json!({"metadata": {"name": "n"}, "spec": spec});
        raw["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        let (name, leaving) = node(serde_json::from_value(raw).unwrap());
        let told = leaving.as_ref().map(|leaving| (leaving.stage, leaving.by.as_str()));
        assert_eq!((name.as_str(), told), ("n", expected));
    }

    #[test]
    fn who_is_about_to_move_its_pods_is_told_by_its_own_mark() {
        let tainted = |key: &str| json!({"taints": [{"key": "gpu", "effect": "NoSchedule"}, {"key": key, "effect": "NoSchedule"}]});
        check(json!({}), json!({}), None);
        check(json!({}), tainted("team"), None);
        check(json!({}), json!({"unschedulable": true}), Some((Leaving::Cordoned, "cordoned")));
        for key in ["karpenter.sh/disrupted", "karpenter.sh/disruption", "ToBeDeletedByClusterAutoscaler"] {
            check(json!({}), tainted(key), Some((Leaving::Draining, key)));
        }
        let candidate = "DeletionCandidateOfClusterAutoscaler";
        check(json!({}), tainted(candidate), Some((Leaving::Candidate, candidate)));
        let deleted = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        check(deleted, json!({"unschedulable": true}), Some((Leaving::Draining, "deleted")));
    }
}
