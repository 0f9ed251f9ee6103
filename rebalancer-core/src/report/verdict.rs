//! What was decided about one pod, and why.

use std::fmt;

use super::Choice;
use crate::eligibility::Veto;
use crate::fleet::Indicator;
use crate::unit::Load;

/// What was decided about one pod.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Verdict {
    /// It is to be removed.
    Chosen(Choice),
    /// It may be removed, but is not.
    Spared(Spared),
    /// It must not be removed.
    Vetoed(Veto),
}

impl Verdict {
    /// The same as [`Display`](fmt::Display) shows, with the loads of a pod that was ranked by this indicator in its unit.
    #[must_use]
    pub fn by(&self, indicator: Indicator) -> String {
        match self {
            Self::Chosen(choice) => format!("chosen, {}", choice.by(indicator)),
            Self::Spared(Spared::NotHot { limit }) => {
                format!("spared: among the hottest, but not above {}", indicator.shown(*limit))
            }
            Self::Spared(Spared::WillPass { expected, limit }) => format!(
                "spared: hot now, but expected to carry {} over the horizon, which is not above {}",
                indicator.shown(*expected),
                indicator.shown(*limit)
            ),
            Self::Spared(_) | Self::Vetoed(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen(choice) => write!(f, "chosen, {choice}"),
            Self::Spared(spared) => write!(f, "spared: {spared}"),
            Self::Vetoed(veto) => write!(f, "never a candidate: {veto}"),
        }
    }
}

/// Why an eligible pod is not removed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Spared {
    /// It has no usable sample; missing is never idle.
    NoSample,
    /// The fleet is in balance, or nothing could be said about it.
    NothingToDo,
    /// It is neither one of the K hottest nor one of the K coldest.
    Between,
    /// It was considered in batches, but another batch is expected to help more.
    NotInTheBest,
    /// It is hot because of its node, where replacements of such pods did not help; another one would be made by hope.
    SlowNode {
        /// How many, the last ones in a row.
        replacements: usize,
    },
    /// It is one of the K hottest, but not above the limit.
    NotHot {
        /// The limit.
        limit: Load,
    },
    /// It is hot by another indicator than the one that raised the imbalance, so it can't go as a cold pod.
    HotBy {
        /// That indicator.
        indicator: Indicator,
        /// Its limit.
        limit: Load,
    },
    /// It has no sample of another indicator than the one that raised the imbalance, so it may not be a cold pod.
    MaybeHotBy {
        /// That indicator.
        indicator: Indicator,
    },
    /// Its node is cordoned, drained or about to be removed: it moves anyway, so it can't go as a cold pod.
    LeavingNode,
    /// It is hot now, but was not in enough earlier readings.
    NotPersistent {
        /// Readings in which it was hot.
        hot_in: usize,
        /// Readings, including the current one.
        windows: usize,
        /// In how many it must have been hot.
        required: usize,
    },
    /// It is hot now, and is not expected to be over the horizon.
    WillPass {
        /// Its expected load.
        expected: Load,
        /// Its limit then.
        limit: Load,
    },
    /// It would have been chosen, but enough pods must stay Ready, and budgets must last.
    Trimmed(Choice),
    /// It would have been chosen, but the whole plan is held.
    Held(Choice),
}

impl fmt::Display for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSample => f.write_str("no usable sample"),
            Self::NothingToDo => f.write_str("nothing to do"),
            Self::Between => f.write_str("neither among the hottest nor the coldest"),
            Self::NotInTheBest => f.write_str("considered, but another batch is expected to help more"),
            Self::SlowNode { replacements } => {
                write!(f, "hot because of its node, where the last {replacements} replacements did not help")
            }
            Self::NotHot { limit } => write!(f, "among the hottest, but not above {limit}"),
            Self::HotBy { indicator, limit } => {
                write!(f, "not eligible as cold: its {indicator} is above {}", indicator.shown(*limit))
            }
            Self::MaybeHotBy { indicator } => {
                write!(f, "not eligible as cold: no {indicator} sample")
            }
            Self::LeavingNode => f.write_str("not eligible as cold: its node is about to lose its pods"),
            Self::NotPersistent { hot_in, windows, required } => {
                write!(
                    f,
                    "hot now, but only in {hot_in} of the last {windows} readings; {required} are required"
                )
            }
            Self::WillPass { expected, limit } => write!(
                f,
                "hot now, but expected to carry {expected} over the horizon, which is not above {limit}"
            ),
            Self::Trimmed(choice) => {
                write!(
                    f,
                    "left out to keep the minimum of Ready pods, the largest share or a budget (would be {})",
                    choice.role()
                )
            }
            Self::Held(choice) => write!(f, "the plan is held (would be {})", choice.role()),
        }
    }
}
