//! What the planner reports: a decision, its numbers, and a typed reason for every pod.
//! `Display` is for operators; the `serde` feature makes the same available to machines.

use std::fmt;

use jiff::Timestamp;

use crate::fleet::{Indicator, LeavingNode, ScalingMetric, Target, Unread, Workload};
use crate::group::{AssumedTiming, GroupSummary, Inference, Unusable};
use crate::port::MetricsError;
use crate::prediction::Prediction;
use crate::snapshot::{Degraded, Snapshot};
use crate::stats::Distribution;
use crate::unit::Weight;

mod decision;
mod forecast;
mod hold;
mod limit;
mod pod;
mod verdict;

pub use decision::{Choice, Decision, Exchange, Expectation, Improvement, Plan, Removal};
pub use forecast::ForecastReport;
pub use hold::Hold;
pub use limit::{ByRequest, Limit};
pub(crate) use pod::Judged;
pub use pod::{PodReport, PodReportIter, PodReports};
pub use verdict::{Spared, Verdict};

/// The result of planning.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[must_use = "a report that nobody reads explains nothing"]
#[non_exhaustive]
pub struct Report {
    /// The workload.
    pub workload: Workload,
    /// The time of the snapshot.
    pub taken_at: Timestamp,
    /// What was known of the CPU target.
    pub target: Target,
    /// What the autoscaler scales by, in its own order.
    pub scales_by: Vec<ScalingMetric>,
    /// Pods of the workload that are Running, Ready and not terminating.
    pub serving: usize,
    /// Pods that may be removed by their own state.
    pub eligible: usize,
    /// Indicators that could be read.
    pub readable: Vec<Indicator>,
    /// Each indicator that is usable: readable, and with enough samples; with its distribution over the eligible pods.
    pub indicators: Vec<IndicatorReport>,
    /// Each enabled indicator that could not be read, and why.
    pub degraded: Vec<Degraded>,
    /// Why partitions are not known although they were requested.
    pub partitions_error: Option<MetricsError>,
    /// Owners of pods that could not be read: beyond them nothing is known.
    pub unread_owners: Vec<Unread>,
    /// Nodes of the fleet that are about to lose their pods.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub leaving_nodes: Vec<LeavingNode>,
    /// Pods that the vertical pod autoscaler is about to restart.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub restarts_due: Option<RestartsDue>,
    /// Pods that only the metric system knows: they are gone, and are left out.
    pub unlisted: Vec<String>,
    /// The consumer group as Kafka tells it; `None` when it was not asked, or did not tell.
    #[cfg_attr(feature = "serde", serde(default))]
    pub group: Option<GroupSummary>,
    /// Why Kafka did not tell although it was asked.
    #[cfg_attr(feature = "serde", serde(default))]
    pub group_error: Option<String>,
    /// What was forecast; `None` where nothing was to be, or the fleet showed no lasting imbalance.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub forecast: Option<ForecastReport>,
    /// How pods were chosen.
    pub method: Method,
    /// What was predicted for the plan, or for the best batch that was found and not good enough.
    pub prediction: Option<Prediction>,
    /// The same in what the pods' partitions carry, in messages a second; `None` without a plan, and where Kafka does not tell
    /// the group.
    #[cfg_attr(feature = "serde", serde(default))]
    pub carried: Option<Prediction>,
    /// What is to be done.
    pub decision: Decision,
    /// What was decided about each pod that Kubernetes lists, by name and then UID.
    pub pods: PodReports,
}

/// Pods that somebody else is about to restart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestartsDue {
    /// Who: `VerticalPodAutoscaler consumer`.
    pub by: String,
    /// How many pods request what it is going to change.
    pub pods: usize,
    /// One of them.
    pub such_as: String,
}

impl RestartsDue {
    /// Of this fleet's own pods; `None` when there are none.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let vpa = snapshot.surroundings.vertical.as_ref()?;
        let mut due = snapshot.pods.iter().filter(|seen| seen.own && vpa.is_due(&seen.pod));
        let such_as = due.next()?.pod.name.clone();
        Some(Self { by: vpa.to_string(), pods: 1 + due.count(), such_as })
    }
}

impl fmt::Display for RestartsDue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, pods, such_as } = self;
        write!(
            f,
            "{by} recommends other requests than {pods} pods have, such as {such_as}, and restarts them soon"
        )
    }
}

impl Report {
    /// A verdict of this report, with loads in the unit of the indicator that ranked the pods.
    #[must_use]
    pub fn in_words(&self, verdict: &Verdict) -> String {
        let ranked_by = match &self.decision {
            Decision::Rotate(plan) => Some(plan.indicator),
            Decision::Balanced | Decision::Hold(_) => {
                self.indicators.iter().find(|seen| seen.out_of_balance).map(|seen| seen.indicator)
            }
        };
        ranked_by.map_or_else(|| verdict.to_string(), |indicator| verdict.by(indicator))
    }

    /// Pods were ranked by several indicators together.
    #[must_use]
    pub fn has_scores(&self) -> bool {
        self.pods.iter().any(|pod| pod.score.is_some())
    }
}

/// One indicator over the eligible pods.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct IndicatorReport {
    /// Which one.
    pub indicator: Indicator,
    /// How the load is distributed, in the indicator's unit.
    pub distribution: Distribution,
    /// What it was compared with.
    pub limit: Limit,
    /// It says that the fleet is out of balance.
    pub out_of_balance: bool,
    /// How much it counts in the scores.
    pub weight: Weight,
}

/// How pods were chosen, or would have been.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "name")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        /// What is assumed about when replacements join.
        timing: AssumedTiming,
        /// Pods on which the same work costs more or less than usual, with how much: 1.5 is half as much again.
        pod_side: Vec<(String, f64)>,
    },
    /// By the hottest and coldest pods.
    RotateOutliers {
        /// Why partition loads were not used; `None` when the policy requests this strategy.
        because: Option<Unusable>,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Predict { assignor, members, partitions, timing, pod_side } => {
                write!(
                    f,
                    "predict: {partitions} partitions on {members} members, assignor {assignor}; {timing}"
                )?;
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
