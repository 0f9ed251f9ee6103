//! What a cycle does, as log lines; the audit trail among them.

mod audit;
mod decision;

use rebalancer_core::cycle::{Observation, PodOutcome};
use rebalancer_core::port::{Intent, Journal};
use rebalancer_core::remember::LookBack;
use tokio::time::Instant;

/// Writes to the log.
#[derive(Debug)]
pub(crate) struct LogJournal {
    started: Instant,
}

impl LogJournal {
    /// For a cycle that began at this time.
    pub(crate) const fn since(started: Instant) -> Self {
        Self { started }
    }
}

impl Journal for LogJournal {
    fn looked_back(&self, look_back: &LookBack) {
        decision::looked_back(look_back);
    }

    fn decided(&self, observation: &Observation) {
        decision::decided(observation, self.started.elapsed().as_secs_f64());
    }

    fn intended(&self, intent: &Intent<'_>) {
        audit::intended(intent);
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        audit::finished(intent, outcome);
    }
}
