//! What somebody should be told of, and when. Pure: what was told is part of the record, so that many processes, each of
//! which runs one cycle, tell it once.

use jiff::{SignedDuration, Timestamp};

use super::{Breaker, Proposal, Record, Rotation, Trip, earlier, later};

/// No more notices are given in an hour, whatever happens.
pub const MOST_AN_HOUR: usize = 12;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Plans may change with every cycle, and with them proposals.
const BETWEEN_PROPOSALS: SignedDuration = SignedDuration::from_mins(15);

/// Longer than any name of a hold.
const LONGEST_HOLD: usize = 32;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Pods were removed.
    Rotation,
    /// What a rotation did was measured.
    Effect,
    /// Somebody has to approve a rotation.
    Proposal,
    /// Nothing was done for a long time, for one reason.
    Hold,
    /// The circuit breaker opened or closed.
    Breaker,
    /// A cycle failed.
    Failure,
}

impl NoticeKind {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Rotation, Self::Effect, Self::Proposal, Self::Hold, Self::Breaker, Self::Failure];

    /// A short stable name for settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Effect => "effect",
            Self::Proposal => "proposal",
            Self::Hold => "hold",
            Self::Breaker => "breaker",
            Self::Failure => "failure",
        }
    }
}

/// What is told, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticePolicy {
    /// Which kinds.
    pub kinds: Vec<NoticeKind>,
    /// A hold is told of when it has lasted for this long.
    pub hold_after: SignedDuration,
    /// What lasts is told of again after this time, and a failure no sooner.
    pub repeat: SignedDuration,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Pods were removed, as far as each pod's fate says.
    Rotated(Rotation),
    /// What a rotation did was measured, or given up on.
    Measured(Rotation),
    /// Somebody has to approve a rotation.
    Proposed(Proposal),
    /// Nothing was done since this time, for one reason.
    HoldLasts {
        /// The hold's name.
        hold: String,
        /// In words, as the last cycle has them.
        words: String,
        /// Since when.
        since: Timestamp,
    },
    /// The circuit breaker opened.
    BreakerOpened {
        /// Why.
        why: Trip,
        /// Until when.
        until: Timestamp,
    },
    /// It closed.
    BreakerClosed,
    /// A cycle failed.
    Failed {
        /// Why.
        why: String,
        /// Cycles in a row that failed, this one among them.
        in_a_row: u32,
    },
}

impl Notice {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Rotated(_) => NoticeKind::Rotation,
            Self::Measured(_) => NoticeKind::Effect,
            Self::Proposed(_) => NoticeKind::Proposal,
            Self::HoldLasts { .. } => NoticeKind::Hold,
            Self::BreakerOpened { .. } | Self::BreakerClosed => NoticeKind::Breaker,
            Self::Failed { .. } => NoticeKind::Failure,
        }
    }
}

/// What happened in a cycle, as far as the record does not tell it. By default nothing did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Happened {
    /// The cycle.
    pub cycle: String,
    /// The rotation whose effect was measured in it.
    pub judged: Option<Rotation>,
    /// The hold that it came to, by name and in words.
    pub hold: Option<(&'static str, String)>,
    /// Why it failed.
    pub failed: Option<String>,
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub(super) struct Told {
    /// The hold that lasts.
    hold: Option<Lasting>,
    /// The last proposal that was told of, and when.
    proposal: Option<(String, Timestamp)>,
    /// That the breaker is open.
    breaker_open: bool,
    failure: Option<Timestamp>,
    /// When anything was, in the last hour.
    notices: Vec<Timestamp>,
}

/// A hold that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Lasting {
    name: String,
    since: Timestamp,
    told: Option<Timestamp>,
}

/// Holds that are meant to last, or have a notice of their own.
const fn is_expected(hold: &str) -> bool {
    matches!(
        hold.as_bytes(),
        b"settling" | b"quiet_hours" | b"breaker_open" | b"workload_opted_out" | b"trial_pending"
    )
}

impl Told {
    #[cfg(feature = "serde")]
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// It is not longer than what is ever written.
    #[cfg(feature = "serde")]
    pub(super) fn fits(&self) -> bool {
        let plain = |text: &str| super::rotation::plain(text, LONGEST_HOLD).is_ok();
        self.notices.len() <= MOST_AN_HOUR
            && self.hold.iter().all(|hold| plain(&hold.name))
            && self.proposal.iter().all(|(id, _)| plain(id))
    }

    /// What a clock that was ahead wrote counts as written now.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let back = |at: &mut Timestamp| *at = now.min(*at);
        if let Some(Lasting { since, told, .. }) = &mut self.hold {
            back(since);
            told.as_mut().map(back);
        }
        self.proposal.iter_mut().for_each(|(_, at)| back(at));
        self.failure.as_mut().map(back);
        self.notices.iter_mut().for_each(back);
        self.notices.retain(|at| later(*at, HOUR) > now);
    }
}

impl Record {
    /// What somebody is to be told of this cycle. What is given counts as told: write the record before it is sent, so that no
    /// other cycle tells it again. Call it after [`cycle_ended`](Self::cycle_ended).
    ///
    /// What is left out, since its kind is not wanted or the hour is full, is told later where it lasts, and else never.
    pub fn tell(&mut self, happened: &Happened, policy: &NoticePolicy, now: Timestamp) -> Vec<Notice> {
        self.told.advance(now);
        // A cycle that failed says nothing of what it would have come to.
        if happened.failed.is_none() {
            self.hold_lasts(happened.hold.as_ref().map(|(name, _)| *name), now);
        }
        let candidates = [
            self.rotated(&happened.cycle),
            happened.judged.clone().map(Notice::Measured),
            self.untold_proposal(now),
            self.lasting_hold(happened, policy, now),
            self.turned_breaker(),
            self.failure(happened, policy, now),
        ];
        let mut notices = Vec::new();
        for notice in candidates.into_iter().flatten() {
            let is_wanted = policy.kinds.contains(&notice.kind());
            if is_wanted && self.told.notices.len() < MOST_AN_HOUR {
                self.told.notices.push(now);
                self.mark(&notice, now);
                notices.push(notice);
            }
        }
        notices
    }

    fn mark(&mut self, notice: &Notice, now: Timestamp) {
        match notice {
            Notice::Rotated(_) | Notice::Measured(_) => {}
            Notice::Proposed(proposal) => self.told.proposal = Some((proposal.id.clone(), now)),
            Notice::HoldLasts { .. } => self.told.hold.iter_mut().for_each(|hold| hold.told = Some(now)),
            Notice::BreakerOpened { .. } => self.told.breaker_open = true,
            Notice::BreakerClosed => self.told.breaker_open = false,
            Notice::Failed { .. } => self.told.failure = Some(now),
        }
    }

    fn hold_lasts(&mut self, hold: Option<&str>, now: Timestamp) {
        let Some(name) = hold.filter(|name| name.len() <= LONGEST_HOLD) else {
            self.told.hold = None;
            return;
        };
        if self.told.hold.as_ref().is_none_or(|known| known.name != name) {
            self.told.hold = Some(Lasting { name: name.to_owned(), since: now, told: None });
        }
    }

    fn rotated(&self, cycle: &str) -> Option<Notice> {
        let gone = |rotation: &&Rotation| rotation.pods.iter().any(|pod| pod.fate.may_be_removed());
        let last = self.rotations.last().filter(|last| last.cycle == cycle).filter(gone)?;
        Some(Notice::Rotated(last.clone()))
    }

    fn untold_proposal(&self, now: Timestamp) -> Option<Notice> {
        let open = self.proposal().filter(|open| open.approved.is_none() && !open.is_over(now))?;
        match &self.told.proposal {
            Some((id, _)) if *id == open.id => None,
            Some((_, at)) if *at > earlier(now, BETWEEN_PROPOSALS) => None,
            Some(_) | None => Some(Notice::Proposed(open.clone())),
        }
    }

    fn lasting_hold(&self, happened: &Happened, policy: &NoticePolicy, now: Timestamp) -> Option<Notice> {
        let Lasting { name, since, told } = self.told.hold.as_ref()?;
        let (hold, words) = happened.hold.clone()?;
        let lasts = later(*since, policy.hold_after) <= now;
        let again = told.is_none_or(|told| later(told, policy.repeat) <= now);
        let notice = || Notice::HoldLasts { hold: name.clone(), words, since: *since };
        (lasts && again && !is_expected(hold)).then(notice)
    }

    fn turned_breaker(&self) -> Option<Notice> {
        match (self.breaker, self.told.breaker_open) {
            (Breaker::Open { why, until, .. }, false) => Some(Notice::BreakerOpened { why, until }),
            (Breaker::Closed, true) => Some(Notice::BreakerClosed),
            (Breaker::Open { .. }, true) | (Breaker::Closed, false) | (Breaker::HalfOpen { .. }, _) => None,
        }
    }

    fn failure(&self, happened: &Happened, policy: &NoticePolicy, now: Timestamp) -> Option<Notice> {
        let why = happened.failed.clone()?;
        let again = self.told.failure.is_none_or(|told| later(told, policy.repeat) <= now);
        again.then(|| Notice::Failed { why, in_a_row: self.failures_in_a_row.max(1) })
    }
}
