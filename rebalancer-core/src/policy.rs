//! Validated thresholds and limits. Unlike a configuration, a policy can't hold a value that makes no sense.

mod persistence;
mod quiet;
mod weights;

pub use persistence::{Persistence, TooManyRequired};
pub use quiet::{NotAWindow, QuietHours, QuietWindow};
pub use weights::{NoWeight, Weights};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::SignedDuration;

use crate::assignor::Assignor;
use crate::fleet::Indicator;
use crate::unit::{Percent, Ratio, Share, Tolerance};

/// The highest priority that a class of a user's own can have; above are those that keep the cluster alive.
pub const HIGHEST_OF_USERS: i32 = 1_000_000_000;

/// What the planner is told. The defaults are those of the documentation.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Policy {
    /// K: at most this many hot and this many cold pods are rotated in one cycle.
    pub top_k: NonZeroUsize,
    /// How far above its target a load may be before its pod is hot.
    pub tolerance: Tolerance,
    /// A rotation that is expected to bring no more than this is not made.
    pub minimum_improvement: Percent,
    /// The coefficient of variation above which an indicator says that the fleet is out of balance.
    /// An indicator without an entry uses [`default_threshold`].
    pub variance_thresholds: BTreeMap<Indicator, Ratio>,
    /// How much each indicator counts when several rank the pods.
    pub weights: Weights,
    /// Pods that must stay Ready after the batch.
    pub minimum_pods: usize,
    /// At most this many pods are removed in this cycle, as the removal budget allows; `None` for no such limit.
    pub most_removals: Option<usize>,
    /// At most this share of the pods that serve is removed in one cycle.
    pub most_share: Share,
    /// Whether disruption budgets are looked at before anything is decided. They are respected by evictions in any case,
    /// and by plain deletions in none.
    pub respect_budgets: bool,
    /// A pod must have been Ready for this long; a younger one looks idle.
    pub minimum_age: SignedDuration,
    /// With a larger share of pods that are not Ready, or have not been for the minimum age, the fleet has not settled. A
    /// scaling counts as settled after the minimum age.
    pub most_young: Share,
    /// Pods of a higher priority are never candidates.
    pub highest_priority: i32,
    /// Only pods that are marked, or whose workload is, are candidates.
    pub opt_in: bool,
    /// Whether an autoscaler that is about to scale in is waited for.
    pub wait_for_scale_in: bool,
    /// Hours in which nothing is removed.
    pub quiet_hours: Option<QuietHours>,
    /// For how long an imbalance must have been there.
    pub persistence: Persistence,
    /// The share of the eligible pods that must have a sample before an indicator is believed.
    pub minimum_coverage: Share,
    /// How pods are chosen.
    pub strategy: Strategy,
    /// The group's assignor; `None`: it is inferred from who holds what.
    pub assignor: Option<Assignor>,
    /// Consumers are static members (`group.instance.id`) that come back as themselves.
    pub static_members: bool,
    /// When replacements join, measured by the removed pods' leaving.
    pub timing: Timing,
}

/// How pods are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Strategy {
    /// Predicts what candidate batches do under the group's assignor, and takes the best for each removal. Needs
    /// partition loads; without them it is [`RotateOutliers`](Self::RotateOutliers).
    Predict,
    /// The hottest and the coldest pods, on the assumption that their load is mixed evenly.
    RotateOutliers,
}

/// When replacements join the group, measured by the removed pods' leaving. It decides what a sticky assignor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Timing {
    /// The removed pods leave, the group comes to rest, then the replacements join together: start-up takes longer
    /// than shutting down.
    LeaveThenJoin,
    /// The removed pods leave and the replacements join in one rebalance.
    AllAtOnce,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            top_k: NonZeroUsize::MIN.saturating_add(1),
            tolerance: valid(Tolerance::new(1.5)),
            minimum_improvement: valid(Percent::new(10.0)),
            variance_thresholds: BTreeMap::new(),
            weights: Weights::default(),
            minimum_pods: 3,
            most_removals: None,
            most_share: valid(Share::new(0.5)),
            respect_budgets: true,
            minimum_age: SignedDuration::from_mins(5),
            most_young: valid(Share::new(0.1)),
            highest_priority: HIGHEST_OF_USERS,
            opt_in: false,
            wait_for_scale_in: true,
            quiet_hours: None,
            persistence: Persistence::default(),
            minimum_coverage: valid(Share::new(0.8)),
            strategy: Strategy::Predict,
            assignor: None,
            static_members: false,
            timing: Timing::LeaveThenJoin,
        }
    }
}

impl Policy {
    /// How many pods may go when this many serve.
    #[must_use]
    pub fn removable(&self, serving: usize) -> usize {
        let above_minimum = serving.saturating_sub(self.minimum_pods);
        above_minimum.min(self.most_removals.unwrap_or(usize::MAX)).min(self.share_of(serving))
    }

    /// How many pods the largest share is when this many serve.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is no larger"
    )]
    pub fn share_of(&self, serving: usize) -> usize {
        // A third of three is one, whatever the rounding of floats says.
        (self.most_share.get() * serving as f64 + 1e-9).floor() as usize
    }

    /// The variance threshold of an indicator.
    #[must_use]
    pub fn variance_threshold(&self, indicator: Indicator) -> Ratio {
        self.variance_thresholds.get(&indicator).copied().unwrap_or_else(|| default_threshold(indicator))
    }
}

/// The variance threshold when none is set: 0.3 for CPU, as the specification has it, and for memory; 0.5 for lag
/// and the message rates, which vary more by nature.
#[must_use]
pub fn default_threshold(indicator: Indicator) -> Ratio {
    valid(Ratio::new(match indicator {
        Indicator::Cpu | Indicator::Memory => 0.3,
        Indicator::Lag | Indicator::ConsumptionRate | Indicator::ProductionRate => 0.5,
    }))
}

/// For constants that are known to be valid.
#[expect(clippy::expect_used, reason = "only called with constants; a test builds every one")]
fn valid<T>(quantity: Result<T, crate::unit::NotAQuantity>) -> T {
    quantity.expect("a constant of this file is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let policy = Policy::default();
        assert_eq!(policy.top_k.get(), 2);
        assert_eq!(policy.tolerance, Tolerance::new(1.5).unwrap());
        assert_eq!(policy.minimum_improvement, Percent::new(10.0).unwrap());
        assert_eq!(policy.minimum_pods, 3);
        assert_eq!(policy.minimum_coverage, Share::new(0.8).unwrap());
        assert_eq!(policy.most_share, Share::new(0.5).unwrap());
        assert_eq!(policy.most_young, Share::new(0.1).unwrap());
        let persistence = policy.persistence;
        assert_eq!((persistence.required(), persistence.windows()), (2, 3));
        for indicator in Indicator::ALL {
            let expected = if matches!(indicator, Indicator::Cpu | Indicator::Memory) { 0.3 } else { 0.5 };
            assert_eq!(policy.variance_threshold(indicator), Ratio::new(expected).unwrap());
        }
    }
}
