//! Deals what is free, then moves single partitions from members with more to members with fewer.

use std::collections::BTreeMap;

use super::{claims::Claims, ledger::Ledger, movements::Movements, roster::Roster};

/// Completes `ledger`; `sorted` is the order of the partitions.
///
/// librdkafka also sets aside members that can neither give nor take, and goes back if balancing has made things
/// worse. Neither shows: such members never come up, and every move is from someone with at least two more.
pub(super) fn balance(roster: &Roster<'_>, claims: &Claims, ledger: &mut Ledger, mut sorted: Vec<usize>) {
    let mut dealt = deal(roster, ledger, &sorted);
    sorted.retain(|number| roster.candidates(*number) > 1);
    dealt.retain(|number| roster.candidates(*number) > 1);
    let revoked = ledger.revoked;
    let mut moving = Moving { roster, claims, ledger, movements: Movements::default() };
    if !revoked {
        moving.level(&dealt);
    }
    moving.level(&sorted);
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

struct Moving<'a> {
    roster: &'a Roster<'a>,
    claims: &'a Claims,
    ledger: &'a mut Ledger,
    movements: Movements,
}

impl Moving<'_> {
    /// Goes through `numbers` until nothing moves any more.
    fn level(&mut self, numbers: &[usize]) {
        while self.pass(numbers) {}
    }

    /// Whether anything moved.
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
        let keeper = self.ledger.keeper(number)?;
        let has_fewer = |rank: &usize| self.ledger.count(keeper) > self.ledger.count(*rank) + 1;
        self.claims
            .former(number)
            .filter(has_fewer)
            .or_else(|| self.ledger.neediest(self.roster, number).filter(has_fewer))
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

    /// Whether counts differ by at most one, or nobody could get a partition from somebody who has more. The latter
    /// matters after contradicting claims, where a former holder gets back what it no longer subscribes to.
    fn is_level(&self) -> bool {
        let ends = self.ledger.line().next().zip(self.ledger.line().next_back());
        let close = ends.is_none_or(|((least, _), (most, _))| least + 1 >= most);
        close || (!self.roster.is_uniform() && self.nobody_envies())
    }

    fn nobody_envies(&self) -> bool {
        let holders = self.ledger.holders(self.roster.len());
        let mut most = BTreeMap::new();
        let mut most_of = |topic: u32| {
            *most.entry(topic).or_insert_with(|| {
                let holders = holders.get(self.roster.of_topic(topic)).into_iter().flatten().flatten();
                holders.map(|rank| self.ledger.count(*rank)).max().unwrap_or_default()
            })
        };
        let mut has_its_due = |topics: &[u32], count| topics.iter().all(|topic| most_of(*topic) <= count);
        let mut line = self.ledger.line();
        line.all(|(count, rank)| has_its_due(self.roster.subscription(rank), count))
    }
}
