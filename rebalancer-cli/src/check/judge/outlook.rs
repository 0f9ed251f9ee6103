//! What a cycle would decide now, when all that it needs could be read.

use rebalancer_core::report::{Decision, Hold};

use super::super::facts::Facts;
use super::super::finding::{Code, Finding};
use crate::advice;

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(survey) = facts.survey() else { return Vec::new() };
    let whole = survey.controller.is_ok()
        && survey.budgets.as_ref().is_none_or(Result::is_ok)
        && facts.metrics.readings.as_ref().is_some_and(|readings| readings.loads.values().any(Result::is_ok));
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
        Decision::Hold(hold) => {
            Finding::note(Code::Outlook, format!("a cycle now would hold ({}): {hold}", hold.name()))
        }
    }]
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
        | Hold::TooFewPartitions { .. }
        | Hold::AssignorRestoresSets { .. } => true,
        Hold::NoPods
        | Hold::NoEligiblePods { .. }
        | Hold::MetricsIncomplete { .. }
        | Hold::AmbiguousTarget { .. }
        | Hold::RequestsUnknown { .. }
        | Hold::NoHotPod { .. }
        | Hold::TooFewPods { .. }
        | Hold::GroupUnsettled { .. }
        | Hold::HotPartition { .. }
        | Hold::SmallGain { .. }
        | Hold::ShareTooSmall { .. }
        | Hold::BudgetsTooTight { .. }
        | Hold::NotPersistent { .. }
        | Hold::PastUnknown { .. }
        | Hold::NotNow(_)
        | Hold::Paused(_)
        | Hold::SmallImprovement { .. } => false,
    }
}
