//! What a cycle does: as log lines, the audit trail among them, and as Kubernetes Events.

mod approval;
mod audit;
mod decision;
mod events;
mod group;
mod reason;
mod steps;
mod trail;

#[cfg(test)]
pub(crate) use audit::SCHEMA as AUDIT_SCHEMA;
pub(crate) use events::EventJournal;
pub(crate) use steps::StepJournal;
pub(crate) use trail::{TrailEntry, TrailEvent, TrailJournal};

use rebalancer_core::cycle::{Asked, LookBack};
use rebalancer_core::cycle::{Intent, Journal, Step};
use rebalancer_core::cycle::{Observation, PodOutcome, Watched};
use rebalancer_core::history::{Approved, Imbalance};
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::port::Mode;
use tokio::time::Instant;

use crate::config::Names;

/// Tells everything to each of these.
pub(crate) struct Journals<'a>(pub(crate) Vec<&'a dyn Journal>);

impl Journal for Journals<'_> {
    fn began(&self, step: Step) {
        self.0.iter().for_each(|journal| journal.began(step));
    }

    fn ended(&self, step: Step) {
        self.0.iter().for_each(|journal| journal.ended(step));
    }

    fn looked_back(&self, look_back: &LookBack) {
        self.0.iter().for_each(|journal| journal.looked_back(look_back));
    }

    fn decided(&self, observation: &Observation) {
        self.0.iter().for_each(|journal| journal.decided(observation));
    }

    fn asked(&self, observation: &Observation, mode: Mode, asked: &Asked) {
        self.0.iter().for_each(|journal| journal.asked(observation, mode, asked));
    }

    fn approved(&self, observation: &Observation, approved: &Approved) {
        self.0.iter().for_each(|journal| journal.approved(observation, approved));
    }

    fn watched(&self, observation: &Observation, watched: &Watched) {
        self.0.iter().for_each(|journal| journal.watched(observation, watched));
    }

    fn replaced(&self, after: SignedDuration, carried: Imbalance) {
        self.0.iter().for_each(|journal| journal.replaced(after, carried));
    }

    fn intended(&self, intent: &Intent<'_>) {
        self.0.iter().for_each(|journal| journal.intended(intent));
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        self.0.iter().for_each(|journal| journal.finished(intent, outcome));
    }
}

/// Writes to the log.
#[derive(Debug)]
pub(crate) struct LogJournal {
    started: Instant,
    names: Names,
}

impl LogJournal {
    /// For a cycle that began at this time.
    pub(crate) const fn since(started: Instant, names: Names) -> Self {
        Self { started, names }
    }
}

impl Journal for LogJournal {
    fn looked_back(&self, look_back: &LookBack) {
        decision::looked_back(look_back);
    }

    fn decided(&self, observation: &Observation) {
        decision::decided(&observation.report, &self.names, self.started.elapsed().as_secs_f64());
    }

    fn asked(&self, _: &Observation, mode: Mode, asked: &Asked) {
        approval::asked(mode, asked);
    }

    fn approved(&self, _: &Observation, approved: &Approved) {
        approval::approved(approved);
    }

    fn watched(&self, observation: &Observation, watched: &Watched) {
        group::watched(observation.report.carried.as_ref(), watched);
    }

    fn replaced(&self, after: SignedDuration, carried: Imbalance) {
        group::replaced(after, carried);
    }

    fn intended(&self, intent: &Intent<'_>) {
        audit::intended(intent);
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        audit::finished(intent, outcome);
    }
}
