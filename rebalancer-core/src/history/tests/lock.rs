//! The rules of the lock, on the store in memory.

use super::*;

const TTL: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn of_two_runs_one_gets_the_lock() {
    let store = MemoryStore::default();
    let first = store.acquire(at(0), "a", TTL).await.unwrap();
    let second = store.acquire(at(0), "b", TTL).await;
    assert_eq!(second, Err(StateError::Held { by: "a".into(), until: Some(at(1)) }));
    store.release(at(0), first.token, &first.record).await.unwrap();
    assert!(store.acquire(at(0), "b", TTL).await.is_ok());
}

#[tokio::test]
async fn a_lock_whose_holder_died_is_taken_over_and_the_holder_writes_no_more() {
    let store = MemoryStore::default();
    let mut first = store.acquire(at(0), "a", TTL).await.unwrap();
    store.save(at(0), &mut first.token, &after(&[(0, 0.5)])).await.unwrap();
    let second = store.acquire(at(1), "b", TTL).await.unwrap();
    assert_eq!(second.record, after(&[(0, 0.5)]));
    let late = store.save(at(1), &mut first.token, &Record::default()).await;
    assert!(matches!(late, Err(StateError::Conflict { .. })));
    assert_eq!(store.peek(at(1)).await.unwrap().record, second.record);
}
