//! The lock on the consumer group, which rebalancers of two clusters see. It fails as the store of the record does.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{Acquired, Peeked, Record, StateError, StateStore, Token};

use super::store::{SKEW, answered, reachable};
use super::{Call, Port, call};
use crate::plant::Bug;
use crate::poll::ready;
use crate::sim::Sim;

/// The lock as this process reaches it.
pub(crate) struct GroupPort(pub(crate) Port);

#[async_trait]
impl StateStore for GroupPort {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        let Self(port) = self;
        port.call(call!("taking the group's lock"), |sim| {
            reachable(sim)?;
            let acquired = take(sim, now, holder, ttl);
            sim.note(|| format!("    {}: the group's lock: {acquired:?}", port.cycle));
            sim.tally.add(if acquired.is_ok() { "group's lock: taken" } else { "group's lock: held" });
            answered(sim)?;
            acquired
        })
        .await
    }

    /// Nobody writes into it.
    async fn save(&self, _: Timestamp, _: &mut Token, _: &Record) -> Result<(), StateError> {
        Err(StateError::Rejected { message: "the group has no record".to_owned() })
    }

    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        let Self(port) = self;
        port.call(call!("giving the group's lock back"), |sim| {
            reachable(sim)?;
            sim.note(|| format!("    {}: gives the group's lock back", port.cycle));
            sim.tally.add("group's lock: given back");
            let given = match &sim.group {
                Some(group) => ready(group.lock.release(now, token, record)),
                None => Ok(()),
            };
            answered(sim)?;
            given
        })
        .await
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        let Self(port) = self;
        port.call(call!("looking at the group's lock"), |sim| {
            reachable(sim)?;
            match &sim.group {
                Some(group) => ready(group.lock.peek(now)),
                None => Ok(Peeked { record: Record::default(), held: None }),
            }
        })
        .await
    }
}

fn take(sim: &Sim, now: Timestamp, holder: &str, ttl: SignedDuration) -> Result<Acquired, StateError> {
    let unknown = || StateError::Rejected { message: "the group is in one cluster".to_owned() };
    let lock = &sim.group.as_ref().ok_or_else(unknown)?.lock;
    let told = |acquired: Acquired| {
        let token = Token { until: now + ttl, ..acquired.token };
        Acquired { token, ..acquired }
    };
    if sim.has(Bug::GroupLockForAll) {
        return ready(lock.acquire(Timestamp::MAX, holder, ttl)).map(told);
    }
    if let Some(held) = ready(lock.peek(now - SKEW))?.held {
        return Err(StateError::Held { by: held.by, until: held.until });
    }
    if sim.has(Bug::GroupNotLeftToSettle) {
        return ready(lock.acquire(now, holder, ttl - sim.setup.memory.policy.settle())).map(told);
    }
    ready(lock.acquire(now, holder, ttl))
}
