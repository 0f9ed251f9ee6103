use rebalancer_core::fleet::Labels;
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
                {"kind": "ReplicaSet", "name": "consumer-abc", "apiVersion": "apps/v1", "uid": "rs",
                    "controller": true},
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
        owner: Some(Owner::of_apps("ReplicaSet", "consumer-abc", "rs")),
        mirror: false,
        container_id: None,
        extras: Extra { priority_class: Some("high".into()), ..Extra::default() }.into(),
        annotations: Labels::default(),
        priority: Some(1000),
        labels: [("app".into(), "consumer".into())].into(),
        container: Some(Requests {
            cpu: Some(Cores::new(1.5).unwrap()),
            memory: Some(Bytes::new(1_073_741_824.0).unwrap()),
        }),
        ips: Addresses::default(),
    };
    assert_eq!(decode(full()), Ok(expected));
}

#[test]
fn a_native_sidecar_can_be_the_measured_container_and_another_init_container_can_not() {
    let with = |policy: Value| {
        let mut value = full();
        let requests = json!({"requests": {"cpu": "2"}});
        value["spec"]["containers"] = json!([{"name": "sidecar"}]);
        value["spec"]["initContainers"] =
            json!([{"name": "consumer", "restartPolicy": policy, "resources": requests}]);
        decode(value).unwrap().container.map(|requests| requests.cpu.map(Cores::get))
    };
    assert_eq!(with(json!("Always")), Some(Some(2.0)));
    assert_eq!(with(Value::Null), None);
}

#[test]
fn what_the_pod_asks_for_as_a_whole_is_its_own_with_its_overhead() {
    let of = |resources: Value, overhead: Value| {
        let mut value = full();
        value["spec"]["resources"] = resources;
        value["spec"]["overhead"] = overhead;
        decode(value).unwrap().extras.whole.cpu.map(Cores::get)
    };
    let two = || json!({"requests": {"cpu": "2"}});
    assert_eq!(of(two(), Value::Null), Some(2.0));
    assert_eq!(of(two(), json!({"cpu": "250m", "memory": "64Mi"})), Some(2.25));
    assert_eq!(of(two(), json!({"cpu": "much"})), None);
    assert_eq!(of(json!({"requests": {"memory": "1Gi"}}), json!({"cpu": "250m"})), None);
    assert_eq!(of(Value::Null, json!({"cpu": "250m"})), None);
}

#[test]
fn a_resize_counts_as_it_is_specified_and_not_as_far_as_the_node_has_come() {
    let mut value = full();
    let old = json!({"cpu": "250m"});
    value["status"]["containerStatuses"] = json!([
        {"name": "consumer", "allocatedResources": old, "resources": {"requests": old}}]);
    assert_eq!(decode(value).unwrap().container.unwrap().cpu.map(Cores::get), Some(1.5));
}

#[test]
fn a_container_s_restart_is_a_fresh_start() {
    let since = |status: &str, state: Value| {
        let mut value = full();
        value["status"][status] = json!([{"name": "sidecar", "state": {"running": {"startedAt": "2026-01-02T09:00:00Z"}}},
                {"name": "consumer", "state": state}]);
        decode(value).unwrap().ready_since.map(|since| since.to_string())
    };
    let running = |at: &str| json!({"running": {"startedAt": at}});
    let ready = Some("2026-01-02T03:05:00Z".to_owned());
    let restarted = || running("2026-01-02T05:00:00Z");
    for status in ["containerStatuses", "initContainerStatuses"] {
        assert_eq!(since(status, restarted()), Some("2026-01-02T05:00:00Z".to_owned()));
    }
    let mut value = full();
    value["status"]["containerStatuses"] =
        json!([{"name": "consumer", "restartCount": 1, "state": restarted()}]);
    let restarted_at = decode(value).unwrap().extras.restarted_at.map(|at| at.to_string());
    assert_eq!(restarted_at, Some("2026-01-02T05:00:00Z".to_owned()));
    assert_eq!(since("containerStatuses", running("2026-01-02T03:04:06Z")), ready);
    assert_eq!(since("containerStatuses", json!({"waiting": {}})), ready);
}

#[test]
fn the_container_that_runs_is_known_by_its_id_and_one_that_has_ended_is_not() {
    let id = |id: Value, state: Value| {
        let mut value = full();
        let status = json!({"name": "consumer", "containerID": id, "state": state});
        value["status"]["containerStatuses"] =
            json!([{"name": "sidecar", "containerID": "cri-o://f", "state": state}, status]);
        decode(value).unwrap().container_id
    };
    let running = || json!({"running": {"startedAt": "2026-01-02T05:00:00Z"}});
    assert_eq!(id(json!("containerd://4f1c"), running()), Some(ContainerId::new("4f1c")));
    assert_eq!(id(json!("containerd://4f1c"), json!({"waiting": {"reason": "CrashLoopBackOff"}})), None);
    for unknown in [Value::Null, json!(""), json!("4f1c"), json!("containerd://")] {
        assert_eq!(id(unknown, running()), None);
    }
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
