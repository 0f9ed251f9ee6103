//! A cluster of six consumers and their metric server, as far as a cycle asks, and the binary that runs against them.

use std::collections::BTreeMap;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

/// Cores of each pod.
const LOADS: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];
/// In a header, a file and a label: must be nowhere in what is told.
pub(crate) const SECRET: &str = "s3cr3t-t0ken";

#[derive(Default)]
struct Inner {
    pods: BTreeMap<String, Value>,
    lease: Option<Value>,
    /// Requests whose path ends so get no answer.
    silent: Option<&'static str>,
    events: usize,
}

/// Both servers, on one port.
pub(crate) struct World {
    inner: Arc<Mutex<Inner>>,
    address: String,
    folder: TempDir,
}

type Shared = State<Arc<Mutex<Inner>>>;

impl World {
    pub(crate) async fn start() -> Self {
        let pods = (0..LOADS.len()).map(|index| (name(index), pod(index))).collect();
        let inner = Arc::new(Mutex::new(Inner { pods, ..Inner::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let address = serve(router).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": address}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "users": [{"name": "me", "user": {"token": SECRET}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        std::fs::write(folder.path().join("token"), SECRET).unwrap();
        Self { inner, address, folder }
    }

    /// Requests whose path ends so get no answer from now on.
    pub(crate) fn silence(&self, path: &'static str) {
        lock(&self.inner).silent = Some(path);
    }

    /// The names of the pods that are gone.
    pub(crate) fn gone(&self) -> Vec<String> {
        let inner = lock(&self.inner);
        (0..LOADS.len()).map(name).filter(|name| !inner.pods.contains_key(name)).collect()
    }

    /// How many Kubernetes Events there are.
    pub(crate) fn events(&self) -> usize {
        lock(&self.inner).events
    }

    /// The binary with these arguments, settings for this world, and these variables.
    pub(crate) fn rebalancer(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let file = |name| self.folder.path().join(name).display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rebalancer"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", file("kubeconfig"))
            .env("PROMETHEUS_ENDPOINT", &self.address)
            .env("PROMETHEUS_BEARER_TOKEN_FILE", file("token"))
            .env("PROMETHEUS_PROXY", "none")
            .env("KUBE_NAMESPACE", "shop")
            .env("DEPLOYMENT_NAME", "consumer")
            .env("MINIMUM_PODS_REQUIRED", "2")
            .env("REBALANCE_TOP_K_PODS", "1")
            .env("INDICATORS", "cpu,memory")
            .env("TOLERANCE_MULTIPLIER", "1.2")
            .envs(variables.iter().copied())
            .kill_on_drop(true);
        command
    }

    /// Runs one cycle with these variables to its end.
    pub(crate) async fn cycle(&self, variables: &[(&str, &str)]) -> Run {
        Run(self.rebalancer(&[], variables).output().await.unwrap())
    }
}

/// What a run left.
pub(crate) struct Run(pub(crate) Output);

impl Run {
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn expect_exit(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.stderr());
        self
    }

    /// The log, one object a line.
    pub(crate) fn log(&self) -> Vec<Value> {
        let stderr = self.stderr();
        stderr.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
    }

    /// The one line of this event.
    #[track_caller]
    pub(crate) fn line(&self, event: &str) -> Value {
        let lines: Vec<Value> = self.log().into_iter().filter(|line| line["event"] == event).collect();
        assert_eq!(lines.len(), 1, "{event} in:\n{}", self.stderr());
        lines[0].clone()
    }
}

/// Serves on a port of its own; the address.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap()
}

fn name(index: usize) -> String {
    format!("consumer-7d4b9c-{index}")
}

fn pod(index: usize) -> Value {
    let long_ago = "2026-01-02T03:04:05Z";
    json!({
        "kind": "Pod",
        "metadata": {
            "name": name(index), "namespace": "shop", "uid": format!("uid-{index}"), "creationTimestamp": long_ago,
            "labels": {"app": "consumer"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "consumer-7d4b9c",
                "uid": "uid-of-set", "controller": true}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "consumer", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running", "startTime": long_ago,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": long_ago}]},
    })
}

async fn answer(State(inner): Shared, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    if lock(&inner).silent.is_some_and(|silent| path.ends_with(silent)) {
        std::future::pending::<()>().await;
    }
    let mut inner = lock(&inner);
    if path.starts_with("/api/v1/query") {
        return Json(samples(&body)).into_response();
    }
    let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if path.contains("/leases") {
        return inner.leases(&method, last, json);
    }
    if path.ends_with("/eviction") {
        inner.pods.retain(|name, _| !path.ends_with(&format!("{name}/eviction")));
        return created(json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}));
    }
    match last {
        "pods" => list("PodList", inner.pods.values().cloned().collect()),
        "horizontalpodautoscalers" => list("HorizontalPodAutoscalerList", Vec::new()),
        "poddisruptionbudgets" => list("PodDisruptionBudgetList", Vec::new()),
        "selfsubjectreviews" => created(json!({"status": {"userInfo": {"username": "me"}}})),
        "events" => {
            inner.events += 1;
            created(json)
        }
        "consumer" => Json(deployment()).into_response(),
        name => inner.pods.get(name).map_or_else(|| missing("pods", name), |pod| Json(pod).into_response()),
    }
}

impl Inner {
    fn leases(&mut self, method: &Method, name: &str, mut wanted: Value) -> Response {
        if *method == Method::GET {
            return self
                .lease
                .as_ref()
                .map_or_else(|| missing("leases", name), |lease| Json(lease).into_response());
        }
        let revision = self.lease.as_ref().and_then(|lease| lease["metadata"]["resourceVersion"].as_str());
        let next = revision.map_or(1, |revision| revision.parse::<u32>().unwrap() + 1);
        wanted["metadata"]["resourceVersion"] = json!(next.to_string());
        self.lease = Some(wanted.clone());
        created(wanted)
    }
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "consumer", "namespace": "shop", "uid": "uid-of-deployment", "generation": 1},
        "spec": {"replicas": LOADS.len()},
        "status": {"observedGeneration": 1, "replicas": LOADS.len(), "updatedReplicas": LOADS.len()}})
}

fn list(kind: &str, items: Vec<Value>) -> Response {
    Json(json!({"kind": kind, "metadata": {"resourceVersion": "1"}, "items": items})).into_response()
}

fn created(object: Value) -> Response {
    (StatusCode::CREATED, Json(object)).into_response()
}

fn missing(kind: &str, name: &str) -> Response {
    let details = json!({"kind": kind, "name": name});
    let status =
        json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "details": details});
    (StatusCode::NOT_FOUND, Json(status)).into_response()
}

/// CPU as in [`LOADS`] at whatever times are asked for; nothing of anything else.
fn samples(form: &[u8]) -> Value {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(form).into_owned().collect();
    let number = |name: &str| form.get(name).map(|text| text.parse::<f64>().unwrap());
    let loads = if form["query"].contains("cpu_usage") { &LOADS[..] } else { &[] };
    let pods = loads.iter().enumerate().map(|(index, load)| (json!({"pod": name(index)}), load.to_string()));
    let (kind, result): (_, Vec<Value>) = match (number("start"), number("end"), number("step")) {
        (Some(start), Some(end), Some(step)) => {
            let times =
                std::iter::successors(Some(start), |at| (at + step <= end + 0.001).then_some(at + step));
            let times: Vec<f64> = times.collect();
            let series = pods.map(|(metric, load)| {
                let values: Vec<Value> = times.iter().map(|at| json!([at, load])).collect();
                json!({"metric": metric, "values": values})
            });
            ("matrix", series.collect())
        }
        _ => {
            let at = number("time");
            ("vector", pods.map(|(metric, load)| json!({"metric": metric, "value": [at, load]})).collect())
        }
    };
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}
