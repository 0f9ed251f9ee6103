//! What a cycle does with memory: it looks back before anything is decided, and writes the intent before anything is
//! removed.
//!
//! ```text
//!   open ──> (read) ──> look_back ──> constraints ──> (plan) ──> decided ──> begin ──> (act) ──> close
//! ```
//!
//! Where somebody must approve, `ask` stands before `begin`.
//!
//! A dry run and a plan only read: they decide by what is remembered, and write nothing.

mod ask;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{CycleError, NotBegun, Outcome, Permission, PodOutcome, Rebalance, Watched};
use crate::fleet::{Indicator, Uid};
use crate::group::{carried_now, factors};
use crate::history::{
    Acquired, Breaker, Constraints, CycleCost, CycleHealth, GroupEffect, Happened, HistoryPolicy, Imbalance,
    Notice, NoticePolicy, Peeked, Promised, ReconciledRemoval, Record, Rotation, SlowPod, StateError,
    StateStore, Token,
};
use crate::planner::measure;
use crate::policy::{ByTiming, Policy};
use crate::port::{Interruption, Mode};
use crate::prediction::{Expected, Prediction};
use crate::report::{Decision, Expectation, IndicatorReport, Method, Plan, Removal, Report};
use crate::snapshot::Snapshot;
use crate::unit::{Ratio, Share};

/// Rotating this share of the fleet must make it more even by at least a quarter of that share.
const EFFECT_BY_SHARE: f64 = 0.25;

/// The record during one cycle, with the lock on it when the cycle may act.
#[derive(Debug)]
pub struct Memory {
    cycle: String,
    policy: HistoryPolicy,
    record: Record,
    /// As it was read, brought to the present: what a dry run leaves.
    read: Record,
    token: Option<Token>,
    /// What is told of the cycle; `None`: nothing is.
    notices: Option<NoticePolicy>,
    /// What happened so far that may have to be told.
    happened: Happened,
}

/// A record that was written, and what is to be told now that it is.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Written {
    /// As it is in the store; in a dry run, as it was read.
    pub record: Record,
    /// What somebody is to be told of. The record counts it as told.
    pub notices: Vec<Notice>,
}

/// What a look back shows.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct LookBack {
    /// Removals that an interrupted process intended, with what became of them.
    pub reconciled: Vec<ReconciledRemoval>,
    /// The last rotation, when its effect was measured now.
    pub judged: Option<Rotation>,
    /// The circuit breaker after that.
    pub breaker: Breaker,
}

impl Memory {
    /// Takes the lock and reads the record; a dry run only reads it.
    ///
    /// `cycle` is this run's own id. `ttl` must be longer than the whole cycle.
    ///
    /// # Errors
    /// When another run holds the lock, or the record can't be used: then the cycle must hold.
    pub async fn open(
        store: &dyn StateStore,
        cycle: &str,
        mode: Mode,
        ttl: SignedDuration,
        policy: HistoryPolicy,
        now: Timestamp,
    ) -> Result<Self, StateError> {
        let (mut record, token) = match mode {
            Mode::Real => {
                let Acquired { record, token } = store.acquire(now, cycle, ttl).await?;
                (record, Some(token))
            }
            Mode::DryRun => {
                let Peeked { record, .. } = store.peek(now).await?;
                (record, None)
            }
        };
        record.advance(now, &policy);
        let happened = Happened { cycle: cycle.to_owned(), ..Happened::default() };
        let read = record.clone();
        Ok(Self { cycle: cycle.to_owned(), policy, read, record, token, notices: None, happened })
    }

    /// Tells of the cycle what this policy wants, once its end is written.
    #[must_use]
    pub fn telling(self, notices: Option<NoticePolicy>) -> Self {
        Self { notices, ..self }
    }

    /// What is remembered.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Until when the lock is held; no removal may be requested later.
    #[must_use]
    pub fn held_until(&self) -> Option<Timestamp> {
        self.token.as_ref().map(|token| token.until)
    }

    /// What memory allows now. Call [`look_back`](Self::look_back) before.
    ///
    /// How many pods may go follows from the record as it was read: a removal whose result nobody recorded counts as
    /// made in this cycle, whatever the look back found. All else follows from what the look back found.
    #[must_use]
    pub fn constraints(&self, now: Timestamp) -> Constraints {
        let Constraints { most_removals, .. } = self.read.constraints(now, &self.policy);
        Constraints { most_removals, ..self.record.constraints(now, &self.policy) }
    }

    /// Settles the removals whose results earlier cycles did not record, and measures what the last rotation did.
    pub fn look_back(&mut self, snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> LookBack {
        let listed: Vec<_> = snapshot.pods.iter().map(|observed| observed.pod.clone()).collect();
        let reconciled = self.record.reconcile(&listed, now);
        let expected = self.expecting(listed.len());
        // Before the rotation is judged, which closes it.
        if let Some(carried) = carried_now(snapshot) {
            self.record.watched_late(carried, now, &expected);
        }
        if let Some(last) = self.record.rotations().last() {
            let factors = factors(snapshot, last.indicator);
            self.record.replaced(&factors, now, &expected);
        }
        let indicators = || measure(snapshot, policy);
        let judged = self.record.measure(now, &expected, |indicator| imbalance(&indicators(), indicator));
        let judged = judged.cloned();
        self.record.count_degraded(snapshot.degraded.iter().map(|degraded| degraded.indicator.name()));
        self.happened.judged.clone_from(&judged);
        LookBack { reconciled, judged, breaker: self.record.breaker() }
    }

    /// Four pods of a thousand can't make the whole fleet 5 % more even: a small share of the fleet is held to a
    /// small effect.
    fn expecting(&self, fleet: usize) -> HistoryPolicy {
        let rotated = self.record.rotations().last().map_or(0, |rotation| rotation.pods.len());
        let share = rotated as f64 / fleet.max(1) as f64;
        let effect = self.policy.minimum_effect();
        let scaled = Share::new((share * EFFECT_BY_SHARE).min(effect.get())).unwrap_or(effect);
        self.policy.asking_for(scaled)
    }

    /// Counts what was decided, and how long that took.
    pub fn decided(&mut self, report: &Report, took: SignedDuration) {
        self.happened.hold = match &report.decision {
            Decision::Hold(hold) => Some((hold.name(), hold.to_string())),
            Decision::Balanced | Decision::Rotate(_) => None,
        };
        let hold = self.happened.hold.as_ref().map(|(name, _)| *name);
        self.record.count_decision(hold, took);
    }

    /// Writes the intent, before anything is removed. The same write uses the approval up. A dry run writes nothing.
    ///
    /// # Errors
    /// When it is not known to be written: then nothing may be removed.
    pub async fn begin(
        &mut self,
        store: &dyn StateStore,
        report: &Report,
        plan: &Plan,
        permission: Permission<'_>,
        now: Timestamp,
    ) -> Result<(), NotBegun> {
        let Some(token) = &mut self.token else { return Ok(()) };
        let predicted = match &plan.expectation {
            Expectation::Predicted(prediction) => Ratio::new(prediction.expected_cv).ok(),
            Expectation::EvenMixing(_) => None,
        };
        let pods = plan.removals.iter().map(|removal| (removal.pod.clone(), removal.choice.role()));
        let before = imbalance(&report.indicators, plan.indicator).unwrap_or(NOTHING_KNOWN);
        let rotation = Rotation::intended(&self.cycle, now, plan.indicator, pods, before, predicted)
            .map_err(NotBegun::Unrecordable)?
            .with_promised(promised(predicted_by_timing(plan)))
            .with_group(report.carried.as_ref().and_then(expected))
            .with_slow(&slow(&report.method, plan));
        match permission {
            Permission::NotRequired => self.record.begin(rotation),
            Permission::Approved(_) => self.record.begin_approved(rotation),
        }
        store.save(now, token, &self.record).await.map_err(NotBegun::State)
    }

    /// Puts in what the consumer group showed after the removals.
    pub fn watched(&mut self, watched: &Watched) {
        let settled = match watched.rebalance {
            Rebalance::Settled { after } => Some(after),
            Rebalance::NotYet { .. } | Rebalance::Unread { .. } => None,
        };
        self.record.watched(&self.cycle, settled, watched.timing, watched.carried);
    }

    /// Closes the breaker and clears what counts toward opening it, by an operator's explicit choice. Budgets and
    /// counters stay.
    pub fn forgive(&mut self) {
        self.record.forgive();
    }

    /// Writes the record and releases the lock, outside of a cycle. A dry run writes nothing.
    ///
    /// # Errors
    /// When it is not known to be written.
    pub async fn leave(mut self, store: &dyn StateStore, now: Timestamp) -> Result<(), StateError> {
        match self.token.take() {
            Some(token) => store.release(now, token, &self.record).await,
            None => Ok(()),
        }
    }

    /// Writes down how the cycle ended and what it took, and releases the lock. `ended` is its outcome, or why it has
    /// none. Gives the record as it is written now; a dry run gives it as it was read, since it counts nothing.
    ///
    /// # Errors
    /// When it is not known to be written. The lock then expires, and the next cycle checks what became of the
    /// removals.
    pub async fn close(
        mut self,
        store: &dyn StateStore,
        ended: Result<&Outcome, &CycleError>,
        cost: CycleCost,
        now: Timestamp,
    ) -> Result<Written, StateError> {
        let Some(token) = self.token.take() else {
            return Ok(Written { record: self.read, notices: Vec::new() });
        };
        match ended {
            Ok(Outcome::Acted { pods, .. }) => {
                let results: Vec<_> =
                    pods.iter().map(|(removal, outcome)| outcome.result(&removal.pod.uid)).collect();
                self.record.finish(&self.cycle, &results, now);
            }
            Err(CycleError::NotBegun(_)) => self.record.withdraw(&self.cycle),
            Ok(_) | Err(_) => {}
        }
        // A node that is drained says nothing about the APIs.
        let end = match ended {
            Err(CycleError::Stopped(Interruption::Signal)) => CycleHealth::CutShort,
            Ok(outcome) if outcome.was_asked_to_end() => CycleHealth::CutShort,
            Ok(outcome) if !outcome.is_failure() => CycleHealth::Sound,
            Ok(_) | Err(_) => CycleHealth::Failed,
        };
        self.record.cycle_ended(ended.map_or("failed", Outcome::status), end, now, &self.policy);
        self.record.count_cost(cost);
        self.happened.failed = match ended {
            Err(CycleError::Stopped(Interruption::Signal)) => None,
            Err(error) => Some(error.to_string()),
            Ok(outcome) if end == CycleHealth::Failed => Some(why_failed(outcome)),
            Ok(_) => None,
        };
        let notices = self.notices.as_ref();
        let notices = notices.map(|policy| self.record.tell(&self.happened, policy, now)).unwrap_or_default();
        store.release(now, token, &self.record).await?;
        Ok(Written { record: self.record, notices })
    }
}

/// What went wrong in a cycle that came to an outcome.
fn why_failed(outcome: &Outcome) -> String {
    match outcome {
        Outcome::AuditFailed(violations) => {
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            format!("the plan breaks a safety rule: {}", violations.join("; "))
        }
        Outcome::Acted { pods, .. } => {
            let failed = pods.iter().filter_map(|(removal, outcome)| match outcome {
                PodOutcome::Failed(error) => Some(format!("{}: {error}", removal.pod.name)),
                PodOutcome::Removed
                | PodOutcome::WouldBeRemoved
                | PodOutcome::Spared(_)
                | PodOutcome::NotAttempted(_) => None,
            });
            let failed: Vec<String> = failed.collect();
            match failed.is_empty() {
                true => "the batch was broken off".to_owned(),
                false => format!("a removal failed: {}", failed.join("; ")),
            }
        }
        Outcome::Balanced | Outcome::Held | Outcome::AwaitsApproval { .. } => String::new(),
    }
}

/// Of the pods that go, those that stand out, with what the same work costs on them.
fn slow(method: &Method, plan: &Plan) -> BTreeMap<Uid, SlowPod> {
    let Method::Predict { pod_side, .. } = method else { return BTreeMap::new() };
    let slow = |removal: &Removal| {
        let (_, factor) = pod_side.iter().find(|(name, _)| *name == removal.pod.name)?;
        let factor = Ratio::new(*factor).ok().filter(|factor| factor.get() > 1.0)?;
        Some((removal.pod.uid.clone(), SlowPod::new(removal.node.as_deref(), factor)))
    };
    plan.removals.iter().filter_map(slow).collect()
}

/// What is predicted for the group, as the record keeps it.
fn expected(carried: &Prediction) -> Option<GroupEffect> {
    let imbalance =
        |cv, max_to_mean| Some(Imbalance::new(Ratio::new(cv).ok()?, Ratio::new(max_to_mean).ok()?));
    let before = imbalance(carried.cv_before, carried.max_to_mean_before)?;
    let predicted = imbalance(carried.expected_cv, carried.expected_max_to_mean)?;
    let effect = GroupEffect::predicted(before, predicted, Ratio::new(carried.spread_of_draws()).ok()?);
    Some(effect.with_promised(promised(carried.by_timing)))
}

const fn predicted_by_timing(plan: &Plan) -> Option<ByTiming<Expected>> {
    match &plan.expectation {
        Expectation::Predicted(prediction) => prediction.by_timing,
        Expectation::EvenMixing(_) => None,
    }
}

fn promised(expected: Option<ByTiming<Expected>>) -> Option<ByTiming<Promised>> {
    let checked =
        |Expected { cv, spread }| Some(Promised::new(Ratio::new(cv).ok()?, Ratio::new(spread).ok()?));
    let ByTiming { leave_then_join, all_at_once, one_by_one } = expected?;
    Some(ByTiming {
        leave_then_join: checked(leave_then_join)?,
        all_at_once: checked(all_at_once)?,
        one_by_one: checked(one_by_one)?,
    })
}

/// The spread of a plan whose indicator the report does not have; a plan always comes with it.
const NOTHING_KNOWN: Imbalance = Imbalance { cv: Ratio::ZERO, max_to_mean: Ratio::ZERO };

fn imbalance(indicators: &[IndicatorReport], indicator: Indicator) -> Option<Imbalance> {
    let seen = indicators.iter().find(|seen| seen.indicator == indicator)?;
    Imbalance::of(&seen.distribution)
}

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
