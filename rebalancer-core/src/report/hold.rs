//! Why nothing is done although something may be wrong.

mod message;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Improvement;
use crate::assignor::Rules;
use crate::fleet::{Indicator, joined};
use crate::group::{Inference, Unusable};
use crate::guard::NotNow;
use crate::history::Pause;
use crate::port::MetricsError;
use crate::prediction::Prediction;
use crate::unit::{Load, Percent, Ratio, Share};

/// Why nothing is done although something may be wrong. A hold is a result, not a failure.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "reason")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Hold {
    /// The label selector matches nothing.
    NoPods,
    /// There are pods, but none that may be removed.
    NoEligiblePods {
        /// How many pods there are.
        pods: usize,
        /// Why, by the vetoes' names, with how many pods have each.
        vetoes: BTreeMap<String, usize>,
    },
    /// Too few eligible pods have a sample to know the fleet.
    MetricsIncomplete {
        /// Of which indicator.
        indicator: Indicator,
        /// Eligible pods with a sample.
        sampled: usize,
        /// Eligible pods.
        eligible: usize,
        /// The share that is required.
        required: Share,
    },
    /// Several autoscalers match.
    AmbiguousTarget {
        /// Their names.
        hpas: Vec<String>,
    },
    /// The metric system has series of several sources for one of the fleet's names: whose loads they are can't be known.
    AmbiguousSeries {
        /// What was asked for: an indicator, `partition_load` or `cpu_requests`.
        query: String,
        /// What differs.
        error: MetricsError,
    },
    /// The target is a share of the CPU request, and not all eligible pods have one.
    RequestsUnknown {
        /// Eligible pods without a known CPU request.
        missing: usize,
        /// Eligible pods.
        eligible: usize,
    },
    /// The autoscaler's target, or the loads, make a limit that is no number, or zero.
    UnusableTarget {
        /// The autoscaler.
        hpa: String,
    },
    /// The loads vary too much, but no pod is far enough above the mean.
    NoHotPod {
        /// The indicator that raised the imbalance.
        indicator: Indicator,
        /// The highest load.
        max: Load,
        /// What it would have to exceed.
        limit: Load,
    },
    /// Removing at least one hot and one cold pod would leave too few Ready pods.
    TooFewPods {
        /// Pods that serve now.
        serving: usize,
        /// Pods that must stay.
        minimum: usize,
    },
    /// Who holds what shows that the group is in the middle of a rebalance.
    GroupUnsettled {
        /// What shows it.
        why: Unusable,
    },
    /// What Kafka tells of the group can't be brought together with the fleet, or with rules that are known; or who holds
    /// what comes from no known rule.
    GroupUnclear {
        /// What is unclear.
        why: Unusable,
    },
    /// Consumers are static members: they come back as themselves, and nothing moves.
    StaticMembers,
    /// No pod can hold more than one partition, so partitions only change places.
    TooFewPartitions {
        /// Partitions of the group.
        partitions: usize,
        /// Its members.
        members: usize,
    },
    /// The assignor makes the same sets of partitions again; only who holds them changes.
    AssignorRestoresSets {
        /// The assignor, and how it is known.
        assignor: Inference,
    },
    /// Several rules fit who holds what, and no rotation is good under all of them.
    AssignorUnclear {
        /// All that fit.
        fits: Rules,
        /// Those under which a rotation would be good, though not always the same one.
        helps: Rules,
        /// What it would bring under the first of these.
        prediction: Box<Prediction>,
    },
    /// One partition alone is above the limit: whichever pod gets it is hot.
    HotPartition {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: u32,
        /// What it costs, in the indicator's unit.
        load: Load,
        /// The limit for a whole pod; where it depends on the CPU request, for one with the mean request.
        limit: Load,
    },
    /// The hottest pod is hot because of its node: replacements of such pods did not help.
    SlowNode {
        /// The node.
        node: String,
        /// The pod.
        pod: String,
        /// How many times as much as on a usual pod the same work costs there.
        factor: Ratio,
        /// How many replacements of slow pods of this node did not help, the last ones in a row.
        replacements: usize,
    },
    /// The best batch that was found is not expected to bring enough.
    SmallGain {
        /// What it is expected to bring.
        prediction: Box<Prediction>,
        /// The least relief that is required.
        minimum: Percent,
    },
    /// The largest share of the fleet that may go has no room for one hot and one cold pod.
    ShareTooSmall {
        /// Pods that serve now.
        serving: usize,
        /// The largest share.
        share: Share,
    },
    /// Disruption budgets don't allow one hot and one cold pod to go.
    BudgetsTooTight {
        /// The tightest budget.
        budget: String,
        /// How many pods it lets go now.
        allowed: u32,
        /// It speaks of its present specification; if not, how many it allows is not known.
        status_is_current: bool,
    },
    /// The imbalance was not there in enough earlier readings: it may be a spike.
    NotPersistent {
        /// The indicator that raised it.
        indicator: Indicator,
        /// Readings in which it was there, the present one among them.
        seen_in: usize,
        /// Readings.
        windows: usize,
        /// In how many it must have been there.
        required: usize,
        /// Hot pods that are younger than so many readings.
        younger: usize,
    },
    /// Whether the imbalance was there before can't be known.
    PastUnknown {
        /// The indicator that raised it.
        indicator: Indicator,
        /// Why; `None` when it was not requested.
        error: Option<MetricsError>,
    },
    /// The imbalance is expected to be gone before a rotation could pay.
    WillPass {
        /// The indicator that raised it.
        indicator: Indicator,
        /// Over which time its loads were forecast.
        horizon: SignedDuration,
        /// Coefficient of variation now.
        cv: f64,
        /// The one that is expected over the horizon.
        expected_cv: f64,
        /// Highest load now.
        max: Load,
        /// The one that is expected over the horizon.
        expected_max: Load,
        /// Above this a pod is hot then; where it depends on the CPU request, one with the mean request.
        limit: Load,
    },
    /// The fleet is left alone now, whatever its loads.
    NotNow(NotNow),
    /// Memory gives a reason to wait: the last rotation settles, the breaker is open, the removal budget is spent, another
    /// rebalancer works on the group.
    Paused(Pause),
    /// The rotation would bring too little.
    SmallImprovement {
        /// What it would bring.
        improvement: Improvement,
        /// What is required.
        minimum: Percent,
    },
}

/// Names of what holds besides a guard.
const OWN: [&str; 31] = [
    "no_pods",
    "no_eligible_pods",
    "metrics_incomplete",
    "ambiguous_target",
    "ambiguous_series",
    "requests_unknown",
    "unusable_target",
    "no_hot_pod",
    "too_few_pods",
    "group_unsettled",
    "group_unclear",
    "static_members",
    "too_few_partitions",
    "assignor_restores_sets",
    "assignor_unclear",
    "hot_partition",
    "slow_node",
    "small_gain",
    "small_improvement",
    "share_too_small",
    "disruption_budget",
    "not_persistent",
    "past_unknown",
    "will_pass",
    "settling",
    "breaker_open",
    "unreliable_prediction",
    "trial_pending",
    "removal_budget_spent",
    "group_locked",
    "group_lock_unread",
];

impl Hold {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; OWN.len() + NotNow::NAMES.len()] = joined(&OWN, &NotNow::NAMES);

    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoPods => "no_pods",
            Self::NoEligiblePods { .. } => "no_eligible_pods",
            Self::MetricsIncomplete { .. } => "metrics_incomplete",
            Self::AmbiguousTarget { .. } => "ambiguous_target",
            Self::AmbiguousSeries { .. } => "ambiguous_series",
            Self::RequestsUnknown { .. } => "requests_unknown",
            Self::UnusableTarget { .. } => "unusable_target",
            Self::NoHotPod { .. } => "no_hot_pod",
            Self::TooFewPods { .. } => "too_few_pods",
            Self::GroupUnsettled { .. } => "group_unsettled",
            Self::GroupUnclear { .. } => "group_unclear",
            Self::StaticMembers => "static_members",
            Self::TooFewPartitions { .. } => "too_few_partitions",
            Self::AssignorRestoresSets { .. } => "assignor_restores_sets",
            Self::AssignorUnclear { .. } => "assignor_unclear",
            Self::HotPartition { .. } => "hot_partition",
            Self::SlowNode { .. } => "slow_node",
            Self::SmallGain { .. } => "small_gain",
            Self::ShareTooSmall { .. } => "share_too_small",
            Self::BudgetsTooTight { .. } => "disruption_budget",
            Self::NotPersistent { .. } => "not_persistent",
            Self::PastUnknown { .. } => "past_unknown",
            Self::WillPass { .. } => "will_pass",
            Self::NotNow(guard) => guard.name(),
            Self::Paused(pause) => pause.name(),
            Self::SmallImprovement { .. } => "small_improvement",
        }
    }
}
