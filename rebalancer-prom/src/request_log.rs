//! The log of one query: two lines at debug and a span, with its text, its time and the size of its answer; never the
//! answer itself, and no header.

use rebalancer_core::port::MetricsError;
use tokio::time::Instant;
use tracing::field::{Empty, display};
use tracing::{Span, debug, info_span};

use crate::decode::Decoded;
use crate::question::Question;

/// One query, with all its attempts. Its end is logged when this is dropped, so a query that is given up is logged too.
pub(crate) struct RequestLog<'a> {
    name: &'a str,
    started: Instant,
    bytes: usize,
    values: Option<usize>,
    left_out: Option<usize>,
    error: Option<String>,
    span: Span,
}

impl<'a> RequestLog<'a> {
    /// A query that is asked now.
    pub(crate) fn new(question: Question<'a>) -> Self {
        let Question { name, promql, times } = question;
        debug!(event = "metrics_query", query = name, %promql, at = %times, "the metric server is asked");
        let span = info_span!(
            "metrics_query",
            otel.kind = "client",
            query = name,
            %promql,
            at = %times,
            bytes = Empty,
            values = Empty,
            left_out = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty
        );
        let error = Some("canceled before it ended".to_owned());
        Self { name, started: Instant::now(), bytes: 0, values: None, left_out: None, error, span }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// An answer of this many bytes came.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes = bytes;
    }

    /// How it ended.
    pub(crate) fn ended<T>(&mut self, result: Result<&Decoded<T>, &MetricsError>) {
        self.values = result.ok().map(|decoded| decoded.values);
        self.left_out = result.ok().map(|decoded| decoded.left_out);
        self.error = result.err().map(ToString::to_string);
    }
}

impl Drop for RequestLog<'_> {
    fn drop(&mut self) {
        let Self { name, started, bytes, values, left_out, error, span } = self;
        span.record("bytes", *bytes).record("values", *values).record("left_out", *left_out);
        if let Some(error) = error {
            span.record("otel.status_code", "ERROR").record("otel.status_description", display(&error));
        }
        let seconds = started.elapsed().as_secs_f64();
        debug!(
            event = "metrics_answer",
            query = *name,
            bytes,
            seconds,
            values,
            left_out,
            error,
            "the query ended"
        );
    }
}
