//! The decoders as fuzz targets call them. No part of the interface: it may change with any release.

use crate::decode;
use crate::wire::{Api, Reader, unframe};

/// Reads bytes as the answer to each request that is known here, in the version that the first byte picks. What they mean
/// is not looked at: they must be read or refused.
pub fn answers(bytes: &[u8]) {
    let Some((pick, bytes)) = bytes.split_first() else { return };
    let number = i16::from(*pick % 10);
    let read = |api: Api| {
        let version = api.common(number, number)?;
        Some((version, Reader::new(bytes, version.is_flexible())))
    };
    if let Some((version, mut r)) = read(Api::Metadata) {
        drop(decode::metadata(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::FindCoordinator) {
        drop(decode::find_coordinator(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::DescribeGroups) {
        drop(decode::describe_groups(&mut r, version, "g"));
    }
    if let Some((version, mut r)) = read(Api::ConsumerGroupDescribe) {
        drop(decode::consumer_group_describe(&mut r, version, "g"));
    }
    if let Some((version, mut r)) = read(Api::ListGroups) {
        drop(decode::list_groups(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::ListOffsets) {
        drop(decode::list_offsets(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::OffsetFetch) {
        drop(decode::offset_fetch(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::DescribeConfigs) {
        drop(decode::describe_configs(&mut r, version));
    }
    if let Some((version, mut r)) = read(Api::SaslAuthenticate) {
        drop(decode::sasl_authenticate(&mut r, version));
    }
    if let Some((_, mut r)) = read(Api::ListPartitionReassignments) {
        drop(decode::list_partition_reassignments(&mut r));
    }
    if let Some((version, mut r)) = read(Api::ApiVersions) {
        drop(decode::api_versions(&mut r));
        drop(unframe(version, 1, bytes));
    }
    drop(decode::sasl_handshake(&mut Reader::new(bytes, false)));
    decode::embedded_only(bytes);
}
