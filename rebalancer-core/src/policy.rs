//! Validated thresholds and limits. Unlike a configuration, a policy can't hold a value that makes no sense.

mod builder;
mod forecast;
mod persistence;
mod quiet;
mod timing;
mod weights;

pub use forecast::{ForecastHorizon, NotAHorizon};
pub use persistence::{Persistence, TooManyRequired};
pub use quiet::{NotAWindow, QuietHours, QuietWindow};
pub use timing::{ByTiming, Pace, Timing};
pub use weights::{NoWeight, Weights};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::SignedDuration;

use crate::assignor::Assignor;
use crate::fleet::Indicator;
use crate::unit::{Percent, Ratio, Share, Tolerance};

/// The highest priority that a user-defined PriorityClass can have; above are those that keep the cluster alive.
pub const HIGHEST_USER_DEFINED_PRIORITY: i32 = 1_000_000_000;

/// The planner's settings, grouped by the question that they answer. Built from [`Policy::default`] by its `with_`
/// methods; every value is of a checked type, so a policy that makes no sense can't be built.
///
/// ```
/// use std::num::NonZeroUsize;
/// use rebalancer_core::policy::Policy;
/// use rebalancer_core::unit::Tolerance;
///
/// let policy = Policy::default().with_top_k(NonZeroUsize::MIN).with_tolerance(Tolerance::new(1.3)?);
/// assert_eq!(policy.limits.minimum_pods, 3);
/// # Ok::<(), rebalancer_core::unit::NotAQuantity>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Policy {
    /// When the fleet is out of balance.
    pub balance: BalancePolicy,
    /// Which pods are chosen.
    pub selection: SelectionPolicy,
    /// How many pods may go.
    pub limits: LimitPolicy,
    /// Which pods may go at all.
    pub eligibility: EligibilityPolicy,
    /// When no pod may go.
    pub guards: GuardPolicy,
    /// What is known of the consumer group.
    pub group: GroupPolicy,
}

/// When the fleet is out of balance.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct BalancePolicy {
    /// How far above its target a load may be before its pod is hot. Default 1.5.
    pub tolerance: Tolerance,
    /// The coefficient of variation above which an indicator says that the fleet is out of balance.
    /// An indicator without an entry uses [`default_threshold`].
    pub variance_thresholds: BTreeMap<Indicator, Ratio>,
    /// The share of the eligible pods that must have a sample before an indicator is used. Default 0.8.
    pub minimum_coverage: Share,
    /// In how many readings the imbalance must have been there. Default [`Persistence::NONE`]: a snapshot in memory has
    /// no earlier readings. A cycle that acts on its own should use [`Persistence::default`].
    pub persistence: Persistence,
    /// Over which time expected loads count, where loads are forecast. Default `None`: the loads of now count.
    pub horizon: Option<ForecastHorizon>,
}

/// Which pods are chosen.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct SelectionPolicy {
    /// How pods are chosen. Default [`Strategy::Predict`].
    pub strategy: Strategy,
    /// K: at most this many hot and this many cold pods are rotated in one cycle. Default 2.
    pub top_k: NonZeroUsize,
    /// A rotation that is expected to bring no more than this is not made. Default 10 %.
    pub minimum_improvement: Percent,
    /// How much each indicator counts when several rank the pods.
    pub weights: Weights,
}

/// How many pods may go.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct LimitPolicy {
    /// Pods that must stay Ready after the batch. Default 3.
    pub minimum_pods: usize,
    /// At most this share of the pods that serve is removed in one cycle. Default 0.5.
    pub most_share: Share,
    /// Whether disruption budgets are looked at before anything is decided. They are respected by evictions in any case,
    /// and by plain deletions in none. Default true.
    pub respect_budgets: bool,
}

/// Which pods may go at all.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct EligibilityPolicy {
    /// A pod must have been Ready for this long; a younger one looks idle. Default 5 minutes.
    pub minimum_age: SignedDuration,
    /// Pods of a higher priority are never candidates. Default [`HIGHEST_USER_DEFINED_PRIORITY`].
    pub highest_priority: i32,
    /// Only pods that are marked, or whose workload is, are candidates. Default false.
    pub opt_in: bool,
}

/// When no pod may go.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct GuardPolicy {
    /// With a larger share of pods that are not Ready, or have not been for the minimum age, the fleet has not settled. A
    /// scaling counts as settled after the minimum age. Default 0.1.
    pub most_young: Share,
    /// Whether an autoscaler that is about to scale in is waited for. Default true.
    pub wait_for_scale_in: bool,
    /// Hours in which nothing is removed. Default none.
    pub quiet_hours: Option<QuietHours>,
    /// For how long a watch on the fleet may be silent. An API server gives a sign of life about once a minute. Default 90
    /// seconds.
    pub longest_silence: SignedDuration,
}

/// What is known of the consumer group.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct GroupPolicy {
    /// The group's assignor; `None`, the default: it is inferred from the current assignment.
    pub assignor: Option<Assignor>,
    /// Consumers are static members (`group.instance.id`) whose replacements are the same members. Default false.
    pub static_members: bool,
    /// When replacements join, relative to when the removed pods leave; `None`, the default: as earlier rotations showed,
    /// or as long as the fleet's pods take to start.
    pub timing: Option<Timing>,
    /// For so long, all together, a run may wait for replacements to join before it removes the next pod. It does where it
    /// can't be known otherwise what a rotation does, and pods start quickly enough. Zero: it never waits. Default 10
    /// seconds.
    pub replacement_wait: SignedDuration,
    /// How members are matched with pods, where Kafka tells of them. Default [`MemberMatching::Auto`].
    pub matching: MemberMatching,
}

/// How members of the group are matched with pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum MemberMatching {
    /// By every way that tells; ways that contradict each other tell nothing.
    #[default]
    Auto,
    /// By the address from which the broker sees the member.
    Host,
    /// By `group.instance.id`, which has the pod's name in it.
    InstanceId,
    /// By `client.id`, which has the pod's name in it.
    ClientId,
}

/// How pods are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Strategy {
    /// Predicts what candidate batches do under the group's assignor, and takes the best for each removal. Needs
    /// partition loads; without them it is [`RotateOutliers`](Self::RotateOutliers).
    Predict,
    /// The hottest and the coldest pods, on the assumption that their load is mixed evenly.
    RotateOutliers,
}

impl Default for BalancePolicy {
    fn default() -> Self {
        Self {
            tolerance: valid(Tolerance::new(1.5)),
            variance_thresholds: BTreeMap::new(),
            minimum_coverage: valid(Share::new(0.8)),
            persistence: Persistence::NONE,
            horizon: None,
        }
    }
}

impl Default for SelectionPolicy {
    fn default() -> Self {
        Self {
            strategy: Strategy::Predict,
            top_k: NonZeroUsize::MIN.saturating_add(1),
            minimum_improvement: valid(Percent::new(10.0)),
            weights: Weights::default(),
        }
    }
}

impl Default for LimitPolicy {
    fn default() -> Self {
        Self { minimum_pods: 3, most_share: valid(Share::new(0.5)), respect_budgets: true }
    }
}

impl Default for EligibilityPolicy {
    fn default() -> Self {
        Self {
            minimum_age: SignedDuration::from_mins(5),
            highest_priority: HIGHEST_USER_DEFINED_PRIORITY,
            opt_in: false,
        }
    }
}

impl Default for GuardPolicy {
    fn default() -> Self {
        Self {
            most_young: valid(Share::new(0.1)),
            wait_for_scale_in: true,
            quiet_hours: None,
            longest_silence: SignedDuration::from_secs(90),
        }
    }
}

impl Default for GroupPolicy {
    fn default() -> Self {
        Self {
            assignor: None,
            static_members: false,
            timing: None,
            replacement_wait: SignedDuration::from_secs(10),
            matching: MemberMatching::Auto,
        }
    }
}

impl Policy {
    /// The variance threshold of an indicator.
    #[must_use]
    pub fn variance_threshold(&self, indicator: Indicator) -> Ratio {
        let set = self.balance.variance_thresholds.get(&indicator).copied();
        set.unwrap_or_else(|| default_threshold(indicator))
    }
}

impl LimitPolicy {
    /// How many pods may go when this many serve.
    #[must_use]
    pub fn removable(&self, serving: usize) -> usize {
        serving.saturating_sub(self.minimum_pods).min(self.share_of(serving))
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
        let Policy { balance, selection, limits, eligibility, guards, .. } = Policy::default();
        assert_eq!(selection.top_k.get(), 2);
        assert_eq!(balance.tolerance, Tolerance::new(1.5).unwrap());
        assert_eq!(selection.minimum_improvement, Percent::new(10.0).unwrap());
        assert_eq!(limits.minimum_pods, 3);
        assert_eq!(balance.minimum_coverage, Share::new(0.8).unwrap());
        assert_eq!(limits.most_share, Share::new(0.5).unwrap());
        assert_eq!(eligibility.minimum_age, SignedDuration::from_mins(5));
        assert_eq!(guards.most_young, Share::new(0.1).unwrap());
        let persistence = Persistence::default();
        assert_eq!((persistence.required(), persistence.windows()), (2, 3));
        for indicator in Indicator::ALL {
            let expected = if matches!(indicator, Indicator::Cpu | Indicator::Memory) { 0.3 } else { 0.5 };
            assert_eq!(Policy::default().variance_threshold(indicator), Ratio::new(expected).unwrap());
        }
    }
}
