//! Counts of partitions by member, kept so that the fewest and the most are found without asking everybody.

use std::collections::{BTreeMap, BTreeSet};

use super::roster::Roster;

/// A member by count first and id second: the order in which members are considered.
pub(super) type Load = (usize, usize);

/// Who owns what while partitions are dealt and moved. Ranks, topics and partitions are indices of the roster.
pub(super) struct Balance {
    owners: Vec<Option<usize>>,
    counts: Vec<usize>,
    /// Members with the same subscription share a class; a group has few of them.
    class_of: Vec<usize>,
    /// The members of each class that still take part.
    open: Vec<BTreeSet<Load>>,
    /// How many partitions the topics of each class have together.
    capacities: Vec<usize>,
    /// The classes that subscribe to each topic.
    followers: Vec<Vec<usize>>,
    /// How many partitions of each topic each member holds; empty until [`Balance::index_topics`].
    held: Vec<BTreeMap<usize, usize>>,
    /// The members that hold a part of each topic; empty until [`Balance::index_topics`].
    holders: Vec<BTreeSet<Load>>,
    /// The topic last found uneven, which mostly still is.
    suspect: usize,
}

impl Balance {
    pub(super) fn new(roster: &Roster<'_>) -> Self {
        let (class_of, capacities, followers) = classes(roster);
        let members = roster.members.len();
        let mut balance = Self {
            owners: vec![None; roster.partitions.len()],
            counts: vec![0; members],
            open: vec![BTreeSet::new(); capacities.len()],
            class_of,
            capacities,
            holders: vec![BTreeSet::new(); followers.len()],
            followers,
            held: vec![BTreeMap::new(); members],
            suspect: 0,
        };
        for rank in 0..members {
            balance.with_class(rank, |open, load| open.insert(load));
        }
        balance
    }

    pub(super) fn owner(&self, partition: usize) -> Option<usize> {
        self.owners.get(partition).copied().flatten()
    }

    pub(super) fn count(&self, rank: usize) -> usize {
        self.counts.get(rank).copied().unwrap_or(0)
    }

    pub(super) fn owners(&self) -> &[Option<usize>] {
        &self.owners
    }

    /// The subscriber of a topic with the fewest partitions.
    pub(super) fn lowest(&self, topic: usize) -> Option<Load> {
        let classes = self.followers.get(topic).into_iter().flatten();
        classes.filter_map(|&class| self.open.get(class)?.first().copied()).min()
    }

    /// Gives a member a partition that nobody owns.
    pub(super) fn give(&mut self, partition: usize, rank: usize) {
        self.recount(rank, |count| count + 1);
        if let Some(owner) = self.owners.get_mut(partition) {
            *owner = Some(rank);
        }
    }

    /// Takes a member out: it neither gives nor gets any more.
    pub(super) fn close(&mut self, rank: usize) {
        self.with_class(rank, |open, load| open.remove(&load));
    }

    /// Whether the member takes part.
    pub(super) fn is_open(&self, rank: usize) -> bool {
        let class = self.class_of.get(rank).and_then(|&class| self.open.get(class));
        class.is_some_and(|open| open.contains(&(self.count(rank), rank)))
    }

    /// Counts of the members that take part, in no promised order.
    pub(super) fn open_counts(&self) -> Vec<usize> {
        self.open.iter().flatten().map(|&(count, _)| count).collect()
    }

    /// Prepares for moves; until then only [`Balance::give`] is of use.
    pub(super) fn index_topics(&mut self, roster: &Roster<'_>) {
        for (owner, partition) in self.owners.clone().into_iter().zip(0..) {
            if let (Some(rank), Some(topic)) = (owner, roster.topic(partition)) {
                self.hold(rank, topic);
            }
        }
    }

    /// Moves a partition that somebody owns.
    pub(super) fn pass(&mut self, partition: usize, topic: usize, to: usize) {
        if let Some(from) = self.owner(partition) {
            self.release(from, topic);
            self.recount(from, |count| count.saturating_sub(1));
        }
        self.hold(to, topic);
        self.give(partition, to);
    }

    /// Whether no partition could go to a subscriber with fewer, so that their counts come closer.
    pub(super) fn is_even(&mut self) -> bool {
        if self.is_uneven_in(self.suspect) {
            return false;
        }
        let uneven = (0..self.followers.len()).find(|&topic| self.is_uneven_in(topic));
        self.suspect = uneven.unwrap_or(self.suspect);
        uneven.is_none()
    }

    fn is_uneven_in(&self, topic: usize) -> bool {
        let most = self.holders.get(topic).and_then(BTreeSet::last);
        let classes = self.followers.get(topic).into_iter().flatten();
        let least = classes.filter_map(|&class| self.lowest_with_room(class)).min();
        most.zip(least).is_some_and(|((most, _), least)| *most > least + 1)
    }

    /// The smallest count in a class, of members that don't hold as many as their topics have.
    ///
    /// Who holds all of its topics has nothing to gain. Kafka goes by the number alone, and so passes over a former
    /// owner that got enough of what it no longer subscribes to.
    fn lowest_with_room(&self, class: usize) -> Option<usize> {
        let (open, capacity) = (self.open.get(class)?, *self.capacities.get(class)?);
        let &(lowest, _) = open.first()?;
        if lowest != capacity {
            return Some(lowest);
        }
        open.range((capacity + 1, 0)..).next().map(|&(count, _)| count)
    }

    fn recount(&mut self, rank: usize, change: impl Fn(usize) -> usize) {
        let old = self.count(rank);
        let new = change(old);
        self.with_class(rank, |open, load| open.remove(&load) && open.insert((new, rank)));
        for &topic in self.held.get(rank).into_iter().flat_map(BTreeMap::keys) {
            if let Some(holders) = self.holders.get_mut(topic) {
                holders.remove(&(old, rank));
                holders.insert((new, rank));
            }
        }
        if let Some(count) = self.counts.get_mut(rank) {
            *count = new;
        }
    }

    fn hold(&mut self, rank: usize, topic: usize) {
        let load = (self.count(rank), rank);
        if let Some(held) = self.held.get_mut(rank) {
            *held.entry(topic).or_insert(0) += 1;
        }
        if let Some(holders) = self.holders.get_mut(topic) {
            holders.insert(load);
        }
    }

    fn release(&mut self, rank: usize, topic: usize) {
        let load = (self.count(rank), rank);
        let Some(held) = self.held.get_mut(rank) else { return };
        let left = held.get(&topic).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            held.insert(topic, left);
            return;
        }
        held.remove(&topic);
        if let Some(holders) = self.holders.get_mut(topic) {
            holders.remove(&load);
        }
    }

    fn with_class(&mut self, rank: usize, act: impl FnOnce(&mut BTreeSet<Load>, Load) -> bool) {
        let load = (self.count(rank), rank);
        let class = self.class_of.get(rank).copied();
        if let Some(open) = class.and_then(|class| self.open.get_mut(class)) {
            act(open, load);
        }
    }
}

/// The class of each member, the capacity of each class, and the classes that subscribe to each topic.
fn classes(roster: &Roster<'_>) -> (Vec<usize>, Vec<usize>, Vec<Vec<usize>>) {
    let mut known: BTreeMap<&[u32], usize> = BTreeMap::new();
    let mut class_of = Vec::with_capacity(roster.members.len());
    let mut capacities = Vec::new();
    for (member, rank) in roster.members.iter().zip(0..) {
        let class = *known.entry(&member.subscription).or_insert_with(|| {
            capacities.push(roster.capacity(rank));
            capacities.len() - 1
        });
        class_of.push(class);
    }
    let mut followers = vec![Vec::new(); roster.subscribers.len()];
    for (subscription, class) in known {
        for &topic in subscription {
            if let Some(list) = usize::try_from(topic).ok().and_then(|topic| followers.get_mut(topic)) {
                list.push(class);
            }
        }
    }
    (class_of, capacities, followers)
}
