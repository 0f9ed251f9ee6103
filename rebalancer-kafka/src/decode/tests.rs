//! What kafka-protocol writes, in every version that is known here, is read as it was meant; anything else is refused.

mod cluster;
mod group;
mod offsets;

use bytes::BytesMut;
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::{Encodable, StrBytes};
use proptest::prelude::*;
use rebalancer_core::fleet::consumer_group::TopicPartition;

use super::*;
use crate::wire::{Api, BadAnswer, Version};

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
