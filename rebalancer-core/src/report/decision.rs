//! What is to be done with the fleet, with which pods, and what is expected of it.

use std::fmt;

use super::Hold;
use crate::fleet::PodRef;
use crate::fleet::{Indicator, Owner};
use crate::history::Role;
use crate::policy::Pace;
use crate::prediction::{Expected, Prediction};
use crate::unit::{Load, PercentChange, Ratio};

/// What is to be done with the fleet.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Decision {
    /// Remove these pods, as one batch.
    Rotate(Plan),
    /// No indicator says that the fleet is out of balance.
    Balanced,
    /// Do nothing, for this reason.
    Hold(Hold),
}

impl Decision {
    /// A short stable name for logs and metrics: `rotate`, `balanced`, or the [hold's](Hold::name).
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rotate(_) => "rotate",
            Self::Balanced => "balanced",
            Self::Hold(hold) => hold.name(),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate(plan) => {
                write!(f, "rotate {} pods: {}", plan.removals.len(), plan.expectation)
            }
            Self::Balanced => f.write_str("balanced: no indicator is out of its limits"),
            Self::Hold(hold) => write!(f, "hold: {hold}"),
        }
    }
}

/// The pods to remove, hot and cold together.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan {
    /// The indicator that raised the imbalance and ranked the pods.
    pub indicator: Indicator,
    /// What is expected of it.
    pub expectation: Expectation,
    /// Hot and cold pods in turn, the most extreme first.
    pub removals: Vec<Removal>,
    /// The CV of what pods carry that is expected after each removal, where each but the first waits until the replacement of
    /// the one before is a member; empty where they follow each other at once.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub steps: Vec<Expected>,
}

impl Plan {
    /// How the removals follow each other.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        match &self.expectation {
            Expectation::EvenMixing(_) => Pace::Together,
            Expectation::Predicted(prediction) => prediction.pace,
        }
    }
}

/// What is expected of a rotation, and on what grounds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Expectation {
    /// By the formula of *rotate outliers*.
    EvenMixing(Improvement),
    /// By the rules of the group's assignor.
    Predicted(Prediction),
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EvenMixing(improvement) => improvement.fmt(f),
            Self::Predicted(prediction) => prediction.fmt(f),
        }
    }
}

/// What the rotation is expected to bring, if what the chosen pods carried is mixed evenly among their replacements.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Improvement {
    /// Mean load of the chosen hot pods.
    pub average_hot: f64,
    /// Mean load of all chosen pods.
    pub average_set: f64,
    /// `(average_hot - average_set) / average_hot * 100`; `None` for loads that are too large to be added up.
    pub percent: Option<PercentChange>,
}

impl fmt::Display for Improvement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { average_hot, average_set, percent } = self;
        write!(f, "hot pods at {average_hot:.3} on average, all chosen pods at {average_set:.3}: ")?;
        match percent {
            Some(percent) => write!(f, "{percent} better if evenly mixed"),
            None => f.write_str("how much better that is can't be told"),
        }
    }
}

/// One pod to remove, and why.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removal {
    /// Which pod.
    pub pod: PodRef,
    /// Where it runs.
    pub node: Option<String>,
    /// Who will replace it.
    pub owner: Option<Owner>,
    /// By which indicator it was chosen.
    pub indicator: Indicator,
    /// Its load by that indicator.
    pub load: Load,
    /// The role for which it was selected.
    pub choice: Choice,
}

/// The role for which a pod was selected. Ranks start at 1.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "role")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Choice {
    /// One of the K hottest, above the limit.
    Hot {
        /// Its place from the top.
        rank: usize,
        /// The limit that it exceeds.
        above: Load,
        /// Its score, where scores ranked the pods: 1 is as loaded as the mean pod.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        score: Option<Ratio>,
    },
    /// One of the K coldest.
    Cold {
        /// Its place from the bottom.
        rank: usize,
        /// Its score, where scores ranked the pods.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        score: Option<Ratio>,
    },
    /// Neither: by the assignor's rules its partitions go where they are needed, or its replacement takes over from pods
    /// that have too much. Only a prediction knows that.
    Partner {
        /// Pods that stay and get its partitions.
        takers: Exchange,
        /// Pods that stay and give partitions to its replacement.
        givers: Exchange,
    },
}

/// Pods that exchange partitions with a removed one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchange {
    /// How many.
    pub pods: usize,
    /// Their mean load now; 0 without any.
    pub load: Load,
}

impl Exchange {
    fn with(&self, shown: &impl Fn(Load) -> String) -> String {
        match self.pods {
            0 => "replacements only".to_owned(),
            1 => format!("1 pod at {}", shown(self.load)),
            pods => format!("{pods} pods at {} on average", shown(self.load)),
        }
    }
}

impl Choice {
    /// The role for which the pod was selected.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Hot { .. } => Role::Hot,
            Self::Cold { .. } => Role::Cold,
            Self::Partner { .. } => Role::Partner,
        }
    }

    /// The score by which the pod was ranked; `None` when one indicator, or a prediction, ranked it.
    #[must_use]
    pub const fn score(&self) -> Option<Ratio> {
        match self {
            Self::Hot { score, .. } | Self::Cold { score, .. } => *score,
            Self::Partner { .. } => None,
        }
    }

    /// Chosen for its high load.
    #[must_use]
    pub const fn is_hot(&self) -> bool {
        matches!(self, Self::Hot { .. })
    }
}

impl Choice {
    /// The same as [`Display`](fmt::Display) shows, with the limit in the unit of this indicator, which ranked the pod.
    #[must_use]
    pub fn by(&self, indicator: Indicator) -> String {
        self.with(|limit| indicator.shown(limit))
    }

    fn with(&self, shown: impl Fn(Load) -> String) -> String {
        let score = self.score().map_or_else(String::new, |score| format!(", score {score}"));
        match self {
            Self::Hot { rank, above, .. } => {
                format!("hot: number {rank} from the top, above {}{score}", shown(*above))
            }
            Self::Cold { rank, .. } => format!("cold: number {rank} from the bottom{score}"),
            Self::Partner { takers, givers } => format!(
                "partner: its partitions go to {}, its replacement takes over from {}",
                takers.with(&shown),
                givers.with(&shown)
            ),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with(|limit| limit.to_string()))
    }
}
