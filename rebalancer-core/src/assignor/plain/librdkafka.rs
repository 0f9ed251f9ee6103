//! librdkafka's `cooperative-sticky` on a plain group.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Slot;
use super::trial::{Rest, Trial};

pub(super) fn rebalance(trial: &mut Trial<'_>) -> Rest {
    let before = trial.owners().to_vec();
    let mut leveling = Leveling::new(trial, &before);
    let dealt = leveling.deal();
    leveling.level(|leveling, turn| {
        let _ = leveling;
        dealt.get(turn).copied()
    });
    leveling.level(Leveling::queued);
    withhold(trial, &before)
}

/// What another live member held is nobody's until it has let go.
fn withhold(trial: &mut Trial<'_>, before: &[Option<Slot>]) -> Rest {
    let changed: Vec<(u32, Slot)> = (0..)
        .zip(before)
        .filter_map(|(partition, before)| {
            let owner = trial.owner(partition)?;
            before.is_some_and(|before| before != owner).then_some((partition, owner))
        })
        .collect();
    for &(partition, owner) in &changed {
        trial.release(partition, owner);
    }
    if changed.is_empty() { Rest::Reached } else { Rest::NotYet }
}

/// A partition that was moved: from whom at first, and to whom.
struct Move {
    partition: u32,
    topic: u32,
    origin: Slot,
    to: Slot,
}

struct Leveling<'t, 'a> {
    trial: &'t mut Trial<'a>,
    before: &'t [Option<Slot>],
    /// By count and rank, the fewest first; entries whose count is out of date are skipped.
    fewest: BinaryHeap<Reverse<(usize, u32)>>,
    /// The same, the most first.
    most: BinaryHeap<(usize, u32)>,
    moves: Vec<Move>,
    /// What was held, taken in turn from whoever holds the most; as far as it was asked for.
    queue: Vec<u32>,
    /// Who gives next to the queue: count, rank.
    givers: BinaryHeap<(usize, u32)>,
    /// What those have left that gave, by rank, the last one first.
    lists: std::collections::BTreeMap<u32, Vec<u32>>,
    /// What was nobody's, in the order in which it was dealt.
    dealt: Vec<u32>,
}

impl<'t, 'a> Leveling<'t, 'a> {
    fn new(trial: &'t mut Trial<'a>, before: &'t [Option<Slot>]) -> Self {
        let counted: Vec<(usize, u32)> =
            trial.counted(&trial.plain.by_id).map(|(slot, count)| (count, trial.plain.rank(slot))).collect();
        Self {
            trial,
            before,
            fewest: counted.iter().copied().map(Reverse).collect(),
            most: counted.iter().copied().collect(),
            moves: Vec::new(),
            queue: Vec::new(),
            givers: counted.into_iter().filter(|(count, _)| *count > 0).collect(),
            lists: std::collections::BTreeMap::new(),
            dealt: Vec::new(),
        }
    }

    fn slot(&self, rank: u32) -> Slot {
        self.trial.plain.by_id.get(rank as usize).copied().unwrap_or(Slot::MAX)
    }

    /// Gives what nobody holds to whoever has the fewest: from the last to the first, or ascending when nothing is held.
    fn deal(&mut self) -> Vec<u32> {
        let mut free = std::mem::take(&mut self.trial.free);
        free.sort_unstable();
        if !self.givers.is_empty() {
            free.reverse();
        }
        for &partition in &free {
            if let Some((_, rank)) = self.fewest() {
                let slot = self.slot(rank);
                self.trial.give(partition, slot);
                self.recount(slot);
            }
        }
        self.dealt.clone_from(&free);
        free
    }

    fn fewest(&mut self) -> Option<(usize, u32)> {
        while let Some(&Reverse((count, rank))) = self.fewest.peek() {
            if self.trial.count(self.slot(rank)) == count {
                return Some((count, rank));
            }
            self.fewest.pop();
        }
        None
    }

    fn most(&mut self) -> Option<usize> {
        while let Some(&(count, rank)) = self.most.peek() {
            if self.trial.count(self.slot(rank)) == count {
                return Some(count);
            }
            self.most.pop();
        }
        None
    }

    fn recount(&mut self, slot: Slot) {
        let entry = (self.trial.count(slot), self.trial.plain.rank(slot));
        self.fewest.push(Reverse(entry));
        self.most.push(entry);
    }

    fn is_level(&mut self) -> bool {
        let most = self.most();
        self.fewest().zip(most).is_none_or(|((least, _), most)| least + 1 >= most)
    }

    /// Goes through these partitions until nothing moves any more.
    fn level(&mut self, number: impl Fn(&mut Self, usize) -> Option<u32>) {
        loop {
            let mut moved = false;
            let mut turn = 0;
            while !self.is_level() {
                let Some(partition) = number(self, turn) else { break };
                turn += 1;
                moved |= self.pass(partition);
            }
            if !moved {
                return;
            }
        }
    }

    /// Moves a partition, or one that went the opposite way before, to whoever has at least two fewer.
    fn pass(&mut self, partition: u32) -> bool {
        let Some(from) = self.trial.owner(partition) else { return false };
        let Some((least, rank)) = self.fewest() else { return false };
        if self.trial.count(from) <= least + 1 {
            return false;
        }
        let to = self.slot(rank);
        let topic = self.trial.plain.partition(partition).topic;
        let reverse = self.moves.iter().find(|made| (made.topic, made.origin, made.to) == (topic, to, from));
        let partition = reverse.map_or(partition, |made| made.partition);
        let Some(from) = self.trial.owner(partition) else { return true };
        self.note(partition, topic, from, to);
        self.trial.release(partition, from);
        self.trial.free.pop();
        self.trial.give(partition, to);
        self.recount(from);
        self.recount(to);
        true
    }

    fn note(&mut self, partition: u32, topic: u32, from: Slot, to: Slot) {
        let known = self.moves.iter().position(|made| made.partition == partition);
        let origin = known.map_or(from, |place| self.moves.remove(place).origin);
        if origin != to {
            self.moves.push(Move { partition, topic, origin, to });
        }
    }

    /// The next in the order in which librdkafka goes through all partitions.
    fn queued(&mut self, turn: usize) -> Option<u32> {
        while self.queue.len() <= turn {
            let Some((count, rank)) = self.givers.pop() else {
                // At last what was free.
                let place = turn.checked_sub(self.queue.len())?;
                return self.dealt.get(place).copied();
            };
            let slot = self.slot(rank);
            if !self.lists.contains_key(&rank) {
                let list = self.held_before(slot);
                self.lists.insert(rank, list);
            }
            let next = self.lists.get_mut(&rank).and_then(Vec::pop);
            self.queue.extend(next);
            if count > 1 {
                self.givers.push((count - 1, rank));
            }
        }
        self.queue.get(turn).copied()
    }

    /// What a slot held before this rebalance, the last one first.
    fn held_before(&self, slot: Slot) -> Vec<u32> {
        let held = (0..).zip(self.before).filter(|(_, owner)| **owner == Some(slot));
        let mut held: Vec<u32> = held.map(|(partition, _)| partition).collect();
        held.reverse();
        held
    }
}
