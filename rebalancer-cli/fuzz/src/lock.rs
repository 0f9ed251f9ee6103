//! A Lease through one run: looked at, taken, written, freed.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{Acquired, Held, StateError};
use rebalancer_kube::fuzzing::{acquire, peek, written};

const US: &str = "cycle-of-ours";
const OTHERS: &str = "cycle-of-others";
const TTL: SignedDuration = SignedDuration::from_secs(60);

/// Panics when two can hold the lock at a time, or when what was written is not what is read.
pub fn check(lease: &str, now: Timestamp) {
    // A Lease can't hold any other year, and no clock shows one.
    if !(0..9_999).contains(&now.to_zoned(TimeZone::UTC).year()) {
        return;
    }
    let seen = peek(lease, now);
    let acquired = acquire(lease, now, US, TTL);
    match (&seen, acquired) {
        (Ok(seen), Ok(acquired)) => {
            assert!(is_ours_or_free(seen.held.as_ref()), "taken from {:?}", seen.held);
            assert_eq!(seen.record, acquired.record);
            is_ours(&acquired, now);
        }
        (Ok(seen), Err(StateError::Held { by, until })) => assert_eq!(seen.held, Some(Held { by, until })),
        // A record that can't be used is not locked.
        (Err(_), Err(_)) => {}
        (seen, acquired) => panic!("{seen:?} and {acquired:?}"),
    }
}

fn is_ours_or_free(held: Option<&Held>) -> bool {
    held.is_none_or(|held| held.by == US)
}

fn is_ours(acquired: &Acquired, now: Timestamp) {
    let Acquired { record, token } = acquired;
    assert!(token.until > now, "{token:?}");
    let [held, freed] = written(token, now, record).expect("what was read can be written");
    let theirs = acquire(&held, now, OTHERS, TTL);
    assert!(matches!(theirs, Err(StateError::Held { .. })), "two hold the lock: {theirs:?}");
    let seen = peek(&freed, now).expect("what was written can be read");
    assert_eq!((&seen.record, seen.held), (record, None));
    assert!(acquire(&freed, now, OTHERS, TTL).is_ok(), "a lock that is free can be taken");
}
