//! Why an address can't be used, sorted by what has to be changed. Pure.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rebalancer_core::unit::Elapsed;

use crate::text::chain;

/// Why nothing at an address answers as a metric server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnusableServer {
    /// A token or password can't be read from its file; nothing was sent.
    Secret {
        /// Which file, and why.
        message: String,
    },
    /// There is no such host.
    UnknownHost {
        /// The resolver's words.
        message: String,
    },
    /// Nobody listens there, or the way is barred.
    Unreachable {
        /// What happened.
        message: String,
    },
    /// One of both sides does not accept the other's certificate, or does not speak TLS at all.
    Tls {
        /// What happened.
        message: String,
    },
    /// No answer in time.
    TimeUp {
        /// In which.
        limit: Duration,
    },
    /// A status that is no success.
    Status {
        /// The HTTP status.
        code: u16,
        /// The server's own words.
        message: String,
    },
    /// A success, but no answer of a query API.
    Foreign {
        /// What came.
        message: String,
    },
}

impl UnusableServer {
    /// It may be gone at the next attempt.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { code, .. } => *code == 429 || *code >= 500,
            Self::Secret { .. }
            | Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::TimeUp { .. }
            | Self::Foreign { .. } => false,
        }
    }
}

impl fmt::Display for UnusableServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeUp { limit } => write!(f, "no answer within {}", Elapsed::from(*limit)),
            Self::Secret { message }
            | Self::UnknownHost { message }
            | Self::Unreachable { message }
            | Self::Tls { message }
            | Self::Status { message, .. }
            | Self::Foreign { message, .. } => f.write_str(message),
        }
    }
}

/// What it means that no answer came. The layers below tell their reasons by words alone.
pub(super) fn transport(error: reqwest::Error) -> UnusableServer {
    let error = error.without_url();
    let message = chain(&error);
    let said = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if said(&["dns error", "failed to lookup address"]) {
        UnusableServer::UnknownHost { message }
    } else if said(&[
        "certificate",
        "InvalidContentType",
        "corrupt message",
        "HandshakeFailure",
        "fatal alert",
    ]) {
        UnusableServer::Tls { message }
    } else {
        UnusableServer::Unreachable { message }
    }
}

impl Error for UnusableServer {}
