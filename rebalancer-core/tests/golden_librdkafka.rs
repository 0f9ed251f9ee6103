//! librdkafka's assignors against what librdkafka itself did: see `golden/librdkafka/README.md`.

#[path = "golden_server/situation.rs"]
mod situation;

use rebalancer_core::assignor::{librdkafka_cooperative_sticky, range, round_robin};
use situation::assert_all_equal;

#[test]
fn cooperative_sticky_is_librdkafkas() {
    let lines = include_str!("golden/librdkafka-cooperative-sticky.jsonl");
    assert_all_equal(lines, 600, librdkafka_cooperative_sticky::assign);
}

#[test]
fn range_is_javas() {
    assert_all_equal(include_str!("golden/librdkafka/range.jsonl"), 200, range::assign);
}

#[test]
fn round_robin_is_javas() {
    assert_all_equal(include_str!("golden/librdkafka/round-robin.jsonl"), 200, round_robin::assign);
}
