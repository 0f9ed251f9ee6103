//! The lock on a consumer group that spans clusters: of the rebalancers that share it, one rotates at a time.
//!
//! It is taken when there is a plan, for as long as the cycle may last and its rotation takes to settle. A cycle that removed
//! nothing gives it back. One that removed something, or may have, leaves it to expire, and so does one that dies: the
//! others see neither what it did nor whether it is over, and leave the group alone for as long as it would itself.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{CycleError, Observation, Outcome, PodOutcome};
use crate::history::{Acquired, Held, Pause, Record, StateError, StateStore, Token};
use crate::policy::Policy;
use crate::port::Mode;
use crate::report::Decision;

/// The lock on the consumer group, where rebalancers of several clusters work on it.
#[derive(Clone, Copy)]
pub struct GroupLock<'a> {
    /// Where it is kept, the same for all of them. Its record stays empty.
    pub store: &'a dyn StateStore,
    /// Who we are, for those who find it taken.
    pub who: &'a str,
}

impl fmt::Debug for GroupLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupLock").field("who", &self.who).finish_non_exhaustive()
    }
}

impl<'a> GroupLock<'a> {
    /// What a cycle would decide now: where another rebalancer has the lock, or nobody knows whether one has it, a plan has to wait.
    /// Only looks, and only where there is a plan.
    pub async fn beside(self, observation: Observation, policy: &Policy, now: Timestamp) -> Observation {
        match observation.report.decision {
            Decision::Rotate(_) => match self.look(now).await {
                Ok(()) => observation,
                Err(why) => observation.paused(why, policy),
            },
            Decision::Balanced | Decision::Hold(_) => observation,
        }
    }

    /// `Err`: it could not be taken now, and why.
    async fn look(self, now: Timestamp) -> Result<(), Pause> {
        match self.store.peek(now).await.map_err(pause)?.held {
            Some(Held { by, until }) => Err(Pause::GroupLocked { by, until }),
            None => Ok(()),
        }
    }

    /// Takes it for this cycle; a dry run only looks whether it could. `Err`: why there is no rotation now.
    pub(super) async fn take(
        self,
        cycle: &str,
        mode: Mode,
        HoldFor { acting, settling }: HoldFor,
        now: Timestamp,
    ) -> Result<Option<Taken<'a>>, Pause> {
        match mode {
            Mode::DryRun => self.look(now).await.map(|()| None),
            Mode::Real => {
                let Self { store, who } = self;
                // Two clusters may call a workload the same; no two cycles are.
                let holder = format!("{who}, cycle {cycle}");
                let ttl = acting.saturating_add(settling);
                let Acquired { token, .. } = store.acquire(now, &holder, ttl).await.map_err(pause)?;
                let until = token.until.checked_sub(settling).unwrap_or(Timestamp::MIN);
                Ok(Some(Taken { store, token, until }))
            }
        }
    }
}

/// For how long the lock is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct HoldFor {
    /// Removals may be asked for.
    pub(super) acting: SignedDuration,
    /// Then the group settles.
    pub(super) settling: SignedDuration,
}

/// This cycle has the lock.
pub(super) struct Taken<'a> {
    store: &'a dyn StateStore,
    token: Token,
    /// Nothing may be removed from then on: what is left is for the group to settle.
    pub(super) until: Timestamp,
}

impl Taken<'_> {
    /// Gives it back, unless there is something to settle. What can't be given back expires.
    pub(super) async fn leave(self, outcome: Result<&Outcome, &CycleError>, now: Timestamp) {
        if !outcome.is_ok_and(has_touched) {
            let _ = self.store.release(now, self.token, &Record::default()).await;
        }
    }
}

/// A pod was removed, or may have been.
fn has_touched(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Balanced | Outcome::Held | Outcome::AuditFailed(_) | Outcome::AwaitsApproval { .. } => false,
        Outcome::Acted { pods, .. } => pods.iter().any(|(_, outcome)| PodOutcome::may_have_removed(outcome)),
    }
}

fn pause(error: StateError) -> Pause {
    match error {
        StateError::Held { by, until } => Pause::GroupLocked { by, until },
        StateError::Conflict { .. }
        | StateError::Forbidden { .. }
        | StateError::Unavailable { .. }
        | StateError::Rejected { .. }
        | StateError::Newer { .. }
        | StateError::Unreadable { .. } => Pause::GroupLockUnread { error: error.to_string() },
    }
}
