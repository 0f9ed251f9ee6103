//! What happens to the group in a rotation, one step after the other.

use crate::policy::Timing;

/// A step of a rotation. Members are named by their place in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// This member leaves.
    Leave(usize),
    /// The replacement of this member joins.
    Join(usize),
    /// Partitions are assigned anew among those that are members now.
    Rebalance,
}

/// Which leaves and joins fall into one rebalance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// All members leave and all replacements join in one.
    AllAtOnce,
    /// All members leave in one, then all replacements join in one.
    LeaveThenJoin,
    /// Each leave has one of its own, and then each join.
    #[cfg_attr(not(test), expect(dead_code, reason = "no timing of the policy leads here yet"))]
    OneByOne,
}

impl Course {
    /// The course that a timing stands for.
    pub(super) const fn of(timing: Timing) -> Self {
        match timing {
            Timing::AllAtOnce => Self::AllAtOnce,
            Timing::LeaveThenJoin => Self::LeaveThenJoin,
        }
    }

    /// The steps of a rotation of these members.
    pub(super) fn steps(self, members: impl Iterator<Item = usize> + Clone) -> Vec<Step> {
        let leaves = members.clone().map(Step::Leave);
        let joins = members.map(Step::Join);
        let settle = || std::iter::once(Step::Rebalance);
        match self {
            Self::AllAtOnce => leaves.chain(joins).chain(settle()).collect(),
            Self::LeaveThenJoin => leaves.chain(settle()).chain(joins).chain(settle()).collect(),
            Self::OneByOne => leaves.chain(joins).flat_map(|step| [step, Step::Rebalance]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Join, Leave, Rebalance};
    use super::*;

    fn steps(course: Course) -> Vec<Step> {
        course.steps([3, 1].into_iter())
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
}
