//! What is told of one request: a line at debug, with its name and the sizes. Never what is in it: names of groups and
//! topics are somebody's business, and requests that authenticate hold secrets.

use tokio::time::Instant;
use tracing::debug;

use crate::failure::Failure;
use crate::settings::Address;
use crate::wire::Version;

/// One request. It is told when this is dropped, so that one that is given up is told too.
pub(crate) struct RequestLog {
    version: Version,
    broker: String,
    started: Instant,
    sent: usize,
    received: Option<usize>,
    error: Option<String>,
}

impl RequestLog {
    /// A request that begins now.
    pub(crate) fn of(version: Version, broker: &Address, sent: usize) -> Self {
        Self {
            version,
            broker: broker.to_string(),
            started: Instant::now(),
            sent,
            received: None,
            error: Some("given up before its end".to_owned()),
        }
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.received = Some(bytes);
    }

    pub(crate) fn ended(&mut self, failure: Option<&Failure>) {
        self.error = failure.map(Failure::message);
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        let Self { version, broker, started, sent, received, error } = self;
        let (api, version, seconds) =
            (format!("{:?}", version.api), version.number, started.elapsed().as_secs_f64());
        debug!(
            event = "kafka_request",
            broker, api, version, sent, received, seconds, error, "a request to a broker"
        );
    }
}
