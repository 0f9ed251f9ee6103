//! Judging who of a group runs where: four pods, `a` to `d`, and members that are made up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, OffsetAt, Partition, PartitionOffsets,
    TimestampType, Topic, TopicConfig, TopicPartition,
};
use rebalancer_core::port::GroupReading;
use rebalancer_kafka::preflight::Preflight;

use super::super::super::facts::{Cluster, Kafka};
use super::super::super::finding::{Finding, Severity};
use super::super::super::gather::{Read, observe};
use super::super::judge;
use super::cluster::{NOW, survey};
use super::{answering, expect, facts, settings};
use crate::adapters::{Group, Loads};
use crate::config::WorkloadSettings;

const TOPIC: &str = "t";

/// A member of this client id, which holds the partition of this number.
fn member(client_id: &str, number: u32) -> GroupMember {
    GroupMember {
        listed: 0,
        id: format!("member-{number}"),
        client_id: client_id.to_owned(),
        host: "10.9.9.9".to_owned(),
        instance_id: None,
        rack: None,
        protocol: None,
        epoch: None,
        subscription: None,
        assigned: Some(vec![TopicPartition::new(TOPIC, number)]),
        target: None,
        joined_with: None,
    }
}

fn reading(client_ids: &[&str], compacted: bool) -> GroupReading {
    let members: Vec<GroupMember> = (0..).zip(client_ids).map(|(number, id)| member(id, number)).collect();
    let partition = || Partition { leader: Some(1), racks: BTreeSet::new() };
    let offsets = PartitionOffsets {
        log_start: 0,
        end: 100,
        earlier: vec![OffsetAt::First { offset: 40, timestamp: None }],
        committed: Some(90),
    };
    let offsets: BTreeMap<_, _> =
        (0..4).map(|number| (TopicPartition::new(TOPIC, number), Ok(offsets.clone()))).collect();
    let config = TopicConfig { compacted, timestamps: TimestampType::LogAppendTime };
    GroupReading {
        group: ConsumerGroup {
            id: "orders".to_owned(),
            state: GroupState::Stable,
            protocol: GroupProtocol::Classic,
            assignor: Some("range".to_owned()),
            members,
            coordinator: None,
        },
        topics: vec![Topic {
            name: TOPIC.to_owned(),
            id: None,
            partitions: (0..4).map(|_| partition()).collect(),
        }],
        configs: [(TOPIC.to_owned(), Ok(config))].into(),
        offsets: Ok(offsets),
        earlier: vec![NOW - SignedDuration::from_mins(5)],
        moving: Ok(Vec::new()),
        at: NOW,
    }
}

/// What is found when Kafka is all there is.
async fn found(reading: GroupReading) -> Vec<Finding> {
    found_with(("INDICATORS", "auto"), reading).await
}

async fn found_with(indicators: (&str, &str), reading: GroupReading) -> Vec<Finding> {
    let kafka = [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("PROMETHEUS_ENDPOINT", ""), indicators];
    let WorkloadSettings { adapters, run, .. } =
        settings(&[&kafka[..], &[("PERSISTENCE_WINDOWS", "1")]].concat());
    let of_kafka = adapters.kafka.as_ref().unwrap();
    let (group, loads) = (Group::open(of_kafka.clone()), Loads::of(None));
    let read = Read {
        readings: None,
        loads: &loads,
        group: Some((group.side(), Ok(reading.clone()))),
        cruise_control: None,
    };
    let survey = survey();
    let observation = observe(&survey, read, &run, NOW).await;
    let mut facts = facts(&adapters, &run, NOW, answering(), Cluster::There(Box::new(survey)));
    (facts.metrics, facts.observation) = (None, observation);
    facts.kafka =
        Some(Kafka { settings: of_kafka, preflight: Preflight::default(), reading: Some(Ok(reading)) });
    judge(&facts)
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    let of_members = |code: &&str| code.starts_with("kafka_members") || *code == "kafka_pods_without_member";
    findings.iter().map(|finding| finding.code.name()).filter(of_members).collect()
}

#[tokio::test]
async fn members_that_all_run_in_pods_are_counted_and_a_decision_is_made_on_their_loads() {
    let findings = found(reading(&["a", "b", "c", "d"], false)).await;
    expect(&findings, Severity::Ok, "kafka_members", &["all 4 members run in 4 pods, told by client-id"]);
    assert_eq!(codes(&findings), ["kafka_members"]);
    expect(&findings, Severity::Ok, "outlook", &["a cycle now"]);
}

#[tokio::test]
async fn a_member_of_elsewhere_and_a_pod_without_one_are_named() {
    let findings = found(reading(&["a", "b", "c", "laptop"], false)).await;
    let elsewhere = &["1 of 4 members run in no pod", "\"laptop\" at \"10.9.9.9\""];
    expect(&findings, Severity::Warning, "kafka_members_elsewhere", elsewhere);
    expect(&findings, Severity::Warning, "kafka_pods_without_member", &["group: d"]);
}

#[tokio::test]
async fn members_none_of_which_is_in_a_pod_are_an_error() {
    let findings = found(reading(&["x", "y"], false)).await;
    let words = &["none of 2 members", "KUBE_LABEL_SELECTOR", "client.id"];
    expect(&findings, Severity::Error, "kafka_members_unmatched", words);
    assert_eq!(codes(&findings), ["kafka_members_unmatched"], "it says all that there is to say");
}

#[tokio::test]
async fn a_member_that_is_in_two_pods_needs_a_way_to_be_set() {
    let mut reading = reading(&["a", "b", "c", "d"], false);
    reading.group.members[0].instance_id = Some("b".to_owned());
    let findings = found(reading).await;
    let words = &["1 of 4 members", "KAFKA_POD_MATCHING", "client-id"];
    expect(&findings, Severity::Error, "kafka_members_contradictory", words);
}

#[tokio::test]
async fn a_load_that_offsets_do_not_tell_is_told() {
    let compacted = || reading(&["a", "b", "c", "d"], true);
    let words = &["production_rate", "compacted", "a cycle fails"];
    expect(&found(compacted()).await, Severity::Error, "kafka_offsets_unusable", words);
    let findings = found_with(("INDICATORS", "lag,production_rate"), compacted()).await;
    for load in ["production_rate", "partition loads"] {
        expect(&findings, Severity::Warning, "kafka_offsets_unusable", &[load, "compacted"]);
    }
}
