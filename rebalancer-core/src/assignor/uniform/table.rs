//! Who holds which partition, by rank: a member's place in the coordinator's order.

use std::cmp::Reverse;

use crate::assignor::{Assignment, Group, Member, TopicPartition};

/// One cell a partition of each topic that somebody subscribes to.
pub(super) struct Table {
    topics: Vec<Vec<Option<usize>>>,
}

impl Table {
    /// What the members hold of what they still subscribe to.
    pub(super) fn held(group: &Group, order: &[usize]) -> Self {
        let mut table = Self::empty(group);
        for (rank, member) in later_epochs_first(group, order) {
            for held in
                member.owned.iter().filter(|held| member.subscription.binary_search(&held.topic).is_ok())
            {
                if let Some(cell @ None) = table.cell(held.topic as usize, held.partition as usize) {
                    *cell = Some(rank);
                }
            }
        }
        table
    }

    fn empty(group: &Group) -> Self {
        let mut topics = vec![Vec::new(); group.topics.len()];
        for index in group.members.iter().flat_map(|member| &member.subscription) {
            let index = *index as usize;
            if let (Some(cells), Some(topic)) = (topics.get_mut(index), group.topics.get(index)) {
                cells.resize(topic.partitions as usize, None);
            }
        }
        Self { topics }
    }

    /// The cells of a topic, by number of the partition.
    pub(super) fn topic(&self, topic: usize) -> &[Option<usize>] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }

    /// As [`Self::topic`], to be written.
    pub(super) fn topic_mut(&mut self, topic: usize) -> &mut [Option<usize>] {
        self.topics.get_mut(topic).map_or(&mut [], Vec::as_mut_slice)
    }

    /// One cell, if there is such a partition.
    pub(super) fn cell(&mut self, topic: usize, partition: usize) -> Option<&mut Option<usize>> {
        self.topics.get_mut(topic)?.get_mut(partition)
    }

    /// Every partition and its holder, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TopicPartition, Option<usize>)> {
        (0..).zip(&self.topics).flat_map(|(topic, cells)| {
            (0..).zip(cells).map(move |(partition, holder)| (TopicPartition { topic, partition }, *holder))
        })
    }

    /// What each rank holds, ascending.
    pub(super) fn by_rank(&self, ranks: usize) -> Vec<Vec<TopicPartition>> {
        let mut lists = vec![Vec::new(); ranks];
        for (partition, holder) in self.iter() {
            if let Some(list) = holder.and_then(|rank| lists.get_mut(rank)) {
                list.push(partition);
            }
        }
        lists
    }
}

/// Puts lists in the coordinator's order into that of the group's members.
pub(super) fn in_group_order(lists: Vec<Vec<TopicPartition>>, order: &[usize]) -> Assignment {
    let mut assignment = vec![Vec::new(); order.len()];
    for (list, index) in lists.into_iter().zip(order) {
        if let Some(place) = assignment.get_mut(*index) {
            *place = list;
        }
    }
    assignment
}

fn later_epochs_first<'a>(group: &'a Group, order: &[usize]) -> Vec<(usize, &'a Member)> {
    let mut ranked: Vec<_> = order
        .iter()
        .enumerate()
        .filter_map(|(rank, index)| Some((rank, group.members.get(*index)?)))
        .collect();
    ranked.sort_by_key(|(_, member)| Reverse(member.generation));
    ranked
}
