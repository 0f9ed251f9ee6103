//! A plan for people: the numbers, the decision, and the reason for every pod.

use std::fmt::Write as _;

use rebalancer_core::cycle::Observation;
use rebalancer_core::fleet::Target;
use rebalancer_core::history::Rotation;
use rebalancer_core::report::{IndicatorReport, Method, Report, Verdict};
use rebalancer_core::snapshot::{ObservedPod, Snapshot};
use rebalancer_core::unit::Ratio;

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
    scores(&mut out, report)?;
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
    writeln!(out, "\n{}", shown.names.told(shown.observation))?;
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

/// What stands in the column of the scores.
fn scores(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.scores.is_empty() {
        return Ok(());
    }
    let weight = |seen: &IndicatorReport| format!("{} {}", seen.indicator, seen.weight);
    let weights: Vec<String> = report.indicators.iter().map(weight).collect();
    writeln!(
        out,
        "{:<10} each load by the mean of its indicator, weighted {}; 1 is the mean pod",
        "score",
        weights.join(", ")
    )
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

/// What is shown of one pod.
struct Row<'a> {
    pod: &'a ObservedPod,
    score: Option<Ratio>,
    verdict: &'a Verdict,
}

/// One row a pod: the chosen ones first, then those with most load.
fn pod_table(snapshot: &Snapshot, report: &Report) -> comfy_table::Table {
    let partitions = snapshot.pods.iter().any(|pod| pod.partitions.is_some());
    let scores = !report.scores.is_empty();
    let mut header = vec!["POD".to_owned(), "NODE".to_owned()];
    header.extend(snapshot.readable.iter().map(|indicator| indicator.name().to_uppercase()));
    header.extend(scores.then(|| "SCORE".to_owned()));
    header.extend(partitions.then(|| "PARTITIONS".to_owned()));
    header.push("VERDICT".to_owned());
    let mut table = super::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for Row { pod, score, verdict } in rows(snapshot, report) {
        let mut row = vec![pod.pod.name.clone(), known(pod.pod.node.as_ref())];
        row.extend(snapshot.readable.iter().map(|&indicator| known(pod.loads.get(indicator))));
        row.extend(scores.then(|| known(score)));
        row.extend(partitions.then(|| known(pod.partitions)));
        row.push(verdict.to_string());
        table.add_row(row);
    }
    table
}

/// Missing is never zero.
fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn rows<'a>(snapshot: &'a Snapshot, report: &'a Report) -> Vec<Row<'a>> {
    let pods = snapshot.pods.iter().zip(&report.verdicts).enumerate();
    let mut rows: Vec<Row<'_>> =
        pods.map(|(place, (pod, verdict))| Row { pod, score: report.score(place), verdict }).collect();
    let first = |row: &Row<'_>| {
        let loads = snapshot.readable.iter().filter_map(|&indicator| row.pod.loads.get(indicator));
        let score = row.score.map(|score| score.get());
        score.or_else(|| loads.map(|load| load.get()).next()).unwrap_or(-1.0)
    };
    rows.sort_by(|a, b| {
        let chosen = |row: &Row<'_>| matches!(row.verdict, Verdict::Chosen(_));
        let by_load = first(b).total_cmp(&first(a));
        chosen(b).cmp(&chosen(a)).then(by_load).then(a.pod.pod.name.cmp(&b.pod.pod.name))
    });
    rows
}
