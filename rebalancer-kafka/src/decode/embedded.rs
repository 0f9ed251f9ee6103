//! The consumer protocol: what classic members write for each other. Brokers pass it on as it is, so any client that may
//! join the group has written it.

use rebalancer_core::fleet::consumer_group::{JoinedWith, Subscription, TopicPartition};

use super::topic_partitions;
use crate::wire::{BadAnswer, Reader};

/// What a member says when it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) subscription: Subscription,
    pub(super) joined_with: JoinedWith,
    pub(super) rack: Option<String>,
}

/// Later versions only add fields at the end.
pub(super) fn subscription(bytes: &[u8]) -> Result<Joined, BadAnswer> {
    let mut r = Reader::new(bytes, false);
    let version = version(&mut r)?;
    let mut topics = r.array(Reader::string)?;
    topics.sort_unstable();
    let user_data = Some(r.bytes()?.len()).filter(|length| *length > 0);
    let owned = if version >= 1 { topic_partitions(&mut r)? } else { Vec::new() };
    let generation = if version >= 2 { Some(r.i32()?).filter(|generation| *generation >= 0) } else { None };
    let rack = if version >= 3 { r.nullable_string()? } else { None };
    Ok(Joined {
        subscription: Subscription { topics, pattern: None },
        joined_with: JoinedWith { generation, owned, user_data },
        rack,
    })
}

/// Partitions in the order in which the leader wrote them.
pub(super) fn assignment(bytes: &[u8]) -> Result<Vec<TopicPartition>, BadAnswer> {
    let mut r = Reader::new(bytes, false);
    version(&mut r)?;
    topic_partitions(&mut r)
}

fn version(r: &mut Reader<'_>) -> Result<i16, BadAnswer> {
    match r.i16()? {
        version if version < 0 => Err(BadAnswer(format!("version {version} of the consumer protocol"))),
        version => Ok(version),
    }
}
