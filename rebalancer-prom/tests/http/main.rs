//! The source against HTTP servers of the test's own.

#![allow(clippy::unwrap_used)] // The lint spares test functions, not what they share.

mod certificates;
mod cruise_control;
mod failing;
mod kindness;
mod past;
mod preflight;
mod proxies;
mod push;
mod reading;
mod secrets;
mod shapes;
mod world;
