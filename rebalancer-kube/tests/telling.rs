//! Events, and who asks, through an API server in memory. Time is virtual.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::time::Duration;

use rebalancer_core::fleet::Uid;
use rebalancer_core::port::{InventoryError, Mode, PodDeleter};
use rebalancer_kube::{EventType, Note, Regarding, RemovalMethod};
use serde_json::json;
use tokio::time::Instant;

mod world;
use world::{Fault, World, pod_ref};

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

fn note(pod: &str) -> Note {
    Note {
        regarding: Regarding {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: "shop".into(),
            name: pod.into(),
            uid: Uid::new("u"),
        },
        event_type: EventType::Normal,
        reason: "Rebalanced".into(),
        action: "Evict".into(),
        text: "93 % above the limit".into(),
        at: "2026-01-02T03:04:05.123456Z".parse().unwrap(),
    }
}

fn flood(count: usize) -> Vec<Note> {
    (0..count).map(|i| note(&format!("consumer-{i}"))).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_on_the_wire_is_what_the_api_wants() {
    let world = World::default();
    assert_eq!(world.recorder().post(&note("consumer-0")).await, Ok(()));
    let seen = world.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].uri.to_string(), "/apis/events.k8s.io/v1/namespaces/shop/events");
    let name = seen[0].body["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("consumer-0.1886caf223f1fc00-"), "{name}");
    let expected = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "shop"},
        "eventTime": "2026-01-02T03:04:05.123456Z",
        "type": "Normal", "reason": "Rebalanced", "action": "Evict", "note": "93 % above the limit",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "consumer-0", "uid": "u"},
        "reportingController": "pod-rebalancer.io/rebalancer", "reportingInstance": "cycle-7",
    });
    assert_eq!(seen[0].body, expected);
}

#[tokio::test(start_paused = true)]
async fn every_one_of_many_events_is_stored_even_of_one_object_and_time() {
    let world = World::default();
    let mut notes = flood(50);
    notes.extend([note("consumer-0"), note("consumer-0")]);
    assert_eq!(world.recorder().post_all(&notes, Duration::from_secs(5)).await, []);
    assert_eq!((world.events().len(), world.seen().len()), (52, 52));
    assert_eq!(world.recorder().post_all(&[], Duration::from_secs(5)).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_answer_was_lost_is_stored_once() {
    let world = World::default().faults([Fault::Lose]);
    assert_eq!(world.recorder().post(&note("consumer-0")).await, Ok(()));
    assert_eq!((world.events().len(), world.seen().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_flood_against_a_server_that_never_answers_ends_in_time_and_asks_no_more_than_a_few_at_once() {
    let start = Instant::now();
    let world = World::default().faults((0..500).map(|_| Fault::Hang));
    let failed = world.recorder().post_all(&flood(300), Duration::from_secs(2)).await;
    assert!(start.elapsed() <= Duration::from_millis(2_010), "{:?}", start.elapsed());
    assert_eq!(failed.len(), 300);
    let message = "no answer within 2s".to_owned();
    assert!(failed.iter().all(|one| one.error == InventoryError::Unavailable { message: message.clone() }));
    assert_eq!(world.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_always_busy_is_not_asked_beyond_the_deadline() {
    let start = Instant::now();
    let world = World::default().faults((0..500).map(|_| Fault::Busy));
    let failed = world.recorder().post_all(&flood(8), Duration::from_secs(3)).await;
    assert_eq!(failed.len(), 8);
    assert!(start.elapsed() <= Duration::from_millis(3_010), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_event_that_hangs_does_not_keep_the_others() {
    let world = World::default().faults([Fault::Hang]);
    let failed = world.recorder().post_all(&flood(20), Duration::from_secs(2)).await;
    assert_eq!(failed.len(), 1);
    let stored = world.events();
    assert_eq!(stored.len(), 19);
    let lost = &failed[0].regarding.name;
    assert!(stored.iter().all(|event| event["regarding"]["name"] != *lost));
    assert_eq!(failed[0].to_string(), format!("the event Rebalanced of Pod shop/{lost} was not posted"));
}

#[tokio::test(start_paused = true)]
async fn without_time_nothing_is_sent() {
    let world = World::default();
    assert_eq!(world.recorder().post_all(&flood(3), Duration::ZERO).await.len(), 3);
    assert!(world.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_and_a_rule_of_admission_is_none() {
    let world = World::default().faults([Fault::Status(403, "Forbidden")]);
    let forbidden = InventoryError::Forbidden {
        verb: "create",
        resource: "events.events.k8s.io",
        namespace: "shop".into(),
        message: "403 Forbidden: words of the server".into(),
    };
    assert_eq!(world.recorder().post(&note("a")).await, Err(forbidden));
    let denied =
        json!({"kind": "Status", "code": 403, "message": "admission webhook \"w\" denied the request: no"});
    let world = World::default().faults([Fault::Exactly(403, denied)]);
    let refused = world.recorder().post(&note("a")).await;
    assert!(matches!(refused, Err(InventoryError::Rejected { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_finds_invalid_is_told_in_its_own_words() {
    let world = World::default();
    let nameless = Note { reason: String::new(), ..note("a") };
    let message = "422 Invalid: Event".to_owned();
    let error = world.recorder().post(&nameless).await.unwrap_err().to_string();
    assert!(error.contains(&message) && error.ends_with("is invalid: reason"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_asked_once_for_all_clones() {
    let world = World::with_pods(2).user("system:serviceaccount:shop:rebalancer");
    let remover = world.remover(RemovalMethod::Evict);
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
    for trouble in [Fault::Serve, Fault::Status(403, "Forbidden"), Fault::Exactly(201, json!({}))] {
        let world = World::with_pods(2).faults([trouble]);
        let remover = world.remover(RemovalMethod::Evict);
        assert_eq!((remover.actor().await, remover.actor().await), (None, None));
        assert_eq!(world.seen().len(), 1);
        assert_eq!(remover.remove(&pod_ref("consumer-0000", "uid-0"), Mode::Real).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_not_waited_for_longer_than_a_few_seconds() {
    let start = Instant::now();
    let world = World::default().user("me").faults([Fault::Hang]);
    assert_eq!(world.remover(RemovalMethod::Evict).actor().await, None);
    assert!(start.elapsed() <= Duration::from_millis(3_010), "{:?}", start.elapsed());
}
