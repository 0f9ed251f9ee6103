//! The safety rules that a plan can break.

use crate::fleet::Indicator;

/// A safety rule that a plan breaks. That is a bug in the planner: nothing may be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Violation {
    /// The pod is not in the snapshot, or has another UID there.
    #[error("{pod} is not in the snapshot under this UID")]
    UnknownPod {
        /// Its name.
        pod: String,
    },
    /// The same pod is to be removed twice.
    #[error("{pod} is to be removed twice")]
    Twice {
        /// Its name.
        pod: String,
    },
    /// The pod is not Running and Ready, or is terminating.
    #[error("{pod} does not serve")]
    NotServing {
        /// Its name.
        pod: String,
    },
    /// The pod has not been Ready for the minimum age.
    #[error("{pod} is too young")]
    TooYoung {
        /// Its name.
        pod: String,
    },
    /// Nobody would replace the pod, it belongs to the system or to another workload, or it opted out.
    #[error("{pod} must not be touched: nobody replaces it, it is not of this workload, or it opted out")]
    Untouchable {
        /// Its name.
        pod: String,
    },
    /// The pod has no sample of the indicator, or another load or score than the plan says.
    #[error("the load or the score of {pod} in the plan is not the measured one")]
    NotMeasured {
        /// Its name.
        pod: String,
    },
    /// The plan has no hot pod, no cold pod where its grounds need one, or more than K of either.
    #[error("{hot} hot and {cold} cold pods are no rotation with K = {k} on these grounds")]
    Unbalanced {
        /// Hot pods.
        hot: usize,
        /// Cold pods.
        cold: usize,
        /// K.
        k: usize,
    },
    /// The pod's consumer is a static member, whose partitions would not be mixed.
    #[error("{pod} has a static member of the group, which comes back as itself")]
    StaticMember {
        /// Its name.
        pod: String,
    },
    /// More pods than the removal budget allows.
    #[error("{pods} pods are more than the removal budget allows, {most}")]
    OverBudget {
        /// Pods of the plan.
        pods: usize,
        /// What is allowed.
        most: usize,
    },
    /// More pods than the largest share of the fleet.
    #[error("{pods} of {serving} pods are more than the largest share")]
    OverShare {
        /// Pods of the plan.
        pods: usize,
        /// Pods that serve.
        serving: usize,
    },
    /// More pods than a disruption budget lets go, or a pod that several budgets cover.
    #[error("disruption budget {budget} does not let {pods} pods go")]
    OverDisruptionBudget {
        /// The budget.
        budget: String,
        /// Pods of the plan that it covers.
        pods: usize,
    },
    /// A rollout or a scaling is in progress, the workload opted out, or it is a quiet hour.
    #[error("nothing may be removed now: {what}")]
    NotNow {
        /// What forbids it.
        what: &'static str,
    },
    /// A hot pod was not hot in enough of the earlier readings.
    #[error("{pod} was not hot in enough of the earlier readings")]
    Passing {
        /// Its name.
        pod: String,
    },
    /// A pod is to go as a hot one, and is not above its own limit.
    #[error("{pod} is to go as a hot pod, and is not above its own limit")]
    NotHot {
        /// Its name.
        pod: String,
    },
    /// A pod is to go as a cold one, and is above its limit by another indicator, or has no sample of it.
    #[error("{pod} is to go as a cold pod, and is hot by {indicator}, or may be")]
    NotCold {
        /// Its name.
        pod: String,
        /// The other indicator.
        indicator: Indicator,
    },
    /// A pod is to go as a cold one, and its node is about to lose its pods.
    #[error("{pod} is to go as a cold pod, and its node is about to lose its pods")]
    OnLeavingNode {
        /// Its name.
        pod: String,
    },
    /// A hot pod ranks below a cold one: by its score, or by its load when one indicator ranks the pods.
    #[error("a hot pod is not hotter than a cold one")]
    NotOutliers,
    /// The fleet is not out of balance by what the plan gives as its grounds.
    #[error("the fleet is not out of balance by {indicator}")]
    NoImbalance {
        /// The grounds of the plan.
        indicator: Indicator,
    },
    /// The plan goes by a forecast that did not beat both *as now* and *as a day ago* on the last days.
    #[error(
        "the plan goes by a forecast of {indicator} that is no better than the loads of now, or of a day ago"
    )]
    UnearnedForecast {
        /// The indicator.
        indicator: Indicator,
    },
    /// The metric system has series of several sources for one of the fleet's names.
    #[error("whose loads {query} has is not known: the metric system mixes series of several sources")]
    MixedSeries {
        /// What was asked for.
        query: &'static str,
    },
    /// The autoscaler's target is a share of the CPU request, and not every pod has one.
    #[error("a pod has no CPU request, of which the target is a share")]
    RequestUnknown,
    /// Too few Ready pods would stay.
    #[error("{left} Ready pods would stay, {minimum} must")]
    TooFewLeft {
        /// Pods that would stay.
        left: usize,
        /// Pods that must stay.
        minimum: usize,
    },
}
