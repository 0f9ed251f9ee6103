//! Carries a plan out, one removal after the other.

use jiff::Timestamp;

use super::{Changed, NotAttempted, Observation, Outcome, PodOutcome, told};
use crate::audit::audit;
use crate::cycle::{Intent, Journal, Step};
use crate::eligibility::Criteria;
use crate::fleet::{Controller, Pod};
use crate::guard::{NotNow, roll, still_not_now};
use crate::policy::Policy;
use crate::port::{Clock, Interrupt, Interruption, Inventory, Mode, PodDeleter, RemovalError};
use crate::report::{Decision, Plan, Removal};
use crate::snapshot::Snapshot;

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
    let checked = || audit(plan, &observation.snapshot, policy);
    let violations = told(hands.journal, Step::Audit, checked);
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
    /// Cold pods wait until a hot one is gone: without it, removing them only makes trouble.
    async fn all(&self, plan: &Plan) -> Vec<(Removal, PodOutcome)> {
        let mut pods: Vec<(Removal, PodOutcome)> = Vec::with_capacity(plan.removals.len());
        let mut waiting = Vec::new();
        for removal in &plan.removals {
            if !removal.choice.is_hot() && !hot_is_gone(&pods) {
                waiting.push(removal);
                continue;
            }
            self.told(removal, &mut pods).await;
            if hot_is_gone(&pods) {
                for removal in std::mem::take(&mut waiting) {
                    self.told(removal, &mut pods).await;
                }
            }
        }
        for removal in waiting {
            let why = ended(&pods).unwrap_or(NotAttempted::NoHotPodRemoved);
            let outcome = self.uninterrupted().err().unwrap_or(PodOutcome::NotAttempted(why));
            self.hands.journal.finished(&self.intent(removal), &outcome);
            pods.push((removal.clone(), outcome));
        }
        pods
    }

    /// One removal, and its outcome in the journal.
    async fn told(&self, removal: &Removal, pods: &mut Vec<(Removal, PodOutcome)>) {
        let outcome = match ended(pods) {
            Some(why) => PodOutcome::NotAttempted(why),
            None => self.one(removal, pods).await.unwrap_or_else(std::convert::identity),
        };
        self.hands.journal.finished(&self.intent(removal), &outcome);
        pods.push((removal.clone(), outcome));
    }

    const fn intent<'a>(&'a self, removal: &'a Removal) -> Intent<'a> {
        let Order { cycle, mode, .. } = *self.order;
        let workload = &self.observation.snapshot.workload;
        Intent { cycle, workload, actor: self.actor, removal, mode }
    }

    /// One removal. `Err` is an outcome too: one that came before the call.
    async fn one(
        &self,
        removal: &Removal,
        before: &[(Removal, PodOutcome)],
    ) -> Result<PodOutcome, PodOutcome> {
        self.uninterrupted()?;
        self.still_wanted(before).await?;
        self.enough_left(before).await?;
        self.uninterrupted()?;
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

    /// Looks at the workload once more: it may have been opted out, or a rollout may have begun. A batch of our own looks
    /// like one, so that is asked only before it has removed a pod.
    async fn still_wanted(&self, before: &[(Removal, PodOutcome)]) -> Result<(), PodOutcome> {
        let controller = self.controller().await?;
        let (policy, now) = (self.criteria.policy, self.hands.clock.now());
        let guard = still_not_now(controller.as_ref(), policy, now, is_untouched(before));
        guard.map_or(Ok(()), |guard| Err(PodOutcome::NotAttempted(NotAttempted::NotNow(guard))))
    }

    /// The workload's own object as it is now, where it could be read before. Another one of its name is not it.
    async fn controller(&self) -> Result<Option<Controller>, PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let Some(known) = &self.observation.snapshot.surroundings.controller else { return Ok(None) };
        let now = self.hands.inventory.owner(&known.api_version, &known.kind, &known.name).await;
        match now.map_err(unreadable)?.filter(|now| now.uid == known.uid) {
            Some(now) => Ok(Some(now)),
            None => {
                let of = known.to_string();
                Err(PodOutcome::NotAttempted(NotAttempted::NotNow(NotNow::OwnerGone { of })))
            }
        }
    }

    /// Counts once more which pods serve: others may have failed since the decision. Where no owner tells of a rollout, the
    /// pods do.
    async fn enough_left(&self, before: &[(Removal, PodOutcome)]) -> Result<(), PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let pods = self.hands.inventory.pods().await.map_err(unreadable)?;
        let own = |pod: &&Pod| self.criteria.ownership.belongs(pod, self.criteria.workload);
        let Snapshot { workload, surroundings, .. } = &self.observation.snapshot;
        if is_untouched(before)
            && let Some(guard) = roll(pods.iter().filter(own), surroundings.controller.as_ref(), workload)
        {
            return Err(PodOutcome::NotAttempted(NotAttempted::NotNow(guard)));
        }
        let serving = pods.iter().filter(own).filter(|pod| pod.is_serving()).count();
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

/// This batch has not removed a pod yet.
fn is_untouched(before: &[(Removal, PodOutcome)]) -> bool {
    !before.iter().any(|(_, outcome)| outcome.may_have_removed())
}

/// A hot pod of this batch was removed, or would have been.
fn hot_is_gone(pods: &[(Removal, PodOutcome)]) -> bool {
    let gone = |outcome: &PodOutcome| matches!(outcome, PodOutcome::Removed | PodOutcome::WouldBeRemoved);
    pods.iter().any(|(removal, outcome)| removal.choice.is_hot() && gone(outcome))
}

/// Why no other removal is asked for, when an earlier one showed that.
fn ended(pods: &[(Removal, PodOutcome)]) -> Option<NotAttempted> {
    pods.iter().find_map(|(_, outcome)| outcome.ends_the_batch())
}
