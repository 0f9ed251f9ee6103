//! What comes of asking before anything is removed.

use crate::history::{Approved, AskedBecause, Proposal, Rejected};

/// A plan was not carried out since nobody has approved it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Asked {
    /// It is proposed now; in a dry run, it would be.
    Proposed {
        /// What is asked.
        proposal: Proposal,
        /// Why it is asked now.
        because: AskedBecause,
    },
    /// It was proposed before, and waits for an answer.
    Waiting(Proposal),
    /// It was rejected, and is not proposed again yet.
    Rejected(Rejected),
}

/// By what right pods are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission<'a> {
    /// Nobody has to be asked.
    NotRequired,
    /// Somebody approved it.
    Approved(&'a Approved),
}

impl<'a> Permission<'a> {
    /// The approval, where one was required.
    #[must_use]
    pub const fn approval(self) -> Option<&'a Approved> {
        match self {
            Self::NotRequired => None,
            Self::Approved(approved) => Some(approved),
        }
    }
}
