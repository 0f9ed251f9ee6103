//! Who really holds a partition that members say they hold.

use super::roster::Roster;

/// The generation of a member that never had one.
const NO_GENERATION: i32 = -1;

/// What is known of a partition after all members have spoken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claim {
    /// Rank of the member whose claim stands.
    pub(super) holder: Option<usize>,
    /// Whether two members ever claimed it in the same generation, even if a newer claim then won.
    pub(super) disputed: bool,
    /// Generation of the last claim that counted.
    generation: Option<i32>,
}

impl Claim {
    /// A newer generation wins; equal ones cancel each other; an older one is not heard.
    fn add(&mut self, rank: usize, generation: i32) {
        let last = self.generation.unwrap_or(generation);
        if generation < last {
            return;
        }
        let equal = self.generation == Some(generation);
        self.disputed |= equal;
        self.holder = (!equal).then_some(rank);
        self.generation = Some(generation);
    }
}

/// Settles all claims, in Java's order of the members.
pub(super) fn settle(roster: &Roster<'_>) -> Vec<Claim> {
    let mut claims = vec![Claim::default(); roster.partitions.len()];
    for &rank in &roster.hash_order {
        for partition in roster.owned(rank) {
            if let Some(claim) = claims.get_mut(partition) {
                claim.add(rank, generation(roster, rank));
            }
        }
    }
    claims
}

/// For each partition the rank of the member that held it last, of those that missed the newest generation.
pub(super) fn former_holders(roster: &Roster<'_>) -> Vec<Option<usize>> {
    let newest = (0..roster.members.len()).map(|rank| generation(roster, rank)).max();
    let mut former: Vec<Option<(i32, usize)>> = vec![None; roster.partitions.len()];
    for &rank in &roster.hash_order {
        let mine = generation(roster, rank);
        if Some(mine) == newest {
            continue;
        }
        for partition in roster.owned(rank) {
            if let Some(slot) =
                former.get_mut(partition).filter(|slot| slot.is_none_or(|(last, _)| mine > last))
            {
                *slot = Some((mine, rank));
            }
        }
    }
    former.into_iter().map(|slot| slot.map(|(_, rank)| rank)).collect()
}

fn generation(roster: &Roster<'_>, rank: usize) -> i32 {
    roster.members.get(rank).and_then(|member| member.generation).unwrap_or(NO_GENERATION)
}
