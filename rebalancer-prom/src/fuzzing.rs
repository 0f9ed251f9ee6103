//! The decoders as the fuzz targets call them. No part of the interface: it may change with any release.

use rebalancer_core::fleet::{Claims, Hpa, PartitionLoad, Samples};
use rebalancer_core::port::MetricsError;

use crate::decode::{self, Decoded, claimed, kept};
use crate::promql::Parts;

/// One value by pod, as for a load and for CPU requests.
///
/// # Errors
/// As for a reading.
pub fn samples(body: &[u8]) -> Result<Samples, MetricsError> {
    value(decode::samples(body))
}

/// Autoscalers with their CPU target.
///
/// # Errors
/// As for a reading.
pub fn hpas(body: &[u8]) -> Result<Vec<Hpa>, MetricsError> {
    value(decode::hpas(body))
}

/// Partition loads with their pods.
///
/// # Errors
/// As for a reading.
pub fn partitions(body: &[u8]) -> Result<Vec<PartitionLoad>, MetricsError> {
    value(decode::partitions(body))
}

/// The same three from an answer that keeps all labels; copies are folded.
///
/// # Errors
/// The first of them.
pub fn keeping_labels(body: &[u8]) -> Result<(Samples, Vec<Hpa>, Vec<PartitionLoad>), MetricsError> {
    Ok((value(kept::samples(body))?, value(kept::hpas(body))?, value(kept::partitions(body))?))
}

/// Loads from an answer in which the containers of a pod come one by one, as of CPU and as of memory.
///
/// # Errors
/// As for a reading.
pub fn by_container(body: &[u8]) -> Result<[(Samples, Claims); 2], MetricsError> {
    let read = |parts| value(claimed::samples(body, parts));
    Ok([read(Parts::Added)?, read(Parts::Successive)?])
}

/// The server's own words in an answer that reports an error, if it is one.
#[must_use]
pub fn server_error(body: &[u8]) -> Option<String> {
    decode::server_error(body)
}

fn value<T>(decoded: Result<Decoded<T>, MetricsError>) -> Result<T, MetricsError> {
    decoded.map(|decoded| decoded.value)
}
