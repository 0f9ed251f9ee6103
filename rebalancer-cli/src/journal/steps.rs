//! What the core does by itself, as spans.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rebalancer_core::cycle::PodOutcome;
use rebalancer_core::cycle::{Intent, Journal, Step};
use tracing::{Span, info_span};

/// Makes a span of each step.
#[derive(Debug, Default)]
pub(crate) struct StepJournal(Mutex<Option<Span>>);

impl StepJournal {
    fn open(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for StepJournal {
    fn began(&self, step: Step) {
        *self.open() = Some(match step {
            Step::Plan => info_span!("plan_batch"),
            Step::Audit => info_span!("audit_batch"),
        });
    }

    fn ended(&self, _: Step) {
        // A span ends when it is dropped.
        self.open().take();
    }

    fn intended(&self, _: &Intent<'_>) {}

    fn finished(&self, _: &Intent<'_>, _: &PodOutcome) {}
}
