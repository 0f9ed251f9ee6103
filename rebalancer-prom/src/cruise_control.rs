//! Asks Cruise Control, which balances a Kafka cluster, what it does: `GET <base>/state?substates=executor&json=true`.

mod decode;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rebalancer_core::fleet::ExecutorState;
use rebalancer_core::port::{CruiseControl, ExecutorUnread, MetricsError};
use reqwest::StatusCode;

use crate::attempts;
use crate::auth::Auth;
use crate::client_error::ClientError;
use crate::endpoint::Endpoint;
use crate::failure::{self, Failure};
use crate::hidden::Hidden;
use crate::settings::ClientSettings;
use crate::transport;

/// The state of an execution is a page of numbers; without `verbose` no partition is listed.
const LARGEST: usize = 256 << 10;

/// The REST API of one Cruise Control. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub struct CruiseControlApi {
    http: reqwest::Client,
    state: Endpoint,
    base: Endpoint,
    auth: Auth,
    hidden: Hidden,
    timeout: Duration,
}

impl CruiseControlApi {
    /// Builds the client. Reads the files with certificates, contacts no server. The base URL has the prefix of the API,
    /// which is `/kafkacruisecontrol` unless `webserver.api.urlprefix` says otherwise.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        if settings.timeout.is_zero() {
            return Err(ClientError::Timeout);
        }
        let state = settings.endpoint.below(["state"])?;
        Ok(Self {
            http: transport::build(settings)?,
            state: state.asking("substates", "executor").asking("json", "true"),
            base: settings.endpoint.clone(),
            auth: settings.auth.clone(),
            hidden: Hidden::of(settings),
            timeout: settings.timeout,
        })
    }

    /// The base URL, without credentials and query string.
    #[must_use]
    pub fn base(&self) -> String {
        self.base.to_string().trim_end_matches('/').to_owned()
    }

    async fn asked(&self) -> Result<ExecutorState, Failure> {
        let request = self
            .auth
            .apply(self.http.get(self.state.url().clone()))
            .map_err(|message| Failure::Lasting(MetricsError::Unavailable { message }))?;
        let response = request.send().await.map_err(failure::transport)?;
        let status = response.status();
        // It works on an answer that is not there yet, and has none in this one.
        if status != StatusCode::OK {
            let headers = response.headers().clone();
            let page = transport::error_page(response, |_| ()).await;
            let page = self.hidden.hide(&page);
            return Err(failure::status(status, &headers, &page, &self.state, Timestamp::now()));
        }
        let body = transport::read(response, LARGEST, |_| ()).await.map_err(failure::transport)?;
        if body.len() > LARGEST {
            let message = format!("more than the {LARGEST} bytes that are accepted");
            return Err(Failure::Lasting(MetricsError::Malformed { message }));
        }
        self.hidden.read(&body, decode::executor_state).map_err(Failure::Lasting)
    }
}

#[async_trait]
impl CruiseControl for CruiseControlApi {
    async fn executor(&self) -> Result<ExecutorState, ExecutorUnread> {
        let retried = |attempt: u32, error: &str| {
            tracing::debug!(
                event = "cruise_control_retry",
                attempt,
                error,
                "Cruise Control did not tell what it does, and is asked again"
            );
        };
        let told = attempts::within_time(self.timeout, &self.state, || self.asked(), retried).await;
        told.map_err(|message| ExecutorUnread { message })
    }
}

impl fmt::Debug for CruiseControlApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CruiseControlApi")
            .field("base", &self.base)
            .field("auth", &self.auth)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
