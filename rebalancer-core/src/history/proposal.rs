//! What is asked before anything is removed, and what is answered.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::rotation::{LONGEST_ID, LONGEST_NAME, MOST_PODS, plain};
use super::{Role, Unrecordable, later};
use crate::fleet::{Indicator, Uid};
use crate::policy::Pace;
use crate::unit::{Percent, PercentChange};

/// The annotation of the workload that approves the proposal of this id. A right on the workload is the right to approve.
pub const APPROVE_ANNOTATION: &str = "pod-rebalancer.io/approve";

/// The annotation of the workload that rejects the proposal of this id.
pub const REJECT_ANNOTATION: &str = "pod-rebalancer.io/reject";

const SHORTEST_VALIDITY: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_VALIDITY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Longer than any account's name that makes sense.
const LONGEST_ACCOUNT: usize = 128;

/// Whether somebody is asked before anything is removed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Approval {
    /// Nobody is.
    #[default]
    NotRequired,
    /// Nothing is removed without an approved proposal, within these limits.
    Required(ApprovalLimits),
}

/// For how long an approval counts, and for which plans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApprovalLimits {
    valid_for: SignedDuration,
    tolerance: Percent,
}

/// A time that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proposal must be valid for 1s to {LONGEST_VALIDITY:#}, not {given:#}")]
pub struct ValidityOutOfRange {
    /// What was given.
    pub given: SignedDuration,
}

impl ApprovalLimits {
    /// A proposal is valid for this long. A plan may be expected to bring fewer percent than the approved one, by so many
    /// percentage points.
    ///
    /// # Errors
    /// When the time is not between a second and seven days.
    pub fn new(valid_for: SignedDuration, tolerance: Percent) -> Result<Self, ValidityOutOfRange> {
        if (SHORTEST_VALIDITY..=LONGEST_VALIDITY).contains(&valid_for) {
            Ok(Self { valid_for, tolerance })
        } else {
            Err(ValidityOutOfRange { given: valid_for })
        }
    }

    /// For how long a proposal is valid, from when it was made.
    #[must_use]
    pub const fn valid_for(&self) -> SignedDuration {
        self.valid_for
    }

    /// By how many percentage points a plan may fall short of the approved one.
    #[must_use]
    pub const fn tolerance(&self) -> Percent {
        self.tolerance
    }
}

/// A plan as somebody is asked about it, with all that an approval is bound to.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProposedPlan {
    /// The identity of the workload's own object; `None` where it could not be read.
    pub workload: Option<Uid>,
    /// The indicator that raised the imbalance.
    pub indicator: Indicator,
    /// The pods that would be removed.
    pub pods: Vec<ProposedPod>,
    /// How the removals would follow each other.
    pub pace: Pace,
    /// What is expected.
    pub expected: Gain,
}

/// A pod that would be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProposedPod {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// The role for which it was selected.
    pub role: Role,
}

/// What a plan is expected to bring. Percentages are kept to three decimals, so that they come back from JSON as they were.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gain {
    /// On what grounds.
    pub basis: Basis,
    /// By how many percent the imbalance is expected to fall; `None` where that can't be told.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::maybe_change"))]
    pub improvement: Option<PercentChange>,
    /// How many percent of the load above the limit are expected to be gone; 0 where that is not predicted.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::change"))]
    pub relief: PercentChange,
}

/// On what grounds a gain is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Basis {
    /// By the formula of *rotate outliers*: the mean load of the hot pods falls.
    EvenMixing,
    /// By the rules of the group's assignor: the coefficient of variation falls.
    Predicted,
}

impl Gain {
    /// Rounds both.
    #[must_use]
    pub fn new(basis: Basis, improvement: Option<PercentChange>, relief: PercentChange) -> Self {
        Self { basis, improvement: improvement.map(rounded_change), relief: rounded_change(relief) }
    }
}

/// Far above what any plan can bring.
const LARGEST_CHANGE: f64 = 1e6;

pub(super) fn rounded_change(change: PercentChange) -> PercentChange {
    let value = (change.get().clamp(-LARGEST_CHANGE, LARGEST_CHANGE) * 1e3).round() / 1e3;
    PercentChange::new(value).unwrap_or(change)
}

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.basis {
            Basis::EvenMixing => "if evenly mixed",
            Basis::Predicted => "predicted fall of the CV",
        };
        match self.improvement {
            Some(percent) => write!(f, "{percent}, {what}"),
            None => write!(f, "unknown, {what}"),
        }?;
        if self.relief.get() > 0.0 {
            write!(f, "; {} of the load above the limit gone", self.relief)?;
        }
        Ok(())
    }
}

/// A plan that waits for an answer, or has one.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Proposal {
    /// By which it is answered: 16 hexadecimal digits.
    pub id: String,
    /// The cycle that made it.
    pub cycle: String,
    /// When it was made.
    pub at: Timestamp,
    /// From this time on it counts no more, answered or not.
    pub until: Timestamp,
    /// What would be done.
    pub plan: ProposedPlan,
    /// Who approved it, once somebody did.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub approved: Option<Answered>,
}

/// Who answered, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Answered {
    /// The account, or the field manager of an annotation; `None` where that is not known.
    pub by: Option<String>,
    /// In which way.
    pub way: AnswerWay,
    /// When, as far as is known; of an annotation without a time, when it was seen.
    pub at: Timestamp,
}

/// In which way somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AnswerWay {
    /// By the command, as the account that the API server knows.
    Command,
    /// By an annotation of the workload. The API server tells the field manager, which is the client's own name for itself, and
    /// not the account.
    Annotation,
}

impl AnswerWay {
    /// A short stable name for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Annotation => "annotation",
        }
    }
}

impl Answered {
    /// Takes of a name what a record can keep.
    #[must_use]
    pub fn new(by: Option<&str>, way: AnswerWay, at: Timestamp) -> Self {
        let kept = |c: char| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '?' };
        let by = by.filter(|by| !by.is_empty());
        Self { by: by.map(|by| by.chars().take(LONGEST_ACCOUNT).map(kept).collect()), way, at }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.as_deref();
        match self.way {
            AnswerWay::Command => f.write_str(by.unwrap_or("an account that the API server does not name")),
            AnswerWay::Annotation => match by {
                Some(by) => write!(f, "an annotation by the field manager {by}"),
                None => f.write_str("an annotation by an unknown field manager"),
            },
        }
    }
}

impl Proposal {
    /// Asks about this plan.
    ///
    /// # Errors
    /// When it would make the record too large.
    pub fn new(
        cycle: &str,
        at: Timestamp,
        plan: ProposedPlan,
        limits: &ApprovalLimits,
    ) -> Result<Self, Unrecordable> {
        let id = id(cycle, &plan);
        let proposal = Self {
            id,
            cycle: cycle.to_owned(),
            at,
            until: later(at, limits.valid_for),
            plan,
            approved: None,
        };
        proposal.fits().map(|()| proposal)
    }

    pub(super) fn fits(&self) -> Result<(), Unrecordable> {
        let ProposedPlan { workload, pods, .. } = &self.plan;
        if pods.len() > MOST_PODS {
            return Err(Unrecordable::TooManyPods { pods: pods.len(), most: MOST_PODS });
        }
        plain(&self.id, LONGEST_ID)?;
        plain(&self.cycle, LONGEST_ID)?;
        let by = self.approved.as_ref().and_then(|answered| answered.by.as_deref());
        by.map_or(Ok(()), |by| plain(by, LONGEST_ACCOUNT))?;
        workload.as_ref().map_or(Ok(()), |uid| plain(&uid.to_string(), LONGEST_ID))?;
        pods.iter().try_for_each(|pod| {
            plain(&pod.name, LONGEST_NAME)?;
            plain(&pod.uid.to_string(), LONGEST_ID)
        })
    }

    /// It counts no more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}

/// An id that no other proposal has: it is made of the cycle, the workload's identity and those of the pods.
fn id(cycle: &str, plan: &ProposedPlan) -> String {
    let workload = plan.workload.iter().map(ToString::to_string);
    let pods = plan.pods.iter().map(|pod| pod.uid.to_string());
    let text = std::iter::once(cycle.to_owned()).chain(workload).chain(pods).collect::<Vec<_>>().join(" ");
    // FNV-1a, then a finalizer that lets every input bit reach every output bit.
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    format!("{:016x}", hash ^ (hash >> 33))
}
