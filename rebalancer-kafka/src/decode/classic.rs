//! A group of the classic protocol.

use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, MemberProtocol,
};
use rebalancer_core::port::OtherGroup;

use super::{embedded, host, named, state};
use crate::text::excerpt;
use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

/// What a coordinator says of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Described {
    /// It is a consumer group.
    Group(Box<ConsumerGroup>),
    /// It is none.
    Other(OtherGroup),
    /// There is none that this request could describe.
    Absent,
    /// It could not be described.
    Failed(ErrorCode),
}

pub(crate) fn describe_groups(
    r: &mut Reader<'_>,
    version: Version,
    group: &str,
) -> Result<Described, BadAnswer> {
    if version.number >= 1 {
        r.i32()?; // throttled
    }
    let groups = r.array(|r| described(r, version))?;
    super::only(groups, group)
}

fn described(r: &mut Reader<'_>, version: Version) -> Result<(String, Described), BadAnswer> {
    let error = ErrorCode::read(r.i16()?);
    if version.number >= 6 {
        r.nullable_string()?; // the error in words
    }
    let id = r.string()?;
    let state = state(r.string()?);
    let protocol_type = r.string()?;
    let assignor = named(r.string()?);
    let raw = r.array(|r| raw_member(r, version))?;
    if version.number >= 3 {
        r.i32()?; // operations that we may do
    }
    r.tags()?;
    let described = match error {
        Err(ErrorCode::GROUP_ID_NOT_FOUND) => Described::Absent,
        Err(error) => Described::Failed(error),
        // Before version 6, a group that does not exist is dead.
        Ok(()) if state == GroupState::Dead && raw.is_empty() => Described::Absent,
        Ok(()) => match other(&protocol_type, assignor.as_deref()) {
            Some(other) => Described::Other(other),
            None => Described::Group(Box::new(group(id.clone(), state, assignor, raw)?)),
        },
    };
    Ok((id, described))
}

/// Consumers that only commit have no protocol type, and neither has a group that never had a member.
pub(crate) fn other(protocol_type: &str, assignor: Option<&str>) -> Option<OtherGroup> {
    match (protocol_type, assignor) {
        ("consumer", Some("stream")) => Some(OtherGroup::Streams),
        ("consumer" | "", _) => None,
        ("connect", _) => Some(OtherGroup::Connect),
        ("share", _) => Some(OtherGroup::Share),
        // Any client may have made it up.
        (other, _) => Some(OtherGroup::Other(excerpt(other))),
    }
}

struct RawMember<'a> {
    id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    metadata: &'a [u8],
    assignment: &'a [u8],
}

fn raw_member<'a>(r: &mut Reader<'a>, version: Version) -> Result<RawMember<'a>, BadAnswer> {
    let id = r.string()?;
    let instance_id = if version.number >= 4 { r.nullable_string()? } else { None };
    let client_id = r.string()?;
    let host = host(r.string()?);
    let (metadata, assignment) = (r.bytes()?, r.bytes()?);
    r.tags()?;
    Ok(RawMember { id, instance_id, client_id, host, metadata, assignment })
}

fn group(
    id: String,
    state: GroupState,
    assignor: Option<String>,
    raw: Vec<RawMember<'_>>,
) -> Result<ConsumerGroup, BadAnswer> {
    let listed = raw.into_iter().zip(0_u32..);
    let members = listed.map(|(raw, listed)| Ok(GroupMember { listed, ..member(raw, &state)? }));
    let mut members = members.collect::<Result<Vec<_>, BadAnswer>>()?;
    super::in_order(&mut members)?;
    Ok(ConsumerGroup { id, state, protocol: GroupProtocol::Classic, assignor, members, coordinator: None })
}

fn member(raw: RawMember<'_>, state: &GroupState) -> Result<GroupMember, BadAnswer> {
    let of_member = |what: BadAnswer| BadAnswer(format!("member {}: {what}", raw.id));
    // A coordinator tells what members sent only of a group that is stable.
    let joined = match raw.metadata {
        [] => None,
        bytes => Some(embedded::subscription(bytes).map_err(of_member)?),
    };
    let assigned = match raw.assignment {
        [] if state.is_stable() => Some(Vec::new()),
        [] => None,
        bytes => Some(embedded::assignment(bytes).map_err(of_member)?),
    };
    let (subscription, joined_with, rack) = match joined {
        Some(joined) => (Some(joined.subscription), Some(joined.joined_with), joined.rack),
        None => (None, None, None),
    };
    Ok(GroupMember {
        id: raw.id,
        listed: 0,
        client_id: raw.client_id,
        host: raw.host,
        instance_id: raw.instance_id,
        rack,
        protocol: Some(MemberProtocol::Classic),
        epoch: None,
        subscription,
        assigned,
        target: None,
        joined_with,
    })
}
