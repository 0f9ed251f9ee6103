//! The cycle: observe, plan, audit, act. Generic over the ports, so that an embedder gets the whole loop.
//!
//! Two steps, since they end differently when time is up: [`observe`] may be dropped at any point, [`act`] must not
//! be, and stops by itself between two removals.

use jiff::Timestamp;

use crate::audit::{Violation, audit};
use crate::eligibility::{belongs, veto};
use crate::fleet::{Uid, Workload};
use crate::planner;
use crate::policy::Policy;
use crate::port::{
    Interrupt, Interruption, Inventory, InventoryError, Journal, MetricsSource, Mode, PodDeleter,
    RemovalError,
};
use crate::report::{Decision, Removal, Report, Veto};
use crate::snapshot::{ObserveError, Snapshot};

/// Whose fleet, and how its autoscaler may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The workload.
    pub workload: Workload,
    /// The autoscaler may be called `<prefix><workload>`; may be empty.
    pub hpa_prefix: String,
}

/// A snapshot and what the planner says of it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Observation {
    /// What was seen.
    pub snapshot: Snapshot,
    /// What follows.
    pub report: Report,
}

/// Reads the fleet and decides. Changes nothing, and may be dropped at any point.
///
/// Metrics are read before pods: what Kubernetes lists last is what is trusted.
///
/// # Errors
/// When there is no snapshot to decide on.
pub async fn observe(
    subject: &Subject,
    metrics: &dyn MetricsSource,
    inventory: &dyn Inventory,
    policy: &Policy,
    now: Timestamp,
) -> Result<Observation, ObserveError> {
    let readings = metrics.read(now).await;
    let hpas = inventory.hpas().await;
    let pods = inventory.pods().await.map_err(ObserveError::Pods)?;
    let snapshot =
        Snapshot::assemble(subject.workload.clone(), now, pods, hpas, &subject.hpa_prefix, readings)?;
    let report = planner::plan(&snapshot, policy);
    Ok(Observation { snapshot, report })
}

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
    /// The plan was carried out, as far as each pod's outcome says.
    Acted {
        /// Real or dry run.
        mode: Mode,
        /// What became of each chosen pod, in the plan's order.
        pods: Vec<(Removal, PodOutcome)>,
    },
}

impl Outcome {
    /// The cycle's status in logs and metrics: `balanced`, `held`, `rebalanced`, `dry_run`, `partial`, `refused` or
    /// `failed`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Held => "held",
            Self::AuditFailed(_) => "failed",
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

    /// The process was asked to end in the middle of the batch, and nothing else went wrong.
    #[must_use]
    pub fn was_asked_to_end(&self) -> bool {
        let asked = |outcome: &PodOutcome| {
            matches!(outcome, PodOutcome::NotAttempted(NotAttempted::Interrupted(Interruption::Signal)))
        };
        match self {
            Self::Balanced | Self::Held | Self::AuditFailed(_) => false,
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
            Self::Balanced | Self::Held => false,
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
    /// Its removal was asked for and did not happen, or may not have happened.
    Failed(RemovalError),
    /// Its removal was not asked for.
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

    /// The next removal would fail for the same reason.
    const fn ends_the_batch(&self) -> bool {
        matches!(self, Self::Failed(RemovalError::Forbidden { .. } | RemovalError::Unauthorized { .. }))
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
            Self::NotAttempted(NotAttempted::TooFewLeft { .. }) => false,
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
        /// The stranger, when it was seen.
        by: Option<Uid>,
    },
    /// It must not be removed any more.
    Vetoed(Veto),
}

/// Why a removal was not asked for.
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
    /// An earlier removal of the batch showed that the right is missing, or that the credentials are not accepted.
    AfterForbidden,
}

/// The ports that acting needs.
pub struct Hands<'a> {
    /// Reads each chosen pod once more.
    pub inventory: &'a dyn Inventory,
    /// Removes pods.
    pub deleter: &'a dyn PodDeleter,
    /// Keeps the audit trail.
    pub journal: &'a dyn Journal,
    /// Tells when to stop.
    pub interrupt: &'a dyn Interrupt,
}

/// Carries the plan out, if there is one and the audit finds nothing. Removals are asked for one after the other,
/// each at most once; between two of them the interrupt is asked.
///
/// `now` is a fresh time stamp, for the age of pods that are read again.
pub async fn act(
    observation: &Observation,
    policy: &Policy,
    hands: &Hands<'_>,
    mode: Mode,
    now: Timestamp,
) -> Outcome {
    let plan = match &observation.report.decision {
        Decision::Balanced => return Outcome::Balanced,
        Decision::Hold(_) => return Outcome::Held,
        Decision::Rotate(plan) => plan,
    };
    let violations = audit(plan, &observation.snapshot, policy);
    if !violations.is_empty() {
        return Outcome::AuditFailed(violations);
    }
    let batch = Batch { workload: &observation.snapshot.workload.name, policy, hands, mode, now };
    let mut pods: Vec<(Removal, PodOutcome)> = Vec::with_capacity(plan.removals.len());
    for removal in &plan.removals {
        let outcome = if pods.iter().any(|(_, outcome)| outcome.ends_the_batch()) {
            PodOutcome::NotAttempted(NotAttempted::AfterForbidden)
        } else {
            batch.one(removal, pods.is_empty()).await.unwrap_or_else(std::convert::identity)
        };
        hands.journal.finished(removal, &outcome, mode);
        pods.push((removal.clone(), outcome));
    }
    Outcome::Acted { mode, pods }
}

/// What every removal of a batch needs.
struct Batch<'a> {
    workload: &'a str,
    policy: &'a Policy,
    hands: &'a Hands<'a>,
    mode: Mode,
    now: Timestamp,
}

impl Batch<'_> {
    /// One removal. `Err` is an outcome too: one that came before the call.
    async fn one(&self, removal: &Removal, first: bool) -> Result<PodOutcome, PodOutcome> {
        self.uninterrupted()?;
        if !first {
            self.enough_left().await?;
        }
        self.unchanged(removal).await?;
        // Reading again took time; a call that has not begun need not begin.
        self.uninterrupted()?;
        self.hands.journal.intended(removal, self.mode);
        Ok(match (self.hands.deleter.remove(&removal.pod, self.mode).await, self.mode) {
            (Ok(()), Mode::Real) => PodOutcome::Removed,
            (Ok(()), Mode::DryRun) => PodOutcome::WouldBeRemoved,
            (Err(RemovalError::Gone), _) => PodOutcome::Spared(Changed::Gone),
            (Err(RemovalError::Replaced), _) => PodOutcome::Spared(Changed::Replaced { by: None }),
            (Err(error), _) => PodOutcome::Failed(error),
        })
    }

    fn uninterrupted(&self) -> Result<(), PodOutcome> {
        self.hands.interrupt.requested().map_or(Ok(()), |interruption| {
            Err(PodOutcome::NotAttempted(NotAttempted::Interrupted(interruption)))
        })
    }

    /// Counts once more which pods serve: others may have failed since the decision. The first removal need not, as the
    /// decision was made on a list of just now.
    async fn enough_left(&self) -> Result<(), PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let pods = self.hands.inventory.pods().await.map_err(unreadable)?;
        let serving = pods.iter().filter(|pod| pod.is_serving() && belongs(pod, self.workload)).count();
        let minimum = self.policy.minimum_pods;
        if serving > minimum {
            Ok(())
        } else {
            Err(PodOutcome::NotAttempted(NotAttempted::TooFewLeft { serving, minimum }))
        }
    }

    /// Looks at the pod once more, right before its removal.
    async fn unchanged(&self, removal: &Removal) -> Result<(), PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let changed = match self.hands.inventory.pod(&removal.pod.name).await.map_err(unreadable)? {
            None => Some(Changed::Gone),
            Some(pod) if pod.uid != removal.pod.uid => Some(Changed::Replaced { by: Some(pod.uid) }),
            Some(pod) => veto(&pod, self.workload, self.policy.minimum_age, self.now).map(Changed::Vetoed),
        };
        changed.map_or(Ok(()), |changed| Err(PodOutcome::Spared(changed)))
    }
}

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
