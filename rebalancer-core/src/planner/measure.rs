//! What each indicator says of the fleet.

use super::candidates::Candidates;
use super::cpu_limit::{CpuLimit, cpu_limit};
use super::score::Scale;
use crate::fleet::Indicator;
use crate::report::{Hold, IndicatorReport, Limit};
use crate::snapshot::Loads;
use crate::stats::Distribution;
use crate::unit::{Load, Ratio};

/// What can be said of the fleet as a whole.
pub(super) struct Measurements {
    /// Every indicator that is usable: readable, and with enough samples.
    pub(super) indicators: Vec<IndicatorReport>,
    /// The hold for the first that has too few.
    pub(super) incomplete: Option<Hold>,
    /// How they rank pods together, if there are several.
    scale: Option<Scale>,
}

impl Measurements {
    /// The first that says that the fleet is out of balance.
    pub(super) fn raised(&self) -> Option<&IndicatorReport> {
        self.indicators.iter().find(|report| report.out_of_balance)
    }

    /// How loaded a pod is by several indicators; `None` when there is one, or none of them is known of the pod.
    pub(super) fn score(&self, loads: &Loads) -> Option<Ratio> {
        self.scale.as_ref()?.score(loads)
    }
}

impl Candidates<'_> {
    /// Measures the fleet, when there is something to decide about; or why that means nothing.
    pub(super) fn measure(&self) -> Result<Measurements, Hold> {
        self.nothing_to_decide().map_or_else(|| self.see(), Err)
    }

    /// Measures the fleet, whatever rules it; or why that means nothing.
    pub(super) fn see(&self) -> Result<Measurements, Hold> {
        let (indicators, incomplete) = self.measure_all(self.cpu_limit()?);
        let scale = Scale::of(&indicators);
        Ok(Measurements { indicators, incomplete, scale })
    }

    fn cpu_limit(&self) -> Result<CpuLimit, Hold> {
        let requests = self.pods.eligible.iter().map(|pod| pod.cpu_request);
        if self.snapshot.readable.contains(&Indicator::Cpu) {
            cpu_limit(&self.snapshot.target, self.policy, requests)
        } else {
            Ok(CpuLimit::Variance)
        }
    }

    /// Every readable indicator with enough samples, and the first hold of one that has too few.
    fn measure_all(&self, cpu: CpuLimit) -> (Vec<IndicatorReport>, Option<Hold>) {
        let mut reports = Vec::new();
        let mut hold = None;
        for &indicator in &self.snapshot.readable {
            match self.measure_one(indicator, cpu) {
                Ok(report) => reports.push(report),
                Err(incomplete) => {
                    hold.get_or_insert(incomplete);
                }
            }
        }
        (reports, hold)
    }

    fn measure_one(&self, indicator: Indicator, cpu: CpuLimit) -> Result<IndicatorReport, Hold> {
        let loads = || self.pods.eligible.iter().filter_map(|pod| pod.loads.get(indicator));
        let (sampled, eligible) = (loads().count(), self.pods.eligible.len());
        let required = self.policy.balance.minimum_coverage;
        let incomplete = Hold::MetricsIncomplete { indicator, sampled, eligible, required };
        if (sampled as f64) < required.get() * eligible as f64 {
            return Err(incomplete);
        }
        let distribution = Distribution::of(loads()).ok_or(incomplete)?;
        let limit = match (indicator, cpu) {
            (Indicator::Cpu, CpuLimit::Target(limit)) => limit,
            _ => self.variance_limit(indicator, distribution.mean),
        };
        let out_of_balance = match limit {
            Limit::Target { .. } => {
                self.pods.eligible.iter().any(|pod| pod.exceeds(&limit, pod.loads.get(indicator)))
            }
            Limit::Variance { threshold, .. } => distribution.cv > threshold.get(),
        };
        let weight = self.policy.selection.weights.of(indicator);
        Ok(IndicatorReport { indicator, distribution, limit, out_of_balance, weight })
    }

    pub(super) fn variance_limit(&self, indicator: Indicator, mean: f64) -> Limit {
        let hot_above = Load::new(mean * self.policy.balance.tolerance.get());
        Limit::Variance {
            threshold: self.policy.variance_threshold(indicator),
            // A mean so large that the product overflows has no pod above it.
            hot_above: hot_above.unwrap_or(Load::MAX),
        }
    }
}
