//! The bodies of requests. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::wire::{Version, Writer};

/// Which offset of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OffsetSpec {
    /// The first that is still there.
    LogStart,
    /// The one that comes next.
    End,
    /// That of the first record of this time or later.
    At(Timestamp),
}

impl OffsetSpec {
    fn wire(self) -> i64 {
        match self {
            Self::LogStart => -2,
            Self::End => -1,
            // Times before 1970 would be read as one of the two others.
            Self::At(time) => time.as_millisecond().max(0),
        }
    }
}

pub(crate) fn api_versions() -> Vec<u8> {
    Vec::new()
}

pub(crate) fn sasl_handshake(mechanism: &str) -> Vec<u8> {
    let mut body = Writer::new(false);
    body.string(mechanism);
    body.finish()
}

pub(crate) fn sasl_authenticate(version: Version, message: &[u8]) -> Vec<u8> {
    let mut body = writer(version);
    body.bytes(message).tags();
    body.finish()
}

/// Brokers, and these topics. A topic that does not exist is not made.
pub(crate) fn metadata(version: Version, topics: &BTreeSet<String>) -> Vec<u8> {
    let mut body = writer(version);
    body.array(topics.iter(), |body, name| {
        if version.number >= 10 {
            body.raw(&[0; 16]); // by name, not by id
        }
        body.string(name).tags();
    });
    body.bool(false);
    if (8..=10).contains(&version.number) {
        body.bool(false);
    }
    if version.number >= 8 {
        body.bool(false);
    }
    body.tags();
    body.finish()
}

pub(crate) fn find_coordinator(version: Version, group: &str) -> Vec<u8> {
    const GROUP: i8 = 0;
    let mut body = writer(version);
    body.string(group);
    if version.number >= 1 {
        body.i8(GROUP);
    }
    body.tags();
    body.finish()
}

pub(crate) fn describe_groups(version: Version, group: &str) -> Vec<u8> {
    let mut body = writer(version);
    body.array([group].iter(), |body, name| {
        body.string(name);
    });
    if version.number >= 3 {
        body.bool(false);
    }
    body.tags();
    body.finish()
}

pub(crate) fn consumer_group_describe(version: Version, group: &str) -> Vec<u8> {
    let mut body = writer(version);
    body.array([group].iter(), |body, name| {
        body.string(name);
    });
    body.bool(false).tags();
    body.finish()
}

/// All groups, of every state and type.
pub(crate) fn list_groups(version: Version) -> Vec<u8> {
    let mut body = writer(version);
    for since in [4, 5] {
        if version.number >= since {
            body.array([""; 0].iter(), |_, _| ());
        }
    }
    body.tags();
    body.finish()
}

/// The same offset of each of these partitions.
pub(crate) fn list_offsets(
    version: Version,
    partitions: &BTreeMap<&str, Vec<i32>>,
    spec: OffsetSpec,
) -> Vec<u8> {
    const NO_REPLICA: i32 = -1;
    const ANY_EPOCH: i32 = -1;
    const READ_UNCOMMITTED: i8 = 0;
    let mut body = writer(version);
    body.i32(NO_REPLICA);
    if version.number >= 2 {
        body.i8(READ_UNCOMMITTED);
    }
    body.array(partitions.iter(), |body, (topic, numbers)| {
        body.string(topic);
        body.array(numbers.iter(), |body, number| {
            body.i32(*number);
            if version.number >= 4 {
                body.i32(ANY_EPOCH);
            }
            body.i64(spec.wire()).tags();
        });
        body.tags();
    });
    body.tags();
    body.finish()
}

pub(crate) fn offset_fetch(version: Version, group: &str, partitions: &BTreeMap<&str, Vec<i32>>) -> Vec<u8> {
    let mut body = writer(version);
    body.string(group);
    topics(&mut body, partitions);
    if version.number >= 7 {
        // A pending transaction is no reason to wait: what is committed is what counts.
        body.bool(false);
    }
    body.tags();
    body.finish()
}

pub(crate) fn list_partition_reassignments(
    version: Version,
    partitions: &BTreeMap<&str, Vec<i32>>,
    timeout_ms: i32,
) -> Vec<u8> {
    let mut body = writer(version);
    body.i32(timeout_ms);
    topics(&mut body, partitions);
    body.tags();
    body.finish()
}

/// These keys of these topics.
pub(crate) fn describe_configs(version: Version, names: &BTreeSet<String>, keys: &[&str]) -> Vec<u8> {
    const TOPIC: i8 = 2;
    let mut body = writer(version);
    body.array(names.iter(), |body, name| {
        body.i8(TOPIC).string(name);
        body.array(keys.iter(), |body, key| {
            body.string(key);
        });
        body.tags();
    });
    body.bool(false);
    if version.number >= 3 {
        body.bool(false);
    }
    body.tags();
    body.finish()
}

fn topics(body: &mut Writer, partitions: &BTreeMap<&str, Vec<i32>>) {
    body.array(partitions.iter(), |body, (topic, numbers)| {
        body.string(topic);
        body.array(numbers.iter(), |body, number| {
            body.i32(*number);
        });
        body.tags();
    });
}

fn writer(version: Version) -> Writer {
    Writer::new(version.is_flexible())
}
