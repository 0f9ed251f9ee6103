//! Kafka's `cooperative-sticky` assignor (Java clients): [`sticky`] in two steps.
//!
//! A partition that goes from one live member to another is given to nobody in the first rebalance; its owner gives
//! it up and joins again, and in the second one it is dealt like any other that is free. So the final assignment is
//! not that of a single rebalance, and [`settle`] follows it to the end.

use super::{Assignment, Group, sticky};

/// Rebalances after which [`settle`] stops. Two are the rule: the first frees what has to move, the second deals it.
const MOST_REBALANCES: usize = 16;

/// Partitions of each member after one rebalance under Kafka's Java `CooperativeStickyAssignor`, without those that
/// their owners must give up first.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    sticky::assign_without_moving(group)
}

/// Where a series of rebalances ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Partitions of each member after the last rebalance.
    pub assignment: Assignment,
    /// How many rebalances it took, the first one included.
    pub rebalances: usize,
}

/// Rebalances until no member has to give anything up, as long as nobody else joins or leaves.
#[must_use]
pub fn settle(group: &Group) -> Settled {
    settle_by(assign, group)
}

/// The same for any rule that leaves out what must first be given up.
pub(super) fn settle_by(assign: fn(&Group) -> Assignment, group: &Group) -> Settled {
    let mut group = group.clone();
    let mut rebalances = 1;
    let mut assignment = assign(&group);
    while gives_up(&group, &assignment) && rebalances < MOST_REBALANCES {
        adopt(&mut group, assignment);
        assignment = assign(&group);
        rebalances += 1;
    }
    Settled { assignment, rebalances }
}

/// Whether a member loses something, and so joins again when it has given it up.
fn gives_up(group: &Group, assignment: &Assignment) -> bool {
    let mut members = group.members.iter().zip(assignment);
    members.any(|(member, given)| member.owned.iter().any(|held| given.binary_search(held).is_err()))
}

/// Members take what they are given; all are in the same generation then.
fn adopt(group: &mut Group, assignment: Assignment) {
    let generation = group.members.iter().filter_map(|member| member.generation).max().unwrap_or(0);
    for (member, given) in group.members.iter_mut().zip(assignment) {
        member.owned = given;
        member.generation = Some(generation.saturating_add(1));
    }
}
