//! A snapshot of data in memory.

use jiff::Timestamp;

use super::{ObserveError, Past, Snapshot, Surroundings};
use crate::fleet::{Hpa, Indicator, PartitionLoad, Pod, Samples, Workload};
use crate::port::Readings;
use crate::unit::Load;

/// Puts a [`Snapshot`] together from data in memory. What is not given is not known.
#[derive(Debug, Clone)]
#[must_use]
pub struct SnapshotBuilder {
    workload: Workload,
    taken_at: Timestamp,
    pods: Vec<Pod>,
    readings: Readings,
    hpas: Vec<Hpa>,
    surroundings: Surroundings,
    past: Option<Past>,
}

impl Snapshot {
    /// Begins a snapshot of the fleet of this workload at this time.
    pub fn builder(
        namespace: impl Into<String>,
        workload: impl Into<String>,
        taken_at: Timestamp,
    ) -> SnapshotBuilder {
        SnapshotBuilder {
            workload: Workload { namespace: namespace.into(), name: workload.into() },
            taken_at,
            pods: Vec::new(),
            readings: Readings::none(),
            hpas: Vec::new(),
            surroundings: Surroundings::default(),
            past: None,
        }
    }
}

impl SnapshotBuilder {
    /// Adds a pod, with its loads by indicator, in each indicator's unit. A pod without a namespace is in the workload's.
    pub fn pod(mut self, mut pod: Pod, loads: impl IntoIterator<Item = (Indicator, Load)>) -> Self {
        if pod.namespace.is_empty() {
            pod.namespace = self.workload.namespace.as_str().into();
        }
        for (indicator, load) in loads {
            let samples = self.readings.loads.entry(indicator).or_insert_with(|| Ok(Samples::new()));
            if let Ok(samples) = samples {
                samples.insert(pod.name.clone(), load);
            }
        }
        self.pods.push(pod);
        self
    }

    /// Adds an autoscaler of the namespace.
    pub fn hpa(mut self, hpa: Hpa) -> Self {
        self.hpas.push(hpa);
        self
    }

    /// Sets the load and the owner of every partition of the group.
    pub fn partitions(mut self, partitions: Vec<PartitionLoad>) -> Self {
        self.readings.partitions = Some(Ok(partitions));
        self
    }

    /// Sets what goes on around the fleet.
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// Sets what this indicator was one, two, ... steps ago, by pod name: what a policy needs that asks for several
    /// readings.
    pub fn past(mut self, indicator: Indicator, windows: Vec<Samples>) -> Self {
        self.past = Some(Past { indicator, windows: Ok(windows) });
        self
    }

    /// The snapshot.
    ///
    /// # Errors
    /// [`ObserveError::NoIndicator`] when no pod has a load.
    pub fn build(self) -> Result<Snapshot, ObserveError> {
        let Self { workload, taken_at, pods, readings, hpas, surroundings, past } = self;
        let mut snapshot = Snapshot::assemble(workload, taken_at, pods, Ok(hpas), "", readings)?;
        snapshot.surround(surroundings);
        snapshot.past = past;
        Ok(snapshot)
    }
}
