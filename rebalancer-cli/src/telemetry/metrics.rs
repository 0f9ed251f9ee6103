//! The metrics of a run, exported when it has ended: nothing can scrape a process that is gone.
//!
//! ```text
//!   record (counters, breaker) ─┐
//!   what was seen and decided ──┼─> families ─> text ─> pushed, and written into files
//!   how the run ended ──────────┘   (catalog)
//! ```
//!
//! What is not known is left out, never zero: a Pushgateway then keeps what it has. Nothing of the run depends on it.

pub(in crate::telemetry) mod catalog;
mod counters;
mod families;
mod family;
mod seen;
mod send;
mod textfile;

pub(crate) use families::{Run, all as families, live};
pub(crate) use prometheus::proto::MetricFamily;
pub(crate) use seen::MetricsJournal;
pub(crate) use send::{exposition, send};

#[cfg(test)]
mod tests;
