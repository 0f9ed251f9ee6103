//! A group of the consumer protocol (KIP-848).

use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, MemberProtocol, Subscription, TopicPartition,
};

use super::{Described, host, named, state, unsigned};
use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

pub(crate) fn consumer_group_describe(
    r: &mut Reader<'_>,
    version: Version,
    group: &str,
) -> Result<Described, BadAnswer> {
    r.i32()?; // throttled
    let groups = r.array(|r| described(r, version))?;
    super::only(groups, group)
}

fn described(r: &mut Reader<'_>, version: Version) -> Result<(String, Described), BadAnswer> {
    let error = ErrorCode::read(r.i16()?);
    r.nullable_string()?; // the error in words
    let id = r.string()?;
    let state = state(r.string()?);
    let protocol = GroupProtocol::Consumer { epoch: r.i32()?, assignment_epoch: r.i32()? };
    let assignor = named(r.string()?);
    let members = r.array(|r| member(r, version))?;
    let listed = members.into_iter().zip(0_u32..);
    let mut members: Vec<GroupMember> =
        listed.map(|(member, listed)| GroupMember { listed, ..member }).collect();
    r.i32()?; // operations that we may do
    r.tags()?;
    let described = match error {
        Err(ErrorCode::GROUP_ID_NOT_FOUND | ErrorCode::UNSUPPORTED_VERSION) => Described::Absent,
        Err(error) => Described::Failed(error),
        Ok(()) => {
            super::in_order(&mut members)?;
            let group =
                ConsumerGroup { id: id.clone(), state, protocol, assignor, members, coordinator: None };
            Described::Group(Box::new(group))
        }
    };
    Ok((id, described))
}

fn member(r: &mut Reader<'_>, version: Version) -> Result<GroupMember, BadAnswer> {
    let id = r.string()?;
    let instance_id = r.nullable_string()?;
    let rack = r.nullable_string()?;
    let epoch = r.i32()?;
    let client_id = r.string()?;
    let host = host(r.string()?);
    let mut topics = r.array(Reader::string)?;
    topics.sort_unstable();
    let pattern = r.nullable_string()?.and_then(named);
    let assigned = assignment(r)?;
    let target = assignment(r)?;
    let protocol = if version.number >= 1 { member_protocol(r.i8()?) } else { None };
    r.tags()?;
    Ok(GroupMember {
        listed: 0,
        id,
        client_id,
        host,
        instance_id,
        rack,
        protocol,
        epoch: Some(epoch),
        subscription: Some(Subscription { topics, pattern }),
        assigned: Some(assigned),
        target: Some(target),
        joined_with: None,
    })
}

fn member_protocol(number: i8) -> Option<MemberProtocol> {
    match number {
        0 => Some(MemberProtocol::Classic),
        1 => Some(MemberProtocol::Consumer),
        _ => None,
    }
}

fn assignment(r: &mut Reader<'_>) -> Result<Vec<TopicPartition>, BadAnswer> {
    let topics = r.array(|r| {
        r.i64()?; // the topic's id, in two halves
        r.i64()?;
        let topic = r.string()?;
        let numbers = r.array(|r| unsigned(r.i32()?))?;
        r.tags()?;
        Ok((topic, numbers))
    })?;
    r.tags()?;
    let of_topic = |(topic, numbers): (String, Vec<u32>)| {
        numbers.into_iter().map(move |number| TopicPartition::new(topic.clone(), number))
    };
    Ok(topics.into_iter().flat_map(of_topic).collect())
}
