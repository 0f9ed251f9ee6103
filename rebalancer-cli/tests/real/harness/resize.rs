//! In-place resizes: what somebody asks for, and what the kubelet makes of it, stage by stage (`pkg/kubelet/status` and
//! `pkg/kubelet/kubelet_pods.go` of Kubernetes).

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::fleet::{Fleet, SeenPod};

/// How far the kubelet is with a resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The node has no room yet.
    Deferred,
    /// The node has set the resources aside, and the container has the former ones.
    InProgress,
    /// The container has them.
    Done,
}

impl Stage {
    pub(crate) const ALL: [Self; 3] = [Self::Deferred, Self::InProgress, Self::Done];

    fn conditions(self) -> [Value; 2] {
        let shown = |name: &str, holds: bool| match holds {
            true => json!({"type": name, "status": "True", "reason": "Deferred"}),
            false => json!({"type": name, "$patch": "delete"}),
        };
        [
            shown("PodResizePending", self == Self::Deferred),
            shown("PodResizeInProgress", self == Self::InProgress),
        ]
    }
}

/// Asks for another CPU request of a pod that runs: of its container, or of the pod as a whole. As `kubectl patch
/// --subresource resize` and a vertical autoscaler do.
pub(crate) async fn ask(fleet: &Fleet, pod: &SeenPod, spec: Value) {
    let patch = Patch::Strategic(json!({"spec": spec}));
    let params = PatchParams::default();
    fleet.api::<Pod>().patch_subresource("resize", &pod.name, &params, &patch).await.unwrap();
}

/// The container's part of a specification.
pub(crate) fn of_container(fleet: &Fleet, cores: f64) -> Value {
    json!({"containers": [{"name": fleet.name(), "resources": requests(cores)}]})
}

/// The pod's own part of a specification.
pub(crate) fn of_pod(cores: f64) -> Value {
    json!({"resources": requests(cores)})
}

fn requests(cores: f64) -> Value {
    json!({"requests": {"cpu": cores.to_string()}})
}

/// Writes what the kubelet shows of a resize of the container at this stage.
pub(crate) async fn show(fleet: &Fleet, pod: &SeenPod, stage: Stage, from: f64, to: f64) {
    let allocated = if stage == Stage::Deferred { from } else { to };
    let actual = if stage == Stage::Done { to } else { from };
    let status = json!({"name": fleet.name(), "allocatedResources": requests(allocated)["requests"],
        "resources": requests(actual)});
    write(fleet, pod, json!({"containerStatuses": [status], "conditions": stage.conditions()})).await;
}

/// The same of the pod as a whole.
pub(crate) async fn show_of_pod(fleet: &Fleet, pod: &SeenPod, stage: Stage, from: f64, to: f64) {
    let allocated = if stage == Stage::Deferred { from } else { to };
    let actual = if stage == Stage::Done { to } else { from };
    let status = json!({"allocatedResources": requests(allocated)["requests"], "resources": requests(actual),
        "conditions": stage.conditions()});
    write(fleet, pod, status).await;
}

async fn write(fleet: &Fleet, pod: &SeenPod, status: Value) {
    let patch = Patch::Strategic(json!({"metadata": {"uid": pod.uid}, "status": status}));
    let resource = ApiResource::erase::<Pod>(&());
    let pods: Api<DynamicObject> = Api::namespaced_with(fleet.client.clone(), &fleet.namespace, &resource);
    let shown = pods.patch_status(&pod.name, &PatchParams::default(), &patch).await.unwrap().data;
    let of_container = shown.pointer("/status/containerStatuses/0/allocatedResources");
    let told = of_container.or(shown.pointer("/status/allocatedResources"));
    assert!(told.is_some(), "the API server has not kept it: {shown}");
}
