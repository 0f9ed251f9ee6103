//! The adapter against brokers in the test's own process, for what a real one can't be made to do at will. They speak by
//! kafka-protocol, so that no line of theirs is ours.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "in a test, a panic is the failure"
)]

mod brokers;
mod garbage;
mod moving;
