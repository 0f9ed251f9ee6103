//! Who says that it holds a partition.

use super::roster::Roster;

/// What the claims to each partition come to.
pub(super) struct Claims(Vec<Claim>);

#[derive(Default)]
struct Claim {
    holder: Option<usize>,
    former: Option<usize>,
    last: Option<usize>,
}

impl Claims {
    pub(super) fn of(roster: &Roster<'_>) -> Self {
        let mut made: Vec<Vec<(Option<i32>, usize)>> = vec![Vec::new(); roster.len()];
        for (rank, member) in roster.members().enumerate() {
            for number in member.owned.iter().filter_map(|owned| roster.number(*owned)) {
                if let Some(claims) = made.get_mut(number) {
                    claims.push((member.generation, rank));
                }
            }
        }
        Self(made.into_iter().map(settled).collect())
    }

    /// The claim of the latest generation, if no two claims are of the same one.
    pub(super) fn holder(&self, number: usize) -> Option<usize> {
        self.0.get(number)?.holder
    }

    /// The claim of the generation before.
    pub(super) fn former(&self, number: usize) -> Option<usize> {
        self.0.get(number)?.former
    }

    /// The claim of the last member, valid or not.
    pub(super) fn last(&self, number: usize) -> Option<usize> {
        self.0.get(number)?.last
    }
}

fn settled(mut claims: Vec<(Option<i32>, usize)>) -> Claim {
    let last = claims.last().map(|(_, rank)| *rank);
    claims.sort_unstable();
    let contradict = claims.windows(2).any(|pair| matches!(pair, [(one, _), (next, _)] if one == next));
    if contradict {
        return Claim { last, ..Claim::default() };
    }
    let mut latest_first = claims.into_iter().rev().map(|(_, rank)| rank);
    Claim { holder: latest_first.next(), former: latest_first.next(), last }
}
