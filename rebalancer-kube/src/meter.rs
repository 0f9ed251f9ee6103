//! What went wrong between us and the API server, as numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use rebalancer_core::port::ApiErrors;

use crate::classify::is_from_a_budget;
use crate::wire::Failure;

/// Counts for all who share a connection. Nothing is decided by it, so it needs no order among its numbers.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    errors: AtomicU64,
    retries: AtomicU64,
}

impl Meter {
    /// Counts one request if it failed.
    pub(crate) fn answered<T>(&self, answer: &Result<T, Failure>) {
        if answer.as_ref().is_err_and(is_error) {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts one request of a watch, which is no error once it is answered.
    pub(crate) fn sent(&self, answered: bool) {
        self.errors.fetch_add(u64::from(!answered), Ordering::Relaxed);
    }

    /// What was counted as an error last was none: we asked for what we may not have.
    pub(crate) fn was_an_answer(&self) {
        self.errors.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request is about to be repeated.
    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn errors(&self) -> ApiErrors {
        ApiErrors {
            errors: self.errors.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}

/// The API could not be used. What it says of an object is an answer: that there is none, that it changed or was there
/// before, that a budget protects it, that a list must be restarted.
fn is_error(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(refusal) => {
            !matches!(refusal.status.code, 404 | 409 | 410) && !is_from_a_budget(refusal)
        }
        Failure::Malformed(_)
        | Failure::Unsendable(_)
        | Failure::NotConnected(_)
        | Failure::Lost(_)
        | Failure::TimeUp { .. } => true,
    }
}
