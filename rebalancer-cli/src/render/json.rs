//! Results for machines.

use rebalancer_core::cycle::Observation;
use rebalancer_core::history::Rotation;
use rebalancer_core::report::{Report, Verdict};
use rebalancer_core::snapshot::{ObservedPod, Snapshot};
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
    verdict: &'a Verdict,
    reason: String,
}

/// Prints a plan as one JSON object.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn plan(observation: &Observation, last_rotation: Option<&Rotation>) -> anyhow::Result<()> {
    let Observation { snapshot, report } = observation;
    let summary = report.decision.to_string();
    let plan = Plan {
        version: 1,
        report,
        summary,
        last_rotation,
        pods: pods(snapshot, report),
        unlisted: &snapshot.unlisted,
    };
    super::print(&serde_json::to_string_pretty(&plan)?)
}

fn pods<'a>(snapshot: &'a Snapshot, report: &'a Report) -> Vec<Pod<'a>> {
    snapshot
        .pods
        .iter()
        .zip(&report.verdicts)
        .map(|(observed, verdict)| Pod { observed, verdict, reason: verdict.to_string() })
        .collect()
}
