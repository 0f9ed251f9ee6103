//! What is to be expected of a lever, and how sure that is.

use super::bounds::Found;
use crate::assignor::Assignor;

/// An expected value, and the range in which it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// What is to be expected.
    pub expected: f64,
    /// Of draws, 5 % are lower; of an assumption, its better end.
    pub low: f64,
    /// Of draws, 5 % are higher; of an assumption, its worse end.
    pub high: f64,
}

/// How even loads are to be expected after a lever.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Outcome {
    /// Coefficient of variation.
    pub cv: Estimate,
    /// Highest load over the mean.
    pub max_to_mean: Estimate,
    /// Pods above their limit: the tolerated target, or the tolerated mean without one.
    pub above: Estimate,
    /// Where the range comes from.
    pub uncertainty: Uncertainty,
    /// Where several assignors fit the group: under which this comes out best and worst. What is expected is the worst of
    /// them, and the ranges are over all of them. `None` where the assignor is known, or decides nothing.
    #[cfg_attr(feature = "serde", serde(default))]
    pub rules: Option<RuleSpread>,
}

/// What is expected under the best and the worst of the assignors that fit a group.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleSpread {
    /// The one under which the lever brings the most.
    pub best: Assignor,
    /// The coefficient of variation that is expected under it.
    pub best_cv: f64,
    /// The one under which it brings the least.
    pub worst: Assignor,
    /// The coefficient of variation that is expected under it.
    pub worst_cv: f64,
}

/// Where the range of an estimate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "from")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Uncertainty {
    /// There is none, as long as the loads stay.
    None,
    /// Member ids, and who restarts when, can't be foreseen: so many draws of them.
    Draws {
        /// How many.
        draws: usize,
    },
    /// How the keys of a partition share its load is not known. Expected: evenly. Worst: one key is all of it.
    Keys {
        /// How many draws for each of the two.
        draws: usize,
    },
    /// How much of the hottest partition's load one key is can't be known. Expected, and best: all that it carries above
    /// the others. Worst: nothing of it.
    OneKey,
}

impl Estimate {
    const fn exactly(value: f64) -> Self {
        Self { expected: value, low: value, high: value }
    }

    fn of_draws(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().saturating_sub(1);
        let at = |twentieths: usize| values.get(last * twentieths / 20).copied().unwrap_or(0.0);
        let expected = values.iter().sum::<f64>() / values.len().max(1) as f64;
        Self { expected, low: at(1), high: at(19) }
    }

    fn up_to(self, other: Self) -> Self {
        Self { expected: self.expected, low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

impl Outcome {
    /// What is known without any range.
    pub(super) const fn exactly(found: &Found) -> Self {
        Self {
            cv: Estimate::exactly(found.cv),
            max_to_mean: Estimate::exactly(found.max_to_mean),
            above: Estimate::exactly(found.above as f64),
            uncertainty: Uncertainty::None,
            rules: None,
        }
    }

    /// What draws show.
    pub(super) fn of_draws(draws: &[Found]) -> Self {
        let all = |of: fn(&Found) -> f64| Estimate::of_draws(draws.iter().map(of).collect());
        Self {
            cv: all(|found| found.cv),
            max_to_mean: all(|found| found.max_to_mean),
            above: all(|found| found.above as f64),
            uncertainty: Uncertainty::Draws { draws: draws.len() },
            rules: None,
        }
    }

    /// Under each of these assignors: the worst of them, with a range over all.
    pub(super) fn under_each(outcomes: &[(Assignor, Self)]) -> Option<Self> {
        let by_cv =
            |a: &&(Assignor, Self), b: &&(Assignor, Self)| a.1.cv.expected.total_cmp(&b.1.cv.expected);
        let (best, best_outcome) = outcomes.iter().min_by(by_cv)?;
        let (worst, worst_outcome) = outcomes.iter().max_by(by_cv)?;
        let uncertainty = worst_outcome.uncertainty;
        let all = outcomes.iter().fold(*worst_outcome, |all, (_, outcome)| all.up_to(outcome, uncertainty));
        let rules = RuleSpread {
            best: *best,
            best_cv: best_outcome.cv.expected,
            worst: *worst,
            worst_cv: worst_outcome.cv.expected,
        };
        // A few draws far below can bring what is expected below the range.
        let cv =
            Estimate { low: all.cv.low.min(rules.best_cv), high: all.cv.high.max(rules.worst_cv), ..all.cv };
        let several = outcomes.len() > 1;
        Some(Self { cv: if several { cv } else { all.cv }, rules: several.then_some(rules), ..all })
    }

    /// The same expectation, with a range that includes this other outcome.
    pub(super) fn up_to(self, other: &Self, uncertainty: Uncertainty) -> Self {
        Self {
            cv: self.cv.up_to(other.cv),
            max_to_mean: self.max_to_mean.up_to(other.max_to_mean),
            above: self.above.up_to(other.above),
            uncertainty,
            rules: self.rules,
        }
    }
}
