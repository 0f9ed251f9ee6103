//! What went wrong, sorted by what is done next, and what the port says of it.

use std::fmt::Display;
use std::time::Duration;

use rebalancer_core::port::{GroupError, Misconfiguration, MissingAcl};

use crate::settings::Address;
use crate::text::excerpt;
use crate::wire::{Api, BadAnswer, ErrorCode};

/// Why a request has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no connection, so nothing was sent.
    NotConnected { address: Address, why: String },
    /// The connection ended before the answer.
    Lost { address: Address, why: String },
    /// What came is no TLS.
    NotTls { address: Address },
    /// What came is TLS.
    TlsAnswer { address: Address },
    /// An answer of more than we read.
    TooLarge { address: Address, length: usize, limit: usize },
    /// No answer in time.
    TimeUp { address: Address, limit: Duration },
    /// The call's time is over.
    OutOfTime(Duration),
    /// A broker answers with an error.
    Answered { api: Api, error: ErrorCode },
    /// What brokers answer does not fit together.
    Contradiction { api: Api, why: BadAnswer },
    /// This broker answers with an error.
    Refused { address: Address, api: Api, error: ErrorCode },
    /// The token endpoint gave no token.
    NoToken { endpoint: String, why: String },
    /// An ACL is missing.
    Unauthorized(MissingAcl),
    /// Settings don't fit.
    Misconfigured(Misconfiguration),
    /// The answer can't be read.
    Malformed { address: Address, api: Api, why: BadAnswer },
    /// No bootstrap server could be used.
    NoBroker(Vec<Failure>),
}

impl From<Misconfiguration> for Failure {
    fn from(problem: Misconfiguration) -> Self {
        Self::Misconfigured(problem)
    }
}

impl Failure {
    pub(crate) fn not_connected(address: &Address, why: impl Display) -> Self {
        Self::NotConnected { address: address.clone(), why: excerpt(&why.to_string()) }
    }

    pub(crate) fn lost(address: &Address, why: impl Display) -> Self {
        Self::Lost { address: address.clone(), why: excerpt(&why.to_string()) }
    }

    pub(crate) fn malformed(address: &Address, api: Api, why: BadAnswer) -> Self {
        Self::Malformed { address: address.clone(), api, why: BadAnswer(excerpt(&why.0)) }
    }

    /// Another try may end otherwise.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::NotConnected { .. } | Self::Lost { .. } | Self::TimeUp { .. } | Self::NoToken { .. } => {
                true
            }
            Self::Refused { error, .. } | Self::Answered { error, .. } => error.passes(),
            Self::NoBroker(failures) => failures.iter().all(Self::passes),
            Self::NotTls { .. }
            | Self::TlsAnswer { .. }
            | Self::TooLarge { .. }
            | Self::OutOfTime(_)
            | Self::Unauthorized(_)
            | Self::Misconfigured(_)
            | Self::Contradiction { .. }
            | Self::Malformed { .. } => false,
        }
    }

    /// What happened, without the address.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::NotConnected { why, .. } | Self::Lost { why, .. } => why.clone(),
            Self::TimeUp { limit, .. } => format!("no answer within {limit:?}"),
            Self::NotTls { .. }
            | Self::TlsAnswer { .. }
            | Self::TooLarge { .. }
            | Self::OutOfTime(_)
            | Self::Refused { .. }
            | Self::Answered { .. }
            | Self::Contradiction { .. }
            | Self::NoToken { .. }
            | Self::Unauthorized(_)
            | Self::Misconfigured(_)
            | Self::Malformed { .. }
            | Self::NoBroker(_) => self.message(),
        }
    }

    /// What happened, for people.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotConnected { address, why } => format!("no connection to {address}: {why}"),
            Self::Lost { address, why } => format!("the connection to {address} was lost: {why}"),
            Self::NotTls { address } => format!("what {address} sends is no TLS"),
            Self::TlsAnswer { address } => format!("{address} answers with TLS"),
            Self::TooLarge { address, length, limit } => {
                format!("{address} answers with {length} bytes; not more than {limit} are read")
            }
            Self::TimeUp { address, limit } => format!("{address} did not answer within {limit:?}"),
            Self::OutOfTime(limit) => format!("no answer within {limit:?}, all tries together"),
            Self::Refused { address, api, error } => format!("{address} answers {api:?} with {error}"),
            Self::Answered { api, error } => format!("{api:?} is answered with {error}"),
            Self::Contradiction { api, why } => format!("the answer to {api:?}: {why}"),
            Self::NoToken { endpoint, why } => format!("no token from {endpoint}: {why}"),
            Self::Unauthorized(missing) => format!("the ACL {missing} is missing"),
            Self::Misconfigured(problem) => problem.to_string(),
            Self::Malformed { address, api, why } => format!("the answer of {address} to {api:?}: {why}"),
            Self::NoBroker(failures) => {
                let messages: Vec<String> = failures.iter().map(Self::message).collect();
                format!("no bootstrap server can be used: {}", messages.join("; "))
            }
        }
    }

    /// What the caller of the port learns.
    pub(crate) fn into_error(self) -> GroupError {
        let message = self.message();
        match self {
            Self::Unauthorized(missing) => GroupError::Unauthorized { missing },
            Self::Misconfigured(problem) => GroupError::Misconfigured(problem),
            Self::TlsAnswer { address } => GroupError::Misconfigured(Misconfiguration::ListenerSpeaksTls {
                address: address.to_string(),
            }),
            Self::Malformed { .. }
            | Self::Contradiction { .. }
            | Self::NotTls { .. }
            | Self::TooLarge { .. } => GroupError::Malformed { message },
            Self::NoBroker(failures) => {
                // What can be put right says more than what may pass, and is the same for all of them as a rule.
                let certain = failures.into_iter().find(|failure| !failure.passes());
                certain.map_or(GroupError::Unavailable { message }, Self::into_error)
            }
            Self::NotConnected { .. }
            | Self::Lost { .. }
            | Self::TimeUp { .. }
            | Self::OutOfTime(_)
            | Self::NoToken { .. }
            | Self::Answered { .. }
            | Self::Refused { .. } => GroupError::Unavailable { message },
        }
    }
}
