//! The audit trail, kept for whoever asks this process. The log has it too, for longer.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rebalancer_core::cycle::{Intent, Journal, PodOutcome};
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::Role;
use rebalancer_core::port::Mode;
use serde::Serialize;

use super::audit;

/// One line of the audit trail. Its fields are those of the log's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrailEntry {
    /// What happened.
    pub(crate) event: TrailEvent,
    /// When.
    pub(crate) timestamp: Timestamp,
    /// The run; sorts by time.
    pub(crate) cycle_id: String,
    /// The pod's name.
    pub(crate) pod: String,
    /// The pod's identity.
    pub(crate) uid: String,
    /// Where it ran; `null` when not known.
    pub(crate) node: Option<String>,
    /// Who replaces it, as `kind/name`.
    pub(crate) owner: Option<String>,
    /// Who asked, as the API server knows us; `null` when it does not tell.
    pub(crate) actor: Option<String>,
    /// The role for which it was selected.
    pub(crate) role: Role,
    /// By what it was chosen.
    pub(crate) indicator: Indicator,
    /// Its load by that indicator.
    pub(crate) load: f64,
    /// The unit of the load.
    pub(crate) unit: &'static str,
    /// Why it was chosen, in words.
    pub(crate) reason: String,
    /// Nothing was changed.
    pub(crate) dry_run: bool,
    /// What became of it; only of a removal that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<&'static str>,
    /// Why, in words; only of a removal that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrailEvent {
    /// A removal is about to be requested.
    RemovalIntended,
    /// What became of it.
    RemovalFinished,
}

/// Keeps what one cycle intended and finished.
#[derive(Debug, Default)]
pub(crate) struct TrailJournal(Mutex<Vec<TrailEntry>>);

impl TrailJournal {
    /// All of it, the oldest first.
    pub(crate) fn entries(self) -> Vec<TrailEntry> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: TrailEvent, intent: &Intent<'_>, outcome: Option<&PodOutcome>) {
        let Intent { cycle, actor, removal, mode, .. } = *intent;
        let entry = TrailEntry {
            event,
            timestamp: Timestamp::now(),
            cycle_id: cycle.to_owned(),
            pod: removal.pod.name.clone(),
            uid: removal.pod.uid.to_string(),
            node: removal.node.clone(),
            owner: audit::owner(removal),
            actor: actor.map(str::to_owned),
            role: removal.choice.role(),
            indicator: removal.indicator,
            load: removal.load.get(),
            unit: removal.indicator.unit(),
            reason: removal.choice.by(removal.indicator),
            dry_run: mode == Mode::DryRun,
            outcome: outcome.map(PodOutcome::name),
            detail: outcome.map(audit::detail),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}

impl Journal for TrailJournal {
    fn intended(&self, intent: &Intent<'_>) {
        self.push(TrailEvent::RemovalIntended, intent, None);
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        self.push(TrailEvent::RemovalFinished, intent, Some(outcome));
    }
}
