//! Who gives and who takes next when the loads of a topic's subscribers are leveled.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// Partitions of each rank.
pub(super) struct Loads(Vec<usize>);

impl Loads {
    /// Nobody has anything.
    pub(super) fn none(ranks: usize) -> Self {
        Self(vec![0; ranks])
    }

    /// The load of `rank`.
    pub(super) fn of(&self, rank: usize) -> usize {
        self.0.get(rank).copied().unwrap_or_default()
    }

    /// One more for `rank`.
    pub(super) fn add(&mut self, rank: usize) {
        if let Some(load) = self.0.get_mut(rank) {
            *load += 1;
        }
    }

    /// One less for `rank`.
    pub(super) fn take(&mut self, rank: usize) {
        if let Some(load) = self.0.get_mut(rank) {
            *load = load.saturating_sub(1);
        }
    }

    /// `ranks` with the lightest first.
    pub(super) fn ascending(&self, ranks: &[usize]) -> Vec<usize> {
        let mut line = ranks.to_vec();
        line.sort_unstable_by_key(|rank| (self.of(*rank), *rank));
        line
    }
}

/// The least loaded comes next; of equals, who was less loaded at the start.
pub(super) struct Takers(BinaryHeap<Reverse<(usize, usize, usize)>>);

impl Takers {
    /// `line` is ascending by load.
    pub(super) fn new(line: &[usize], loads: &Loads) -> Self {
        Self(line.iter().enumerate().map(|(place, rank)| Reverse((loads.of(*rank), place, *rank))).collect())
    }

    /// The next one, who counts as having taken.
    pub(super) fn next(&mut self) -> Option<usize> {
        let mut top = self.0.peek_mut()?;
        let Reverse((load, _, rank)) = &mut *top;
        *load += 1;
        Some(*rank)
    }
}

/// The most loaded come next, in waves: everybody on the highest level gives one, from the back of the crew, then the
/// level falls and those who are on it join at the front. Who has nothing to give is dropped, and the last of the crew
/// takes its place, which changes the order of later waves.
pub(super) struct Donors {
    waiting: Vec<usize>,
    crew: VecDeque<usize>,
    level: usize,
    still_to_give: usize,
}

impl Donors {
    /// `line` is ascending by load.
    pub(super) fn new(line: Vec<usize>) -> Self {
        Self { waiting: line, crew: VecDeque::new(), level: 0, still_to_give: 0 }
    }

    /// The next one that `can_give`, who counts as having given.
    pub(super) fn next(&mut self, loads: &Loads, can_give: impl Fn(usize) -> bool) -> Option<usize> {
        loop {
            if self.still_to_give == 0 {
                self.next_wave(loads)?;
            }
            self.still_to_give -= 1;
            let rank = *self.crew.get(self.still_to_give)?;
            if can_give(rank) {
                return Some(rank);
            }
            self.crew.swap_remove_back(self.still_to_give);
        }
    }

    fn next_wave(&mut self, loads: &Loads) -> Option<()> {
        self.level =
            if self.crew.is_empty() { loads.of(*self.waiting.last()?) } else { self.level.saturating_sub(1) };
        while let Some(rank) = self.waiting.pop_if(|rank| loads.of(*rank) == self.level) {
            self.crew.push_front(rank);
        }
        self.still_to_give = self.crew.len();
        Some(())
    }
}
