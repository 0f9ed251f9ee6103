//! A plan for people: the numbers, the decision, and the reason for every pod.

mod group;

use std::fmt::Write as _;

use rebalancer_core::fleet::{Leaving, LeavingNode, Target};
use rebalancer_core::history::{GroupEffect, Rotation};
use rebalancer_core::report::{IndicatorReport, Method, PodReport, Report, Verdict};

use rebalancer_core::unit::Load;

use super::Shown;
use crate::advice;
use crate::saved::Comparison;

/// Prints a plan.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(shown: &Shown<'_>) -> anyhow::Result<()> {
    super::print(&text(shown)?)
}

pub(super) fn text(shown: &Shown<'_>) -> Result<String, std::fmt::Error> {
    let report = shown.report;
    let mut out = String::new();
    writeln!(out, "workload   {}", report.workload)?;
    if let Some(cluster) = shown.cluster {
        writeln!(out, "cluster    {cluster}")?;
    }
    writeln!(out, "target     {}", target(&report.target))?;
    for metric in &report.scales_by {
        writeln!(out, "scales by  {metric}")?;
    }
    let pods = report.pods.len();
    writeln!(out, "pods       {pods} listed, {} serving, {} eligible", report.serving, report.eligible)?;
    indicators(&mut out, report)?;
    scores(&mut out, report)?;
    group::lines(&mut out, report)?;
    if let Some(forecast) = &report.forecast {
        writeln!(out, "{:<10} {forecast}", "forecast")?;
    }
    if report.method != Method::None {
        writeln!(out, "{:<10} {}", "method", advice::method(&report.method))?;
    }
    if let Some(prediction) = &report.prediction {
        writeln!(out, "{:<10} {prediction}", "prediction")?;
    }
    if let Some(carried) = &report.carried {
        writeln!(out, "{:<10} {carried}", "messages/s")?;
    }
    if let Some(rotation) = shown.last {
        writeln!(out, "{:<10} {}", "last time", past(rotation))?;
    }
    notes(&mut out, report)?;
    if !report.pods.is_empty() {
        writeln!(out, "\n{}", pod_table(report))?;
    }
    writeln!(out, "\n{}", shown.summary())?;
    writeln!(out, "\n{}", asked(shown))?;
    if let Some(compared) = shown.replayed {
        writeln!(out, "{}", replayed(compared))?;
    }
    Ok(out)
}

/// What the sources were asked for it. A metric server that was not asked is none where Kafka is.
fn asked(shown: &Shown<'_>) -> String {
    let server = format!("metric server: {}", shown.usage);
    match shown.kafka {
        None => server,
        Some(kafka) if shown.usage.queries == 0 => format!("Kafka: {kafka}"),
        Some(kafka) => format!("{server}\nKafka: {kafka}"),
    }
}

/// How it compares with what was saved.
fn replayed(compared: &Comparison) -> String {
    let Comparison { saved_by, same, saved_summary, other_pods } = compared;
    if *same {
        return format!("version {saved_by} decided the same when this was saved");
    }
    let pods = if other_pods.is_empty() {
        String::new()
    } else {
        format!("; otherwise about {}", other_pods.join(", "))
    };
    format!("version {saved_by} decided otherwise when this was saved: {saved_summary}{pods}")
}

fn indicators(out: &mut String, report: &Report) -> std::fmt::Result {
    for seen in &report.indicators {
        let loads = &seen.distribution;
        let state = if seen.out_of_balance { "out of balance" } else { "in balance" };
        writeln!(
            out,
            "{:<10} mean {}, CV {:.3}, max/mean {:.2}, p95 {}; {}: {state}",
            seen.indicator,
            in_words(loads.mean, |load| seen.indicator.shown(load)),
            loads.cv,
            loads.max_to_mean,
            in_words(loads.p95, |load| seen.indicator.with_unit(load)),
            seen.limit.by(seen.indicator)
        )?;
    }
    Ok(())
}

fn in_words(load: f64, shown: impl Fn(Load) -> String) -> String {
    Load::new(load).map_or_else(|_| load.to_string(), shown)
}

/// What stands in the column of the scores.
fn scores(out: &mut String, report: &Report) -> std::fmt::Result {
    if !report.has_scores() {
        return Ok(());
    }
    let weight = |seen: &IndicatorReport| format!("{} {}", seen.indicator, seen.weight);
    let weights: Vec<String> = report.indicators.iter().map(weight).collect();
    writeln!(
        out,
        "{:<10} each load divided by the mean of its indicator, weighted {}; 1 is the mean pod",
        "score",
        weights.join(", ")
    )
}

fn notes(out: &mut String, report: &Report) -> std::fmt::Result {
    for degraded in &report.degraded {
        writeln!(out, "{:<10} not read: {}", degraded.indicator, degraded.error)?;
    }
    if let Some(error) = &report.partitions_error {
        writeln!(out, "partitions not read: {error}")?;
    }
    for LeavingNode { name, stage, by } in &report.leaving_nodes {
        let stage = match stage {
            Leaving::Candidate => "may be removed soon",
            Leaving::Cordoned => "takes no more pods",
            Leaving::Draining => "is being drained",
        };
        writeln!(out, "{:<10} {name} {stage} ({by})", "node")?;
    }
    if let Some(due) = &report.restarts_due {
        writeln!(out, "{:<10} {due}", "restarts")?;
    }
    if !report.unlisted.is_empty() {
        writeln!(out, "gone       {} pods have samples but are not listed any more", report.unlisted.len())?;
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
    ) + &rotation.group.as_ref().map_or_else(String::new, in_group)
}

/// The same as Kafka showed it, in what pods carry.
fn in_group(group: &GroupEffect) -> String {
    let came = match (group.measured, group.settled_after_ms) {
        (Some(after), Some(millis)) => format!("{}, at rest after {:.1} s", after.cv, millis as f64 / 1000.0),
        (Some(after), None) => after.cv.to_string(),
        (None, _) => "not seen".to_owned(),
    };
    let predicted = group.predicted.map_or_else(|| "none".to_owned(), |predicted| predicted.cv.to_string());
    format!("; messages/s by pod: CV {}, predicted {predicted}, then {came}", group.before.cv)
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
fn pod_table(report: &Report) -> comfy_table::Table {
    let partitions = report.pods.iter().any(|pod| pod.partitions.is_some());
    let scores = report.has_scores();
    let mut header = vec!["POD".to_owned(), "NODE".to_owned()];
    header.extend(report.readable.iter().map(|indicator| indicator.name().to_uppercase()));
    header.extend(scores.then(|| "SCORE".to_owned()));
    header.extend(partitions.then(|| "PARTITIONS".to_owned()));
    header.push("VERDICT".to_owned());
    let mut table = super::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for pod in rows(report) {
        let mut row = vec![one_line(&pod.pod.name), known(pod.pod.node.as_deref().map(one_line))];
        row.extend(
            report
                .readable
                .iter()
                .map(|&indicator| known(pod.loads.get(indicator).map(|load| indicator.shown(load)))),
        );
        row.extend(scores.then(|| known(pod.score)));
        row.extend(partitions.then(|| known(pod.partitions)));
        row.push(advice::verdict(report, pod.verdict));
        table.add_row(row);
    }
    table
}

/// A name of somebody else's file makes no row of its own.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\t'], "\u{fffd}")
}

/// Missing is never zero.
fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn rows(report: &Report) -> Vec<PodReport<'_>> {
    let mut rows: Vec<PodReport<'_>> = report.pods.iter().collect();
    let first = |pod: &PodReport<'_>| {
        let loads = report.readable.iter().filter_map(|&indicator| pod.loads.get(indicator));
        let score = pod.score.map(|score| score.get());
        score.or_else(|| loads.map(|load| load.get()).next()).unwrap_or(-1.0)
    };
    rows.sort_by(|a, b| {
        let chosen = |pod: &PodReport<'_>| matches!(pod.verdict, Verdict::Chosen(_));
        let by_load = first(b).total_cmp(&first(a));
        chosen(b).cmp(&chosen(a)).then(by_load).then(a.pod.name.cmp(&b.pod.name))
    });
    rows
}
