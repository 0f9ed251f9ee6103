//! Joins what Kubernetes lists now with what the metric system measured, into one snapshot in a fixed order.

use jiff::Timestamp;

use crate::fleet::belongs;
use crate::fleet::{
    Controller, DisruptionBudget, Hpa, Indicator, PartitionLoad, Pod, Samples, Scaling, ScalingMetric,
    Target, Workload,
};
use crate::port::{InventoryError, MetricsError, Readings};
use crate::unit::{Cores, Load};

mod autoscaler;
mod builder;

pub use builder::SnapshotBuilder;

/// A pod with what was measured of it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ObservedPod {
    /// The pod as Kubernetes lists it.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub pod: Pod,
    /// It is one of the workload's own; the label selector may match others too.
    pub own: bool,
    /// Its CPU request: from its own specification, or else from the metric system.
    pub cpu_request: Option<Cores>,
    /// Its load by each indicator, in the order of [`Indicator::ALL`]; `None` is missing, never zero.
    pub loads: Loads,
    /// Partitions that it holds; `None` when partitions are not known.
    pub partitions: Option<usize>,
}

/// Loads of one pod by indicator.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Loads {
    cpu: Option<Load>,
    memory: Option<Load>,
    lag: Option<Load>,
    consumption_rate: Option<Load>,
    production_rate: Option<Load>,
}

impl Loads {
    /// The load by one indicator.
    #[must_use]
    pub const fn get(&self, indicator: Indicator) -> Option<Load> {
        match indicator {
            Indicator::Cpu => self.cpu,
            Indicator::Memory => self.memory,
            Indicator::Lag => self.lag,
            Indicator::ConsumptionRate => self.consumption_rate,
            Indicator::ProductionRate => self.production_rate,
        }
    }

    const fn slot(&mut self, indicator: Indicator) -> &mut Option<Load> {
        match indicator {
            Indicator::Cpu => &mut self.cpu,
            Indicator::Memory => &mut self.memory,
            Indicator::Lag => &mut self.lag,
            Indicator::ConsumptionRate => &mut self.consumption_rate,
            Indicator::ProductionRate => &mut self.production_rate,
        }
    }
}

/// The fleet at one time.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Snapshot {
    /// Whose fleet.
    pub workload: Workload,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Every pod that Kubernetes lists, by name and then UID.
    pub pods: Vec<ObservedPod>,
    /// The CPU target.
    pub target: Target,
    /// Indicators that could be read, in the order of [`Indicator::ALL`].
    pub readable: Vec<Indicator>,
    /// Enabled indicators that could not be read.
    pub degraded: Vec<Degraded>,
    /// Pods that only the metric system knows: they are gone, and are left out.
    pub unlisted: Vec<String>,
    /// Load and owner of each partition, by topic, number and pod; `None` when they are not asked for or could not
    /// be read.
    pub partitions: Option<Vec<PartitionLoad>>,
    /// Why partitions are not known although they were asked for.
    pub partitions_error: Option<MetricsError>,
    /// What goes on around the fleet.
    pub surroundings: Surroundings,
    /// Earlier readings of the indicator that raised an imbalance; `None` when they were not asked for.
    pub past: Option<Past>,
}

/// What was read of the fleet's surroundings.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Surroundings {
    /// The workload's own object; `None` when it is of a kind that is not read (neither a Deployment nor a
    /// StatefulSet). Then the pods alone tell what goes on.
    pub controller: Option<Controller>,
    /// What the autoscaler is doing; `None` without one, or when only the metric system knows it.
    pub scaling: Option<Scaling>,
    /// What the autoscaler scales by, in its own order; empty without one, or when only the metric system knows it.
    pub scales_by: Vec<ScalingMetric>,
    /// Every disruption budget of the namespace; empty when budgets don't matter to the way in which pods are removed.
    pub budgets: Vec<DisruptionBudget>,
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

/// Earlier readings of one indicator.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
        let (target, surroundings) = autoscaler::resolve(&workload.name, hpa_prefix, hpas, readings.hpas)?;
        // Kube-state-metrics only fills gaps here, so that it is missing is no error.
        let requests = readings.cpu_requests.unwrap_or_default();
        let mut pods = observed(pods, &requests, &workload.name);
        let (mut readable, mut degraded, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
        for (indicator, reading) in readings.loads {
            match reading {
                Ok(samples) => {
                    readable.push(indicator);
                    join(&mut pods, &mut unlisted, &samples, |pod, load| {
                        *pod.loads.slot(indicator) = Some(load);
                    });
                }
                Err(error) => degraded.push(Degraded { indicator, error }),
            }
        }
        if readable.is_empty() {
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
            pods,
            target,
            readable,
            degraded,
            unlisted,
            partitions,
            partitions_error,
            surroundings,
            past: None,
        })
    }

    /// Puts the fleet's surroundings in. What the autoscaler is doing, and what it scales by, is known already.
    pub fn surround(&mut self, surroundings: Surroundings) {
        let scaling = surroundings.scaling.or(self.surroundings.scaling);
        let scales_by = std::mem::take(&mut self.surroundings.scales_by);
        self.surroundings = Surroundings { scaling, scales_by, ..surroundings };
    }
}

/// Pods in order, each UID once, with its CPU request.
fn observed(mut pods: Vec<Pod>, requests: &Samples, workload: &str) -> Vec<ObservedPod> {
    pods.sort_unstable_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
    pods.dedup_by(|a, b| a.uid == b.uid && a.name == b.name);
    pods.into_iter()
        .map(|pod| {
            let measured = || requests.get(&pod.name).and_then(|load| Cores::new(load.get()).ok());
            let own = pod.container.and_then(|requests| requests.cpu);
            let cpu_request = own.or_else(measured);
            ObservedPod {
                own: belongs(&pod, workload),
                pod,
                cpu_request,
                loads: Loads::default(),
                partitions: None,
            }
        })
        .collect()
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
    for partition in partitions {
        *counts.entry(partition.pod.as_str()).or_insert(0_usize) += 1;
    }
    for pod in pods {
        pod.partitions = Some(counts.get(pod.pod.name.as_str()).copied().unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, pod, readings, workload};
    use crate::fleet::Uid;

    fn assemble(pods: Vec<Pod>, readings: Readings) -> Snapshot {
        Snapshot::assemble(workload(), NOW, pods, Ok(Vec::new()), "", readings).unwrap()
    }

    fn cpu_of(snapshot: &Snapshot) -> Vec<(&str, Option<f64>)> {
        snapshot
            .pods
            .iter()
            .map(|pod| (pod.pod.name.as_str(), pod.loads.get(Indicator::Cpu).map(Load::get)))
            .collect()
    }

    #[test]
    fn a_pod_without_a_sample_is_missing_and_a_sample_without_a_pod_is_ignored() {
        let snapshot = assemble(
            vec![pod("c"), pod("a"), pod("b")],
            readings(&[("a", 1.0), ("b0", 9.0), ("c", 3.0), ("z", 9.0)]),
        );
        assert_eq!(cpu_of(&snapshot), [("a", Some(1.0)), ("b", None), ("c", Some(3.0))]);
        assert_eq!(snapshot.unlisted, ["b0", "z"]);
    }

    #[test]
    fn a_sample_is_nobodys_when_two_pods_have_the_name() {
        let mut twin = pod("a");
        twin.uid = Uid::new("another");
        let snapshot = assemble(vec![pod("a"), twin, pod("b")], readings(&[("a", 1.0), ("b", 2.0)]));
        assert_eq!(cpu_of(&snapshot), [("a", None), ("a", None), ("b", Some(2.0))]);
        assert!(snapshot.unlisted.is_empty());
    }

    #[test]
    fn the_pods_own_request_comes_before_the_measured_one() {
        let mut bare = pod("b");
        bare.container = Some(crate::fleet::Requests::default());
        let mut readings = readings(&[("a", 1.0)]);
        readings.cpu_requests = Ok(crate::fixture::samples(&[("a", 7.0), ("b", 2.0)]));
        let snapshot = assemble(vec![pod("a"), bare], readings);
        let requests: Vec<_> = snapshot.pods.iter().map(|pod| pod.cpu_request.map(Cores::get)).collect();
        assert_eq!(requests, [Some(1.0), Some(2.0)]);
    }

    #[test]
    fn an_indicator_that_fails_is_dropped_and_named_and_without_any_there_is_no_snapshot() {
        let error = MetricsError::Unavailable { message: "down".to_owned() };
        let mut some = readings(&[("a", 1.0)]);
        some.loads.insert(Indicator::Lag, Err(error.clone()));
        let snapshot = assemble(vec![pod("a")], some);
        assert_eq!(snapshot.readable, [Indicator::Cpu]);
        assert_eq!(snapshot.degraded, [Degraded { indicator: Indicator::Lag, error: error.clone() }]);

        let mut none = readings(&[]);
        none.loads.insert(Indicator::Cpu, Err(error.clone()));
        assert_eq!(
            Snapshot::assemble(workload(), NOW, vec![pod("a")], Ok(Vec::new()), "", none),
            Err(ObserveError::Metrics { indicator: Indicator::Cpu, error })
        );
    }
}
