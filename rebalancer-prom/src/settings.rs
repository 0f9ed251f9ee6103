//! What a client needs to know, and why it can't be built.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::Auth;

/// How to reach the metric server. Defaults: 30 s, no authentication, answers of up to 64 MiB.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(crate) auth: Auth,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) response_limit: usize,
}

impl Settings {
    /// Starts with the base URL, to which `/api/v1/query` and `/api/v1/query_range` are added; a path prefix and a query string are kept.
    #[must_use]
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoint: Endpoint(endpoint),
            timeout: Duration::from_secs(30),
            auth: Auth::None,
            ca_file: None,
            headers: Vec::new(),
            response_limit: 64 << 20,
        }
    }

    /// The time for one query, all retries together.
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

    /// Adds a header to every request, such as `X-Scope-OrgID`. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// The largest answer that is read, in bytes after decompression.
    #[must_use]
    pub fn response_limit(self, bytes: usize) -> Self {
        Self { response_limit: bytes, ..self }
    }
}

/// Why a client can't be built from its settings. Nothing has been contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The base URL can't be used.
    #[error("the endpoint {endpoint} {problem}")]
    Endpoint {
        /// The URL without credentials and query string.
        endpoint: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The time for a query is zero.
    #[error("the time-out must be more than zero")]
    Timeout,
    /// The certificate authorities can't be read.
    #[error("the CA file {} {problem}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An extra header can't be sent. Its value is never shown.
    #[error("the header '{name}' {problem}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The HTTP client can't be set up, for example because the system has no certificate authorities.
    #[error("the HTTP client can't be set up: {message}")]
    Build {
        /// What happened.
        message: String,
    },
}

/// A base URL. It shows itself without credentials and query string, either of which may be a secret.
#[derive(Clone)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// The address of a part of the query API below this base.
    pub(crate) fn api(&self, part: &str) -> Result<Self, ClientError> {
        let problem = |problem| ClientError::Endpoint { endpoint: self.to_string(), problem };
        if !matches!(self.0.scheme(), "http" | "https") {
            return Err(problem("is neither http nor https"));
        }
        // Environment variables and command lines are shown in too many places.
        if !self.0.username().is_empty() || self.0.password().is_some() {
            return Err(problem("holds credentials; give a user name and a password file instead"));
        }
        let mut url = self.0.clone();
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| problem("is no base URL"))?
            .pop_if_empty()
            .extend(["api", "v1", part]);
        Ok(Self(url))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Where a redirect of this address leads to.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        self.0.join(location).ok().map(Self)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_url(base: &str) -> Result<String, String> {
        let url = Endpoint(base.parse().unwrap()).api("query");
        url.map(|url| url.url().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_prefix_is_kept_with_or_without_its_last_slash() {
        for (base, expected) in [
            ("http://m:9090", "http://m:9090/api/v1/query"),
            ("http://m/", "http://m/api/v1/query"),
            ("https://m/select/0/prometheus", "https://m/select/0/prometheus/api/v1/query"),
            ("https://m/select/0/prometheus/", "https://m/select/0/prometheus/api/v1/query"),
            ("http://[::1]:1/?extra_label=a=b#x", "http://[::1]:1/api/v1/query?extra_label=a=b"),
        ] {
            assert_eq!(query_url(base).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn an_endpoint_that_can_not_be_used_is_refused_without_showing_its_secrets() {
        for (base, expected) in [
            ("ftp://m/a", "the endpoint ftp://m/a is neither http nor https"),
            (
                "http://me:hush@m/a?key=hush",
                "the endpoint http://m/a holds credentials; give a user name and a password file instead",
            ),
        ] {
            assert_eq!(query_url(base), Err(expected.to_owned()));
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let settings = Settings::new("http://me:hush@m/a?key=hush".parse().unwrap())
            .header("X-Key", SecretString::from("hush"));
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
}
