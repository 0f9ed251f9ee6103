//! What workloads tell of themselves, so that nobody has to set it. `look` reads; the rest is pure.
//!
//! ```text
//!   look ──> WorkloadShape ──> environment (what variables say) ──> reading (settings, and what stays open)
//!       \──> autoscalers ───────────────────────────────────────────> candidate (is it a consumer, what is missing)
//! ```
//!
//! What is not told plainly stays open: nothing is guessed, and nothing that may be a secret is read.

mod candidate;
mod environment;
mod look;
mod reading;

pub(crate) use candidate::{Candidate, Looks, Missing, Scaler, candidate};
pub(crate) use environment::Said;
pub(crate) use look::{Found, NotFound, all, named};
pub(crate) use reading::{Fact, Reading, needs_reading, read};

/// Settings that a workload may tell.
const CONTAINER: &str = "CONTAINER_NAME";
const SELECTOR: &str = "KUBE_LABEL_SELECTOR";
const SERVERS: &str = "KAFKA_BOOTSTRAP_SERVERS";
const GROUP: &str = "KAFKA_GROUP_ID";
/// The other source of loads.
const METRICS: &str = "PROMETHEUS_ENDPOINT";
