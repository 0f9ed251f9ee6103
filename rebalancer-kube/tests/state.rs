//! The record and its lock, in an API server in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{
    Acquired, CycleHealth, Held, HistoryPolicy, MOST_BYTES, Record, StateError, StateStore,
};
use rebalancer_core::testing::state_store::{conforms, never_reads_as_empty};
use rebalancer_kube::ANNOTATION;
use serde_json::{Value, json};

mod world;
use world::{Fault, World};

const LEASE: &str = "pod-rebalancer-consumer";
const TTL: SignedDuration = SignedDuration::from_secs(60);

fn at(second: i64) -> Timestamp {
    "2026-01-01T00:00:00.123456Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// A record in which so many cycles were counted.
fn record(cycles: usize) -> Record {
    let mut record = Record::default();
    (0..cycles)
        .for_each(|_| record.cycle_ended("balanced", CycleHealth::Sound, at(0), &HistoryPolicy::default()));
    record
}

async fn acquire(world: &World, holder: &str, second: i64) -> Result<Acquired, StateError> {
    world.store().acquire(at(second), holder, TTL).await
}

async fn release(world: &World, acquired: Acquired, record: &Record) {
    world.store().release(at(1), acquired.token, record).await.unwrap();
}

fn held_by(by: &str, second: i64) -> StateError {
    StateError::Held { by: by.into(), until: Some(at(second)) }
}

/// Somebody's Lease with this text as its record.
fn with_record(world: &World, text: &str) {
    world.put_lease(LEASE, json!({"metadata": {"annotations": {ANNOTATION: text}}}));
}

fn spec(world: &World) -> Value {
    world.lease(LEASE).unwrap()["spec"].clone()
}

#[tokio::test(start_paused = true)]
async fn what_one_run_saves_the_next_one_reads() {
    let world = World::default();
    let mut first = acquire(&world, "a", 0).await.unwrap();
    assert_eq!(first.record, Record::default());
    world.store().save(at(0), &mut first.token, &record(1)).await.unwrap();
    release(&world, first, &record(2)).await;
    assert_eq!(acquire(&world, "b", 1).await.unwrap().record, record(2));
}

#[tokio::test(start_paused = true)]
async fn a_lease_does_what_every_store_must() {
    assert_eq!(conforms(async || World::default().store()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_read_never_reads_as_empty() {
    for text in ["", "{}", r#"{"version":1}"#, r#"{"version":2,"shape":"unknown"}"#] {
        let world = World::default();
        with_record(&world, text);
        assert_eq!(never_reads_as_empty(&world.store()).await, Ok(()), "{text}");
    }
    let forbidden = || Fault::Status(403, "Forbidden");
    let world = World::default().faults([forbidden(), forbidden()]);
    assert_eq!(never_reads_as_empty(&world.store()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_as_kubernetes_keeps_its_own() {
    let world = World::default();
    let first = acquire(&world, "a", 0).await.unwrap();
    let expected = json!({"holderIdentity": "a", "leaseDurationSeconds": 60, "leaseTransitions": 0,
        "acquireTime": "2026-01-01T00:00:00.123456Z", "renewTime": "2026-01-01T00:00:00.123456Z"});
    assert_eq!(spec(&world), expected);
    release(&world, first, &record(0)).await;
    assert_eq!(spec(&world)["holderIdentity"], Value::Null);
    let _second = acquire(&world, "b", 2).await.unwrap();
    assert_eq!(
        (&spec(&world)["holderIdentity"], &spec(&world)["leaseTransitions"]),
        (&json!("b"), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_overlapping_runs_one_acts_and_the_other_is_told_who() {
    let world = World::default();
    let first = acquire(&world, "a", 0).await.unwrap();
    let error = acquire(&world, "b", 10).await.unwrap_err();
    assert_eq!(error, held_by("a", 65));
    assert_eq!(error.to_string(), "another run holds the lock: a, until 2026-01-01T00:01:05Z at most");
    assert_eq!(first.token.until, at(60));
    release(&world, first, &record(0)).await;
    assert!(acquire(&world, "b", 10).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_that_start_at_once_one_gets_the_lock() {
    let world = World::default();
    let (a, b) = (world.store(), world.store());
    for round in 0..20 {
        let now = at(round * 100);
        let both = tokio::join!(a.acquire(now, "a", TTL), b.acquire(now, "b", TTL));
        let (won, lost) = match both {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            (Ok(_), Ok(_)) => panic!("both got the lock"),
            (Err(a), Err(b)) => panic!("nobody got the lock: {a}, {b}"),
        };
        assert!(matches!(lost, StateError::Held { .. }), "{lost}");
        if round % 2 == 0 {
            a.release(now, won.token, &record(0)).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_frees_its_lock_by_expiry_and_can_write_no_more() {
    let world = World::default();
    let mut killed = acquire(&world, "a", 0).await.unwrap();
    world.store().save(at(0), &mut killed.token, &record(1)).await.unwrap();
    assert_eq!(acquire(&world, "b", 64).await, Err(held_by("a", 65)));
    let second = acquire(&world, "b", 65).await.unwrap();
    assert_eq!(second.record, record(1));

    let late = world.store().save(at(66), &mut killed.token, &record(9)).await.unwrap_err();
    let message = "Lease shop/pod-rebalancer-consumer is not as this run left it".to_owned();
    assert_eq!(late, StateError::Conflict { message });
    assert!(world.store().release(at(66), killed.token, &record(9)).await.is_err());
    assert_eq!(world.store().peek(at(66)).await.unwrap().record, record(1));
}

#[tokio::test(start_paused = true)]
async fn a_write_over_somebody_elses_change_is_a_conflict_and_is_not_repeated() {
    let world = World::default();
    let mut mine = acquire(&world, "a", 0).await.unwrap();
    let mut changed = world.lease(LEASE).unwrap();
    changed["metadata"]["labels"]["by"] = json!("hand");
    world.put_lease(LEASE, changed);
    world.seen();
    let result = world.store().save(at(1), &mut mine.token, &record(1)).await;
    assert!(matches!(result, Err(StateError::Conflict { .. })), "{result:?}");
    let methods: Vec<String> = world.seen().iter().map(|seen| seen.method.to_string()).collect();
    assert_eq!(methods, ["PUT", "GET"]);
    assert_eq!(world.lease(LEASE).unwrap()["metadata"]["labels"]["by"], "hand");

    world.delete_lease(LEASE);
    let result = world.store().release(at(1), mine.token, &record(1)).await;
    assert!(matches!(result, Err(StateError::Conflict { .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_found_to_have_been_made() {
    let world = World::default().faults([Fault::Serve, Fault::Lose]);
    let mut mine = acquire(&world, "a", 0).await.unwrap();
    world.fault([Fault::Lose]);
    world.store().save(at(1), &mut mine.token, &record(1)).await.unwrap();
    world.fault([Fault::Lose, Fault::Status(500, "InternalError")]);
    world.store().release(at(2), mine.token, &record(2)).await.unwrap();
    assert_eq!(world.store().peek(at(2)).await.unwrap(), peeked(2, None));
}

fn peeked(cycles: usize, held: Option<Held>) -> rebalancer_core::history::Peeked {
    rebalancer_core::history::Peeked { record: record(cycles), held }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let world = World::default().faults([Fault::Busy, Fault::Serve, Fault::Busy]);
    let mut mine = acquire(&world, "a", 0).await.unwrap();
    world.fault([Fault::Status(503, "ServiceUnavailable")]);
    world.store().save(at(1), &mut mine.token, &record(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_lock_is_not_taken_and_the_deadline_holds() {
    let world = World::default().faults([Fault::Hang]);
    let start = tokio::time::Instant::now();
    let message = "no answer within 10s".to_owned();
    assert_eq!(acquire(&world, "a", 0).await, Err(StateError::Unavailable { message }));
    assert!(start.elapsed().as_millis() <= 10_010);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_verb_resource_and_namespace() {
    let forbidden = || Fault::Status(403, "Forbidden");
    for (verb, exists, faults) in [
        ("get", false, vec![forbidden()]),
        ("create", false, vec![Fault::Serve, forbidden()]),
        ("update", true, vec![Fault::Serve, forbidden()]),
    ] {
        let world = World::default();
        if exists {
            world.put_lease(LEASE, json!({}));
        }
        world.fault(faults);
        let expected = StateError::Forbidden {
            verb,
            resource: "leases.coordination.k8s.io",
            namespace: "shop".into(),
            message: "403 Forbidden: words of the server".into(),
        };
        assert_eq!(acquire(&world, "a", 0).await, Err(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn an_admission_rule_that_says_no_is_no_missing_right() {
    let words = "admission webhook \"w\" denied the request: no leases here";
    let denied = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": words});
    let world = World::default().faults([Fault::Serve, Fault::Exactly(403, denied)]);
    let message = format!("403 Forbidden: {words}");
    assert_eq!(acquire(&world, "a", 0).await, Err(StateError::Rejected { message }));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_none_holds_and_is_neither_locked_nor_touched() {
    let good = serde_json::to_string(&record(1)).unwrap();
    let cut = good[..good.len() - 1].to_owned();
    for text in ["", "null", "{}", r#"{"version":1}"#, r#"{"version":"1"}"#, &cut] {
        let world = World::default();
        with_record(&world, text);
        let before = world.lease(LEASE);
        let error = acquire(&world, "a", 0).await.unwrap_err();
        assert!(matches!(error, StateError::Unreadable { .. }), "{text}: {error}");
        assert!(
            error
                .to_string()
                .contains("annotation pod-rebalancer.io/record of Lease shop/pod-rebalancer-consumer")
        );
        assert!(world.store().peek(at(0)).await.is_err());
        assert_eq!(world.lease(LEASE), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_later_version_is_left_to_those_who_know_it() {
    let world = World::default();
    with_record(&world, r#"{"version":2,"shape":"unknown"}"#);
    let error = acquire(&world, "a", 0).await.unwrap_err();
    assert!(matches!(error, StateError::Newer { version: 2, .. }), "{error}");
    assert_eq!(spec(&world), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_look_changes_nothing_and_needs_no_lease() {
    let world = World::default();
    assert_eq!(world.store().peek(at(0)).await.unwrap(), peeked(0, None));
    let _held = acquire(&world, "a", 0).await.unwrap();
    let before = world.lease(LEASE);
    let held = Held { by: "a".into(), until: Some(at(65)) };
    assert_eq!(world.store().peek(at(0)).await.unwrap(), peeked(0, Some(held)));
    assert_eq!(world.store().peek(at(65)).await.unwrap(), peeked(0, None));
    assert_eq!(world.lease(LEASE), before);
    let looks = world.seen().into_iter().filter(|seen| seen.method != "GET");
    assert_eq!(looks.map(|seen| seen.method.to_string()).collect::<Vec<_>>(), ["POST"]);
}

#[tokio::test(start_paused = true)]
async fn what_others_put_on_the_lease_stays_and_nothing_grows() {
    let world = World::default();
    let metadata = json!({"labels": {"team": "x"}, "annotations": {"note": "keep"}, "finalizers": ["f"]});
    world.put_lease(LEASE, json!({"metadata": metadata}));
    for round in 0..30 {
        let mine = acquire(&world, &format!("run-{round}"), round).await.unwrap();
        release(&world, mine, &record(1)).await;
    }
    let after = world.lease(LEASE).unwrap()["metadata"].clone();
    assert_eq!(after["labels"], json!({"team": "x"}));
    assert_eq!((&after["annotations"]["note"], &after["finalizers"]), (&json!("keep"), &json!(["f"])));
    assert!(after.to_string().len() < MOST_BYTES);
    let sent = world.seen();
    assert!(sent.iter().all(|seen| seen.body["metadata"]["managedFields"].is_null()));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_none_is_never_sent() {
    let world = World::default();
    let workload = rebalancer_core::fleet::Workload { namespace: "shop".into(), name: "../x".into() };
    let store = rebalancer_kube::LeaseStore::new(&world.connection(), &workload);
    assert!(matches!(store.peek(at(0)).await, Err(StateError::Rejected { .. })));
    assert!(world.seen().is_empty());
}
