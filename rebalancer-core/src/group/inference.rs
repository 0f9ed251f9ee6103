//! Which assignor a group uses, read off who holds what.

use std::fmt;

use super::{GroupModel, Unusable};
use crate::assignor::Assignor;

/// The assignor of a group and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "source")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Inference {
    /// Kafka tells it.
    Told {
        /// The assignor.
        assignor: Assignor,
    },
    /// From the configuration; what is seen agrees.
    Configured {
        /// The assignor.
        assignor: Assignor,
    },
    /// The pattern of this rule is seen, and no other explains it.
    Certain {
        /// The assignor.
        assignor: Assignor,
    },
    /// The pattern of this rule is seen, but another one could have made it too.
    Ambiguous {
        /// The assignor that is assumed, since it is the one under which less is done.
        assignor: Assignor,
    },
    /// Counts are even and there is no pattern: one of the sticky rules, which can't be distinguished.
    Family {
        /// The assignor that is assumed.
        assignor: Assignor,
    },
}

impl Inference {
    /// The assignor.
    #[must_use]
    pub const fn assignor(&self) -> Assignor {
        match self {
            Self::Told { assignor }
            | Self::Configured { assignor }
            | Self::Certain { assignor }
            | Self::Ambiguous { assignor }
            | Self::Family { assignor } => *assignor,
        }
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { assignor } => write!(f, "{assignor} (told by Kafka)"),
            Self::Configured { assignor } => write!(f, "{assignor} (configured)"),
            Self::Certain { assignor } => write!(f, "{assignor} (inferred from who holds what)"),
            Self::Ambiguous { assignor } => {
                write!(f, "{assignor} (inferred; a sticky group that was never disturbed looks the same)")
            }
            Self::Family { assignor } => {
                write!(f, "{assignor} (inferred: no fixed pattern, so one of the sticky ones)")
            }
        }
    }
}

/// Finds the assignor.
///
/// # Errors
/// When who holds what follows no rule, or not the configured one; when Kafka tells another one than is configured.
pub(crate) fn infer(model: &GroupModel, configured: Option<Assignor>) -> Result<Inference, Unusable> {
    match (model.told, configured) {
        (Some(told), Some(configured)) if told != configured => {
            Err(Unusable::AssignorsContradict { configured, told })
        }
        (Some(assignor), _) if !follows(model, assignor) => Err(Unusable::NotItsRule { assignor }),
        (Some(assignor), _) => Ok(Inference::Told { assignor }),
        (None, _) => by_pattern(model, configured).ok_or(Unusable::NoKnownRule),
    }
}

/// Who holds what now may come from this rule. A name tells no more than that: client libraries have rules of their own by
/// the names of Java's. Only rules that look at nothing before can be recognized, and only where all members are alike.
fn follows(model: &GroupModel, told: Assignor) -> bool {
    let mut members = model.members.iter();
    let first = members.next().map(|member| &member.subscription);
    let alike = members.all(|member| Some(&member.subscription) == first);
    let is_static = model.members.iter().any(|member| member.instance.is_some());
    match told {
        Assignor::Range => !alike || is_static || is_range(model),
        Assignor::RoundRobin => !alike || is_static || is_round_robin(model),
        Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky
        | Assignor::Uniform
        | Assignor::ServerRange => true,
    }
}

fn by_pattern(model: &GroupModel, configured: Option<Assignor>) -> Option<Inference> {
    let (range, round_robin, even) = (is_range(model), is_round_robin(model), is_even(model));
    if let Some(assignor) = configured {
        let agrees = match assignor {
            Assignor::Range | Assignor::ServerRange => range,
            Assignor::RoundRobin => round_robin,
            Assignor::Sticky
            | Assignor::CooperativeSticky
            | Assignor::LibrdkafkaCooperativeSticky
            | Assignor::Uniform => even,
        };
        return agrees.then_some(Inference::Configured { assignor });
    }
    // With one partition a member every rule looks alike.
    let telling = model.partitions() >= 2 * model.members.len();
    match (range, round_robin, even) {
        (true, false, _) if telling => Some(Inference::Certain { assignor: Assignor::Range }),
        (true, _, _) => Some(Inference::Ambiguous { assignor: Assignor::Range }),
        (false, true, _) => Some(Inference::Ambiguous { assignor: Assignor::RoundRobin }),
        (false, false, true) => Some(Inference::Family { assignor: Assignor::CooperativeSticky }),
        (false, false, false) => None,
    }
}

/// For each topic contiguous blocks in one order of the members, the first ones one larger.
fn is_range(model: &GroupModel) -> bool {
    let mut order: Vec<_> = model.members.iter().collect();
    // The member of the first block of a topic comes first in every topic; members without any come last.
    order.sort_by_key(|member| {
        let mut first = vec![u32::MAX; model.topics.len()];
        for held in member.owned.iter().rev() {
            if let Some(slot) = first.get_mut(held.topic as usize) {
                *slot = held.partition;
            }
        }
        first
    });
    (0..).zip(&model.topics).all(|(index, topic)| {
        let members = u32::try_from(order.len()).unwrap_or(u32::MAX).max(1);
        let (least, larger) = (topic.partitions / members, topic.partitions % members);
        let mut next = 0;
        (0..).zip(&order).all(|(rank, member)| {
            let size = least + u32::from(rank < larger);
            let held = member.owned.iter().filter(|held| held.topic == index).map(|held| held.partition);
            let block = next..next + size;
            next += size;
            held.eq(block)
        })
    })
}

/// All partitions, in order, are assigned in turn.
fn is_round_robin(model: &GroupModel) -> bool {
    let members = model.members.len().max(1);
    let mut starts = Vec::with_capacity(model.topics.len());
    let mut next = 0_usize;
    for topic in &model.topics {
        starts.push(next);
        next += topic.partitions as usize;
    }
    let turn = |held: &crate::assignor::TopicPartition| {
        starts.get(held.topic as usize).map(|start| (start + held.partition as usize) % members)
    };
    let mut seen = vec![false; members];
    model.members.iter().filter(|member| !member.owned.is_empty()).all(|member| {
        let mut turns = member.owned.iter().map(turn);
        let first = turns.next().flatten();
        let fresh =
            first.and_then(|turn| seen.get_mut(turn)).is_some_and(|seen| !std::mem::replace(seen, true));
        fresh && turns.all(|turn| turn == first)
    }) && is_even(model)
}

/// Counts differ by at most one.
fn is_even(model: &GroupModel) -> bool {
    let counts = || model.members.iter().map(|member| member.owned.len());
    counts().max().unwrap_or(0) - counts().min().unwrap_or(0) <= 1
}
