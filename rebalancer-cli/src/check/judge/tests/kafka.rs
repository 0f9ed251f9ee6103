//! Judging a Kafka that is made up.

use std::collections::BTreeMap;

use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupProtocol, GroupState, Topic, TopicPartition, Unread,
};
use rebalancer_core::port::{AclOperation, AclResource, Misconfiguration as Wrong, MissingAcl, OtherGroup};
use rebalancer_kafka::preflight::{Finding as Found, Need, Preflight};
use rebalancer_kube::ConnectError;

use super::super::super::facts::{Cluster, Kafka};
use super::super::super::finding::{Finding, Severity};
use super::super::judge;
use super::{NOW, answering, expect, facts, settings};
use crate::config::WorkloadSettings;

const SERVERS: (&str, &str) = ("KAFKA_BOOTSTRAP_SERVERS", "kafka-0:9092,kafka-1:9092");

fn found(also: &[(&str, &str)], preflight: Preflight) -> Vec<Finding> {
    let WorkloadSettings { adapters, run, .. } = settings(&[&[SERVERS], also].concat());
    let cluster = Cluster::NotConfigured(ConnectError::NoCluster { looked: "nowhere".to_owned() });
    let mut facts = facts(&adapters, &run, NOW, answering(), cluster);
    facts.kafka = Some(Kafka { settings: adapters.kafka.as_ref().unwrap(), preflight, reading: None });
    judge(&facts)
}

/// The one thing that was found.
fn of(finding: Found) -> Vec<Finding> {
    found(&[], Preflight { findings: vec![finding], ..Preflight::default() })
}

fn group() -> ConsumerGroup {
    ConsumerGroup {
        id: "orders".to_owned(),
        state: GroupState::Stable,
        protocol: GroupProtocol::Classic,
        assignor: Some("cooperative-sticky".to_owned()),
        members: Vec::new(),
        coordinator: None,
    }
}

#[test]
fn a_group_that_can_be_read_is_described_with_what_is_taken_from_it() {
    let topics = vec![Topic { name: "t".to_owned(), id: None, partitions: Vec::new() }];
    let preflight = Preflight { brokers: Some(3), group: Some(group()), topics, ..Preflight::default() };
    let also = [("PROMETHEUS_ENDPOINT", ""), ("INDICATORS", "lag,production_rate")];
    let findings = found(&also, preflight);
    expect(&findings, Severity::Warning, "kafka_lag_without_past", &["PERSISTENCE_WINDOWS=1"]);
    for words in [
        "group orders is Stable, assignor cooperative-sticky",
        "brokers in the cluster: 3",
        "read from it, over 5m: lag, production_rate, partition loads",
    ] {
        expect(&findings, Severity::Ok, "kafka", &[words]);
    }
    let own = ("PARTITION_LOAD_QUERY", "sum by (pod, topic, partition) (x)");
    let without = found(&[own], Preflight { group: Some(group()), ..Preflight::default() });
    expect(&without, Severity::Ok, "kafka", &["no load is read from it"]);
}

#[test]
fn each_setting_that_does_not_fit_names_the_variable_to_change() {
    let (address, message) = (|| "kafka-0:9092".to_owned(), || "words of others".to_owned());
    let mechanism = || "PLAIN".to_owned();
    let offered = || vec!["SCRAM-SHA-512".to_owned()];
    let unreachable = BTreeMap::from([("10.0.0.1:9092".to_owned(), "no route".to_owned())]);
    for (problem, code, words) in [
        (Wrong::ListenerSpeaksTls { address: address() }, "kafka_tls", "KAFKA_SECURITY_PROTOCOL to SSL"),
        (
            Wrong::ListenerSpeaksPlaintext { address: address() },
            "kafka_tls",
            "KAFKA_SECURITY_PROTOCOL to PLAINTEXT",
        ),
        (
            Wrong::ServerCertificate { address: address(), message: message() },
            "kafka_tls",
            "KAFKA_SSL_CA_FILE",
        ),
        (
            Wrong::ClientCertificate { address: address(), message: message() },
            "kafka_tls",
            "KAFKA_SSL_CERTIFICATE_FILE",
        ),
        (
            Wrong::SaslRequired { address: address(), offered: offered() },
            "kafka_sasl",
            "KAFKA_SASL_MECHANISM to one of SCRAM-SHA-512",
        ),
        (Wrong::SaslNotOffered { address: address() }, "kafka_sasl", "KAFKA_SECURITY_PROTOCOL to SSL"),
        (
            Wrong::MechanismNotOffered { address: address(), mechanism: mechanism(), offered: offered() },
            "kafka_sasl",
            "KAFKA_SASL_MECHANISM to one of SCRAM-SHA-512",
        ),
        (
            Wrong::CredentialsRefused { address: address(), mechanism: mechanism(), message: message() },
            "kafka_credentials",
            "KAFKA_SASL_PASSWORD_FILE",
        ),
        (
            Wrong::TokenRefused { endpoint: address(), message: message() },
            "kafka_credentials",
            "KAFKA_SASL_OAUTHBEARER_CLIENT_ID",
        ),
        (
            Wrong::BrokerNotProven { address: address(), mechanism: mechanism() },
            "kafka_credentials",
            "KAFKA_BOOTSTRAP_SERVERS",
        ),
        (
            Wrong::AdvertisedListeners { bootstrap: address(), unreachable },
            "kafka_advertised_listeners",
            "10.0.0.1:9092 (no route)",
        ),
        (Wrong::File { path: "/ca".to_owned(), message: message() }, "kafka_file", "/ca"),
        (Wrong::Unsupported { address: address(), api: "Metadata".to_owned() }, "kafka_unsupported", "2.4"),
    ] {
        let shown = problem.to_string();
        expect(&of(Found::Misconfigured(problem)), Severity::Error, code, &[words, &shown]);
    }
}

#[test]
fn a_missing_acl_is_the_command_that_adds_it() {
    let describe = |need| {
        let missing = MissingAcl::describe(AclResource::Group("orders".to_owned()));
        Found::MissingAcl { missing, need }
    };
    let command = "kafka-acls --bootstrap-server kafka-0:9092,kafka-1:9092 --add --allow-principal User:ANONYMOUS \
                   --operation Describe --group 'orders'";
    expect(&of(describe(Need::Required)), Severity::Error, "kafka_acl_missing", &[command]);
    let configs = MissingAcl {
        operation: AclOperation::DescribeConfigs,
        resource: AclResource::Topic("orders".to_owned()),
    };
    let optional = of(Found::MissingAcl { missing: configs, need: Need::Optional });
    expect(&optional, Severity::Warning, "kafka_acl_missing", &["DescribeConfigs --topic 'orders'"]);
}

#[test]
fn an_acl_is_for_the_user_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hush").unwrap();
    let also = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("KAFKA_SASL_USERNAME", "rebalancer"),
        ("KAFKA_SASL_PASSWORD_FILE", file.to_str().unwrap()),
    ];
    let missing = MissingAcl::describe(AclResource::Cluster);
    let findings = vec![Found::MissingAcl { missing, need: Need::Optional }];
    let findings = found(&also, Preflight { findings, ..Preflight::default() });
    let words = ["--allow-principal 'User:rebalancer' --operation Describe --cluster"];
    expect(&findings, Severity::Warning, "kafka_acl_missing", &words);
}

#[test]
fn a_group_that_is_not_there_names_those_that_resemble_it() {
    let absent = |resembling: &[&str]| {
        let resembling = resembling.iter().map(|name| (*name).to_owned()).collect();
        of(Found::NoSuchGroup { group: "oders".to_owned(), resembling })
    };
    let code = "kafka_group_missing";
    expect(&absent(&["orders"]), Severity::Error, code, &["KAFKA_GROUP_ID=orders"]);
    expect(&absent(&["orders", "order"]), Severity::Error, code, &["there is orders, order"]);
    expect(&absent(&[]), Severity::Error, code, &["--operation Describe --cluster"]);
}

#[test]
fn what_is_no_group_to_handle_and_what_passes_are_told_apart() {
    let name = || "orders".to_owned();
    let message = || "words of others".to_owned();
    let example = TopicPartition::new("orders", 3);
    for (found, severity, code, words) in [
        (
            Found::NotAConsumerGroup { group: name(), what: OtherGroup::Streams },
            Severity::Error,
            "kafka_group_kind",
            "Kafka Streams",
        ),
        (
            Found::NotAConsumerGroup { group: name(), what: OtherGroup::Share },
            Severity::Error,
            "kafka_group_kind",
            "share partitions",
        ),
        (Found::EmptyGroup { group: name() }, Severity::Error, "kafka_group_empty", "KAFKA_GROUP_ID"),
        (
            Found::GroupInMotion { state: GroupState::PreparingRebalance },
            Severity::Note,
            "kafka_group_in_motion",
            "a cycle would hold",
        ),
        (Found::NoSuchTopic { topic: name() }, Severity::Warning, "kafka_topic_missing", "does not exist"),
        (
            Found::OffsetsUnread { partitions: 2, example, reason: Unread::NoLeader },
            Severity::Warning,
            "kafka_offsets_unread",
            "orders",
        ),
        (
            Found::CompactedTopic { topic: name() },
            Severity::Warning,
            "kafka_topic_compacted",
            "PRODUCTION_RATE_QUERY",
        ),
        (
            Found::NoBrokerReachable { message: message() },
            Severity::Error,
            "kafka_unreachable",
            "NetworkPolicy",
        ),
        (
            Found::BootstrapServerUnusable { address: name(), message: message() },
            Severity::Warning,
            "kafka_broker_down",
            "the others are used",
        ),
        (
            Found::BrokerUnusable { broker: 2, address: name(), message: message() },
            Severity::Warning,
            "kafka_broker_down",
            "broker 2",
        ),
        (Found::Unread { message: message() }, Severity::Error, "kafka_unreadable", "words of others"),
    ] {
        expect(&of(found), severity, code, &[words]);
    }
}

#[test]
fn without_a_metric_server_nothing_is_said_of_one() {
    let WorkloadSettings { adapters, run, .. } = settings(&[SERVERS, ("PROMETHEUS_ENDPOINT", "")]);
    let cluster = Cluster::NotConfigured(ConnectError::NoCluster { looked: "nowhere".to_owned() });
    let mut facts = facts(&adapters, &run, NOW, answering(), cluster);
    facts.metrics = None;
    let findings = judge(&facts);
    let told = |finding: &Finding| ["metric_server", "samples"].contains(&finding.code.name());
    assert!(!findings.iter().any(told), "{findings:#?}");
}
