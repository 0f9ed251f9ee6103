//! Results for machines.

use rebalancer_core::cycle::Observation;
use rebalancer_core::history::Rotation;
use rebalancer_core::report::{Report, Verdict};
use rebalancer_core::snapshot::{ObservedPod, Snapshot};
use rebalancer_core::unit::Ratio;
use serde::Serialize;

/// The shape of `rebalancer plan --output json`. Fields are only ever added.
#[derive(Serialize)]
struct Plan<'a> {
    version: u32,
    #[serde(flatten)]
    report: &'a Report,
    summary: String,
    last_rotation: Option<&'a Rotation>,
    pods: Vec<Pod<'a>>,
    unlisted: &'a [String],
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
pub(super) fn pretty(observation: &Observation, last: Option<&Rotation>) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&plan(observation, last))
}

/// A plan as one JSON object in one line.
///
/// # Errors
/// When a part of it is no JSON.
pub(super) fn line(observation: &Observation, last: Option<&Rotation>) -> serde_json::Result<String> {
    serde_json::to_string(&plan(observation, last))
}

fn plan<'a>(observation: &'a Observation, last_rotation: Option<&'a Rotation>) -> Plan<'a> {
    let Observation { snapshot, report } = observation;
    Plan {
        version: 1,
        report,
        summary: report.decision.to_string(),
        last_rotation,
        pods: pods(snapshot, report),
        unlisted: &snapshot.unlisted,
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
