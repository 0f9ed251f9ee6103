//! Offsets, and partitions that are being moved.

use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, ListOffsetsResponse, ListPartitionReassignmentsResponse, OffsetFetchResponse,
};
use rebalancer_core::fleet::consumer_group::{OffsetAt, Reassignment};

use super::*;
use crate::wire::ErrorCode;

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
