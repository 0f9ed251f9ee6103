//! From the bytes of answers to values. Pure; anything may be in the bytes.

pub(crate) mod classic;
mod cluster;
mod config;
mod consumer;
mod embedded;
mod listing;
mod offsets;
mod sasl;

pub(crate) use classic::{Described, describe_groups};
pub(crate) use cluster::{
    Broker, Metadata, TopicAnswer, Versions, api_versions, find_coordinator, metadata, release,
};
pub(crate) use config::{CLEANUP_POLICY, TIMESTAMP_TYPE, describe_configs};
pub(crate) use consumer::consumer_group_describe;
pub(crate) use listing::{ListedGroup, list_groups};
pub(crate) use offsets::{list_offsets, list_partition_reassignments, offset_fetch};
pub(crate) use sasl::{Challenge, sasl_authenticate, sasl_handshake};

use rebalancer_core::fleet::consumer_group::{GroupMember, GroupState, TopicPartition};

use crate::wire::{BadAnswer, Reader};

/// A number that is never negative, such as that of a partition.
fn unsigned(number: i32) -> Result<u32, BadAnswer> {
    u32::try_from(number).map_err(|_| BadAnswer(format!("the partition number {number}")))
}

/// -1 says that there is none.
fn offset(number: i64) -> Result<Option<u64>, BadAnswer> {
    match number {
        -1 => Ok(None),
        number => u64::try_from(number).map(Some).map_err(|_| BadAnswer(format!("the offset {number}"))),
    }
}

/// Empty is "not set".
fn named(text: String) -> Option<String> {
    (!text.is_empty()).then(|| text.replace(char::is_control, "\u{fffd}"))
}

/// Brokers put a slash in front of the address, as Java does.
fn host(text: String) -> String {
    text.strip_prefix('/').map(str::to_owned).unwrap_or(text)
}

fn state(word: String) -> GroupState {
    match word.as_str() {
        "Empty" => GroupState::Empty,
        "PreparingRebalance" => GroupState::PreparingRebalance,
        "CompletingRebalance" => GroupState::CompletingRebalance,
        "Assigning" => GroupState::Assigning,
        "Reconciling" => GroupState::Reconciling,
        "Stable" => GroupState::Stable,
        "Dead" => GroupState::Dead,
        _ => GroupState::Unknown(word),
    }
}

/// Topics with partitions, in the order of the bytes.
fn topic_partitions(r: &mut Reader<'_>) -> Result<Vec<TopicPartition>, BadAnswer> {
    let topics = r.array(|r| {
        let topic = r.string()?;
        let numbers = r.array(|r| unsigned(r.i32()?))?;
        r.tags()?;
        Ok((topic, numbers))
    })?;
    let of_topic = |(topic, numbers): (String, Vec<u32>)| {
        numbers.into_iter().map(move |number| TopicPartition::new(topic.clone(), number))
    };
    Ok(topics.into_iter().flat_map(of_topic).collect())
}

/// The one group that was asked for.
fn only(groups: Vec<(String, Described)>, asked: &str) -> Result<Described, BadAnswer> {
    let mut groups = groups.into_iter();
    match (groups.next(), groups.next()) {
        (Some((id, described)), None) if id == asked => Ok(described),
        (Some((id, _)), None) => Err(BadAnswer(format!("it is about the group '{id}', not '{asked}'"))),
        _ => Err(BadAnswer::new("it is not about one group")),
    }
}

/// By member id, each once.
fn in_order(members: &mut [GroupMember]) -> Result<(), BadAnswer> {
    members.sort_by(|a, b| a.id.cmp(&b.id));
    let twice = members.iter().zip(members.iter().skip(1)).find(|(a, b)| a.id == b.id);
    twice.map_or(Ok(()), |(member, _)| Err(BadAnswer(format!("it has the member {} twice", member.id))))
}

/// What members write for each other, from bytes alone.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn embedded_only(bytes: &[u8]) {
    drop(embedded::subscription(bytes));
    drop(embedded::assignment(bytes));
}

#[cfg(test)]
mod tests;
