//! What a cycle would decide now, when all that it needs could be read.

use rebalancer_core::group::Unusable;
use rebalancer_core::port::MetricsError;
use rebalancer_core::report::{Decision, Hold};

use super::super::facts::Facts;
use super::super::finding::{Code, Finding};
use super::super::gather::longer_than_a_rebalance;
use crate::advice;

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(survey) = facts.survey() else { return Vec::new() };
    let whole =
        survey.controller.is_ok() && survey.budgets.as_ref().is_none_or(Result::is_ok) && facts.has_loads();
    let Some(Ok(observation)) = facts.observation.as_ref().filter(|_| whole) else {
        return vec![Finding::not_checked(
            "what a cycle would decide",
            "some of what it needs could not be read",
        )];
    };
    vec![match &observation.report.decision {
        Decision::Balanced => Finding::ok(
            Code::Outlook,
            format!("a cycle now: {}", advice::decision(&observation.report.decision)),
        ),
        Decision::Rotate(_) => match paused(facts) {
            Some(pause) => Finding::note(Code::Outlook, format!("a cycle now would hold: {pause}")),
            None => Finding::ok(
                Code::Outlook,
                format!("a cycle now: {}", advice::decision(&observation.report.decision)),
            ),
        },
        Decision::Hold(hold) if lasts(hold) => Finding::error(
            Code::NeverRotates,
            format!("every cycle holds ({}): {hold}", hold.name()),
            "docs/operations.md says what to do about this hold",
        ),
        Decision::Hold(hold @ Hold::GroupUnsettled { why }) => unsettled(hold, why, facts),
        Decision::Hold(hold @ Hold::AssignorUnclear { fits, .. }) => Finding::warning(
            Code::Outlook,
            format!("a cycle now would hold ({}): {hold}", hold.name()),
            advice::which_rule(*fits),
        ),
        Decision::Hold(hold) => {
            Finding::note(Code::Outlook, format!("a cycle now would hold ({}): {hold}", hold.name()))
        }
    }]
}

/// A rebalance passes. What was so a while ago is none, and pods that are not this fleet's don't pass either.
fn unsettled(hold: &Hold, why: &Unusable, facts: &Facts<'_>) -> Finding {
    let same = |before: &Unusable| std::mem::discriminant(before) == std::mem::discriminant(why);
    let (name, was_so) = (hold.name(), facts.unsettled_before.as_ref().is_some_and(same));
    if matches!(why, Unusable::StrangeOwner { .. }) {
        return Finding::warning(
            Code::Outlook,
            format!("a cycle now would hold ({name}): {hold}"),
            "nothing, if that pod has just gone or is just starting; if not, PARTITION_LOAD_QUERY sees pods of another \
             workload, or consumers of this group that are not of this fleet",
        );
    }
    if !was_so {
        return Finding::note(Code::Outlook, format!("a cycle now would hold ({name}): {hold}"));
    }
    let before = longer_than_a_rebalance(facts.settings).as_mins();
    Finding::error(
        Code::NeverRotates,
        format!(
            "every cycle holds ({name}): {hold}; it was so {before} min ago too, so that it is no rebalance"
        ),
        "see which pods show a lag for it: one whose lag is no number is not seen to hold the partition, and a former \
         owner must stop to show it; docs/operations.md has more of this hold",
    )
}

pub(super) fn paused(facts: &Facts<'_>) -> Option<String> {
    let peeked = facts.survey()?.record.as_ref()?.as_ref().ok()?;
    let history_policy = facts.settings.memory.as_ref()?.policy;
    // As it was stored, a breaker whose time is up is still open.
    let mut record = peeked.record.clone();
    record.advance(facts.now, &history_policy);
    record.pause(facts.now, &history_policy).map(|pause| pause.to_string())
}

/// It does not pass by itself, and has no finding of its own yet.
fn lasts(hold: &Hold) -> bool {
    match hold {
        Hold::UnusableTarget { .. }
        | Hold::StaticMembers
        | Hold::GroupUnclear { .. }
        | Hold::TooFewPartitions { .. }
        | Hold::AssignorRestoresSets { .. }
        | Hold::SlowNode { .. }
        | Hold::AmbiguousSeries { error: MetricsError::Ambiguous { passing: false, .. }, .. } => true,
        Hold::NoPods
        | Hold::NoEligiblePods { .. }
        | Hold::MetricsIncomplete { .. }
        | Hold::AmbiguousTarget { .. }
        | Hold::AmbiguousSeries { .. }
        | Hold::RequestsUnknown { .. }
        | Hold::AssignorUnclear { .. }
        | Hold::NoHotPod { .. }
        | Hold::TooFewPods { .. }
        | Hold::GroupUnsettled { .. }
        | Hold::HotPartition { .. }
        | Hold::SmallGain { .. }
        | Hold::ShareTooSmall { .. }
        | Hold::BudgetsTooTight { .. }
        | Hold::NotPersistent { .. }
        | Hold::PastUnknown { .. }
        | Hold::WillPass { .. }
        | Hold::NotNow(_)
        | Hold::Paused(_)
        | Hold::SmallImprovement { .. } => false,
    }
}
