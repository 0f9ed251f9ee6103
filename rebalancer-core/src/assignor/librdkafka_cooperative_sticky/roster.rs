//! The group with members and partitions numbered in the order in which ties are broken.

use super::{claims::Claims, ledger::Ledger};
use crate::assignor::{Assignment, Group, Member, TopicPartition};

/// Members by id (a member's number is its rank), and the partitions that anybody subscribes to, ascending.
pub(super) struct Roster<'a> {
    members: Vec<(usize, &'a Member)>,
    partitions: Vec<TopicPartition>,
    /// Number of the first partition of each topic.
    starts: Vec<usize>,
    /// Members of each topic.
    subscribers: Vec<usize>,
    is_uniform: bool,
}

impl<'a> Roster<'a> {
    pub(super) fn of(group: &'a Group) -> Self {
        let mut members: Vec<_> = group.members.iter().enumerate().collect();
        members.sort_by_key(|(_, member)| member.id.as_str());
        let subscribers = subscribers(group);
        let mut roster =
            Self { members, partitions: Vec::new(), starts: Vec::new(), subscribers, is_uniform: false };
        for ((topic, details), subscribers) in (0..).zip(&group.topics).zip(&roster.subscribers) {
            roster.starts.push(roster.partitions.len());
            let count = if *subscribers > 0 { details.partitions } else { 0 };
            roster.partitions.extend((0..count).map(|partition| TopicPartition { topic, partition }));
        }
        roster.is_uniform = roster.all_could_hold_the_same();
        roster
    }

    /// How many members there are.
    pub(super) fn ranks(&self) -> usize {
        self.members.len()
    }

    /// How many partitions there are.
    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Members in order of rank.
    pub(super) fn members(&self) -> impl Iterator<Item = &'a Member> {
        self.members.iter().map(|(_, member)| *member)
    }

    /// The number of a partition, if it exists and is subscribed to.
    pub(super) fn number(&self, wanted: TopicPartition) -> Option<usize> {
        let number = *self.starts.get(wanted.topic as usize)? + wanted.partition as usize;
        (self.partitions.get(number) == Some(&wanted)).then_some(number)
    }

    /// The topic of a partition.
    pub(super) fn topic(&self, number: usize) -> Option<u32> {
        self.partitions.get(number).map(|partition| partition.topic)
    }

    /// How many members subscribe to a partition.
    pub(super) fn candidates(&self, number: usize) -> usize {
        self.topic(number).and_then(|topic| self.subscribers.get(topic as usize)).copied().unwrap_or_default()
    }

    /// Whether the member at `rank` subscribes to a partition.
    pub(super) fn subscribes(&self, rank: usize, number: usize) -> bool {
        self.topic(number).is_some_and(|topic| self.subscription(rank).binary_search(&topic).is_ok())
    }

    /// The topics of the member at `rank`.
    pub(super) fn subscription(&self, rank: usize) -> &'a [u32] {
        self.members.get(rank).map_or(&[], |(_, member)| member.subscription.as_slice())
    }

    /// The numbers of a topic's partitions.
    pub(super) fn of_topic(&self, topic: u32) -> std::ops::Range<usize> {
        let place = topic as usize;
        let start = self.starts.get(place).copied().unwrap_or_default();
        start..self.starts.get(place + 1).copied().unwrap_or(self.len())
    }

    /// Whether all members could hold the same partitions.
    pub(super) fn is_uniform(&self) -> bool {
        self.is_uniform
    }

    /// What each member gets now: not what somebody else still claims.
    pub(super) fn assignment(&self, ledger: &Ledger, claims: &Claims) -> Assignment {
        let mut assignment = vec![Vec::new(); self.ranks()];
        let dealt = ledger.holders(self.len());
        for ((number, partition), holder) in self.partitions.iter().enumerate().zip(dealt) {
            let free = holder.filter(|holder| claims.last(number).is_none_or(|claimant| claimant == *holder));
            let place = free.and_then(|rank| self.members.get(rank)).map(|(place, _)| *place);
            if let Some(list) = place.and_then(|place| assignment.get_mut(place)) {
                list.push(*partition);
            }
        }
        assignment
    }

    fn all_could_hold_the_same(&self) -> bool {
        let wanted = |rank| self.subscription(rank).iter().filter(|topic| !self.of_topic(**topic).is_empty());
        (1..self.ranks()).all(|rank| wanted(rank).eq(wanted(rank - 1)))
    }
}

fn subscribers(group: &Group) -> Vec<usize> {
    let mut counts = vec![0; group.topics.len()];
    for topic in group.members.iter().flat_map(|member| &member.subscription) {
        if let Some(count) = counts.get_mut(*topic as usize) {
            *count += 1;
        }
    }
    counts
}
