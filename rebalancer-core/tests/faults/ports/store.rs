//! The record and the lock: the store in memory with the real one's history_policy before it takes a lock over, and answers
//! that may be lost.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{
    Acquired, Answer, AnswerWay, Answered, Breaker, Peeked, Record, RemovalFate, RotatedPod, StateError,
    StateStore, Token,
};

use super::{Call, Port, call};
use crate::event::What;
use crate::fault::Fault;
use crate::plant::Bug;
use crate::poll::ready;
use crate::sim::Sim;

/// As the Lease: a lock is taken over only when its time has been up for this long.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_secs(5);

#[async_trait]
impl StateStore for Port {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        self.call(call!("taking the lock"), |sim| {
            reachable(sim)?;
            let acquired = take(sim, now, holder, ttl);
            if let Err(StateError::Held { .. }) = &acquired {
                sim.tally.add("lock: held");
            }
            let (acquired, from) = acquired?;
            if from.is_some() {
                sim.tally.add("lock: taken over");
            }
            self.tell(sim, What::Locked { from: from.as_deref(), stored: &acquired.record });
            answered(sim)?;
            let Acquired { mut record, token } = acquired;
            if sim.has(Bug::BreakerForgotten) && matches!(record.breaker(), Breaker::Open { .. }) {
                record.forgive();
            }
            if sim.has(Bug::ApprovalForged)
                && let Some(id) = record.proposal().map(|proposal| proposal.id.clone())
            {
                let by = Answered::new(Some("nobody"), AnswerWay::Command, now);
                let _ = record.answer(&id, Answer::Approve, by, now);
            }
            Ok(Acquired { record, token: told(sim, token) })
        })
        .await
    }

    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError> {
        self.call(call!("writing the intent"), |sim| {
            reachable(sim)?;
            if sim.has(Bug::SaveSwallowed) {
                return Ok(());
            }
            let mut renewed = token.clone();
            ready(sim.store.save(now, &mut renewed, record))?;
            self.tell(sim, What::Wrote { record, freed: false });
            answered(sim)?;
            *token = told(sim, renewed);
            Ok(())
        })
        .await
    }

    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        self.call(call!("writing the end"), |sim| {
            reachable(sim)?;
            if sim.has(Bug::EndSwallowed) {
                return Ok(());
            }
            // Where it did happen, the lie is the truth.
            let untrue = |pod: &RotatedPod| {
                pod.fate == RemovalFate::Unknown && !sim.world.removed.contains_key(&pod.uid)
            };
            if sim.has(Bug::UnknownTakenForRemoved)
                && record.rotations().iter().flat_map(|rotation| &rotation.pods).any(untrue)
            {
                let mut swapped = record.clone();
                let listed: Vec<_> = Vec::new();
                swapped.reconcile(&listed, now);
                ready(sim.store.release(now, token, &swapped))?;
                self.tell(sim, What::Wrote { record: &swapped, freed: true });
                return Ok(());
            }
            ready(sim.store.release(now, token, record))?;
            self.tell(sim, What::Wrote { record, freed: true });
            answered(sim)
        })
        .await
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        self.call(call!("looking at the record"), |sim| {
            reachable(sim)?;
            ready(sim.store.peek(now))
        })
        .await
    }
}

fn take(
    sim: &mut Sim,
    now: Timestamp,
    holder: &str,
    ttl: SignedDuration,
) -> Result<(Acquired, Option<String>), StateError> {
    let before = ready(sim.store.peek(Timestamp::MIN))?.held;
    if sim.has(Bug::LockForAll) {
        let late = now + SignedDuration::from_hours(i64::try_from(sim.processes.len()).unwrap_or(0));
        let mut acquired = ready(sim.store.acquire(late, holder, ttl))?;
        acquired.token.until = now + ttl;
        return Ok((acquired, None));
    }
    if let Some(held) = ready(sim.store.peek(now - SKEW))?.held {
        return Err(StateError::Held { by: held.by, until: held.until });
    }
    let acquired = ready(sim.store.acquire(now, holder, ttl))?;
    Ok((acquired, before.map(|held| held.by)))
}

fn told(sim: &Sim, token: Token) -> Token {
    let until = if sim.has(Bug::LockEndHidden) { Timestamp::MAX } else { token.until };
    Token { until, ..token }
}

pub(super) fn reachable(sim: &mut Sim) -> Result<(), StateError> {
    if sim.fault(Fault::StateConflict) {
        return Err(StateError::Conflict { message: "injected".to_owned() });
    }
    if sim.fault(Fault::StateLost) {
        return Err(StateError::Unavailable { message: "injected".to_owned() });
    }
    Ok(())
}

/// It was done, and the answer is lost.
pub(super) fn answered(sim: &mut Sim) -> Result<(), StateError> {
    if sim.fault(Fault::StateAnswerLost) {
        return Err(StateError::Unavailable { message: "injected, after it was done".to_owned() });
    }
    Ok(())
}
