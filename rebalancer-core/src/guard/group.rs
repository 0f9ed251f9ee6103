//! What the consumer group itself forbids now.

use super::NotNow;
use crate::fleet::consumer_group::{ConsumerGroup, GroupMember, Reassignment, TopicPartition};
use crate::snapshot::Snapshot;

/// The first reason in the group; none where Kafka was not asked.
pub(super) fn not_now(snapshot: &Snapshot) -> Option<NotNow> {
    if let Some(error) = &snapshot.group_error {
        return Some(NotNow::GroupUnread { error: error.to_string() });
    }
    if let Some(guard) = group_not_stable(snapshot) {
        return Some(guard);
    }
    moved(snapshot.group.as_ref()?.moving.as_ref().ok()?)
}

/// Partitions of the group are being moved between brokers.
pub(crate) fn moved(moving: &[Reassignment]) -> Option<NotNow> {
    let such_as = moving.first()?.partition.to_string();
    Some(NotNow::PartitionsMoving { partitions: moving.len(), such_as })
}

/// The group is known, and not at rest.
pub(crate) fn group_not_stable(snapshot: &Snapshot) -> Option<NotNow> {
    let group = &snapshot.group.as_ref()?.group;
    let (id, state) = (group.id.clone(), &group.state);
    (!state.is_stable()).then(|| NotNow::GroupNotStable { group: id, state: state.to_string() })
}

/// The group is not any more what it was when it was decided.
pub(crate) fn changed(then: &ConsumerGroup, now: &ConsumerGroup) -> Option<NotNow> {
    let group = || now.id.clone();
    if !now.state.is_stable() {
        return Some(NotNow::GroupNotStable { group: group(), state: now.state.to_string() });
    }
    (held(then) != held(now)).then(|| NotNow::GroupChanged { group: group() })
}

/// Who holds what: members are in the order of their ids.
fn held(group: &ConsumerGroup) -> Vec<(&str, Vec<TopicPartition>)> {
    let sorted = |member: &'_ GroupMember| -> Vec<TopicPartition> {
        let mut held = member.assigned.clone().unwrap_or_default();
        held.sort_unstable();
        held
    };
    group.members.iter().map(|member| (member.id.as_str(), sorted(member))).collect()
}
