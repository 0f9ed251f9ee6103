//! The only I/O of queries: one by POST, with retries, within a deadline.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder;
use jiff::Timestamp;
use rebalancer_core::port::MetricsError;
use rebalancer_core::unit::Elapsed;
use reqwest::Response;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use crate::auth::Auth;
use crate::client_error::ClientError;
use crate::endpoint::Endpoint;
use crate::failure::{self, Failure};
use crate::hidden::Hidden;
use crate::pace::{SHORTEST_ATTEMPT, attempt_limit, backoff, pause};
use crate::question::{Question, Times};
use crate::settings::ClientSettings;
use crate::transport;
use crate::usage::{Meter, Usage};

/// Sends queries to one metric server. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Endpoint,
    pub(crate) instant: Endpoint,
    range: Endpoint,
    pub(crate) auth: Auth,
    pub(crate) hidden: Hidden,
    pub(crate) timeout: Duration,
    response_limit: usize,
    series_limit: Option<NonZeroUsize>,
    /// Whose turn it is to ask.
    turns: Arc<Semaphore>,
    meter: Arc<Meter>,
}

impl Client {
    /// Builds the client. Reads the files with certificates, contacts no server.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        if settings.timeout.is_zero() {
            return Err(ClientError::Timeout);
        }
        Ok(Self {
            instant: settings.endpoint.api("query")?,
            range: settings.endpoint.api("query_range")?,
            base: settings.endpoint.clone(),
            http: transport::build(settings)?,
            auth: settings.auth.clone(),
            hidden: Hidden::of(settings),
            timeout: settings.timeout,
            response_limit: settings.response_limit,
            series_limit: settings.series_limit,
            // More turns than a semaphore can count are no limit either.
            turns: Arc::new(Semaphore::new(settings.concurrency.get().min(Semaphore::MAX_PERMITS))),
            meter: Arc::default(),
        })
    }

    /// What was asked and read until now, by this client and its clones.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// Counts an answer that came whole and can't be used.
    pub(crate) fn count_useless(&self) {
        self.meter.error();
    }

    /// The most series that an answer may have.
    pub(crate) fn series_limit(&self) -> Option<NonZeroUsize> {
        self.series_limit
    }

    /// The raw answer to a question.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Vec<u8>, MetricsError> {
        self.meter.query();
        let (start, from) = (Instant::now(), self.endpoint(question.times));
        let left = || self.timeout.saturating_sub(start.elapsed());
        let mut delays = backoff().build();
        let mut attempts = 0;
        let (mut message, mut wait) = ("no time was left after other queries".to_owned(), None);
        // A query that is repeated waits for its turn anew, so that others pass.
        while let Some(turn) = self.turn(left()).await {
            attempts += 1;
            if attempts > 1 {
                self.meter.retry();
            }
            let answer = self.attempt(question, turn, attempt_limit(left())).await;
            (message, wait) = match answer.inspect_err(|_| self.meter.error()) {
                Ok(body) => return Ok(body),
                Err(Failure::Lasting(error)) => return Err(located(error, from)),
                Err(Failure::Passing { message, wait }) => (message, wait),
            };
            let Some(delay) = pause(delays.next().unwrap_or_default(), wait, left()) else { break };
            tracing::warn!(
                event = "metrics_retry",
                query = question.name,
                attempt = attempts,
                delay_ms = millis(delay),
                error = message,
                "a query failed and will be retried"
            );
            tokio::time::sleep(delay).await;
        }
        Err(gave_up(&message, wait, from, attempts, start.elapsed()))
    }

    /// Leave to ask the server now; `None` when it does not come while there is still time for an attempt.
    async fn turn(&self, left: Duration) -> Option<SemaphorePermit<'_>> {
        timeout(left.saturating_sub(SHORTEST_ATTEMPT), self.turns.acquire()).await.ok()?.ok()
    }

    fn endpoint(&self, times: Times) -> &Endpoint {
        match times {
            Times::At(_) => &self.instant,
            Times::On(_) => &self.range,
        }
    }

    async fn attempt(
        &self,
        question: Question<'_>,
        _turn: SemaphorePermit<'_>,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        match timeout(limit, self.exchange(question, limit)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::passing(format!("no whole answer within {}", Elapsed::from(limit)))),
        }
    }

    async fn exchange(&self, question: Question<'_>, limit: Duration) -> Result<Vec<u8>, Failure> {
        let endpoint = self.endpoint(question.times);
        let request = self
            .auth
            .apply(self.http.post(endpoint.url().clone()))
            .map_err(|message| Failure::Lasting(MetricsError::Unavailable { message }))?;
        let response = request
            .form(&question.form(limit, self.series_limit))
            .send()
            .await
            .map_err(failure::transport)?;
        self.receive(response, endpoint).await
    }

    async fn receive(&self, response: Response, from: &Endpoint) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            let page = transport::error_page(response, |bytes| self.meter.received(bytes)).await;
            return Err(failure::status(status, &headers, &self.hidden.hide(&page), from, Timestamp::now()));
        }
        let body = self.read(response, self.response_limit).await.map_err(failure::transport)?;
        if body.len() > self.response_limit {
            let message = format!("more than the {} bytes that are accepted", self.response_limit);
            return Err(Failure::Lasting(MetricsError::Malformed { message }));
        }
        Ok(body)
    }

    /// Reads until the end or until just beyond the limit.
    pub(crate) async fn read(&self, response: Response, limit: usize) -> reqwest::Result<Vec<u8>> {
        transport::read(response, limit, |bytes| self.meter.received(bytes)).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.instant)
            .field("auth", &self.auth)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The error with the address that it came from.
fn located(error: MetricsError, from: &Endpoint) -> MetricsError {
    let at = |message: String| format!("{message} (from {from})");
    match error {
        MetricsError::Unavailable { message } => MetricsError::Unavailable { message: at(message) },
        MetricsError::Refused { message } => MetricsError::Refused { message: at(message) },
        MetricsError::Incomplete { message } => MetricsError::Incomplete { message: at(message) },
        MetricsError::Malformed { message } => MetricsError::Malformed { message: at(message) },
        error @ (MetricsError::Ambiguous { .. } | MetricsError::Offsets { .. }) => error,
    }
}

fn gave_up(
    message: &str,
    wait: Option<Duration>,
    from: &Endpoint,
    attempts: u32,
    spent: Duration,
) -> MetricsError {
    let asked =
        wait.map(|wait| format!(", the server asks to wait {}", Elapsed::from(wait))).unwrap_or_default();
    let tries = if attempts == 1 { "attempt" } else { "attempts" };
    let spent = Elapsed::from(spent);
    MetricsError::Unavailable {
        message: format!("{message}{asked} (from {from}); gave up after {attempts} {tries} in {spent}"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
