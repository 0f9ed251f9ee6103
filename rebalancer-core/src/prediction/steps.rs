//! What happens to the group in a rotation, one step after the other.
//!
//! Who leaves and joins between two rebalances decides what a sticky rule gives to whom. Rules of the clients go by the
//! group's timing alone. Where the coordinator decides (KIP-848), it assigns in steps of its own, and more than one course
//! of them is possible: each draw takes one.

mod coordinator;

use crate::assignor::Assignor;
use crate::fleet::consumer_group::CoordinatorRelease;
use crate::policy::{Pace, Timing};
pub(crate) use coordinator::Joins;

/// A step of a rotation. Members are named by their place in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// This member leaves.
    Leave(usize),
    /// The replacement of this member joins.
    Join(usize),
    /// Partitions are assigned anew among those that are members now.
    Rebalance,
    /// The replacement of this member joins, and its own first heartbeat makes the coordinator assign: it is not yet in
    /// the table of members, so it comes last of those in its bucket.
    JoinAndRebalance(usize),
}

/// Which leaves and joins fall into one rebalance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// All members leave and all replacements join in one.
    AllAtOnce,
    /// All members leave in one, then all replacements join in one.
    LeaveThenJoin,
    /// Each leave has one of its own, and then each join.
    OneByOne,
    /// The coordinator assigns in steps of its own, within what this timing leaves open.
    Coordinator(Timing, Joins),
}

impl Course {
    /// The course that a rotation takes under this rule, if the coordinator's release is this one.
    pub(crate) fn of(rule: Assignor, timing: Timing, release: Option<CoordinatorRelease>) -> Self {
        match rule {
            Assignor::Uniform => Self::Coordinator(timing, Joins::of(release)),
            Assignor::EarlyUniform => Self::Coordinator(timing, Joins::EachAlone),
            Assignor::Range
            | Assignor::RoundRobin
            | Assignor::Sticky
            | Assignor::CooperativeSticky
            | Assignor::LibrdkafkaCooperativeSticky
            // It looks at nothing that was held: what comes in the end is the same.
            | Assignor::ServerRange => match timing {
                Timing::AllAtOnce => Self::AllAtOnce,
                Timing::LeaveThenJoin => Self::LeaveThenJoin,
                Timing::OneByOne => Self::OneByOne,
            },
        }
    }

    /// How many lists of steps are possible for a rotation of so many members; `None`: more than are told apart.
    pub(super) fn possible(self, members: usize) -> Option<u64> {
        match self {
            Self::AllAtOnce | Self::LeaveThenJoin => Some(1),
            Self::OneByOne => orders(members),
            Self::Coordinator(timing, joins) => coordinator::possible(timing, joins, members),
        }
    }

    /// How many rebalances a rotation of so many members takes; where the coordinator decides, at most.
    pub(super) const fn rebalances(self, members: usize) -> usize {
        match self {
            Self::AllAtOnce => 1,
            Self::LeaveThenJoin => 2,
            Self::OneByOne | Self::Coordinator(_, _) => members.saturating_mul(2),
        }
    }

    /// The steps of a rotation of these members: of the possible lists, the one of this draw. As many draws in a row as
    /// there are lists take each of them once.
    pub(crate) fn steps(self, members: impl Iterator<Item = usize> + Clone, draw: u64) -> Vec<Step> {
        let leaves = members.clone().map(Step::Leave);
        let joins = members.clone().map(Step::Join);
        let settle = || std::iter::once(Step::Rebalance);
        match self {
            Self::AllAtOnce => leaves.chain(joins).chain(settle()).collect(),
            Self::LeaveThenJoin => leaves.chain(settle()).chain(joins).chain(settle()).collect(),
            Self::OneByOne => {
                let leaves = in_order(leaves.collect(), draw).into_iter();
                leaves.chain(joins).flat_map(|step| [step, Step::Rebalance]).collect()
            }
            Self::Coordinator(timing, joins) => {
                coordinator::steps(timing, joins, &members.collect::<Vec<_>>(), draw)
            }
        }
    }
}

/// The courses that follow each other in a rotation of these pods, each with the pods that it is of.
pub(super) fn rounds(pace: Pace, pods: &[usize]) -> std::slice::Chunks<'_, usize> {
    pods.chunks(match pace {
        Pace::Together => pods.len().max(1),
        Pace::EachAwaited => 1,
    })
}

/// In how many orders so many members may leave; `None`: more than are told apart. Replacements are alike, so that it does
/// not matter which one is the first to join.
const fn orders(members: usize) -> Option<u64> {
    match members {
        0 | 1 => Some(1),
        2 => Some(2),
        3 => Some(6),
        _ => None,
    }
}

/// These in the order of this draw: the first one is any of them, and so on.
fn in_order(mut steps: Vec<Step>, draw: u64) -> Vec<Step> {
    let mut left = draw;
    let mut ordered = Vec::with_capacity(steps.len());
    while !steps.is_empty() {
        let count = steps.len() as u64;
        ordered.push(steps.remove(usize::try_from(left % count).unwrap_or(0)));
        left /= count;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::Step::{Join, Leave, Rebalance};
    use super::*;

    fn steps(course: Course) -> Vec<Step> {
        course.steps([3, 1].into_iter(), 0)
    }

    #[test]
    fn each_course_rebalances_where_it_says() {
        assert_eq!(steps(Course::AllAtOnce), [Leave(3), Leave(1), Join(3), Join(1), Rebalance]);
        assert_eq!(
            steps(Course::LeaveThenJoin),
            [Leave(3), Leave(1), Rebalance, Join(3), Join(1), Rebalance]
        );
        let each = [Leave(3), Rebalance, Leave(1), Rebalance, Join(3), Rebalance, Join(1), Rebalance];
        assert_eq!(steps(Course::OneByOne), each);
    }

    #[test]
    fn as_many_rebalances_are_counted_as_there_are() {
        for course in [Course::AllAtOnce, Course::LeaveThenJoin, Course::OneByOne] {
            let rebalances = steps(course).into_iter().filter(|step| *step == Rebalance).count();
            assert_eq!(course.rebalances(2), rebalances, "{course:?}");
        }
    }

    #[test]
    fn of_members_that_leave_one_by_one_any_may_be_the_first() {
        let orders = |members: usize, draws| -> std::collections::BTreeSet<Vec<usize>> {
            let leaves = |draw| {
                let steps = Course::OneByOne.steps(0..members, draw);
                steps
                    .into_iter()
                    .filter_map(|step| if let Leave(member) = step { Some(member) } else { None })
            };
            (0..draws).map(|draw| leaves(draw).collect()).collect()
        };
        for members in 1..=3 {
            let possible = Course::OneByOne.possible(members).unwrap();
            assert_eq!(
                orders(members, possible).len() as u64,
                possible,
                "as many draws as orders show each once"
            );
        }
        assert_eq!(Course::OneByOne.possible(4), None);
        assert_eq!(orders(4, 24).len(), 24);
    }
}
