//! Members subscribe to different topics: everybody keeps what it holds, the rest goes to the least loaded
//! subscribers, then topic by topic the most loaded give to the least loaded.
//!
//! Topics with the most partitions for a subscriber come first. Leveling goes round the topics until a whole round
//! moves nothing, at most sixteen times; with overlapping subscriptions the result may be off balance by a few.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    leveling::{Donors, Loads, Takers},
    table::{Table, in_group_order},
};
use crate::assignor::{Assignment, Group};

/// The broker gives up after so many rounds over the topics.
const MOST_ROUNDS: usize = 16;

/// The assignment, members taken in `order`.
pub(super) fn assign(group: &Group, order: &[usize]) -> Assignment {
    let mut work = Work::new(group, order);
    let topics = work.neediest_first();
    for topic in &topics {
        work.deal(topic);
    }
    work.level(&topics);
    in_group_order(work.table.by_rank(order.len()), order)
}

struct Topic {
    index: usize,
    /// Ranks, ascending.
    subscribers: Vec<usize>,
}

struct Work {
    table: Table,
    loads: Loads,
    subscribers: Vec<Vec<usize>>,
}

impl Work {
    fn new(group: &Group, order: &[usize]) -> Self {
        let table = Table::held(group, order);
        let mut loads = Loads::none(order.len());
        table.iter().filter_map(|(_, holder)| holder).for_each(|rank| loads.add(rank));
        let mut subscribers = vec![Vec::new(); group.topics.len()];
        for (rank, member) in order.iter().filter_map(|index| group.members.get(*index)).enumerate() {
            for topic in &member.subscription {
                if let Some(ranks) = subscribers.get_mut(*topic as usize) {
                    ranks.push(rank);
                }
            }
        }
        Self { table, loads, subscribers }
    }

    /// By partitions for each subscriber, descending, then by subscribers, then by index.
    fn neediest_first(&mut self) -> Vec<Topic> {
        let mut topics: Vec<Topic> = std::mem::take(&mut self.subscribers)
            .into_iter()
            .enumerate()
            .filter(|(_, subscribers)| !subscribers.is_empty())
            .map(|(index, subscribers)| Topic { index, subscribers })
            .collect();
        topics.sort_by(|one, other| {
            let (mine, theirs) = (self.table.topic(one.index).len(), self.table.topic(other.index).len());
            let (few, many) = (one.subscribers.len(), other.subscribers.len());
            Reverse(mine * many).cmp(&Reverse(theirs * few)).then(few.cmp(&many))
        });
        topics
    }

    /// Gives a topic's free partitions to its least loaded subscribers.
    fn deal(&mut self, topic: &Topic) {
        let line = self.loads.ascending(&topic.subscribers);
        let mut takers = Takers::new(&line, &self.loads);
        for cell in self.table.topic_mut(topic.index).iter_mut().filter(|cell| cell.is_none()) {
            *cell = takers.next();
            if let Some(taker) = cell {
                self.loads.add(*taker);
            }
        }
    }

    fn level(&mut self, topics: &[Topic]) {
        let shared: Vec<_> = topics.iter().filter(|topic| topic.subscribers.len() > 1).collect();
        let mut settled = 0;
        for topic in shared.iter().cycle().take(MOST_ROUNDS * shared.len()) {
            let moved = self.level_topic(topic);
            settled = if moved { 1 } else { settled + 1 };
            if settled == shared.len() {
                return;
            }
        }
    }

    /// Whether anything moved.
    fn level_topic(&mut self, topic: &Topic) -> bool {
        let line = self.loads.ascending(&topic.subscribers);
        if self.is_level(&line) {
            return false;
        }
        let mut holdings = self.holdings(topic.index);
        let mut takers = Takers::new(&line, &self.loads);
        let mut donors = Donors::new(line);
        let mut moved = false;
        while let Some((donor, taker)) = donors
            .next(&self.loads, |rank| holdings.get(&rank).is_some_and(|held| !held.is_empty()))
            .zip(takers.next())
            .filter(|(donor, taker)| self.loads.of(*donor) > self.loads.of(*taker) + 1)
        {
            let last = holdings.get_mut(&donor).and_then(Vec::pop);
            self.hand_over(topic.index, last, taker);
            self.loads.take(donor);
            self.loads.add(taker);
            moved = true;
        }
        moved
    }

    fn is_level(&self, line: &[usize]) -> bool {
        let ends = line.first().zip(line.last());
        ends.is_none_or(|(least, most)| self.loads.of(*most) <= self.loads.of(*least) + 1)
    }

    /// Partitions of a topic by holder, ascending. What is received while leveling is not given on in the same turn.
    fn holdings(&self, topic: usize) -> BTreeMap<usize, Vec<usize>> {
        let mut held: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (partition, holder) in self.table.topic(topic).iter().enumerate() {
            if let Some(rank) = holder {
                held.entry(*rank).or_default().push(partition);
            }
        }
        held
    }

    fn hand_over(&mut self, topic: usize, partition: Option<usize>, taker: usize) {
        if let Some(cell) = partition.and_then(|partition| self.table.cell(topic, partition)) {
            *cell = Some(taker);
        }
    }
}
