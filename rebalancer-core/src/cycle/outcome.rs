//! How a cycle ended, and what became of each chosen pod.

use super::{Asked, Rebalance};
use crate::audit::Violation;
use crate::eligibility::Veto;
use crate::fleet::{PodRef, Uid};
use crate::guard::NotNow;
use crate::history::RemovalResult;
use crate::port::{Interruption, InventoryError, Mode, RemovalError};
use crate::report::Removal;
use crate::unit::Ratio;

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[must_use]
pub enum Outcome {
    /// Nothing was to be done.
    Balanced,
    /// Nothing was done, for the reason in the report.
    Held,
    /// The plan broke a safety rule and was not carried out.
    AuditFailed(Vec<Violation>),
    /// Somebody has to approve the plan first, and nothing was done.
    AwaitsApproval {
        /// Real; in a dry run nobody was asked.
        mode: Mode,
        /// What was asked, or is.
        asked: Box<Asked>,
    },
    /// The plan was carried out, as far as each pod's outcome says.
    Acted {
        /// Real or dry run.
        mode: Mode,
        /// What became of each chosen pod, in the plan's order.
        pods: Vec<(Removal, PodOutcome)>,
    },
}

impl Outcome {
    /// Every status that [`status`](Self::status) gives.
    pub const STATUSES: [&str; 9] =
        ["rebalanced", "partial", "refused", "proposed", "rejected", "dry_run", "balanced", "held", "failed"];

    /// The cycle's status in logs and metrics: `balanced`, `held`, `proposed`, `rejected`, `rebalanced`, `dry_run`,
    /// `partial`, `refused` or `failed`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Held => "held",
            Self::AuditFailed(_) => "failed",
            Self::AwaitsApproval { mode: Mode::DryRun, .. } => "dry_run",
            Self::AwaitsApproval { mode: Mode::Real, asked } => match **asked {
                Asked::Proposed { .. } | Asked::Waiting(_) => "proposed",
                Asked::Rejected(_) => "rejected",
            },
            Self::Acted { .. } if self.is_failure() => "failed",
            Self::Acted { mode: Mode::DryRun, .. } => "dry_run",
            Self::Acted { mode: Mode::Real, pods } => {
                let removed = pods.iter().filter(|(_, outcome)| *outcome == PodOutcome::Removed).count();
                if removed == pods.len() {
                    "rebalanced"
                } else if removed > 0 {
                    "partial"
                } else {
                    "refused"
                }
            }
        }
    }

    /// Pods that were removed for sure.
    #[must_use]
    pub fn removed(&self) -> Vec<PodRef> {
        match self {
            Self::Balanced | Self::Held | Self::AuditFailed(_) | Self::AwaitsApproval { .. } => Vec::new(),
            Self::Acted { pods, .. } => {
                let removed = pods.iter().filter(|(_, outcome)| *outcome == PodOutcome::Removed);
                removed.map(|(removal, _)| removal.pod.clone()).collect()
            }
        }
    }

    /// The process was asked to stop in the middle of the batch, and nothing else went wrong.
    #[must_use]
    pub fn was_asked_to_end(&self) -> bool {
        let asked = |outcome: &PodOutcome| {
            matches!(outcome, PodOutcome::NotAttempted(NotAttempted::Interrupted(Interruption::Signal)))
        };
        match self {
            Self::Balanced | Self::Held | Self::AuditFailed(_) | Self::AwaitsApproval { .. } => false,
            Self::Acted { pods, .. } => {
                pods.iter().any(|(_, outcome)| asked(outcome))
                    && pods.iter().all(|(_, outcome)| asked(outcome) || !outcome.is_failure())
            }
        }
    }

    /// An API could not be used, a right is missing, or the planner has a bug. A disruption budget's refusal or a
    /// pod that changed in between is none.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Balanced | Self::Held | Self::AwaitsApproval { .. } => false,
            Self::AuditFailed(_) => true,
            Self::Acted { pods, .. } => pods.iter().any(|(_, outcome)| outcome.is_failure()),
        }
    }
}

/// What became of one chosen pod.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum PodOutcome {
    /// The API server accepted its removal.
    Removed,
    /// The API server would have accepted its removal; nothing changed.
    WouldBeRemoved,
    /// It changed between decision and removal, so it was left alone.
    Spared(Changed),
    /// Its removal was requested and did not happen, or may not have happened.
    Failed(RemovalError),
    /// Its removal was not requested.
    NotAttempted(NotAttempted),
}

impl PodOutcome {
    /// A short stable name for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::WouldBeRemoved => "would_be_removed",
            Self::Spared(_) => "spared",
            Self::Failed(RemovalError::Blocked { .. }) => "refused",
            Self::Failed(RemovalError::Unknown { .. }) => "unknown",
            Self::Failed(
                RemovalError::Gone
                | RemovalError::Replaced
                | RemovalError::Conflict { .. }
                | RemovalError::Throttled { .. }
                | RemovalError::Unauthorized { .. }
                | RemovalError::Forbidden { .. }
                | RemovalError::Rejected { .. },
            ) => "failed",
            Self::NotAttempted(_) => "not_attempted",
        }
    }

    /// What the record keeps of it.
    pub(super) fn result(&self, uid: &Uid) -> RemovalResult {
        match self {
            Self::Removed => RemovalResult::removed(uid.clone()),
            Self::WouldBeRemoved | Self::Spared(_) | Self::NotAttempted(_) => {
                RemovalResult::spared(uid.clone())
            }
            Self::Failed(error) => RemovalResult::failed(uid.clone(), error),
        }
    }

    /// This cycle removed the pod, or may have.
    pub(super) const fn may_have_removed(&self) -> bool {
        matches!(self, Self::Removed | Self::Failed(RemovalError::Unknown { .. }))
    }

    /// Why no other removal of the batch is to be requested: it would fail for the same reason, or nothing may be
    /// removed now.
    pub(super) fn ends_the_batch(&self) -> Option<NotAttempted> {
        match self {
            Self::Failed(RemovalError::Forbidden { .. } | RemovalError::Unauthorized { .. }) => {
                Some(NotAttempted::AfterForbidden)
            }
            Self::NotAttempted(
                why @ (NotAttempted::NotNow(_)
                | NotAttempted::EarlierStayed { .. }
                | NotAttempted::NotReplaced(_)
                | NotAttempted::NotAsExpected { .. }),
            ) => Some(why.clone()),
            Self::Removed
            | Self::WouldBeRemoved
            | Self::Spared(_)
            | Self::Failed(_)
            | Self::NotAttempted(_) => None,
        }
    }

    const fn is_failure(&self) -> bool {
        match self {
            Self::Removed | Self::WouldBeRemoved | Self::Spared(_) => false,
            Self::Failed(RemovalError::Gone | RemovalError::Replaced | RemovalError::Blocked { .. }) => false,
            Self::Failed(
                RemovalError::Conflict { .. }
                | RemovalError::Throttled { .. }
                | RemovalError::Unauthorized { .. }
                | RemovalError::Forbidden { .. }
                | RemovalError::Rejected { .. }
                | RemovalError::Unknown { .. },
            ) => true,
            // A guard did its work.
            Self::NotAttempted(
                NotAttempted::TooFewLeft { .. }
                | NotAttempted::NoHotPodRemoved
                | NotAttempted::NotNow(_)
                | NotAttempted::EarlierStayed { .. }
                | NotAttempted::NotReplaced(_)
                | NotAttempted::NotAsExpected { .. },
            ) => false,
            // A batch that was broken off is no finished cycle, whoever asked for it.
            Self::NotAttempted(_) => true,
        }
    }
}

/// What changed between decision and removal.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Changed {
    /// There is no pod of that name any more.
    Gone,
    /// Another pod has the name now.
    Replaced {
        /// The other pod, if it was seen.
        by: Option<Uid>,
    },
    /// It must not be removed any more.
    Vetoed(Veto),
}

/// Why a removal was not requested.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum NotAttempted {
    /// The cycle was asked to stop.
    Interrupted(Interruption),
    /// The pod could not be read again.
    Unreadable(InventoryError),
    /// Pods have failed since the decision: one less would be too few.
    TooFewLeft {
        /// Pods that serve now.
        serving: usize,
        /// Pods that must stay.
        minimum: usize,
    },
    /// No hot pod was removed, and removing a cold one alone does not help.
    NoHotPodRemoved,
    /// Since the decision something forbids any rotation.
    NotNow(NotNow),
    /// An earlier pod of the batch was not removed, and what the others do builds on that.
    EarlierStayed {
        /// Its name.
        pod: String,
    },
    /// The replacement of the one before is not a member yet, or the group not at rest: the next run plans afresh.
    NotReplaced(Rebalance),
    /// What came of the removals before is not what was expected of them: the next run plans afresh.
    NotAsExpected {
        /// The coefficient of variation of what pods carry that was expected; `None` where that can't be told.
        expected: Option<Ratio>,
        /// The one that came; `None` where that can't be told.
        came: Option<Ratio>,
    },
    /// An earlier removal of the batch showed that the right is missing, or that the credentials are not accepted.
    AfterForbidden,
}
