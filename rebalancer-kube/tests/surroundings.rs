//! Reading what goes on around the fleet from an API server in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::collections::BTreeMap;
use std::time::Duration;

use rebalancer_core::fleet::{
    Controller, DisruptionBudget, Neighbor, Progress, Requirement, Scale, Selector, Uid,
};
use rebalancer_core::port::{Inventory, InventoryError};
use serde_json::{Value, json};
use tokio::time::Instant;

mod world;
use world::{Fault, World};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/consumer";
const STATEFUL_SET: &str = "/apis/apps/v1/namespaces/shop/statefulsets/consumer";

fn at_rest(kind: &str, replicas: u32) -> Controller {
    Controller {
        api_version: "apps/v1".into(),
        kind: kind.into(),
        name: "consumer".into(),
        uid: Uid::new(format!("uid-of-{kind}")),
        annotations: BTreeMap::new(),
        marks: Vec::new(),
        owner: None,
        progress: Some(Progress {
            status_is_current: true,
            desired: replicas,
            current: replicas,
            updated: replicas,
        }),
        at_work: None,
    }
}

fn paths(world: &World) -> Vec<String> {
    world.seen().iter().map(|seen| format!("{} {}", seen.method, seen.uri)).collect()
}

fn forbidden<T>(verb: &'static str, resource: &'static str) -> Result<T, InventoryError> {
    let message = "403 Forbidden: words of the server".to_owned();
    Err(InventoryError::Forbidden { verb, resource, namespace: "shop".into(), message })
}

/// What is read of the Deployment, or of another kind of `apps/v1`, that has the workload's name.
async fn owner(world: &World, kind: &str) -> Result<Option<Controller>, InventoryError> {
    world.inventory().owner("apps/v1", kind, "consumer").await
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_read_by_its_kind_and_name() {
    let world = World::default().workload("Deployment", "consumer", 5).workload("StatefulSet", "consumer", 3);
    assert_eq!(owner(&world, "Deployment").await, Ok(Some(at_rest("Deployment", 5))));
    assert_eq!(owner(&world, "StatefulSet").await, Ok(Some(at_rest("StatefulSet", 3))));
    assert_eq!(paths(&world), [format!("GET {DEPLOYMENT}"), format!("GET {STATEFUL_SET}")]);
    assert_eq!(owner(&World::default(), "Deployment").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_missing_path_is_not_a_missing_owner() {
    let world = World::default().faults([Fault::Status(404, "NotFound")]);
    assert!(matches!(owner(&world, "Deployment").await, Err(InventoryError::Rejected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_and_counts_as_an_error_only_where_every_installation_has_it() {
    for (kind, resource, errors) in [
        ("Deployment", "deployments.apps", 1),
        ("StatefulSet", "statefulsets.apps", 1),
        ("ReplicaSet", "replicasets.apps", 0),
        ("CloneSet", "what owns the pods", 0),
    ] {
        let world = World::default().faults([Fault::Status(403, "Forbidden")]);
        let inventory = world.inventory();
        assert_eq!(inventory.owner("apps/v1", kind, "consumer").await, forbidden("get", resource));
        assert_eq!(inventory.errors().errors, errors, "{kind}");
    }
    let world = World::default().faults([Fault::Status(403, "Forbidden")]);
    assert_eq!(world.inventory().budgets().await, forbidden("list", "poddisruptionbudgets.policy"));
}

#[tokio::test(start_paused = true)]
async fn troubles_that_pass_are_waited_out_until_the_deadline() {
    let world = World::default().workload("StatefulSet", "consumer", 3);
    let world = world.faults([Fault::Busy, Fault::Status(503, "")]);
    assert_eq!(owner(&world, "StatefulSet").await, Ok(Some(at_rest("StatefulSet", 3))));
    assert_eq!(paths(&world).len(), 3);
    let start = Instant::now();
    let world = World::default().faults([Fault::Status(503, ""), Fault::Hang]);
    let error = owner(&world, "StatefulSet").await.unwrap_err();
    assert_eq!(error, InventoryError::Unavailable { message: "no answer within 10s".into() });
    assert!(start.elapsed() <= Duration::from_millis(11_000), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind_is_no_owner() {
    for other in [json!({}), json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}})] {
        let world = World::default().faults([Fault::Exactly(200, other)]);
        assert!(matches!(owner(&world, "Deployment").await, Err(InventoryError::Rejected { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_would_lead_elsewhere_is_never_followed() {
    let world = World::default();
    for (api_version, kind, name) in
        [("apps/v1", "Deployment", "../nodes"), ("../v1", "Secret", "x"), ("v1", "a/b", "x")]
    {
        let result = world.inventory().owner(api_version, kind, name).await;
        assert!(matches!(result, Err(InventoryError::Rejected { .. })));
    }
    assert!(world.seen().is_empty());
}

fn budget(name: &str, allowed: u32) -> Value {
    json!({
        "metadata": {"name": name, "generation": 1},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "consumer"}}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": allowed},
    })
}

#[tokio::test(start_paused = true)]
async fn budgets_come_from_all_pages() {
    let world = World::default().page(2).budgets(vec![budget("a", 0), budget("b", 1), budget("c", 2)]);
    let read = |name: &str, allowed| DisruptionBudget {
        name: name.into(),
        selector: Selector::All(vec![Requirement::In { key: "app".into(), values: vec!["consumer".into()] }]),
        allowed,
        status_is_current: true,
    };
    assert_eq!(world.inventory().budgets().await, Ok(vec![read("a", 0), read("b", 1), read("c", 2)]));
    let path = "GET /apis/policy/v1/namespaces/shop/poddisruptionbudgets?";
    assert_eq!(paths(&world), [path.to_owned(), format!("{path}&continue=0-2")]);
}

#[tokio::test(start_paused = true)]
async fn no_budgets_are_an_answer_and_part_of_them_is_none() {
    assert_eq!(World::default().inventory().budgets().await, Ok(vec![]));
    let broken = (0..9).map(|_| Fault::Status(500, "InternalError"));
    let world = World::default().page(1).budgets(vec![budget("a", 0), budget("b", 1)]);
    let world = world.faults([Fault::Serve].into_iter().chain(broken));
    assert!(matches!(world.inventory().budgets().await, Err(InventoryError::Unavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn one_budget_that_is_not_understood_spoils_the_list() {
    let mut strange = budget("b", 1);
    strange["spec"]["selector"] =
        json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["c*"]}]});
    let world = World::default().budgets(vec![budget("a", 1), strange]);
    let error = world.inventory().budgets().await.unwrap_err().to_string();
    assert!(error.contains("budget 'b'") && error.contains("'Like'"), "{error}");
}

fn scale_of(uid: &str) -> Value {
    json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "consumer", "uid": uid},
        "spec": {"replicas": 4}, "status": {"replicas": 3}})
}

/// What the scale subresource of a CloneSet is told to be, and how many errors were counted.
async fn scale(fault: Fault) -> (Result<Option<Scale>, InventoryError>, u64) {
    let world = World::default().faults([fault]);
    let inventory = world.inventory();
    let told = inventory.scale("apps.kruise.io/v1alpha1", "CloneSet", "consumer").await;
    let path = "GET /apis/apps.kruise.io/v1alpha1/namespaces/shop/clonesets/consumer/scale";
    assert_eq!(paths(&world), [path]);
    (told, inventory.errors().errors)
}

#[tokio::test(start_paused = true)]
async fn a_scale_tells_two_numbers_and_whose_they_are() {
    let told = Scale { uid: Uid::new("u"), desired: 4, current: 3 };
    assert_eq!(scale(Fault::Exactly(200, scale_of("u"))).await, (Ok(Some(told)), 0));
}

/// In the words of the real server.
#[tokio::test(start_paused = true)]
async fn where_there_is_no_scale_nothing_is_told_and_nothing_is_tried_again() {
    let none = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "the server could not find the requested resource", "details": {}});
    assert_eq!(scale(Fault::Exactly(404, none)).await, (Ok(None), 0));
    let lacking = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError",
        "message": "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist"});
    assert_eq!(scale(Fault::Exactly(500, lacking)).await, (Ok(None), 0));
    let (told, errors) = scale(Fault::Status(403, "Forbidden")).await;
    assert_eq!((told, errors), (forbidden("get", "the scale of what owns the pods"), 0));
}

#[tokio::test(start_paused = true)]
async fn a_neighbor_that_is_not_installed_does_nothing_and_one_that_may_not_be_read_is_not_known() {
    for (neighbor, resource) in
        [(Neighbor::Keda, "scaledobjects.keda.sh"), (Neighbor::Flagger, "canaries.flagger.app")]
    {
        let world = World::default().faults([Fault::Status(404, "NotFound")]);
        assert_eq!(world.inventory().at_work(neighbor, "consumer").await, Ok(Vec::new()));
        let world = World::default().faults([Fault::Status(403, "Forbidden")]);
        assert_eq!(world.inventory().at_work(neighbor, "consumer").await, forbidden("list", resource));
    }
    let world = World::default().faults([Fault::Status(404, "NotFound")]);
    assert_eq!(world.inventory().vertical("consumer").await, Ok(None));
    assert_eq!(paths(&world), ["GET /apis/autoscaling.k8s.io/v1/namespaces/shop/verticalpodautoscalers?"]);
}

#[tokio::test(start_paused = true)]
async fn few_nodes_are_read_one_by_one_and_many_are_listed() {
    let world = World::default().faults([Fault::Status(403, "Forbidden")]);
    assert_eq!(world.inventory().leaving_nodes(&["node-1", "node-2"]).await, forbidden("get", "nodes"));
    assert_eq!(paths(&world), ["GET /api/v1/nodes/node-1"]);
    let names: Vec<String> = (0..17).map(|number| format!("node-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::default().faults([Fault::Status(403, "Forbidden")]);
    assert_eq!(world.inventory().leaving_nodes(&names).await, forbidden("list", "nodes"));
    assert_eq!(paths(&world), ["GET /api/v1/nodes?"]);
}
