//! Pushes metrics to a server: a process that ends before anything can scrape it needs one.
//!
//! What is sent again replaces what was sent before, so a push is repeated after failures that pass by themselves.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;
use rebalancer_core::port::MetricsError;
use reqwest::header::CONTENT_TYPE;

use crate::attempts;
use crate::auth::Auth;
use crate::client_error::ClientError;
use crate::endpoint::Endpoint;
use crate::failure::{self, Failure};
use crate::hidden::Hidden;
use crate::settings::ClientSettings;
use crate::transport;

/// The text format that every receiver takes.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The import API of VictoriaMetrics, below its base.
const IMPORT: [&str; 4] = ["api", "v1", "import", "prometheus"];

/// Who takes the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// A Prometheus Pushgateway, which keeps them by group for Prometheus to scrape.
    Pushgateway,
    /// VictoriaMetrics (or vmagent), which stores them at once.
    VictoriaMetrics,
}

/// Sends metrics of one job to one server. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct Pusher {
    http: reqwest::Client,
    base: Endpoint,
    auth: Auth,
    hidden: Hidden,
    timeout: Duration,
    receiver: Receiver,
    job: String,
}

/// Metrics that are not known to have arrived. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotPushed {
    /// What happened, where, after how many attempts.
    pub message: String,
}

impl Pusher {
    /// Builds the client. Reads the files with certificates, contacts no server. `job` is the label of that name.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub fn new(settings: &ClientSettings, receiver: Receiver, job: &str) -> Result<Self, ClientError> {
        if settings.timeout.is_zero() {
            return Err(ClientError::Timeout);
        }
        let base = match receiver {
            Receiver::Pushgateway => settings.endpoint.below::<&str>([])?,
            Receiver::VictoriaMetrics if settings.endpoint.ends_with(&IMPORT) => {
                settings.endpoint.below::<&str>([])?
            }
            Receiver::VictoriaMetrics => settings.endpoint.below(IMPORT)?,
        };
        Ok(Self {
            http: transport::build(settings)?,
            base,
            auth: settings.auth.clone(),
            hidden: Hidden::of(settings),
            timeout: settings.timeout,
            receiver,
            job: job.to_owned(),
        })
    }

    /// Sends metrics, as text in the exposition format, within [`ClientSettings::timeout`] with all retries.
    ///
    /// `group` has the labels that tell those who push the same metrics apart; every series must have them too. Of a
    /// group, a Pushgateway replaces the metrics whose names are sent, and keeps the others.
    ///
    /// # Errors
    /// When they are not known to have arrived.
    pub async fn push(&self, group: &[(&str, &str)], text: &str) -> Result<(), NotPushed> {
        let to = self.address(group).map_err(|error| NotPushed { message: error.to_string() })?;
        let retried = |attempt: u32, error: &str| {
            tracing::debug!(event = "metrics_push_retry", attempt, error, "a push will be retried");
        };
        let pushed = attempts::within_time(self.timeout, &to, || self.exchange(&to, text), retried).await;
        pushed.map_err(|message| NotPushed { message })
    }

    /// Where this group is sent to.
    fn address(&self, group: &[(&str, &str)]) -> Result<Endpoint, ClientError> {
        match self.receiver {
            Receiver::Pushgateway => {
                let labels = std::iter::once(("job", self.job.as_str())).chain(group.iter().copied());
                let path = labels.flat_map(|(name, value)| path_of(name, value));
                self.base.below(std::iter::once("metrics".to_owned()).chain(path))
            }
            Receiver::VictoriaMetrics => Ok(self.base.asking("extra_label", &format!("job={}", self.job))),
        }
    }

    async fn exchange(&self, to: &Endpoint, text: &str) -> Result<(), Failure> {
        let request = self
            .auth
            .apply(self.http.post(to.url().clone()))
            .map_err(|message| Failure::Lasting(MetricsError::Unavailable { message }))?;
        let request = request.header(CONTENT_TYPE, TEXT_FORMAT).body(text.to_owned());
        let response = request.send().await.map_err(failure::transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let headers = response.headers().clone();
        let page = transport::error_page(response, |_| ()).await;
        Err(failure::status(status, &headers, &self.hidden.hide(&page), to, Timestamp::now()))
    }
}

/// A label in a Pushgateway's path. What could not stand there as it is goes as base64, which the name says; an empty
/// value is one `=`.
fn path_of(name: &str, value: &str) -> [String; 2] {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !value.is_empty() && value.bytes().all(plain) && value.bytes().any(|b| b != b'.') {
        return [name.to_owned(), value.to_owned()];
    }
    let encoded = if value.is_empty() { "=".to_owned() } else { URL_SAFE.encode(value) };
    [format!("{name}@base64"), encoded]
}

impl fmt::Debug for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pusher")
            .field("to", &self.base)
            .field("receiver", &self.receiver)
            .field("auth", &self.auth)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(base: &str, receiver: Receiver, group: &[(&str, &str)]) -> String {
        let settings = ClientSettings::new(base.parse().unwrap());
        let pusher = Pusher::new(&settings, receiver, "pod-rebalancer").unwrap();
        pusher.address(group).unwrap().url().to_string()
    }

    #[test]
    fn a_pushgateway_is_told_the_group_in_the_path() {
        for (base, value, path) in [
            ("http://p:9091", "orders", "http://p:9091/metrics/job/pod-rebalancer/workload/orders"),
            ("http://p/push/", "a.b-c", "http://p/push/metrics/job/pod-rebalancer/workload/a.b-c"),
            ("http://p?key=1", "a/b", "http://p/metrics/job/pod-rebalancer/workload@base64/YS9i?key=1"),
            ("http://p", "", "http://p/metrics/job/pod-rebalancer/workload@base64/="),
            ("http://p", "..", "http://p/metrics/job/pod-rebalancer/workload@base64/Li4="),
            ("http://p", "ä?", "http://p/metrics/job/pod-rebalancer/workload@base64/w6Q_"),
        ] {
            assert_eq!(address(base, Receiver::Pushgateway, &[("workload", value)]), path);
        }
    }

    #[test]
    fn victoriametrics_has_an_import_api_below_its_base() {
        for (base, url) in [
            ("http://v:8428", "http://v:8428/api/v1/import/prometheus"),
            ("http://v/insert/0/prometheus/", "http://v/insert/0/prometheus/api/v1/import/prometheus"),
            ("http://v/api/v1/import/prometheus", "http://v/api/v1/import/prometheus"),
        ] {
            let expected = format!("{url}?extra_label=job%3Dpod-rebalancer");
            assert_eq!(address(base, Receiver::VictoriaMetrics, &[("workload", "orders")]), expected);
        }
    }
}
