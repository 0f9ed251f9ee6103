//! Kafka's `range` assignor: each topic on its own, in contiguous blocks over its subscribers.
//!
//! The first blocks of a topic are one larger where it does not divide evenly, so with many small topics the first
//! members get more of everything. What was held before plays no part: the blocks stay the same sets whoever leaves
//! and joins, as long as the number of subscribers does.

use std::cmp::Ordering;

use super::{Assignment, Group, Member, TopicPartition};

/// Partitions of each member under Kafka's Java `RangeAssignor`.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    let subscribers = subscribers(group, &in_turn(group));
    let mut result = vec![Vec::new(); group.members.len()];
    for ((topic, seats), index) in group.topics.iter().zip(&subscribers).zip(0..) {
        let mut next = 0;
        for (seat, size) in seats.iter().zip(block_sizes(topic.partitions, seats.len())) {
            let block = (next..next + size).map(|partition| TopicPartition { topic: index, partition });
            if let Some(list) = result.get_mut(seat.place) {
                list.extend(block);
            }
            next += size;
        }
    }
    result
}

/// Places of the members in [`Group::members`] in the order in which range and round robin deal: static members
/// first, by instance id, so that their blocks survive a restart; then the others by member id.
///
/// Strings compare by byte, as Java's do below U+E000; above it the orders differ.
pub(super) fn in_turn(group: &Group) -> Vec<usize> {
    let mut turn: Vec<(&Member, usize)> = group.members.iter().zip(0..).collect();
    turn.sort_by(|(left, _), (right, _)| compare(left, right));
    turn.into_iter().map(|(_, place)| place).collect()
}

fn compare(left: &Member, right: &Member) -> Ordering {
    match (&left.instance, &right.instance) {
        (Some(left), Some(right)) => left.cmp(right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.id.cmp(&right.id),
    }
}

/// A subscriber of a topic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    /// Its index in the turn.
    pub(super) position: usize,
    /// Its index in [`Group::members`].
    pub(super) place: usize,
}

/// The subscribers of each topic, in turn.
pub(super) fn subscribers(group: &Group, turn: &[usize]) -> Vec<Vec<Seat>> {
    let mut result = vec![Vec::new(); group.topics.len()];
    for (&place, position) in turn.iter().zip(0..) {
        for &topic in group.members.get(place).into_iter().flat_map(|member| &member.subscription) {
            if let Some(seats) = usize::try_from(topic).ok().and_then(|topic| result.get_mut(topic)) {
                seats.push(Seat { position, place });
            }
        }
    }
    result
}

/// Sizes of `members` blocks that share out `partitions`, the larger ones first.
fn block_sizes(partitions: u32, members: usize) -> impl Iterator<Item = u32> {
    // More members than a u32 counts would all get at most one partition; saturating keeps that true.
    let count = u32::try_from(members).unwrap_or(u32::MAX).max(1);
    let (size, larger) = (partitions / count, partitions % count);
    (0..count).map(move |index| size + u32::from(index < larger))
}
