//! All members subscribe to the same topics: everybody keeps up to its quota, and the rest is dealt in one go.
//!
//! With `p` partitions and `m` members everybody gets `p / m`, and `p % m` of them one more. The one more goes first
//! to members that hold that many, then to the last ones in order, so that it rarely moves anything. Kafka 4.0.0 gives it to the
//! first ones in order.

use super::{
    java_order::{self, ByTopic},
    table::{Table, in_group_order},
};
use crate::assignor::{Assignment, Assignor, Group, Member, TopicPartition};

/// The assignment, members taken in `order`.
pub(super) fn assign(group: &Group, order: &[usize], extra: Extra) -> Assignment {
    let table = Table::held(group, order);
    let by_topic = ByTopic::of(&group.topics);
    let mut lists = held_in_turn(&table, group, order);
    lists.iter_mut().for_each(|list| by_topic.sort(list));
    let mut quotas = Quotas::new(table.iter().count(), order.len(), extra);
    let mut pool: Vec<_> =
        table.iter().filter(|(_, holder)| holder.is_none()).map(|(free, _)| free).collect();
    let rooms: Vec<usize> = lists
        .iter_mut()
        .map(|list| {
            pool.extend(surplus(list, quotas.most()));
            quotas.room(list.len())
        })
        .collect();
    deal(pool, &mut lists, &rooms, &by_topic);
    in_group_order(lists, order)
}

/// What each rank holds, in the order in which it got that.
fn held_in_turn(table: &Table, group: &Group, order: &[usize]) -> Vec<Vec<TopicPartition>> {
    let members =
        order.iter().enumerate().filter_map(|(rank, &index)| Some((rank, group.members.get(index)?)));
    let held = |(rank, member): (usize, &Member)| {
        let mut list: Vec<TopicPartition> = Vec::with_capacity(member.owned.len());
        let own = member.owned.iter().filter(|held| {
            let cell = table.topic(held.topic as usize).get(held.partition as usize);
            cell.copied().flatten() == Some(rank)
        });
        own.for_each(|held| {
            if !list.contains(held) {
                list.push(*held)
            }
        });
        list
    };
    members.map(held).collect()
}

/// Takes what is more than `most` off a member's list.
fn surplus(list: &mut Vec<TopicPartition>, most: usize) -> Vec<TopicPartition> {
    if list.len() <= most {
        return Vec::new();
    }
    java_order::sort_partitions(list);
    list.split_off(most)
}

/// Each gets as many as it has room for, from the front of the pool.
fn deal(pool: Vec<TopicPartition>, lists: &mut [Vec<TopicPartition>], rooms: &[usize], by_topic: &ByTopic) {
    let mut rest = pool.into_iter();
    for (list, room) in lists.iter_mut().zip(rooms) {
        rest.by_ref().take(*room).for_each(|got| by_topic.put(list, got));
        by_topic.sort(list);
    }
}

/// Who gets one partition more than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::assignor) enum Extra {
    /// Since Kafka 4.0.1: who holds that many, then the last ones in order.
    ToHolders,
    /// In 4.0.0: the first ones in order.
    ToTheFirst,
}

impl Extra {
    /// By this rule.
    pub(in crate::assignor) fn of(rule: Assignor) -> Self {
        if rule == Assignor::EarlyUniform { Self::ToTheFirst } else { Self::ToHolders }
    }
}

/// Deals out the right to one partition more than the others, member by member.
#[derive(Debug)]
pub(in crate::assignor) struct Quotas {
    extra: Extra,
    least: usize,
    extras: usize,
    members_left: usize,
}

impl Quotas {
    pub(in crate::assignor) fn new(partitions: usize, members: usize, extra: Extra) -> Self {
        let divisor = members.max(1);
        Self { extra, least: partitions / divisor, extras: partitions % divisor, members_left: members }
    }

    /// What the next member may keep.
    pub(in crate::assignor) fn most(&self) -> usize {
        self.least + usize::from(self.extras > 0)
    }

    /// How many the next member gets on top of what it kept.
    pub(in crate::assignor) fn room(&mut self, kept: usize) -> usize {
        let room = self.most().saturating_sub(kept);
        let can_wait = self.extra == Extra::ToHolders && self.members_left > self.extras;
        self.members_left = self.members_left.saturating_sub(1);
        if self.extras == 0 {
            room
        } else if room > 0 && can_wait {
            room - 1
        } else {
            self.extras -= 1;
            room
        }
    }
}
