//! Rebalances of *plain* groups without a copy of the group: thousands of rotations are tried in one decision.
//!
//! A group is plain where all members subscribe to all topics, and each partition is held by one member at most. That is
//! how nearly all groups are. The rules are those of [`Assignor::assign`], to which tests compare them; here they touch
//! only what moves.

mod librdkafka;
mod sticky;
mod trial;
mod uniform;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

pub(crate) use trial::Trial;

use super::{Assignor, TopicPartition};
use crate::assignor::sticky as java;
use crate::assignor::uniform::java_order::{self, ByTopic};

/// A member, by its place in the list of ids that a [`Plain`] is made from.
pub(crate) type Slot = u32;

/// What orders of members go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Member id.
    pub(crate) id: String,
    /// As [`Member::listed`](super::Member::listed).
    pub(crate) listed: u32,
}

/// A plain group, and what stays the same while rotations of it are tried.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    rule: Assignor,
    /// All partitions, ascending; a place in this list names one below.
    partitions: Vec<TopicPartition>,
    /// Who holds each now.
    owners: Vec<Option<Slot>>,
    /// What each slot holds now, in the order in which it is told.
    held: Vec<Vec<u32>>,
    /// All slots by id, and the place of each in that order.
    by_id: Vec<Slot>,
    ranks: Vec<u32>,
    /// All slots in the order of the hash table of so many members.
    by_hash: Vec<(TableSize, Vec<Slot>)>,
    hashes: Vec<u32>,
    by_topic: ByTopic,
}

/// What the order of a hash table depends on besides the ids.
type TableSize = (usize, usize);

impl Plain {
    /// Members with these ids, of which those in `held` hold something, by slot; there may be more ids than members now.
    /// Between `fewest` and `most` members will take part. `None` for a rule that looks at nothing that is held.
    pub(crate) fn new(
        rule: Assignor,
        topics: &[super::Topic],
        ids: &[Identity],
        held: &[Vec<TopicPartition>],
        (fewest, most): (usize, usize),
    ) -> Option<Self> {
        if !rule.is_sticky() {
            return None;
        }
        let all = |(topic, known): (u32, &super::Topic)| {
            (0..known.partitions).map(move |partition| TopicPartition { topic, partition })
        };
        let partitions: Vec<TopicPartition> = (0..).zip(topics).flat_map(all).collect();
        let mut plain = Self {
            rule,
            owners: vec![None; partitions.len()],
            held: vec![Vec::new(); ids.len()],
            by_id: Vec::new(),
            ranks: vec![0; ids.len()],
            by_hash: Vec::new(),
            hashes: ids.iter().map(|known| java::of_text(&known.id)).collect(),
            by_topic: ByTopic::of(topics),
            partitions,
        };
        plain.hold(held);
        plain.order(ids);
        (fewest..=most).for_each(|members| plain.order_for(members, ids));
        Some(plain)
    }

    fn hold(&mut self, held: &[Vec<TopicPartition>]) {
        for (slot, held) in (0..).zip(held) {
            for held in held {
                let Ok(place) = self.partitions.binary_search(held) else { continue };
                if let Some(owner) = self.owners.get_mut(place) {
                    *owner = Some(slot);
                }
            }
        }
        for (slot, (own, held)) in (0..).zip(self.held.iter_mut().zip(held)) {
            let places = held.iter().filter_map(|held| self.partitions.binary_search(held).ok());
            let is_own = |place: &usize| self.owners.get(*place).copied().flatten() == Some(slot);
            own.extend(places.filter(is_own).filter_map(|place| u32::try_from(place).ok()));
        }
    }

    fn order(&mut self, ids: &[Identity]) {
        let mut keyed: Vec<(&String, Slot)> = ids.iter().map(|known| &known.id).zip(0..).collect();
        keyed.sort_unstable();
        self.by_id = keyed.into_iter().map(|(_, slot)| slot).collect();
        for (rank, &slot) in (0..).zip(&self.by_id) {
            if let Some(place) = self.ranks.get_mut(slot as usize) {
                *place = rank;
            }
        }
    }

    /// Prepares the order of the hash table of a group of this size.
    fn order_for(&mut self, members: usize, ids: &[Identity]) {
        let size = self.table_size(members);
        if self.by_hash.iter().any(|(known, _)| *known == size) {
            return;
        }
        let hash = |slot: Slot| self.hashes.get(slot as usize).copied().unwrap_or(0);
        let rank = |slot: Slot| self.ranks.get(slot as usize).copied().unwrap_or(0);
        let mut order = self.by_id.clone();
        match self.rule {
            Assignor::Uniform | Assignor::EarlyUniform => {
                // Those that join get the first place in their slot.
                let listed =
                    |slot: Slot| ids.get(slot as usize).map_or(0, |known| known.listed.wrapping_add(1));
                order.sort_by_key(|&slot| {
                    let (bucket, own) = java_order::place(hash(slot), members);
                    (bucket, listed(slot), own, Reverse(rank(slot)))
                });
            }
            Assignor::Sticky | Assignor::CooperativeSticky => {
                let buckets = java::buckets(members);
                let listed = |slot: Slot| ids.get(slot as usize).map_or(0, |known| known.listed);
                order.sort_by_key(|&slot| (java::bucket(hash(slot), buckets), listed(slot), rank(slot)));
            }
            Assignor::LibrdkafkaCooperativeSticky
            | Assignor::Range
            | Assignor::RoundRobin
            | Assignor::ServerRange => {}
        }
        self.by_hash.push((size, order));
    }

    fn table_size(&self, members: usize) -> TableSize {
        match self.rule {
            Assignor::Uniform | Assignor::EarlyUniform => java_order::sizes(members),
            Assignor::Sticky | Assignor::CooperativeSticky => (java::buckets(members), 0),
            Assignor::LibrdkafkaCooperativeSticky
            | Assignor::Range
            | Assignor::RoundRobin
            | Assignor::ServerRange => (0, 0),
        }
    }

    /// All slots in the order of the hash table of a group of this size.
    fn hash_order(&self, members: usize) -> &[Slot] {
        let size = self.table_size(members);
        self.by_hash.iter().find(|(known, _)| *known == size).map_or(&self.by_id, |(_, order)| order)
    }

    /// The bucket of a slot in the coordinator's hash table of so many members.
    fn bucket(&self, slot: Slot, members: usize) -> usize {
        java_order::member_bucket(self.hashes.get(slot as usize).copied().unwrap_or(0), members)
    }

    fn partition(&self, place: u32) -> TopicPartition {
        self.partitions.get(place as usize).copied().unwrap_or(TopicPartition { topic: 0, partition: 0 })
    }

    fn rank(&self, slot: Slot) -> u32 {
        self.ranks.get(slot as usize).copied().unwrap_or(u32::MAX)
    }

    /// Who holds each partition now, by its place in the order of topics and numbers.
    pub(crate) fn owners(&self) -> &[Option<Slot>] {
        &self.owners
    }

    /// All partitions, in that order.
    pub(crate) fn partitions(&self) -> &[TopicPartition] {
        &self.partitions
    }

    /// Places of the partitions that a slot holds now.
    fn held(&self, slot: Slot) -> &[u32] {
        self.held.get(slot as usize).map_or(&[], Vec::as_slice)
    }
}
