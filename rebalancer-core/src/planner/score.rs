//! How loaded a pod is by several indicators together.

use crate::fleet::Indicator;
use crate::report::IndicatorReport;
use crate::snapshot::Loads;
use crate::unit::Ratio;

/// What loads are divided by and how much each counts, where several indicators are usable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    indicator: Indicator,
    /// In shares of the largest, so that no sum is too large for a number.
    weight: f64,
    mean: f64,
}

impl Scale {
    /// `None` when there is nothing to weigh: one indicator ranks pods by itself.
    ///
    /// A mean of 0 says nothing about any pod, and has no term.
    pub(super) fn of(usable: &[IndicatorReport]) -> Option<Self> {
        if usable.len() < 2 {
            return None;
        }
        let largest = usable.iter().map(|report| report.weight.get()).fold(0.0, f64::max);
        let terms = usable.iter().map(|report| Term {
            indicator: report.indicator,
            weight: report.weight.get() / largest,
            mean: report.distribution.mean,
        });
        Some(Self { terms: terms.filter(|term| term.weight > 0.0 && term.mean > 0.0).collect() })
    }

    /// `sum(weight * load / mean) / sum(weight)` over the indicators that the pod has a sample of: 1 is as loaded as the
    /// mean pod. `None` when it has none of any weight: missing is never zero.
    pub(super) fn score(&self, loads: &Loads) -> Option<Ratio> {
        let (mut sum, mut weights) = (0.0, 0.0);
        for Term { indicator, weight, mean } in &self.terms {
            if let Some(load) = loads.get(*indicator) {
                sum += weight * load.get() / mean;
                weights += weight;
            }
        }
        (weights > 0.0).then(|| Ratio::new(sum / weights).ok()).flatten()
    }
}
