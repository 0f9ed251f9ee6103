//! Why Kafka did not give what was asked for: what an ACL does not allow, settings that don't fit, groups that are none.

use std::collections::BTreeMap;
use std::fmt;

/// An operation on a resource that Kafka's ACLs don't allow us. It reads as the options of `kafka-acls`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MissingAcl {
    /// What we may not do.
    pub operation: AclOperation,
    /// To what.
    pub resource: AclResource,
}

impl MissingAcl {
    /// The right to describe this.
    #[must_use]
    pub const fn describe(resource: AclResource) -> Self {
        Self { operation: AclOperation::Describe, resource }
    }
}

impl fmt::Display for MissingAcl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--operation {} {}", self.operation, self.resource)
    }
}

/// Operations that are needed here; all of them only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AclOperation {
    /// `Describe`.
    Describe,
    /// `DescribeConfigs`.
    DescribeConfigs,
}

impl fmt::Display for AclOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Describe => "Describe",
            Self::DescribeConfigs => "DescribeConfigs",
        })
    }
}

/// Resources of Kafka's ACLs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AclResource {
    /// A consumer group.
    Group(String),
    /// A topic.
    Topic(String),
    /// Topics of this consumer group; Kafka does not say which.
    TopicsOf(String),
    /// The cluster.
    Cluster,
}

impl fmt::Display for AclResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "--group {}", quoted(name)),
            Self::Topic(name) => write!(f, "--topic {}", quoted(name)),
            Self::TopicsOf(group) => write!(f, "--topic <each topic of the group '{group}'>"),
            Self::Cluster => f.write_str("--cluster"),
        }
    }
}

/// One word to a shell, whatever stands in it: a group's name is free text, and the command is there to be pasted.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', r"'\''"))
}

/// What a group is that is no consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OtherGroup {
    /// Kafka Streams: tasks and their state move with the partitions.
    Streams,
    /// The workers of a Kafka Connect cluster.
    Connect,
    /// A share group: its members share partitions.
    Share,
    /// Something else, by its protocol type.
    Other(String),
}

impl fmt::Display for OtherGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Streams => f.write_str("a Kafka Streams group"),
            Self::Connect => f.write_str("a Kafka Connect group"),
            Self::Share => f.write_str("a share group"),
            Self::Other(kind) => write!(f, "a group of the type '{kind}'"),
        }
    }
}

/// Settings that don't fit what is there. Another try would end the same way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "problem")
)]
pub enum Misconfiguration {
    /// We speak plaintext, the listener TLS.
    #[error("the listener {address} speaks TLS, but plaintext was sent")]
    ListenerSpeaksTls {
        /// Host and port.
        address: String,
    },
    /// We speak TLS, the listener plaintext.
    #[error("the listener {address} speaks plaintext, but TLS was begun")]
    ListenerSpeaksPlaintext {
        /// Host and port.
        address: String,
    },
    /// We don't authenticate, the listener wants it.
    #[error("the listener {address} asks for SASL authentication by {}", list(offered))]
    SaslRequired {
        /// Host and port.
        address: String,
        /// Mechanisms that it takes.
        offered: Vec<String>,
    },
    /// We want to authenticate, the listener knows no SASL.
    #[error("the listener {address} takes no SASL authentication")]
    SaslNotOffered {
        /// Host and port.
        address: String,
    },
    /// The listener does not take our mechanism.
    #[error(
        "the listener {address} does not take the SASL mechanism {mechanism}; it takes {}",
        list(offered)
    )]
    MechanismNotOffered {
        /// Host and port.
        address: String,
        /// Ours.
        mechanism: String,
        /// Those that it takes.
        offered: Vec<String>,
    },
    /// Name, password or token are wrong.
    #[error("the broker {address} refuses the credentials for {mechanism}: {message}")]
    CredentialsRefused {
        /// Host and port.
        address: String,
        /// The SASL mechanism.
        mechanism: String,
        /// The broker's words.
        message: String,
    },
    /// The endpoint of tokens for OAUTHBEARER gives none for our credentials.
    #[error("the token endpoint {endpoint} refuses the client's credentials: {message}")]
    TokenRefused {
        /// Its URL, without secrets.
        endpoint: String,
        /// Its words.
        message: String,
    },
    /// Whoever listens there does not know our password, so it is not the broker that we mean.
    #[error("the broker {address} could not prove that it knows the password for {mechanism}")]
    BrokerNotProven {
        /// Host and port.
        address: String,
        /// The SASL mechanism.
        mechanism: String,
    },
    /// We don't trust the broker's certificate.
    #[error("the certificate of {address} is not trusted: {message}")]
    ServerCertificate {
        /// Host and port.
        address: String,
        /// Why.
        message: String,
    },
    /// The broker wants a client certificate, or another one.
    #[error("the broker {address} does not accept the client certificate: {message}")]
    ClientCertificate {
        /// Host and port.
        address: String,
        /// The alert that it sent.
        message: String,
    },
    /// A bootstrap server answers, but none of the brokers that it names can be reached.
    #[error(
        "{bootstrap} answers, but the brokers can't be reached at the addresses that they advertise: {}",
        pairs(unreachable)
    )]
    AdvertisedListeners {
        /// The server that answered.
        bootstrap: String,
        /// Advertised addresses, each with what happened.
        unreachable: BTreeMap<String, String>,
    },
    /// A file of ours can't be used. Its contents are never shown.
    #[error("the file {path} {message}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The brokers are too old, or are no Kafka.
    #[error("{address} does not support {api}")]
    Unsupported {
        /// Host and port.
        address: String,
        /// The request that it does not know, in a version that is known here.
        api: String,
    },
}

/// Why Kafka did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "kind")
)]
pub enum GroupError {
    /// No usable answer within the deadline and all retries. The next cycle may succeed.
    #[error("Kafka could not be used: {message}")]
    Unavailable {
        /// What happened, at which broker.
        message: String,
    },
    /// An ACL is missing: grant it.
    #[error("not allowed by Kafka's ACLs: add {missing}")]
    Unauthorized {
        /// Which one.
        missing: MissingAcl,
    },
    /// There is no group of this name: correct it, or start its consumers.
    #[error("there is no group '{group}'{}", alternatives(resembling))]
    NoSuchGroup {
        /// The name that was asked for.
        group: String,
        /// Names of groups that look like it, the likeliest first; empty too when we may not list groups.
        resembling: Vec<String>,
    },
    /// The group is there, but its members are no plain consumers: nothing is to be done here.
    #[error("'{group}' is {what}, not a consumer group")]
    NotAConsumerGroup {
        /// Its name.
        group: String,
        /// What it is.
        what: OtherGroup,
    },
    /// Settings don't fit what is there: change them.
    #[error(transparent)]
    Misconfigured(Misconfiguration),
    /// An answer has not the shape that was asked for. It must not be used.
    #[error("an answer of Kafka can't be used: {message}")]
    Malformed {
        /// What came and what was expected.
        message: String,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn pairs(unreachable: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = unreachable.iter().map(|(at, why)| format!("{at} ({why})")).collect();
    pairs.join(", ")
}

fn alternatives(resembling: &[String]) -> String {
    if resembling.is_empty() { String::new() } else { format!("; there is {}", resembling.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_reads_as_kafka_acls_wants_it() {
        let missing = MissingAcl::describe(AclResource::Group("orders".to_owned()));
        let error = GroupError::Unauthorized { missing };
        assert_eq!(
            error.to_string(),
            "not allowed by Kafka's ACLs: add --operation Describe --group 'orders'"
        );
    }

    #[test]
    fn a_name_with_quotes_is_one_word_to_the_shell_that_it_is_pasted_into() {
        let missing = MissingAcl::describe(AclResource::Group("it's; reboot".to_owned()));
        assert_eq!(missing.to_string(), r"--operation Describe --group 'it'\''s; reboot'");
    }

    #[test]
    fn a_group_that_is_not_there_names_those_that_resemble_it() {
        let error =
            |resembling| GroupError::NoSuchGroup { group: "order".to_owned(), resembling }.to_string();
        assert_eq!(error(vec!["orders".to_owned()]), "there is no group 'order'; there is orders");
        assert_eq!(error(Vec::new()), "there is no group 'order'");
    }
}
