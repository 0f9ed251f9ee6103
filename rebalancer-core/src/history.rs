//! What run-once processes remember together: past rotations and what they did, the circuit breaker, counters.
//! The arithmetic is pure; where the [`Record`] is kept, and who holds the lock on it, is behind [`StateStore`].
//!
//! ```text
//!   acquire -> advance -> reconcile -> measure -> (plan) -> pause? -> begin -> save -> (act) -> finish
//!                                                                 `-> hold              |
//!                                                                        cycle_ended <--'-> release
//! ```
//!
//! # Invariants
//!
//! - No time makes it panic, and no time that is remembered lies in the future once it was [advanced](Record::advance).
//! - Whatever is not known counts against acting: a removal that may have happened is counted in the window, and a
//!   rotation whose effect is never seen did not help.
//! - Nothing that is counted falls, and an open breaker never opens for less than the time before.
//! - As JSON a record stays below [`MOST_BYTES`], whatever is put into it.

mod breaker;
#[cfg(feature = "serde")]
mod codec;
mod consent;
mod constraints;
mod counter;
mod durations;
mod effect;
mod evidence;
mod group_effect;
mod judge;
mod ledger;
mod memory_store;
mod notice;
mod outcome;
mod pause;
mod policy;
mod promises;
mod proposal;
mod proposals;
mod record;
mod rotation;
mod slow;
mod store;

pub use breaker::{Breaker, Trip};
pub use consent::{Approved, AskedBecause, Consent, Difference, difference};
pub use constraints::{Constraints, SeenTiming};
pub use counter::{Counters, CycleCost, Tally};
pub use durations::Durations;
pub use effect::{Effect, Imbalance, Promised};
pub use evidence::TimingEvidence;
pub use group_effect::GroupEffect;
pub use judge::CycleHealth;
pub use memory_store::MemoryStore;
pub use notice::{Happened, MOST_AN_HOUR, Notice, NoticeKind, NoticePolicy};
pub use pause::Pause;
pub use policy::{Budget, HistoryPolicy, HistoryPolicyError, LONGEST_WINDOW};
pub use proposal::{
    APPROVE_ANNOTATION, AnswerWay, Answered, Approval, ApprovalLimits, Basis, Gain, Proposal, ProposedPlan,
    ProposedPod, REJECT_ANNOTATION, ValidityOutOfRange,
};
pub use proposals::{Answer, Closed, ProposalEnd, Rejected, Unanswerable};
pub use record::{Header, Record, SCHEMA_VERSION};
pub use rotation::{
    Found, ReconciledRemoval, RemovalFate, RemovalResult, Role, RotatedPod, Rotation, Unrecordable,
};
pub use slow::{Landed, PodFactor, Replacement, Replacements, SlowPod};
pub use store::{Acquired, Held, Peeked, StateError, StateStore, Token};

use jiff::{SignedDuration, Timestamp};

/// A record as JSON is never longer. All annotations of an object may take 256 KiB together, and others use them too.
pub const MOST_BYTES: usize = 96 * 1024;

/// Later by this much, or the last time there is.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Earlier by this much, or the first time there is.
fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
