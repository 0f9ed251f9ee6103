//! The order in which partitions are dealt and moved.

use std::collections::{BTreeSet, VecDeque};

use super::{claims::Claims, roster::Roster};

/// All partitions in that order.
///
/// With unequal subscriptions: those with the fewest candidates first. With equal ones: what is held, taken in turn
/// from whoever holds the most, then the free ones **from the last to the first**, because they come out of a map that
/// is read backwards; only if nothing is held they are sorted.
pub(super) fn sorted(roster: &Roster<'_>, claims: &Claims) -> Vec<usize> {
    let mut all: Vec<usize> = (0..roster.len()).collect();
    if !roster.is_uniform() {
        all.sort_by_key(|number| roster.candidates(*number));
        return all;
    }
    let mut queue = in_turn(held(roster, claims));
    if queue.is_empty() {
        return all;
    }
    let queued: BTreeSet<usize> = queue.iter().copied().collect();
    queue.extend(all.into_iter().rev().filter(|number| !queued.contains(number)));
    queue
}

/// What each rank holds; what somebody else held before comes first.
fn held(roster: &Roster<'_>, claims: &Claims) -> Vec<VecDeque<usize>> {
    let mut held = vec![VecDeque::new(); roster.ranks()];
    let (disputed, quiet): (Vec<_>, Vec<_>) =
        (0..roster.len()).partition(|number| claims.former(*number).is_some());
    for number in disputed.into_iter().chain(quiet) {
        if let Some(list) = claims.holder(number).and_then(|rank| held.get_mut(rank)) {
            list.push_back(number);
        }
    }
    held
}

fn in_turn(mut held: Vec<VecDeque<usize>>) -> Vec<usize> {
    let mut line: BTreeSet<(usize, usize)> =
        held.iter().enumerate().map(|(rank, list)| (list.len(), rank)).collect();
    let mut queue = Vec::new();
    while let Some((_, rank)) = line.pop_last() {
        let Some(list) = held.get_mut(rank) else { continue };
        if let Some(number) = list.pop_front() {
            queue.push(number);
            line.insert((list.len(), rank));
        }
    }
    queue
}
