//! The workload's own object, disruption budgets, and who asks.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Params, World, page, status};

pub(super) fn router() -> Router<World> {
    Router::new()
        .route("/apis/apps/v1/namespaces/shop/{resource}/{name}", get(get_workload))
        .route("/apis/policy/v1/namespaces/shop/poddisruptionbudgets", get(list_budgets))
        .route("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(review))
}

impl World {
    /// There is a Deployment or StatefulSet of this name, at rest, with as many pods as it wants.
    pub(crate) fn workload(self, kind: &str, name: &str, replicas: u32) -> Self {
        let object = json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-of-{kind}"), "generation": 3},
            "spec": {"replicas": replicas},
            "status": {"observedGeneration": 3, "replicas": replicas, "updatedReplicas": replicas,
                "currentReplicas": replicas, "currentRevision": "r1", "updateRevision": "r1"},
        });
        let resource = format!("{}s", kind.to_lowercase());
        self.inner().workloads.insert((resource, name.to_owned()), object);
        self
    }

    pub(crate) fn budgets(self, budgets: Vec<Value>) -> Self {
        self.inner().budgets = budgets;
        self
    }

    /// The server knows whoever asks by this name.
    pub(crate) fn user(self, name: &'static str) -> Self {
        self.inner().user = Some(name);
        self
    }
}

async fn get_workload(
    State(world): State<World>,
    Path((resource, name)): Path<(String, String)>,
) -> Response {
    let found = world.inner().workloads.get(&(resource.clone(), name.clone())).cloned();
    let missing = || {
        let details = json!({"name": name, "group": "apps", "kind": resource});
        status(404, "NotFound", &format!("{resource}.apps \"{name}\" not found"), details)
    };
    found.map_or_else(missing, |workload| Json(workload).into_response())
}

async fn list_budgets(State(world): State<World>, Query(params): Params) -> Response {
    let items = world.inner().budgets.clone();
    page(&world, "PodDisruptionBudgetList", items, &params)
}

async fn review(State(world): State<World>, Json(mut review): Json<Value>) -> Response {
    let Some(user) = world.inner().user else {
        let message = "the server could not find the requested resource";
        return status(404, "NotFound", message, json!({}));
    };
    review["status"] = json!({"userInfo": {"username": user, "groups": ["system:authenticated"]}});
    (StatusCode::CREATED, Json(review)).into_response()
}
