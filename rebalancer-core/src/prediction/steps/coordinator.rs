//! The steps that the coordinator of a KIP-848 group takes: `GroupMetadataManager.maybeUpdateTargetAssignment` of Kafka 4.4.
//!
//! - It assigns only when it handles a heartbeat, of any member, and only when the group has changed since it last did.
//! - A leave is no such heartbeat. It is assigned at the next one of a member that stays: with six members and
//!   `group.consumer.heartbeat.interval.ms` at its default of 5 s that is in 0.8 s at most, most often, and leaves that
//!   are a tenth of a second apart fall into one assignment or into several.
//! - A join is one. It is assigned at once, and alone.
//! - Since Kafka 4.3 `group.consumer.assignment.interval.ms` (1 s) must have passed since the last assignment. What changes
//!   meanwhile is assigned together, at the first heartbeat after that. Before, there was no such interval: each join has
//!   an assignment of its own, which takes any leaves along that no heartbeat has come after.
//!
//! So since 4.3, of replacements that join later than that, the first one is assigned alone, and the others in any groups. Replacements
//! are alike: their ids are drawn. Which of the removed members is the first to have left is told by nothing.

use super::Step;
use crate::fleet::consumer_group::CoordinatorRelease;
use crate::policy::Timing;

/// Of so many members the courses are told apart, and draws take them in turn. Of more, each draw takes any.
const TOLD_APART: usize = 3;
/// In which assignment each of one, two or three leaves may fall.
const ONE: [&[u64]; 1] = [&[0]];
const TWO: [&[u64]; 3] = [&[0, 0], &[0, 1], &[1, 0]];
const THREE: [&[u64]; 13] = [
    &[0, 0, 0],
    &[0, 0, 1],
    &[0, 1, 0],
    &[1, 0, 0],
    &[0, 1, 1],
    &[1, 0, 1],
    &[1, 1, 0],
    &[0, 1, 2],
    &[0, 2, 1],
    &[1, 0, 2],
    &[1, 2, 0],
    &[2, 0, 1],
    &[2, 1, 0],
];

/// Which joins share an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joins {
    /// None: before Kafka 4.3.
    EachAlone,
    /// Any after the first one; all courses of earlier releases are nearly among these.
    Together,
}

impl Joins {
    /// As the coordinator's release has it; the later one where it is not known.
    pub(crate) fn of(release: Option<CoordinatorRelease>) -> Self {
        match release {
            Some(CoordinatorRelease::Before4_0_1 | CoordinatorRelease::Since4_0_1) => Self::EachAlone,
            Some(CoordinatorRelease::Since4_3) | None => Self::Together,
        }
    }
}

/// How many lists of steps are possible for a rotation of so many members; `None`: more than are told apart.
pub(super) fn possible(timing: Timing, joins: Joins, members: usize) -> Option<u64> {
    let after = after(joins, members)?;
    match timing {
        // Any leaves and joins may share an assignment, whatever their times.
        Timing::LeaveThenJoin | Timing::OneByOne => Some(after),
        Timing::AllAtOnce => Some(at_once(joins, members) + after),
    }
}

/// The list of this draw.
pub(super) fn steps(timing: Timing, joins: Joins, members: &[usize], draw: u64) -> Vec<Step> {
    if members.is_empty() {
        return Vec::new();
    }
    let count = possible(timing, joins, members.len());
    let number = count.map_or_else(|| mixed(draw), |count| draw % count);
    // Where members subscribe to different topics, it matters whose replacement is the first.
    let turn = usize::try_from(count.map_or(number, |count| draw / count)).unwrap_or(0) % members.len();
    let mut joining = members.to_vec();
    joining.rotate_left(turn);
    let after = |number, count: Option<u64>| match count {
        Some(_) => one_after_the_other(members, &joining, joins, number),
        None => any_one_after_the_other(members, &joining, joins, number),
    };
    match (timing, count) {
        (Timing::LeaveThenJoin | Timing::OneByOne, count) => after(number, count),
        (Timing::AllAtOnce, Some(_)) => match number.checked_sub(at_once(joins, members.len())) {
            None => together(members, &joining, joins, number),
            Some(number) => after(number, count),
        },
        (Timing::AllAtOnce, None) if number.is_multiple_of(2) => {
            together(members, &joining, joins, number / 2)
        }
        (Timing::AllAtOnce, None) => after(number / 2, None),
    }
}

/// Of all leaves before all joins.
fn after(joins: Joins, members: usize) -> Option<u64> {
    match (members, joins) {
        (0 | 1, _) => Some(1),
        (2, _) => Some(TWO.len() as u64),
        (TOLD_APART, Joins::EachAlone) => Some(THREE.len() as u64),
        // The second and the third join in one assignment or in two.
        (TOLD_APART, Joins::Together) => Some(2 * THREE.len() as u64),
        (_, _) => None,
    }
}

/// Of leaves and joins in any order: in two assignments at most, of which the first one takes some of the leaves, or none,
/// and then one of the joins or none, since a join is assigned at once; or, where each join is assigned alone, with each
/// leave before all of them, along with any, or after all.
fn at_once(joins: Joins, members: usize) -> u64 {
    let members = members.min(TOLD_APART);
    match joins {
        Joins::EachAlone => (0..members).fold(1, |lists, _| lists * (members as u64 + 2)) - 1,
        Joins::Together => (2_u64 << members) - 1,
    }
}

fn together(leaving: &[usize], joining: &[usize], joins: Joins, number: u64) -> Vec<Step> {
    match joins {
        Joins::EachAlone => among_joins(leaving, joining, number),
        Joins::Together => in_two(leaving, joining, number),
    }
}

/// Each leave in one of the places before, at and after the joins, by the digits of the number; not all of them before.
fn among_joins(leaving: &[usize], joining: &[usize], number: u64) -> Vec<Step> {
    let places = joining.len() as u64 + 2;
    let digits = leaving.iter().scan(number.wrapping_add(1), |left, &member| {
        let place = *left % places;
        *left /= places;
        Some((place, member))
    });
    let placed: Vec<(u64, usize)> = digits.collect();
    let at = |place: u64| {
        let those = placed.iter().filter(move |(own, _)| *own == place);
        those.map(|&(_, member)| Step::Leave(member))
    };
    let alone = |place: u64| {
        let settle = placed.iter().any(|(own, _)| *own == place).then_some(Step::Rebalance);
        at(place).chain(settle).collect::<Vec<Step>>()
    };
    let mut steps = alone(0);
    for (place, &member) in (1..).zip(joining) {
        steps.extend(at(place).chain([Step::JoinAndRebalance(member)]));
    }
    steps.extend(alone(places - 1));
    steps
}

/// Two assignments at most.
fn in_two(leaving: &[usize], joining: &[usize], number: u64) -> Vec<Step> {
    let code = number % ((2_u64 << leaving.len().min(usize::BITS as usize - 2)) - 1) + 1;
    let is_first = |place: u32| code.rotate_right(place) & 2 == 2;
    let part = |first: bool| {
        let part = (0_u32..).zip(leaving).filter(move |(place, _)| is_first(*place) == first);
        part.map(|(_, &member)| Step::Leave(member))
    };
    let mut steps: Vec<Step> = part(true).collect();
    let mut joining = joining.iter().copied();
    let alone = if code & 1 == 1 { joining.next() } else { None };
    steps.push(alone.map_or(Step::Rebalance, Step::JoinAndRebalance));
    let rest: Vec<Step> = part(false).chain(joining.map(Step::Join)).collect();
    if !rest.is_empty() {
        steps.extend(rest);
        steps.push(Step::Rebalance);
    }
    steps
}

/// The n-th way in which all leave before others join.
fn one_after_the_other(leaving: &[usize], joining: &[usize], joins: Joins, number: u64) -> Vec<Step> {
    let (orders, cuts, number): (&[&[u64]], u64, u64) = match (leaving.len(), joins) {
        (0 | 1, _) => (&ONE, 0, 0),
        (2, _) => (&TWO, 0, number),
        (_, Joins::EachAlone) => (&THREE, 0, number),
        (_, Joins::Together) => (&THREE, number % 2, number / 2),
    };
    let order = usize::try_from(number).ok().and_then(|number| orders.get(number)).unwrap_or(&ONE[0]);
    in_parts(leaving, order, (joining, joins), cuts)
}

/// Any of them. Most often one alone is the first, and the others come together.
fn any_one_after_the_other(leaving: &[usize], joining: &[usize], joins: Joins, number: u64) -> Vec<Step> {
    let bits = mixed(number);
    let first = usize::try_from(bits >> 8).unwrap_or(0) % leaving.len().max(1);
    let order: Vec<u64> = match number % 4 {
        0 | 1 => (0..leaving.len()).map(|place| u64::from(place != first)).collect(),
        2 => vec![0; leaving.len()],
        _ => (0_u32..).zip(leaving).map(|(place, _)| bits.rotate_right(place) & 1).collect(),
    };
    let cuts = if (number / 4).is_multiple_of(2) { 0 } else { mixed(bits) };
    in_parts(leaving, &order, (joining, joins), cuts)
}

/// Leaves by the number of their assignment. Then each join alone, or the first one, and the others with an assignment at
/// each cut.
fn in_parts(leaving: &[usize], order: &[u64], (joining, joins): (&[usize], Joins), cuts: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in 0..=order.iter().copied().max().unwrap_or(0) {
        let those = leaving.iter().zip(order).filter(|(_, of)| **of == part).map(|(member, _)| *member);
        let before = steps.len();
        steps.extend(those.map(Step::Leave));
        if steps.len() > before {
            steps.push(Step::Rebalance);
        }
    }
    if joins == Joins::EachAlone {
        steps.extend(joining.iter().copied().map(Step::JoinAndRebalance));
        return steps;
    }
    let mut rest = joining.iter().copied();
    steps.extend(rest.next().map(Step::JoinAndRebalance));
    for (place, member) in (0_u32..).zip(rest) {
        if place > 0 && cuts.rotate_right(place - 1) & 1 == 1 {
            steps.push(Step::Rebalance);
        }
        steps.push(Step::Join(member));
    }
    if matches!(steps.last(), Some(Step::Join(_))) {
        steps.push(Step::Rebalance);
    }
    steps
}

/// Neighbors in, strangers out: the finalizer of SplitMix64.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Step::{Join, JoinAndRebalance, Leave, Rebalance};
    use super::*;

    const BOTH: [Joins; 2] = [Joins::Together, Joins::EachAlone];

    fn all(timing: Timing, joins: Joins, members: &[usize]) -> Vec<Vec<Step>> {
        let count = possible(timing, joins, members.len()).unwrap();
        (0..count).map(|draw| steps(timing, joins, members, draw)).collect()
    }

    fn as_text(steps: &[Step]) -> String {
        format!("{steps:?}")
    }

    #[test]
    fn of_one_member_only_one_course_is_possible_where_it_leaves_first() {
        for joins in BOTH {
            assert_eq!(all(Timing::LeaveThenJoin, joins, &[4]), [[Leave(4), Rebalance, JoinAndRebalance(4)]]);
        }
    }

    #[test]
    fn two_leave_in_one_assignment_or_in_two_and_then_join_one_by_one() {
        let joins = [JoinAndRebalance(1), Join(2), Rebalance];
        let leaves: [&[Step]; 3] = [
            &[Leave(1), Leave(2), Rebalance],
            &[Leave(1), Rebalance, Leave(2), Rebalance],
            &[Leave(2), Rebalance, Leave(1), Rebalance],
        ];
        let expected: Vec<Vec<Step>> = leaves.iter().map(|leaves| [leaves, &joins[..]].concat()).collect();
        assert_eq!(all(Timing::LeaveThenJoin, Joins::Together, &[1, 2]), expected);
    }

    #[test]
    fn draws_in_a_row_take_each_course_once() {
        for timing in [Timing::LeaveThenJoin, Timing::AllAtOnce] {
            for members in [&[5][..], &[5, 6], &[5, 6, 7]] {
                for joins in BOTH {
                    let all = all(timing, joins, members);
                    let different: BTreeSet<String> = all.iter().map(|steps| as_text(steps)).collect();
                    assert_eq!(different.len(), all.len(), "{timing:?}, {joins:?}, {members:?}");
                }
            }
        }
    }

    #[test]
    fn in_every_course_each_leaves_once_and_its_replacement_joins_once() {
        for timing in [Timing::LeaveThenJoin, Timing::AllAtOnce] {
            for count in [1_usize, 2, 3, 4, 9, 70] {
                let members: Vec<usize> = (10..10 + count).collect();
                for (joins, draw) in
                    BOTH.into_iter().flat_map(|joins| (0..200).map(move |draw| (joins, draw)))
                {
                    let steps = steps(timing, joins, &members, draw);
                    let (mut gone, mut come) = (Vec::new(), Vec::new());
                    for step in &steps {
                        match *step {
                            Leave(member) => gone.push(member),
                            Join(member) | JoinAndRebalance(member) => come.push(member),
                            Rebalance => {}
                        }
                    }
                    gone.sort_unstable();
                    come.sort_unstable();
                    assert_eq!((&gone, &come), (&members, &members), "{steps:?}");
                    assert!(matches!(steps.last(), Some(Rebalance | JoinAndRebalance(_))), "{steps:?}");
                }
            }
        }
    }

    #[test]
    fn before_kafka_4_3_each_join_has_an_assignment_of_its_own() {
        for timing in [Timing::LeaveThenJoin, Timing::AllAtOnce] {
            for draw in 0..300 {
                let steps = steps(timing, Joins::EachAlone, &[0, 1, 2], draw);
                assert!(!steps.iter().any(|step| matches!(step, Join(_))), "{steps:?}");
            }
        }
        let joins = [JoinAndRebalance(1), JoinAndRebalance(2)];
        let together: Vec<Step> = [Leave(1), Leave(2), Rebalance].into_iter().chain(joins).collect();
        assert_eq!(all(Timing::LeaveThenJoin, Joins::EachAlone, &[1, 2])[0], together);
        let along = vec![Leave(1), JoinAndRebalance(1), Leave(2), JoinAndRebalance(2)];
        assert!(all(Timing::AllAtOnce, Joins::EachAlone, &[1, 2]).contains(&along));
    }

    #[test]
    fn after_the_leaves_the_first_join_is_assigned_alone() {
        for draw in 0..100 {
            let steps = steps(Timing::LeaveThenJoin, Joins::Together, &[0, 1, 2, 3, 4], draw);
            let first = steps.iter().position(|step| matches!(step, Join(_) | JoinAndRebalance(_))).unwrap();
            assert!(matches!(steps[first], JoinAndRebalance(_)), "{steps:?}");
            assert_eq!(steps[first - 1], Rebalance, "{steps:?}");
        }
    }
}
