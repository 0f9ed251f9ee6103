//! One pod of a report.

use jiff::Timestamp;

use super::Verdict;
use crate::fleet::{Owner, Phase, PodRef};
use crate::snapshot::{Loads, ObservedPod};
use crate::unit::{Cores, Ratio};

/// One pod: what was seen of it, and what was decided.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PodReport {
    /// Which pod.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub pod: PodRef,
    /// The node it runs on.
    pub node: Option<String>,
    /// The controlling owner.
    pub owner: Option<Owner>,
    /// Where it is in its life.
    pub phase: Phase,
    /// The Ready condition is True.
    pub ready: bool,
    /// Since when the Ready condition is what it is.
    pub ready_since: Option<Timestamp>,
    /// It is on its way out.
    pub terminating: bool,
    /// It is one of the workload's own.
    pub own: bool,
    /// It has a container of the configured name.
    pub has_container: bool,
    /// Its CPU request.
    pub cpu_request: Option<Cores>,
    /// Its load by each indicator; `None` is missing, never zero.
    pub loads: Loads,
    /// Partitions that it holds; `None` when partitions are not known.
    pub partitions: Option<usize>,
    /// Its score, where several indicators rank the pods: each of its loads by the mean of that indicator, weighted. 1 is
    /// as loaded as the mean pod; `None` is not known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub score: Option<Ratio>,
    /// What was decided about it.
    pub verdict: Verdict,
}

impl PodReport {
    pub(crate) fn new(observed: &ObservedPod, score: Option<Ratio>, verdict: Verdict) -> Self {
        let ObservedPod { pod, own, cpu_request, loads, partitions } = observed;
        Self {
            pod: PodRef::from(pod),
            node: pod.node.clone(),
            owner: pod.owner.clone(),
            phase: pod.phase,
            ready: pod.ready,
            ready_since: pod.ready_since,
            terminating: pod.terminating,
            own: *own,
            has_container: pod.container.is_some(),
            cpu_request: *cpu_request,
            loads: *loads,
            partitions: *partitions,
            score,
            verdict,
        }
    }
}
