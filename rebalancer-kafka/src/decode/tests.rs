//! What kafka-protocol writes, in every version that is known here, is read as it was meant; anything else is refused.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::consumer_group_describe_response as consumer;
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as Assigned;
use kafka_protocol::messages::consumer_protocol_subscription::TopicPartition as Owned;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup as Listing;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, ConsumerGroupDescribeResponse, ConsumerProtocolAssignment,
    ConsumerProtocolSubscription, DescribeConfigsResponse, DescribeGroupsResponse, FindCoordinatorResponse,
    GroupId, ListGroupsResponse, ListOffsetsResponse, ListPartitionReassignmentsResponse, MetadataResponse,
    OffsetFetchResponse, SaslAuthenticateResponse, SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use proptest::prelude::*;
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, JoinedWith, MemberProtocol, OffsetAt,
    Reassignment, Subscription, TimestampType, TopicConfig, TopicPartition,
};
use rebalancer_core::port::OtherGroup;

use super::*;
use crate::settings::Address;
use crate::wire::{Api, BadAnswer, ErrorCode, Version};

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

fn partition(number: u32) -> TopicPartition {
    TopicPartition::new("orders", number)
}

fn written(message: &impl Encodable, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).unwrap();
    bytes.to_vec()
}

/// Reads a message that was written in each version; no byte may be left, and none be missed.
fn each_version<T: std::fmt::Debug>(
    api: Api,
    message: impl Fn(i16) -> Vec<u8>,
    read: impl Fn(&mut Reader<'_>, Version) -> Result<T, BadAnswer>,
    check: impl Fn(T, i16),
) {
    for version in api.versions() {
        let bytes = message(version.number);
        let mut r = Reader::new(&bytes, version.is_flexible());
        check(read(&mut r, version).unwrap(), version.number);
        r.tags().unwrap();
        assert!(r.is_empty(), "{version:?} leaves bytes");
        for end in 0..bytes.len() {
            // Only the tags of the whole may be missing: nobody reads them.
            let tags = usize::from(version.is_flexible());
            let mut r = Reader::new(&bytes[..end], version.is_flexible());
            assert!(end + tags == bytes.len() || read(&mut r, version).is_err(), "{version:?} until {end}");
        }
    }
}

fn subscription(version: i16) -> Bytes {
    let mut message =
        ConsumerProtocolSubscription::default().with_topics(vec![text("orders"), text("bills")]);
    message.user_data = Some(Bytes::from_static(b"sticky"));
    if version >= 1 {
        message.owned_partitions =
            vec![Owned::default().with_topic(topic("orders")).with_partitions(vec![2, 0])];
    }
    if version >= 2 {
        message.generation_id = 7;
    }
    if version >= 3 {
        message.rack_id = Some(text("rack-a"));
    }
    Bytes::from([&version.to_be_bytes()[..], &written(&message, version)].concat())
}

fn assignment() -> Bytes {
    let partitions = vec![Assigned::default().with_topic(topic("orders")).with_partitions(vec![3, 1])];
    let message = ConsumerProtocolAssignment::default().with_assigned_partitions(partitions);
    Bytes::from([&0_i16.to_be_bytes()[..], &written(&message, 0)].concat())
}

fn classic_answer(version: i16, group_of: impl Fn(DescribedGroup) -> DescribedGroup) -> Vec<u8> {
    let mut member = DescribedGroupMember::default()
        .with_member_id(text("pod-1"))
        .with_client_id(text("pod"))
        .with_client_host(text("/10.0.0.7"))
        .with_member_metadata(subscription(3))
        .with_member_assignment(assignment());
    if version >= 4 {
        member.group_instance_id = Some(text("instance-0"));
    }
    let described = DescribedGroup::default()
        .with_group_id(group("g"))
        .with_group_state(text("Stable"))
        .with_protocol_type(text("consumer"))
        .with_protocol_data(text("cooperative-sticky"))
        .with_members(vec![member]);
    written(&DescribeGroupsResponse::default().with_groups(vec![group_of(described)]), version)
}

fn describe(version: i16, bytes: &[u8]) -> Result<Described, BadAnswer> {
    let version = Api::DescribeGroups.common(version, version).unwrap();
    describe_groups(&mut Reader::new(bytes, version.is_flexible()), version, "g")
}

#[test]
fn a_classic_group_is_read_in_every_version() {
    let read = |r: &mut Reader<'_>, version| describe_groups(r, version, "g");
    each_version(
        Api::DescribeGroups,
        |version| classic_answer(version, |group| group),
        read,
        |described, version| {
            let member = GroupMember {
                id: "pod-1".to_owned(),
                client_id: "pod".to_owned(),
                host: "10.0.0.7".to_owned(),
                instance_id: (version >= 4).then(|| "instance-0".to_owned()),
                rack: Some("rack-a".to_owned()),
                protocol: Some(MemberProtocol::Classic),
                epoch: None,
                subscription: Some(Subscription {
                    topics: vec!["bills".to_owned(), "orders".to_owned()],
                    pattern: None,
                }),
                assigned: Some(vec![partition(3), partition(1)]),
                target: None,
                joined_with: Some(JoinedWith {
                    generation: Some(7),
                    owned: vec![partition(2), partition(0)],
                }),
            };
            let expected = ConsumerGroup {
                id: "g".to_owned(),
                state: GroupState::Stable,
                protocol: GroupProtocol::Classic,
                assignor: Some("cooperative-sticky".to_owned()),
                members: vec![member],
            };
            assert_eq!(described, Described::Group(Box::new(expected)));
        },
    );
}

#[test]
fn what_members_say_is_read_in_every_version_of_theirs_and_later_ones() {
    for version in 0..=3 {
        let joined = embedded::subscription(&subscription(version)).unwrap();
        assert_eq!(joined.joined_with.owned.len(), if version >= 1 { 2 } else { 0 });
        assert_eq!(joined.joined_with.generation, (version >= 2).then_some(7));
        assert_eq!(joined.rack, (version >= 3).then(|| "rack-a".to_owned()));
    }
    let later = [&9_i16.to_be_bytes()[..], &subscription(3)[2..], b"more"].concat();
    assert_eq!(embedded::subscription(&later), embedded::subscription(&subscription(3)));
}

#[test]
fn a_group_that_is_rebalancing_tells_no_assignment_rather_than_an_empty_one() {
    let rebalancing = classic_answer(6, |mut group| {
        group.group_state = text("PreparingRebalance");
        group.members[0].member_metadata = Bytes::new();
        group.members[0].member_assignment = Bytes::new();
        group
    });
    let Described::Group(group) = describe(6, &rebalancing).unwrap() else { panic!("no group") };
    assert_eq!(group.state, GroupState::PreparingRebalance);
    assert_eq!((&group.members[0].assigned, &group.members[0].subscription), (&None, &None));

    let idle = classic_answer(6, |mut group| {
        group.members[0].member_assignment = Bytes::new();
        group
    });
    let Described::Group(group) = describe(6, &idle).unwrap() else { panic!("no group") };
    assert_eq!(
        group.members[0].assigned,
        Some(Vec::new()),
        "a stable member without an assignment holds nothing"
    );
}

#[test]
fn groups_that_are_absent_or_of_another_kind_are_told_apart() {
    let with = |state: &'static str, kind: &'static str, data: &'static str, error: i16| {
        let bytes = classic_answer(6, move |group| {
            let group = group.with_group_state(text(state)).with_protocol_type(text(kind));
            group.with_protocol_data(text(data)).with_members(Vec::new()).with_error_code(error)
        });
        describe(6, &bytes).unwrap()
    };
    assert_eq!(with("Dead", "", "", 0), Described::Absent);
    assert_eq!(with("Dead", "", "", 69), Described::Absent);
    assert_eq!(with("", "", "", 30), Described::Failed(ErrorCode::GROUP_AUTHORIZATION_FAILED));
    assert_eq!(with("Stable", "connect", "sessioned", 0), Described::Other(OtherGroup::Connect));
    assert_eq!(with("Stable", "consumer", "stream", 0), Described::Other(OtherGroup::Streams));
    assert_eq!(with("Stable", "sr", "v0", 0), Described::Other(OtherGroup::Other("sr".to_owned())));
    assert!(matches!(with("Empty", "", "", 0), Described::Group(_)));
}

#[test]
fn what_any_client_may_have_written_is_refused_where_it_cannot_be_read() {
    for bad in [&b"\0"[..], b"\xff\xff", b"\0\0\x7f\xff\xff\xff", b"\0\x01\0\0\0\0\0\0\0\0\x7f\xff\xff\xff"] {
        let bytes = classic_answer(5, |mut group| {
            group.members[0].member_metadata = Bytes::copy_from_slice(bad);
            group
        });
        let error = describe(5, &bytes).unwrap_err();
        assert!(error.0.starts_with("member pod-1: "), "{error}");
    }
}

#[test]
fn a_member_twice_or_another_group_is_refused() {
    let twice = classic_answer(0, |mut group| {
        group.members.push(group.members[0].clone());
        group
    });
    assert!(describe(0, &twice).is_err());
    assert!(describe(0, &classic_answer(0, |described| described.with_group_id(group("other")))).is_err());
    assert!(describe(0, &written(&DescribeGroupsResponse::default(), 0)).is_err());
}

#[test]
fn a_group_of_the_consumer_protocol_is_read_in_every_version() {
    let held = |numbers: Vec<i32>| {
        let of_topic =
            consumer::TopicPartitions::default().with_topic_name(topic("orders")).with_partitions(numbers);
        consumer::Assignment::default().with_topic_partitions(vec![of_topic])
    };
    let message = |version: i16| {
        let mut member = consumer::Member::default()
            .with_member_id(text("uuid"))
            .with_instance_id(Some(text("instance-0")))
            .with_rack_id(Some(text("rack-b")))
            .with_member_epoch(11)
            .with_client_id(text("pod"))
            .with_client_host(text("/10.0.0.7"))
            .with_subscribed_topic_names(vec![topic("orders")])
            .with_subscribed_topic_regex(Some(text("ord.*")))
            .with_assignment(held(vec![0, 5]))
            .with_target_assignment(held(vec![0]));
        if version >= 1 {
            member.member_type = 1;
        }
        let described = consumer::DescribedGroup::default()
            .with_group_id(group("g"))
            .with_group_state(text("Reconciling"))
            .with_group_epoch(12)
            .with_assignment_epoch(11)
            .with_assignor_name(text("uniform"))
            .with_members(vec![member]);
        written(&ConsumerGroupDescribeResponse::default().with_groups(vec![described]), version)
    };
    let read = |r: &mut Reader<'_>, version| consumer_group_describe(r, version, "g");
    each_version(Api::ConsumerGroupDescribe, message, read, |described, version| {
        let Described::Group(group) = described else { panic!("no group") };
        assert_eq!(group.state, GroupState::Reconciling);
        assert_eq!(group.protocol, GroupProtocol::Consumer { epoch: 12, assignment_epoch: 11 });
        let member = &group.members[0];
        assert_eq!(
            (member.epoch, member.protocol),
            (Some(11), (version >= 1).then_some(MemberProtocol::Consumer))
        );
        assert_eq!(member.assigned, Some(vec![partition(0), partition(5)]));
        assert_eq!(member.target, Some(vec![partition(0)]));
        let subscription =
            Subscription { topics: vec!["orders".to_owned()], pattern: Some("ord.*".to_owned()) };
        assert_eq!(member.subscription, Some(subscription));
        assert_eq!(
            (member.instance_id.as_deref(), member.rack.as_deref()),
            (Some("instance-0"), Some("rack-b"))
        );
        assert_eq!(group.topics(), BTreeSet::from(["orders".to_owned()]));
    });
}

#[test]
fn brokers_and_topics_are_read_in_every_version() {
    let message = |version: i16| {
        let of_partition = MetadataResponsePartition::default()
            .with_partition_index(4)
            .with_leader_id(BrokerId(-1))
            .with_replica_nodes(vec![BrokerId(2), BrokerId(3)]);
        let of_topic = MetadataResponseTopic::default()
            .with_error_code(5)
            .with_name(Some(topic("orders")))
            .with_partitions(vec![of_partition]);
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(2))
            .with_host(text("kafka-2"))
            .with_port(9092)
            .with_rack(Some(text("rack-a")));
        let message = MetadataResponse::default().with_brokers(vec![broker]).with_controller_id(BrokerId(3));
        written(&message.with_topics(vec![of_topic]), version)
    };
    each_version(Api::Metadata, message, metadata, |metadata, _| {
        let address = Address { host: "kafka-2".to_owned(), port: 9092 };
        assert_eq!(metadata.brokers, [Broker { id: 2, address, rack: Some("rack-a".to_owned()) }]);
        assert_eq!(metadata.controller, 3);
        let [topic] = &metadata.topics[..] else { panic!("no topic") };
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

#[test]
fn offsets_by_time_are_read_and_none_is_no_error() {
    let message = |version| {
        let one = |number, timestamp, offset, error| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(number)
                .with_timestamp(timestamp)
                .with_offset(offset)
                .with_error_code(error)
        };
        let partitions = vec![one(0, 1_700_000_000_000, 42, 0), one(1, -1, -1, 0), one(2, -1, -1, 6)];
        let of_topic =
            ListOffsetsTopicResponse::default().with_name(topic("orders")).with_partitions(partitions);
        written(&ListOffsetsResponse::default().with_topics(vec![of_topic]), version)
    };
    each_version(Api::ListOffsets, message, list_offsets, |found, _| {
        let timestamp = Some(jiff::Timestamp::from_millisecond(1_700_000_000_000).unwrap());
        assert_eq!(found[0], (partition(0), Ok(OffsetAt::First { offset: 42, timestamp })));
        assert_eq!(found[1], (partition(1), Ok(OffsetAt::NothingSince)));
        assert!(matches!(&found[2], (at, Err(error)) if *at == partition(2) && error.is_about_leader()));
    });
}

#[test]
fn committed_offsets_are_read_and_none_is_not_zero() {
    let message = |version: i16| {
        let one = |number, offset, error| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(number)
                .with_committed_offset(offset)
                .with_metadata(Some(text("theirs")))
                .with_error_code(error)
        };
        let partitions = vec![one(0, 7, 0), one(1, -1, 0), one(2, -1, 3)];
        let of_topic =
            OffsetFetchResponseTopic::default().with_name(topic("orders")).with_partitions(partitions);
        written(&OffsetFetchResponse::default().with_topics(vec![of_topic]), version)
    };
    each_version(Api::OffsetFetch, message, offset_fetch, |found, _| {
        let expected = [(partition(0), Ok(Some(7))), (partition(1), Ok(None))];
        let found = found.unwrap();
        assert_eq!(found[..2], expected);
        assert_eq!(found[2], (partition(2), Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)));
    });
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
fn reassignments_are_read() {
    let message = |version| {
        let of_partition = OngoingPartitionReassignment::default()
            .with_partition_index(6)
            .with_replicas(vec![BrokerId(1), BrokerId(2), BrokerId(3)])
            .with_adding_replicas(vec![BrokerId(3)])
            .with_removing_replicas(vec![BrokerId(1)]);
        let of_topic = OngoingTopicReassignment::default()
            .with_name(topic("orders"))
            .with_partitions(vec![of_partition]);
        written(&ListPartitionReassignmentsResponse::default().with_topics(vec![of_topic]), version)
    };
    let read = |r: &mut Reader<'_>, _| list_partition_reassignments(r);
    each_version(Api::ListPartitionReassignments, message, read, |found, _| {
        let expected = Reassignment { partition: partition(6), adding: vec![3], removing: vec![1] };
        assert_eq!(found, Ok(vec![expected]));
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

#[test]
fn a_count_that_an_answer_can_not_have_reserves_nothing() {
    for (bytes, flexible) in [(&b"\x7f\xff\xff\xff"[..], false), (b"\xff\xff\xff\xff\x0f", true)] {
        let mut r = Reader::new(bytes, flexible);
        assert!(r.array(|r| r.i64()).is_err());
    }
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for version in Api::ALL.into_iter().flat_map(Api::versions) {
            let r = || Reader::new(&bytes, version.is_flexible());
            drop(metadata(&mut r(), version));
            drop(describe_groups(&mut r(), version, "g"));
            drop(consumer_group_describe(&mut r(), version, "g"));
            drop(list_offsets(&mut r(), version));
            drop(offset_fetch(&mut r(), version));
            drop(list_groups(&mut r(), version));
            drop(describe_configs(&mut r(), version));
            drop(list_partition_reassignments(&mut r()));
            drop(sasl_authenticate(&mut r(), version));
        }
        embedded_only(&bytes);
    }
}
