//! A Lease as lock and memory. Pure: from one Lease to the next, with the rules of Kubernetes' own leader election.

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use rebalancer_core::history::{Held, Peeked, Record, StateError, Token};

use super::annotation::{ANNOTATION, decode, encode};

/// Clocks of nodes differ: a lock is taken over only when its time has been up for this long.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(5);

const LONGEST_NAME: usize = 253;
const PREFIX: &str = "pod-rebalancer-";
/// Not the beginning of any workload's Lease.
const GROUP_PREFIX: &str = "pod-rebalancer.group-";

/// The name of a workload's Lease. One that would be too long is cut, and made unique by a hash.
pub(super) fn name(workload: &str) -> String {
    let name = format!("{PREFIX}{workload}");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    cut(&name, fnv1a(&name))
}

/// The name of a consumer group's Lease. Kafka takes any text for a group: what no Lease can be called is replaced, and
/// such a name is made unique by a hash.
pub(super) fn name_of_group(group: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = format!("{GROUP_PREFIX}{}", group.replace(|c| !plain(c), "-"));
    if name == format!("{GROUP_PREFIX}{group}") && name.len() <= LONGEST_NAME && !name.ends_with('-') {
        return name;
    }
    cut(&name, fnv1a(group))
}

/// A name that is no longer than names may be, with this hash at its end.
fn cut(name: &str, hash: u64) -> String {
    let hash = format!("{hash:016x}");
    let kept: String = name.chars().take(LONGEST_NAME - 1 - hash.len()).collect();
    format!("{}-{hash}", kept.trim_end_matches(['-', '.']))
}

/// FNV-1a, 64 bits: the standard library's hash may differ from build to build, and a name must not.
fn fnv1a(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A Lease that nobody has held yet.
pub(super) fn fresh(namespace: &str, name: &str) -> Lease {
    let managed = ("app.kubernetes.io/managed-by".to_owned(), "pod-rebalancer".to_owned());
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some([managed].into()),
        ..ObjectMeta::default()
    };
    Lease { metadata, spec: None }
}

/// Who holds it at this time. A holder without a time holds it until someone removes the holder.
pub(super) fn held(lease: &Lease, now: Timestamp) -> Option<Held> {
    let spec = lease.spec.as_ref()?;
    let by = spec.holder_identity.clone().filter(|by| !by.is_empty())?;
    let until = end(spec);
    until.is_none_or(|until| now < until).then_some(Held { by, until })
}

fn end(spec: &LeaseSpec) -> Option<Timestamp> {
    let renewed = spec.renew_time.as_ref()?.0;
    let duration = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds?));
    Some(later(renewed, duration.saturating_add(SKEW)))
}

/// The record that it keeps; an empty one when it keeps none.
pub(super) fn record(lease: &Lease) -> Result<Record, StateError> {
    let annotation = lease.metadata.annotations.as_ref().and_then(|all| all.get(ANNOTATION));
    annotation.map_or_else(|| Ok(Record::default()), |text| decode(text, &place(lease)))
}

/// What a mere look at it gives.
pub(super) fn seen(lease: &Lease, now: Timestamp) -> Result<Peeked, StateError> {
    Ok(Peeked { record: record(lease)?, held: held(lease, now) })
}

fn place(lease: &Lease) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (namespace, name) = (part(&lease.metadata.namespace), part(&lease.metadata.name));
    format!("in the annotation {ANNOTATION} of Lease {namespace}/{name}")
}

/// The record, and the Lease once this holder has it.
///
/// # Errors
/// When another one holds it. A record that can't be used is not locked: whoever repairs it finds it free.
pub(super) fn claimed(
    lease: Lease,
    now: Timestamp,
    holder: &str,
    ttl: SignedDuration,
) -> Result<(Record, Lease), StateError> {
    if let Some(Held { by, until }) = held(&lease, now).filter(|held| held.by != holder) {
        return Err(StateError::Held { by, until });
    }
    let record = record(&lease)?;
    Ok((record, taken(lease, now, holder, ttl)))
}

/// The Lease once this holder has it.
pub(super) fn taken(mut lease: Lease, now: Timestamp, holder: &str, ttl: SignedDuration) -> Lease {
    let is_new = lease.spec.is_none();
    let mut spec = lease.spec.unwrap_or_default();
    let now = MicroTime(micros(now));
    if spec.holder_identity.as_deref() != Some(holder) {
        // As client-go counts: each change of the holder, also from nobody; the one that creates it is none.
        let before = spec.lease_transitions.unwrap_or(0);
        spec.lease_transitions = Some(if is_new { 0 } else { before.saturating_add(1) });
        spec.acquire_time = Some(now.clone());
    }
    spec.holder_identity = Some(holder.to_owned());
    spec.lease_duration_seconds = Some(seconds(ttl));
    spec.renew_time = Some(now);
    lease.spec = Some(spec);
    lease
}

/// The Lease with this record, held on by the same holder.
pub(super) fn renewed(
    lease: Lease,
    now: Timestamp,
    token: &Token,
    record: &Record,
) -> Result<Lease, StateError> {
    let mut lease = taken(lease, now, &token.holder, token.ttl);
    let annotations = lease.metadata.annotations.get_or_insert_default();
    annotations.insert(ANNOTATION.to_owned(), encode(record)?);
    Ok(lease)
}

/// The Lease without a holder.
pub(super) fn freed(mut lease: Lease) -> Lease {
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = None;
    }
    lease
}

/// What is stored is what was to be written.
pub(super) fn is_same(stored: &Lease, wanted: &Lease) -> bool {
    let kept = |lease: &Lease| lease.metadata.annotations.as_ref()?.get(ANNOTATION).cloned();
    stored.spec == wanted.spec && kept(stored) == kept(wanted)
}

/// Until when a holder that wrote at this time may act.
pub(super) fn until(now: Timestamp, ttl: SignedDuration) -> Timestamp {
    later(micros(now), SignedDuration::from_secs(i64::from(seconds(ttl))))
}

fn seconds(ttl: SignedDuration) -> i32 {
    i32::try_from(ttl.as_secs().max(1)).unwrap_or(i32::MAX)
}

/// The server keeps microseconds.
fn micros(at: Timestamp) -> Timestamp {
    let down = TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc);
    at.round(down).unwrap_or(at)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
