//! What an indicator is compared with.

use std::fmt;

use crate::fleet::Indicator;
use crate::unit::{Cores, Load, Ratio};

/// What an indicator is compared with to tell whether the fleet is out of balance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Limit {
    /// The autoscaler's target times the tolerance: one pod above it is an imbalance.
    Target {
        /// The target for one pod; where it depends on the CPU request, for a pod with the mean request.
        target: Cores,
        /// Loads of such a pod above this are hot.
        hot_above: Load,
        /// How the target follows from each pod's own CPU request; `None` when it is the same for every pod.
        by_request: Option<ByRequest>,
    },
    /// The coefficient of variation: an imbalance when it is above the threshold.
    Variance {
        /// The threshold.
        threshold: Ratio,
        /// Loads above this (mean times tolerance) are hot.
        hot_above: Load,
    },
}

/// A target in proportion to each pod's own CPU request.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ByRequest {
    /// Mean CPU request of the eligible pods.
    pub mean_request: Cores,
    /// Target of the pod with the smallest request.
    pub lowest_target: Cores,
    /// Target of the pod with the largest request; the same as the lowest when all request the same.
    pub highest_target: Cores,
}

impl Limit {
    /// Loads of a usual pod above this are hot: of any, unless the target depends on the CPU request, then of one with
    /// the mean request.
    #[must_use]
    pub const fn hot_above(&self) -> Load {
        match self {
            Self::Target { hot_above, .. } | Self::Variance { hot_above, .. } => *hot_above,
        }
    }

    /// Loads of a pod with this CPU request above this are hot.
    #[must_use]
    pub fn for_request(&self, cpu_request: Option<Cores>) -> Load {
        match (self, cpu_request) {
            (Self::Target { hot_above, by_request: Some(by_request), .. }, Some(request)) => {
                // Exactly the usual pod's limit where all request the same.
                let share = request.get() / by_request.mean_request.get();
                Load::new(hot_above.get() * share).unwrap_or(Load::MAX)
            }
            (Self::Target { hot_above, .. } | Self::Variance { hot_above, .. }, _) => *hot_above,
        }
    }
}

impl Limit {
    /// The same as [`Display`](fmt::Display) shows, in the unit of this indicator.
    #[must_use]
    pub fn by(&self, indicator: Indicator) -> String {
        match self {
            Self::Variance { threshold, hot_above } => {
                format!("CV threshold {threshold}, hot above {}", indicator.shown(*hot_above))
            }
            Self::Target { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target, hot_above, by_request: Some(by) }
                if by.lowest_target < by.highest_target =>
            {
                let (lowest, highest) = (by.lowest_target.get(), by.highest_target.get());
                let tolerance = hot_above.get() / target.get();
                write!(
                    f,
                    "target {lowest:.3} to {highest:.3} cores a pod by its CPU request, hot above {:.3} to {:.3}",
                    lowest * tolerance,
                    highest * tolerance
                )
            }
            Self::Target { target, hot_above, .. } => {
                write!(f, "target {target} a pod, hot above {hot_above}")
            }
            Self::Variance { threshold, hot_above } => {
                write!(f, "CV threshold {threshold}, hot above {hot_above}")
            }
        }
    }
}
