//! What the program tells of itself: lines of the log, and traces. The binary runs whole cycles against servers in this
//! process: an API server, a metric server and a collector.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a panic is how a test fails"
)]

mod collector;
mod formats;
mod logs;
mod notifications;
mod replay;
mod reports;
mod traces;
mod webhook;
mod world;
