//! Pods.

use std::collections::BTreeMap;

use rebalancer_core::fleet::{Owner, Phase, Pod, Requests, Uid};
use rebalancer_core::port::InventoryError;
use rebalancer_core::unit::{Bytes, Cores};
use serde::Deserialize;

use super::{incomplete, quantity, that_matter, time};
use crate::text::excerpt;

/// The kubelet marks the API's image of a static pod with it.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A pod as the server sends it, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct RawPod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

#[derive(Deserialize)]
struct OwnerReference {
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    node_name: Option<String>,
    priority_class_name: Option<String>,
    priority: Option<i32>,
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    resources: Resources,
}

#[derive(Deserialize, Default)]
struct Resources {
    requests: Option<RawRequests>,
}

#[derive(Deserialize)]
struct RawRequests {
    cpu: Option<String>,
    memory: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    phase: String,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    r#type: String,
    status: String,
    last_transition_time: Option<String>,
}

/// Takes what the core wants to know of a pod; `container` is the one whose requests count.
///
/// # Errors
/// When the pod has no name, namespace or UID: it could not be distinguished from others. When it is of another
/// namespace than the one that was asked: it would be removed there.
pub(crate) fn pod(raw: RawPod, namespace: &str, container: &str) -> Result<Pod, InventoryError> {
    let RawPod { metadata, spec, status } = raw;
    let name =
        metadata.name.filter(|name| !name.is_empty()).ok_or_else(|| incomplete("pod", "", "a name"))?;
    let present = |value: Option<String>, field| {
        value.filter(|value| !value.is_empty()).ok_or_else(|| incomplete("pod", &name, field))
    };
    let found = present(metadata.namespace, "a namespace")?;
    if found != namespace {
        return Err(stranger(&name, &found, namespace));
    }
    let annotations = metadata.annotations.unwrap_or_default();
    let ready = status.conditions.iter().flatten().find(|condition| condition.r#type == "Ready");
    Ok(Pod {
        namespace: found,
        uid: Uid::new(present(metadata.uid, "a UID")?),
        phase: phase(&status.phase),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        ready_since: ready.and_then(|ready| time(ready.last_transition_time.as_deref())),
        terminating: metadata.deletion_timestamp.is_some(),
        created_at: time(metadata.creation_timestamp.as_deref()),
        node: spec.node_name,
        owner: controller(metadata.owner_references),
        mirror: annotations.contains_key(MIRROR),
        annotations: that_matter(annotations),
        priority_class: spec.priority_class_name,
        priority: spec.priority,
        labels: metadata.labels.unwrap_or_default(),
        container: spec.containers.into_iter().find(|found| found.name == container).map(requests),
        name,
    })
}

fn stranger(name: &str, found: &str, asked: &str) -> InventoryError {
    let message = format!(
        "namespace {asked} was asked, the pod '{}' of namespace {} came",
        excerpt(name),
        excerpt(found)
    );
    InventoryError::Rejected { message }
}

fn phase(phase: &str) -> Phase {
    match phase {
        "Pending" => Phase::Pending,
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}

fn controller(owners: Option<Vec<OwnerReference>>) -> Option<Owner> {
    let owner = owners?.into_iter().find(|owner| owner.controller)?;
    Some(Owner { kind: owner.kind, name: owner.name })
}

fn requests(container: Container) -> Requests {
    let Some(requests) = container.resources.requests else { return Requests::default() };
    let number = |text: Option<String>| quantity::parse(&text?);
    Requests {
        cpu: number(requests.cpu).and_then(|cores| Cores::new(cores).ok()),
        memory: number(requests.memory).and_then(|bytes| Bytes::new(bytes).ok()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn full() -> Value {
        json!({
            "metadata": {
                "name": "consumer-0", "namespace": "shop", "uid": "u0",
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "managedFields": [{"manager": "kubelet"}],
                "labels": {"app": "consumer"},
                "ownerReferences": [
                    {"kind": "Node", "name": "n", "apiVersion": "v1", "uid": "x"},
                    {"kind": "ReplicaSet", "name": "consumer-abc", "controller": true},
                ],
            },
            "spec": {
                "nodeName": "node-1", "priorityClassName": "high", "priority": 1000,
                "containers": [
                    {"name": "sidecar", "resources": {"requests": {"cpu": "10m"}}},
                    {"name": "consumer", "resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}}},
                ],
            },
            "status": {
                "phase": "Running",
                "conditions": [
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:05:00Z"},
                ],
            },
        })
    }

    fn decode(value: Value) -> Result<Pod, InventoryError> {
        pod(serde_json::from_value(value).unwrap(), "shop", "consumer")
    }

    #[test]
    fn everything_that_matters_is_taken() {
        let expected = Pod {
            namespace: "shop".into(),
            name: "consumer-0".into(),
            uid: Uid::new("u0"),
            phase: Phase::Running,
            ready: true,
            ready_since: Some("2026-01-02T03:05:00Z".parse().unwrap()),
            terminating: false,
            created_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            node: Some("node-1".into()),
            owner: Some(Owner { kind: "ReplicaSet".into(), name: "consumer-abc".into() }),
            mirror: false,
            annotations: BTreeMap::new(),
            priority_class: Some("high".into()),
            priority: Some(1000),
            labels: BTreeMap::from([("app".into(), "consumer".into())]),
            container: Some(Requests {
                cpu: Some(Cores::new(1.5).unwrap()),
                memory: Some(Bytes::new(1_073_741_824.0).unwrap()),
            }),
        };
        assert_eq!(decode(full()), Ok(expected));
    }

    #[test]
    fn a_pod_that_was_only_just_accepted_is_read_too() {
        let bare = json!({"metadata": {"name": "p", "namespace": "shop", "uid": "u"}});
        let pod = decode(bare).unwrap();
        assert_eq!((pod.phase, pod.ready, pod.container), (Phase::Unknown, false, None));
    }

    #[test]
    fn deletion_mirror_and_not_ready_are_seen() {
        let mut value = full();
        value["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
        value["metadata"]["annotations"] = json!({MIRROR: "hash"});
        value["status"]["conditions"][1]["status"] = json!("False");
        let pod = decode(value).unwrap();
        assert!(pod.terminating && pod.mirror && !pod.ready && pod.ready_since.is_some());
    }

    #[test]
    fn a_request_that_is_not_set_or_makes_no_sense_is_unknown_and_not_zero() {
        for requests in [json!({}), json!({"cpu": "much"}), json!({"cpu": "-1"}), Value::Null] {
            let mut value = full();
            value["spec"]["containers"][1]["resources"]["requests"] = requests;
            assert_eq!(decode(value).unwrap().container, Some(Requests::default()));
        }
    }

    #[test]
    fn a_name_with_control_characters_can_not_break_out_of_the_line_of_a_message() {
        let mut value = full();
        value["metadata"]["name"] = json!("p\n\u{1b}[31m");
        value["metadata"]["uid"] = Value::Null;
        let message = decode(value).unwrap_err().to_string();
        assert!(message.ends_with("the pod 'p  [31m' came without a UID"), "{message:?}");
    }

    #[test]
    fn a_pod_of_another_namespace_is_refused() {
        let mut value = full();
        value["metadata"]["namespace"] = json!("bank");
        let message = "namespace shop was asked, the pod 'consumer-0' of namespace bank came".to_owned();
        assert_eq!(decode(value), Err(InventoryError::Rejected { message }));
    }

    #[test]
    fn a_pod_without_identity_is_refused() {
        for field in ["uid", "name", "namespace"] {
            for lost in [Value::Null, json!("")] {
                let mut value = full();
                value["metadata"][field] = lost;
                let message = decode(value).unwrap_err().to_string();
                assert!(message.to_lowercase().contains(field), "{message}");
            }
        }
    }
}
