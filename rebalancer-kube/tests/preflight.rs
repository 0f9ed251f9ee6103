//! What a cluster tells before it is relied on. The server in memory knows no access reviews, so what it answers to them
//! is put in by hand; the suite on real servers asks a real one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::time::Duration;

use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use kube::Client;
use rebalancer_core::port::InventoryError;
use rebalancer_kube::Connection;
use rebalancer_kube::preflight::{Access, Preflight, Presence, WorkloadKind};
use serde_json::{Value, json};

fn preflight(router: Router) -> Preflight {
    let client = Client::new(router, "default");
    Preflight::new(&Connection::with_client(client, Duration::from_secs(2)), "shop")
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

#[tokio::test]
async fn a_right_is_asked_for_with_its_namespace_and_told_with_the_server_s_clock() {
    let review = |Json(mut review): Json<Value>| async move {
        let asked = review["spec"]["resourceAttributes"].clone();
        let allowed = asked
            == json!({"namespace": "shop", "verb": "create", "group": "", "resource": "pods",
            "subresource": "eviction"});
        review["status"] = json!({"allowed": allowed, "reason": "because"});
        (StatusCode::CREATED, [("date", "Fri, 02 Jan 2026 03:04:05 GMT")], Json(review))
    };
    let preflight = preflight(Router::new().route(REVIEWS, post(review)));
    let (evict, date) = preflight.review(&Access::to("create", "", "pods/eviction")).await.unwrap();
    assert_eq!((evict.allowed, evict.reason.as_str()), (true, "because"));
    assert_eq!(date, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    let (list, _) = preflight.review(&Access::to("list", "", "pods")).await.unwrap();
    assert!(!list.allowed);
}

#[tokio::test]
async fn a_review_without_a_verdict_allows_nothing() {
    let review = |Json(review): Json<Value>| async move { Json(review) };
    let preflight = preflight(Router::new().route(REVIEWS, post(review)));
    assert!(!preflight.review(&Access::to("list", "", "pods")).await.unwrap().0.allowed);
}

fn status(code: u16, reason: &str, name: &str) -> (StatusCode, Json<Value>) {
    let status = json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "words",
        "details": {"name": name, "kind": "namespaces"}});
    (StatusCode::from_u16(code).unwrap(), Json(status))
}

#[tokio::test]
async fn a_namespace_is_there_or_not_or_not_told() {
    let list = json!({"kind": "NamespaceList", "items": [{"metadata": {"name": "default"}}]});
    let at = |answer: (StatusCode, Json<Value>)| {
        let list = list.clone();
        let router = Router::new()
            .route("/api/v1/namespaces/shop", get(move || async move { answer }))
            .route("/api/v1/namespaces", get(move || async move { Json(list) }));
        preflight(router)
    };
    let present = (StatusCode::OK, Json(json!({"metadata": {"name": "shop"}})));
    assert_eq!(at(present).namespace().await, Ok(Presence::Present));
    let absent = at(status(404, "NotFound", "shop")).namespace().await;
    assert_eq!(absent, Ok(Presence::Absent(vec!["default".to_owned()])));
    assert_eq!(at(status(403, "Forbidden", "shop")).namespace().await, Ok(Presence::NotTold));
    let unknown = at(status(401, "Unauthorized", "")).namespace().await;
    assert!(matches!(unknown, Err(InventoryError::Unauthorized { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_workload_tells_the_labels_and_containers_of_its_pods() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "orders"}, "spec": {"replicas": 4,
        "template": {"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": [{"name": "app"}]}}}});
    let router = Router::new()
        .route("/apis/apps/v1/namespaces/shop/statefulsets/orders", get(move || async move { Json(set) }))
        .fallback(|| async { status(404, "NotFound", "orders") });
    let preflight = preflight(router);
    let found = preflight.workload(WorkloadKind::StatefulSet, "orders", &[]).await.unwrap().unwrap();
    assert_eq!((found.replicas, found.containers[0].name.as_str()), (Some(4), "app"));
    assert_eq!(found.labels, [("app".to_owned(), "orders".to_owned())].into());
    assert_eq!(preflight.workload(WorkloadKind::Deployment, "orders", &[]).await, Ok(None));
}
