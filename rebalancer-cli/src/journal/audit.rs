//! The audit trail: an intent before each removal, an outcome after it. Its fields are documented in docs/audit.md, and
//! are only ever added to.

use rebalancer_core::cycle::Intent;
use rebalancer_core::cycle::{Changed, NotAttempted, PodOutcome};
use rebalancer_core::port::Mode;
use rebalancer_core::report::Removal;
use rebalancer_core::unit::Ratio;

use super::group;

/// Raised when a field changes its meaning or goes.
pub(crate) const SCHEMA: u32 = 1;

/// Both records have the same fields, so that each can be read alone.
macro_rules! record {
    ($level:ident, $intent:expr, event = $event:literal, $words:literal $(, $field:ident = $value:expr)*) => {{
        // The cycle, the namespace and the workload stand in the span.
        let Intent { actor, approval, removal, mode, .. } = *$intent;
        tracing::$level!(
            event = $event,
            audit_schema = SCHEMA,
            $($field = $value,)*
            pod = removal.pod.name,
            uid = %removal.pod.uid,
            node = removal.node,
            owner = owner(removal),
            actor,
            proposal = approval.map(|approved| approved.proposal.as_str()),
            approved_by = approval.map(|approved| approved.by.to_string()),
            role = removal.choice.role().name(),
            indicator = removal.indicator.name(),
            load = removal.load.get(),
            unit = removal.indicator.unit(),
            reason = removal.choice.by(removal.indicator),
            dry_run = mode == Mode::DryRun,
            $words
        )
    }};
}

pub(super) fn intended(intent: &Intent<'_>) {
    record!(info, intent, event = "removal_intended", "about to remove a pod");
}

pub(super) fn finished(intent: &Intent<'_>, outcome: &PodOutcome) {
    let (name, detail) = (outcome.name(), detail(outcome));
    match outcome {
        PodOutcome::Removed | PodOutcome::WouldBeRemoved => {
            record!(
                info,
                intent,
                event = "removal_finished",
                "the removal was accepted",
                outcome = name,
                detail = detail
            );
        }
        PodOutcome::Spared(_) | PodOutcome::Failed(_) | PodOutcome::NotAttempted(_) => {
            record!(
                warn,
                intent,
                event = "removal_finished",
                "the pod was not removed",
                outcome = name,
                detail = detail
            );
        }
    }
}

pub(super) fn owner(removal: &Removal) -> Option<String> {
    removal.owner.as_ref().map(|owner| format!("{}/{}", owner.kind, owner.name))
}

/// The reason behind an outcome, in words.
pub(super) fn detail(outcome: &PodOutcome) -> String {
    match outcome {
        PodOutcome::Removed => "accepted by the API server".to_owned(),
        PodOutcome::WouldBeRemoved => "the API server would accept it; nothing was changed".to_owned(),
        PodOutcome::Spared(Changed::Gone) => "it is gone already".to_owned(),
        PodOutcome::Spared(Changed::Replaced { .. }) => "another pod has its name now".to_owned(),
        PodOutcome::Spared(Changed::Vetoed(veto)) => format!("it changed since the decision: {veto}"),
        PodOutcome::Failed(error) => error.to_string(),
        PodOutcome::NotAttempted(NotAttempted::Interrupted(why)) => format!("not attempted: {why}"),
        PodOutcome::NotAttempted(NotAttempted::Unreadable(error)) => {
            format!("not attempted: it could not be read again: {error}")
        }
        PodOutcome::NotAttempted(NotAttempted::TooFewLeft { serving, minimum }) => {
            format!("not attempted: only {serving} pods serve now, and {minimum} must stay")
        }
        PodOutcome::NotAttempted(NotAttempted::NoHotPodRemoved) => {
            "not attempted: no hot pod could be removed, and removing a cold one alone does not help".to_owned()
        }
        PodOutcome::NotAttempted(NotAttempted::NotNow(guard)) => format!("not attempted: {guard}"),
        PodOutcome::NotAttempted(NotAttempted::EarlierStayed { pod }) => {
            format!("not attempted: {pod} was not removed, and what follows builds on that; the next run plans afresh")
        }
        PodOutcome::NotAttempted(NotAttempted::NotReplaced(rebalance)) => format!(
            "not attempted: the replacement of the pod before is not there within KAFKA_REPLACEMENT_WAIT ({}); the next run plans afresh",
            group::at_last(rebalance)
        ),
        PodOutcome::NotAttempted(NotAttempted::NotAsExpected { expected, came }) => {
            let cv = |cv: &Option<Ratio>| cv.map_or_else(|| "unknown".to_owned(), |cv| format!("{:.3}", cv.get()));
            format!(
                "not attempted: what came of the removal before is not what was expected of it (CV {}, expected {}); the next run plans afresh",
                cv(came),
                cv(expected)
            )
        }
        PodOutcome::NotAttempted(NotAttempted::AfterForbidden) => {
            "not attempted: an earlier removal showed that the right is missing or the credentials are not accepted".to_owned()
        }
    }
}
