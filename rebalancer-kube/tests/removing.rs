//! Removing pods through an API server in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use rebalancer_core::port::{ApiErrors as Counted, Inventory as _, Mode, PodDeleter, RemovalError};
use rebalancer_kube::{KubeInventory, KubeRemover, RemovalMethod};
use serde_json::json;
use tokio::time::{Duration, Instant};

mod world;
use world::{Fault, World, pod_ref};

const METHODS: [RemovalMethod; 2] = [RemovalMethod::Evict, RemovalMethod::Delete];

async fn remove(world: &World, method: RemovalMethod, mode: Mode) -> Result<(), RemovalError> {
    world.remover(method).remove(&pod_ref("consumer-0000", "uid-0"), mode).await
}

#[tokio::test(start_paused = true)]
async fn exactly_the_pod_that_was_meant_is_removed() {
    for method in METHODS {
        let world = World::with_pods(3);
        assert_eq!(remove(&world, method, Mode::Real).await, Ok(()));
        assert_eq!(world.pods().into_keys().collect::<Vec<_>>(), ["consumer-0001", "consumer-0002"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_with_the_same_name_is_spared() {
    for method in METHODS {
        let world = World::with_pods(3);
        let result =
            world.remover(method).remove(&pod_ref("consumer-0000", "uid-of-before"), Mode::Real).await;
        assert_eq!(result, Err(RemovalError::Replaced));
        assert_eq!(world.pods().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing_and_sees_what_a_real_call_would() {
    for method in METHODS {
        let world = World::with_pods(3);
        assert_eq!(remove(&world, method, Mode::DryRun).await, Ok(()));
        assert_eq!(world.pods().len(), 3);
        let missing = world.remover(method).remove(&pod_ref("nobody", "u"), Mode::DryRun).await;
        assert_eq!(missing, Err(RemovalError::Gone));
    }
}

#[tokio::test(start_paused = true)]
async fn an_eviction_on_the_wire_is_what_the_api_wants() {
    let world = World::with_pods(1);
    remove(&world, RemovalMethod::Evict, Mode::DryRun).await.unwrap();
    remove(&world, RemovalMethod::Evict, Mode::Real).await.unwrap();
    let seen = world.seen();
    let path = "/api/v1/namespaces/shop/pods/consumer-0000/eviction";
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].uri.to_string(), format!("{path}?dryRun=All"));
    assert_eq!(seen[1].uri.to_string(), path);
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": "consumer-0000", "namespace": "shop"},
        "deleteOptions": {"preconditions": {"uid": "uid-0"}}});
    assert_eq!(seen[1].body, body);
    let mut dry = body;
    dry["deleteOptions"]["dryRun"] = json!(["All"]);
    assert_eq!(seen[0].body, dry);
}

#[tokio::test(start_paused = true)]
async fn a_delete_on_the_wire_is_what_the_api_wants() {
    let world = World::with_pods(1);
    remove(&world, RemovalMethod::Delete, Mode::DryRun).await.unwrap();
    remove(&world, RemovalMethod::Delete, Mode::Real).await.unwrap();
    let seen = world.seen();
    let path = "/api/v1/namespaces/shop/pods/consumer-0000";
    assert_eq!(seen[0].method, "DELETE");
    assert_eq!(seen[0].uri.to_string(), format!("{path}?dryRun=All"));
    assert_eq!(seen[0].body, json!({"preconditions": {"uid": "uid-0"}, "dryRun": ["All"]}));
    assert_eq!(seen[1].uri.to_string(), path);
    assert_eq!(seen[1].body, json!({"preconditions": {"uid": "uid-0"}}));
}

#[tokio::test(start_paused = true)]
async fn a_budget_refuses_an_eviction_in_its_own_words() {
    let world = World::with_pods(3).budget(0);
    let message = "The disruption budget b needs 3 healthy pods and has 3 currently".to_owned();
    for mode in [Mode::DryRun, Mode::Real] {
        assert_eq!(
            remove(&world, RemovalMethod::Evict, mode).await,
            Err(RemovalError::Blocked { message: message.clone() })
        );
    }
    assert_eq!(world.pods().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_removal_is_not_sent_again_although_it_would_succeed() {
    for method in METHODS {
        for trouble in [Fault::Busy, Fault::Status(503, "ServiceUnavailable"), Fault::Status(504, "Timeout")]
        {
            let world = World::with_pods(3).faults([trouble]);
            remove(&world, method, Mode::Real).await.unwrap_err();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            assert_eq!(world.pods().len(), 3);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_not_taken_for_a_budget() {
    let world = World::with_pods(3).faults([Fault::Busy]);
    let message = "429: Too many requests, please try again later.".to_owned();
    assert_eq!(
        remove(&world, RemovalMethod::Evict, Mode::Real).await,
        Err(RemovalError::Throttled { message })
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_inside_of_a_success_is_a_failure() {
    let words =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    let status = json!({"kind": "Status", "status": "Failure", "message": words, "code": 500});
    let world = World::with_pods(1).faults([Fault::Exactly(201, status)]);
    let result = remove(&world, RemovalMethod::Evict, Mode::Real).await;
    assert_eq!(result, Err(RemovalError::Rejected { message: format!("500: {words}") }));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_its_verb_and_resource() {
    for (method, verb, resource) in
        [(RemovalMethod::Evict, "create", "pods/eviction"), (RemovalMethod::Delete, "delete", "pods")]
    {
        let world = World::with_pods(1).faults([Fault::Status(403, "Forbidden")]);
        let message = "403 Forbidden: words of the server".to_owned();
        let expected = Err(RemovalError::Forbidden { verb, resource, message });
        assert_eq!(remove(&world, method, Mode::Real).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_nobody_knows_and_the_deadline_holds() {
    for method in METHODS {
        let start = Instant::now();
        let world = World::with_pods(1).faults([Fault::Hang]);
        let message = "no answer within 10s".to_owned();
        assert_eq!(remove(&world, method, Mode::Real).await, Err(RemovalError::Unknown { message }));
        assert!(start.elapsed() <= Duration::from_millis(10_010), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_is_no_kubernetes_answer_is_not_believed() {
    let world = World::with_pods(1).faults([Fault::Exactly(200, json!("ok"))]);
    assert!(matches!(
        remove(&world, RemovalMethod::Delete, Mode::Real).await,
        Err(RemovalError::Unknown { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_none_is_never_sent() {
    for method in METHODS {
        let world = World::with_pods(1);
        let result = world.remover(method).remove(&pod_ref("../pods", "u"), Mode::Real).await;
        assert!(matches!(result, Err(RemovalError::Rejected { .. })));
        assert!(world.seen().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_of_a_pod_or_its_budget_is_no_error_and_what_it_says_of_us_is_one() {
    let errors = async |world: World, uid| {
        let connection = world.connection();
        let inventory = KubeInventory::new(&connection, world::settings());
        let remover = KubeRemover::new(&connection, RemovalMethod::Evict);
        let _ = remover.remove(&pod_ref("consumer-0000", uid), Mode::Real).await;
        assert_eq!(inventory.pod("nobody").await, Ok(None));
        inventory.errors()
    };
    let error = Counted { errors: 1, retries: 0 };
    assert_eq!(errors(World::with_pods(1), "uid-0").await, Counted::default());
    assert_eq!(errors(World::with_pods(1), "uid-of-before").await, Counted::default());
    assert_eq!(errors(World::with_pods(1).budget(0), "uid-0").await, Counted::default());
    let forbidden = World::with_pods(1).faults([Fault::Status(403, "Forbidden")]);
    assert_eq!(errors(forbidden, "uid-0").await, error);
    let busy = World::with_pods(1).faults([Fault::Busy]);
    assert_eq!(errors(busy, "uid-0").await, error, "a removal is never repeated");
}
