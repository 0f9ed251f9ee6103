//! What a pod, or a partition, carries.

use std::collections::BTreeMap;
use std::fmt;

use crate::unit::{Load, Memory};

/// What a pod's load is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Indicator {
    /// CPU usage, in cores.
    Cpu,
    /// Memory working set, in bytes.
    Memory,
    /// Messages not yet consumed.
    Lag,
    /// Messages consumed a second.
    ConsumptionRate,
    /// Messages produced a second, to the pod's partitions.
    ProductionRate,
}

impl Indicator {
    /// Every indicator, in the order in which they are tried.
    pub const ALL: [Self; 5] =
        [Self::Cpu, Self::Memory, Self::Lag, Self::ConsumptionRate, Self::ProductionRate];

    /// Its name in logs, metrics and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Lag => "lag",
            Self::ConsumptionRate => "consumption_rate",
            Self::ProductionRate => "production_rate",
        }
    }

    /// The unit of its [`Load`]s.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "cores",
            Self::Memory => "bytes",
            Self::Lag => "messages",
            Self::ConsumptionRate | Self::ProductionRate => "messages/s",
        }
    }

    /// A load with its unit.
    #[must_use]
    pub fn with_unit(self, load: Load) -> String {
        match self {
            Self::Memory => self.shown(load),
            Self::Cpu | Self::Lag | Self::ConsumptionRate | Self::ProductionRate => {
                format!("{load} {}", self.unit())
            }
        }
    }

    /// A load as people write it: memory with its unit, anything else as the number that it is.
    #[must_use]
    pub fn shown(self, load: Load) -> String {
        match self {
            Self::Memory => Memory(load.get()).to_string(),
            Self::Cpu | Self::Lag | Self::ConsumptionRate | Self::ProductionRate => load.to_string(),
        }
    }
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One value a pod, by pod name, of one indicator. Pods without a usable value are absent.
pub type Samples = BTreeMap<String, Load>;

/// The load of one partition and the pod that holds it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PartitionLoad {
    /// Topic.
    pub topic: String,
    /// Partition number, as the metric's label gives it.
    pub partition: String,
    /// Name of the pod that consumes it; `None` when it is known that no pod is seen to.
    pub pod: Option<String>,
    /// Its load, in the unit of the query.
    pub load: Load,
}
