//! Events, validated as the real server does on creation by `events.k8s.io/v1`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use rebalancer_kube::EventRecorder;
use serde_json::{Value, json};

use super::{World, status};

pub(super) fn router() -> Router<World> {
    Router::new().route("/apis/events.k8s.io/v1/namespaces/shop/events", post(create))
}

impl World {
    /// What is stored, in the order of its names.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inner().events.values().cloned().collect()
    }

    pub(crate) fn recorder(&self) -> EventRecorder {
        EventRecorder::new(&self.connection(), "cycle-7")
    }
}

async fn create(State(world): State<World>, Json(event): Json<Value>) -> Response {
    let name = event["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let details = json!({"name": name, "group": "events.k8s.io", "kind": "events"});
    let wrong = problems(&event);
    if !wrong.is_empty() {
        let message = format!("Event \"{name}\" is invalid: {}", wrong.join(", "));
        return status(422, "Invalid", &message, details);
    }
    let mut inner = world.inner();
    if inner.events.contains_key(&name) {
        let message = format!("events.events.k8s.io \"{name}\" already exists");
        return status(409, "AlreadyExists", &message, details);
    }
    inner.events.insert(name, event.clone());
    (StatusCode::CREATED, Json(event)).into_response()
}

/// The fields that are not as `pkg/apis/core/validation/events.go` wants them.
fn problems(event: &Value) -> Vec<&'static str> {
    let length = |field: &str| event[field].as_str().map_or(0, str::len);
    let time = event["eventTime"].as_str().unwrap_or_default();
    let checks = [
        ("metadata.namespace", event["metadata"]["namespace"] == "shop"),
        ("metadata.name", (1..=253).contains(&event["metadata"]["name"].as_str().map_or(0, str::len))),
        ("regarding.namespace", event["regarding"]["namespace"] == "shop"),
        ("eventTime", time.len() == "2026-01-02T03:04:05.000000Z".len()),
        ("type", ["Normal", "Warning"].iter().any(|known| event["type"] == *known)),
        ("reportingController", length("reportingController") > 0),
        ("reportingInstance", (1..=128).contains(&length("reportingInstance"))),
        ("action", (1..=128).contains(&length("action"))),
        ("reason", (1..=128).contains(&length("reason"))),
        ("note", length("note") <= 1024),
    ];
    checks.into_iter().filter(|(_, right)| !right).map(|(field, _)| field).collect()
}
