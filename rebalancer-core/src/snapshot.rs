//! Joins what Kubernetes lists now with what the metric system measured, into one snapshot in a fixed order.

use jiff::Timestamp;

use crate::fleet::{
    Activity, Controller, DisruptionBudget, ExecutorState, Hpa, Indicator, LeavingNode, Ownership,
    PartitionLoad, Pod, Samples, Scaling, ScalingMetric, Target, Text, UnreadNeighbor, VerticalScaler,
    Watched, Workload,
};
use crate::port::{ExecutorUnread, GroupError, InventoryError, MetricsError, PastReading, Readings};
use crate::unit::{Cores, Load};

mod autoscaler;
mod builder;
#[cfg(feature = "serde")]
mod codec;
mod group;
mod loads;
mod membership;
mod offsets;
mod outlook;
mod pods;
mod whose;

pub use builder::SnapshotBuilder;
pub use group::{GroupQuestion, ObservedGroup};
pub use loads::Loads;
pub use membership::{MatchedBy, Placement, placements};
pub use offsets::ProducedRates;
pub use outlook::{ExpectedLoads, ForecastBy, ForecastTrials, NotForecast, Outlook};
pub use pods::Pods;

/// A pod with what was measured of it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ObservedPod {
    /// The pod as Kubernetes lists it.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub pod: Pod,
    /// It is one of the workload's own; the label selector may match others too.
    pub own: bool,
    /// The CPU request that the autoscaler's target is a share of, by its own rule: see [`Snapshot::assemble`].
    pub cpu_request: Option<Cores>,
    /// Its load by each indicator, in the order of [`Indicator::ALL`]; `None` is missing, never zero.
    pub loads: Loads,
    /// Partitions that it holds; `None` when partitions are not known.
    pub partitions: Option<usize>,
}

/// The fleet at one time.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// Whose fleet.
    pub workload: Workload,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Every pod that Kubernetes lists, by name and then UID.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "codec::pods"))]
    pub pods: Pods,
    /// The CPU target.
    pub target: Target,
    /// Indicators that could be read, in the order of [`Indicator::ALL`].
    #[cfg_attr(feature = "serde", serde(deserialize_with = "codec::readable"))]
    pub readable: Vec<Indicator>,
    /// Enabled indicators that could not be read.
    pub degraded: Vec<Degraded>,
    /// Pods that only the metric system knows: they are gone, and are left out.
    pub unlisted: Vec<String>,
    /// Load and owner of each partition, by topic, number and pod; `None` when they are not asked for or could not
    /// be read.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "codec::partitions"))]
    pub partitions: Option<Vec<PartitionLoad>>,
    /// Why partitions are not known although they were asked for.
    pub partitions_error: Option<MetricsError>,
    /// Why CPU requests that only the metric system could tell are not known.
    pub requests_error: Option<MetricsError>,
    /// What goes on around the fleet.
    pub surroundings: Surroundings,
    /// Earlier readings of the indicator that raised an imbalance; `None` when they were not asked for.
    pub past: Option<Past>,
    /// What is expected of the indicator that raised an imbalance; `None` when it was not asked for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub outlook: Option<Outlook>,
    /// The consumer group as Kafka tells it; `None` when it was not asked, or did not tell.
    #[cfg_attr(feature = "serde", serde(default))]
    pub group: Option<ObservedGroup>,
    /// Why Kafka did not tell although it was asked.
    #[cfg_attr(feature = "serde", serde(default))]
    pub group_error: Option<GroupError>,
}

/// What was read of the fleet's surroundings.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Surroundings {
    /// The workload's own object; `None` when it could not be read. Then the pods alone tell what goes on.
    pub controller: Option<Controller>,
    /// Who owns the pods.
    pub ownership: Ownership,
    /// What the autoscaler is doing; `None` without one, or when only the metric system knows it.
    pub scaling: Option<Scaling>,
    /// What the autoscaler scales by, in its own order; empty without one, or when only the metric system knows it.
    pub scales_by: Vec<ScalingMetric>,
    /// Every disruption budget of the namespace; empty when budgets don't matter to the way in which pods are removed.
    pub budgets: Vec<DisruptionBudget>,
    /// How pods, autoscalers and budgets are known, where watches keep them; `None` where they were asked for.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub watched: Option<Watched>,
    /// Nodes of the fleet that are about to lose their pods; empty when the nodes were not asked for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub leaving_nodes: Vec<LeavingNode>,
    /// What neighbors that were asked for do with the fleet.
    #[cfg_attr(feature = "serde", serde(default))]
    pub at_work: Vec<Activity>,
    /// The vertical pod autoscaler of the workload; `None` without one, or when it was not asked for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub vertical: Option<VerticalScaler>,
    /// Neighbors that were asked for, and did not tell.
    #[cfg_attr(feature = "serde", serde(default))]
    pub unread_neighbors: Vec<UnreadNeighbor>,
    /// What Cruise Control executes, or why that is not known; `None` where it is not asked.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cruise_control: Option<Result<ExecutorState, ExecutorUnread>>,
}

impl Surroundings {
    /// The node is about to lose its pods, or may be.
    #[must_use]
    pub fn is_leaving(&self, node: Option<&Text>) -> bool {
        !self.leaving_nodes.is_empty() && self.leaving_nodes.iter().any(|leaving| Some(&leaving.name) == node)
    }
}

/// An enabled indicator that could not be read.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Degraded {
    /// Which one.
    pub indicator: Indicator,
    /// Why.
    pub error: MetricsError,
}

/// Earlier readings of one indicator.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Past {
    /// Which one.
    pub indicator: Indicator,
    /// What it was one, two, ... steps ago, by pod name; or why that is not known.
    pub windows: Result<Vec<Samples>, MetricsError>,
}

/// Why there is no snapshot to decide on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObserveError {
    /// Pods could not be listed.
    #[error("the pods could not be listed: {0}")]
    Pods(InventoryError),
    /// Whether a rollout or a scaling is in progress can't be known.
    #[error("it can't be known whether a rollout is in progress: {0}")]
    Controller(InventoryError),
    /// Disruption budgets could not be listed.
    #[error("the disruption budgets could not be listed: {0}")]
    Budgets(InventoryError),
    /// No enabled indicator could be read; the first error stands for all.
    #[error("no load indicator could be read; {indicator}: {error}")]
    Metrics {
        /// The first enabled indicator.
        indicator: Indicator,
        /// Its error.
        error: MetricsError,
    },
    /// No indicator is enabled.
    #[error("no load indicator is enabled")]
    NoIndicator,
    /// Whether there is an autoscaler can't be known: the API does not give it, and the metric system has none.
    #[error(
        "it can't be known whether an autoscaler scales this workload: {api}; \
         kube-state-metrics does not help: {metrics}"
    )]
    Target {
        /// Why the API did not give it.
        api: InventoryError,
        /// What the metric system said.
        metrics: String,
    },
}

impl Snapshot {
    /// Joins the parts. The order of the input does not matter.
    ///
    /// `hpas` are all autoscalers of the namespace; `hpa_prefix` may be empty. An autoscaler is the
    /// workload's when its name is the workload's, with or without the prefix, or when it says that it scales it.
    ///
    /// A pod's CPU request is what the autoscaler divides by, as `calculateRequests` of Kubernetes 1.36 does
    /// (`pkg/controller/podautoscaler/replica_calculator.go`): of a target for one container, that container's; of a
    /// target for whole pods, the pod's own where `spec.resources.requests` sets it, with the pod's overhead. Where it
    /// doesn't, the autoscaler adds up all containers, native sidecars included; here the measured container stands for
    /// its part of that, since its load is what is compared. In both cases the specification counts, which an in-place
    /// resize changes at once, and not what the node has allocated so far. What the API does not give comes from the
    /// metric system.
    ///
    /// # Errors
    /// When no enabled indicator was readable, or when it can't be known whether there is an autoscaler.
    pub fn assemble(
        workload: Workload,
        taken_at: Timestamp,
        pods: Vec<Pod>,
        hpas: Result<Vec<Hpa>, InventoryError>,
        hpa_prefix: &str,
        readings: Readings,
    ) -> Result<Self, ObserveError> {
        let autoscaler::Resolved { target, of_container, surroundings } =
            autoscaler::resolve(&workload.name, hpa_prefix, hpas, readings.hpas)?;
        // Kube-state-metrics only fills gaps here, so that it is missing is no error.
        let (requests, requests_error) = match readings.cpu_requests {
            Ok(requests) => (requests, None),
            Err(error) => (Samples::new(), Some(error)),
        };
        let mut pods = observed(pods, &requests, &workload.name, of_container);
        let asked = |pod: &ObservedPod| pod.own && pod.cpu_request.is_none();
        let requests_error = requests_error.filter(|_| pods.iter().any(asked));
        let (mut readable, mut degraded, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
        let mut claims = readings.claims;
        for (indicator, reading) in readings.loads {
            let claims = claims.remove(&indicator).unwrap_or_default();
            match reading.and_then(|samples| whose::own(samples, &claims, indicator, &pods, taken_at)) {
                Ok(samples) => {
                    readable.push(indicator);
                    join(&mut pods, &mut unlisted, &samples, |pod, load| {
                        pod.loads.set(indicator, load);
                    });
                }
                Err(error) => degraded.push(Degraded { indicator, error }),
            }
        }
        // Whose series they are is for people to say: that is decided on, and no failure of the metric system.
        if readable.is_empty() && !degraded.iter().any(|degraded| degraded.error.is_ambiguous()) {
            return Err(degraded.into_iter().next().map_or(ObserveError::NoIndicator, |first| {
                ObserveError::Metrics { indicator: first.indicator, error: first.error }
            }));
        }
        unlisted.sort_unstable();
        unlisted.dedup();
        let (partitions, partitions_error) = match readings.partitions.transpose() {
            Ok(partitions) => (partitions.map(ordered), None),
            Err(error) => (None, Some(error)),
        };
        if let Some(partitions) = &partitions {
            count_partitions(&mut pods, partitions);
        }
        Ok(Self {
            workload,
            taken_at,
            pods: pods.into(),
            target,
            readable,
            degraded,
            unlisted,
            partitions,
            partitions_error,
            requests_error,
            surroundings,
            past: None,
            outlook: None,
            group: None,
            group_error: None,
        })
    }

    /// The first of what was asked for that came with series of several sources.
    pub(crate) fn ambiguous(&self) -> Option<(&'static str, &MetricsError)> {
        let loads = self.degraded.iter().map(|degraded| (degraded.indicator.name(), &degraded.error));
        let partitions = self.partitions_error.iter().map(|error| ("partition_load", error));
        let requests = self.requests_error.iter().map(|error| ("cpu_requests", error));
        loads.chain(partitions).chain(requests).find(|(_, error)| error.is_ambiguous())
    }

    /// Earlier samples of an indicator, as they are those of the pods that are listed now.
    ///
    /// # Errors
    /// When it can't be told whose they are.
    pub(crate) fn own_past(
        &self,
        indicator: Indicator,
        windows: Vec<PastReading>,
    ) -> Result<Vec<Samples>, MetricsError> {
        let own = |PastReading { samples, claims }| whose::own_past(samples, &claims, indicator, &self.pods);
        windows.into_iter().map(own).collect()
    }

    /// Puts the fleet's surroundings in, and tells by them which pods are the workload's own. What the autoscaler is doing,
    /// and what it scales by, is known already.
    pub fn surround(&mut self, surroundings: Surroundings) {
        for pod in &mut self.pods {
            pod.own = surroundings.ownership.belongs(&pod.pod, &self.workload.name);
        }
        let scaling = surroundings.scaling.or(self.surroundings.scaling);
        let scales_by = std::mem::take(&mut self.surroundings.scales_by);
        self.surroundings = Surroundings { scaling, scales_by, ..surroundings };
    }
}

/// So many pods are taken from the list before what they leave is given back.
const AT_ONCE: usize = 4_096;

/// Pods in order, each UID once, with its CPU request. The list becomes shorter as its pods are taken: both as a whole at
/// the same time would be the most that a cycle needs.
fn observed(mut pods: Vec<Pod>, requests: &Samples, workload: &str, of_container: bool) -> Vec<ObservedPod> {
    let nothing_read = Ownership::default();
    pods.sort_unstable_by(|a, b| (&b.name, &b.uid).cmp(&(&a.name, &a.uid)));
    pods.dedup_by(|a, b| a.uid == b.uid && a.name == b.name);
    let mut all = Vec::with_capacity(pods.len());
    while let Some(pod) = pods.pop() {
        if pods.len().is_multiple_of(AT_ONCE) {
            pods.shrink_to_fit();
        }
        let measured = || requests.get(&pod.name).and_then(|load| Cores::new(load.get()).ok());
        let whole = pod.extras.whole.cpu.filter(|_| !of_container && pod.container.is_some());
        let own = || pod.container.and_then(|requests| requests.cpu);
        let cpu_request = whole.or_else(own).or_else(measured);
        let own = nothing_read.belongs(&pod, workload);
        all.push(ObservedPod { pod, own, cpu_request, loads: Loads::default(), partitions: None });
    }
    all
}

/// Walks pods and samples together, both sorted by name. Two pods with one name (one going, one coming) both stay
/// without a sample: it can't be known whose it is.
fn join(
    pods: &mut [ObservedPod],
    unlisted: &mut Vec<String>,
    samples: &Samples,
    mut set: impl FnMut(&mut ObservedPod, Load),
) {
    let mut groups = pods.chunk_by_mut(|a, b| a.pod.name == b.pod.name).peekable();
    for (name, load) in samples {
        while groups.peek().is_some_and(|group| group.first().is_some_and(|first| first.pod.name < *name)) {
            groups.next();
        }
        match groups.peek_mut() {
            Some([only]) if only.pod.name == *name => set(only, *load),
            Some([first, ..]) if first.pod.name == *name => {}
            Some(_) | None => unlisted.push(name.clone()),
        }
    }
}

fn ordered(mut partitions: Vec<PartitionLoad>) -> Vec<PartitionLoad> {
    partitions.sort_unstable_by(|a, b| {
        (&a.topic, &a.partition, &a.pod)
            .cmp(&(&b.topic, &b.partition, &b.pod))
            .then(a.load.total_cmp(&b.load))
    });
    partitions
}

fn count_partitions(pods: &mut [ObservedPod], partitions: &[PartitionLoad]) {
    let mut counts = std::collections::BTreeMap::new();
    for pod in partitions.iter().filter_map(|partition| partition.pod.as_deref()) {
        *counts.entry(pod).or_insert(0_usize) += 1;
    }
    for pod in pods {
        pod.partitions = Some(counts.get(pod.pod.name.as_str()).copied().unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
