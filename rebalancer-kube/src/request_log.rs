//! The log of one request: a line at debug and a span, with the request line and the size of the answer. Never a body, a
//! header or a query string: they may hold private data and credentials.

use std::fmt::Display;

use http::{Request, StatusCode};
use tokio::time::Instant;
use tracing::field::{Empty, display};
use tracing::{Span, debug, info_span};

/// One request. It is logged when this is dropped, so a request that is given up is logged too.
pub(crate) struct RequestLog {
    verb: String,
    path: String,
    started: Instant,
    status: Option<u16>,
    bytes: Option<usize>,
    error: Option<String>,
    span: Span,
}

impl RequestLog {
    /// A request that begins now.
    pub(crate) fn new<T>(request: &Request<T>) -> Self {
        let (verb, path) = (request.method().to_string(), request.uri().path().to_owned());
        let span = info_span!(
            "kubernetes_request",
            otel.kind = "client",
            http.request.method = verb,
            url.path = path,
            http.response.status_code = Empty,
            http.response.body.size = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty
        );
        Self {
            verb,
            path,
            started: Instant::now(),
            status: None,
            bytes: None,
            error: Some("canceled before it ended".to_owned()),
            span,
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The server has answered with this status.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
        self.bytes = Some(0);
    }

    /// So many bytes more of the answer's body have come.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes = Some(self.bytes.unwrap_or(0) + bytes);
    }

    /// How it ended.
    pub(crate) fn ended<T>(&mut self, result: Result<&T, &impl Display>) {
        self.error = result.err().map(ToString::to_string);
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        let Self { verb, path, started, status, bytes, error, span } = self;
        span.record("http.response.status_code", *status);
        span.record("http.response.body.size", *bytes);
        if let Some(error) = error {
            failed(span, error);
        }
        let seconds = started.elapsed().as_secs_f64();
        debug!(
            event = "kubernetes_request",
            verb, path, status, bytes, seconds, error, "a request to the API server"
        );
    }
}

/// Marks a span as failed.
pub(crate) fn failed(span: &Span, error: &dyn Display) {
    span.record("otel.status_code", "ERROR").record("otel.status_description", display(error));
}
