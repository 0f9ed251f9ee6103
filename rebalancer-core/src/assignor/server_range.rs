//! The broker's `range` assignor of the new consumer protocol (KIP-848), as Kafka 4.4 has it.
//!
//! For each topic the subscribers in order, static members by instance id first, then the others by member id, get
//! contiguous blocks, the first ones one partition larger. What was owned before plays no part, though brokers before
//! 4.0 kept some of it. Without racks this is the clients' own `range`.

use super::{Assignment, Group, Member, TopicPartition};

/// Partitions for each member of `group`.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    let mut assignment = vec![Vec::new(); group.members.len()];
    let subscribers = subscribers(group);
    for ((index, topic), members) in (0..).zip(&group.topics).zip(subscribers) {
        let mut partitions =
            (0..topic.partitions).map(|partition| TopicPartition { topic: index, partition });
        for (member, size) in members.iter().zip(block_sizes(topic.partitions as usize, members.len())) {
            if let Some(list) = assignment.get_mut(*member) {
                list.extend(partitions.by_ref().take(size));
            }
        }
    }
    assignment
}

/// Indices of the members of each topic, in order.
fn subscribers(group: &Group) -> Vec<Vec<usize>> {
    let mut line: Vec<(usize, &Member)> = group.members.iter().enumerate().collect();
    line.sort_by_key(|(_, member)| {
        (member.instance.is_none(), member.instance.as_deref(), member.id.as_str())
    });
    let mut subscribers = vec![Vec::new(); group.topics.len()];
    for (index, member) in line {
        for topic in &member.subscription {
            if let Some(members) = subscribers.get_mut(*topic as usize) {
                members.push(index);
            }
        }
    }
    subscribers
}

fn block_sizes(partitions: usize, members: usize) -> impl Iterator<Item = usize> {
    let divisor = members.max(1);
    let (least, larger) = (partitions / divisor, partitions % divisor);
    (0..members).map(move |place| least + usize::from(place < larger))
}
