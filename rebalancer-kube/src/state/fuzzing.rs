//! What [`LeaseStore`](super::LeaseStore) makes of a Lease, without an API server.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use rebalancer_core::history::{Acquired, Peeked, Record, StateError, Token};

use super::{lease, memo, remembered, without_history};

/// The record from the text of the Lease's annotation.
///
/// # Errors
/// When it can't be used.
pub fn record(text: &str) -> Result<Record, StateError> {
    super::annotation::decode(text, "here")
}

/// The annotation's text.
///
/// # Errors
/// When it is too long.
pub fn annotation(record: &Record) -> Result<String, StateError> {
    super::annotation::encode(record)
}

/// What a mere look at this Lease gives.
///
/// # Errors
/// When it is no Lease, or its record can't be used.
pub fn peek(lease: &str, now: Timestamp) -> Result<Peeked, StateError> {
    lease::seen(&read(lease)?, now)
}

/// Takes the lock on this Lease, as if the API server stored just what was sent.
///
/// # Errors
/// When it is no Lease, another one holds it, or its record can't be used.
pub fn acquire(
    lease: &str,
    now: Timestamp,
    holder: &str,
    ttl: SignedDuration,
) -> Result<Acquired, StateError> {
    let (record, stored) = lease::claimed(read(lease)?, now, holder, ttl)?;
    let (holder, until) = (holder.to_owned(), lease::until(now, ttl));
    Ok(Acquired { record, token: Token { holder, ttl, until, memo: memo(&stored)? } })
}

/// The Lease as it is written with this record: still held, and freed.
///
/// # Errors
/// When the record is too long.
pub fn written(token: &Token, now: Timestamp, record: &Record) -> Result<[String; 2], StateError> {
    let held = lease::renewed(remembered(token)?, now, token, record)?;
    Ok([memo(&held)?, memo(&lease::freed(held))?])
}

fn read(lease: &str) -> Result<Lease, StateError> {
    let read = serde_json::from_str(lease).map(without_history);
    read.map_err(|error| StateError::Rejected { message: error.to_string() })
}
