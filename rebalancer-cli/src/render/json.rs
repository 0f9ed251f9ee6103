//! Results for machines.

use rebalancer_core::cycle::Observation;
use rebalancer_core::history::Rotation;
use rebalancer_core::report::{Report, Verdict};
use rebalancer_core::snapshot::{ObservedPod, Snapshot};
use rebalancer_core::surroundings::ScalingMetric;
use rebalancer_core::unit::Ratio;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Shown;

/// The shape of `rebalancer plan --output json`. Fields are only ever added.
#[derive(Serialize)]
struct Plan<'a> {
    version: u32,
    #[serde(flatten)]
    report: &'a Report,
    summary: String,
    scales_by: &'a [ScalingMetric],
    last_rotation: Option<&'a Rotation>,
    pods: Vec<Pod<'a>>,
    unlisted: &'a [String],
    metrics_usage: Usage,
}

#[derive(Serialize)]
struct Pod<'a> {
    #[serde(flatten)]
    observed: &'a ObservedPod,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Ratio>,
    verdict: &'a Verdict,
    reason: String,
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
    let Observation { snapshot, report } = shown.observation;
    Plan {
        version: 1,
        report,
        summary: shown.names.told(shown.observation),
        scales_by: &snapshot.surroundings.scales_by,
        last_rotation: shown.last,
        pods: pods(snapshot, report),
        unlisted: &snapshot.unlisted,
        metrics_usage: shown.usage,
    }
}

fn pods<'a>(snapshot: &'a Snapshot, report: &'a Report) -> Vec<Pod<'a>> {
    snapshot
        .pods
        .iter()
        .zip(&report.verdicts)
        .enumerate()
        .map(|(place, (observed, verdict))| Pod {
            observed,
            score: report.score(place),
            verdict,
            reason: verdict.to_string(),
        })
        .collect()
}
