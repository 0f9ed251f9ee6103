//! Logs, traces and metrics of the program itself.

#[cfg(test)]
mod catalog;
mod logs;
mod metrics;
mod spans;
mod text;
mod traces;

use std::ffi::OsString;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(crate) use logs::report;
pub(crate) use metrics::{MetricFamily, MetricsJournal, Run, exposition, families, live, send};
pub(crate) use spans::{answer, concluded, cycle, plan, reset};
pub(crate) use traces::Traces;

use crate::config::Logs;

/// Starts logging, and traces when the environment names a collector. Contacts no server.
pub(crate) fn start(logs: Logs, environment: impl Fn(&str) -> Option<OsString>) -> Traces {
    let (traces, unusable) = match Traces::by(&environment) {
        Ok(traces) => (traces, None),
        Err(unusable) => (Traces::off(), Some(unusable)),
    };
    let registry = tracing_subscriber::registry();
    // Only one subscriber can be the first; a second start changes nothing.
    let _ = registry.with(logs::layer(logs)).with(traces.layer()).try_init();
    if let Some(traces::Unusable { variable, problem }) = unusable {
        tracing::warn!(event = "traces_off", variable, problem, "no traces are exported in this run");
    }
    traces
}
