//! Judges rotations by what they did, cycles by how they ended, and moves the breaker.

use jiff::{SignedDuration, Timestamp};

use super::{Breaker, Effect, HistoryPolicy, Imbalance, Record, Rotation, Trip, later};
use crate::fleet::Indicator;

/// Whether a cycle is evidence that the APIs can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleHealth {
    /// It came to a result, which may be a hold.
    Sound,
    /// An API could not be used, a right is missing, a removal failed.
    Failed,
    /// The process was asked to stop: that proves nothing.
    CutShort,
}

impl Record {
    /// Brings the record to the present; the first thing a cycle does with it. An open breaker whose time is up
    /// becomes half-open.
    ///
    /// What is remembered as later than now was written by a clock that was ahead. It is taken as of now, so that
    /// it can't hold the fleet for longer than if it had just happened.
    pub fn advance(&mut self, now: Timestamp, policy: &HistoryPolicy) {
        for rotation in &mut self.rotations {
            rotation.at = rotation.at.min(now);
            rotation.effect = rotation.effect.advanced(now);
        }
        self.trusted_since = self.trusted_since.map(|since| since.min(now));
        self.removals.rebase(now);
        self.breaker = self.breaker.advanced(now, policy);
        self.advance_proposals(now);
    }

    /// Measures what the last rotation did, once it has settled and where it is not known yet. `imbalance` gives the
    /// current imbalance of an indicator, when it can be read.
    ///
    /// Gives the rotation when it was judged now, and moves the breaker. A half-open breaker's trial whose indicator
    /// can't be read counts as one that did not help, once it has waited for as long as the breaker was open.
    pub fn measure(
        &mut self,
        now: Timestamp,
        policy: &HistoryPolicy,
        imbalance: impl FnOnce(Indicator) -> Option<Imbalance>,
    ) -> Option<&Rotation> {
        let last = self.rotations.last()?;
        if last.effect != Effect::NotYetKnown || later(last.at, policy.settle()) > now {
            return None;
        }
        let effect = match imbalance(last.indicator) {
            Some(after) => Effect::judge(last.before, after, policy.minimum_effect(), now),
            None if self.trial_given_up_at(policy)? <= now => Effect::NeverSeen { at: now },
            None => return None,
        };
        self.settle_last(effect, now, policy);
        self.rotations.last()
    }

    /// Counts a cycle that held the lock, and moves the breaker when it failed too often.
    pub fn cycle_ended(&mut self, status: &str, end: CycleHealth, now: Timestamp, policy: &HistoryPolicy) {
        self.counters.cycles.add(status, 1);
        match end {
            CycleHealth::Sound => {
                self.failures_in_a_row = 0;
                if let Breaker::HalfOpen { why: Trip::CyclesFailed { .. }, since, times } = self.breaker {
                    self.breaker = self.recovered(since, times, policy);
                }
            }
            CycleHealth::CutShort => {}
            CycleHealth::Failed => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.trip_on_failures(now, policy);
            }
        }
    }

    /// Closes the breaker and clears what counts toward opening it, by an operator's explicit choice. Budgets stay as
    /// they are.
    pub fn forgive(&mut self) {
        self.breaker = Breaker::Closed;
        self.unhelpful_in_a_row = 0;
        self.failures_in_a_row = 0;
        // What was predicted until now counts no more.
        self.trusted_since = self.rotations.last().map(|last| later(last.at, SignedDuration::from_nanos(1)));
        self.forget_slow();
    }

    /// The rotation that was made since the breaker is half-open, while its effect is not known.
    pub(super) fn trial(&self) -> Option<&Rotation> {
        let Breaker::HalfOpen { since, .. } = self.breaker else { return None };
        self.rotations.last().filter(|last| last.at >= since && last.effect == Effect::NotYetKnown)
    }

    /// When that rotation counts as one that did not help.
    pub(super) fn trial_given_up_at(&self, policy: &HistoryPolicy) -> Option<Timestamp> {
        let settled = later(self.trial()?.at, policy.settle());
        Some(later(settled, policy.open_for(self.breaker.times())))
    }

    /// It was open for failures, and a cycle went well: no rotation is needed to prove it. What rotations did before is
    /// not made good by that; they still have to show that they help.
    const fn recovered(&self, since: Timestamp, times: u32, policy: &HistoryPolicy) -> Breaker {
        let in_a_row = self.unhelpful_in_a_row;
        if in_a_row >= policy.unhelpful_limit() {
            Breaker::HalfOpen { since, why: Trip::RotationsDidNotHelp { in_a_row }, times }
        } else {
            Breaker::Closed
        }
    }

    fn settle_last(&mut self, effect: Effect, now: Timestamp, policy: &HistoryPolicy) {
        let Some(last) = self.rotations.last_mut() else { return };
        last.effect = effect;
        self.counters.rotations.add(effect.name(), 1);
        match effect {
            Effect::Helped { .. } if self.broken_promises().is_some() && self.last_is_broken() => {
                self.was_lucky(now, policy)
            }
            Effect::Helped { .. } => self.helped(),
            Effect::DidNotHelp { .. } | Effect::NeverSeen { .. } => self.did_not_help(now, policy),
            Effect::NotMade | Effect::NotYetKnown => {}
        }
        if let (Some(trip), Breaker::Closed) = (self.broken_promises(), self.breaker) {
            self.open(trip, now, policy);
        }
    }

    fn helped(&mut self) {
        self.unhelpful_in_a_row = 0;
        // An open breaker is open for failures: that a rotation of before helped says nothing about the APIs.
        if matches!(self.breaker, Breaker::HalfOpen { .. }) {
            self.breaker = Breaker::Closed;
            self.trusted_since = self.rotations.last().map(|last| last.at);
        }
    }

    /// It helped, but by far less than was promised, as others before it: that forgives nothing, and a trial failed.
    fn was_lucky(&mut self, now: Timestamp, policy: &HistoryPolicy) {
        if matches!(self.breaker, Breaker::HalfOpen { .. }) {
            self.did_not_help(now, policy);
        }
    }

    fn did_not_help(&mut self, now: Timestamp, policy: &HistoryPolicy) {
        self.unhelpful_in_a_row = self.unhelpful_in_a_row.saturating_add(1);
        let in_a_row = self.unhelpful_in_a_row;
        let limit = match self.breaker {
            Breaker::HalfOpen {
                why: Trip::RotationsDidNotHelp { .. } | Trip::UnreliablePrediction { .. },
                ..
            } => 1,
            Breaker::HalfOpen { why: Trip::CyclesFailed { .. }, .. } | Breaker::Closed => {
                policy.unhelpful_limit()
            }
            Breaker::Open { .. } => return,
        };
        if in_a_row >= limit {
            self.open(Trip::RotationsDidNotHelp { in_a_row }, now, policy);
        }
    }

    fn trip_on_failures(&mut self, now: Timestamp, policy: &HistoryPolicy) {
        let in_a_row = self.failures_in_a_row;
        let limit = match self.breaker {
            Breaker::Open { .. } => return,
            Breaker::HalfOpen { why: Trip::CyclesFailed { .. }, .. } => 1,
            Breaker::HalfOpen {
                why: Trip::RotationsDidNotHelp { .. } | Trip::UnreliablePrediction { .. },
                ..
            }
            | Breaker::Closed => policy.failure_limit(),
        };
        if in_a_row >= limit {
            self.open(Trip::CyclesFailed { in_a_row }, now, policy);
        }
    }

    fn open(&mut self, why: Trip, now: Timestamp, policy: &HistoryPolicy) {
        self.breaker = self.breaker.opened(why, now, policy);
        self.counters.breaker.add(why.name(), 1);
    }
}
