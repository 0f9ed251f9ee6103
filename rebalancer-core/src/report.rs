//! What the planner says: a decision, its numbers, and a typed reason for every pod.
//! `Display` is for operators; the `serde` feature makes the same available to machines.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Indicator, Owner, Phase, Target, Workload};
use crate::group::{Inference, Unusable};
use crate::history::Pause;
use crate::port::{MetricsError, PodRef};
use crate::prediction::Prediction;
use crate::stats::Distribution;
use crate::unit::{Cores, Load, Percent, Ratio, Share};

/// The result of planning.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "a report that nobody reads explains nothing"]
pub struct Report {
    /// Whose fleet.
    pub workload: Workload,
    /// The time of the snapshot.
    pub taken_at: Timestamp,
    /// What was known of the CPU target.
    pub target: Target,
    /// Pods that are Running, Ready and not terminating.
    pub serving: usize,
    /// Pods that may be removed by their own state.
    pub eligible: usize,
    /// Each indicator that could be read, with its distribution over the eligible pods.
    pub indicators: Vec<IndicatorReport>,
    /// Each enabled indicator that could not be read, and why.
    pub degraded: Vec<Degraded>,
    /// How pods were chosen.
    pub method: Method,
    /// What was predicted for the plan, or for the best batch that was found and not good enough.
    pub prediction: Option<Prediction>,
    /// What is to be done.
    pub decision: Decision,
    /// One verdict a pod, in the order of [`Snapshot::pods`](crate::snapshot::Snapshot).
    pub verdicts: Vec<Verdict>,
}

/// One indicator over the eligible pods.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IndicatorReport {
    /// Which one.
    pub indicator: Indicator,
    /// How the load is distributed, in the indicator's unit.
    pub distribution: Distribution,
    /// What it was compared with.
    pub limit: Limit,
    /// It says that the fleet is out of balance.
    pub out_of_balance: bool,
}

/// What an indicator is compared with to tell whether the fleet is out of balance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Limit {
    /// The autoscaler's target times the tolerance: one pod above it is an imbalance.
    Target {
        /// The target for one pod.
        target: Cores,
        /// Loads above this are hot.
        hot_above: Load,
    },
    /// The coefficient of variation: an imbalance when it is above the threshold.
    Variance {
        /// The threshold.
        threshold: Ratio,
        /// Loads above this (mean times tolerance) are hot.
        hot_above: Load,
    },
}

impl Limit {
    /// Loads above this are hot.
    #[must_use]
    pub const fn hot_above(&self) -> Load {
        match self {
            Self::Target { hot_above, .. } | Self::Variance { hot_above, .. } => *hot_above,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target, hot_above } => write!(f, "target {target} a pod, hot above {hot_above}"),
            Self::Variance { threshold, hot_above } => {
                write!(f, "CV threshold {threshold}, hot above {hot_above}")
            }
        }
    }
}

/// How pods were chosen, or would have been.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "name"))]
pub enum Method {
    /// Nothing had to be chosen.
    None,
    /// By working out what candidate batches do.
    Predict {
        /// The group's assignor, and how it is known.
        assignor: Inference,
        /// Members of the group.
        members: usize,
        /// Their partitions.
        partitions: usize,
        /// Pods on which the same work costs more or less than usual, with how much: 1.5 is half as much again.
        pod_side: Vec<(String, f64)>,
    },
    /// By the hottest and coldest pods.
    RotateOutliers {
        /// Why partition loads were not used; `None` when the policy asks for this strategy.
        because: Option<Unusable>,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Predict { assignor, members, partitions, pod_side } => {
                write!(f, "predict: {partitions} partitions on {members} members, assignor {assignor}")?;
                for (pod, factor) in pod_side {
                    write!(f, "; the same work costs {factor:.2} times as much on {pod}")?;
                }
                Ok(())
            }
            Self::RotateOutliers { because: None } => f.write_str("rotate-outliers"),
            Self::RotateOutliers { because: Some(because) } => write!(f, "rotate-outliers, since {because}"),
        }
    }
}

/// An enabled indicator that could not be read.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Degraded {
    /// Which one.
    pub indicator: Indicator,
    /// Why.
    pub error: MetricsError,
}

/// What is to be done with the fleet.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Decision {
    /// Remove these pods, as one batch.
    Rotate(Plan),
    /// No indicator says that the fleet is out of balance.
    Balanced,
    /// Do nothing, for this reason.
    Hold(Hold),
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Plan {
    /// The indicator that raised the imbalance and ranked the pods.
    pub indicator: Indicator,
    /// What is expected of it.
    pub expectation: Expectation,
    /// Hot and cold pods in turn, the most extreme first.
    pub removals: Vec<Removal>,
}

/// What is expected of a rotation, and on what grounds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Improvement {
    /// Mean load of the chosen hot pods.
    pub average_hot: f64,
    /// Mean load of all chosen pods.
    pub average_set: f64,
    /// `(average_hot - average_set) / average_hot * 100`.
    pub percent: f64,
}

impl fmt::Display for Improvement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "hot pods at {:.3} on average, all chosen pods at {:.3}: {:.1} % better if evenly mixed",
            self.average_hot, self.average_set, self.percent
        )
    }
}

/// One pod to remove, and why.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// As what it was chosen.
    pub choice: Choice,
}

/// As what a pod was chosen. Ranks start at 1.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "role"))]
pub enum Choice {
    /// One of the K hottest, above the limit.
    Hot {
        /// Its place from the top.
        rank: usize,
        /// The limit that it exceeds.
        above: Load,
    },
    /// One of the K coldest.
    Cold {
        /// Its place from the bottom.
        rank: usize,
    },
}

impl Choice {
    /// `hot` or `cold`, as in logs and metrics.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Hot { .. } => "hot",
            Self::Cold { .. } => "cold",
        }
    }

    /// Chosen for its high load.
    #[must_use]
    pub const fn is_hot(&self) -> bool {
        matches!(self, Self::Hot { .. })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hot { rank, above } => write!(f, "hot: number {rank} from the top, above {above}"),
            Self::Cold { rank } => write!(f, "cold: number {rank} from the bottom"),
        }
    }
}

/// What was decided about one pod.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// It is to be removed.
    Chosen(Choice),
    /// It may be removed, but is not.
    Spared(Spared),
    /// It must not be removed.
    Vetoed(Veto),
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
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Spared {
    /// It has no usable sample; missing is never idle.
    NoSample,
    /// The fleet is in balance, or nothing could be said about it.
    NothingToDo,
    /// It is neither one of the K hottest nor one of the K coldest.
    Between,
    /// It is one of the K hottest, but not above the limit.
    NotHot {
        /// The limit.
        limit: Load,
    },
    /// It would have been chosen, but enough pods must stay Ready.
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
            Self::NotHot { limit } => write!(f, "among the hottest, but not above {limit}"),
            Self::Trimmed(choice) => {
                write!(f, "left out so that enough pods stay Ready (would be {})", choice.role())
            }
            Self::Held(choice) => write!(f, "the plan is held (would be {})", choice.role()),
        }
    }
}

/// Why a pod must not be removed, whatever its load.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Veto {
    /// It is on its way out.
    Terminating,
    /// It has ended, or has not started.
    NotRunning {
        /// Its phase.
        phase: Phase,
    },
    /// Its Ready condition is not True.
    NotReady,
    /// It has not been Ready long enough for its load to mean anything; fresh pods look idle.
    TooYoung {
        /// How long it has been Ready; `None` when that is not known.
        ready_for: Option<SignedDuration>,
        /// How long it must have been.
        minimum: SignedDuration,
    },
    /// No controller would replace it.
    NoController,
    /// Its controller does not take part in a consumer group's balance, or can't replace it elsewhere.
    Controller {
        /// The owner's kind.
        kind: String,
    },
    /// It is made by the kubelet from a file.
    Mirror,
    /// It lives in a namespace of the system.
    SystemNamespace,
    /// It has a system-critical priority class.
    Critical {
        /// The class.
        priority_class: String,
    },
    /// It has no container of the configured name, so it is not of this workload.
    NoSuchContainer,
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminating => f.write_str("it is terminating"),
            Self::NotRunning { phase } => write!(f, "its phase is {phase:?}, not Running"),
            Self::NotReady => f.write_str("it is not Ready"),
            Self::TooYoung { ready_for: Some(age), minimum } => {
                write!(f, "Ready for {age:#}, less than {minimum:#}")
            }
            Self::TooYoung { ready_for: None, minimum } => {
                write!(f, "it is not known since when it is Ready; {minimum:#} are asked for")
            }
            Self::NoController => f.write_str("no controller would replace it"),
            Self::Controller { kind } => write!(f, "pods of a {kind} are not rotated"),
            Self::Mirror => f.write_str("a mirror pod of the kubelet"),
            Self::SystemNamespace => f.write_str("in a system namespace"),
            Self::Critical { priority_class } => write!(f, "priority class {priority_class}"),
            Self::NoSuchContainer => f.write_str("it has no container of the configured name"),
        }
    }
}

/// Why nothing is done although something may be wrong. A hold is a result, not a failure.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "reason"))]
pub enum Hold {
    /// The label selector matches nothing.
    NoPods,
    /// There are pods, but none that may be removed.
    NoEligiblePods {
        /// How many pods there are.
        pods: usize,
    },
    /// Too few eligible pods have a sample to know the fleet.
    MetricsIncomplete {
        /// Of which indicator.
        indicator: Indicator,
        /// Eligible pods with a sample.
        sampled: usize,
        /// Eligible pods.
        eligible: usize,
        /// The share that is asked for.
        required: Share,
    },
    /// Several autoscalers match.
    AmbiguousTarget {
        /// Their names.
        hpas: Vec<String>,
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
    /// One partition alone is above the limit: whichever pod gets it is hot.
    HotPartition {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: u32,
        /// What it costs, in the indicator's unit.
        load: Load,
        /// The limit for a whole pod.
        limit: Load,
    },
    /// The best batch that was found is not expected to bring enough.
    SmallGain {
        /// What it is expected to bring.
        prediction: Prediction,
        /// The least relief that is asked for.
        minimum: Percent,
    },
    /// Memory gives a reason to wait: the last rotation settles, the breaker is open, the removal budget is spent.
    Paused(Pause),
    /// The rotation would bring too little.
    SmallImprovement {
        /// What it would bring.
        improvement: Improvement,
        /// What is asked for.
        minimum: Percent,
    },
}

impl Hold {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 18] = [
        "no_pods",
        "no_eligible_pods",
        "metrics_incomplete",
        "ambiguous_target",
        "requests_unknown",
        "unusable_target",
        "no_hot_pod",
        "too_few_pods",
        "static_members",
        "too_few_partitions",
        "assignor_restores_sets",
        "hot_partition",
        "small_gain",
        "small_improvement",
        "settling",
        "breaker_open",
        "trial_pending",
        "removal_budget_spent",
    ];

    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoPods => "no_pods",
            Self::NoEligiblePods { .. } => "no_eligible_pods",
            Self::MetricsIncomplete { .. } => "metrics_incomplete",
            Self::AmbiguousTarget { .. } => "ambiguous_target",
            Self::RequestsUnknown { .. } => "requests_unknown",
            Self::UnusableTarget { .. } => "unusable_target",
            Self::NoHotPod { .. } => "no_hot_pod",
            Self::TooFewPods { .. } => "too_few_pods",
            Self::StaticMembers => "static_members",
            Self::TooFewPartitions { .. } => "too_few_partitions",
            Self::AssignorRestoresSets { .. } => "assignor_restores_sets",
            Self::HotPartition { .. } => "hot_partition",
            Self::SmallGain { .. } => "small_gain",
            Self::Paused(pause) => pause.name(),
            Self::SmallImprovement { .. } => "small_improvement",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPods => f.write_str("no pod matches; check KUBE_NAMESPACE and KUBE_LABEL_SELECTOR"),
            Self::NoEligiblePods { pods } => {
                write!(f, "none of {pods} pods may be removed; `rebalancer plan` shows why for each")
            }
            Self::MetricsIncomplete { indicator, sampled, eligible, required } => write!(
                f,
                "metrics incomplete: {sampled} of {eligible} eligible pods have a {indicator} sample, a share of \
                 {required} is asked for; check CONTAINER_NAME and that the metric server scrapes every node"
            ),
            Self::AmbiguousTarget { hpas } => write!(
                f,
                "several autoscalers match: {}; keep one for this workload, or correct HPA_PREFIX and DEPLOYMENT_NAME",
                hpas.join(", ")
            ),
            Self::RequestsUnknown { missing, eligible } => write!(
                f,
                "{missing} of {eligible} eligible pods have no CPU request, so the autoscaler's utilization target means \
                 nothing for them; set resources.requests.cpu"
            ),
            Self::UnusableTarget { hpa } => {
                write!(f, "the CPU target of autoscaler {hpa} is zero or no number")
            }
            Self::NoHotPod { indicator, max, limit } => write!(
                f,
                "{indicator} varies too much, but the highest load ({max}) is not above {limit}; too few idle pods \
                 would take over work"
            ),
            Self::TooFewPods { serving, minimum } => write!(
                f,
                "{serving} pods serve and {minimum} must stay (MINIMUM_PODS_REQUIRED), so one hot and one cold pod \
                 can't both go"
            ),
            Self::Paused(pause) => pause.fmt(f),
            Self::StaticMembers => f.write_str(
                "consumers are static members (KAFKA_STATIC_MEMBERSHIP): a replaced pod gets the same partitions \
                 back; remove group.instance.id, or look at the node",
            ),
            Self::TooFewPartitions { partitions, members } => write!(
                f,
                "{partitions} partitions for {members} pods: a partition moves whole, so removing pods can't help; \
                 add partitions or remove replicas"
            ),
            Self::AssignorRestoresSets { assignor } => write!(
                f,
                "the assignor is {assignor}: removing pods makes the same sets of partitions again; use \
                 cooperative-sticky, or the consumer protocol's uniform"
            ),
            Self::HotPartition { topic, partition, load, limit } => write!(
                f,
                "partition {partition} of topic {topic} alone costs {load}, a whole pod may cost {limit}: it makes any \
                 pod hot; re-key the topic or add partitions"
            ),
            Self::SmallGain { prediction, minimum } => write!(
                f,
                "the best batch is expected to bring {prediction}; {:.1} % of what the removed pods carry above the \
                 limit would be gone; more than {minimum} is asked for (MINIMUM_IMPROVEMENT_PERCENT), and a better \
                 balance in most draws",
                prediction.relief_percent
            ),
            Self::SmallImprovement { improvement, minimum } => {
                write!(f, "{improvement}; more than {minimum} is asked for (MINIMUM_IMPROVEMENT_PERCENT)")
            }
        }
    }
}
