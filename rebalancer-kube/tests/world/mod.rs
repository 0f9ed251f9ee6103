//! A small Kubernetes API server in memory: pods, what goes on around them, leases, events, and faults on order.
//! Its refusals are those of the real server, word for word.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, body};
use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::Uid;
use rebalancer_kube::{Connection, InventorySettings, KubeInventory, KubeRemover};
use serde_json::{Value, json};

mod events;
mod leases;
mod surroundings;

/// What happens to the next request instead of an answer.
pub(crate) enum Fault {
    /// This status, with this reason.
    Status(u16, &'static str),
    /// The plain text of the real server's rate limiter.
    Busy,
    /// As above, with a wait that no clock can hold.
    BusyForever,
    /// A status object as it is, with this HTTP status.
    Exactly(u16, Value),
    /// Never an answer.
    Hang,
    /// The request is served, and its answer is lost on the way.
    Lose,
    /// None: this request is served.
    Serve,
}

/// A request as it came over the wire.
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Inner {
    pods: BTreeMap<String, String>,
    hpas: Vec<Value>,
    leases: BTreeMap<String, Value>,
    /// Deployments and StatefulSets, by resource and name.
    workloads: BTreeMap<(String, String), Value>,
    budgets: Vec<Value>,
    events: BTreeMap<String, Value>,
    user: Option<&'static str>,
    revision: u64,
    disruptions_allowed: Option<u32>,
    page: Option<usize>,
    generation: u32,
    /// How often the state behind a list is still forgotten, with a pod replaced each time.
    compactions: u32,
    faults: VecDeque<Fault>,
    seen: Vec<Seen>,
}

/// The server.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inner>>);

type Params = Query<BTreeMap<String, String>>;

impl World {
    pub(crate) fn with_pods(count: usize) -> Self {
        let world = Self::default();
        world.inner().pods = (0..count).map(|i| (format!("consumer-{i:04}"), format!("uid-{i}"))).collect();
        world
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// The server gives at most this many objects at once, whatever is asked for.
    pub(crate) fn page(self, size: usize) -> Self {
        self.inner().page = Some(size);
        self
    }

    pub(crate) fn compacts(self, times: u32) -> Self {
        self.inner().compactions = times;
        self
    }

    pub(crate) fn budget(self, disruptions_allowed: u32) -> Self {
        self.inner().disruptions_allowed = Some(disruptions_allowed);
        self
    }

    pub(crate) fn hpas(self, hpas: Vec<Value>) -> Self {
        self.inner().hpas = hpas;
        self
    }

    /// As [`faults`](Self::faults), for a server that is in use.
    pub(crate) fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inner().faults = faults.into_iter().collect();
    }

    pub(crate) fn faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.inner().faults = faults.into_iter().collect();
        self
    }

    /// Name and UID of every pod there is.
    pub(crate) fn pods(&self) -> BTreeMap<String, String> {
        self.inner().pods.clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.inner().seen)
    }

    pub(crate) fn connection(&self) -> Connection {
        let client = kube::Client::new(self.router(), "default");
        Connection::with_client(client, Duration::from_secs(10))
    }

    pub(crate) fn inventory(&self) -> KubeInventory {
        KubeInventory::new(&self.connection(), settings())
    }

    pub(crate) fn remover(&self, method: rebalancer_kube::RemovalMethod) -> KubeRemover {
        KubeRemover::new(&self.connection(), method)
    }

    fn router(&self) -> Router {
        let pods = "/api/v1/namespaces/shop/pods";
        Router::new()
            .route(pods, get(list_pods))
            .route(&format!("{pods}/{{name}}"), get(get_pod).delete(delete))
            .route(&format!("{pods}/{{name}}/eviction"), post(evict))
            .route("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", get(list_hpas))
            .merge(events::router())
            .merge(leases::router())
            .merge(surroundings::router())
            .layer(from_fn_with_state(self.clone(), fault))
            .with_state(self.clone())
    }
}

/// The fleet that is there.
pub(crate) fn settings() -> InventorySettings {
    InventorySettings {
        namespace: "shop".into(),
        workload: "consumer".into(),
        label_selector: "app=consumer".into(),
        container: "consumer".into(),
    }
}

/// A pod as the core names it.
pub(crate) fn pod_ref(name: &str, uid: &str) -> PodRef {
    PodRef { namespace: "shop".into(), name: name.into(), uid: Uid::new(uid) }
}

async fn fault(State(world): State<World>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = body::to_bytes(body, usize::MAX).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    world.inner().seen.push(Seen { method: parts.method.clone(), uri: parts.uri.clone(), body: json });
    let fault = world.inner().faults.pop_front();
    match fault {
        None | Some(Fault::Serve) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Some(Fault::Status(code, reason)) => status(code, reason, "words of the server", json!({})),
        Some(Fault::Exactly(code, value)) => {
            (StatusCode::from_u16(code).unwrap(), Json(value)).into_response()
        }
        Some(Fault::Busy) => busy("1"),
        Some(Fault::BusyForever) => busy("18446744073709551615"),
        Some(Fault::Lose) => {
            let _ = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            status(504, "Timeout", "request did not complete within the allotted timeout", json!({}))
        }
        Some(Fault::Hang) => std::future::pending().await,
    }
}

fn busy(wait: &'static str) -> Response {
    let text = "Too many requests, please try again later.\n";
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", wait)], text).into_response()
}

fn status(code: u16, reason: &str, message: &str, details: Value) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message, "details": details});
    (StatusCode::from_u16(code).unwrap(), Json(body)).into_response()
}

fn not_found(name: &str) -> Response {
    status(404, "NotFound", &format!("pods \"{name}\" not found"), json!({"name": name, "kind": "pods"}))
}

fn pod(name: &str, uid: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": uid, "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"containers": [{"name": "consumer", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

async fn list_pods(State(world): State<World>, Query(params): Params) -> Response {
    if params.get("labelSelector").is_none_or(|labels| labels != "app=consumer") {
        return status(400, "BadRequest", "unable to parse requirement: found '!', expected: ...", json!({}));
    }
    let items = world.inner().pods.iter().map(|(name, uid)| pod(name, uid)).collect();
    page(&world, "PodList", items, &params)
}

async fn list_hpas(State(world): State<World>, Query(params): Params) -> Response {
    let items = world.inner().hpas.clone();
    page(&world, "HorizontalPodAutoscalerList", items, &params)
}

/// A token is the state's generation and an offset; of a state that was compacted away nothing more is told.
fn page(world: &World, kind: &str, items: Vec<Value>, params: &BTreeMap<String, String>) -> Response {
    let mut inner = world.inner();
    let token = params.get("continue").map(|token| token.split_once('-').unwrap());
    let (generation, offset): (u32, usize) =
        token.map_or((inner.generation, 0), |(g, o)| (g.parse().unwrap(), o.parse().unwrap()));
    if generation != inner.generation {
        let message = "The provided continue parameter is too old to display a consistent list result.";
        return status(410, "Expired", message, json!({}));
    }
    // A list in pages is read from etcd and not from the server's cache.
    assert_eq!(params.get("limit"), None);
    let end = items.len().min(offset + inner.page.unwrap_or(items.len()));
    let mut metadata = json!({"resourceVersion": "1"});
    if end < items.len() {
        metadata["continue"] = json!(format!("{generation}-{end}"));
        inner.compact();
    }
    Json(json!({"kind": kind, "metadata": metadata, "items": items[offset..end]})).into_response()
}

impl Inner {
    fn compact(&mut self) {
        if self.compactions > 0 {
            self.compactions -= 1;
            self.generation += 1;
            let _ = self.pods.pop_first();
            self.pods.insert(format!("newcomer-{}", self.generation), format!("new-{}", self.generation));
        }
    }

    /// What the real server does with delete options: the precondition first, then nothing or everything.
    fn remove(
        &mut self,
        name: &str,
        options: &Value,
        query: &BTreeMap<String, String>,
    ) -> Result<(), Box<Response>> {
        let there = self.pods.get(name).ok_or_else(|| Box::new(not_found(name)))?;
        let wanted = &options["preconditions"]["uid"];
        if !wanted.is_null() && wanted != there {
            let message =
                format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {there}");
            return Err(Box::new(status(409, "Conflict", &message, json!({"name": name, "kind": "pods"}))));
        }
        if options["dryRun"] != json!(["All"]) && query.get("dryRun").is_none_or(|dry| dry != "All") {
            self.pods.remove(name);
        }
        Ok(())
    }
}

async fn get_pod(State(world): State<World>, Path(name): Path<String>) -> Response {
    let found = world.inner().pods.get(&name).map(|uid| pod(&name, uid));
    found.map_or_else(|| not_found(&name), |pod| Json(pod).into_response())
}

async fn delete(
    State(world): State<World>,
    Path(name): Path<String>,
    Query(query): Params,
    body: Bytes,
) -> Response {
    let options = serde_json::from_slice(&body).unwrap();
    match world.inner().remove(&name, &options, &query) {
        Ok(()) => {
            let mut last = pod(&name, "x");
            last["kind"] = json!("Pod");
            Json(last).into_response()
        }
        Err(refusal) => *refusal,
    }
}

async fn evict(
    State(world): State<World>,
    Path(name): Path<String>,
    Query(query): Params,
    Json(eviction): Json<Value>,
) -> Response {
    let mut inner = world.inner();
    if inner.disruptions_allowed == Some(0) {
        let message = "The disruption budget b needs 3 healthy pods and has 3 currently";
        let details = json!({"causes": [{"reason": "DisruptionBudget", "message": message}]});
        return status(
            429,
            "TooManyRequests",
            "Cannot evict pod as it would violate the pod's disruption budget.",
            details,
        );
    }
    match inner.remove(&name, &eviction["deleteOptions"], &query) {
        Ok(()) => {
            let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
            (StatusCode::CREATED, Json(done)).into_response()
        }
        Err(refusal) => *refusal,
    }
}
