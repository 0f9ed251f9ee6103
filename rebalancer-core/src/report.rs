//! What the planner says: a decision, its numbers, and a typed reason for every pod.
//! `Display` is for operators; the `serde` feature makes the same available to machines.

use std::fmt;

use jiff::Timestamp;

use crate::fleet::{Indicator, Target, Workload};
use crate::group::{Inference, Unusable};
use crate::port::MetricsError;
use crate::prediction::Prediction;
use crate::stats::Distribution;
use crate::unit::{Ratio, Weight};

mod decision;
mod hold;
mod limit;
mod verdict;

pub use decision::{Choice, Decision, Expectation, Improvement, Plan, Removal};
pub use hold::Hold;
pub use limit::{ByRequest, Limit};
pub use verdict::{Spared, Verdict, Veto};

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
    /// Pods of the workload that are Running, Ready and not terminating.
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
    /// One score a pod, in the order of [`Snapshot::pods`](crate::snapshot::Snapshot), where several indicators are usable:
    /// each of its loads by the mean of that indicator, weighted. 1 is as loaded as the mean pod; `None` is not known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub scores: Vec<Option<Ratio>>,
    /// One verdict a pod, in the same order.
    pub verdicts: Vec<Verdict>,
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

    /// The score of the pod at this place in the snapshot; `None` when it is not known, or one indicator ranks the pods.
    #[must_use]
    pub fn score(&self, place: usize) -> Option<Ratio> {
        self.scores.get(place).copied().flatten()
    }

    /// Holds the plan, and tells each chosen pod so.
    pub(crate) fn hold(&mut self, hold: Hold) {
        self.decision = Decision::Hold(hold);
        for verdict in &mut self.verdicts {
            if let Verdict::Chosen(choice) = verdict {
                *verdict = Verdict::Spared(Spared::Held(*choice));
            }
        }
    }
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
    /// How much it counts in the scores.
    pub weight: Weight,
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
