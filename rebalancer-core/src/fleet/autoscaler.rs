//! Horizontal pod autoscalers: what they aim at, and what they are doing.

use std::fmt;

use jiff::Timestamp;

use super::ScalingMetric;
use crate::unit::Cores;

/// A horizontal pod autoscaler's CPU target.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CpuTarget {
    /// Percent of the CPU request; may be above 100.
    Utilization(f64),
    /// An average for each pod.
    AverageValue(Cores),
}

impl fmt::Display for CpuTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utilization(percent) => write!(f, "{percent} % of the CPU request"),
            Self::AverageValue(cores) => write!(f, "{cores} a pod"),
        }
    }
}

/// A horizontal pod autoscaler, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hpa {
    /// Its name.
    pub name: String,
    /// The name of the workload that it scales, when known.
    pub scales: Option<String>,
    /// Of which kind that is, such as `Deployment`, when known.
    pub scales_kind: Option<String>,
    /// Its CPU target; `None` when it scales by something else.
    pub cpu: Option<CpuTarget>,
    /// The CPU target is that of the measured container alone, not of whole pods.
    pub of_container: bool,
    /// What it is doing; `None` when only the metric system knows it.
    pub scaling: Option<Scaling>,
    /// All that it scales by, in its own order; empty when only the metric system knows it.
    pub scales_by: Vec<ScalingMetric>,
}

/// What is known of the CPU target of this workload.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Target {
    /// One autoscaler, with a CPU target.
    Known {
        /// The autoscaler's name.
        hpa: String,
        /// Its target.
        target: CpuTarget,
    },
    /// One autoscaler, without a CPU target.
    NotByCpu {
        /// The autoscaler's name.
        hpa: String,
    },
    /// No autoscaler.
    None,
    /// Several autoscalers match; which one rules can't be known.
    Ambiguous {
        /// Their names.
        hpas: Vec<String>,
    },
}

/// What an autoscaler is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Scaling {
    /// It can read its metrics and may scale.
    pub active: bool,
    /// Pods that it counted.
    pub current: u32,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it always keeps.
    pub minimum: u32,
    /// When it scaled last.
    pub last_scaled_at: Option<Timestamp>,
    /// Its metrics call for fewer pods, and only its stabilization window holds that back.
    pub wants_fewer: bool,
    /// It is switched off, since what it scales is to have 0 pods: KEDA does that where there is nothing to do.
    #[cfg_attr(feature = "serde", serde(default))]
    pub disabled: bool,
}
