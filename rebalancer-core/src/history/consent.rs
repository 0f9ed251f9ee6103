//! Whether a plan may be carried out by what was answered. Pure, and on the safe side: what is not known, or not clear, is
//! asked again.

use std::fmt;

use jiff::Timestamp;

use super::proposal::{Basis, Gain, Proposal, ProposedPlan};
use super::{Answered, ApprovalLimits, Record, Rejected};
use crate::fleet::Uid;

/// What the answers say of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Consent {
    /// An approved proposal covers it.
    Granted(Approved),
    /// A proposal that covers it waits for an answer.
    Waiting(Proposal),
    /// It was rejected, and may not be proposed again yet.
    Refused(Rejected),
    /// Nobody was asked about it.
    Unasked(AskedBecause),
}

/// The approval by which a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Approved {
    /// The proposal's id.
    pub proposal: String,
    /// Who approved it.
    pub by: Answered,
}

/// Why somebody is asked.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum AskedBecause {
    /// No proposal was open.
    NothingOpen,
    /// The plan is another one than that of the open proposal.
    Differs {
        /// The open proposal's id.
        from: String,
        /// It was approved.
        approved: bool,
        /// In what.
        difference: Difference,
    },
}

/// In what a plan is not the same as the proposed one, nor better.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Difference {
    /// The workload is another object.
    Workload,
    /// Another indicator raised the imbalance.
    Indicator,
    /// So many of its pods were not proposed, or for another role.
    Pods {
        /// How many.
        others: usize,
    },
    /// Removals would follow each other in another way.
    Pace,
    /// What is expected of it is expected on other grounds.
    Basis,
    /// How much it brings is not known, now or then.
    GainUnknown,
    /// It is expected to bring less.
    LessGain {
        /// What was proposed.
        proposed: Gain,
        /// What is expected now.
        now: Gain,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload => f.write_str("the workload is another object"),
            Self::Indicator => f.write_str("another indicator raised the imbalance"),
            Self::Pods { others: 1 } => f.write_str("1 pod was not proposed, or not for its role"),
            Self::Pods { others } => write!(f, "{others} pods were not proposed, or not for their roles"),
            Self::Pace => f.write_str("removals would follow each other in another way"),
            Self::Basis => f.write_str("its effect is expected on other grounds"),
            Self::GainUnknown => f.write_str("its effect can't be compared"),
            Self::LessGain { proposed, now } => {
                write!(f, "it is expected to bring less ({now}; proposed: {proposed})")
            }
        }
    }
}

impl fmt::Display for AskedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingOpen => f.write_str("no proposal was open"),
            Self::Differs { from, approved, difference } => {
                let what = if *approved { "approved proposal" } else { "proposal" };
                write!(f, "the plan differs from the {what} {from}: {difference}")
            }
        }
    }
}

impl Record {
    /// What the answers so far say of this plan at this time.
    #[must_use]
    pub fn consent(&self, plan: &ProposedPlan, now: Timestamp, limits: &ApprovalLimits) -> Consent {
        if let Some(rejected) = self.proposals.rejected.iter().find(|rejected| rejected.covers(plan, now)) {
            return Consent::Refused(rejected.clone());
        }
        let Some(open) = self.proposal().filter(|open| !open.is_over(now)) else {
            return Consent::Unasked(AskedBecause::NothingOpen);
        };
        match (difference(&open.plan, plan, limits), &open.approved) {
            (Some(difference), approved) => Consent::Unasked(AskedBecause::Differs {
                from: open.id.clone(),
                approved: approved.is_some(),
                difference,
            }),
            (None, Some(by)) => Consent::Granted(Approved { proposal: open.id.clone(), by: by.clone() }),
            (None, None) => Consent::Waiting(open.clone()),
        }
    }
}

/// In what a plan is neither the same as the proposed one nor better; `None` where it is one of both, within the limits.
///
/// Every pod of it must have been proposed for the same role. Fewer pods are fewer removals, and count as the same as long as
/// as much is expected of them.
#[must_use]
pub fn difference(
    proposed: &ProposedPlan,
    now: &ProposedPlan,
    limits: &ApprovalLimits,
) -> Option<Difference> {
    let is_proposed = |uid: &Uid, role| proposed.pods.iter().any(|pod| pod.uid == *uid && pod.role == role);
    let others = now.pods.iter().filter(|pod| !is_proposed(&pod.uid, pod.role)).count();
    if proposed.workload != now.workload {
        Some(Difference::Workload)
    } else if others > 0 || now.pods.is_empty() {
        Some(Difference::Pods { others })
    } else if proposed.indicator != now.indicator {
        Some(Difference::Indicator)
    } else if proposed.pace != now.pace {
        Some(Difference::Pace)
    } else {
        less(proposed.expected, now.expected, limits.tolerance().get())
    }
}

fn less(proposed: Gain, now: Gain, tolerance: f64) -> Option<Difference> {
    if proposed.basis != now.basis {
        return Some(Difference::Basis);
    }
    let (Some(then), Some(improvement)) = (proposed.improvement, now.improvement) else {
        return Some(Difference::GainUnknown);
    };
    let holds = |then: f64, now: f64| now >= then - tolerance;
    let relief_holds = match now.basis {
        Basis::EvenMixing => true,
        Basis::Predicted => holds(proposed.relief.get(), now.relief.get()),
    };
    let enough = holds(then.get(), improvement.get()) && relief_holds;
    (!enough).then_some(Difference::LessGain { proposed, now })
}
