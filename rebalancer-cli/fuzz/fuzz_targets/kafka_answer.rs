//! What a Kafka broker answers, and in it what any member of the group has written, in every version that is known.
//!
//! Bytes are read or refused, within the memory that they take themselves. A group that comes out is the one that was asked
//! for, and has each member once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rebalancer_kafka::fuzzing::{GROUP, answers};

fuzz_target!(|data: &[u8]| {
    for group in answers(data) {
        assert_eq!(group.id, GROUP);
        let ids: Vec<&str> = group.members.iter().map(|member| member.id.as_str()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
});
