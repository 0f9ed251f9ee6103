//! Pods.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rebalancer_core::fleet::{self, Addresses, ContainerId, Extra, Owner, Phase, Pod, Requests, Text, Uid};
use rebalancer_core::port::InventoryError;
use rebalancer_core::unit::{Bytes, Cores};
use serde::Deserialize;

use super::{Kept, MIRROR, Time, incomplete, quantity};
use crate::answer::{Encoding, Object, from_json};
use crate::text::excerpt;
use crate::wire::Failure;

mod protobuf;

/// A pod as the server sends it, as far as it matters here.
#[derive(Clone, Deserialize)]
pub(crate) struct RawPod {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

impl Object for RawPod {
    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, Failure> {
        match encoding {
            Encoding::Json => from_json(bytes),
            Encoding::Protobuf => protobuf::decode(bytes),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    namespace: Option<String>,
    pub(crate) name: Option<String>,
    uid: Option<String>,
    /// Only JSON is watched.
    pub(crate) resource_version: Option<String>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    #[serde(default)]
    annotations: Kept,
    labels: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

/// What an object says of its owner.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnerReference {
    #[serde(default)]
    api_version: String,
    kind: String,
    name: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    node_name: Option<String>,
    priority_class_name: Option<String>,
    priority: Option<i32>,
    containers: Vec<Container>,
    init_containers: Option<Vec<Container>>,
    /// Of the pod as a whole, since Kubernetes 1.34.
    resources: Option<Resources>,
    /// What its runtime class adds.
    overhead: Option<RawRequests>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    resources: Resources,
    /// An init container that runs on beside the others is a native sidecar.
    restart_policy: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
struct Resources {
    requests: Option<RawRequests>,
}

#[derive(Clone, Deserialize)]
struct RawRequests {
    cpu: Option<String>,
    memory: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    conditions: Option<Vec<Condition>>,
    container_statuses: Option<Vec<ContainerStatus>>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<PodIp>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Clone, Deserialize)]
struct PodIp {
    ip: Option<String>,
}

impl Status {
    /// Every address that the kubelet gave the pod; older API servers know one only.
    fn ips(&self) -> Addresses {
        let all = self.pod_ips.iter().flatten().filter_map(|one| one.ip.as_deref());
        let mut ips: Vec<_> =
            all.chain(self.pod_ip.as_deref()).filter_map(|text| text.parse().ok()).collect();
        ips.sort_unstable();
        ips.dedup();
        ips.into()
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    restart_count: i64,
    #[serde(default)]
    state: State,
    /// With its runtime, as `containerd://4f1c…`.
    #[serde(rename = "containerID")]
    container_id: Option<String>,
}

impl ContainerStatus {
    /// Of the container that runs now. While none runs, the status has that of the last one.
    fn running_id(&self) -> Option<ContainerId> {
        self.state.running.as_ref()?;
        let (_, id) = self.container_id.as_deref()?.split_once("://")?;
        Some(id).filter(|id| !id.is_empty()).map(ContainerId::new)
    }

    /// Since when the container runs that runs now.
    fn started_at(&self) -> Option<Timestamp> {
        self.state.running.as_ref()?.started_at?.0
    }
}

#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct State {
    running: Option<Running>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    started_at: Option<Time>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    r#type: String,
    status: String,
    last_transition_time: Option<Time>,
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
    let mut annotations = metadata.annotations.0;
    let mirror = annotations.remove(MIRROR).is_some();
    let whole = whole(&spec);
    let Spec { node_name, priority_class_name, priority, containers, init_containers, .. } = spec;
    let measured = running(containers, init_containers).find(|found| found.name == container);
    let seen = status_of(&status, container);
    let extra = Extra {
        restarted_at: seen.filter(|seen| seen.restart_count > 0).and_then(ContainerStatus::started_at),
        priority_class: priority_class_name.map(Text::from),
        whole,
    };
    let ready = status.conditions.iter().flatten().find(|condition| condition.r#type == "Ready");
    Ok(Pod {
        namespace: found.into(),
        uid: Uid::new(present(metadata.uid, "a UID")?),
        phase: phase(&status.phase),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        ready_since: ready.and_then(|ready| ready_since(ready, seen.and_then(ContainerStatus::started_at))),
        container_id: seen.and_then(ContainerStatus::running_id),
        terminating: metadata.deletion_timestamp.is_some(),
        created_at: metadata.creation_timestamp.and_then(|at| at.0),
        node: node_name.map(Text::from),
        ips: status.ips(),
        owner: controlling(metadata.owner_references),
        mirror,
        annotations: annotations.into(),
        priority,
        labels: metadata.labels.unwrap_or_default().into(),
        extras: extra.into(),
        container: measured.map(requests),
        name,
    })
}

/// Those that run as long as the pod does: native sidecars are among them, other init containers are not.
fn running(containers: Vec<Container>, init: Option<Vec<Container>>) -> impl Iterator<Item = Container> {
    containers.into_iter().chain(init.into_iter().flatten().filter(is_sidecar))
}

fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

fn status_of<'a>(status: &'a Status, container: &str) -> Option<&'a ContainerStatus> {
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    statuses.into_iter().find(|found| found.name == container)
}

/// A container may be restarted so fast that the condition does not change.
fn ready_since(ready: &Condition, started_at: Option<Timestamp>) -> Option<Timestamp> {
    let changed = ready.last_transition_time?.0?;
    Some(started_at.map_or(changed, |started| changed.max(started)))
}

/// What the pod asks for as a whole, as `PodRequests` of `k8s.io/component-helpers` reckons it for an autoscaler: what it
/// specifies, with its overhead.
fn whole(spec: &Spec) -> Requests {
    let Some(requests) = spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()) else {
        return Requests::default();
    };
    let overhead = spec.overhead.as_ref();
    let sum = |own: &Option<String>, more: Option<&String>| {
        let more = more.map_or(Some(0.0), |more| quantity::parse(more))?;
        Some(quantity::parse(own.as_ref()?)? + more)
    };
    let cpu = sum(&requests.cpu, overhead.and_then(|overhead| overhead.cpu.as_ref()));
    let memory = sum(&requests.memory, overhead.and_then(|overhead| overhead.memory.as_ref()));
    Requests {
        cpu: cpu.and_then(|cores| Cores::new(cores).ok()),
        memory: memory.and_then(|bytes| Bytes::new(bytes).ok()),
    }
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

/// The owner that controls an object.
pub(super) fn controlling(owners: Option<Vec<OwnerReference>>) -> Option<Owner> {
    let OwnerReference { api_version, kind, name, uid, .. } =
        owners?.into_iter().find(|owner| owner.controller)?;
    Some(fleet::OwnerReference { api_version, kind, name, uid: Uid::new(uid) }.into())
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
mod tests;
