//! Carries a plan out, one removal after the other.

use jiff::{SignedDuration, Timestamp};

use super::left::Left;
use super::ownership::again;
use super::replaced::Replaced;
use super::{Changed, Intent, NotAttempted, Permission, PodOutcome, Ports};
use crate::audit::AuditedPlan;
use crate::eligibility::Criteria;
use crate::fleet::Controller;
use crate::guard::{NotNow, changed, executing, moved, still_not_now};
use crate::port::{GroupError, Interruption, Mode, RemovalError};
use crate::report::Removal;
use crate::snapshot::{ObservedGroup, Surroundings};

/// How a plan is carried out.
#[derive(Debug, Clone, Copy)]
pub struct ActSettings<'a> {
    /// The cycle's id.
    pub cycle: &'a str,
    /// Real or dry run.
    pub mode: Mode,
    /// By what right.
    pub permission: Permission<'a>,
    /// No removal begins at this time or later: it could take effect when someone else holds the lock. `None` without a
    /// lock.
    pub lock_until: Option<Timestamp>,
    /// Time between two looks at the consumer group, where removals wait for each other.
    pub look_every: SignedDuration,
}

/// Carries an audited plan out, and returns what became of each pod, in the order in which it was tried. Removals are
/// requested one after the other, each at most once; between two of them the interrupt is asked.
pub async fn act(
    audited: &AuditedPlan<'_>,
    ports: &Ports<'_>,
    settings: &ActSettings<'_>,
) -> Vec<(Removal, PodOutcome)> {
    let actor = ports.deleter.actor().await;
    let criteria = Criteria::of(audited.snapshot(), audited.policy());
    let batch = Batch { audited, criteria, ports, settings, actor: actor.as_deref() };
    batch.all().await
}

/// What every removal of a batch needs.
struct Batch<'a> {
    audited: &'a AuditedPlan<'a>,
    criteria: Criteria<'a>,
    ports: &'a Ports<'a>,
    settings: &'a ActSettings<'a>,
    actor: Option<&'a str>,
}

impl Batch<'_> {
    /// Cold pods wait until a hot one is gone: without it, removing them only costs a rebalance.
    async fn all(&self) -> Vec<(Removal, PodOutcome)> {
        let plan = self.audited.plan();
        let mut pods: Vec<(Removal, PodOutcome)> = Vec::with_capacity(plan.removals.len());
        let mut waiting = Vec::new();
        let mut replaced = Replaced::none(self.audited, self.ports, self.settings.look_every);
        for removal in &plan.removals {
            if !removal.choice.is_hot() && !hot_is_gone(&pods) {
                waiting.push(removal);
                continue;
            }
            self.journaled(removal, &mut pods, &mut replaced).await;
            if hot_is_gone(&pods) {
                for removal in std::mem::take(&mut waiting) {
                    self.journaled(removal, &mut pods, &mut replaced).await;
                }
            }
        }
        for removal in waiting {
            let why = ended(&pods).unwrap_or(NotAttempted::NoHotPodRemoved);
            let outcome = self.uninterrupted().err().unwrap_or(PodOutcome::NotAttempted(why));
            self.ports.journal.finished(&self.intent(removal), &outcome);
            pods.push((removal.clone(), outcome));
        }
        pods
    }

    /// One removal, and its outcome in the journal.
    async fn journaled(
        &self,
        removal: &Removal,
        pods: &mut Vec<(Removal, PodOutcome)>,
        replaced: &mut Replaced<'_>,
    ) {
        let outcome = match ended(pods) {
            Some(why) => PodOutcome::NotAttempted(why),
            None => self.one(removal, pods, replaced).await.unwrap_or_else(std::convert::identity),
        };
        self.ports.journal.finished(&self.intent(removal), &outcome);
        pods.push((removal.clone(), outcome));
    }

    fn intent<'a>(&'a self, removal: &'a Removal) -> Intent<'a> {
        let ActSettings { cycle, mode, permission, .. } = *self.settings;
        let workload = &self.audited.snapshot().workload;
        Intent { cycle, workload, actor: self.actor, approval: permission.approval(), removal, mode }
    }

    /// One removal. `Err` is an outcome too: one that came before the call.
    async fn one(
        &self,
        removal: &Removal,
        before: &[(Removal, PodOutcome)],
        replaced: &mut Replaced<'_>,
    ) -> Result<PodOutcome, PodOutcome> {
        self.uninterrupted()?;
        if let Err(why) = replaced.all(before).await {
            self.uninterrupted()?;
            return Err(PodOutcome::NotAttempted(why));
        }
        let replaced = replaced.are_there(before);
        self.still_wanted(is_untouched(before) || replaced).await?;
        self.same_group(before).await?;
        // A dry run asks as often as a real one.
        let tried = before.iter().any(|(_, outcome)| would_be_gone(outcome));
        let begins = (is_untouched(before) && !tried) || replaced;
        if begins {
            self.nothing_moves().await?;
        }
        self.enough_left(removal, begins).await?;
        self.uninterrupted()?;
        self.unchanged(removal).await?;
        // Reading again took time; a call that has not begun need not begin.
        self.uninterrupted()?;
        self.ports.journal.intended(&self.intent(removal));
        let mode = self.settings.mode;
        Ok(match (self.ports.deleter.remove(&removal.pod, mode).await, mode) {
            (Ok(()), Mode::Real) => PodOutcome::Removed,
            (Ok(()), Mode::DryRun) => PodOutcome::WouldBeRemoved,
            (Err(RemovalError::Gone), _) => PodOutcome::Spared(Changed::Gone),
            (Err(RemovalError::Replaced), _) => PodOutcome::Spared(Changed::Replaced { by: None }),
            (Err(error), _) => PodOutcome::Failed(error),
        })
    }

    fn uninterrupted(&self) -> Result<(), PodOutcome> {
        // The lock's time runs on while a process is suspended, which a deadline's clock may not notice.
        let expired = self.settings.lock_until.is_some_and(|until| self.ports.clock.now() >= until);
        let why = self.ports.interrupt.requested().or(expired.then_some(Interruption::LockExpired));
        why.map_or(Ok(()), |why| Err(PodOutcome::NotAttempted(NotAttempted::Interrupted(why))))
    }

    /// Looks at the workload once more: it may have been opted out, or a rollout may have begun. A batch of our own looks
    /// like one, so that is asked only before it has removed a pod, or where what it removed is replaced.
    async fn still_wanted(&self, untouched: bool) -> Result<(), PodOutcome> {
        let controller = self.controller().await?;
        let (policy, now) = (self.criteria.policy, self.ports.clock.now());
        let guard = still_not_now(controller.as_ref(), policy, now, untouched);
        guard.map_or(Ok(()), |guard| Err(PodOutcome::NotAttempted(NotAttempted::NotNow(guard))))
    }

    /// Looks at the consumer group once more, before anything is done to it: what was worked out is true of the group that
    /// was seen. Its partitions are asked for by the next cycle.
    async fn same_group(&self, before: &[(Removal, PodOutcome)]) -> Result<(), PodOutcome> {
        let (Some(side), Some(seen)) = (self.ports.group, &self.audited.snapshot().group) else {
            return Ok(());
        };
        if !is_untouched(before) {
            return Ok(());
        }
        let not_now = |guard| PodOutcome::NotAttempted(NotAttempted::NotNow(guard));
        let now = side.source.group().await;
        let now = now.map_err(|error| not_now(NotNow::GroupUnread { error: error.to_string() }))?;
        changed(&seen.group, &now).map_or(Ok(()), |guard| Err(not_now(guard)))
    }

    /// Asks once more who moves partitions between brokers, or is about to: an execution may have begun since the decision, or
    /// while a replacement was waited for.
    async fn nothing_moves(&self) -> Result<(), PodOutcome> {
        let snapshot = self.audited.snapshot();
        let not_now = |guard| PodOutcome::NotAttempted(NotAttempted::NotNow(guard));
        if let (Some(cruise_control), Some(_)) =
            (self.ports.cruise_control, &snapshot.surroundings.cruise_control)
        {
            let told = cruise_control.executor().await;
            executing(&told).map_or(Ok(()), |guard| Err(not_now(guard)))?;
        }
        // Without the right to know, it was not known when it was decided either.
        let (Some(side), Some(ObservedGroup { topics, moving: Ok(_), .. })) =
            (self.ports.group, &snapshot.group)
        else {
            return Ok(());
        };
        let unread = |error: GroupError| not_now(NotNow::GroupUnread { error: error.to_string() });
        let now = side.source.reassignments(topics).await.map_err(unread)?;
        let moving = now.map_err(|missing| unread(GroupError::Unauthorized { missing }))?;
        moved(&moving).map_or(Ok(()), |guard| Err(not_now(guard)))
    }

    /// The workload's own object as it is now, where it could be read before. Another one of its name is not it.
    async fn controller(&self) -> Result<Option<Controller>, PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let Surroundings { controller: Some(known), ownership, .. } = &self.audited.snapshot().surroundings
        else {
            return Ok(None);
        };
        match again(self.ports.inventory, ownership, known).await.map_err(unreadable)? {
            Some(now) => Ok(Some(now)),
            None => {
                let of = known.to_string();
                Err(PodOutcome::NotAttempted(NotAttempted::NotNow(NotNow::OwnerGone { of })))
            }
        }
    }

    /// Looks once more which pods serve, and whether a rollout has begun: others may have failed since the decision.
    async fn enough_left(&self, removal: &Removal, untouched: bool) -> Result<(), PodOutcome> {
        let Self { audited, criteria, .. } = self;
        let left = Left { inventory: self.ports.inventory, audited, criteria, untouched };
        left.enough_without(removal).await.map_err(PodOutcome::NotAttempted)
    }

    /// Looks at the pod once more, right before its removal.
    async fn unchanged(&self, removal: &Removal) -> Result<(), PodOutcome> {
        let unreadable = |error| PodOutcome::NotAttempted(NotAttempted::Unreadable(error));
        let changed = match self.ports.inventory.pod(&removal.pod.name).await.map_err(unreadable)? {
            None => Some(Changed::Gone),
            Some(pod) if pod.uid != removal.pod.uid => Some(Changed::Replaced { by: Some(pod.uid) }),
            Some(pod) => self.criteria.veto(&pod, self.ports.clock.now()).map(Changed::Vetoed),
        };
        changed.map_or(Ok(()), |changed| Err(PodOutcome::Spared(changed)))
    }
}

/// This batch has not removed a pod yet.
fn is_untouched(before: &[(Removal, PodOutcome)]) -> bool {
    !before.iter().any(|(_, outcome)| outcome.may_have_removed())
}

fn would_be_gone(outcome: &PodOutcome) -> bool {
    matches!(outcome, PodOutcome::Removed | PodOutcome::WouldBeRemoved)
}

/// A hot pod of this batch was removed, or would have been.
fn hot_is_gone(pods: &[(Removal, PodOutcome)]) -> bool {
    pods.iter().any(|(removal, outcome)| removal.choice.is_hot() && would_be_gone(outcome))
}

/// Why no other removal is requested, when an earlier one showed that.
fn ended(pods: &[(Removal, PodOutcome)]) -> Option<NotAttempted> {
    pods.iter().find_map(|(_, outcome)| outcome.ends_the_batch())
}
