//! The snapshot that a decision is made on: plain values, in an order that does not depend on the input.

pub mod consumer_group;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::surroundings::{Scaling, ScalingMetric};
use crate::unit::{Bytes, Cores, Load};

/// What a pod's load is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A pod's identity. A name can be taken over by another pod; a UID can't.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Uid(String);

impl Uid {
    /// Takes the UID as the API server gives it.
    #[must_use]
    pub fn new(uid: impl Into<String>) -> Self {
        Self(uid.into())
    }

    /// The UID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a pod is in its life, as Kubernetes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Phase {
    /// Accepted, not all containers started.
    Pending,
    /// Bound to a node, containers started.
    Running,
    /// All containers ended well; it won't run again.
    Succeeded,
    /// All containers ended, one of them badly; it won't run again.
    Failed,
    /// The node can't be asked, or the API server gave a phase that is not known here.
    Unknown,
}

/// The controller that would replace a removed pod.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Owner {
    /// Such as `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What a container asks of its node. `None` is "not set", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Requests {
    /// CPU request.
    pub cpu: Option<Cores>,
    /// Memory request.
    pub memory: Option<Bytes>,
}

/// One pod as Kubernetes lists it now.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name, unique in the namespace at one time.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// Where it is in its life.
    pub phase: Phase,
    /// The Ready condition is True.
    pub ready: bool,
    /// Since when the Ready condition is what it is.
    pub ready_since: Option<Timestamp>,
    /// It has a deletion time stamp: it is on its way out.
    pub terminating: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The node it runs on.
    pub node: Option<String>,
    /// The controlling owner.
    pub owner: Option<Owner>,
    /// The kubelet made it from a file on the node; the API can't remove it.
    pub mirror: bool,
    /// Its priority class.
    pub priority_class: Option<String>,
    /// Its priority, as the class resolved to when it was created.
    pub priority: Option<i32>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: BTreeMap<String, String>,
    /// Requests of the target container; `None` when the pod has no container of that name.
    pub container: Option<Requests>,
}

impl Pod {
    /// Running, Ready, and not on its way out: it serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Running && self.ready && !self.terminating
    }
}

/// A horizontal pod autoscaler's CPU target.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Hpa {
    /// Its name.
    pub name: String,
    /// The name of the workload that it scales, when known.
    pub scales: Option<String>,
    /// Its CPU target; `None` when it scales by something else.
    pub cpu: Option<CpuTarget>,
    /// What it is doing; `None` when only the metric system knows it.
    pub scaling: Option<Scaling>,
    /// All that it scales by, in its own order; empty when only the metric system knows it.
    pub scales_by: Vec<ScalingMetric>,
}

/// What is known of the CPU target of this workload.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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

/// One value a pod, by pod name, of one indicator. Pods without a usable value are absent.
pub type Samples = BTreeMap<String, Load>;

/// The load of one partition and the pod that holds it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartitionLoad {
    /// Topic.
    pub topic: String,
    /// Partition number, as the metric's label gives it.
    pub partition: String,
    /// Name of the pod that consumes it.
    pub pod: String,
    /// Its load, in the unit of the query.
    pub load: Load,
}

/// The workload that the fleet belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
