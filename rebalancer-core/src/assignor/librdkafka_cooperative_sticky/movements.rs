//! Moves of one rebalance, so that two opposite ones between the same members are replaced by none.

use std::collections::BTreeMap;

/// Who gave to whom; ranks.
type Pair = (usize, usize);

/// Moves by partition, and by topic and pair in the order in which they were made.
#[derive(Default)]
pub(super) struct Movements {
    moved: BTreeMap<usize, Pair>,
    by_pair: BTreeMap<(u32, Pair), Vec<usize>>,
}

impl Movements {
    /// What to move instead of `number`: a partition of its topic that went the opposite way before.
    pub(super) fn instead_of(&self, number: usize, topic: u32, from: usize, to: usize) -> usize {
        self.by_pair.get(&(topic, (to, from))).and_then(|numbers| numbers.first()).copied().unwrap_or(number)
    }

    /// Writes down a move; one that brings a partition back to where it began is no move at all.
    pub(super) fn note(&mut self, number: usize, topic: u32, from: usize, to: usize) {
        let origin = self.moved.remove(&number).map_or(from, |pair| {
            self.forget(number, topic, pair);
            pair.0
        });
        if origin != to {
            self.moved.insert(number, (origin, to));
            self.by_pair.entry((topic, (origin, to))).or_default().push(number);
        }
    }

    fn forget(&mut self, number: usize, topic: u32, pair: Pair) {
        if let Some(numbers) = self.by_pair.get_mut(&(topic, pair)) {
            numbers.retain(|known| *known != number);
        }
    }
}
