//! Brokers, topics and their settings, lists of groups, authentication.

use bytes::Bytes;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::list_groups_response::ListedGroup as Listing;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, DescribeConfigsResponse, FindCoordinatorResponse, ListGroupsResponse,
    MetadataResponse, SaslAuthenticateResponse, SaslHandshakeResponse,
};
use rebalancer_core::fleet::consumer_group::{CoordinatorRelease, TimestampType, TopicConfig, TopicId};
use rebalancer_core::port::OtherGroup;

use super::*;
use crate::settings::Address;
use crate::wire::ErrorCode;

#[test]
fn brokers_and_topics_are_read_in_every_version() {
    let message = |version: i16| {
        let of_partition = MetadataResponsePartition::default()
            .with_partition_index(4)
            .with_leader_id(BrokerId(-1))
            .with_replica_nodes(vec![BrokerId(2), BrokerId(3)]);
        let id = if version >= 10 {
            "00000000-0000-0007-ffff-ffffffffffff"
        } else {
            "00000000-0000-0000-0000-000000000000"
        };
        let of_topic = MetadataResponseTopic::default()
            .with_error_code(5)
            .with_name(Some(topic("orders")))
            .with_topic_id(id.parse().unwrap())
            .with_partitions(vec![of_partition]);
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(2))
            .with_host(text("kafka-2"))
            .with_port(9092)
            .with_rack(Some(text("rack-a")));
        let message = MetadataResponse::default().with_brokers(vec![broker]).with_controller_id(BrokerId(3));
        written(&message.with_topics(vec![of_topic]), version)
    };
    each_version(Api::Metadata, message, metadata, |metadata, version| {
        let address = Address { host: "kafka-2".to_owned(), port: 9092 };
        assert_eq!(metadata.brokers, [Broker { id: 2, address, rack: Some("rack-a".to_owned()) }]);
        assert_eq!(metadata.controller, 3);
        let [topic] = &metadata.topics[..] else { panic!("no topic") };
        let id = (version >= 10).then_some(TopicId { most: 7, least: u64::MAX });
        assert_eq!(topic.id, id);
        assert_eq!((&topic.error, topic.name.as_str()), (&Err(ErrorCode::LEADER_NOT_AVAILABLE), "orders"));
        assert_eq!((topic.partitions[0].number, topic.partitions[0].leader), (4, None));
        assert_eq!(topic.partitions[0].replicas, [2, 3]);
    });
}

#[test]
fn coordinators_and_versions_are_read() {
    let message = |version| {
        let message = FindCoordinatorResponse::default().with_node_id(BrokerId(1)).with_host(text("k"));
        written(&message.with_port(9093), version)
    };
    each_version(Api::FindCoordinator, message, find_coordinator, |found, _| {
        assert_eq!(found, Ok(Address { host: "k".to_owned(), port: 9093 }));
    });
    let refused = |version| written(&FindCoordinatorResponse::default().with_error_code(15), version);
    for version in Api::FindCoordinator.versions() {
        let bytes = refused(version.number);
        let found = find_coordinator(&mut Reader::new(&bytes, version.is_flexible()), version).unwrap();
        assert!(found.unwrap_err().passes());
    }
    let known = kafka_protocol::messages::api_versions_response::ApiVersion::default();
    let known = known.with_api_key(3).with_min_version(1).with_max_version(13);
    let bytes = written(&ApiVersionsResponse::default().with_api_keys(vec![known]), 0);
    let versions = api_versions(&mut Reader::new(&bytes, false)).unwrap().unwrap();
    assert_eq!(versions, Versions::from([(3, (1, 13))]));
}

/// Fetch, JoinGroup and DescribeLogDirs as the message definitions of each release have them.
#[test]
fn a_brokers_release_is_told_by_the_requests_that_it_knows() {
    let of = |fetch, join, log_dirs| release(&Versions::from([(1, fetch), (11, join), (35, log_dirs)]));
    assert_eq!(of((0, 17), (0, 9), (0, 4)), Some(CoordinatorRelease::Before4_0_1), "3.9");
    assert_eq!(of((4, 17), (2, 9), (1, 4)), Some(CoordinatorRelease::Before4_0_1), "4.0.0");
    assert_eq!(of((4, 17), (0, 9), (1, 4)), Some(CoordinatorRelease::Since4_0_1), "4.0.1, 4.0.2");
    assert_eq!(of((4, 18), (0, 9), (1, 4)), Some(CoordinatorRelease::Since4_0_1), "4.1, 4.2");
    assert_eq!(of((4, 18), (0, 9), (1, 5)), Some(CoordinatorRelease::Since4_3), "4.3, 4.4");
    assert_eq!(release(&Versions::from([(1, (4, 18)), (11, (0, 9))])), None);
}

#[test]
fn groups_of_a_broker_are_read_with_what_they_are() {
    let message = |version: i16| {
        let one = |id, protocol: &str, kind: &str| {
            let mut listing = Listing::default().with_group_id(group(id)).with_protocol_type(text(protocol));
            if version >= 4 {
                listing.group_state = text("Stable");
            }
            if version >= 5 {
                listing.group_type = text(kind);
            }
            listing
        };
        let groups = vec![
            one("a", "consumer", "Classic"),
            one("b", "connect", "Classic"),
            one("c", "consumer", "Streams"),
        ];
        written(&ListGroupsResponse::default().with_groups(groups), version)
    };
    each_version(Api::ListGroups, message, list_groups, |found, version| {
        let found = found.unwrap();
        assert_eq!(found[0], ListedGroup { id: "a".to_owned(), other: None });
        assert_eq!(found[1].other, Some(OtherGroup::Connect));
        assert_eq!(found[2].other, (version >= 5).then_some(OtherGroup::Streams));
    });
}

#[test]
fn topic_configs_are_read_in_every_version() {
    let message = |version: i16| {
        let one = |name: &str, value: &str| {
            let synonym = DescribeConfigsSynonym::default().with_name(text(name)).with_value(Some(text("x")));
            DescribeConfigsResourceResult::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
                .with_synonyms(vec![synonym])
        };
        let of_topic = |name: &str, error, entries| {
            DescribeConfigsResult::default()
                .with_resource_type(2)
                .with_resource_name(text(name))
                .with_error_code(error)
                .with_configs(entries)
        };
        let entries = vec![one(CLEANUP_POLICY, "delete, compact"), one(TIMESTAMP_TYPE, "LogAppendTime")];
        let results = vec![of_topic("orders", 0, entries), of_topic("secret", 29, Vec::new())];
        written(&DescribeConfigsResponse::default().with_results(results), version)
    };
    each_version(Api::DescribeConfigs, message, describe_configs, |found, _| {
        let config = TopicConfig { compacted: true, timestamps: TimestampType::LogAppendTime };
        assert_eq!(found[0], ("orders".to_owned(), Ok(config)));
        assert_eq!(found[1], ("secret".to_owned(), Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED)));
    });
}

#[test]
fn steps_of_an_authentication_are_read_in_every_version() {
    let message = |version: i16| {
        let mut message = SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from_static(b"v="));
        if version >= 1 {
            message.session_lifetime_ms = 60_000;
        }
        written(&message, version)
    };
    each_version(Api::SaslAuthenticate, message, sasl_authenticate, |challenge, version| {
        assert_eq!((challenge.error, challenge.bytes.as_slice()), (Ok(()), &b"v="[..]));
        assert_eq!(challenge.lifetime_ms, (version >= 1).then_some(60_000));
    });
    let message = |version| {
        let message = SaslHandshakeResponse::default().with_error_code(33);
        written(&message.with_mechanisms(vec![text("PLAIN")]), version)
    };
    each_version(
        Api::SaslHandshake,
        message,
        |r, _| sasl_handshake(r),
        |handshake, _| {
            assert_eq!(handshake.error, Err(ErrorCode::UNSUPPORTED_SASL_MECHANISM));
            assert_eq!(handshake.offered, ["PLAIN"]);
        },
    );
}
