//! Carries a plan out, one removal after the other.

use jiff::Timestamp;

use super::{Changed, NotAttempted, Observation, Outcome, PodOutcome};
use crate::audit::audit;
use crate::eligibility::{Criteria, belongs};
use crate::policy::Policy;
use crate::port::{
    Clock, Intent, Interrupt, Interruption, Inventory, Journal, Mode, PodDeleter, RemovalError,
};
use crate::report::{Decision, Plan, Removal};

/// The ports that acting needs.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    /// Reads each chosen pod once more.
    pub inventory: &'a dyn Inventory,
    /// Removes pods.
    pub deleter: &'a dyn PodDeleter,
    /// Keeps the audit trail.
    pub journal: &'a dyn Journal,
    /// Tells when to stop.
    pub interrupt: &'a dyn Interrupt,
    /// Tells how old pods are when they are read again, and whether the lock still holds.
    pub clock: &'a dyn Clock,
}

/// By whom a plan is carried out, and how.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The cycle's id.
    pub cycle: &'a str,
    /// Real or dry run.
    pub mode: Mode,
    /// No removal begins at this time or later: it could take effect when the lock is somebody else's. `None` without a
    /// lock.
    pub lock_until: Option<Timestamp>,
}

/// Carries the plan out, if there is one and the audit finds nothing. Removals are asked for one after the other,
/// each at most once; between two of them the interrupt is asked.
pub async fn act(
    observation: &Observation,
    policy: &Policy,
    hands: &Hands<'_>,
    order: &Order<'_>,
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
    let actor = hands.deleter.actor().await;
    let criteria = Criteria::of(&observation.snapshot, policy);
    let batch = Batch { observation, criteria, hands, order, actor: actor.as_deref() };
    Outcome::Acted { mode: order.mode, pods: batch.all(plan).await }
}

/// What every removal of a batch needs.
struct Batch<'a> {
    observation: &'a Observation,
    criteria: Criteria<'a>,
    hands: &'a Hands<'a>,
    order: &'a Order<'a>,
    actor: Option<&'a str>,
}

impl Batch<'_> {
    async fn all(&self, plan: &Plan) -> Vec<(Removal, PodOutcome)> {
        let mut pods: Vec<(Removal, PodOutcome)> = Vec::with_capacity(plan.removals.len());
        for removal in &plan.removals {
            let outcome = if pods.iter().any(|(_, outcome)| outcome.ends_the_batch()) {
                PodOutcome::NotAttempted(NotAttempted::AfterForbidden)
            } else {
                self.one(removal, pods.is_empty()).await.unwrap_or_else(std::convert::identity)
            };
            self.hands.journal.finished(&self.intent(removal), &outcome);
            pods.push((removal.clone(), outcome));
        }
        pods
    }

    const fn intent<'a>(&'a self, removal: &'a Removal) -> Intent<'a> {
        let Order { cycle, mode, .. } = *self.order;
        let workload = &self.observation.snapshot.workload;
        Intent { cycle, workload, actor: self.actor, removal, mode }
    }

    /// One removal. `Err` is an outcome too: one that came before the call.
    async fn one(&self, removal: &Removal, first: bool) -> Result<PodOutcome, PodOutcome> {
        self.uninterrupted()?;
        if !first {
            self.enough_left().await?;
        }
        self.unchanged(removal).await?;
        // Reading again took time; a call that has not begun need not begin.
        self.uninterrupted()?;
        self.hands.journal.intended(&self.intent(removal));
        let mode = self.order.mode;
        Ok(match (self.hands.deleter.remove(&removal.pod, mode).await, mode) {
            (Ok(()), Mode::Real) => PodOutcome::Removed,
            (Ok(()), Mode::DryRun) => PodOutcome::WouldBeRemoved,
            (Err(RemovalError::Gone), _) => PodOutcome::Spared(Changed::Gone),
            (Err(RemovalError::Replaced), _) => PodOutcome::Spared(Changed::Replaced { by: None }),
            (Err(error), _) => PodOutcome::Failed(error),
        })
    }

    fn uninterrupted(&self) -> Result<(), PodOutcome> {
        // The lock's time runs on while a process is suspended, which a deadline's clock may not notice.
        let expired = self.order.lock_until.is_some_and(|until| self.hands.clock.now() >= until);
        let why = self.hands.interrupt.requested().or(expired.then_some(Interruption::LockExpired));
        why.map_or(Ok(()), |why| Err(PodOutcome::NotAttempted(NotAttempted::Interrupted(why))))
    }

    /// Counts once more which pods serve: others may have failed since the decision. The first removal need not, as the
    /// decision was made on a list of just now.
    async fn enough_left(&self) -> Result<(), PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let pods = self.hands.inventory.pods().await.map_err(unreadable)?;
        let own = |pod| belongs(pod, self.criteria.workload);
        let serving = pods.iter().filter(|pod| pod.is_serving() && own(pod)).count();
        let minimum = self.criteria.policy.minimum_pods;
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
            Some(pod) => self.criteria.veto(&pod, self.hands.clock.now()).map(Changed::Vetoed),
        };
        changed.map_or(Ok(()), |changed| Err(PodOutcome::Spared(changed)))
    }
}
