//! What a client needs to know, and why it can't be built.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::endpoint::Endpoint;
use crate::identity::CertificateFiles;
use crate::{Auth, Proxy};

/// How to reach the metric server. Defaults: 30 s, four queries at a time, no authentication, answers of up to 64 MiB.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(crate) auth: Auth,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) client_certificate: Option<CertificateFiles>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) response_limit: usize,
    pub(crate) series_limit: Option<NonZeroUsize>,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) user_agent: String,
    pub(crate) proxy: Proxy,
}

/// A reading has eight queries at most. A server that is shared should not have to work on all of them at once.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
const USER_AGENT: &str = concat!("pod-rebalancer/", env!("CARGO_PKG_VERSION"));

impl ClientSettings {
    /// Starts with the base URL, to which `/api/v1/query` and `/api/v1/query_range` are added; a path prefix and a query string are kept.
    #[must_use]
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoint: Endpoint::new(endpoint),
            timeout: Duration::from_secs(30),
            auth: Auth::None,
            ca_file: None,
            client_certificate: None,
            headers: Vec::new(),
            response_limit: 64 << 20,
            series_limit: None,
            concurrency: CONCURRENCY,
            user_agent: USER_AGENT.to_owned(),
            proxy: Proxy::Environment,
        }
    }

    /// The time for one query, all retries and waiting for its turn together.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How to authenticate.
    #[must_use]
    pub fn auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// A PEM file with certificate authorities that are trusted in addition to the system's.
    #[must_use]
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(path.into()), ..self }
    }

    /// Two PEM files, which may be the same one: a client certificate with its chain, and its private key. They are read
    /// when a client is built, so a client that lives longer than they are valid has to be built again.
    #[must_use]
    pub fn client_certificate(self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let files = CertificateFiles { certificate: certificate.into(), key: key.into() };
        Self { client_certificate: Some(files), ..self }
    }

    /// Adds a header to every request, such as `X-Scope-OrgID`. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// The way that requests take.
    #[must_use]
    pub fn proxy(self, proxy: Proxy) -> Self {
        Self { proxy, ..self }
    }

    /// How many queries are under way at the same time. The time that a query waits for its turn is part of
    /// [`ClientSettings::timeout`].
    #[must_use]
    pub fn concurrency(self, queries: NonZeroUsize) -> Self {
        Self { concurrency: queries, ..self }
    }

    /// What the server's logs call us, in place of `pod-rebalancer/` and the version.
    #[must_use]
    pub fn user_agent(self, text: impl Into<String>) -> Self {
        Self { user_agent: text.into(), ..self }
    }

    /// The most series that an answer may have; unset: any number, within [`ClientSettings::response_limit`].
    ///
    /// The server is asked for one more (`limit`), and an answer that has it is refused: what a server has cut off can't
    /// be told from a whole answer otherwise. Prometheus knows `limit` since 3.0; VictoriaMetrics and older ones take
    /// no notice, so that their answers are refused after they came. CloudWatch refuses a limit above 500.
    #[must_use]
    pub fn series_limit(self, series: NonZeroUsize) -> Self {
        Self { series_limit: Some(series), ..self }
    }

    /// The largest answer that is read, in bytes after decompression.
    #[must_use]
    pub fn response_limit(self, bytes: usize) -> Self {
        Self { response_limit: bytes, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let settings = ClientSettings::new("http://me:hush@m/a?key=hush".parse().unwrap())
            .header("X-Key", SecretString::from("hush"));
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
}
