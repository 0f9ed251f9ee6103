//! What each member holds while a rebalance is worked out.

use std::collections::BTreeSet;

use super::{claims::Claims, roster::Roster};

/// Partitions by rank, and the ranks in order of how many they hold.
pub(super) struct Ledger {
    held: Vec<BTreeSet<usize>>,
    /// Where a partition is looked for when it is to move. After contradicting claims that is not always who holds it.
    keepers: Vec<Option<usize>>,
    line: BTreeSet<(usize, usize)>,
    /// Somebody held what it no longer subscribes to.
    pub(super) revoked: bool,
}

impl Ledger {
    /// What the members keep.
    pub(super) fn kept(roster: &Roster<'_>, claims: &Claims) -> Self {
        let mut ledger = Self {
            held: vec![BTreeSet::new(); roster.ranks()],
            keepers: vec![None; roster.len()],
            line: (0..roster.ranks()).map(|rank| (0, rank)).collect(),
            revoked: false,
        };
        for number in 0..roster.len() {
            if let Some(holder) = claims.holder(number) {
                if roster.subscribes(holder, number) {
                    ledger.give(number, holder);
                } else {
                    ledger.revoked = true;
                }
                ledger.set_keeper(number, claims.last(number));
            }
        }
        ledger
    }

    /// How many partitions `rank` holds.
    pub(super) fn count(&self, rank: usize) -> usize {
        self.held.get(rank).map_or(0, BTreeSet::len)
    }

    /// Where a partition is looked for.
    pub(super) fn keeper(&self, number: usize) -> Option<usize> {
        self.keepers.get(number).copied().flatten()
    }

    /// Everybody with their counts: the fewest first, then by rank.
    pub(super) fn line(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        self.line.iter().copied()
    }

    /// The member with the fewest that subscribes to a partition.
    pub(super) fn neediest(&self, roster: &Roster<'_>, number: usize) -> Option<usize> {
        self.line().map(|(_, rank)| rank).find(|rank| roster.subscribes(*rank, number))
    }

    /// Gives a partition to `rank`.
    pub(super) fn give(&mut self, number: usize, rank: usize) {
        self.change(rank, |held| held.insert(number));
        self.set_keeper(number, Some(rank));
    }

    /// Takes it from where it is looked for, and gives it to `rank`.
    pub(super) fn hand_over(&mut self, number: usize, rank: usize) {
        if let Some(keeper) = self.keeper(number) {
            self.change(keeper, |held| held.remove(&number));
        }
        self.give(number, rank);
    }

    /// The holder of each partition; of two, the last one.
    pub(super) fn holders(&self, partitions: usize) -> Vec<Option<usize>> {
        let mut holders = vec![None; partitions];
        for (rank, held) in self.held.iter().enumerate() {
            for number in held {
                if let Some(holder) = holders.get_mut(*number) {
                    *holder = Some(rank);
                }
            }
        }
        holders
    }

    fn set_keeper(&mut self, number: usize, rank: Option<usize>) {
        if let Some(keeper) = self.keepers.get_mut(number) {
            *keeper = rank;
        }
    }

    fn change(&mut self, rank: usize, change: impl FnOnce(&mut BTreeSet<usize>) -> bool) {
        self.line.remove(&(self.count(rank), rank));
        if let Some(held) = self.held.get_mut(rank) {
            change(held);
        }
        self.line.insert((self.count(rank), rank));
    }
}
