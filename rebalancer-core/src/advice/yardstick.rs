//! By what loads are judged: how even they are, and how many pods are above their limit.

use super::bounds::Found;
use crate::group::GroupModel;
use crate::policy::Policy;
use crate::report::{IndicatorReport, Limit};
use crate::snapshot::Snapshot;
use crate::stats::Distribution;
use crate::unit::Load;

/// Limits of the pods of a model.
pub(crate) struct Yardstick {
    /// For each pod of the model: above this it is hot. `None` where that follows from the mean.
    limits: Option<Vec<f64>>,
    /// The limit of a pod that is not there yet.
    usual: f64,
    /// How far above the mean a pod may be.
    tolerance: f64,
}

impl Yardstick {
    pub(super) fn of(
        snapshot: &Snapshot,
        model: &GroupModel,
        policy: &Policy,
        measured: &IndicatorReport,
    ) -> Self {
        let request = |pod: usize| snapshot.pods.get(pod).and_then(|observed| observed.cpu_request);
        let limits =
            || model.pods.iter().map(|pod| measured.limit.for_request(request(pod.pod)).get()).collect();
        Self {
            limits: match measured.limit {
                Limit::Target { .. } => Some(limits()),
                Limit::Variance { .. } => None,
            },
            usual: measured.limit.hot_above().get(),
            tolerance: policy.balance.tolerance.get(),
        }
    }

    /// Judges loads: of the model's pods in their order, then of others.
    pub(super) fn found(&self, loads: &[f64]) -> Found {
        self.found_of(loads.iter().copied().enumerate())
    }

    /// Judges loads, each with the place of its pod in the model.
    pub(super) fn found_of(&self, loads: impl Iterator<Item = (usize, f64)> + Clone) -> Found {
        let measured = Distribution::of(loads.clone().filter_map(|(_, load)| Load::new(load).ok()));
        let Some(measured) = measured else { return Found { cv: 0.0, max_to_mean: 1.0, above: 0 } };
        let limit = |place: usize| match &self.limits {
            Some(limits) => limits.get(place).copied().unwrap_or(self.usual),
            None => measured.mean * self.tolerance,
        };
        let above = loads.filter(|&(place, load)| load > limit(place)).count();
        Found { cv: measured.cv, max_to_mean: measured.max_to_mean, above }
    }
}
