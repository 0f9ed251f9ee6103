//! The adapter against a real broker with real consumers. Ignored by default, since it needs Java:
//!
//! ```text
//! KAFKA_ASSETS="$(.ci/kafka)" cargo test -p rebalancer-kafka --test real -- --ignored
//! ```
//!
//! One broker serves all tests; each has topics and groups of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "in a test, a panic is the failure"
)]

mod access;
mod authority;
mod broker;
mod described;
mod fleet;
mod listeners;
mod looked;
mod measured;
mod offsets;
mod rights;
mod tokens;
mod two_brokers;
mod wait;
