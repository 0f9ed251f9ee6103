//! Reads again after failures that pass by themselves, until a deadline that holds for all attempts together.
//!
//! kube's own retry is off: it repeats refusals of every verb, up to 15 times, in silence. Reads are repeated
//! here, with a log line each, and so are writes that are stored at most once however often they are sent; removals
//! never are.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use http::Request;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use crate::answer::{Encoding, Gather, Json};
use crate::classify::lacks_replicas;
use crate::client::Connection;
use crate::wire::{Dated, Failure, exchange};

/// Longer than anybody means, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Until when a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        let limit = limit.min(LONGEST);
        Self { at: Instant::now() + limit, limit }
    }

    /// Waits for the answer, but not longer than this. When it is over, nothing is begun any more.
    pub(crate) async fn hold<T>(
        self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if !self.leaves(Duration::ZERO) {
            return Err(self.up());
        }
        timeout_at(self.at, answer).await.unwrap_or_else(|_| Err(self.up()))
    }

    fn up(self) -> Failure {
        Failure::TimeUp { limit: self.limit, server: None }
    }

    fn leaves(self, pause: Duration) -> bool {
        pause < self.at.saturating_duration_since(Instant::now())
    }
}

/// Sends a request once.
pub(crate) async fn once<T: DeserializeOwned>(
    connection: &Connection,
    request: Request<Vec<u8>>,
    deadline: Deadline,
) -> Result<T, Failure> {
    once_gathered(connection, request, deadline, Json::begin).await.map(|dated| dated.answer)
}

async fn once_gathered<G: Gather>(
    connection: &Connection,
    request: Request<Vec<u8>>,
    deadline: Deadline,
    begin: impl FnOnce(Encoding) -> G,
) -> Result<Dated<G::Whole>, Failure> {
    let answer = deadline.hold(exchange(connection, request, begin)).await;
    let answer = answer.map_err(|failure| failure.asking(connection.server.as_ref()));
    connection.meter.answered(&answer);
    answer
}

/// Sends a request that changes nothing as [`read`] does, where a missing right is an answer and no error, as is an object
/// that has not what was asked for.
pub(crate) async fn read_if_allowed<T: DeserializeOwned>(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    deadline: Deadline,
) -> Result<T, Failure> {
    let answer = read(connection, request, deadline).await;
    if let Err(Failure::Refused(refusal)) = &answer
        && (refusal.status.code == 403 || lacks_replicas(refusal))
    {
        connection.meter.was_an_answer();
    }
    answer
}

/// Sends a request that changes nothing, or nothing the second time, again after each failure that may pass by itself.
pub(crate) async fn read<T: DeserializeOwned>(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    deadline: Deadline,
) -> Result<T, Failure> {
    gather(connection, request, deadline, Json::begin).await
}

/// The same for an answer that is gathered in another way.
pub(crate) async fn gather<G: Gather>(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    deadline: Deadline,
    begin: impl Fn(Encoding) -> G,
) -> Result<G::Whole, Failure> {
    gather_dated(connection, request, deadline, begin).await.map(|dated| dated.answer)
}

/// The same with the server's time.
pub(crate) async fn read_dated<T: DeserializeOwned>(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    deadline: Deadline,
) -> Result<Dated<T>, Failure> {
    gather_dated(connection, request, deadline, Json::begin).await
}

async fn gather_dated<G: Gather>(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    deadline: Deadline,
    begin: impl Fn(Encoding) -> G,
) -> Result<Dated<G::Whole>, Failure> {
    let mut pauses = backoff();
    loop {
        let failure = match once_gathered(connection, request.clone(), deadline, &begin).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let Some(pause) = pauses.next().and_then(|pause| pause_after(&failure, pause)) else {
            return Err(failure);
        };
        if !deadline.leaves(pause) {
            return Err(failure);
        }
        let (path, delay_ms) = (request.uri().path(), u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        warn!(event = "kubernetes_retry", path, delay_ms, error = %failure, "a request failed and will be retried");
        sleep(pause).await;
        connection.meter.retry();
    }
}

fn backoff() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(6)
        .with_jitter()
        .build()
}

/// The pause before the next attempt; `None` where another attempt would end the same way.
fn pause_after(failure: &Failure, pause: Duration) -> Option<Duration> {
    match failure {
        Failure::NotConnected(_) | Failure::Lost(_) => Some(pause),
        Failure::Refused(refusal) if lacks_replicas(refusal) => None,
        Failure::Refused(refusal) => matches!(refusal.status.code, 408 | 429 | 500..=599)
            .then(|| refusal.retry_after.map_or(pause, |asked| asked.max(pause))),
        Failure::Malformed(_) | Failure::Unsendable(_) | Failure::TimeUp { .. } => None,
    }
}
