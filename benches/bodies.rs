//! Answers as servers give them, of any size.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::fmt::Write as _;

pub const NAMESPACE: &str = "shop";
pub const CONTAINER: &str = "orders";

/// What owns the pods.
pub const REPLICA_SET: &str = "orders-5b9fd7c4c5";

pub fn name(number: usize) -> String {
    format!("orders-5b9fd7c4c5-{number:05}")
}

/// What Prometheus answers to one value for each pod.
pub fn metrics(series: usize) -> Vec<u8> {
    let mut body = String::from(r#"{"status":"success","data":{"resultType":"vector","result":["#);
    for number in 0..series {
        let comma = if number == 0 { "" } else { "," };
        let value = 0.3 + (number * 7 % 60) as f64 / 100.0;
        write!(
            body,
            r#"{comma}{{"metric":{{"pod":"{}"}},"value":[1767323045.678,"{value}"]}}"#,
            name(number)
        )
        .unwrap();
    }
    body.push_str("]}}");
    body.into_bytes()
}

/// The part of a pod that is of no interest here: managed fields, variables, tolerations and the like.
const FILLER: usize = 6_000;

/// The ID of a container, with its runtime.
fn container_id(number: usize) -> String {
    format!("containerd://{number:064x}")
}

/// A list of pods in JSON, 8 kB each.
pub fn pods_json(pods: usize) -> Vec<u8> {
    let mut body =
        String::from(r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77"},"items":["#);
    for number in 0..pods {
        let comma = if number == 0 { "" } else { "," };
        write!(body, "{comma}{}", pod_json(number)).unwrap();
    }
    body.push_str("]}");
    body.into_bytes()
}

/// One of them.
pub fn pod_json(number: usize) -> String {
    let filler = r#"{\"f:metadata\":{}},"#.repeat(FILLER / 20);
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"{NAMESPACE}","uid":"5f0c6a52-0000-4000-8000-{number:012}","creationTimestamp":"2026-01-02T03:04:05Z","labels":{{"app":"orders","pod-template-hash":"5b9fd7c4c5","team":"checkout"}},"annotations":{{"kubectl.kubernetes.io/restartedAt":"2026-01-02T03:04:05Z"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"orders-5b9fd7c4c5","uid":"7a1b6a52-0000-4000-8000-000000000001","controller":true,"blockOwnerDeletion":true}}],"managedFields":"{filler}"}},"spec":{{"containers":[{{"name":"{CONTAINER}","image":"registry.invalid/orders:1","resources":{{"requests":{{"cpu":"1","memory":"1Gi"}}}}}}],"nodeName":"node-{node}","priority":0}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"True","lastTransitionTime":"2026-01-02T03:05:00Z"}}],"podIP":"10.1.2.3","podIPs":[{{"ip":"10.1.2.3"}}],"containerStatuses":[{{"name":"{CONTAINER}","restartCount":0,"containerID":"{id}","state":{{"running":{{"startedAt":"2026-01-02T03:04:10Z"}}}}}}]}}}}"#,
        name = name(number),
        node = number % 50,
        id = container_id(number),
    )
}

/// A protobuf field of this number with these bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    // Numbers above 15 take two bytes.
    let key = u16::from(tag) << 3 | 2;
    let mut out = varint(u64::from(key));
    out.extend(varint(bytes.len() as u64));
    out.extend_from_slice(bytes);
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f | 0x80).to_le_bytes()[0]);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}

fn text(tag: u8, text: &str) -> Vec<u8> {
    field(tag, text.as_bytes())
}

fn entry(tag: u8, key: &str, value: &[u8]) -> Vec<u8> {
    field(tag, &[text(1, key), field(2, value)].concat())
}

fn time(tag: u8) -> Vec<u8> {
    field(tag, &[vec![8], varint(1_767_323_045)].concat())
}

/// The same list in protobuf.
pub fn pods_protobuf(pods: usize) -> Vec<u8> {
    let list: Vec<u8> = (0..pods).flat_map(|number| field(2, &pod(number))).collect();
    let kind = field(1, &[text(1, "v1"), text(2, "PodList")].concat());
    [b"k8s\0".to_vec(), kind, field(2, &[field(1, &text(2, "77")), list].concat())].concat()
}

fn pod(number: usize) -> Vec<u8> {
    let owner = [
        text(1, "ReplicaSet"),
        text(3, "orders-5b9fd7c4c5"),
        text(4, "7a1b6a52-0000-4000-8000-000000000001"),
        text(5, "apps/v1"),
        vec![6 << 3, 1],
    ]
    .concat();
    let metadata = [
        text(1, &name(number)),
        text(3, NAMESPACE),
        text(5, &format!("5f0c6a52-0000-4000-8000-{number:012}")),
        time(8),
        entry(11, "app", b"orders"),
        entry(11, "pod-template-hash", b"5b9fd7c4c5"),
        entry(11, "team", b"checkout"),
        entry(12, "kubectl.kubernetes.io/restartedAt", b"2026-01-02T03:04:05Z"),
        field(13, &owner),
        field(17, &vec![b'x'; FILLER]),
    ];
    let requests = [entry(2, "cpu", &text(1, "1")), entry(2, "memory", &text(1, "1Gi"))].concat();
    let container = [text(1, CONTAINER), text(2, "registry.invalid/orders:1"), field(8, &requests)].concat();
    let spec = [field(2, &container), text(10, &format!("node-{}", number % 50))].concat();
    let ready = [text(1, "Ready"), text(2, "True"), time(4)].concat();
    let status = [text(1, CONTAINER), field(2, &field(2, &time(1))), text(8, &container_id(number))].concat();
    let status = [
        text(1, "Running"),
        field(2, &ready),
        text(6, "10.1.2.3"),
        field(8, &status),
        field(12, &text(1, "10.1.2.3")),
    ]
    .concat();
    [field(1, &metadata.concat()), field(2, &spec), field(3, &status)].concat()
}
