//! Pods in protobuf: the few fields that matter here. `generated.proto` of `k8s.io/api/core/v1` and of
//! `k8s.io/apimachinery` has their numbers. What is not here is passed over without being read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use prost::bytes::Bytes;

use super::{
    Condition, Container, ContainerStatus, Metadata, OwnerReference, PodIp, RawPod, RawRequests, Resources,
    Running, Spec, State, Status,
};
use crate::answer::malformed;
use crate::decode::{Kept, Time};
use crate::wire::Failure;

#[derive(Clone, PartialEq, Message)]
struct Pod {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<PodStatus>,
}

#[derive(Clone, PartialEq, Message)]
struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "5")]
    uid: String,
    #[prost(message, optional, tag = "8")]
    creation_timestamp: Option<Seconds>,
    #[prost(message, optional, tag = "9")]
    deletion_timestamp: Option<Seconds>,
    #[prost(btree_map = "string, string", tag = "11")]
    labels: BTreeMap<String, String>,
    /// Kilobytes of them are not wanted, and not copied.
    #[prost(message, repeated, tag = "12")]
    annotations: Vec<Entry>,
    #[prost(message, repeated, tag = "13")]
    owner_references: Vec<Reference>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Reference {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    uid: String,
    #[prost(string, tag = "5")]
    api_version: String,
    #[prost(bool, tag = "6")]
    controller: bool,
}

/// `Time`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Seconds {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
struct PodSpec {
    #[prost(message, repeated, tag = "2")]
    containers: Vec<PodContainer>,
    #[prost(string, tag = "10")]
    node_name: String,
    #[prost(message, repeated, tag = "20")]
    init_containers: Vec<PodContainer>,
    #[prost(string, tag = "24")]
    priority_class_name: String,
    #[prost(int32, optional, tag = "25")]
    priority: Option<i32>,
    #[prost(btree_map = "string, message", tag = "32")]
    overhead: BTreeMap<String, Quantity>,
    #[prost(message, optional, tag = "40")]
    resources: Option<ResourceRequirements>,
}

#[derive(Clone, PartialEq, Message)]
struct PodContainer {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "8")]
    resources: Option<ResourceRequirements>,
    #[prost(string, optional, tag = "24")]
    restart_policy: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceRequirements {
    #[prost(btree_map = "string, message", tag = "2")]
    requests: BTreeMap<String, Quantity>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantity {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct PodStatus {
    #[prost(string, tag = "1")]
    phase: String,
    #[prost(message, repeated, tag = "2")]
    conditions: Vec<PodCondition>,
    #[prost(string, optional, tag = "6")]
    pod_ip: Option<String>,
    #[prost(message, repeated, tag = "8")]
    container_statuses: Vec<OneStatus>,
    #[prost(message, repeated, tag = "10")]
    init_container_statuses: Vec<OneStatus>,
    #[prost(message, repeated, tag = "12")]
    pod_ips: Vec<Address>,
}

#[derive(Clone, PartialEq, Message)]
struct PodCondition {
    #[prost(string, tag = "1")]
    r#type: String,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(message, optional, tag = "4")]
    last_transition_time: Option<Seconds>,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(string, optional, tag = "1")]
    ip: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct OneStatus {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    state: Option<ContainerState>,
    #[prost(int32, tag = "5")]
    restart_count: i32,
    #[prost(string, optional, tag = "8")]
    container_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ContainerState {
    #[prost(message, optional, tag = "2")]
    running: Option<ContainerStateRunning>,
}

#[derive(Clone, PartialEq, Message)]
struct ContainerStateRunning {
    #[prost(message, optional, tag = "1")]
    started_at: Option<Seconds>,
}

/// A pod of a protobuf answer.
///
/// # Errors
/// When it is none.
pub(super) fn decode(bytes: &[u8]) -> Result<RawPod, Failure> {
    // One copy, of which the annotations are slices.
    let Pod { metadata, spec, status } = Pod::decode(Bytes::copy_from_slice(bytes)).map_err(malformed)?;
    Ok(RawPod {
        metadata: metadata.unwrap_or_default().into(),
        spec: spec.map(Spec::from).unwrap_or_default(),
        status: status.map(Status::from).unwrap_or_default(),
    })
}

/// Go's zero time stands for none where the field is no pointer.
fn time(seconds: Option<Seconds>) -> Option<Time> {
    let Seconds { seconds } = seconds.filter(|time| time.seconds != 0)?;
    Some(Time(Timestamp::from_second(seconds).ok()))
}

/// protobuf does not tell an empty text from none.
fn told(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<ObjectMeta> for Metadata {
    fn from(meta: ObjectMeta) -> Self {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let kept = meta.annotations.iter().map(|Entry { key, value }| (key, value));
        Self {
            name: told(meta.name),
            namespace: told(meta.namespace),
            uid: told(meta.uid),
            resource_version: None,
            creation_timestamp: time(meta.creation_timestamp),
            // A time that is there means that the pod ends, whatever it is.
            deletion_timestamp: meta.deletion_timestamp.map(|at| time(Some(at)).unwrap_or_default()),
            annotations: Kept(
                kept.filter(|(key, _)| Kept::wants(&text(key)))
                    .map(|(key, value)| (text(key), text(value)))
                    .collect(),
            ),
            labels: Some(meta.labels),
            owner_references: Some(meta.owner_references.into_iter().map(OwnerReference::from).collect()),
        }
    }
}

impl From<Reference> for OwnerReference {
    fn from(Reference { kind, name, uid, api_version, controller }: Reference) -> Self {
        Self { api_version, kind, name, uid, controller }
    }
}

impl From<PodSpec> for Spec {
    fn from(spec: PodSpec) -> Self {
        let containers = |all: Vec<PodContainer>| all.into_iter().map(Container::from).collect();
        Self {
            node_name: told(spec.node_name),
            priority_class_name: told(spec.priority_class_name),
            priority: spec.priority,
            containers: containers(spec.containers),
            init_containers: Some(containers(spec.init_containers)),
            resources: spec.resources.map(Resources::from),
            overhead: Some(spec.overhead.into()),
        }
    }
}

impl From<PodContainer> for Container {
    fn from(PodContainer { name, resources, restart_policy }: PodContainer) -> Self {
        Self { name, resources: resources.map(Resources::from).unwrap_or_default(), restart_policy }
    }
}

impl From<ResourceRequirements> for Resources {
    fn from(ResourceRequirements { requests }: ResourceRequirements) -> Self {
        Self { requests: Some(requests.into()) }
    }
}

impl From<BTreeMap<String, Quantity>> for RawRequests {
    fn from(mut quantities: BTreeMap<String, Quantity>) -> Self {
        let mut of = |name: &str| quantities.remove(name).map(|Quantity { text }| text);
        Self { cpu: of("cpu"), memory: of("memory") }
    }
}

impl From<PodStatus> for Status {
    fn from(status: PodStatus) -> Self {
        let statuses = |all: Vec<OneStatus>| Some(all.into_iter().map(ContainerStatus::from).collect());
        Self {
            phase: status.phase,
            conditions: Some(status.conditions.into_iter().map(Condition::from).collect()),
            container_statuses: statuses(status.container_statuses),
            pod_ip: status.pod_ip,
            pod_ips: Some(status.pod_ips.into_iter().map(|Address { ip }| PodIp { ip }).collect()),
            init_container_statuses: statuses(status.init_container_statuses),
        }
    }
}

impl From<PodCondition> for Condition {
    fn from(PodCondition { r#type, status, last_transition_time }: PodCondition) -> Self {
        Self { r#type, status, last_transition_time: time(last_transition_time) }
    }
}

impl From<OneStatus> for ContainerStatus {
    fn from(OneStatus { name, state, restart_count, container_id }: OneStatus) -> Self {
        let running = state.and_then(|state| state.running);
        let running = running.map(|running| Running { started_at: time(running.started_at) });
        Self { name, restart_count: i64::from(restart_count), state: State { running }, container_id }
    }
}
