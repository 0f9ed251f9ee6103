//! Results for machines.

use rebalancer_core::history::Rotation;
use rebalancer_core::report::Report;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Shown;

/// The version of the shape of `rebalancer plan --output json`. Within a version, fields are only ever added.
const VERSION: u32 = 2;

/// The shape of `rebalancer plan --output json`.
#[derive(Serialize)]
struct Plan<'a> {
    version: u32,
    summary: String,
    #[serde(flatten)]
    report: &'a Report,
    last_rotation: Option<&'a Rotation>,
    metrics_usage: Usage,
}

/// A plan as one JSON object over many lines.
///
/// # Errors
/// When a part of it is no JSON.
pub(super) fn pretty(shown: &Shown<'_>) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&plan(shown))
}

/// A plan as one JSON object in one line.
///
/// # Errors
/// When a part of it is no JSON.
pub(super) fn line(shown: &Shown<'_>) -> serde_json::Result<String> {
    serde_json::to_string(&plan(shown))
}

fn plan<'a>(shown: &Shown<'a>) -> Plan<'a> {
    Plan {
        version: VERSION,
        summary: crate::advice::report(shown.report, shown.names),
        report: shown.report,
        last_rotation: shown.last,
        metrics_usage: shown.usage,
    }
}
