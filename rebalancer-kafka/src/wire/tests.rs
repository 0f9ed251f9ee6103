//! What we write is what kafka-protocol reads, in every version that is known here.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, ConsumerGroupDescribeRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, ListGroupsRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest,
    MetadataRequest, OffsetFetchRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, decode_request_header_from_buffer};

use super::*;
use crate::query::{self, OffsetSpec};

/// The message that another implementation reads, which must take all bytes.
fn read<T: Decodable>(version: Version, body: Vec<u8>) -> T {
    let mut bytes = Bytes::from(body);
    let message = T::decode(&mut bytes, version.number).unwrap();
    assert!(bytes.is_empty(), "{version:?} leaves {bytes:?}");
    message
}

fn names() -> BTreeSet<String> {
    BTreeSet::from(["bills".to_owned(), "orders".to_owned()])
}

fn partitions() -> BTreeMap<&'static str, Vec<i32>> {
    BTreeMap::from([("bills", vec![0]), ("orders", vec![0, 3])])
}

#[test]
fn headers_are_read_in_every_version_of_every_request() {
    for version in Api::ALL.into_iter().flat_map(Api::versions) {
        let framed = frame(version, 77, "us", b"body");
        let (length, rest) = framed.split_first_chunk::<4>().unwrap();
        assert_eq!(usize::try_from(u32::from_be_bytes(*length)).unwrap(), rest.len());
        let mut bytes = Bytes::copy_from_slice(rest);
        let header = decode_request_header_from_buffer(&mut bytes).unwrap();
        assert_eq!(&bytes[..], b"body", "{version:?}");
        let sent = (header.request_api_key, header.request_api_version, header.correlation_id);
        assert_eq!(sent, (version.api.key(), version.number, 77));
        assert_eq!(header.client_id.unwrap().as_str(), "us");
        let key = ApiKey::try_from(version.api.key()).unwrap();
        assert_eq!(format!("{key:?}"), format!("{:?}", version.api));
        assert_eq!(key.request_header_version(version.number) == 2, version.is_flexible(), "{version:?}");
        assert_eq!(key.response_header_version(version.number) == 1, version.is_flexible(), "{version:?}");
    }
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let version = Api::ListOffsets.common(1, 1).unwrap();
    assert!(unframe(version, 7, &7_i32.to_be_bytes()).is_ok());
    assert!(unframe(version, 7, &8_i32.to_be_bytes()).is_err());
    assert!(unframe(version, 7, b"\0").is_err());
}

#[test]
fn asking_for_topics_never_makes_them() {
    for version in Api::Metadata.versions() {
        let request: MetadataRequest = read(version, query::metadata(version, &names()));
        assert!(!request.allow_auto_topic_creation);
        let asked = request.topics.unwrap();
        let asked: Vec<_> = asked.iter().map(|topic| topic.name.as_ref().unwrap().as_str()).collect();
        assert_eq!(asked, ["bills", "orders"]);
        let none: MetadataRequest = read(version, query::metadata(version, &BTreeSet::new()));
        assert_eq!(none.topics.map(|topics| topics.len()), Some(0), "none is not all");
    }
}

#[test]
fn requests_about_groups_are_read_in_every_version() {
    for version in Api::DescribeGroups.versions() {
        let request: DescribeGroupsRequest = read(version, query::describe_groups(version, "g"));
        assert_eq!(request.groups.len(), 1);
        assert_eq!(request.groups[0].as_str(), "g");
    }
    for version in Api::ConsumerGroupDescribe.versions() {
        let request: ConsumerGroupDescribeRequest =
            read(version, query::consumer_group_describe(version, "g"));
        assert_eq!(request.group_ids[0].as_str(), "g");
    }
    for version in Api::FindCoordinator.versions() {
        let request: FindCoordinatorRequest = read(version, query::find_coordinator(version, "g"));
        assert_eq!((request.key.as_str(), request.key_type), ("g", 0));
    }
    for version in Api::ListGroups.versions() {
        let request: ListGroupsRequest = read(version, query::list_groups(version));
        assert!(request.states_filter.is_empty() && request.types_filter.is_empty());
    }
}

#[test]
fn requests_about_offsets_are_read_in_every_version() {
    let time = jiff::Timestamp::from_millisecond(1_700_000_000_000).unwrap();
    for (spec, wire) in
        [(OffsetSpec::LogStart, -2), (OffsetSpec::End, -1), (OffsetSpec::At(time), 1_700_000_000_000)]
    {
        for version in Api::ListOffsets.versions() {
            let request: ListOffsetsRequest =
                read(version, query::list_offsets(version, &partitions(), spec));
            assert_eq!((request.replica_id.0, request.isolation_level), (-1, 0));
            let asked: Vec<_> =
                request.topics[1].partitions.iter().map(|one| (one.partition_index, one.timestamp)).collect();
            assert_eq!(asked, [(0, wire), (3, wire)]);
            assert!(request.topics[1].partitions.iter().all(|one| one.current_leader_epoch == -1));
        }
    }
    for version in Api::OffsetFetch.versions() {
        let request: OffsetFetchRequest = read(version, query::offset_fetch(version, "g", &partitions()));
        assert_eq!((request.group_id.as_str(), request.require_stable), ("g", false));
        assert_eq!(request.topics.unwrap()[1].partition_indexes, [0, 3]);
    }
    for version in Api::ListPartitionReassignments.versions() {
        let body = query::list_partition_reassignments(version, &partitions(), 900);
        let request: ListPartitionReassignmentsRequest = read(version, body);
        assert_eq!(request.timeout_ms, 900);
        assert_eq!(request.topics.unwrap()[1].partition_indexes, [0, 3]);
    }
}

#[test]
fn the_rest_is_read_in_every_version() {
    for version in Api::DescribeConfigs.versions() {
        let request: DescribeConfigsRequest =
            read(version, query::describe_configs(version, &names(), &["a", "b"]));
        let one = &request.resources[1];
        assert_eq!((one.resource_type, one.resource_name.as_str()), (2, "orders"));
        assert_eq!(one.configuration_keys.as_ref().unwrap().len(), 2);
    }
    for version in Api::SaslAuthenticate.versions() {
        let request: SaslAuthenticateRequest = read(version, query::sasl_authenticate(version, b"hello"));
        assert_eq!(&request.auth_bytes[..], b"hello");
    }
    for version in Api::SaslHandshake.versions() {
        let request: SaslHandshakeRequest = read(version, query::sasl_handshake("PLAIN"));
        assert_eq!(request.mechanism.as_str(), "PLAIN");
    }
}

#[test]
fn long_texts_and_lists_keep_their_length() {
    let long = "x".repeat(20_000);
    for version in Api::FindCoordinator.versions() {
        let request: FindCoordinatorRequest = read(version, query::find_coordinator(version, &long));
        assert_eq!(request.key.len(), long.len());
    }
}

#[test]
fn the_highest_version_that_both_know_is_used_and_none_where_there_is_none() {
    let number = |lowest, highest| Api::DescribeGroups.common(lowest, highest).map(|version| version.number);
    assert_eq!(number(0, 9), Some(6));
    assert_eq!(number(0, 4), Some(4));
    assert_eq!(number(7, 9), None);
    assert_eq!(Api::Metadata.common(0, 3), None, "a version that may make topics");
}
