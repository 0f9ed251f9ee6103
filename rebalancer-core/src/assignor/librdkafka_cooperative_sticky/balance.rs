//! Deals what is free, then moves single partitions from members with more to members with fewer.

use std::collections::BTreeMap;

use super::{claims::Claims, ledger::Ledger, movements::Movements, roster::Roster};

/// Completes `ledger`; `sorted` is the order of the partitions.
pub(super) fn balance(roster: &Roster<'_>, claims: &Claims, ledger: &mut Ledger, sorted: Vec<usize>) {
    let first_time = ledger.line().next_back().is_none_or(|(most, _)| most == 0);
    let dealt = deal(roster, ledger, &sorted);
    let shared = |numbers: Vec<usize>| -> Vec<usize> {
        numbers.into_iter().filter(|number| roster.candidates(*number) > 1).collect()
    };
    let (dealt, sorted) = (shared(dealt), shared(sorted));
    leave_out_the_fixed(roster, ledger);
    let before = ledger.clone();
    let mut moving = Moving { roster, claims, ledger, movements: Movements::default() };
    if !before.revoked {
        moving.level(&dealt);
    }
    let moved = moving.level(&sorted);
    if moved && !first_time && ledger.imbalance() >= before.imbalance() {
        *ledger = before;
    }
}

/// Gives what nobody holds to whoever needs it most; says what that was.
fn deal(roster: &Roster<'_>, ledger: &mut Ledger, sorted: &[usize]) -> Vec<usize> {
    let holders = ledger.holders(roster.len());
    let free = |number: &usize| holders.get(*number).is_some_and(Option::is_none);
    let dealt: Vec<usize> = sorted.iter().copied().filter(free).collect();
    for number in &dealt {
        if let Some(rank) = ledger.neediest(roster, *number) {
            ledger.give(*number, rank);
        }
    }
    dealt
}

/// Who has all it could have, none of it of interest to others, stays as it is.
fn leave_out_the_fixed(roster: &Roster<'_>, ledger: &mut Ledger) {
    for rank in 0..roster.ranks() {
        let full = ledger.count(rank) >= roster.potential(rank);
        if full && ledger.held(rank).all(|number| roster.candidates(number) < 2) {
            ledger.leave_out(rank);
        }
    }
}

struct Moving<'a> {
    roster: &'a Roster<'a>,
    claims: &'a Claims,
    ledger: &'a mut Ledger,
    movements: Movements,
}

impl Moving<'_> {
    /// Goes through `numbers` until nothing moves any more; whether anything did.
    fn level(&mut self, numbers: &[usize]) -> bool {
        let mut moved = false;
        while self.pass(numbers) {
            moved = true;
        }
        moved
    }

    fn pass(&mut self, numbers: &[usize]) -> bool {
        let mut moved = false;
        let mut level = self.is_level();
        for number in numbers {
            if level {
                break;
            }
            if let Some(rank) = self.better_holder(*number) {
                self.move_to(*number, rank);
                moved = true;
                level = self.is_level();
            }
        }
        moved
    }

    /// Who held it before, or else the neediest: whoever has at least two fewer.
    fn better_holder(&self, number: usize) -> Option<usize> {
        let keeper = self.ledger.keeper(number).filter(|rank| self.ledger.takes_part(*rank))?;
        let has_fewer = |rank: &usize| self.ledger.count(keeper) > self.ledger.count(*rank) + 1;
        let former = self.claims.former(number).filter(|rank| self.ledger.takes_part(*rank));
        former.filter(has_fewer).or_else(|| self.ledger.neediest(self.roster, number).filter(has_fewer))
    }

    fn move_to(&mut self, number: usize, to: usize) {
        let places = self.ledger.keeper(number).zip(self.roster.topic(number));
        let Some((from, topic)) = places else { return };
        let number = self.movements.instead_of(number, topic, from, to);
        if let Some(from) = self.ledger.keeper(number) {
            self.movements.note(number, topic, from, to);
            self.ledger.hand_over(number, to);
        }
    }

    /// Whether counts differ by at most one, or nobody could get a partition from somebody who has more.
    fn is_level(&self) -> bool {
        let ends = self.ledger.line().next().zip(self.ledger.line().next_back());
        let close = ends.is_none_or(|((least, _), (most, _))| least + 1 >= most);
        close || (!self.roster.is_uniform() && self.nobody_envies())
    }

    fn nobody_envies(&self) -> bool {
        let holders = self.ledger.holders(self.roster.len());
        let mut most = BTreeMap::new();
        let mut most_of = |topic: u32| {
            let numbers = self.roster.of_topic(topic);
            *most.entry(topic).or_insert_with(|| {
                let holders = holders.get(numbers).into_iter().flatten().flatten();
                holders.map(|rank| self.ledger.count(*rank)).max().unwrap_or_default()
            })
        };
        self.ledger.line().all(|(count, rank)| {
            count == self.roster.potential(rank)
                || self.roster.subscription(rank).iter().all(|topic| most_of(*topic) <= count)
        })
    }
}
