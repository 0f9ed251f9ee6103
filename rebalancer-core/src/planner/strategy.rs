//! How pods are selected: by prediction, or by the hottest and coldest pods.

mod predict;
mod rotate;

use super::candidates::Candidates;
use super::raised::Raised;
use super::verdicts::Verdicts;
use crate::fleet::consumer_group::GroupMember;
use crate::group::{Inference, Unusable};
use crate::policy::Strategy;
use crate::prediction::Prediction;
use crate::report::{Decision, Hold, Method};
use crate::snapshot::Placement;

/// What a strategy decides.
pub(super) struct Selection {
    pub(super) method: Method,
    pub(super) prediction: Option<Prediction>,
    pub(super) decision: Decision,
    pub(super) verdicts: Verdicts,
}

impl Selection {
    pub(super) fn without_choice(decision: Decision) -> Self {
        Self { method: Method::None, prediction: None, decision, verdicts: Verdicts::default() }
    }

    pub(super) fn hold(hold: Hold) -> Self {
        Self::without_choice(Decision::Hold(hold))
    }

    /// Holds what was selected.
    pub(super) fn hold_plan(&mut self, hold: Hold) {
        self.decision = Decision::Hold(hold);
        self.verdicts.hold();
    }
}

/// Selects by the policy's strategy, or by rotate-outliers when the other one can't be used.
pub(super) fn select(candidates: &Candidates<'_>, raised: &Raised<'_>) -> Selection {
    let because = match candidates.policy.selection.strategy {
        Strategy::RotateOutliers if has_static_members(candidates) => {
            return Selection::hold(Hold::StaticMembers);
        }
        Strategy::RotateOutliers => None,
        Strategy::Predict => match predict::select(candidates, raised) {
            Ok(predicted) => return predicted,
            Err(why) => match known_to_be_useless(candidates, &why) {
                Some(hold) => return Selection::hold(hold),
                None => Some(why),
            },
        },
    };
    let (decision, verdicts) = rotate::select(candidates, raised);
    Selection { method: Method::RotateOutliers { because }, prediction: None, decision, verdicts }
}

/// What is known without partition loads: a group in the middle of a rebalance is left alone, and so is one whose
/// configured rules give the same sets again, or whose assignment comes from no rule that is known.
fn known_to_be_useless(candidates: &Candidates<'_>, why: &Unusable) -> Option<Hold> {
    let group = &candidates.policy.group;
    let configured = group.assignor.filter(|assignor| !assignor.is_sticky());
    if why.is_unsettled() {
        Some(Hold::GroupUnsettled { why: why.clone() })
    } else if why.is_unclear() {
        Some(Hold::GroupUnclear { why: why.clone() })
    } else if group.static_members || has_static_members(candidates) {
        Some(Hold::StaticMembers)
    } else {
        let restores = |assignor| Hold::AssignorRestoresSets { assignor: Inference::Configured { assignor } };
        // Some rule has made this assignment, and nobody knows what that one does to it.
        let unclear = (*why == Unusable::NoKnownRule).then(|| Hold::GroupUnclear { why: why.clone() });
        configured.map(restores).or(unclear)
    }
}

/// Kafka tells of static members in pods of the fleet.
fn has_static_members(candidates: &Candidates<'_>) -> bool {
    let observed = candidates.snapshot.group.as_ref();
    let is_static = |(member, placement): (&GroupMember, &Placement)| {
        member.instance_id.is_some() && placement.pod().is_some()
    };
    observed.is_some_and(|observed| observed.placed().any(is_static))
}
