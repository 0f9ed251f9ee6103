//! The consumer group behind a fleet: who holds which partition, what a partition costs, and which pods pay more for
//! the same work.
//!
//! Two causes of a hot pod are kept apart. *Partition-side*: its partitions carry more. *Pod-side*: the same
//! partitions cost more there, because of a slow node or a noisy neighbor. Only the first one moves with partitions.
//!
//! What Kafka itself tells of the group is used as it is. Without it, every serving pod is taken for one member that
//! subscribes to everything, and its id is not known.

use crate::assignor::{Rules, Topic, TopicPartition};
use crate::fleet::Indicator;
use crate::fleet::consumer_group::CoordinatorRelease;
use crate::history::{Imbalance, PodFactor, Replacements};
use crate::snapshot::Snapshot;
use crate::stats::Distribution;
use crate::unit::{Load, Ratio};

mod cost;
mod inference;
mod inferred;
mod pattern;
mod summary;
#[cfg(test)]
mod tests;
mod timing;
mod told;
mod unusable;

pub(crate) use cost::Cost;
pub use inference::Inference;
pub(crate) use inference::{dealing_order, infer};
pub use summary::GroupSummary;
pub use timing::{AssumedTiming, TimingBasis};
pub(crate) use timing::{ONE_REBALANCE, assumed, start_up};
pub(crate) use told::told_assignor as told_rule;
pub use unusable::Unusable;

/// The group, with all that is needed to work out what a removal does to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupModel {
    /// Topics, in the order in which the rule goes through them: by name, or by id.
    pub(crate) topics: Vec<Topic>,
    /// Load of each partition, by topic and number, in the unit of the query.
    pub(crate) loads: Vec<Vec<f64>>,
    /// All members, those outside of the fleet among them.
    pub(crate) members: Vec<Consumer>,
    /// Pods with at least one member, in the order of the snapshot.
    pub(crate) pods: Vec<MemberPod>,
    /// From partition load to pod load.
    pub(crate) cost: Cost,
    /// The assignor as Kafka tells it, and several where it has one name for them; `None` when Kafka was not asked.
    pub(crate) told: Option<Rules>,
    /// The coordinator's release, where that is known.
    pub(crate) coordinator: Option<CoordinatorRelease>,
    /// All pods with members became Ready together: none of them is known to have joined after others.
    pub(crate) joined_together: bool,
}

/// One member of the group.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Consumer {
    /// Its member id, where Kafka tells it.
    pub(crate) id: Option<String>,
    /// Its place in Kafka's list of members.
    pub(crate) listed: u32,
    /// What the id of its replacement begins with.
    pub(crate) client: String,
    /// `group.instance.id`.
    pub(crate) instance: Option<String>,
    /// Indices of its topics, ascending.
    pub(crate) subscription: Vec<u32>,
    /// What it holds, ascending.
    pub(crate) owned: Vec<TopicPartition>,
    /// Index of its pod in [`GroupModel::pods`]; `None` when it is none of the fleet's.
    pub(crate) pod: Option<usize>,
}

/// A pod that takes part in the group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MemberPod {
    /// Index of the pod in the snapshot.
    pub(crate) pod: usize,
    /// Indices of its members.
    pub(crate) members: Vec<usize>,
    /// How much more (above 1) the same work costs here than on a usual pod; 1 unless the pod stands out.
    pub(crate) factor: f64,
    /// The same of its replacement, as it is expected.
    pub(crate) replacement: f64,
}

/// How uneven what the pods carry is, in messages a second; `None` where Kafka does not tell the group, or it is not at
/// rest.
pub(crate) fn carried_now(snapshot: &Snapshot) -> Option<Imbalance> {
    let observed = snapshot.group.as_ref()?;
    let model = told::model(snapshot, observed).ok()?;
    let carried: Option<Vec<Load>> =
        model.carried_now().into_iter().map(|carried| Load::new(carried).ok()).collect();
    Imbalance::of(&Distribution::of(carried?)?)
}

/// What the same work costs on each pod with a load by this indicator that holds partitions; none where that can't be told.
pub(crate) fn factors(snapshot: &Snapshot, indicator: Indicator) -> Vec<PodFactor<'_>> {
    let Ok(model) = GroupModel::of(snapshot, indicator) else { return Vec::new() };
    let measured = |pod: &MemberPod| {
        let observed = snapshot.pods.get(pod.pod)?;
        observed.loads.get(indicator)?;
        model.held(pod).next()?;
        Some(PodFactor { pod: &observed.pod, factor: Ratio::new(pod.factor).ok()? })
    };
    model.pods.iter().filter_map(measured).collect()
}

impl GroupModel {
    /// Builds the model for the pods' loads by one indicator.
    ///
    /// # Errors
    /// Why it can't be built.
    pub(crate) fn of(snapshot: &Snapshot, indicator: Indicator) -> Result<Self, Unusable> {
        let mut model = Self::without_cost(snapshot)?;
        model.cost = cost::explain(&mut model, snapshot, indicator)?;
        Ok(model)
    }

    /// Expects of the replacements of slow pods what earlier ones brought.
    pub(crate) fn expect(&mut self, replacements: &Replacements, snapshot: &Snapshot) {
        for pod in self.pods.iter_mut().filter(|pod| pod.factor > 1.0) {
            let node = snapshot.pods.get(pod.pod).and_then(|observed| observed.pod.node.as_deref());
            pod.replacement = replacements.expected(node, pod.factor);
        }
    }

    /// Builds it without asking what a partition costs: a pod's load is what its partitions carry.
    ///
    /// # Errors
    /// Why it can't be built.
    pub(crate) fn without_cost(snapshot: &Snapshot) -> Result<Self, Unusable> {
        let model = match (&snapshot.group, &snapshot.group_error) {
            (Some(group), _) => told::model(snapshot, group)?,
            (None, Some(_)) => return Err(Unusable::NotRead),
            (None, None) => inferred::model(snapshot)?,
        };
        Ok(Self { cost: Cost { base: 0.0, slope: 1.0 }, ..model })
    }

    /// A replacement of this pod comes back as the same member, or another one waits until this one's session ends.
    pub(crate) fn is_static(&self, pod: &MemberPod) -> bool {
        pod.members
            .iter()
            .filter_map(|&member| self.members.get(member))
            .any(|member| member.instance.is_some())
    }

    /// How many partitions there are.
    pub(crate) fn partitions(&self) -> usize {
        self.loads.iter().map(Vec::len).sum()
    }

    /// Load of one partition, in the unit of the query.
    pub(crate) fn load(&self, partition: &TopicPartition) -> f64 {
        let topic = self.loads.get(partition.topic as usize);
        topic.and_then(|loads| loads.get(partition.partition as usize)).copied().unwrap_or(0.0)
    }

    /// What these partitions carry together, in the unit of the query.
    pub(crate) fn carried(&self, owned: &[TopicPartition]) -> f64 {
        owned.iter().map(|partition| self.load(partition)).sum()
    }

    /// What each pod holds now, by [`pods`](Self::pods).
    pub(crate) fn held(&self, pod: &MemberPod) -> impl Iterator<Item = &TopicPartition> {
        pod.members.iter().filter_map(|&member| self.members.get(member)).flat_map(|member| &member.owned)
    }

    /// What each pod carries now, in the unit of the query.
    pub(crate) fn carried_now(&self) -> Vec<f64> {
        let carried = |pod: &MemberPod| self.held(pod).map(|partition| self.load(partition)).sum();
        self.pods.iter().map(carried).collect()
    }

    /// Loads of all pods now, as the model explains them.
    pub(crate) fn loads_now(&self) -> Vec<f64> {
        let pods = self.pods.iter().zip(self.carried_now());
        pods.map(|(pod, carried)| self.cost.of(carried) * pod.factor).collect()
    }
}
