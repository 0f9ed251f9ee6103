//! What was decided about one pod, and why.

use std::fmt;

use jiff::SignedDuration;

use super::Choice;
use crate::fleet::{Owner, Phase};
use crate::unit::Load;

/// What was decided about one pod.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// It is to be removed.
    Chosen(Choice),
    /// It may be removed, but is not.
    Spared(Spared),
    /// It must not be removed.
    Vetoed(Veto),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen(choice) => write!(f, "chosen, {choice}"),
            Self::Spared(spared) => write!(f, "spared: {spared}"),
            Self::Vetoed(veto) => write!(f, "never a candidate: {veto}"),
        }
    }
}

/// Why an eligible pod is not removed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Spared {
    /// It has no usable sample; missing is never idle.
    NoSample,
    /// The fleet is in balance, or nothing could be said about it.
    NothingToDo,
    /// It is neither one of the K hottest nor one of the K coldest.
    Between,
    /// It was tried in batches, and another batch is expected to bring more.
    NotInTheBest,
    /// It is one of the K hottest, but not above the limit.
    NotHot {
        /// The limit.
        limit: Load,
    },
    /// It would have been chosen, but enough pods must stay Ready, and the removal budget must last.
    Trimmed(Choice),
    /// It would have been chosen, but the whole plan is held.
    Held(Choice),
}

impl fmt::Display for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSample => f.write_str("no usable sample"),
            Self::NothingToDo => f.write_str("nothing to do"),
            Self::Between => f.write_str("neither among the hottest nor the coldest"),
            Self::NotInTheBest => f.write_str("tried, and another batch is expected to bring more"),
            Self::NotHot { limit } => write!(f, "among the hottest, but not above {limit}"),
            Self::Trimmed(choice) => {
                write!(
                    f,
                    "left out by the minimum of Ready pods or the removal budget (would be {})",
                    choice.role()
                )
            }
            Self::Held(choice) => write!(f, "the plan is held (would be {})", choice.role()),
        }
    }
}

/// Why a pod must not be removed, whatever its load.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
        annotation: &'static str,
    },
    /// It has no container of the configured name, so it is not of this workload.
    NoSuchContainer,
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminating => f.write_str("it is terminating"),
            Self::NotRunning { phase } => write!(f, "its phase is {phase:?}, not Running"),
            Self::NotReady => f.write_str("it is not Ready"),
            Self::TooYoung { ready_for: Some(age), minimum } => {
                write!(f, "Ready for {age:#}, less than {minimum:#}")
            }
            Self::TooYoung { ready_for: None, minimum } => {
                write!(f, "it is not known since when it is Ready; {minimum:#} are asked for")
            }
            Self::NoController => f.write_str("no controller would replace it"),
            Self::Controller { kind } => write!(f, "pods of a {kind} are not rotated"),
            Self::Mirror => f.write_str("a mirror pod of the kubelet"),
            Self::SystemNamespace => f.write_str("in a system namespace"),
            Self::Critical { priority_class } => write!(f, "priority class {priority_class}"),
            Self::AnotherWorkload { owner } => write!(
                f,
                "it belongs to {} {}, not to the workload; check KUBE_LABEL_SELECTOR, and that DEPLOYMENT_NAME names \
                 the workload (CONTAINER_NAME its container)",
                owner.kind, owner.name
            ),
            Self::OptedOut { annotation } => write!(f, "opted out by the annotation {annotation}"),
            Self::NoSuchContainer => f.write_str("it has no container of the configured name"),
        }
    }
}
