//! Sticky assignment where subscriptions differ.

use super::Dealt;
use super::balance::Balance;
use super::claims::{self, Claim};
use super::java_hash;
use super::movements::Movements;
use super::roster::Roster;

/// Rounds of moves after which the balancing stops. Kafka has no limit, and needs none but in states that contradict
/// themselves; a planner must not hang on those.
const MOST_ROUNDS: usize = 1_000;

/// Deals all partitions.
pub(super) fn deal(roster: &Roster<'_>, claims: &[Claim]) -> Dealt {
    let mut balance = Balance::new(roster);
    let revoked = keep(roster, claims, &mut balance);
    let initial = (0..roster.members.len()).all(|rank| balance.count(rank) == 0);
    let order = hardest_first(roster);
    let fresh: Vec<usize> = order.iter().copied().filter(|&p| balance.owner(p).is_none()).collect();
    place(roster, &fresh, &mut balance);
    close_fixed(roster, &mut balance);
    balance.index_topics(roster);
    let before = balance.owners().to_vec();
    let old_score = score(&balance);
    let mut balancing = Balancing::new(roster, balance);
    // Nothing has to be taken away from anybody: first try with what is new.
    if !revoked {
        balancing.run(&contested(roster, &fresh));
    }
    let moved = balancing.run(&contested(roster, &order));
    let worse = !initial && moved && score(&balancing.balance) >= old_score;
    let owners = if worse { before } else { balancing.balance.owners().to_vec() };
    Dealt { moving: moving(roster, &owners), owners }
}

/// Leaves members what they hold; tells whether one held a part of a topic that it no longer subscribes to.
fn keep(roster: &Roster<'_>, claims: &[Claim], balance: &mut Balance) -> bool {
    let mut revoked = false;
    for (claim, partition) in claims.iter().zip(0..) {
        let (Some(rank), Some(topic)) = (claim.holder, roster.topic(partition)) else { continue };
        if roster.subscribes(rank, topic) {
            balance.give(partition, rank);
        } else {
            revoked = true;
        }
    }
    revoked
}

/// All partitions, those of the topics with the fewest subscribers first.
fn hardest_first(roster: &Roster<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..roster.partitions.len()).collect();
    order.sort_by_key(|&partition| roster.topic(partition).and_then(|topic| roster.subscribers.get(topic)));
    order
}

fn place(roster: &Roster<'_>, fresh: &[usize], balance: &mut Balance) {
    for &partition in fresh {
        if let Some((_, rank)) = roster.topic(partition).and_then(|topic| balance.lowest(topic)) {
            balance.give(partition, rank);
        }
    }
}

/// Takes out the members that hold all they ever can and share none of their topics.
fn close_fixed(roster: &Roster<'_>, balance: &mut Balance) {
    let mut shares = vec![false; roster.members.len()];
    for (owner, partition) in balance.owners().iter().zip(0..) {
        if let Some(slot) = owner.and_then(|rank| shares.get_mut(rank)) {
            *slot |= is_contested(roster, partition);
        }
    }
    for (shares, rank) in shares.into_iter().zip(0..) {
        if !shares && balance.count(rank) >= roster.capacity(rank) {
            balance.close(rank);
        }
    }
}

fn is_contested(roster: &Roster<'_>, partition: usize) -> bool {
    roster.topic(partition).and_then(|topic| roster.subscribers.get(topic)).is_some_and(|&count| count > 1)
}

fn contested(roster: &Roster<'_>, partitions: &[usize]) -> Vec<usize> {
    partitions.iter().copied().filter(|&partition| is_contested(roster, partition)).collect()
}

/// Sum of the differences between the counts of all pairs of members that take part; 0 is even.
fn score(balance: &Balance) -> usize {
    let mut counts = balance.open_counts();
    counts.sort_unstable();
    let mut below = 0;
    let mut score = 0;
    for (&count, smaller) in counts.iter().zip(0..) {
        score += count * smaller - below;
        below += count;
    }
    score
}

/// Partitions that somebody holds and another one is to get; those still held by the new owner stay with it.
fn moving(roster: &Roster<'_>, owners: &[Option<usize>]) -> Vec<bool> {
    let (mut claimed, mut stays) = (vec![false; owners.len()], vec![false; owners.len()]);
    for rank in 0..roster.members.len() {
        for partition in roster.owned(rank) {
            let keeps = owners.get(partition) == Some(&Some(rank));
            if let Some((claimed, stays)) = claimed.get_mut(partition).zip(stays.get_mut(partition)) {
                *claimed = true;
                *stays |= keeps;
            }
        }
    }
    claimed.into_iter().zip(stays).map(|(claimed, stays)| claimed && !stays).collect()
}

struct Balancing<'a> {
    roster: &'a Roster<'a>,
    balance: Balance,
    movements: Movements,
    former: Vec<Option<usize>>,
    topic_hashes: Vec<u32>,
}

impl<'a> Balancing<'a> {
    fn new(roster: &'a Roster<'a>, balance: Balance) -> Self {
        let former = claims::former_holders(roster);
        Self { roster, balance, movements: Movements::default(), former, topic_hashes: roster.topic_hashes() }
    }

    /// Moves partitions until no move makes the counts more even; tells whether any moved.
    fn run(&mut self, partitions: &[usize]) -> bool {
        let mut moved = false;
        for _ in 0..MOST_ROUNDS {
            if !self.round(partitions) {
                break;
            }
            moved = true;
        }
        moved
    }

    fn round(&mut self, partitions: &[usize]) -> bool {
        let mut moved = false;
        for &partition in partitions {
            if self.balance.is_even() {
                break;
            }
            if let Some(to) = self.better_owner(partition) {
                self.pass(partition, to);
                moved = true;
            }
        }
        moved
    }

    /// The former owner if it has fewer by two, even if it no longer subscribes; else the subscriber with the fewest.
    fn better_owner(&self, partition: usize) -> Option<usize> {
        let count = self.balance.count(self.balance.owner(partition)?);
        let former = self.former.get(partition).copied().flatten().filter(|&rank| self.balance.is_open(rank));
        if let Some(rank) = former.filter(|&rank| count > self.balance.count(rank) + 1) {
            return Some(rank);
        }
        let (least, rank) = self.balance.lowest(self.roster.topic(partition)?)?;
        (count > least + 1).then_some(rank)
    }

    fn pass(&mut self, wanted: usize, to: usize) {
        let Some((topic, owner)) = self.roster.topic(wanted).zip(self.balance.owner(wanted)) else { return };
        let partition = self.movements.actual(topic, wanted, owner, to);
        let Some(from) = self.balance.owner(partition) else { return };
        self.movements.record(topic, (partition, self.hash(partition)), (from, to));
        self.balance.pass(partition, topic, to);
    }

    fn hash(&self, partition: usize) -> u32 {
        let known = self.roster.partitions.get(partition);
        let topic = self.roster.topic(partition).and_then(|topic| self.topic_hashes.get(topic));
        known.zip(topic).map_or(0, |(known, &topic)| java_hash::of_partition(topic, known.partition))
    }
}
