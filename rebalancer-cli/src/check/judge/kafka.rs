//! Kafka: whether it can be reached, whether we may read what a cycle reads, and whether the group is one to handle.

use rebalancer_core::fleet::Indicator;
use rebalancer_core::fleet::consumer_group::{ConsumerGroup, GroupState};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::{Misconfiguration, OtherGroup};
use rebalancer_core::snapshot::GroupQuestion;
use rebalancer_core::unit::Elapsed;
use rebalancer_kafka::preflight::{Finding as Found, Need, Preflight};

use super::super::facts::Kafka;
use super::super::finding::{Code, Finding, some};
use crate::config::KafkaSettings;

const SERVERS: &str = "KAFKA_BOOTSTRAP_SERVERS";
const PROTOCOL: &str = "KAFKA_SECURITY_PROTOCOL";

pub(super) fn judge(kafka: &Kafka<'_>, policy: &Policy) -> Vec<Finding> {
    let Kafka { settings, preflight, .. } = kafka;
    let summary = preflight.group.as_ref().map(|group| summary(settings, preflight, group));
    let findings = preflight.findings.iter().map(|found| of(settings, found));
    let findings: Vec<Finding> =
        summary.into_iter().chain(findings).chain(without_past(settings, policy)).collect();
    match findings.is_empty() {
        // Neither a group nor a reason why there is none.
        true => vec![Finding::not_checked("the consumer group", "Kafka told nothing of it")],
        false => findings,
    }
}

/// An imbalance of lag can't be confirmed.
fn without_past(settings: &KafkaSettings, policy: &Policy) -> Option<Finding> {
    let asked = settings.question.indicators.contains(&Indicator::Lag);
    (asked && policy.balance.persistence.earlier() > 0).then(|| {
        Finding::warning(
            Code::KafkaLagWithoutPast,
            "lag is read from Kafka, which keeps no earlier lag: a cycle that sees an imbalance of lag holds (past_unknown)",
            "set PERSISTENCE_WINDOWS=1, or KAFKA_LAG_QUERY, or leave lag out of INDICATORS",
        )
    })
}

/// What is known of the group, and what is read of it.
fn summary(settings: &KafkaSettings, preflight: &Preflight, group: &ConsumerGroup) -> Finding {
    let ConsumerGroup { id, state, assignor, members, .. } = group;
    let assignor = assignor.as_ref().map_or_else(String::new, |assignor| format!(", assignor {assignor}"));
    let partitions: usize = preflight.topics.iter().map(|topic| topic.partitions.len()).sum();
    let brokers =
        preflight.brokers.map_or_else(String::new, |brokers| format!("; brokers in the cluster: {brokers}"));
    Finding::ok(
        Code::Kafka,
        format!(
            "group {id} is {state}{assignor}; members: {}, topics: {}, partitions: {partitions}{brokers}; {}",
            members.len(),
            preflight.topics.len(),
            taken(settings),
        ),
    )
}

/// What a cycle takes from its offsets.
fn taken(settings: &KafkaSettings) -> String {
    let GroupQuestion { indicators, partitions, window } = &settings.question;
    let indicators = indicators.iter().map(|indicator| indicator.name());
    let loads: Vec<&str> = indicators.chain(partitions.then_some("partition loads")).collect();
    match loads.is_empty() {
        true => "no load is read from it".to_owned(),
        false => format!("read from it, over {}: {}", Elapsed(*window), some(loads)),
    }
}

fn of(settings: &KafkaSettings, found: &Found) -> Finding {
    let message = message(found);
    match found {
        Found::NoBrokerReachable { .. } => Finding::error(Code::KafkaUnreachable, message, REACH),
        Found::BootstrapServerUnusable { .. } => Finding::warning(
            Code::KafkaBrokerDown,
            message,
            format!("look at that broker, or correct its address in {SERVERS}; the others are used"),
        ),
        Found::BrokerUnusable { .. } => Finding::warning(
            Code::KafkaBrokerDown,
            message,
            "look at that broker, and at the address that it advertises; offsets of the partitions that it leads can't be \
             read",
        ),
        Found::Misconfigured(problem) => {
            let (code, fix) = fix(problem);
            Finding::error(code, message, fix)
        }
        Found::MissingAcl { missing, need } => {
            let fix = format!("{} {missing}", settings.kafka_acls());
            match need {
                Need::Required => Finding::error(Code::KafkaAclMissing, message, fix),
                Need::Optional => Finding::warning(Code::KafkaAclMissing, message, fix),
            }
        }
        Found::NoSuchGroup { resembling, .. } => {
            Finding::error(Code::KafkaGroupMissing, message, of_absent(resembling))
        }
        Found::NotAConsumerGroup { what, .. } => Finding::error(Code::KafkaGroupKind, message, of_kind(what)),
        Found::EmptyGroup { .. } => Finding::error(
            Code::KafkaGroupEmpty,
            message,
            "start the consumers; if they run, correct KAFKA_GROUP_ID to their group.id",
        ),
        Found::GroupInMotion { .. } => Finding::note(Code::KafkaGroupInMotion, message),
        Found::NoSuchTopic { .. } => Finding::warning(
            Code::KafkaTopicMissing,
            message,
            "create it, or take it out of the consumers' subscription",
        ),
        Found::OffsetsUnread { .. } => Finding::warning(
            Code::KafkaOffsetsUnread,
            message,
            "look at the brokers that lead these partitions: without offsets their load is not known",
        ),
        Found::CompactedTopic { .. } => Finding::warning(
            Code::KafkaTopicCompacted,
            message,
            "if its rate is misleading, set PRODUCTION_RATE_QUERY and PARTITION_LOAD_QUERY to queries of your own",
        ),
        Found::Unread { .. } => {
            Finding::error(Code::KafkaUnreadable, message, "see the message; a cycle would hold")
        }
    }
}

const REACH: &str = "check host and port in KAFKA_BOOTSTRAP_SERVERS, that the brokers are up, and that no NetworkPolicy is in \
                     the way; in a cluster the host is <service>.<namespace>.svc; with OAUTHBEARER and a token endpoint, \
                     that this one can be reached too";

/// What was found, in words.
fn message(found: &Found) -> String {
    match found {
        Found::NoBrokerReachable { message } => format!("no bootstrap server can be used: {message}"),
        Found::BootstrapServerUnusable { address, message } => {
            format!("the bootstrap server {address} can't be used: {message}")
        }
        Found::BrokerUnusable { broker, address, message } => {
            format!("broker {broker} can't be used at {address}, which it advertises: {message}")
        }
        Found::Misconfigured(problem) => problem.to_string(),
        Found::MissingAcl { missing, need: Need::Required } => format!("the ACL {missing} is missing"),
        Found::MissingAcl { missing, need: Need::Optional } => {
            format!("the ACL {missing} is missing: one thing less is known, and a cycle goes on")
        }
        Found::NoSuchGroup { group, .. } => format!("there is no group {group:?}"),
        Found::NotAConsumerGroup { group, what } => format!("{group:?} is {what}, not a consumer group"),
        Found::EmptyGroup { group } => format!("the group {group:?} has no members"),
        Found::GroupInMotion { state } => {
            format!("the group is {state} now, not {}: a cycle would hold", GroupState::Stable)
        }
        Found::NoSuchTopic { topic } => format!("members subscribe to {topic:?}, which does not exist"),
        Found::OffsetsUnread { partitions, example, reason } => {
            format!("offsets of {partitions} partitions can't be read, such as those of {example}: {reason}")
        }
        Found::CompactedTopic { topic } => {
            format!("{topic:?} is compacted: offsets are no count of its messages, so its rates are too high")
        }
        Found::Unread { message } => format!("not all could be read: {message}"),
    }
}

/// The code of what does not fit, and what to change.
fn fix(problem: &Misconfiguration) -> (Code, String) {
    match problem {
        Misconfiguration::ListenerSpeaksTls { .. } => (
            Code::KafkaTls,
            format!("set {PROTOCOL} to SSL, or to SASL_SSL where it asks for credentials; or use a plaintext listener's port"),
        ),
        Misconfiguration::ListenerSpeaksPlaintext { .. } => (
            Code::KafkaTls,
            format!("set {PROTOCOL} to PLAINTEXT or SASL_PLAINTEXT; or use the port of the TLS listener"),
        ),
        Misconfiguration::ServerCertificate { .. } => (
            Code::KafkaTls,
            format!(
                "set KAFKA_SSL_CA_FILE to the authority that signed it; if its name is wrong, use one in {SERVERS} that the \
                 certificate has"
            ),
        ),
        Misconfiguration::ClientCertificate { .. } => (
            Code::KafkaTls,
            "set KAFKA_SSL_CERTIFICATE_FILE and KAFKA_SSL_KEY_FILE to a certificate that the brokers' authority has signed"
                .to_owned(),
        ),
        Misconfiguration::SaslRequired { offered, .. } => (
            Code::KafkaSasl,
            format!("set {PROTOCOL} to SASL_SSL or SASL_PLAINTEXT, and KAFKA_SASL_MECHANISM to one of {}", some(offered)),
        ),
        Misconfiguration::SaslNotOffered { .. } => (
            Code::KafkaSasl,
            format!("set {PROTOCOL} to SSL or PLAINTEXT, or use the port of a listener with SASL"),
        ),
        Misconfiguration::MechanismNotOffered { offered, .. } => {
            (Code::KafkaSasl, format!("set KAFKA_SASL_MECHANISM to one of {}", some(offered)))
        }
        Misconfiguration::CredentialsRefused { .. } => (
            Code::KafkaCredentials,
            "check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD_FILE, or the token; a SCRAM user exists for one mechanism only"
                .to_owned(),
        ),
        Misconfiguration::TokenRefused { .. } => (
            Code::KafkaCredentials,
            "check KAFKA_SASL_OAUTHBEARER_CLIENT_ID, its secret's file, and KAFKA_SASL_OAUTHBEARER_SCOPE".to_owned(),
        ),
        Misconfiguration::BrokerNotProven { .. } => (
            Code::KafkaCredentials,
            format!("see who listens there: it is not the broker that is meant; correct {SERVERS}"),
        ),
        Misconfiguration::AdvertisedListeners { .. } => (
            Code::KafkaAdvertisedListeners,
            format!(
                "name the listener in {SERVERS} that is meant for clients inside the cluster, or correct the brokers' \
                 advertised.listeners; allow these addresses where a NetworkPolicy is in the way"
            ),
        ),
        Misconfiguration::File { .. } => (
            Code::KafkaFile,
            "correct the KAFKA_ variable that names this file, or the Secret that is mounted there".to_owned(),
        ),
        Misconfiguration::Unsupported { .. } => {
            (Code::KafkaUnsupported, "use Apache Kafka 2.4 or later, or a server that speaks its protocol".to_owned())
        }
    }
}

fn of_absent(resembling: &[String]) -> String {
    match resembling {
        [] => "set KAFKA_GROUP_ID to the consumers' group.id; to see the names of all groups, we need the ACL --operation \
               Describe --cluster"
            .to_owned(),
        [only] => format!("set KAFKA_GROUP_ID={only}, if that is meant"),
        several => format!("set KAFKA_GROUP_ID to the consumers' group.id; there is {}", some(several)),
    }
}

fn of_kind(what: &OtherGroup) -> String {
    let why = match what {
        OtherGroup::Streams => {
            "the state of Kafka Streams moves with its partitions, which costs more than it brings"
        }
        OtherGroup::Connect => "Connect spreads its tasks by itself",
        OtherGroup::Share => "members of a share group share partitions, so that none is bound to a pod",
        OtherGroup::Other(_) => "its protocol is not known",
    };
    format!("it can't be handled, since {why}; set KAFKA_GROUP_ID to a consumer group")
}
