//! Lag as it would have been: a queue for each pod, which gets what its partitions got and consumes what a pod was seen to.
//!
//! ```text
//!   lag' = max(0, lag + produced - consumable)      for each pod, from one reading to the next
//! ```
//!
//! That is Lindley's recursion (*The theory of queues with a single server*, 1952) with flows in place of customers. What was
//! consumed follows from what was produced and by how much lag changed. A pod that was behind at both ends of a step was at
//! its limit: what it consumed then is what it can. Where others were at their limit, a pod can consume what the median of
//! them did; where none was, what the busiest did: each of these may be less than it can, so that lag is rather too high here.
//! A pod whose partitions are those of the past has the lag of the past.

use std::collections::BTreeMap;

use crate::assignor::TopicPartition;
use crate::fleet::{Indicator, Uid};
use crate::group::GroupModel;
use crate::snapshot::Snapshot;

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;

/// What the loads of partitions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartitionUnit {
    /// Messages a second that were produced: what a pod must consume is known.
    Produced,
    /// Anything else.
    #[default]
    Other,
}

/// A pod as it was over one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PodFlow {
    /// Lag at the end.
    lag: f64,
    /// Messages that it consumed.
    consumed: f64,
    /// It was behind at both ends.
    at_limit: bool,
}

/// A pod as it would be: what it holds, and what it is in place of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PodQueue {
    pub(super) source: Option<Uid>,
    /// It has taken its source's place.
    pub(super) replaced: bool,
    pub(super) holds: Vec<TopicPartition>,
}

/// Lag of each partition as it would have been.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LagCourse {
    partitions: BTreeMap<TopicPartition, f64>,
}

/// Lag of each member pod of the past; `None` where one of them has no sample.
pub(super) fn lag_of(model: &GroupModel, snapshot: &Snapshot) -> Option<BTreeMap<Uid, f64>> {
    let lag = |pod: &crate::group::MemberPod| {
        let seen = snapshot.pods.get(pod.pod)?;
        Some((seen.pod.uid.clone(), seen.loads.get(Indicator::Lag)?.get()))
    };
    model.pods.iter().map(lag).collect()
}

/// Lag of the workload's own pods that serve, as far as it is known.
pub(super) fn samples(snapshot: &Snapshot) -> BTreeMap<Uid, f64> {
    let serving = snapshot.pods.iter().filter(|seen| seen.own && seen.pod.is_serving());
    serving.filter_map(|seen| Some((seen.pod.uid.clone(), seen.loads.get(Indicator::Lag)?.get()))).collect()
}

/// Each pod over the seconds between two readings, the second of which is the model's; `None` where something is not known.
pub(super) fn flows(
    before: &BTreeMap<Uid, f64>,
    model: &GroupModel,
    snapshot: &Snapshot,
    seconds: f64,
    behind: f64,
) -> Option<BTreeMap<Uid, PodFlow>> {
    let after = lag_of(model, snapshot)?;
    let flow = |(pod, carried): (&crate::group::MemberPod, f64)| {
        let uid = &snapshot.pods.get(pod.pod)?.pod.uid;
        let lag = *after.get(uid)?;
        // One that was not there before begins with nothing.
        let had = before.get(uid).copied().unwrap_or(0.0);
        let consumed = (had + carried * seconds - lag).max(0.0);
        Some((uid.clone(), PodFlow { lag, consumed, at_limit: had > behind && lag > behind }))
    };
    model.pods.iter().zip(model.carried_now()).map(flow).collect()
}

impl LagCourse {
    /// From the past: a pod's lag is shared by its partitions as their loads are.
    pub(super) fn of(model: &GroupModel, snapshot: &Snapshot) -> Option<Self> {
        let lag = lag_of(model, snapshot)?;
        let mut course = Self::default();
        for pod in &model.pods {
            let uid = &snapshot.pods.get(pod.pod)?.pod.uid;
            let holds: Vec<TopicPartition> = model.held(pod).copied().collect();
            course.share(&holds, |partition| model.load(partition), *lag.get(uid)?);
        }
        Some(course)
    }

    /// One step: every pod gets what its partitions got.
    pub(super) fn step(
        &mut self,
        pods: &[PodQueue],
        model: &GroupModel,
        snapshot: &Snapshot,
        flows: &BTreeMap<Uid, PodFlow>,
        seconds: f64,
    ) {
        let usual = usual(flows);
        for pod in pods {
            let flow = pod.source.as_ref().and_then(|uid| flows.get(uid));
            let lag = match flow {
                Some(flow) if !pod.replaced && is_as_it_was(pod, model, snapshot) => flow.lag,
                _ => {
                    let arrived = model.carried(&pod.holds) * seconds;
                    let had: f64 = pod.holds.iter().filter_map(|held| self.partitions.get(held)).sum();
                    (had + arrived - consumable(flow.filter(|_| !pod.replaced), usual)).max(0.0)
                }
            };
            let weights: BTreeMap<TopicPartition, f64> = pod
                .holds
                .iter()
                .map(|held| {
                    let had = self.partitions.get(held).copied().unwrap_or(0.0);
                    (*held, had + model.load(held) * seconds)
                })
                .collect();
            self.share(&pod.holds, |held| weights.get(held).copied().unwrap_or(0.0), lag);
        }
    }

    /// Lag of a pod that holds these.
    pub(super) fn of_pod(&self, holds: &[TopicPartition]) -> f64 {
        holds.iter().filter_map(|held| self.partitions.get(held)).sum()
    }

    fn share(&mut self, holds: &[TopicPartition], weight: impl Fn(&TopicPartition) -> f64, lag: f64) {
        let all: f64 = holds.iter().map(&weight).sum();
        for held in holds {
            let share = if all > 0.0 { weight(held) / all } else { 1.0 / holds.len() as f64 };
            self.partitions.insert(*held, lag * share);
        }
    }
}

/// What a pod of which nothing else is known can consume in this step.
fn usual(flows: &BTreeMap<Uid, PodFlow>) -> f64 {
    let mut at_limit: Vec<f64> =
        flows.values().filter(|flow| flow.at_limit).map(|flow| flow.consumed).collect();
    at_limit.sort_unstable_by(f64::total_cmp);
    let middle = at_limit.len().saturating_sub(1) / 2;
    let busiest = || flows.values().map(|flow| flow.consumed).fold(0.0, f64::max);
    at_limit.get(middle).copied().unwrap_or_else(busiest)
}

fn consumable(own: Option<&PodFlow>, usual: f64) -> f64 {
    match own {
        Some(own) if own.at_limit => own.consumed,
        Some(own) => own.consumed.max(usual),
        None => usual,
    }
}

fn is_as_it_was(pod: &PodQueue, model: &GroupModel, snapshot: &Snapshot) -> bool {
    let source = model.pods.iter().find(|member| {
        snapshot.pods.get(member.pod).is_some_and(|seen| Some(&seen.pod.uid) == pod.source.as_ref())
    });
    let Some(source) = source else { return false };
    let mut held: Vec<TopicPartition> = model.held(source).copied().collect();
    let mut holds = pod.holds.clone();
    held.sort_unstable();
    holds.sort_unstable();
    held == holds
}
