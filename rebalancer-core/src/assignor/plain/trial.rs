//! One rotation that is tried: who leaves and joins, and who holds what after each rebalance.

use super::{Plain, Slot, librdkafka, sticky, uniform};
use crate::assignor::{Assignor, TopicPartition};

/// Rebalances until a cooperative group is taken to be at rest, as in `cooperative_sticky::settle`.
const MOST_REBALANCES: usize = 16;

/// A group while a rotation of it is tried. Its buffers are used again and again.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    pub(super) plain: &'a Plain,
    /// Which slots take part.
    pub(super) present: Vec<bool>,
    at_first: Vec<bool>,
    members_at_first: usize,
    /// How many do.
    pub(super) members: usize,
    /// The one that is not yet in the coordinator's table.
    pub(super) newest: Option<Slot>,
    owners: Vec<Option<Slot>>,
    counts: Vec<u32>,
    counts_at_first: Vec<u32>,
    /// Partitions of nobody.
    pub(super) free: Vec<u32>,
    /// Who got what since the beginning; a part of it is out of date.
    got: Vec<(Slot, Turn)>,
    /// Partitions whose owner changed at any time, each once.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

/// What happened to a slot.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// It got this partition.
    Given(u32),
    /// It gave some up; those that it kept follow.
    Listed,
    /// It kept this one.
    Kept(u32),
}

impl<'a> Trial<'a> {
    /// The group as it is now, with the first `members` slots.
    pub(crate) fn new(plain: &'a Plain, members: usize) -> Self {
        let slots = plain.ranks.len();
        let at_first: Vec<bool> = (0..slots).map(|slot| slot < members).collect();
        let count = |held: &Vec<u32>| u32::try_from(held.len()).unwrap_or(u32::MAX);
        let counts: Vec<u32> = plain.held.iter().map(count).collect();
        Self {
            present: at_first.clone(),
            at_first,
            members_at_first: members,
            members,
            newest: None,
            owners: plain.owners.clone(),
            counts_at_first: counts.clone(),
            counts,
            free: (0..)
                .zip(&plain.owners)
                .filter(|(_, owner)| owner.is_none())
                .map(|(free, _)| free)
                .collect(),
            got: Vec::new(),
            touched: Vec::new(),
            is_touched: vec![false; plain.owners.len()],
            plain,
        }
    }

    /// Back to the beginning.
    pub(crate) fn reset(&mut self) {
        for &partition in &self.touched {
            let place = partition as usize;
            if let (Some(owner), Some(first)) = (self.owners.get_mut(place), self.plain.owners.get(place)) {
                *owner = *first;
            }
            if let Some(touched) = self.is_touched.get_mut(place) {
                *touched = false;
            }
        }
        self.touched.clear();
        self.got.clear();
        self.free.clear();
        self.counts.copy_from_slice(&self.counts_at_first);
        self.present.copy_from_slice(&self.at_first);
        self.members = self.members_at_first;
        if self.plain.owners.len() > self.counts.iter().map(|&count| count as usize).sum() {
            let unowned = (0..).zip(&self.plain.owners).filter(|(_, owner)| owner.is_none());
            self.free.extend(unowned.map(|(free, _)| free));
        }
    }

    /// A member leaves; what it held is nobody's.
    pub(crate) fn leave(&mut self, slot: Slot) {
        if self.set_present(slot, false) {
            let mut held = Vec::new();
            self.gather(slot, &mut held);
            for partition in held {
                self.release(partition, slot);
            }
            self.members -= 1;
        }
    }

    /// A member joins, and holds nothing yet.
    pub(crate) fn join(&mut self, slot: Slot) {
        if self.set_present(slot, true) {
            self.members += 1;
        }
    }

    /// A member joins, and that makes the coordinator assign.
    pub(crate) fn join_and_rebalance(&mut self, slot: Slot) {
        self.join(slot);
        self.newest = Some(slot);
        self.rebalance();
        self.newest = None;
    }

    /// Rebalances until the group is at rest.
    pub(crate) fn rebalance(&mut self) {
        if self.members == 0 {
            return;
        }
        match self.plain.rule {
            Assignor::Sticky => drop(sticky::rebalance(self, sticky::Moves::AtOnce)),
            Assignor::CooperativeSticky => {
                self.until_at_rest(|trial| sticky::rebalance(trial, sticky::Moves::AfterRevocation));
            }
            Assignor::LibrdkafkaCooperativeSticky => self.until_at_rest(librdkafka::rebalance),
            Assignor::Uniform | Assignor::EarlyUniform => uniform::rebalance(self),
            Assignor::Range | Assignor::RoundRobin | Assignor::ServerRange => {}
        }
    }

    fn until_at_rest(&mut self, mut once: impl FnMut(&mut Self) -> Rest) {
        for _ in 0..MOST_REBALANCES {
            if once(self) == Rest::Reached {
                return;
            }
        }
    }

    /// Each partition whose owner is, or was for a while, another one than at first; with the owner now.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (u32, Option<Slot>)> + '_ {
        self.touched.iter().map(|&partition| (partition, self.owner(partition)))
    }

    /// Who holds each partition, by its place.
    pub(crate) fn owners(&self) -> &[Option<Slot>] {
        &self.owners
    }

    fn set_present(&mut self, slot: Slot, wanted: bool) -> bool {
        let place = self.present.get_mut(slot as usize);
        place.is_some_and(|present| std::mem::replace(present, wanted) != wanted)
    }
}

/// Whether the group has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nobody has to give anything up.
    Reached,
    /// Somebody gives something up, and joins again.
    NotYet,
}

/// What the rules need.
impl Trial<'_> {
    pub(super) fn partitions(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn is_present(&self, slot: Slot) -> bool {
        self.present.get(slot as usize).copied().unwrap_or(false)
    }

    pub(super) fn owner(&self, partition: u32) -> Option<Slot> {
        self.owners.get(partition as usize).copied().flatten()
    }

    pub(super) fn count(&self, slot: Slot) -> usize {
        self.counts.get(slot as usize).map_or(0, |&count| count as usize)
    }

    /// Those that take part, in this order of all slots, each with how many partitions it holds.
    pub(super) fn counted<'s>(&'s self, order: &'s [Slot]) -> impl Iterator<Item = (Slot, usize)> + 's {
        order.iter().filter(|slot| self.is_present(**slot)).map(|&slot| (slot, self.count(slot)))
    }

    /// Puts what a slot holds into a list, ascending.
    pub(super) fn gather(&self, slot: Slot, list: &mut Vec<u32>) {
        list.clear();
        let first = self.plain.held(slot).iter().copied();
        list.extend(first.filter(|&partition| self.owner(partition) == Some(slot)));
        let turns = self.got.iter().filter(|(to, _)| *to == slot);
        let got = turns.filter_map(|(_, turn)| match turn {
            Turn::Given(partition) | Turn::Kept(partition) => Some(*partition),
            Turn::Listed => None,
        });
        list.extend(got.filter(|&partition| self.owner(partition) == Some(slot)));
        list.sort_unstable();
        list.dedup();
    }

    /// Puts what a slot holds into a list, as [`ByTopic::put`](super::ByTopic::put) does one after the other.
    pub(super) fn gather_in_turn(&self, slot: Slot, list: &mut Vec<TopicPartition>) {
        let named = |partition: u32| self.plain.partition(partition);
        list.clear();
        list.extend(self.plain.held(slot).iter().map(|&held| named(held)));
        for (_, turn) in self.got.iter().filter(|(to, _)| *to == slot) {
            match *turn {
                Turn::Listed => list.clear(),
                Turn::Kept(partition) => list.push(named(partition)),
                Turn::Given(partition) => self.plain.by_topic.put(list, named(partition)),
            }
        }
    }

    /// What a slot holds comes in this order from now on.
    pub(super) fn keep_in_turn(&mut self, slot: Slot, partitions: &[u32]) {
        self.got.push((slot, Turn::Listed));
        self.got.extend(partitions.iter().map(|&partition| (slot, Turn::Kept(partition))));
    }

    /// Takes a partition from its owner; it is nobody's.
    pub(super) fn release(&mut self, partition: u32, from: Slot) {
        self.set_owner(partition, None);
        if let Some(count) = self.counts.get_mut(from as usize) {
            *count = count.saturating_sub(1);
        }
        self.free.push(partition);
    }

    /// Gives a partition that is nobody's. The caller takes it out of [`free`](Self::free).
    pub(super) fn give(&mut self, partition: u32, to: Slot) {
        self.set_owner(partition, Some(to));
        if let Some(count) = self.counts.get_mut(to as usize) {
            *count += 1;
        }
        self.got.push((to, Turn::Given(partition)));
    }

    fn set_owner(&mut self, partition: u32, owner: Option<Slot>) {
        let place = partition as usize;
        if let Some(slot) = self.owners.get_mut(place) {
            *slot = owner;
        }
        if let Some(touched) = self.is_touched.get_mut(place)
            && !std::mem::replace(touched, true)
        {
            self.touched.push(partition);
        }
    }
}
