//! The vertical pod autoscaler of a workload.

use std::fmt;

use super::Pod;
use crate::unit::{Bytes, Cores};

/// A vertical pod autoscaler, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VerticalScaler {
    /// Its name.
    pub name: String,
    /// Its update mode lets it evict or resize pods that run.
    pub restarts_pods: bool,
    /// Between these the measured container's requests may stay; `None` without a recommendation.
    pub bounds: Option<Bounds>,
}

/// What an autoscaler recommends that requests lie between, each from least to most; `None` where it says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bounds {
    /// CPU.
    pub cpu: Option<(Cores, Cores)>,
    /// Memory.
    pub memory: Option<(Bytes, Bytes)>,
}

impl VerticalScaler {
    /// It is about to restart or resize this pod: a request of its container lies outside the bounds.
    #[must_use]
    pub fn is_due(&self, pod: &Pod) -> bool {
        let (Some(bounds), Some(requests)) = (self.bounds.filter(|_| self.restarts_pods), pod.container)
        else {
            return false;
        };
        let cpu = requests.cpu.zip(bounds.cpu).is_some_and(|(cpu, (low, high))| cpu < low || cpu > high);
        let memory = requests
            .memory
            .zip(bounds.memory)
            .is_some_and(|(memory, (low, high))| memory < low || memory > high);
        cpu || memory
    }
}

impl fmt::Display for VerticalScaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerticalPodAutoscaler {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::pod;

    #[test]
    fn a_pod_is_due_when_a_request_lies_outside_the_bounds_and_pods_are_restarted_for_that() {
        let cores = |cores| Cores::new(cores).unwrap();
        let due = |restarts_pods, low, high| {
            let bounds = Some(Bounds { cpu: Some((cores(low), cores(high))), memory: None });
            // It requests one core.
            VerticalScaler { name: "consumer".to_owned(), restarts_pods, bounds }.is_due(&pod("a"))
        };
        assert!(due(true, 1.5, 2.0) && due(true, 0.2, 0.5));
        assert!(!due(true, 0.5, 1.5) && !due(true, 1.0, 1.0) && !due(false, 1.5, 2.0));
    }
}
