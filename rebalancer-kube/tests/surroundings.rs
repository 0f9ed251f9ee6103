//! Reading what goes on around the fleet from an API server in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::collections::BTreeMap;
use std::time::Duration;

use rebalancer_core::fleet::Uid;
use rebalancer_core::port::{Inventory, InventoryError};
use rebalancer_core::surroundings::Controller;
use rebalancer_kube::{InventorySettings, KubeInventory};
use serde_json::json;
use tokio::time::Instant;

mod world;
use world::{Trouble, World};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/consumer";
const STATEFUL_SET: &str = "/apis/apps/v1/namespaces/shop/statefulsets/consumer";

fn at_rest(kind: &str, replicas: u32) -> Controller {
    Controller {
        api_version: "apps/v1".into(),
        kind: kind.into(),
        name: "consumer".into(),
        uid: Uid::new(format!("uid-of-{kind}")),
        annotations: BTreeMap::new(),
        status_is_current: true,
        desired: replicas,
        current: replicas,
        updated: replicas,
    }
}

fn paths(world: &World) -> Vec<String> {
    world.seen().iter().map(|seen| format!("{} {}", seen.method, seen.uri)).collect()
}

fn forbidden<T>(verb: &'static str, resource: &'static str) -> Result<T, InventoryError> {
    let message = "403 Forbidden: words of the server".to_owned();
    Err(InventoryError::Forbidden { verb, resource, namespace: "shop".into(), message })
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_found_at_once() {
    let world = World::default().workload("Deployment", "consumer", 5).workload("StatefulSet", "consumer", 3);
    assert_eq!(world.inventory().controller().await, Ok(Some(at_rest("Deployment", 5))));
    assert_eq!(paths(&world), [format!("GET {DEPLOYMENT}")]);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_deployment_of_the_name_a_stateful_set_is_looked_for() {
    let world = World::default().workload("Deployment", "other", 5).workload("StatefulSet", "consumer", 3);
    assert_eq!(world.inventory().controller().await, Ok(Some(at_rest("StatefulSet", 3))));
    assert_eq!(paths(&world), [format!("GET {DEPLOYMENT}"), format!("GET {STATEFUL_SET}")]);
}

#[tokio::test(start_paused = true)]
async fn a_workload_of_another_kind_is_none() {
    let world = World::default();
    assert_eq!(world.inventory().controller().await, Ok(None));
    assert_eq!(paths(&world), [format!("GET {DEPLOYMENT}"), format!("GET {STATEFUL_SET}")]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_path_is_not_a_missing_workload() {
    let world = World::default().troubles([Trouble::Status(404, "NotFound")]);
    assert!(matches!(world.inventory().controller().await, Err(InventoryError::Rejected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_and_no_other_kind_is_tried() {
    let world = World::default().troubles([Trouble::Status(403, "Forbidden")]);
    assert_eq!(world.inventory().controller().await, forbidden("get", "deployments.apps"));
    assert_eq!(paths(&world).len(), 1);
    let world = World::default().troubles([Trouble::Serve, Trouble::Status(403, "Forbidden")]);
    assert_eq!(world.inventory().controller().await, forbidden("get", "statefulsets.apps"));
}

#[tokio::test(start_paused = true)]
async fn troubles_that_pass_are_waited_out() {
    let troubles = [Trouble::Busy, Trouble::Serve, Trouble::Status(503, "")];
    let world = World::default().workload("StatefulSet", "consumer", 3).troubles(troubles);
    assert_eq!(world.inventory().controller().await, Ok(Some(at_rest("StatefulSet", 3))));
    assert_eq!(paths(&world).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn both_kinds_together_end_at_one_deadline() {
    let start = Instant::now();
    let world = World::default().troubles([Trouble::Status(503, ""), Trouble::Serve, Trouble::Hang]);
    let error = world.inventory().controller().await.unwrap_err();
    assert_eq!(error, InventoryError::Unavailable { message: "no answer within 10s".into() });
    assert!(start.elapsed() <= Duration::from_millis(10_010), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind_is_no_controller() {
    for other in [json!({}), json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}})] {
        let world = World::default().troubles([Trouble::Exactly(200, other)]);
        assert!(matches!(world.inventory().controller().await, Err(InventoryError::Rejected { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_workload_whose_name_is_none_is_never_asked_for() {
    let world = World::default();
    let settings = InventorySettings { workload: "../nodes".into(), ..world::settings() };
    let result = KubeInventory::new(&world.connection(), settings).controller().await;
    assert!(matches!(result, Err(InventoryError::Rejected { .. })));
    assert!(world.seen().is_empty());
}
