//! The only I/O: one query by POST, with retries, within a deadline.

use std::fmt;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use rebalancer_core::port::MetricsError;
use reqwest::Response;
use tokio::time::Instant;

use crate::auth::Auth;
use crate::endpoint::Endpoint;
use crate::failure::{self, Failure};
use crate::question::{Question, Times};
use crate::settings::{ClientError, Settings};
use crate::transport;

/// An attempt shorter than this would end in a time-out that hides the real reason of the one before.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(250);
/// How much of an error page is read, in bytes.
const ERROR_PAGE_LIMIT: usize = 16 << 10;

/// Sends queries to one metric server. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    instant: Endpoint,
    range: Endpoint,
    auth: Auth,
    timeout: Duration,
    response_limit: usize,
}

impl Client {
    /// Builds the client. Reads the CA file, contacts nobody.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        if settings.timeout.is_zero() {
            return Err(ClientError::Timeout);
        }
        Ok(Self {
            instant: settings.endpoint.api("query")?,
            range: settings.endpoint.api("query_range")?,
            http: transport::build(settings)?,
            auth: settings.auth.clone(),
            timeout: settings.timeout,
            response_limit: settings.response_limit,
        })
    }

    /// The raw answer to a question.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Vec<u8>, MetricsError> {
        let start = Instant::now();
        let mut delays = backoff().build();
        let mut attempt: u32 = 1;
        loop {
            let limit = attempt_limit(self.timeout.saturating_sub(start.elapsed()));
            let (message, wait) = match self.attempt(question, limit).await {
                Ok(body) => return Ok(body),
                Err(Failure::Lasting(error)) => return Err(located(error, self.endpoint(question.times))),
                Err(Failure::Passing { message, wait }) => (message, wait),
            };
            let left = self.timeout.saturating_sub(start.elapsed());
            let Some(delay) = pause(delays.next().unwrap_or_default(), wait, left) else {
                let endpoint = self.endpoint(question.times);
                return Err(gave_up(&message, wait, endpoint, attempt, start.elapsed()));
            };
            tracing::warn!(
                event = "metrics_retry",
                query = question.name,
                attempt,
                delay_ms = millis(delay),
                error = message,
                "a query failed and is repeated"
            );
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    fn endpoint(&self, times: Times) -> &Endpoint {
        match times {
            Times::At(_) => &self.instant,
            Times::On(_) => &self.range,
        }
    }

    async fn attempt(&self, question: Question<'_>, limit: Duration) -> Result<Vec<u8>, Failure> {
        match tokio::time::timeout(limit, self.exchange(question, limit)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::passing(format!("no whole answer within {:.1} s", limit.as_secs_f64()))),
        }
    }

    async fn exchange(&self, question: Question<'_>, limit: Duration) -> Result<Vec<u8>, Failure> {
        let endpoint = self.endpoint(question.times);
        let request = self
            .auth
            .apply(self.http.post(endpoint.url().clone()))
            .map_err(|message| Failure::Lasting(MetricsError::Unavailable { message }))?;
        let response = request.form(&question.form(limit)).send().await.map_err(failure::transport)?;
        self.receive(response, endpoint).await
    }

    async fn receive(&self, response: Response, from: &Endpoint) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            // The status has said what matters; a page that breaks off does not change it.
            let page = read(response, ERROR_PAGE_LIMIT).await.unwrap_or_default();
            return Err(failure::status(status, &headers, &page, from, Timestamp::now()));
        }
        let body = read(response, self.response_limit).await.map_err(failure::transport)?;
        if body.len() > self.response_limit {
            let message = format!("more than the {} bytes that are accepted", self.response_limit);
            return Err(Failure::Lasting(MetricsError::Malformed { message }));
        }
        Ok(body)
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
        wait.map(|wait| format!(", the server asks to wait {} s", wait.as_secs())).unwrap_or_default();
    let tries = if attempts == 1 { "attempt" } else { "attempts" };
    let spent = spent.as_secs_f64();
    MetricsError::Unavailable {
        message: format!("{message}{asked} (from {from}); gave up after {attempts} {tries} in {spent:.1} s"),
    }
}

/// Jitter adds up to the same again, so that many rebalancers don't come back in step.
fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times()
}

/// Half of what is left: the first attempt, most likely to succeed, gets most of the time, and a server that hangs
/// still leaves time for another one. A third each would fail every honest query that needs longer than that.
fn attempt_limit(left: Duration) -> Duration {
    (left / 2).max(SHORTEST_ATTEMPT).min(left)
}

/// How long to wait before the next attempt; `None` when there is no time for one. Our own delay is cut short for a
/// last attempt within the deadline, the server's never.
fn pause(backoff: Duration, wait: Option<Duration>, left: Duration) -> Option<Duration> {
    let room = left.checked_sub(SHORTEST_ATTEMPT)?;
    let wait = wait.unwrap_or_default();
    (wait <= room).then(|| backoff.min(room).max(wait))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads until the end or until just beyond the limit. Counts after decompression, so a small bomb stays small.
async fn read(mut response: Response, limit: usize) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() <= limit
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn no_attempt_takes_all_of_the_time_unless_there_is_no_time_to_share() {
        assert_eq!(attempt_limit(ms(30_000)), ms(15_000));
        assert_eq!(attempt_limit(ms(400)), ms(250));
        assert_eq!(attempt_limit(ms(100)), ms(100));
    }

    #[test]
    fn a_pause_leaves_time_for_another_attempt_or_is_not_made() {
        assert_eq!(pause(ms(100), None, ms(1000)), Some(ms(100)));
        assert_eq!(pause(ms(2000), None, ms(1000)), Some(ms(750)));
        assert_eq!(pause(ms(100), None, ms(249)), None);
        assert_eq!(pause(ms(100), Some(ms(900)), ms(2000)), Some(ms(900)));
        assert_eq!(pause(ms(100), Some(ms(900)), ms(1000)), None);
        assert_eq!(pause(ms(100), Some(Duration::MAX), ms(2000)), None);
    }
}
