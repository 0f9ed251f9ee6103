//! A plan for people: the numbers, the decision, and the reason for every pod.

use std::fmt::Write as _;

use rebalancer_core::cycle::Observation;
use rebalancer_core::fleet::{Indicator, Target};
use rebalancer_core::history::Rotation;
use rebalancer_core::report::{Method, Report, Verdict};
use rebalancer_core::snapshot::{ObservedPod, Snapshot};

use super::Shown;

/// Prints a plan.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(shown: &Shown<'_>) -> anyhow::Result<()> {
    super::print(&text(shown)?)
}

fn text(shown: &Shown<'_>) -> Result<String, std::fmt::Error> {
    let Observation { snapshot, report } = shown.observation;
    let mut out = String::new();
    writeln!(out, "workload   {}", report.workload)?;
    writeln!(out, "target     {}", target(&report.target))?;
    for metric in &snapshot.surroundings.scales_by {
        writeln!(out, "scales by  {metric}")?;
    }
    let pods = snapshot.pods.len();
    writeln!(out, "pods       {pods} listed, {} serving, {} eligible", report.serving, report.eligible)?;
    indicators(&mut out, report)?;
    if report.method != Method::None {
        writeln!(out, "{:<10} {}", "method", report.method)?;
    }
    if let Some(prediction) = &report.prediction {
        writeln!(out, "{:<10} {prediction}", "prediction")?;
    }
    if let Some(rotation) = shown.last {
        writeln!(out, "{:<10} {}", "last time", past(rotation))?;
    }
    notes(&mut out, snapshot, report)?;
    if !snapshot.pods.is_empty() {
        writeln!(out, "\n{}", pod_table(snapshot, report))?;
    }
    writeln!(out, "\n{}", report.decision)?;
    writeln!(out, "\nthe metric server was asked for this: {}", shown.usage)?;
    Ok(out)
}

fn indicators(out: &mut String, report: &Report) -> std::fmt::Result {
    for seen in &report.indicators {
        let loads = &seen.distribution;
        let state = if seen.out_of_balance { "out of balance" } else { "in balance" };
        writeln!(
            out,
            "{:<10} mean {:.3}, CV {:.3}, max/mean {:.2}, p95 {:.3} {}; {}: {state}",
            seen.indicator,
            loads.mean,
            loads.cv,
            loads.max_to_mean,
            loads.p95,
            seen.indicator.unit(),
            seen.limit
        )?;
    }
    Ok(())
}

fn notes(out: &mut String, snapshot: &Snapshot, report: &Report) -> std::fmt::Result {
    for degraded in &report.degraded {
        writeln!(out, "{:<10} not read: {}", degraded.indicator, degraded.error)?;
    }
    if let Some(error) = &snapshot.partitions_error {
        writeln!(out, "partitions not read: {error}")?;
    }
    if !snapshot.unlisted.is_empty() {
        writeln!(
            out,
            "gone       {} pods have samples but are not listed any more",
            snapshot.unlisted.len()
        )?;
    }
    Ok(())
}

/// What was predicted of the last rotation, against what was measured.
fn past(rotation: &Rotation) -> String {
    let predicted =
        rotation.predicted_cv.map_or_else(|| "not predicted".to_owned(), |cv| format!("predicted {cv}"));
    let measured = rotation.effect.measured();
    let measured =
        measured.map_or_else(|| "not measured".to_owned(), |after| format!("measured {}", after.cv));
    format!(
        "{:.0}: {} pods rotated by {}, CV {}, {predicted}, {measured}: {}",
        rotation.at,
        rotation.pods.len(),
        rotation.indicator,
        rotation.before.cv,
        rotation.effect.name()
    )
}

fn target(target: &Target) -> String {
    match target {
        Target::Known { hpa, target } => format!("{target} (autoscaler {hpa})"),
        Target::NotByCpu { hpa } => format!("none: autoscaler {hpa} does not scale by CPU"),
        Target::None => "none: no autoscaler found".to_owned(),
        Target::Ambiguous { hpas } => format!("unclear: autoscalers {} all match", hpas.join(", ")),
    }
}

/// One row a pod: the chosen ones first, then those with most load.
fn pod_table(snapshot: &Snapshot, report: &Report) -> comfy_table::Table {
    let partitions = snapshot.pods.iter().any(|pod| pod.partitions.is_some());
    let mut header = vec!["POD".to_owned(), "NODE".to_owned()];
    header.extend(snapshot.readable.iter().map(|indicator| indicator.name().to_uppercase()));
    if partitions {
        header.push("PARTITIONS".to_owned());
    }
    header.push("VERDICT".to_owned());
    let mut table = super::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for (pod, verdict) in sorted(snapshot, report) {
        let mut row = vec![pod.pod.name.clone(), pod.pod.node.clone().unwrap_or_else(|| "-".to_owned())];
        row.extend(snapshot.readable.iter().map(|&indicator| load(pod, indicator)));
        if partitions {
            row.push(pod.partitions.map_or_else(|| "-".to_owned(), |count| count.to_string()));
        }
        row.push(verdict.to_string());
        table.add_row(row);
    }
    table
}

fn load(pod: &ObservedPod, indicator: Indicator) -> String {
    pod.loads.get(indicator).map_or_else(|| "-".to_owned(), |load| load.to_string())
}

fn sorted<'a>(snapshot: &'a Snapshot, report: &'a Report) -> Vec<(&'a ObservedPod, &'a Verdict)> {
    let first = |pod: &ObservedPod| {
        snapshot
            .readable
            .iter()
            .find_map(|&indicator| pod.loads.get(indicator))
            .map_or(-1.0, |load| load.get())
    };
    let mut rows: Vec<_> = snapshot.pods.iter().zip(&report.verdicts).collect();
    rows.sort_by(|(a, of_a), (b, of_b)| {
        let chosen = |verdict: &Verdict| matches!(verdict, Verdict::Chosen(_));
        chosen(of_b).cmp(&chosen(of_a)).then(first(b).total_cmp(&first(a))).then(a.pod.name.cmp(&b.pod.name))
    });
    rows
}
