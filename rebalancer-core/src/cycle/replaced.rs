//! Between two removals that wait for each other: until the replacement of the one before is a member and the group is at
//! rest, and what came of it is what was expected.

use jiff::SignedDuration;

use super::looks::{Looks, Seats, WatchSettings, carried_by, look_until_rest, seats};
use super::{NotAttempted, PodOutcome, Ports};
use crate::audit::AuditedPlan;
use crate::fleet::Uid;
use crate::fleet::consumer_group::ConsumerGroup;
use crate::guard::NotNow;
use crate::history::Imbalance;
use crate::policy::Pace;
use crate::prediction::Expected;
use crate::report::Removal;
use crate::unit::Ratio;

/// A CV that is off by less than this share of the one before is what was expected; by more, the rest of the batch is not what
/// was worked out.
const AS_EXPECTED: f64 = 0.05;

/// What is known of the group while a batch goes on.
pub(super) struct Replaced<'a> {
    audited: &'a AuditedPlan<'a>,
    ports: &'a Ports<'a>,
    /// Time between two looks.
    every: SignedDuration,
    seats: Seats,
    waited: SignedDuration,
    /// So many removals have their replacements.
    awaited: usize,
}

impl<'a> Replaced<'a> {
    /// Nothing is removed yet.
    pub(super) fn none(audited: &'a AuditedPlan<'a>, ports: &'a Ports<'a>, every: SignedDuration) -> Self {
        let seats = audited.snapshot().group.as_ref().map(seats).unwrap_or_default();
        Self { audited, ports, every, seats, waited: SignedDuration::ZERO, awaited: 0 }
    }

    /// Waits until all that were removed so far have replacements, where the plan says that removals wait.
    ///
    /// # Errors
    /// Why no other pod may go.
    pub(super) async fn all(&mut self, before: &[(Removal, PodOutcome)]) -> Result<(), NotAttempted> {
        match self.audited.plan().pace() {
            Pace::Together => return Ok(()),
            Pace::EachAwaited => {}
        }
        let mut removed = before.get(self.awaited..).unwrap_or(&[]).iter();
        removed.try_for_each(|(removal, outcome)| match outcome {
            PodOutcome::Removed | PodOutcome::WouldBeRemoved => Ok(()),
            PodOutcome::Spared(_) | PodOutcome::Failed(_) | PodOutcome::NotAttempted(_) => {
                Err(NotAttempted::EarlierStayed { pod: removal.pod.name.clone() })
            }
        })?;
        let removed = before.get(self.awaited..).unwrap_or(&[]).iter();
        let really = removed.filter(|(_, outcome)| *outcome == PodOutcome::Removed);
        let really: Vec<&Uid> = really.map(|(removal, _)| &removal.pod.uid).collect();
        if !really.is_empty() {
            self.one(&really, before.len()).await?;
        }
        self.awaited = before.len();
        Ok(())
    }

    /// What was removed has its replacements: whatever looks like a rollout or a scaling now is no doing of this batch.
    pub(super) fn are_there(&self, before: &[(Removal, PodOutcome)]) -> bool {
        match self.audited.plan().pace() {
            Pace::Together => false,
            Pace::EachAwaited => self.awaited == before.len(),
        }
    }

    /// Waits for the replacements of these pods.
    async fn one(&mut self, removed: &[&Uid], so_far: usize) -> Result<(), NotAttempted> {
        let Some(side) = self.ports.group else {
            let error = "Kafka is not asked".to_owned();
            return Err(NotAttempted::NotNow(NotNow::GroupUnread { error }));
        };
        let at_most = self.audited.policy().group.replacement_wait.saturating_sub(self.waited);
        let settings = WatchSettings { at_most, every: self.every };
        let (looks, waited) = look_until_rest(&settings, side, self.ports, &self.seats, removed).await;
        self.waited = self.waited.saturating_add(waited);
        let Some(group) = looks.last.as_ref().filter(|_| looks.is_settled()) else {
            return Err(NotAttempted::NotReplaced(looks.rebalance(waited)));
        };
        if group.members.len() != self.seats.len() {
            return Err(NotAttempted::NotNow(NotNow::GroupChanged { group: group.id.clone() }));
        }
        self.seats = self.seats_after(group, &looks, removed);
        let came = self.carried(group);
        self.is_as_expected(came, so_far)?;
        if let Some(came) = came {
            self.ports.journal.replaced(waited, came);
        }
        Ok(())
    }

    /// New members run in the replacements of the removed pods, which are called by the names of those.
    fn seats_after(&self, group: &ConsumerGroup, looks: &Looks, removed: &[&Uid]) -> Seats {
        let stand_in = removed.first().map(|&uid| uid.clone());
        let new = looks.new_in(group).map(|member| (member.id.clone(), stand_in.clone()));
        let staying = group.members.iter().filter_map(|member| self.seats.get_key_value(&member.id));
        staying.map(|(id, pod)| (id.clone(), pod.clone())).chain(new).collect()
    }

    fn carried(&self, group: &ConsumerGroup) -> Option<Imbalance> {
        let places = group.members.iter().map(|member| self.seats.get(&member.id).and_then(Option::as_ref));
        carried_by(self.audited.snapshot(), group, places)
    }

    /// What the others of the batch do was worked out for what was expected, and for nothing else.
    fn is_as_expected(&self, came: Option<Imbalance>, so_far: usize) -> Result<(), NotAttempted> {
        let snapshot = self.audited.snapshot();
        let step = so_far.checked_sub(1).and_then(|last| self.audited.plan().steps.get(last));
        let before = snapshot.group.as_ref().and_then(|observed| {
            carried_by(snapshot, &observed.group, observed.placed().map(|(_, place)| place.pod()))
        });
        let (Some(Expected { cv, spread }), Some(came), Some(before)) = (step, came, before) else {
            return Err(NotAttempted::NotAsExpected { expected: None, came: came.map(|came| came.cv) });
        };
        let tolerated = before.cv.get() * AS_EXPECTED + 2.0 * spread;
        if (came.cv.get() - cv).abs() <= tolerated {
            Ok(())
        } else {
            Err(NotAttempted::NotAsExpected { expected: Ratio::new(*cv).ok(), came: Some(came.cv) })
        }
    }
}
