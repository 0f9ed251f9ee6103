//! Pauses are kept: a fleet is left alone while its last rotation settles and while the stored breaker is open, and a
//! half-open one allows one rotation until its effect is known. A breaker that is open stays open until its time is up;
//! as long as no rotation helps, each time that it opens for them is longer than the one before.
//!
//! Times are remembered by one process's clock and judged by another's, so that each may be off by what clocks differ.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{Breaker, Effect, Record};

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::World;

pub(super) struct Pauses {
    settle: SignedDuration,
    slack: SignedDuration,
    /// When each cycle wrote its intent down.
    intents: ByCycle<Timestamp>,
    /// Which cycle removed pods last, and when its rotation began.
    last: Option<(String, Timestamp)>,
    /// Until when the breaker was open when each cycle took the lock.
    open: ByCycle<Timestamp>,
    /// The breaker as it was stored last, and whose rotation is its trial.
    breaker: Breaker,
    trial: Option<String>,
    /// How often it opened because of rotations, and how many times in a row it had opened then.
    opened: (u64, u32),
}

impl Pauses {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            settle: setup.memory.policy.settle(),
            slack: setup.clock_error * 2,
            intents: ByCycle::new(),
            last: None,
            open: ByCycle::new(),
            breaker: Breaker::Closed,
            trial: None,
            opened: (0, 0),
        }
    }

    fn wrote(&mut self, cycle: &str, record: &Record, begins: bool, now: Timestamp) -> Result<(), String> {
        let open = |breaker| matches!(breaker, Breaker::Open { until, .. } if until > now + self.slack);
        let stays = !open(self.breaker) || matches!(record.breaker(), Breaker::Open { .. });
        ensure(stays, || format!("{:?} became {:?}", self.breaker, record.breaker()))?;
        self.breaker = record.breaker();
        self.grows(record)?;
        let pending = self.trial.as_ref().is_some_and(|trial| is_pending(record, trial));
        if !pending || !matches!(self.breaker, Breaker::HalfOpen { .. }) {
            self.trial = None;
        }
        if begins {
            self.intents.insert(cycle.to_owned(), now);
        }
        Ok(())
    }

    fn grows(&mut self, record: &Record) -> Result<(), String> {
        let (opened, times) = self.opened;
        let now_opened = record.counters().breaker.get("rotations_did_not_help");
        if record.unhelpful_in_a_row() == 0 {
            self.opened = (now_opened, 0);
        } else if now_opened > opened {
            self.opened = (now_opened, record.breaker().times());
            return ensure(record.breaker().times() > times, || {
                format!("it opens as if for time {}, after {times}", record.breaker().times())
            });
        }
        Ok(())
    }

    fn removed(&mut self, cycle: &str, now: Timestamp) -> Result<(), String> {
        if let Some(until) = self.open.get(cycle).filter(|until| **until > now + self.slack) {
            return Err(format!("the breaker is open until {until:.3}"));
        }
        if let Some((other, began)) = self.last.as_ref().filter(|(other, _)| other != cycle) {
            let rested = now.duration_since(*began) + self.slack >= self.settle;
            ensure(rested, || format!("the rotation of {other} at {began:.3} has not settled"))?;
        }
        if matches!(self.breaker, Breaker::HalfOpen { .. }) {
            let trial = self.trial.get_or_insert_with(|| cycle.to_owned());
            ensure(trial == cycle, || format!("the trial of {trial} has not been judged"))?;
        }
        let began = self.intents.get(cycle).copied().unwrap_or(now);
        self.last = Some((cycle.to_owned(), began));
        Ok(())
    }
}

fn is_pending(record: &Record, cycle: &str) -> bool {
    record
        .rotations()
        .iter()
        .any(|rotation| rotation.cycle == cycle && rotation.effect == Effect::NotYetKnown)
}

impl Invariant for Pauses {
    fn name(&self) -> &'static str {
        "pauses are kept"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Locked { stored, .. } => {
                if let Breaker::Open { until, .. } = stored.breaker() {
                    self.open.insert(event.cycle.to_owned(), until);
                }
            }
            What::Wrote { record, freed } => return self.wrote(event.cycle, record, !freed, world.now),
            What::Removed { .. } => return self.removed(event.cycle, world.now),
            What::Crashed { .. } | What::Ended { .. } => {
                self.open.remove(event.cycle);
                self.intents.remove(event.cycle);
            }
            _ => {}
        }
        Ok(())
    }
}
