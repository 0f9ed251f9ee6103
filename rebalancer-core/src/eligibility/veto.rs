//! Why a pod must not be removed, whatever its load.

use std::fmt;

use jiff::SignedDuration;

use super::Annotation;
use crate::fleet::{Owner, Phase};
use crate::unit::Elapsed;

/// Why a pod must not be removed, whatever its load.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Veto {
    /// It is on its way out.
    Terminating,
    /// It has ended, or has not started.
    NotRunning {
        /// Its phase.
        phase: Phase,
    },
    /// Its Ready condition is not True.
    NotReady,
    /// It has not been Ready long enough for its load to mean anything; fresh pods look idle.
    TooYoung {
        /// How long it has been Ready; `None` when that is not known.
        ready_for: Option<SignedDuration>,
        /// How long it must have been.
        minimum: SignedDuration,
    },
    /// No controller would replace it.
    NoController,
    /// Its controller does not take part in a consumer group's balance, or can't replace it elsewhere.
    Controller {
        /// The owner's kind.
        kind: String,
    },
    /// It is made by the kubelet from a file.
    Mirror,
    /// It lives in a namespace of the system.
    SystemNamespace,
    /// It has a system-critical priority class.
    Critical {
        /// The class.
        priority_class: String,
    },
    /// Another workload's pod, which the label selector matches too.
    AnotherWorkload {
        /// Who owns it.
        owner: Owner,
    },
    /// Somebody marked it to be left alone.
    OptedOut {
        /// By which annotation.
        annotation: Annotation,
    },
    /// Only marked workloads may be touched, and this one is not.
    NotOptedIn {
        /// The annotation that would mark it.
        annotation: Annotation,
    },
    /// Its priority is above the limit.
    Priority {
        /// Its priority.
        priority: i32,
        /// The limit.
        limit: i32,
    },
    /// More than one disruption budget covers it, and the Eviction API refuses to evict such a pod.
    SeveralBudgets {
        /// How many.
        budgets: usize,
    },
    /// It has no container of the configured name, so it is not of this workload.
    NoSuchContainer,
}

impl Veto {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 15] = [
        "terminating",
        "not_running",
        "not_ready",
        "too_young",
        "no_controller",
        "controller_kind",
        "mirror",
        "system_namespace",
        "system_critical",
        "another_workload",
        "opted_out",
        "not_opted_in",
        "priority",
        "several_budgets",
        "no_such_container",
    ];

    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Terminating => "terminating",
            Self::NotRunning { .. } => "not_running",
            Self::NotReady => "not_ready",
            Self::TooYoung { .. } => "too_young",
            Self::NoController => "no_controller",
            Self::Controller { .. } => "controller_kind",
            Self::Mirror => "mirror",
            Self::SystemNamespace => "system_namespace",
            Self::Critical { .. } => "system_critical",
            Self::AnotherWorkload { .. } => "another_workload",
            Self::OptedOut { .. } => "opted_out",
            Self::NotOptedIn { .. } => "not_opted_in",
            Self::Priority { .. } => "priority",
            Self::SeveralBudgets { .. } => "several_budgets",
            Self::NoSuchContainer => "no_such_container",
        }
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminating => f.write_str("it is terminating"),
            Self::NotRunning { phase } => write!(f, "its phase is {phase:?}, not Running"),
            Self::NotReady => f.write_str("it is not Ready"),
            Self::TooYoung { ready_for: Some(age), minimum } => {
                write!(f, "Ready for {}, less than {}", Elapsed(*age), Elapsed(*minimum))
            }
            Self::TooYoung { ready_for: None, minimum } => {
                write!(f, "it is not known since when it is Ready; {} are required", Elapsed(*minimum))
            }
            Self::NoController => f.write_str("no controller would replace it"),
            Self::Controller { kind } => write!(f, "pods of a {kind} are not rotated"),
            Self::Mirror => f.write_str("a mirror pod of the kubelet"),
            Self::SystemNamespace => f.write_str("in a system namespace"),
            Self::Critical { priority_class } => write!(f, "priority class {priority_class}"),
            Self::AnotherWorkload { owner } => {
                write!(f, "it belongs to {} {}, not to the workload", owner.kind, owner.name)
            }
            Self::OptedOut { annotation } => write!(f, "opted out by the annotation {annotation}"),
            Self::NotOptedIn { annotation } => {
                write!(f, "neither it nor its workload has the annotation {annotation}: \"true\"")
            }
            Self::Priority { priority, limit } => {
                write!(f, "its priority {priority} is above {limit}")
            }
            Self::SeveralBudgets { budgets } => write!(
                f,
                "{budgets} disruption budgets cover it, and the Eviction API evicts no such pod; keep one budget"
            ),
            Self::NoSuchContainer => f.write_str("it has no container of the configured name"),
        }
    }
}
