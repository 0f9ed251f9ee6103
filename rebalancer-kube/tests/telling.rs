//! Who asks, through an API server in memory. Time is virtual.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::time::Duration;

use rebalancer_core::port::{Mode, PodDeleter};
use rebalancer_kube::Method;
use serde_json::json;
use tokio::time::Instant;

mod world;
use world::{Trouble, World, pod_ref};

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

#[tokio::test(start_paused = true)]
async fn who_asks_is_asked_once_for_all_clones() {
    let world = World::with_pods(2).user("system:serviceaccount:shop:rebalancer");
    let remover = world.remover(Method::Evict);
    let name = Some("system:serviceaccount:shop:rebalancer".to_owned());
    assert_eq!(remover.actor().await, name);
    assert_eq!((remover.clone().actor().await, remover.actor().await), (name.clone(), name));
    let seen = world.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].uri.to_string().as_str()), ("POST", REVIEWS));
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}});
    assert_eq!(seen[0].body, body);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_who_asks_is_not_asked_again_and_removals_go_on() {
    for trouble in [Trouble::Serve, Trouble::Status(403, "Forbidden"), Trouble::Exactly(201, json!({}))] {
        let world = World::with_pods(2).troubles([trouble]);
        let remover = world.remover(Method::Evict);
        assert_eq!((remover.actor().await, remover.actor().await), (None, None));
        assert_eq!(world.seen().len(), 1);
        assert_eq!(remover.remove(&pod_ref("consumer-0000", "uid-0"), Mode::Real).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_not_waited_for_longer_than_a_few_seconds() {
    let start = Instant::now();
    let world = World::default().user("me").troubles([Trouble::Hang]);
    assert_eq!(world.remover(Method::Evict).actor().await, None);
    assert!(start.elapsed() <= Duration::from_millis(3_010), "{:?}", start.elapsed());
}
