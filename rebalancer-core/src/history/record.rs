//! The record itself: what is put in, and what follows from it.

use jiff::{SignedDuration, Timestamp};

use super::counter::{KAFKA, KUBERNETES, PROMETHEUS};
use super::ledger::Ledger;
use super::notice::Told;
use super::proposals::Proposals;
use super::rotation::MOST_PODS;
use super::{
    Breaker, Counters, CycleCost, Effect, Found, HistoryPolicy, Imbalance, ReconciledRemoval, RemovalFate,
    RemovalResult, RotatedPod, Rotation, SeenTiming, earlier, later,
};
use crate::fleet::Pod;
use crate::policy::Timing;

/// Raised when an older binary would do harm by not knowing a field. Fields that it may ignore, and lose when it
/// saves, don't raise it: they are skipped on reading rather than carried along, since a value that nobody updates
/// is soon wrong.
pub const SCHEMA_VERSION: u32 = 1;

const MOST_ROTATIONS: usize = 20;

/// The part of a stored record that every version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
pub struct Header {
    /// Its schema.
    pub version: u32,
}

impl Header {
    /// It was written by a later version, which may know reasons to hold that this one doesn't.
    #[must_use]
    pub const fn is_newer(self) -> bool {
        self.version > SCHEMA_VERSION
    }
}

/// What is remembered of one workload.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Record {
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::version"))]
    version: u32,
    /// Newest last.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::rotations"))]
    pub(super) rotations: Vec<Rotation>,
    pub(super) removals: Ledger,
    pub(super) unhelpful_in_a_row: u32,
    pub(super) failures_in_a_row: u32,
    pub(super) breaker: Breaker,
    /// Predictions of rotations since then are judged; `None`: of all that are remembered.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(super) trusted_since: Option<Timestamp>,
    /// What was asked before it was done, and what was answered.
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            skip_serializing_if = "Proposals::is_empty",
            deserialize_with = "super::codec::proposals"
        )
    )]
    pub(super) proposals: Proposals,
    /// What somebody was told of.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Told::is_empty", deserialize_with = "super::codec::told")
    )]
    pub(super) told: Told,
    pub(super) counters: Counters,
}

impl Default for Record {
    /// Nothing has happened yet.
    fn default() -> Self {
        Self {
            version: SCHEMA_VERSION,
            rotations: Vec::new(),
            removals: Ledger::default(),
            unhelpful_in_a_row: 0,
            failures_in_a_row: 0,
            breaker: Breaker::default(),
            trusted_since: None,
            proposals: Proposals::default(),
            told: Told::default(),
            counters: Counters::default(),
        }
    }
}

impl Record {
    /// The last rotations, newest last.
    #[must_use]
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// The circuit breaker.
    #[must_use]
    pub const fn breaker(&self) -> Breaker {
        self.breaker
    }

    /// Everything that is counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Rotations in a row that did not help.
    #[must_use]
    pub const fn unhelpful_in_a_row(&self) -> u32 {
        self.unhelpful_in_a_row
    }

    /// Cycles in a row that failed.
    #[must_use]
    pub const fn failures_in_a_row(&self) -> u32 {
        self.failures_in_a_row
    }

    /// Puts a rotation in that is about to be made. Save the record before the first removal is requested.
    pub fn begin(&mut self, rotation: Rotation) {
        // A clock that was set back since the breaker became half-open must not hide its trial.
        if let Breaker::HalfOpen { since, .. } = &mut self.breaker {
            *since = rotation.at.min(*since);
        }
        self.rotations.push(rotation);
        let (rotations, forgotten) = trimmed(std::mem::take(&mut self.rotations));
        self.rotations = rotations;
        for (at, pods) in forgotten {
            self.removals.add(at, pods);
        }
    }

    /// Puts in what became of the rotation's pods, as the cycle reports it. A pod that is not mentioned stays intended;
    /// the next cycle looks for it.
    ///
    /// Removals are counted from now on, not from when the rotation began: they came after that.
    pub fn finish(&mut self, cycle: &str, results: &[RemovalResult], now: Timestamp) {
        for result in results {
            self.count_failure(result);
        }
        let Some(rotation) = self.rotations.iter_mut().rev().find(|rotation| rotation.cycle == cycle) else {
            return;
        };
        let mut removed = Vec::new();
        for pod in rotation.pods.iter_mut().filter(|pod| pod.fate.is_open()) {
            if let Some(result) = results.iter().find(|result| result.uid == pod.uid) {
                pod.fate = result.fate;
                removed.extend((pod.fate == RemovalFate::Removed).then_some(pod.role));
            }
        }
        rotation.drop_promises_of_a_part();
        rotation.close_if_not_made();
        removed.into_iter().for_each(|role| self.count_removed(role.name(), now));
    }

    /// Puts in what the consumer group showed after this cycle's rotation.
    pub fn watched(
        &mut self,
        cycle: &str,
        settled_after: Option<SignedDuration>,
        timing: Option<Timing>,
        measured: Option<Imbalance>,
    ) {
        let rotation = self.rotations.iter_mut().rev().find(|rotation| rotation.cycle == cycle);
        let Some(group) = rotation.and_then(|rotation| rotation.group.as_mut()) else { return };
        group.settled_after_ms = settled_after.and_then(|after| u64::try_from(after.as_millis()).ok());
        group.timing = timing;
        group.measured = measured;
    }

    /// Puts in how the last rotation left the group, when the cycle that made it could not wait for that. Call it before
    /// [`measure`](Self::measure), which closes the rotation.
    ///
    /// As long as a rotation may take to settle, replacements may be on their way.
    pub fn watched_late(&mut self, measured: Imbalance, now: Timestamp, policy: &HistoryPolicy) {
        let open = |rotation: &&mut Rotation| {
            rotation.effect == Effect::NotYetKnown && later(rotation.at, policy.settle()) <= now
        };
        let last = self.rotations.last_mut().filter(open);
        if let Some(group) = last.and_then(|rotation| rotation.group.as_mut()) {
            group.measured.get_or_insert(measured);
        }
    }

    /// When replacements joined after the last rotations that showed it, as long as they agree.
    #[must_use]
    pub fn timing(&self) -> Option<SeenTiming> {
        let mut seen = self.rotations.iter().rev().filter_map(|rotation| rotation.group?.timing).peekable();
        let timing = *seen.peek()?;
        Some(SeenTiming { timing, rotations: seen.take_while(|other| *other == timing).count() })
    }

    /// Takes back what a cycle intended and never requested: its intent may not have been stored. Left open, a pod that
    /// someone else deletes before the next cycle would be counted as removed.
    pub fn withdraw(&mut self, cycle: &str) {
        let Some(rotation) = self.rotations.iter_mut().rev().find(|rotation| rotation.cycle == cycle) else {
            return;
        };
        rotation
            .pods
            .iter_mut()
            .filter(|pod| pod.fate.is_open())
            .for_each(|pod| pod.fate = RemovalFate::Spared);
        rotation.drop_promises_of_a_part();
        rotation.close_if_not_made();
    }

    /// Pods that may have been removed by a process that ended before it could report.
    pub fn unfinished(&self) -> impl Iterator<Item = &RotatedPod> {
        self.rotations.iter().flat_map(|rotation| &rotation.pods).filter(|pod| pod.fate.is_open())
    }

    /// Settles every removal whose result is [not recorded](Self::unfinished), by what Kubernetes lists now.
    ///
    /// Only for a list that is whole: a pod that is not in it counts as removed. When is not known; it counts from now
    /// on, too long rather than too short.
    pub fn reconcile(&mut self, listed: &[Pod], now: Timestamp) -> Vec<ReconciledRemoval> {
        let mut reconciled = Vec::new();
        let mut removed = Vec::new();
        for rotation in &mut self.rotations {
            for pod in rotation.pods.iter_mut().filter(|pod| pod.fate.is_open()) {
                let found = pod.look_up(listed);
                pod.fate =
                    if found == Found::StillThere { RemovalFate::Spared } else { RemovalFate::Removed };
                removed.extend((pod.fate == RemovalFate::Removed).then_some(pod.role));
                let (name, uid, role) = (pod.name.clone(), pod.uid.clone(), pod.role);
                reconciled.push(ReconciledRemoval { cycle: rotation.cycle.clone(), name, uid, role, found });
            }
            rotation.drop_promises_of_a_part();
            rotation.close_if_not_made();
        }
        removed.into_iter().for_each(|role| self.count_removed(role.name(), now));
        reconciled
    }

    /// Until when the fleet is left alone after the last rotation; `None` when there was none that removed a pod.
    #[must_use]
    pub fn settling_until(&self, settle: SignedDuration) -> Option<Timestamp> {
        let made = |rotation: &&Rotation| rotation.effect != Effect::NotMade;
        self.rotations.iter().rev().find(made).map(|rotation| later(rotation.at, settle))
    }

    /// Pods that were removed, or may have been, in the time window that ends now. What is not known yet may have been at
    /// any time.
    #[must_use]
    pub fn removed_since(&self, now: Timestamp, window: SignedDuration) -> u64 {
        let known = self.removals.since(earlier(now, window));
        self.rotations.iter().map(Rotation::open).fold(known, u64::saturating_add)
    }

    /// When the oldest removal in the window leaves it.
    pub(super) fn freed_at(&self, now: Timestamp, window: SignedDuration) -> Timestamp {
        let oldest = self.removals.oldest_since(earlier(now, window)).unwrap_or(now);
        later(oldest, window)
    }

    /// Counts indicators that could not be read in this cycle.
    pub fn count_degraded<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        names.into_iter().for_each(|name| self.counters.degraded.add(name, 1));
    }

    /// Counts a decision, with the name of the reason when it was to hold, and how long it took to come to it.
    pub fn count_decision(&mut self, hold: Option<&str>, took: SignedDuration) {
        self.counters.analysis.observe(took);
        if let Some(hold) = hold {
            self.counters.holds.add(hold, 1);
        }
    }

    /// Counts what a cycle took.
    pub fn count_cost(&mut self, CycleCost { cycle, prometheus, kafka, kubernetes }: CycleCost) {
        self.counters.cycle.observe(cycle);
        self.counters.count(PROMETHEUS, prometheus);
        self.counters.count(KAFKA, kafka);
        self.counters.count(KUBERNETES, kubernetes);
    }

    fn count_removed(&mut self, role: &str, at: Timestamp) {
        self.counters.removed.add(role, 1);
        self.removals.add(at, 1);
    }

    fn count_failure(&mut self, RemovalResult { fate, reason, .. }: &RemovalResult) {
        let Some(reason) = reason else { return };
        match fate {
            RemovalFate::Refused => self.counters.refused.add(reason, 1),
            RemovalFate::Failed | RemovalFate::Unknown => self.counters.failed.add(reason, 1),
            RemovalFate::Intended | RemovalFate::Removed | RemovalFate::Spared => {}
        }
    }
}

/// Forgets the oldest rotations, and of the older ones the pods. Gives what must still be counted of it: pods that
/// may have been removed, with the time.
fn trimmed(mut rotations: Vec<Rotation>) -> (Vec<Rotation>, Vec<(Timestamp, u64)>) {
    let mut forgotten: Vec<Rotation> =
        rotations.drain(..rotations.len().saturating_sub(MOST_ROTATIONS)).collect();
    let mut room = MOST_PODS;
    for rotation in rotations.iter_mut().rev() {
        match room.checked_sub(rotation.pods.len()) {
            Some(left) => room = left,
            None => {
                room = 0;
                forgotten.push(rotation.clone());
                rotation.pods.clear();
            }
        }
    }
    let open = forgotten.iter().map(|rotation| (rotation.at, rotation.open())).filter(|(_, pods)| *pods > 0);
    (rotations, open.collect())
}

/// It is not longer than what [`trimmed`] leaves.
#[cfg(feature = "serde")]
pub(super) fn is_trim(rotations: &[Rotation]) -> bool {
    rotations.len() <= MOST_ROTATIONS
        && rotations.iter().map(|rotation| rotation.pods.len()).sum::<usize>() <= MOST_PODS
}
