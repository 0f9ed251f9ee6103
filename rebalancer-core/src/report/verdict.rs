//! What was decided about one pod, and why.

use std::fmt;

use jiff::SignedDuration;

use super::Choice;
use crate::fleet::{Indicator, Owner, Phase};
use crate::unit::{Elapsed, Load};

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

impl Verdict {
    /// The same as [`Display`](fmt::Display) shows, with the loads of a pod that was ranked by this indicator in its unit.
    #[must_use]
    pub fn by(&self, indicator: Indicator) -> String {
        match self {
            Self::Chosen(choice) => format!("chosen, {}", choice.by(indicator)),
            Self::Spared(Spared::NotHot { limit }) => {
                format!("spared: among the hottest, but not above {}", indicator.shown(*limit))
            }
            Self::Spared(_) | Self::Vetoed(_) => self.to_string(),
        }
    }
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
    /// By another indicator than the one that raised the imbalance it is hot, so it is no cold pod.
    HotBy {
        /// That indicator.
        indicator: Indicator,
        /// Its limit.
        limit: Load,
    },
    /// It has no sample of another indicator than the one that raised the imbalance, so it may not be a cold pod.
    MaybeHotBy {
        /// That indicator.
        indicator: Indicator,
    },
    /// It is hot now, but was not in enough earlier readings.
    NotPersistent {
        /// Readings in which it was hot.
        hot_in: usize,
        /// Readings, the present one among them.
        windows: usize,
        /// In how many it must have been hot.
        required: usize,
    },
    /// It would have been chosen, but enough pods must stay Ready, and budgets must last.
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
            Self::HotBy { indicator, limit } => {
                write!(f, "no cold pod, since its {indicator} is above {}", indicator.shown(*limit))
            }
            Self::MaybeHotBy { indicator } => {
                write!(f, "no cold pod as far as is known, since it has no {indicator} sample")
            }
            Self::NotPersistent { hot_in, windows, required } => {
                write!(
                    f,
                    "hot now, but only in {hot_in} of the last {windows} readings; {required} are asked for"
                )
            }
            Self::Trimmed(choice) => {
                write!(
                    f,
                    "left out by the minimum of Ready pods, the largest share or a budget (would be {})",
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
    /// Only marked workloads may be touched, and this one is not.
    NotOptedIn {
        /// The annotation that would mark it.
        annotation: &'static str,
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
                write!(f, "it is not known since when it is Ready; {} are asked for", Elapsed(*minimum))
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
            Self::NotOptedIn { annotation } => write!(
                f,
                "neither it nor its workload has the annotation {annotation}: \"true\", which REQUIRE_OPT_IN asks for"
            ),
            Self::Priority { priority, limit } => {
                write!(f, "its priority {priority} is above {limit} (MAXIMUM_POD_PRIORITY)")
            }
            Self::SeveralBudgets { budgets } => write!(
                f,
                "{budgets} disruption budgets cover it, and the Eviction API evicts no such pod; keep one budget"
            ),
            Self::NoSuchContainer => f.write_str("it has no container of the configured name"),
        }
    }
}
