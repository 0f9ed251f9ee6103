//! The ports: what the cycle asks of the world, and the closed errors that the world may answer with.
//! Errors are sorted by what the caller does next, not by where they came from.

mod group;
mod trouble;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::cycle::Observation;
use crate::cycle::PodOutcome;
use crate::fleet::{Hpa, Indicator, PartitionLoad, Pod, Samples, Uid, Workload};
use crate::remember::LookBack;
use crate::report::Removal;
use crate::surroundings::{Controller, DisruptionBudget};

pub use group::{
    AclOperation, AclResource, GroupError, GroupSource, Misconfiguration, MissingAcl, OtherGroup,
};
pub use trouble::Trouble;

/// Why a metric could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum MetricsError {
    /// No usable answer within the deadline and all retries: connection, time-out, 429 or 5xx. The next cycle may succeed.
    #[error("the metric server could not be used: {message}")]
    Unavailable {
        /// What happened, after how many attempts.
        message: String,
    },
    /// The server refuses this request (other 4xx): the query, the path or the credentials must be changed.
    #[error("the metric server refused the query: {message}")]
    Refused {
        /// Status and the server's own words.
        message: String,
    },
    /// The server says that its answer is not whole (`isPartial`, warnings). It must not be read as the fleet.
    #[error("the metric server's answer is incomplete: {message}")]
    Incomplete {
        /// The server's own words.
        message: String,
    },
    /// The answer has not the shape that was asked for; the query or the server behind the address is wrong.
    #[error("the metric server's answer can't be used: {message}")]
    Malformed {
        /// What came and what was expected.
        message: String,
    },
}

/// What one reading of the metric system gave. Each part fails by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// One entry for each enabled indicator.
    pub loads: BTreeMap<Indicator, Result<Samples, MetricsError>>,
    /// CPU requests in cores by pod name, for pods whose request the API does not give.
    pub cpu_requests: Result<Samples, MetricsError>,
    /// Autoscalers of this workload with a CPU target, as kube-state-metrics shows them.
    pub hpas: Result<Vec<Hpa>, MetricsError>,
    /// Partition loads and owners; `None` when they are not asked for.
    pub partitions: Option<Result<Vec<PartitionLoad>, MetricsError>>,
}

/// Reads loads from Prometheus or VictoriaMetrics.
#[async_trait]
pub trait MetricsSource: Send + Sync {
    /// Reads everything that is enabled, evaluated at one time.
    ///
    /// NaN, infinite and negative values must already be left out: such a pod has no sample.
    async fn read(&self, at: Timestamp) -> Readings;

    /// One indicator as it was at `count` earlier times: one, two, ... steps before `at`, the latest first. A time of
    /// which the metric system knows nothing has no samples; that is no error.
    ///
    /// # Errors
    /// When the whole of it was not given.
    async fn past(
        &self,
        indicator: Indicator,
        at: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<Vec<Samples>, MetricsError>;

    /// What went wrong with the metric server so far, as far as that is known.
    fn trouble(&self) -> Trouble {
        Trouble::default()
    }
}

/// Why the Kubernetes API did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum InventoryError {
    /// 403: a right is missing.
    #[error(
        "not allowed to {verb} {resource} in namespace {namespace}: grant the verb '{verb}' on '{resource}' to this service account ({message})"
    )]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource, with its API group where it has one.
        resource: &'static str,
        /// The namespace.
        namespace: String,
        /// The server's own words.
        message: String,
    },
    /// 401: the API server does not know us.
    #[error("the Kubernetes API does not accept the credentials: {message}")]
    Unauthorized {
        /// The server's own words.
        message: String,
    },
    /// No usable answer in time, or 429 or 5xx after all retries.
    #[error("the Kubernetes API could not be used: {message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// Any other refusal, or an answer that can't be understood.
    #[error("the Kubernetes API refused the request: {message}")]
    Rejected {
        /// Status and the server's own words.
        message: String,
    },
}

/// Reads the fleet from the Kubernetes API.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Every pod that the label selector matches, in any phase.
    ///
    /// # Errors
    /// When the list is not whole: part of a fleet is never returned.
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError>;

    /// Every autoscaler of the namespace.
    ///
    /// # Errors
    /// When the list is not whole.
    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError>;

    /// The object that owns the fleet; `None` when there is no Deployment and no StatefulSet of the workload's name.
    ///
    /// # Errors
    /// When it can't be known.
    async fn controller(&self) -> Result<Option<Controller>, InventoryError>;

    /// Every disruption budget of the namespace.
    ///
    /// # Errors
    /// When the list is not whole.
    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError>;

    /// The pod that has this name now, if there is one; it may be another pod than before.
    ///
    /// # Errors
    /// When it can't be known.
    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError>;

    /// What went wrong with the API server so far, removals and the record included, as far as that is known here.
    fn trouble(&self) -> Trouble {
        Trouble::default()
    }
}

/// Why a pod was not removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum RemovalError {
    /// 404: there is no pod of that name any more.
    #[error("it is gone already")]
    Gone,
    /// 409 on the UID precondition: another pod has the name now.
    #[error("another pod has its name now")]
    Replaced,
    /// 409 for any other reason; nothing happened.
    #[error("the API server reports a conflict: {message}")]
    Conflict {
        /// The server's own words.
        message: String,
    },
    /// 429 from a disruption budget; nothing happened.
    #[error("its disruption budget refuses: {message}")]
    Blocked {
        /// The server's own words.
        message: String,
    },
    /// 429 for any other reason, such as rate limits; nothing happened.
    #[error("the API server asks to wait: {message}")]
    Throttled {
        /// The server's own words.
        message: String,
    },
    /// 401: the API server does not know us (any more); nothing happened.
    #[error("the Kubernetes API does not accept the credentials: {message}")]
    Unauthorized {
        /// The server's own words.
        message: String,
    },
    /// 403: a right is missing; nothing happened.
    #[error(
        "not allowed to {verb} {resource}: grant the verb '{verb}' on '{resource}' to this service account ({message})"
    )]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The server's own words.
        message: String,
    },
    /// Any other refusal; nothing happened.
    #[error("the API server rejects the request: {message}")]
    Rejected {
        /// Status and the server's own words.
        message: String,
    },
    /// No answer, or an answer that can't be understood: the pod may have been removed.
    #[error("it is not known whether it was removed: {message}")]
    Unknown {
        /// What happened.
        message: String,
    },
}

/// Whether removals are real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Mode {
    /// Pods are removed.
    Real,
    /// Every call carries the API server's own dry run: it is validated, and nothing changes.
    DryRun,
}

/// Removes pods.
#[async_trait]
pub trait PodDeleter: Send + Sync {
    /// Asks for the removal of exactly the pod with this UID, once. It is never repeated by the adapter.
    ///
    /// # Errors
    /// When the pod was not removed, or when that can't be known.
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError>;

    /// Who asks for removals, as the API server knows us; `None` when it does not tell.
    async fn actor(&self) -> Option<String> {
        None
    }
}

/// A pod by name and identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PodRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.uid)
    }
}

/// A removal in the audit trail: who does what to which pod, and why.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Intent<'a> {
    /// The cycle's id.
    pub cycle: &'a str,
    /// Whose fleet.
    pub workload: &'a Workload,
    /// Who asks for it, as the API server knows us.
    pub actor: Option<&'a str>,
    /// Which pod, and why.
    pub removal: &'a Removal,
    /// Real or dry run.
    pub mode: Mode,
}

/// Work that a cycle does by itself, between what it asks of the world. It never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Decides.
    Plan,
    /// Checks a plan against the safety rules.
    Audit,
}

/// Is told what a cycle does while it does it, and keeps the audit trail: an intent before each call, an outcome
/// after it.
pub trait Journal: Send + Sync {
    /// This step begins. The core has no clock of its own for how long it takes.
    fn began(&self, _step: Step) {}
    /// The step that began last is done.
    fn ended(&self, _step: Step) {}
    /// What memory shows of earlier cycles.
    fn looked_back(&self, _look_back: &LookBack) {}
    /// What was seen and decided, before anything is done.
    fn decided(&self, _observation: &Observation) {}
    /// About to ask for this removal.
    fn intended(&self, intent: &Intent<'_>);
    /// What became of it. Also called for removals that were not asked for after all.
    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome);
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now, as the other processes that share the record know it.
    fn now(&self) -> Timestamp;
}

/// Why a batch is broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Interruption {
    /// The process was asked to end.
    Signal,
    /// The cycle's time is up.
    Deadline,
    /// The lock may be somebody else's by now.
    LockExpired,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "the process was asked to end",
            Self::Deadline => "the cycle's time is up",
            Self::LockExpired => "the lock has expired",
        })
    }
}

/// Tells when to stop.
#[async_trait]
pub trait Interrupt: Send + Sync {
    /// The reason to stop, if there is one now; asked between two removals.
    fn requested(&self) -> Option<Interruption>;

    /// Waits until there is a reason to stop. While nothing has been done yet, work is dropped for it.
    async fn stopped(&self) -> Interruption;
}
