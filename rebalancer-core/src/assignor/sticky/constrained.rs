//! Sticky assignment where all members have the same subscription.

use super::Dealt;
use super::claims::Claim;
use super::roster::Roster;

/// Deals all partitions.
pub(super) fn deal(roster: &Roster<'_>, claims: &[Claim]) -> Dealt {
    let mut dealing = Dealing::new(roster.members.len(), roster.partitions.len());
    let held = held(roster, claims);
    for &rank in &roster.hash_order {
        dealing.keep(rank, held.get(rank).map_or(&[], Vec::as_slice));
    }
    dealing.fill();
    let moving = dealing.moving(claims);
    Dealt { owners: dealing.owners, moving }
}

/// What each member holds, by number and then topic: the order in which it keeps them.
fn held(roster: &Roster<'_>, claims: &[Claim]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..roster.partitions.len()).collect();
    order.sort_by_key(|&partition| roster.partitions.get(partition).map(|known| known.partition));
    let mut held = vec![Vec::new(); roster.members.len()];
    for partition in order {
        let holder = claims.get(partition).filter(|claim| !claim.disputed).and_then(|claim| claim.holder);
        if let Some(list) = holder.and_then(|rank| held.get_mut(rank)) {
            list.push(partition);
        }
    }
    held
}

struct Dealing {
    /// Partitions that every member gets.
    quota: usize,
    /// Members that get one more and have not been found yet.
    larger: usize,
    owners: Vec<Option<usize>>,
    /// Who had to give a partition up; it may be dealt the same one again.
    revoked_from: Vec<Option<usize>>,
    /// Members below the quota, and how many they have.
    below: Vec<(usize, usize)>,
    /// Members at the quota that may still get one more.
    at_quota: Vec<usize>,
}

impl Dealing {
    fn new(members: usize, partitions: usize) -> Self {
        Self {
            quota: partitions.checked_div(members).unwrap_or(0),
            larger: partitions.checked_rem(members).unwrap_or(0),
            owners: vec![None; partitions],
            revoked_from: vec![None; partitions],
            below: Vec::new(),
            at_quota: Vec::new(),
        }
    }

    /// Leaves a member what it holds, up to its quota; who comes first may keep the larger one.
    fn keep(&mut self, rank: usize, held: &[usize]) {
        let kept = if held.len() < self.quota {
            self.below.push((rank, held.len()));
            held.len()
        } else if held.len() > self.quota && self.larger > 0 {
            self.keep_larger()
        } else {
            if self.larger > 0 {
                self.at_quota.push(rank);
            }
            self.quota
        };
        let (kept, given_up) = held.split_at_checked(kept).unwrap_or((held, &[]));
        mark(&mut self.owners, kept, rank);
        mark(&mut self.revoked_from, given_up, rank);
    }

    fn keep_larger(&mut self) -> usize {
        self.larger -= 1;
        if self.larger == 0 {
            self.at_quota.clear();
        }
        self.quota + 1
    }

    /// Deals what is left: round and round to the members below the quota, then one each to those at it.
    fn fill(&mut self) {
        let unowned = self.owners.iter().zip(0..).filter(|(owner, _)| owner.is_none());
        let mut left = unowned.map(|(_, partition)| partition).collect::<Vec<usize>>().into_iter();
        self.below.sort_unstable();
        self.at_quota.sort_unstable();
        while !self.below.is_empty() {
            for (rank, count) in std::mem::take(&mut self.below) {
                let Some(partition) = left.next() else { return };
                mark(&mut self.owners, &[partition], rank);
                if count + 1 == self.quota {
                    self.at_quota.push(rank);
                } else {
                    self.below.push((rank, count + 1));
                }
            }
        }
        for (partition, &rank) in left.zip(&self.at_quota) {
            mark(&mut self.owners, &[partition], rank);
        }
    }

    fn moving(&self, claims: &[Claim]) -> Vec<bool> {
        let revoked = self.owners.iter().zip(&self.revoked_from);
        let changes_hands = revoked.map(|(owner, from)| from.is_some() && owner != from);
        // A disputed partition is withheld even from those who claimed it: neither may go on with it.
        changes_hands.zip(claims).map(|(changes, claim)| changes || claim.disputed).collect()
    }
}

fn mark(list: &mut [Option<usize>], partitions: &[usize], rank: usize) {
    for &partition in partitions {
        if let Some(slot) = list.get_mut(partition) {
            *slot = Some(rank);
        }
    }
}
