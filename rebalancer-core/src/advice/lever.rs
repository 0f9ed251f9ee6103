//! The levers by name, and what each costs.

use std::fmt;

use super::bounds::Found;
use super::estimate::Outcome;
use crate::assignor::Assignor;
use crate::report::Hold;

/// Something that a team can do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "lever")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Lever {
    /// Leave everything as it is.
    Nothing,
    /// The best rotation that the planner finds within the limits of the policy.
    Rotation {
        /// Pods that it removes; empty when it finds none.
        pods: Vec<String>,
    },
    /// Another assignor.
    Assignor {
        /// Which one.
        assignor: Assignor,
    },
    /// Twice the partitions in every topic.
    DoublePartitions,
    /// Another number of pods.
    Replicas {
        /// How many.
        pods: usize,
    },
    /// What the hottest partition carries above the mean of its topic is one key, and is spread over the topic.
    HottestKey {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: u32,
    },
}

/// What a lever costs, beside somebody's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "cost")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LeverCost {
    /// The group rebalances.
    Rebalance,
    /// Pods are restarted, and the group rebalances with them.
    Restarts {
        /// How many.
        pods: usize,
    },
    /// This many pods more.
    MorePods {
        /// How many.
        pods: usize,
    },
    /// This many pods fewer.
    FewerPods {
        /// How many.
        pods: usize,
    },
    /// All members must change `partition.assignment.strategy`.
    ClientSetting,
    /// All members must change to another protocol of the group (`group.protocol`), with clients that have it.
    GroupProtocol,
    /// Producers must write this key otherwise.
    Producers,
    /// Messages of one key that were written before and after it are in different partitions, and may be consumed out of
    /// order.
    Ordering,
    /// It can't be taken back: topics never lose partitions.
    Irreversible,
}

/// What is to be expected of a lever.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "effect")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Effect {
    /// This.
    Expected(Outcome),
    /// The planner finds none, for the reason that the lever gives.
    NotFound,
    /// Loads are within their limits, so the planner looks for none.
    NotNeeded,
}

/// One lever.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LeverReport {
    /// Which one.
    pub lever: Lever,
    /// What is to be expected of it.
    pub effect: Effect,
    /// What it costs.
    pub costs: Vec<LeverCost>,
    /// Of a rotation: why the planner would not do it now, although every improvement were enough for it.
    pub held: Option<Hold>,
}

impl LeverReport {
    pub(super) const fn new(lever: Lever, effect: Effect, costs: Vec<LeverCost>) -> Self {
        Self { lever, effect, costs, held: None }
    }

    /// What is to be expected, where that is known.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        match &self.effect {
            Effect::Expected(outcome) => Some(outcome),
            Effect::NotFound | Effect::NotNeeded => None,
        }
    }

    /// The coefficient of variation that is to be expected, where it is known.
    #[must_use]
    pub fn expected_cv(&self) -> Option<f64> {
        self.outcome().map(|outcome| outcome.cv.expected)
    }
}

impl Lever {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Rotation { .. } => "rotation",
            Self::Assignor { .. } => "assignor",
            Self::DoublePartitions => "double_partitions",
            Self::Replicas { .. } => "replicas",
            Self::HottestKey { .. } => "hottest_key",
        }
    }
}

impl fmt::Display for Lever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("do nothing"),
            Self::Rotation { pods } if pods.is_empty() => f.write_str("rotate pods"),
            Self::Rotation { pods } => write!(f, "rotate {}", pods.join(", ")),
            Self::Assignor { assignor } => write!(f, "assignor {assignor}"),
            Self::DoublePartitions => f.write_str("twice the partitions"),
            Self::Replicas { pods } => write!(f, "{pods} pods"),
            Self::HottestKey { topic, partition } => {
                write!(f, "spread the hottest key of {topic}-{partition}")
            }
        }
    }
}

impl fmt::Display for LeverCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rebalance => f.write_str("a rebalance"),
            Self::Restarts { pods: 1 } => f.write_str("1 restart"),
            Self::Restarts { pods } => write!(f, "{pods} restarts"),
            Self::MorePods { pods } => write!(f, "{pods} more"),
            Self::FewerPods { pods } => write!(f, "{pods} fewer"),
            Self::ClientSetting => f.write_str("a setting of all clients"),
            Self::GroupProtocol => f.write_str("another group protocol"),
            Self::Producers => f.write_str("a change to the producers"),
            Self::Ordering => f.write_str("order of keys across the change"),
            Self::Irreversible => f.write_str("can't be taken back"),
        }
    }
}

/// Leaving everything as it is.
pub(super) fn nothing(now: &Found) -> LeverReport {
    LeverReport::new(Lever::Nothing, Effect::Expected(Outcome::exactly(now)), Vec::new())
}

/// The lowest expected coefficient of variation first, of equal ones the cheaper; what is not known comes last.
pub(super) fn rank(levers: &mut [LeverReport]) {
    let cv = |report: &LeverReport| report.expected_cv().unwrap_or(f64::INFINITY);
    levers.sort_by(|a, b| cv(a).total_cmp(&cv(b)).then_with(|| a.costs.cmp(&b.costs)));
}
