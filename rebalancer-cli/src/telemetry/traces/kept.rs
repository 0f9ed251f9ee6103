//! Finished spans, until they are sent. A cycle has some dozens; there is a limit all the same.
//!
//! The SDK's own batches aren't used: they send from a thread of their own, which has no runtime for the HTTP client that
//! is here, and a job that lives for seconds has nothing to send before its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// More are counted, and not kept.
const MOST: usize = 8192;

/// The spans that were kept, and the number of those that were not.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<(Vec<SpanData>, usize)>);

impl Kept {
    /// Takes them out.
    pub(super) fn take(&self) -> (Vec<SpanData>, usize) {
        std::mem::take(&mut self.lock())
    }

    fn keep(&self, span: SpanData) {
        let (spans, lost) = &mut *self.lock();
        if spans.len() < MOST {
            spans.push(span);
        } else {
            *lost += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<SpanData>, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps every span that is to be exported.
#[derive(Debug)]
pub(super) struct Keep(pub(super) Arc<Kept>);

impl SpanProcessor for Keep {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0.keep(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
