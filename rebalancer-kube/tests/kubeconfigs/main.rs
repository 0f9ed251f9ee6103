//! Which cluster is meant, and as whom: kubectl's rules one by one. What is sent is seen by a server of the test's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

mod cluster;
mod files;
mod machine;
mod user;
