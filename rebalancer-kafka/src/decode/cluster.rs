//! Versions, brokers, topics, coordinators.

use std::collections::BTreeMap;

use rebalancer_core::fleet::consumer_group::{CoordinatorRelease, TopicId};

use crate::settings::Address;
use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

/// Versions that a broker knows, lowest and highest, by the key of the request.
pub(crate) type Versions = BTreeMap<i16, (i16, i16)>;

pub(crate) fn api_versions(r: &mut Reader<'_>) -> Result<Result<Versions, ErrorCode>, BadAnswer> {
    let error = ErrorCode::read(r.i16()?);
    let versions = r.array(|r| Ok((r.i16()?, (r.i16()?, r.i16()?))))?;
    Ok(error.map(|()| versions.into_iter().collect()))
}

/// The release of a broker that knows these requests in these versions, as far as it matters to groups of KIP-848. Each
/// release has withdrawn or added some: 4.0.0 the first versions of `JoinGroup`, which 4.0.1 brought back, and of `Fetch`.
pub(crate) fn release(versions: &Versions) -> Option<CoordinatorRelease> {
    const FETCH: i16 = 1;
    const JOIN_GROUP: i16 = 11;
    const DESCRIBE_LOG_DIRS: i16 = 35;
    let (oldest_fetch, _) = *versions.get(&FETCH)?;
    let (oldest_join, _) = *versions.get(&JOIN_GROUP)?;
    let (_, newest_log_dirs) = *versions.get(&DESCRIBE_LOG_DIRS)?;
    Some(match (oldest_fetch, oldest_join) {
        (0..4, _) | (_, 2..) => CoordinatorRelease::Before4_0_1,
        (_, _) if newest_log_dirs >= 5 => CoordinatorRelease::Since4_3,
        (_, _) => CoordinatorRelease::Since4_0_1,
    })
}

/// A broker as it advertises itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    pub(crate) address: Address,
    pub(crate) rack: Option<String>,
}

/// What brokers know of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) brokers: Vec<Broker>,
    pub(crate) controller: i32,
    pub(crate) topics: Vec<TopicAnswer>,
}

/// One topic that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicAnswer {
    pub(crate) error: Result<(), ErrorCode>,
    pub(crate) name: String,
    pub(crate) id: Option<TopicId>,
    pub(crate) partitions: Vec<PartitionAnswer>,
}

/// A partition, its leader, and the brokers that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartitionAnswer {
    pub(crate) number: u32,
    pub(crate) leader: Option<i32>,
    pub(crate) replicas: Vec<i32>,
}

pub(crate) fn metadata(r: &mut Reader<'_>, version: Version) -> Result<Metadata, BadAnswer> {
    r.i32()?; // throttled
    let brokers = r.array(broker)?;
    r.nullable_string()?; // the cluster's id
    let controller = r.i32()?;
    let topics = r.array(|r| topic(r, version))?;
    if (8..=10).contains(&version.number) {
        r.i32()?; // operations that we may do
    }
    Ok(Metadata { brokers, controller, topics })
}

fn broker(r: &mut Reader<'_>) -> Result<Broker, BadAnswer> {
    let id = r.i32()?;
    let address = address(r)?;
    let rack = r.nullable_string()?;
    r.tags()?;
    Ok(Broker { id, address, rack })
}

fn address(r: &mut Reader<'_>) -> Result<Address, BadAnswer> {
    let host = r.string()?;
    if host.is_empty() || host.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(BadAnswer::new("a host name that is none"));
    }
    let port = r.i32()?;
    let port = u16::try_from(port).map_err(|_| BadAnswer(format!("the port {port}")))?;
    Ok(Address { host, port })
}

fn topic(r: &mut Reader<'_>, version: Version) -> Result<TopicAnswer, BadAnswer> {
    let error = ErrorCode::read(r.i16()?);
    let name = r.string()?;
    let id = if version.number >= 10 { topic_id(r)? } else { None };
    r.bool()?; // internal
    let partitions = r.array(|r| partition(r, version))?;
    if version.number >= 8 {
        r.i32()?; // operations that we may do
    }
    r.tags()?;
    Ok(TopicAnswer { error, name, id, partitions })
}

/// All zeros is none: the topic is from before there were ids.
fn topic_id(r: &mut Reader<'_>) -> Result<Option<TopicId>, BadAnswer> {
    let id = TopicId { most: r.i64()?.cast_unsigned(), least: r.i64()?.cast_unsigned() };
    Ok(Some(id).filter(|id| (id.most, id.least) != (0, 0)))
}

fn partition(r: &mut Reader<'_>, version: Version) -> Result<PartitionAnswer, BadAnswer> {
    r.i16()?; // where it is an error, there is no leader
    let number = super::unsigned(r.i32()?)?;
    let leader = r.i32()?;
    if version.number >= 7 {
        r.i32()?; // the leader's epoch
    }
    let replicas = r.array(Reader::i32)?;
    r.array(Reader::i32)?; // in sync
    if version.number >= 5 {
        r.array(Reader::i32)?; // offline
    }
    r.tags()?;
    Ok(PartitionAnswer { number, leader: (leader >= 0).then_some(leader), replicas })
}

/// Where the coordinator of a group is.
pub(crate) fn find_coordinator(
    r: &mut Reader<'_>,
    version: Version,
) -> Result<Result<Address, ErrorCode>, BadAnswer> {
    if version.number >= 1 {
        r.i32()?; // throttled
    }
    if let Err(error) = ErrorCode::read(r.i16()?) {
        return Ok(Err(error));
    }
    if version.number >= 1 {
        r.nullable_string()?; // the error in words
    }
    r.i32()?; // the broker's id
    address(r).map(Ok)
}
