//! A fake kubelet (and scheduler): binds pods to nodes, makes them Running and Ready, and finishes their
//! deletion. The annotation [`ANNOTATION`] on a pod asks for another [`Behavior`], at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Binding, Node, Pod};
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::harness::control_plane;

/// Names a pod's [`Behavior`].
pub(crate) const ANNOTATION: &str = "test.rebalancer/kubelet";

const NODES: usize = 20;
const PODS_A_NODE: usize = 500;
const IN_FLIGHT: usize = 32;

/// Namespaces where pods that don't run yet stay unscheduled.
static FROZEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Namespaces where pods that become Ready have been so for a while.
static AGED: Mutex<BTreeMap<String, jiff::SignedDuration>> = Mutex::new(BTreeMap::new());

/// Namespaces whose pods come back to the node where one of their name was first, as a local volume makes them do.
static BOUND: Mutex<BTreeMap<String, BTreeMap<String, String>>> = Mutex::new(BTreeMap::new());

/// What pods of these namespaces run.
static CONTAINERS: Mutex<BTreeMap<String, Arc<dyn Containers>>> = Mutex::new(BTreeMap::new());

/// Pods with containers: those that are in here were started, by UID.
static LIVES: Mutex<BTreeMap<String, Life>> = Mutex::new(BTreeMap::new());

/// How far a pod with containers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Starting,
    Running,
    Stopping,
}

/// What runs in the pods of a namespace.
#[async_trait]
pub(crate) trait Containers: Send + Sync {
    /// The pod's address.
    fn address(&self, pod: &Pod) -> IpAddr;
    /// Starts what the pod runs; when this is done, the pod becomes Ready.
    async fn start(&self, pod: &Pod);
    /// Ends it, also when it is starting; when this is done, the pod goes.
    async fn stop(&self, pod: &Pod);
}

/// What becomes of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Running and Ready; gone soon after its deletion.
    Ready,
    /// Running, not Ready.
    NotReady,
    /// Completed.
    Succeeded,
    /// Failed.
    Failed,
    /// As [`Behavior::Ready`], but its deletion never finishes.
    StuckTerminating,
    /// Never bound to a node.
    Pending,
}

impl Behavior {
    const ALL: [Self; 6] =
        [Self::Ready, Self::NotReady, Self::Succeeded, Self::Failed, Self::StuckTerminating, Self::Pending];

    /// The annotation's value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::StuckTerminating => "stuck-terminating",
            Self::Pending => "pending",
        }
    }

    fn of(pod: &Pod) -> Self {
        let Some(name) = pod.annotations().get(ANNOTATION) else { return Self::Ready };
        let known = Self::ALL.into_iter().find(|behavior| behavior.name() == name);
        known.unwrap_or_else(|| panic!("{ANNOTATION} of {} is {name}", pod.name_any()))
    }

    const fn phase(self) -> &'static str {
        match self {
            Self::Ready | Self::NotReady | Self::StuckTerminating => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Pending => "Pending",
        }
    }

    const fn is_ready(self) -> bool {
        matches!(self, Self::Ready | Self::StuckTerminating)
    }

    /// The pod's status says this already.
    pub(crate) fn is_shown_by(self, pod: &Pod) -> bool {
        self == Self::Pending || phase(pod) == self.phase() && is_ready(pod) == self.is_ready()
    }
}

/// The pod's condition Ready is True.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// From now on pods of this namespace that don't run yet stay unscheduled, as in a full cluster.
pub(crate) fn freeze(namespace: &str) {
    FROZEN.lock().unwrap().insert(namespace.to_owned());
}

/// The end of [`freeze`]; a waiting pod goes on at its next change.
pub(crate) fn thaw(namespace: &str) {
    FROZEN.lock().unwrap().remove(namespace);
}

/// From now on pods of this namespace become Ready as if that had been so long ago.
pub(crate) fn age(namespace: &str, age: jiff::SignedDuration) {
    AGED.lock().unwrap().insert(namespace.to_owned(), age);
}

/// The end of [`age`].
pub(crate) fn rejuvenate(namespace: &str) {
    AGED.lock().unwrap().remove(namespace);
}

/// From now on pods of this namespace come back to the node where one of their name was first.
pub(crate) fn bound_to_nodes(namespace: &str) {
    BOUND.lock().unwrap().insert(namespace.to_owned(), BTreeMap::new());
}

/// From now on pods of this namespace run this.
pub(crate) fn run(namespace: &str, containers: Arc<dyn Containers>) {
    CONTAINERS.lock().unwrap().insert(namespace.to_owned(), containers);
}

/// The end of [`run`]: pods are started and stopped as everywhere else.
pub(crate) fn run_nothing(namespace: &str) {
    CONTAINERS.lock().unwrap().remove(namespace);
}

fn containers(namespace: &str) -> Option<Arc<dyn Containers>> {
    CONTAINERS.lock().unwrap().get(namespace).map(Arc::clone)
}

/// Creates the nodes, then works until the test binary ends, on a thread of its own.
pub(crate) async fn start(kubeconfig: &Path) {
    let client = control_plane::client(kubeconfig, true).await;
    let nodes: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<Node>(&()));
    for number in 0..NODES {
        nodes.create(&PostParams::default(), &node(number)).await.unwrap();
    }
    let kubeconfig = kubeconfig.to_owned();
    thread::spawn(move || {
        control_plane::runtime().block_on(async {
            let client = control_plane::client(&kubeconfig, true).await;
            watcher(Api::<Pod>::all(client.clone()), watcher::Config::default())
                .default_backoff()
                .applied_objects()
                .for_each_concurrent(IN_FLIGHT, |event| async {
                    match event {
                        Ok(pod) => advance(&client, &pod).await,
                        Err(error) => eprintln!("kubelet: {error}"),
                    }
                })
                .await;
        });
    });
}

/// One step of a pod's life; what it changes comes back as the next event.
async fn advance(client: &Client, pod: &Pod) {
    let namespace = pod.namespace().expect("pods have a namespace");
    let behavior = Behavior::of(pod);
    let api: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let waiting = !bound && FROZEN.lock().unwrap().contains(&namespace);
    let result = if pod.metadata.deletion_timestamp.is_some() {
        if behavior == Behavior::StuckTerminating { Ok(()) } else { stop(&api, pod).await }
    } else if waiting || behavior == Behavior::Pending {
        Ok(())
    } else if !bound {
        bind(&api, pod).await
    } else if !behavior.is_shown_by(pod) {
        run_and_show(&api, pod, behavior).await
    } else {
        Ok(())
    };
    tell(&namespace, pod, result);
}

fn tell(namespace: &str, pod: &Pod, result: kube::Result<()>) {
    match result {
        // Deleted, replaced or changed meanwhile: its own event follows.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(error) => eprintln!("kubelet: {namespace}/{}: {error}", pod.name_any()),
        Ok(()) => {}
    }
}

/// Stops what the pod runs, and finishes its deletion. Other pods don't wait for it.
async fn stop(api: &Api<Pod>, pod: &Pod) -> kube::Result<()> {
    let namespace = pod.namespace().unwrap();
    let Some(containers) = containers(&namespace) else { return finish_deletion(api, pod).await };
    if LIVES.lock().unwrap().insert(pod.uid().unwrap(), Life::Stopping) == Some(Life::Stopping) {
        return Ok(());
    }
    let (api, pod) = (api.clone(), pod.clone());
    tokio::spawn(async move {
        containers.stop(&pod).await;
        tell(&namespace, &pod, finish_deletion(&api, &pod).await);
    });
    Ok(())
}

/// Starts what the pod runs, and shows its status then. Other pods don't wait for it.
async fn run_and_show(api: &Api<Pod>, pod: &Pod, behavior: Behavior) -> kube::Result<()> {
    let (namespace, uid) = (pod.namespace().unwrap(), pod.uid().unwrap());
    let Some(containers) = containers(&namespace) else { return show(api, pod, behavior).await };
    let known = LIVES.lock().unwrap().get(&uid).copied();
    match known {
        Some(Life::Running) => return show(api, pod, behavior).await,
        Some(Life::Starting | Life::Stopping) => return Ok(()),
        None => drop(LIVES.lock().unwrap().insert(uid.clone(), Life::Starting)),
    }
    let (api, pod) = (api.clone(), pod.clone());
    tokio::spawn(async move {
        containers.start(&pod).await;
        let is_running = match LIVES.lock().unwrap().get_mut(&uid) {
            Some(life) if *life == Life::Starting => {
                *life = Life::Running;
                true
            }
            Some(_) | None => false,
        };
        if is_running {
            tell(&namespace, &pod, show(&api, &pod, behavior).await);
        }
    });
    Ok(())
}

async fn finish_deletion(api: &Api<Pod>, pod: &Pod) -> kube::Result<()> {
    let preconditions = Preconditions { uid: pod.uid(), resource_version: None };
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(preconditions),
        ..Default::default()
    };
    api.delete(&pod.name_any(), &params).await.map(drop)
}

async fn bind(api: &Api<Pod>, pod: &Pod) -> kube::Result<()> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = || format!("node-{}", NEXT.fetch_add(1, Ordering::Relaxed) % NODES);
    let node = match BOUND.lock().unwrap().get_mut(&pod.namespace().unwrap_or_default()) {
        Some(nodes) => nodes.entry(pod.name_any()).or_insert_with(next).clone(),
        None => next(),
    };
    let binding: Binding = serde_json::from_value(json!({
        "metadata": {"name": pod.name_any(), "uid": pod.uid()},
        "target": {"kind": "Node", "name": node},
    }))
    .unwrap();
    api.create_subresource::<_, Value>("binding", &pod.name_any(), &PostParams::default(), &binding)
        .await
        .map(drop)
}

async fn show(api: &Api<Pod>, pod: &Pod, behavior: Behavior) -> kube::Result<()> {
    let patch = Patch::Strategic(json!({"metadata": {"uid": pod.uid()}, "status": status(pod, behavior)}));
    api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.map(drop)
}

fn status(pod: &Pod, behavior: Behavior) -> Value {
    let namespace = pod.namespace().unwrap_or_default();
    let runs = containers(&namespace);
    let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let since = match (AGED.lock().unwrap().get(&namespace).copied(), &runs) {
        (Some(age), _) => created.map(|time| time - age),
        // What had to start took its time.
        (None, Some(_)) => Some(jiff::Timestamp::now()),
        (None, None) => created,
    };
    let since = json!(since.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    let condition = |name: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({"type": name, "status": status, "lastTransitionTime": since})
    };
    let ready = behavior.is_ready();
    let specified = pod.spec.iter().flat_map(|spec| &spec.containers);
    let statuses: Vec<Value> = specified
        .map(|container| {
            json!({
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": ready,
                "restartCount": 0,
                "containerID": ready.then(|| container_id(&pod.uid().unwrap_or_default(), 0)),
                // The API server takes a node that does not tell them for one that can't resize.
                "resources": container.resources,
                "state": container_state(behavior, &since),
            })
        })
        .collect();
    let address = runs.map(|runs| runs.address(pod));
    let addresses: Vec<Value> = address.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "phase": behavior.phase(),
        "podIP": address,
        "podIPs": addresses,
        "startTime": since,
        "conditions": [
            condition("PodReadyToStartContainers", true),
            condition("Initialized", true),
            condition("Ready", ready),
            condition("ContainersReady", ready),
            condition("PodScheduled", true),
        ],
        "containerStatuses": statuses,
    })
}

/// The ID of a pod's container, with its runtime, after so many restarts.
pub(crate) fn container_id(uid: &str, restarts: u32) -> String {
    let digits: String = uid.chars().filter(char::is_ascii_hexdigit).collect();
    format!("containerd://{digits}{restarts:032x}")
}

fn container_state(behavior: Behavior, since: &Value) -> Value {
    let ended =
        |code: i32| json!({"terminated": {"exitCode": code, "startedAt": since, "finishedAt": since}});
    match behavior {
        Behavior::Ready | Behavior::NotReady | Behavior::StuckTerminating => {
            json!({"running": {"startedAt": since}})
        }
        Behavior::Succeeded => ended(0),
        Behavior::Failed => ended(1),
        Behavior::Pending => json!({"waiting": {}}),
    }
}

fn node(number: usize) -> DynamicObject {
    let name = format!("node-{number}");
    let room = json!({"pods": PODS_A_NODE.to_string(), "cpu": "512", "memory": "2048Gi"});
    let now = jiff::Timestamp::now();
    serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "capacity": room,
            "allocatable": room,
            // A node that does not say so can't resize whole pods.
            "declaredFeatures": ["InPlacePodLevelResourcesVerticalScaling"],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                "lastTransitionTime": now, "lastHeartbeatTime": now}],
        },
    }))
    .unwrap()
}
