//! The `with_` methods of a [`Policy`].

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::SignedDuration;

use super::{ForecastHorizon, MemberMatching, Persistence, Policy, QuietHours, Strategy, Timing, Weights};
use crate::assignor::Assignor;
use crate::fleet::Indicator;
use crate::unit::{Percent, Ratio, Share, Tolerance};

macro_rules! setters {
    ($($(#[$doc:meta])* $with:ident: $group:ident.$field:ident: $type:ty;)*) => {
        impl Policy {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$group.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    /// How far above its target a load may be before its pod is hot.
    with_tolerance: balance.tolerance: Tolerance;
    /// The coefficient of variation above which each indicator says that the fleet is out of balance.
    with_variance_thresholds: balance.variance_thresholds: BTreeMap<Indicator, Ratio>;
    /// The share of the eligible pods that must have a sample.
    with_minimum_coverage: balance.minimum_coverage: Share;
    /// In how many readings an imbalance must have been there.
    with_persistence: balance.persistence: Persistence;
    /// Over which time expected loads count; `None` for the loads of now.
    with_horizon: balance.horizon: Option<ForecastHorizon>;
    /// How pods are chosen.
    with_strategy: selection.strategy: Strategy;
    /// At most this many hot and this many cold pods in one cycle.
    with_top_k: selection.top_k: NonZeroUsize;
    /// A rotation that is expected to bring no more is not made.
    with_minimum_improvement: selection.minimum_improvement: Percent;
    /// How much each indicator counts when several rank the pods.
    with_weights: selection.weights: Weights;
    /// Pods that must stay Ready after the batch.
    with_minimum_pods: limits.minimum_pods: usize;
    /// The largest share of the serving pods that is removed in one cycle.
    with_most_share: limits.most_share: Share;
    /// Whether disruption budgets are looked at before anything is decided.
    with_respect_budgets: limits.respect_budgets: bool;
    /// For how long a pod must have been Ready; zero for any.
    with_minimum_age: eligibility.minimum_age: SignedDuration;
    /// Pods of a higher priority are never candidates.
    with_highest_priority: eligibility.highest_priority: i32;
    /// Whether only marked pods, or those of a marked workload, are candidates.
    with_opt_in: eligibility.opt_in: bool;
    /// The largest share of young and not Ready pods in a settled fleet.
    with_most_young: guards.most_young: Share;
    /// Whether an autoscaler that is about to scale in is waited for.
    with_wait_for_scale_in: guards.wait_for_scale_in: bool;
    /// Hours in which nothing is removed.
    with_quiet_hours: guards.quiet_hours: Option<QuietHours>;
    /// For how long a watch on the fleet may be silent.
    with_longest_silence: guards.longest_silence: SignedDuration;
    /// The group's assignor; `None` to infer it.
    with_assignor: group.assignor: Option<Assignor>;
    /// Whether consumers are static members that come back as themselves.
    with_static_members: group.static_members: bool;
    /// How members of the group are matched with pods, where Kafka tells of them.
    with_matching: group.matching: MemberMatching;
    /// When replacements join, relative to when the removed pods leave; `None` to go by what is seen.
    with_timing: group.timing: Option<Timing>;
    /// For so long, all together, a run may wait for replacements to join before it removes the next pod.
    with_replacement_wait: group.replacement_wait: SignedDuration;
}
