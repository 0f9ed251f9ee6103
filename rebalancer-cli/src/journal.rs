//! The audit trail as log lines: an intent before each removal, an outcome after it.

use rebalancer_core::cycle::{Changed, NotAttempted, PodOutcome};
use rebalancer_core::port::{Journal, Mode};
use rebalancer_core::report::Removal;
use tracing::{info, warn};

/// Writes the audit trail to the log.
#[derive(Debug)]
pub(crate) struct LogJournal;

impl Journal for LogJournal {
    fn intended(&self, removal: &Removal, mode: Mode) {
        info!(
            event = "removal_intended",
            pod = removal.pod.name,
            uid = %removal.pod.uid,
            namespace = removal.pod.namespace,
            node = removal.node,
            owner = owner(removal),
            role = removal.choice.role(),
            indicator = removal.indicator.name(),
            load = removal.load.get(),
            reason = %removal.choice,
            dry_run = mode == Mode::DryRun,
            "about to remove a pod"
        );
    }

    fn finished(&self, removal: &Removal, outcome: &PodOutcome, mode: Mode) {
        let detail = detail(outcome);
        let dry_run = mode == Mode::DryRun;
        let (pod, uid, role) = (&removal.pod.name, &removal.pod.uid, removal.choice.role());
        match outcome {
            PodOutcome::Removed | PodOutcome::WouldBeRemoved => info!(
                event = "removal_finished", pod, %uid, role, outcome = outcome.name(), detail, dry_run,
                "the removal was accepted"
            ),
            PodOutcome::Spared(_) | PodOutcome::Failed(_) | PodOutcome::NotAttempted(_) => warn!(
                event = "removal_finished", pod, %uid, role, outcome = outcome.name(), detail, dry_run,
                "the pod was not removed"
            ),
        }
    }
}

fn owner(removal: &Removal) -> Option<String> {
    removal.owner.as_ref().map(|owner| format!("{}/{}", owner.kind, owner.name))
}

/// The reason behind an outcome, in words.
pub(crate) fn detail(outcome: &PodOutcome) -> String {
    match outcome {
        PodOutcome::Removed => "accepted by the API server".to_owned(),
        PodOutcome::WouldBeRemoved => "the API server would accept it; nothing was changed".to_owned(),
        PodOutcome::Spared(Changed::Gone) => "it is gone already".to_owned(),
        PodOutcome::Spared(Changed::Replaced { .. }) => "another pod has its name now".to_owned(),
        PodOutcome::Spared(Changed::Vetoed(veto)) => format!("it changed since the decision: {veto}"),
        PodOutcome::Failed(error) => error.to_string(),
        PodOutcome::NotAttempted(NotAttempted::Interrupted(why)) => format!("not asked for: {why}"),
        PodOutcome::NotAttempted(NotAttempted::Unreadable(error)) => {
            format!("not asked for: it could not be read again: {error}")
        }
        PodOutcome::NotAttempted(NotAttempted::TooFewLeft { serving, minimum }) => {
            format!("not asked for: only {serving} pods serve now, and {minimum} must stay")
        }
        PodOutcome::NotAttempted(NotAttempted::AfterForbidden) => {
            "not asked for: the right is missing or the credentials are not accepted, as an earlier removal showed".to_owned()
        }
    }
}
