//! What can be told about a metric server before it is relied on: whether it answers at this address, where it answers
//! instead, how its clock goes, and which series it has.

mod kind;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::port::MetricsError;
use reqwest::Response;
use reqwest::header::{DATE, HeaderMap};
use tokio::time::{Instant, sleep, timeout};

pub use kind::UnusableServer;

use crate::Client;
use crate::decode::{Element, labelled, times};
use crate::endpoint::Endpoint;
use crate::failure;
use crate::query::PromQl;
use crate::question::{Question, Times};
use crate::selector::Selector;
use crate::template::quoted;

/// The answer to this is known, whatever the server has stored.
const QUERY: &str = "vector(1)";
/// A server that needs longer for [`QUERY`] is of no use.
const LONGEST: Duration = Duration::from_secs(5);
/// Another address is only tried.
const SHORT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(300);
const ATTEMPTS: u32 = 3;
/// Not all series of a metric have the same labels.
const EXAMPLES: usize = 20;
/// More of an answer is not needed to tell that it is none.
const LARGEST: usize = 16 << 10;
/// Where the API of the usual servers begins.
const PREFIXES: [&str; 5] = ["", "/prometheus", "/select/0/prometheus", "/api/prom", "/mimir/prometheus"];

/// A server that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// What its clock showed when it answered, to the second; `None` when it does not tell.
    pub clock: Option<Timestamp>,
    /// How long the answer took.
    pub took: Duration,
}

impl Client {
    /// The base URL, without credentials and query string.
    #[must_use]
    pub fn base(&self) -> String {
        self.base.to_string().trim_end_matches('/').to_owned()
    }

    /// Asks for something that needs no data. Failures that may pass are tried again, for some seconds at most.
    ///
    /// # Errors
    /// Why the address can't be used.
    pub async fn probe(&self) -> Result<Answers, UnusableServer> {
        let limit = LONGEST.min(self.timeout);
        let start = Instant::now();
        let mut attempt = 1;
        loop {
            let left = limit.saturating_sub(start.elapsed());
            match self.try_at(&self.instant, left).await {
                Err(why) if why.may_pass() && attempt < ATTEMPTS && left > PAUSE * 2 => {
                    attempt += 1;
                    sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Another base URL on the same host at which the query API answers, without credentials and query string.
    pub async fn elsewhere(&self) -> Option<String> {
        for base in self.base.others(&PREFIXES) {
            let Ok(endpoint) = base.api("query") else { continue };
            if self.try_at(&endpoint, SHORT.min(self.timeout)).await.is_ok() {
                return Some(base.to_string().trim_end_matches('/').to_owned());
            }
        }
        None
    }

    /// The values of a label among the series of a selector that have samples at this time.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn values(
        &self,
        selector: &Selector,
        label: &str,
        at: Timestamp,
    ) -> Result<BTreeSet<String>, MetricsError> {
        let elements = self.vector(format!("group by ({label}) ({selector})"), at).await?;
        Ok(elements.into_iter().map(|(mut labels, _)| labels.remove(label).unwrap_or_default()).collect())
    }

    /// When the newest sample of a selector was taken, as far as it is at most this much older than `at`.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn newest(
        &self,
        selector: &Selector,
        at: Timestamp,
        back: SignedDuration,
    ) -> Result<Option<Timestamp>, MetricsError> {
        let minutes = back.as_mins().max(1);
        let query =
            format!("max(max_over_time(timestamp({selector})[{minutes}m:1m])) or max(timestamp({selector}))");
        let elements = self.vector(query, at).await?;
        let seconds = elements.first().map(|(_, value)| *value);
        let since_epoch = seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
        Ok(since_epoch.and_then(|since_epoch| Timestamp::from_duration(since_epoch).ok()))
    }

    /// The names of the labels of some of the series of a selector that have samples at this time.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn labels(&self, selector: &Selector, at: Timestamp) -> Result<BTreeSet<String>, MetricsError> {
        let elements = self.vector(format!("topk({EXAMPLES}, {selector})"), at).await?;
        Ok(elements.into_iter().flat_map(|(labels, _)| labels.into_keys()).collect())
    }

    /// The names of the metrics that a pod has series of at this time.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn metrics_of(
        &self,
        namespace: &str,
        pod: &str,
        at: Timestamp,
    ) -> Result<BTreeSet<String>, MetricsError> {
        let (namespace, pod) = (quoted(namespace), quoted(pod));
        let query = format!("group by (__name__) ({{namespace={namespace}, pod={pod}}})");
        let elements = self.vector(query, at).await?;
        Ok(elements.into_iter().filter_map(|(mut labels, _)| labels.remove("__name__")).collect())
    }

    /// When the samples of a selector were taken that are at most this much older than `at`, in order. Where it has
    /// several series, those of the one with most samples.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn sampled(
        &self,
        selector: &Selector,
        at: Timestamp,
        back: SignedDuration,
    ) -> Result<Vec<Timestamp>, MetricsError> {
        let promql = PromQl::new(format!("{selector}[{}s]", back.as_secs().max(1)));
        let question = Question { name: "check", promql: &promql, times: Times::At(at) };
        let body = self.ask(question).await.map_err(|error| question.show_in(error))?;
        let series = self.hidden.read(&body, times).map_err(|error| question.show_in(error))?;
        let longest = series.into_iter().max_by_key(Vec::len).unwrap_or_default();
        let times = longest.into_iter().filter_map(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
        Ok(times.filter_map(|since_epoch| Timestamp::from_duration(since_epoch).ok()).collect())
    }

    async fn vector(&self, query: String, at: Timestamp) -> Result<Vec<Element>, MetricsError> {
        let promql = PromQl::new(query);
        let question = Question { name: "check", promql: &promql, times: Times::At(at) };
        let body = self.ask(question).await.map_err(|error| question.show_in(error))?;
        self.hidden.read(&body, labelled).map_err(|error| question.show_in(error))
    }

    async fn try_at(&self, endpoint: &Endpoint, limit: Duration) -> Result<Answers, UnusableServer> {
        let start = Instant::now();
        let late = || UnusableServer::TimeUp { limit };
        timeout(limit, self.try_once(endpoint, start, limit)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn try_once(
        &self,
        endpoint: &Endpoint,
        start: Instant,
        limit: Duration,
    ) -> Result<Answers, UnusableServer> {
        let request = self.auth.apply(self.http.post(endpoint.url().clone()));
        let request = request.map_err(|message| UnusableServer::Secret { message })?;
        let promql = PromQl::new(QUERY.to_owned());
        let form =
            Question { name: "check", promql: &promql, times: Times::At(Timestamp::now()) }.form(limit, None);
        let response = request.form(&form).send().await.map_err(kind::transport)?;
        self.judge(response, endpoint, start).await
    }

    async fn judge(
        &self,
        response: Response,
        from: &Endpoint,
        start: Instant,
    ) -> Result<Answers, UnusableServer> {
        let (status, headers) = (response.status(), response.headers().clone());
        let took = start.elapsed();
        let body = self.read(response, LARGEST).await.map_err(kind::transport)?;
        if !status.is_success() {
            let body = self.hidden.hide(&body);
            let message = failure::status(status, &headers, &body, from, Timestamp::now()).into_message();
            return Err(UnusableServer::Status { code: status.as_u16(), message });
        }
        match self.hidden.read(&body, labelled) {
            // That a storage node is missing is told by the queries that miss it.
            Ok(_) | Err(MetricsError::Incomplete { .. }) => Ok(Answers { clock: clock(&headers), took }),
            Err(error) => Err(UnusableServer::Foreign { message: error.to_string() }),
        }
    }
}

fn clock(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok().map(|date| date.timestamp())
}
