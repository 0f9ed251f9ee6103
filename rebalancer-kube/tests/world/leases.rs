//! Leases, and others who write to them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rebalancer_core::fleet::Workload;
use rebalancer_kube::LeaseStore;
use serde_json::{Value, json};

use super::{Inner, World, status};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";

pub(super) fn router() -> Router<World> {
    Router::new()
        .route(LEASES, post(create_lease))
        .route(&format!("{LEASES}/{{name}}"), get(get_lease).put(replace_lease))
}

impl World {
    /// What is kept under this name.
    pub(crate) fn lease(&self, name: &str) -> Option<Value> {
        self.inner().leases.get(name).cloned()
    }

    /// Somebody else writes this, whatever was there.
    pub(crate) fn put_lease(&self, name: &str, mut lease: Value) {
        lease["metadata"]["name"] = json!(name);
        lease["metadata"]["namespace"] = json!("shop");
        self.inner().store(name, lease);
    }

    pub(crate) fn delete_lease(&self, name: &str) {
        self.inner().leases.remove(name);
    }

    pub(crate) fn store(&self) -> LeaseStore {
        let workload = Workload { namespace: "shop".into(), name: "consumer".into() };
        LeaseStore::new(&self.connection(), &workload)
    }
}

impl Inner {
    /// The real server keeps what was there before under `managedFields` too; it is of no use here.
    fn store(&mut self, name: &str, mut lease: Value) -> Value {
        self.revision += 1;
        lease["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        lease["metadata"]["managedFields"] = json!([{"manager": "rebalancer", "operation": "Update"}]);
        self.leases.insert(name.to_owned(), lease.clone());
        lease
    }
}

fn no_lease(name: &str) -> Response {
    let details = json!({"name": name, "group": "coordination.k8s.io", "kind": "leases"});
    status(404, "NotFound", &format!("leases.coordination.k8s.io \"{name}\" not found"), details)
}

async fn get_lease(State(world): State<World>, Path(name): Path<String>) -> Response {
    world.lease(&name).map_or_else(|| no_lease(&name), |lease| Json(lease).into_response())
}

async fn create_lease(State(world): State<World>, Json(lease): Json<Value>) -> Response {
    let name = lease["metadata"]["name"].as_str().unwrap().to_owned();
    let mut inner = world.inner();
    if inner.leases.contains_key(&name) {
        let message = format!("leases.coordination.k8s.io \"{name}\" already exists");
        return status(409, "AlreadyExists", &message, json!({"name": name, "kind": "leases"}));
    }
    (StatusCode::CREATED, Json(inner.store(&name, lease))).into_response()
}

async fn replace_lease(
    State(world): State<World>,
    Path(name): Path<String>,
    Json(lease): Json<Value>,
) -> Response {
    let mut inner = world.inner();
    let Some(there) = inner.leases.get(&name) else { return no_lease(&name) };
    if there["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"] {
        let message = format!(
            "Operation cannot be fulfilled on leases.coordination.k8s.io \"{name}\": the object has been modified; \
             please apply your changes to the latest version and try again"
        );
        return status(409, "Conflict", &message, json!({"name": name, "kind": "leases"}));
    }
    Json(inner.store(&name, lease)).into_response()
}
