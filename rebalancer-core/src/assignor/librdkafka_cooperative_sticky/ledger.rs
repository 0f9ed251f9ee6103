//! What each member holds while a rebalance is worked out.

use std::collections::BTreeSet;

use super::{claims::Claims, roster::Roster};

/// Partitions by rank, and the ranks in order of how many they hold.
#[derive(Clone)]
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

    /// The partitions of `rank`, ascending.
    pub(super) fn held(&self, rank: usize) -> impl Iterator<Item = usize> {
        self.held.get(rank).into_iter().flatten().copied()
    }

    /// Where a partition is looked for.
    pub(super) fn keeper(&self, number: usize) -> Option<usize> {
        self.keepers.get(number).copied().flatten()
    }

    /// Those who take part, with their counts: the fewest first, then by rank.
    pub(super) fn line(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        self.line.iter().copied()
    }

    /// Whether `rank` takes part.
    pub(super) fn takes_part(&self, rank: usize) -> bool {
        self.line.contains(&(self.count(rank), rank))
    }

    /// `rank` neither gives nor takes any more.
    pub(super) fn leave_out(&mut self, rank: usize) {
        self.line.remove(&(self.count(rank), rank));
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

    /// The sum of the differences between the counts of all pairs that take part.
    pub(super) fn imbalance(&self) -> usize {
        let (mut before, mut total, mut sum) = (0, 0, 0);
        for (count, _) in self.line() {
            sum += count * before - total;
            before += 1;
            total += count;
        }
        sum
    }

    fn set_keeper(&mut self, number: usize, rank: Option<usize>) {
        if let Some(keeper) = self.keepers.get_mut(number) {
            *keeper = rank;
        }
    }

    fn change(&mut self, rank: usize, change: impl FnOnce(&mut BTreeSet<usize>) -> bool) {
        let takes_part = self.line.remove(&(self.count(rank), rank));
        if let Some(held) = self.held.get_mut(rank) {
            change(held);
        }
        if takes_part {
            self.line.insert((self.count(rank), rank));
        }
    }
}
