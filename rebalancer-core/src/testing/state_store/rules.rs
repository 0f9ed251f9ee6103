//! The rules. Each gets an empty store, and says what it saw where it is broken.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};

use super::BEGIN;
use crate::history::{Acquired, CycleHealth, HistoryPolicy, Peeked, Record, StateError, StateStore};

type Rule = Result<(), String>;

const TTL: SignedDuration = SignedDuration::from_mins(2);

fn after(duration: SignedDuration) -> Timestamp {
    BEGIN.checked_add(duration).unwrap_or(Timestamp::MAX)
}

const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// A record of so many cycles, unlike every other.
fn record(cycles: usize) -> Record {
    let mut record = Record::default();
    for _ in 0..cycles {
        record.cycle_ended("balanced", CycleHealth::Sound, BEGIN, &HistoryPolicy::default());
    }
    record
}

async fn acquire(store: &impl StateStore, holder: &str, now: Timestamp) -> Result<Acquired, String> {
    let acquired = store.acquire(now, holder, TTL).await;
    acquired.map_err(|error| format!("'{holder}' did not get the lock: {error}"))
}

async fn peek(store: &impl StateStore, now: Timestamp) -> Result<Peeked, String> {
    store.peek(now).await.map_err(|error| format!("a look failed: {error}"))
}

fn done<T>(what: &str, result: Result<T, StateError>) -> Result<T, String> {
    result.map_err(|error| format!("{what} failed: {error}"))
}

fn same<T: PartialEq + Debug>(what: &str, seen: &T, expected: &T) -> Rule {
    if seen == expected { Ok(()) } else { Err(format!("{what} was {seen:?}, not {expected:?}")) }
}

/// That this holder has the lock at this time, and until when.
async fn held(store: &impl StateStore, by: &str, now: Timestamp) -> Result<Timestamp, String> {
    let told = match store.acquire(now, "another", TTL).await {
        Err(StateError::Held { by, until }) => (by, until),
        Err(error) => return Err(format!("at {now} the lock was not told to be held: {error}")),
        Ok(_) => return Err(format!("at {now} another run got the lock that '{by}' holds")),
    };
    same("the holder", &told.0.as_str(), &by)?;
    told.1.ok_or_else(|| "the lock was told to have no end".to_owned())
}

fn conflict<T: Debug>(what: &str, result: &Result<T, StateError>) -> Rule {
    match result {
        Err(StateError::Conflict { .. }) => Ok(()),
        Err(error) => Err(format!("{what} was refused, but not as a conflict: {error}")),
        Ok(_) => Err(format!("{what} was made")),
    }
}

pub(super) async fn empty_at_first(store: &impl StateStore) -> Rule {
    same("a look", &peek(store, BEGIN).await?, &Peeked { record: Record::default(), held: None })?;
    same("the record", &acquire(store, "a", BEGIN).await?.record, &Record::default())
}

pub(super) async fn read_back(store: &impl StateStore) -> Rule {
    let mut a = acquire(store, "a", BEGIN).await?;
    done("a save", store.save(BEGIN, &mut a.token, &record(1)).await)?;
    same("the record after a save", &peek(store, BEGIN).await?.record, &record(1))?;
    done("the release", store.release(BEGIN, a.token, &record(2)).await)?;
    same("the record after the release", &acquire(store, "b", BEGIN).await?.record, &record(2))
}

pub(super) async fn one_holder(store: &impl StateStore) -> Rule {
    let a = acquire(store, "a", BEGIN).await?;
    let until = held(store, "a", BEGIN).await?;
    if until < a.token.until {
        return Err(format!("others are told {until}, and the holder {}", a.token.until));
    }
    let seen = peek(store, BEGIN).await?.held.map(|held| held.by);
    same("the holder to a look", &seen.as_deref(), &Some("a"))
}

pub(super) async fn free_once_released(store: &impl StateStore) -> Rule {
    let a = acquire(store, "a", BEGIN).await?;
    done("the release", store.release(BEGIN, a.token, &record(1)).await)?;
    same("the lock to a look", &peek(store, BEGIN).await?.held, &None)?;
    acquire(store, "b", BEGIN).await.map(drop)
}

pub(super) async fn free_once_expired(store: &impl StateStore) -> Rule {
    let a = acquire(store, "a", BEGIN).await?;
    same("the end that the holder is told", &a.token.until, &after(TTL))?;
    let until = held(store, "a", after(TTL - MOMENT)).await?;
    if until > after(TTL * 2) {
        return Err(format!("a lock for {TTL:#} is told to be held until {until}, from {BEGIN} on"));
    }
    same("the lock to a look at its end", &peek(store, until).await?.held, &None)?;
    acquire(store, "b", until).await.map(drop)
}

pub(super) async fn late_holder(store: &impl StateStore) -> Rule {
    let mut a = acquire(store, "a", BEGIN).await?;
    done("a save", store.save(BEGIN, &mut a.token, &record(1)).await)?;
    let until = held(store, "a", BEGIN).await?;
    let b = acquire(store, "b", until).await?;
    same("the record that was taken over", &b.record, &record(1))?;
    conflict("a late save", &store.save(until, &mut a.token, &record(9)).await)?;
    conflict("a late release", &store.release(until, a.token, &record(9)).await)?;
    same("the record", &peek(store, until).await?.record, &record(1))?;
    held(store, "b", until).await.map(drop)
}

pub(super) async fn save_renews(store: &impl StateStore) -> Rule {
    let mut a = acquire(store, "a", BEGIN).await?;
    let first = held(store, "a", BEGIN).await?;
    let half = after(TTL / 2);
    done("a save", store.save(half, &mut a.token, &record(1)).await)?;
    same("the new end", &a.token.until, &half.checked_add(TTL).unwrap_or(Timestamp::MAX))?;
    held(store, "a", first).await.map(drop)
}

pub(super) async fn only_over_what_was_read(store: &impl StateStore) -> Rule {
    let mut a = acquire(store, "a", BEGIN).await?;
    let mut stale = a.token.clone();
    done("a save", store.save(BEGIN, &mut a.token, &record(1)).await)?;
    conflict("a save over a later one", &store.save(BEGIN, &mut stale, &record(9)).await)?;
    conflict("a release over a later save", &store.release(BEGIN, stale, &record(9)).await)?;
    same("the record", &peek(store, BEGIN).await?.record, &record(1))?;
    done("a save of the holder", store.save(BEGIN, &mut a.token, &record(2)).await)
}

pub(super) async fn released_token(store: &impl StateStore) -> Rule {
    let a = acquire(store, "a", BEGIN).await?;
    let mut kept = a.token.clone();
    done("the release", store.release(BEGIN, a.token, &record(1)).await)?;
    conflict("a save after the release", &store.save(BEGIN, &mut kept, &record(9)).await)?;
    same("what is there", &peek(store, BEGIN).await?, &Peeked { record: record(1), held: None })
}

pub(super) async fn failed_save(store: &impl StateStore) -> Rule {
    let mut a = acquire(store, "a", BEGIN).await?;
    let until = held(store, "a", BEGIN).await?;
    let _b = acquire(store, "b", until).await?;
    let before = a.token.clone();
    conflict("a late save", &store.save(until, &mut a.token, &record(9)).await)?;
    same("the token", &a.token, &before)
}

pub(super) async fn peek_changes_nothing(store: &impl StateStore) -> Rule {
    peek(store, BEGIN).await?;
    let mut a = acquire(store, "a", BEGIN).await?;
    let until = held(store, "a", BEGIN).await?;
    let first = peek(store, after(TTL / 2)).await?;
    same("a second look", &peek(store, after(TTL / 2)).await?, &first)?;
    same("the lock's end", &held(store, "a", after(TTL / 2)).await?, &until)?;
    done("a save after a look", store.save(after(TTL / 2), &mut a.token, &record(1)).await)
}

pub(super) async fn two_at_once(store: &impl StateStore) -> Rule {
    let (a, b) = both(store.acquire(BEGIN, "a", TTL), store.acquire(BEGIN, "b", TTL)).await;
    if a.is_ok() && b.is_ok() {
        return Err("both got it".to_owned());
    }
    let mut ends = vec![BEGIN];
    for (holder, result) in [("a", &a), ("b", &b)] {
        if result.is_ok() {
            ends.push(held(store, holder, BEGIN).await?);
        }
    }
    let free = ends.into_iter().max().unwrap_or(BEGIN);
    acquire(store, "c", free).await.map(drop)
}

pub(super) async fn unreadable(store: &impl StateStore) -> Rule {
    if let Ok(peeked) = store.peek(BEGIN).await {
        return Err(format!("a look gave {peeked:?}"));
    }
    match store.acquire(BEGIN, "a", TTL).await {
        Ok(acquired) => Err(format!("the lock was given, with {:?}", acquired.record)),
        Err(_) => Ok(()),
    }
}

/// Both at once, to the end of both.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            first = Some(done);
        }
        if second.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            second = Some(done);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
