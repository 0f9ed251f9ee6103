//! Kafka's `roundrobin` assignor: all partitions of all topics dealt in turn, skipping members that don't subscribe.
//!
//! With equal subscriptions counts differ by at most one. What was held before plays no part: with the same number
//! of members the same sets come out again, held by others.

use super::range::{in_turn, subscribers};
use super::{Assignment, Group, TopicPartition};

/// Partitions of each member under Kafka's Java `RoundRobinAssignor`.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    let turn = in_turn(group);
    let mut result = vec![Vec::new(); group.members.len()];
    // The position in `turn` of whom to ask next.
    let mut cursor = 0;
    for ((topic, seats), index) in group.topics.iter().zip(subscribers(group, &turn)).zip(0..) {
        // Found by search instead of asking everybody in between.
        let first = seats.partition_point(|seat| seat.position < cursor);
        let receivers = seats.iter().cycle().skip(first);
        for (partition, seat) in (0..topic.partitions).zip(receivers) {
            if let Some(list) = result.get_mut(seat.place) {
                list.push(TopicPartition { topic: index, partition });
            }
            cursor = (seat.position + 1) % turn.len();
        }
    }
    result
}
