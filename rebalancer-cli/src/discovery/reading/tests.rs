use std::collections::BTreeMap;
use std::ffi::OsString;

use rebalancer_kube::preflight::{Told, WorkloadKind};

use super::*;
use crate::config::layers::gather;

/// Settings of the environment.
pub(in super::super) fn set(variables: &[(&str, &str)]) -> Raw {
    let given = |name: &str| variables.iter().find(|(given, _)| *given == name);
    gather(BTreeMap::new(), |name| given(name).map(|(_, value)| OsString::from(value))).0
}

/// A Deployment whose containers have these plain variables.
pub(in super::super) fn orders(containers: &[(&str, &[(&str, &str)])]) -> WorkloadShape {
    let plainly = |(name, value): &(&str, &str)| ((*name).to_owned(), Told::Plainly((*value).to_owned()));
    let container = |(name, variables): &(&str, &[(&str, &str)])| ContainerShape {
        name: (*name).to_owned(),
        environment: variables.iter().map(plainly).collect(),
        sources: Vec::new(),
    };
    WorkloadShape {
        kind: WorkloadKind::Deployment,
        name: "orders".to_owned(),
        replicas: Some(6),
        selector: Some("app=orders".to_owned()),
        labels: BTreeMap::new(),
        containers: containers.iter().map(container).collect(),
    }
}

/// `NAME=value (where)`, and `NAME? why`.
fn shown(reading: Reading) -> Vec<String> {
    let facts = reading
        .facts
        .into_iter()
        .map(|Fact { variable, value, from }| format!("{variable}={value} ({from})"));
    let open = reading.open.into_iter().map(|Open { variable, why }| format!("{variable}? {why}"));
    facts.chain(open).collect()
}

const GROUP_AND_BROKERS: &[(&str, &str)] = &[("GROUP_ID", "orders-v2"), ("KAFKA_BROKERS", "kafka:9092")];

#[test]
fn what_is_not_set_is_read() {
    assert_eq!(
        shown(read(&orders(&[("app", GROUP_AND_BROKERS)]), &set(&[]))),
        [
            "KUBE_LABEL_SELECTOR=app=orders (its selector)",
            "CONTAINER_NAME=app (its only container)",
            "KAFKA_BOOTSTRAP_SERVERS=kafka:9092 (KAFKA_BROKERS of container app)",
            "KAFKA_GROUP_ID=orders-v2 (GROUP_ID of container app)",
        ]
    );
}

#[test]
fn what_is_set_counts_and_is_not_read() {
    let all = [
        ("KUBE_LABEL_SELECTOR", "app=x"),
        ("CONTAINER_NAME", "main"),
        ("KAFKA_BOOTSTRAP_SERVERS", "other:9092"),
        ("KAFKA_GROUP_ID", "other"),
    ];
    let shape = orders(&[("app", GROUP_AND_BROKERS)]);
    assert!(!needs_reading(&set(&all)));
    assert_eq!(read(&shape, &set(&all)), Reading::default());
    for left_out in 0..all.len() {
        let mut some = all.to_vec();
        let (name, _) = some.remove(left_out);
        assert!(needs_reading(&set(&some)), "{name}");
        let read = read(&shape, &set(&some)).facts;
        assert!(read.iter().any(|fact| fact.variable == name), "{name}: {read:?}");
    }
}

#[test]
fn brokers_are_asked_only_where_nothing_else_tells_loads() {
    let metrics = set(&[("PROMETHEUS_ENDPOINT", "http://m:9090")]);
    let read_with = |containers: &[(&str, &[(&str, &str)])], raw: &Raw| {
        shown(read(&orders(containers), raw))[2..].to_vec()
    };
    assert!(read_with(&[("app", GROUP_AND_BROKERS)], &metrics).is_empty());
    let by_hand = set(&[("PROMETHEUS_ENDPOINT", "http://m:9090"), ("KAFKA_BOOTSTRAP_SERVERS", "k:1")]);
    assert_eq!(
        read_with(&[("app", GROUP_AND_BROKERS)], &by_hand),
        ["KAFKA_GROUP_ID=orders-v2 (GROUP_ID of container app)"]
    );
    assert_eq!(
        read_with(&[("app", &[])], &set(&[])),
        ["PROMETHEUS_ENDPOINT? nothing tells loads; set it, or KAFKA_BOOTSTRAP_SERVERS"]
    );
    assert_eq!(
        read_with(&[("app", &[("KAFKA_BROKERS", "hush")])], &set(&[])),
        [
            "KAFKA_BOOTSTRAP_SERVERS? KAFKA_BROKERS of container app is no list of host:port; set it, or PROMETHEUS_ENDPOINT"
        ]
    );
}

#[test]
fn the_container_that_consumes_is_told_by_its_name_or_by_its_group() {
    let kafka = &[("GROUP_ID", "g")][..];
    for (containers, expected) in [
        ([("orders", &[][..]), ("proxy", &[])], "CONTAINER_NAME=orders (its container of the same name)"),
        ([("app", kafka), ("proxy", &[])], "CONTAINER_NAME=app (its only container with a consumer group)"),
        // Which one is meant is not guessed.
        (
            [("app", kafka), ("other", kafka)],
            "CONTAINER_NAME? which of its containers consumes is not told: app, other",
        ),
    ] {
        let told = shown(read(&orders(&containers), &set(&[])));
        assert!(told.contains(&expected.to_owned()), "{told:?}");
    }
}

#[test]
fn the_group_of_the_container_that_is_measured_counts() {
    let containers: [(&str, &[(&str, &str)]); 2] =
        [("orders", &[("GROUP_ID", "a")]), ("proxy", &[("GROUP_ID", "b")])];
    let group = |raw: &Raw| shown(read(&orders(&containers), raw)).pop().unwrap();
    let brokers = ("KAFKA_BOOTSTRAP_SERVERS", "k:1");
    assert_eq!(group(&set(&[brokers])), "KAFKA_GROUP_ID=a (GROUP_ID of container orders)");
    assert_eq!(
        group(&set(&[brokers, ("CONTAINER_NAME", "proxy")])),
        "KAFKA_GROUP_ID=b (GROUP_ID of container proxy)"
    );
}

#[test]
fn a_selector_that_is_not_understood_stays_open() {
    let shape = WorkloadShape { selector: None, ..orders(&[("app", GROUP_AND_BROKERS)]) };
    let reading = read(&shape, &set(&[]));
    assert_eq!(reading.open[0].variable, SELECTOR);
    assert!(reading.facts.iter().all(|fact| fact.variable != SELECTOR));
}

/// Somebody who may edit a Deployment must not be sent what is set for another Kafka.
#[test]
fn no_address_is_read_where_credentials_are_set_and_none_that_could_be_a_command() {
    let reading = read(
        &orders(&[("app", GROUP_AND_BROKERS)]),
        &set(&[("KAFKA_SASL_PASSWORD_FILE", "/etc/kafka/password")]),
    );
    assert_eq!(
        shown(reading)[2..],
        [
            "KAFKA_BOOTSTRAP_SERVERS? KAFKA_SASL_PASSWORD_FILE is set, and is sent to no address that a workload names; set it, or PROMETHEUS_ENDPOINT"
        ]
    );
    let brokers = [("GROUP_ID", "orders"), ("KAFKA_BROKERS", "kafka:9092,x;curl${IFS}y|sh;:9092")];
    let reading = shown(read(&orders(&[("app", &brokers)]), &set(&[])));
    assert!(reading.iter().all(|line| !line.contains("curl")), "{reading:#?}");
    let hidden = [("GROUP_ID", "or\u{202e}ders"), ("KAFKA_BROKERS", "kafka:9092")];
    let reading = shown(read(&orders(&[("app", &hidden)]), &set(&[])));
    assert!(reading.iter().any(|line| line.starts_with("KAFKA_GROUP_ID? ")), "{reading:#?}");
}
