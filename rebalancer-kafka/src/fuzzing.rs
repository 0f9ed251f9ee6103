//! The decoders as fuzz targets call them. No part of the interface: it may change with any release.

use rebalancer_core::fleet::consumer_group::ConsumerGroup;

use crate::decode::{self, Described};
use crate::wire::{Api, BadAnswer, Reader, Version, unframe};

/// The group that [`answers`] are about.
pub const GROUP: &str = "g";

/// Reads bytes as the answer to each request that is known here, in the version that the first byte names. They must be
/// read or refused. Gives the groups that they are read as.
#[must_use]
pub fn answers(bytes: &[u8]) -> Vec<ConsumerGroup> {
    let Some((pick, bytes)) = bytes.split_first() else { return Vec::new() };
    let number = i16::from(*pick % 13);
    others(number, bytes);
    let described = [
        read(Api::DescribeGroups, number, bytes, |r, version| decode::describe_groups(r, version, GROUP)),
        read(Api::ConsumerGroupDescribe, number, bytes, |r, version| {
            decode::consumer_group_describe(r, version, GROUP)
        }),
    ];
    let group = |described| match described {
        Described::Group(group) => Some(*group),
        Described::Other(_) | Described::Absent | Described::Failed(_) => None,
    };
    described.into_iter().flatten().filter_map(group).collect()
}

fn others(number: i16, bytes: &[u8]) {
    drop(read(Api::Metadata, number, bytes, decode::metadata));
    drop(read(Api::FindCoordinator, number, bytes, decode::find_coordinator));
    drop(read(Api::ListGroups, number, bytes, decode::list_groups));
    drop(read(Api::ListOffsets, number, bytes, decode::list_offsets));
    drop(read(Api::OffsetFetch, number, bytes, decode::offset_fetch));
    drop(read(Api::DescribeConfigs, number, bytes, decode::describe_configs));
    drop(read(Api::SaslAuthenticate, number, bytes, decode::sasl_authenticate));
    drop(read(Api::SaslHandshake, number, bytes, |r, _| decode::sasl_handshake(r)));
    drop(read(Api::ApiVersions, number, bytes, |r, _| decode::api_versions(r)));
    drop(read(Api::ListPartitionReassignments, number, bytes, |r, _| {
        decode::list_partition_reassignments(r)
    }));
    drop(unframe(Api::Metadata.lowest(), 1, bytes));
    decode::embedded_only(bytes);
}

fn read<T>(
    api: Api,
    number: i16,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>, Version) -> Result<T, BadAnswer>,
) -> Option<T> {
    let version = api.common(number, number)?;
    read(&mut Reader::new(bytes, version.is_flexible()), version).ok()
}
