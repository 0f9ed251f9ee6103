//! Results for machines. docs/schema has the shape of each.

use rebalancer_core::fleet::{Indicator, LeavingNode, ScalingMetric, Target, Unread, Workload};
use rebalancer_core::group::GroupSummary;
use rebalancer_core::history::{Proposal, ProposedPod, Rotation};
use rebalancer_core::jiff::Timestamp;
use rebalancer_core::port::MetricsError;
use rebalancer_core::prediction::Prediction;
use rebalancer_core::report::{
    Decision, ForecastReport, IndicatorReport, Method, PodReport, Report, RestartsDue,
};
use rebalancer_core::snapshot::Degraded;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Shown;
use crate::advice;
use crate::saved::Comparison;

/// The version of the shape of `rebalancer plan --output json`. Within a version, fields are only ever added.
pub(crate) const VERSION: u32 = 2;

/// What `rebalancer plan --output json` prints: what was seen, what was decided, and the reason for every pod.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlanDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// The decision in words, with what to do about it.
    summary: String,
    /// Whose fleet.
    workload: &'a Workload,
    /// What its cluster is called, where CLUSTER_NAME says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    /// The time of the snapshot.
    taken_at: Timestamp,
    /// What was known of the CPU target.
    target: &'a Target,
    /// What the autoscaler scales by, in its own order.
    scales_by: &'a [ScalingMetric],
    /// Pods of the workload that are Running, Ready and not terminating.
    serving: usize,
    /// Pods that may be removed by their own state.
    eligible: usize,
    /// Indicators that could be read.
    readable: &'a [Indicator],
    /// Each usable indicator, with its distribution over the eligible pods.
    indicators: &'a [IndicatorReport],
    /// Each enabled indicator that could not be read, and why.
    degraded: &'a [Degraded],
    /// Why partitions are not known although they were asked for.
    partitions_error: Option<&'a MetricsError>,
    /// References to owners that could not be followed.
    unread_owners: &'a [Unread],
    /// Nodes of the fleet that are about to lose their pods; absent where there are none, or they are not asked for.
    #[serde(skip_serializing_if = "<[LeavingNode]>::is_empty")]
    leaving_nodes: &'a [LeavingNode],
    /// Pods that the vertical pod autoscaler is about to restart; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts_due: Option<&'a RestartsDue>,
    /// Pods that only the metric system knows: they are gone, and are left out.
    unlisted: &'a [String],
    /// The consumer group as Kafka tells it; `null` when it was not asked, or did not tell.
    group: Option<&'a GroupSummary>,
    /// Why Kafka did not tell although it was asked.
    group_error: Option<&'a str>,
    /// What was forecast; absent where nothing was to be, or no imbalance lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<&'a ForecastReport>,
    /// How pods were chosen.
    method: &'a Method,
    /// What was predicted for the plan, or for the best batch that was found and not good enough.
    prediction: Option<&'a Prediction>,
    /// The same in what the pods' partitions carry, in messages a second; `null` without a plan, and where Kafka does not tell
    /// the group.
    carried: Option<&'a Prediction>,
    /// A run would rotate these pods now: the decision is to rotate.
    would_act: bool,
    /// What is to be done.
    decision: &'a Decision,
    /// What was decided about each pod that Kubernetes lists, by name and then UID.
    pods: Vec<PodEntry<'a>>,
    /// The last rotation, when it is remembered.
    last_rotation: Option<&'a Rotation>,
    /// What waits for an answer, or was approved and not carried out yet; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalEntry<'a>>,
    /// What the metric server was asked for it.
    metrics_usage: Usage,
    /// What Kafka was asked for it; `null` when it is not asked.
    kafka_usage: Option<rebalancer_kafka::Usage>,
    /// How the decision compares with the saved one; only with `--replay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<&'a Comparison>,
}

/// One pod, and what was decided about it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PodEntry<'a> {
    #[serde(flatten)]
    pod: PodReport<'a>,
    /// The verdict in words, with what to do about it.
    reason: String,
}

/// An open proposal.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProposalEntry<'a> {
    /// By which it is answered.
    id: &'a str,
    /// When it was made.
    at: Timestamp,
    /// From this time on it counts no more, answered or not.
    until: Timestamp,
    /// The pods that would be removed.
    pods: Vec<ProposedEntry<'a>>,
    /// What is expected of it, in words.
    expected: String,
    /// Who approved it; `null` while it waits for an answer.
    approved_by: Option<String>,
}

/// A pod that would be removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProposedEntry<'a> {
    /// Its name.
    name: &'a str,
    /// Its identity.
    uid: String,
    /// The role for which it was selected.
    role: &'static str,
}

impl<'a> ProposalEntry<'a> {
    fn of(open: &'a Proposal) -> Self {
        let pod = |pod: &'a ProposedPod| ProposedEntry {
            name: &pod.name,
            uid: pod.uid.to_string(),
            role: pod.role.name(),
        };
        Self {
            id: &open.id,
            at: open.at,
            until: open.until,
            pods: open.plan.pods.iter().map(pod).collect(),
            expected: open.plan.expected.to_string(),
            approved_by: open.approved.as_ref().map(ToString::to_string),
        }
    }
}

impl<'a> PlanDocument<'a> {
    /// The document of what is to be shown.
    pub(crate) fn of(shown: &Shown<'a>) -> Self {
        let Report {
            workload,
            taken_at,
            target,
            scales_by,
            serving,
            eligible,
            readable,
            indicators,
            degraded,
            partitions_error,
            unread_owners,
            leaving_nodes,
            restarts_due,
            unlisted,
            group,
            group_error,
            forecast,
            method,
            prediction,
            carried,
            decision,
            pods,
            ..
        } = shown.report;
        let reason = |pod: &PodReport<'_>| advice::verdict(shown.report, pod.verdict);
        Self {
            version: VERSION,
            summary: shown.summary(),
            workload,
            cluster: shown.cluster,
            taken_at: *taken_at,
            target,
            scales_by,
            serving: *serving,
            eligible: *eligible,
            readable,
            indicators,
            degraded,
            partitions_error: partitions_error.as_ref(),
            unread_owners,
            leaving_nodes,
            restarts_due: restarts_due.as_ref(),
            unlisted,
            group: group.as_ref(),
            group_error: group_error.as_deref(),
            forecast: forecast.as_ref(),
            method,
            prediction: prediction.as_ref(),
            carried: carried.as_ref(),
            would_act: matches!(decision, Decision::Rotate(_)),
            decision,
            pods: pods.iter().map(|pod| PodEntry { pod, reason: reason(&pod) }).collect(),
            last_rotation: shown.last,
            proposal: shown.approval.open(*taken_at).map(ProposalEntry::of),
            metrics_usage: shown.usage,
            kafka_usage: shown.kafka,
            replayed: shown.replayed,
        }
    }
}
