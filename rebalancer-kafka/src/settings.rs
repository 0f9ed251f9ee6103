//! What a source needs to know, and why it can't be made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::security::Security;
use crate::token::Tokens;

/// Host and port of a listener.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = SettingsError;

    /// Reads `host:port` or `[address]:port`, as `bootstrap.servers` has them.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let bad = |problem| SettingsError::Address { text: text.to_owned(), problem };
        let (host, port) =
            text.trim().rsplit_once(':').ok_or_else(|| bad("has no port, as in 'kafka:9092'"))?;
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').ok_or_else(|| bad("has a bracket that does not close"))?,
            None if host.contains(':') => return Err(bad("needs brackets around its IPv6 address")),
            None => host,
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(bad("has no usable host; write host and port only"));
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self { host: host.to_owned(), port }),
            _ => Err(bad("has no usable port")),
        }
    }
}

/// How to reach Kafka, and which group is read. Defaults: plaintext, 10 s for a call of the port, 5 s for one request,
/// answers of up to 64 MiB.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) bootstrap: Vec<Address>,
    pub(crate) group: String,
    pub(crate) security: Security,
    pub(crate) timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) client_id: String,
    pub(crate) response_limit: usize,
    /// The token that was fetched last.
    pub(crate) tokens: Arc<Tokens>,
}

impl Settings {
    /// Starts with the bootstrap servers (any of them is enough) and the group's id.
    ///
    /// # Errors
    /// When there is no server, or no name.
    pub fn new(
        bootstrap: impl IntoIterator<Item = Address>,
        group: impl Into<String>,
    ) -> Result<Self, SettingsError> {
        let mut servers: Vec<Address> = Vec::new();
        for address in bootstrap {
            if !servers.contains(&address) {
                servers.push(address);
            }
        }
        let group = group.into();
        if servers.is_empty() {
            return Err(SettingsError::NoBootstrapServer);
        }
        if group.is_empty() {
            return Err(SettingsError::NoGroup);
        }
        Ok(Self {
            bootstrap: servers,
            group,
            security: Security::Plaintext,
            timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            client_id: concat!("pod-rebalancer-", env!("CARGO_PKG_VERSION")).to_owned(),
            response_limit: 64 << 20,
            tokens: Arc::default(),
        })
    }

    /// How connections are protected, and who we are.
    #[must_use]
    pub fn security(self, security: Security) -> Self {
        Self { security, tokens: Arc::default(), ..self }
    }

    /// The time for one call of the port, all of its requests and retries together.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The time for one connection to be made, and for one request to be answered.
    #[must_use]
    pub fn request_timeout(self, timeout: Duration) -> Self {
        Self { request_timeout: timeout, ..self }
    }

    /// What the brokers' logs and quotas call us.
    #[must_use]
    pub fn client_id(self, text: impl Into<String>) -> Self {
        Self { client_id: text.into(), ..self }
    }

    /// The largest answer that is read, in bytes.
    #[must_use]
    pub fn response_limit(self, bytes: usize) -> Self {
        Self { response_limit: bytes, ..self }
    }
}

/// Why there can be no source of these settings. Nothing has been contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The list of bootstrap servers is empty.
    #[error("there is no bootstrap server")]
    NoBootstrapServer,
    /// The group's id is empty.
    #[error("the group id is empty")]
    NoGroup,
    /// An address can't be used.
    #[error("the bootstrap server '{text}' {problem}")]
    Address {
        /// As it was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in ["kafka:9092", "10.0.0.7:1", "[::1]:9093", "b-1.msk.example:9096"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!(" kafka:9092 ".parse::<Address>().unwrap().host, "kafka");
    }

    #[test]
    fn what_is_no_address_says_why() {
        for text in [
            "",
            "kafka",
            "kafka:",
            "kafka:0",
            "kafka:70000",
            ":9092",
            "::1:9092",
            "[::1:9",
            "kafka://a:9092",
            "me@a:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_that_is_named_twice_is_asked_once() {
        let server = || "kafka:9092".parse::<Address>().unwrap();
        assert_eq!(Settings::new([server(), server()], "g").unwrap().bootstrap.len(), 1);
        assert_eq!(Settings::new([], "g").unwrap_err(), SettingsError::NoBootstrapServer);
        assert_eq!(Settings::new([server()], "").unwrap_err(), SettingsError::NoGroup);
    }
}
