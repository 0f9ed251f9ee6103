//! Java's sticky rules on a plain group: `assignor::sticky::constrained`, for one claim to each partition.

use super::Slot;
use super::trial::{Rest, Trial};

/// When a partition goes from one live member to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moves {
    /// In the same rebalance.
    AtOnce,
    /// In the next one, when its owner has given it up.
    AfterRevocation,
}

pub(super) fn rebalance(trial: &mut Trial<'_>, moves: Moves) -> Rest {
    let (quota, larger) = (trial.partitions() / trial.members, trial.partitions() % trial.members);
    let at_quota = |trial: &Trial<'_>, wanted: fn(usize, usize) -> bool| -> Vec<(Slot, usize)> {
        trial.counted(&trial.plain.by_id).filter(|(_, count)| wanted(*count, quota)).collect()
    };
    let below = at_quota(trial, |count, quota| count < quota);
    let mut equal: Vec<Slot> =
        at_quota(trial, |count, quota| count == quota).into_iter().map(|(slot, _)| slot).collect();
    let over = at_quota(trial, |count, quota| count > quota).len();
    // Who keeps the larger quota is found until there are enough; then nobody else may get it.
    if over >= larger {
        equal.clear();
    }
    let revoked = revoke(trial, quota, larger, over);
    fill(trial, quota, below, equal);
    match moves {
        Moves::AtOnce => Rest::Reached,
        Moves::AfterRevocation => withhold(trial, &revoked),
    }
}

/// Takes from everybody what is above its quota, the last ones by number and topic.
fn revoke(trial: &mut Trial<'_>, quota: usize, larger: usize, over: usize) -> Vec<(u32, Slot)> {
    let plain = trial.plain;
    // Where all may keep the larger quota, the order says nothing.
    let order = if over > larger { plain.hash_order(trial.members) } else { &plain.by_id };
    let mut left = larger;
    let mut takes: Vec<(Slot, usize)> = Vec::new();
    for (slot, count) in trial.counted(order).filter(|(_, count)| *count > quota) {
        let keeps = quota + usize::from(left > 0);
        left = left.saturating_sub(1);
        if count > keeps {
            takes.push((slot, keeps));
        }
    }
    let mut revoked = Vec::new();
    let mut list = Vec::new();
    for (slot, keeps) in takes {
        trial.gather(slot, &mut list);
        list.sort_unstable_by_key(|&partition| {
            let known = plain.partition(partition);
            (known.partition, known.topic)
        });
        for &partition in list.get(keeps..).unwrap_or(&[]) {
            trial.release(partition, slot);
            revoked.push((partition, slot));
        }
    }
    revoked
}

/// Deals what is nobody's: round and round to the members below the quota, then one each to those at it.
fn fill(trial: &mut Trial<'_>, quota: usize, mut below: Vec<(Slot, usize)>, mut at_quota: Vec<Slot>) {
    let mut free = std::mem::take(&mut trial.free);
    free.sort_unstable();
    let mut left = free.iter().copied();
    let mut next = Vec::with_capacity(below.len());
    'rounds: while !below.is_empty() {
        for &(slot, count) in &below {
            let Some(partition) = left.next() else { break 'rounds };
            trial.give(partition, slot);
            if count + 1 == quota {
                at_quota.push(slot);
            } else {
                next.push((slot, count + 1));
            }
        }
        below.clear();
        std::mem::swap(&mut below, &mut next);
    }
    let mut takers = at_quota.into_iter();
    let rest = left.by_ref().zip(&mut takers);
    for (partition, slot) in rest {
        trial.give(partition, slot);
    }
    free.clear();
    trial.free = free;
}

/// What a live member has to give up first is nobody's until then.
fn withhold(trial: &mut Trial<'_>, revoked: &[(u32, Slot)]) -> Rest {
    let mut rest = Rest::Reached;
    for &(partition, from) in revoked {
        match trial.owner(partition) {
            Some(owner) if owner != from => {
                trial.release(partition, owner);
                rest = Rest::NotYet;
            }
            Some(_) | None => {}
        }
    }
    rest
}
