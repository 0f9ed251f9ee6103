//! The proposals that a record keeps: the open one, what was rejected, and how the last ones ended.

use std::fmt;

use jiff::Timestamp;

use super::proposal::{Answered, Proposal, ProposedPlan};
#[cfg(feature = "serde")]
use super::rotation::plain;
use super::rotation::{LONGEST_ID, MOST_PODS};
use super::{Record, Rotation, later};
use crate::fleet::Uid;

/// Rejections that are remembered; the oldest is forgotten, and its plan may be proposed again.
const MOST_REJECTED: usize = 8;
/// Proposals that are over and remembered, for who answers too late.
const MOST_CLOSED: usize = 8;

/// What a record keeps of proposals.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Proposals {
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(super) open: Option<Proposal>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub(super) rejected: Vec<Rejected>,
    /// Newest last.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    closed: Vec<Closed>,
}

/// A plan that somebody rejected.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rejected {
    /// The proposal's id.
    pub proposal: String,
    /// Who rejected it.
    pub by: Answered,
    /// Until when the same is not proposed again: for as long as the proposal would have been valid, from the answer on.
    pub until: Timestamp,
    /// The workload.
    workload: Option<Uid>,
    /// The pods.
    pods: Vec<Uid>,
}

impl Rejected {
    /// The plan removes no pod but those that were not to be removed.
    pub(super) fn covers(&self, plan: &ProposedPlan, now: Timestamp) -> bool {
        now < self.until
            && self.workload == plan.workload
            && plan.pods.iter().all(|pod| self.pods.contains(&pod.uid))
    }
}

/// A proposal that is over.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Closed {
    /// Its id.
    pub proposal: String,
    /// How it ended.
    pub end: ProposalEnd,
    /// When.
    pub at: Timestamp,
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ProposalEnd {
    /// A cycle acted by it.
    Used,
    /// Somebody rejected it.
    Rejected,
    /// Its time was over.
    Expired,
    /// Another plan took its place.
    Replaced,
}

impl ProposalEnd {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 4] = ["used", "rejected", "expired", "replaced"];

    /// A short stable name for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proposal, end, at } = self;
        match end {
            ProposalEnd::Used => write!(f, "a cycle acted by proposal {proposal} at {at:.0}"),
            ProposalEnd::Rejected => write!(f, "proposal {proposal} was rejected at {at:.0}"),
            ProposalEnd::Expired => write!(f, "proposal {proposal} expired at {at:.0}"),
            ProposalEnd::Replaced => {
                write!(f, "proposal {proposal} was replaced at {at:.0}: the plan had changed")
            }
        }
    }
}

/// What somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Carry it out.
    Approve,
    /// Don't, and don't ask again for a while.
    Reject,
}

/// Why an answer can't be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unanswerable {
    /// No proposal of this id is known.
    #[error("there is no proposal {given}{}", open.as_ref().map_or_else(
        || "; none is open".to_owned(), |open| format!("; open is {open}")))]
    NoSuch {
        /// What was given.
        given: String,
        /// The open one.
        open: Option<String>,
    },
    /// It is over.
    #[error("{0}")]
    Over(Closed),
    /// It was approved already.
    #[error("proposal {proposal} was already approved at {:.0} by {by}", by.at)]
    AlreadyApproved {
        /// Its id.
        proposal: String,
        /// By whom.
        by: Answered,
    },
}

impl Record {
    /// The proposal that waits for an answer, or was approved and not acted by yet.
    #[must_use]
    pub const fn proposal(&self) -> Option<&Proposal> {
        self.proposals.open.as_ref()
    }

    /// Puts a proposal in, in place of the open one.
    pub fn propose(&mut self, proposal: Proposal) {
        self.close_proposal(ProposalEnd::Replaced, proposal.at);
        self.counters.proposals.add("made", 1);
        self.proposals.open = Some(proposal);
    }

    /// Takes back a proposal that may not have been stored: nobody was told of it.
    pub fn withdraw_proposal(&mut self, id: &str) {
        self.proposals.open.take_if(|open| open.id == id);
    }

    /// Puts an answer in. What was approved may still be rejected.
    ///
    /// # Errors
    /// When no such proposal waits for it.
    pub fn answer(
        &mut self,
        id: &str,
        answer: Answer,
        by: Answered,
        now: Timestamp,
    ) -> Result<(), Unanswerable> {
        self.expire_proposal(now);
        if let Some(closed) = self.proposals.closed.iter().find(|closed| closed.proposal == id) {
            return Err(Unanswerable::Over(closed.clone()));
        }
        let given = id.chars().take(LONGEST_ID).collect();
        let open = self.proposal().map(|open| open.id.clone());
        let Some(proposal) = self.proposals.open.as_mut().filter(|open| open.id == id) else {
            return Err(Unanswerable::NoSuch { given, open });
        };
        match (answer, proposal.approved.take()) {
            (Answer::Approve, None) => {
                proposal.approved = Some(by);
                self.counters.proposals.add("approved", 1);
            }
            (Answer::Approve, Some(earlier)) => {
                proposal.approved = Some(earlier.clone());
                return Err(Unanswerable::AlreadyApproved { proposal: id.to_owned(), by: earlier });
            }
            (Answer::Reject, _) => self.reject(by, now),
        }
        Ok(())
    }

    fn reject(&mut self, by: Answered, now: Timestamp) {
        let Some(Proposal { id, at, until, plan, .. }) = self.proposals.open.clone() else { return };
        let pods = plan.pods.into_iter().map(|pod| pod.uid).collect();
        let until = later(now, until.duration_since(at));
        self.proposals.rejected.push(Rejected { proposal: id, by, until, workload: plan.workload, pods });
        let rejected = &mut self.proposals.rejected;
        while rejected.len() > MOST_REJECTED || pods_of(rejected) > MOST_PODS {
            rejected.remove(0);
        }
        self.close_proposal(ProposalEnd::Rejected, now);
    }

    /// Puts a rotation in that is about to be made by the open proposal, which is used up by that.
    pub fn begin_approved(&mut self, rotation: Rotation) {
        self.close_proposal(ProposalEnd::Used, rotation.at);
        self.begin(rotation);
    }

    /// Brings proposals to the present. What a clock that was ahead made counts as made now.
    pub(super) fn advance_proposals(&mut self, now: Timestamp) {
        if let Some(open) = self.proposals.open.as_mut().filter(|open| open.at > now) {
            let valid_for = open.until.duration_since(open.at);
            (open.at, open.until) = (now, later(now, valid_for));
        }
        self.expire_proposal(now);
        self.proposals.rejected.retain(|rejected| now < rejected.until);
    }

    fn expire_proposal(&mut self, now: Timestamp) {
        if self.proposal().is_some_and(|open| open.is_over(now)) {
            self.close_proposal(ProposalEnd::Expired, now);
        }
    }

    fn close_proposal(&mut self, end: ProposalEnd, at: Timestamp) {
        let Some(Proposal { id: proposal, .. }) = self.proposals.open.take() else { return };
        self.counters.proposals.add(end.name(), 1);
        self.proposals.closed.push(Closed { proposal, end, at });
        let surplus = self.proposals.closed.len().saturating_sub(MOST_CLOSED);
        self.proposals.closed.drain(..surplus);
    }
}

fn pods_of(rejected: &[Rejected]) -> usize {
    rejected.iter().map(|rejected| rejected.pods.len()).sum()
}

impl Proposals {
    #[cfg(feature = "serde")]
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_none() && self.rejected.is_empty() && self.closed.is_empty()
    }

    /// It is not longer than what is ever written.
    #[cfg(feature = "serde")]
    pub(super) fn fit(&self) -> bool {
        let uid = |uid: &Uid| plain(&uid.to_string(), LONGEST_ID).is_ok();
        let by = |by: &Answered| by.by.as_deref().is_none_or(|by| plain(by, LONGEST_ID * 2).is_ok());
        let rejected = |rejected: &Rejected| {
            let ids = rejected.pods.iter().chain(&rejected.workload).all(uid);
            ids && by(&rejected.by) && plain(&rejected.proposal, LONGEST_ID).is_ok()
        };
        self.open.iter().all(|open| open.fits().is_ok())
            && self.rejected.len() <= MOST_REJECTED
            && pods_of(&self.rejected) <= MOST_PODS
            && self.rejected.iter().all(rejected)
            && self.closed.len() <= MOST_CLOSED
            && self.closed.iter().all(|closed| plain(&closed.proposal, LONGEST_ID).is_ok())
    }
}
