//! A plan for people: the decision, the fleet as bars, what goes, why, what is expected of it, and what stays.

mod approval;
mod bars;
mod expected;
mod group;
mod spared;

use rebalancer_core::fleet::{Leaving, LeavingNode, Target};
use rebalancer_core::history::{GroupEffect, Rotation};
use rebalancer_core::report::{Decision, IndicatorReport, Limit, Method, Report};
use rebalancer_core::unit::Load;

use super::Shown;
use super::screen::{Screen, Sheet, Tone};
use crate::advice;
use crate::saved::Comparison;

/// Which pods are shown one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pods {
    /// Of a large fleet, those that stand out.
    Notable,
    /// Each, with its reason.
    Every,
}

pub(super) fn sheet(shown: &Shown<'_>, screen: Screen, pods: Pods) -> Sheet {
    let report = shown.report;
    let mut sheet = Sheet::new(screen);
    headline(&mut sheet, shown);
    bars::draw(&mut sheet, report, pods);
    removals(&mut sheet, report);
    balance(&mut sheet, report);
    expected::entries(&mut sheet, report);
    if pods == Pods::Notable {
        spared::entries(&mut sheet, report);
    }
    approval::entries(&mut sheet, shown);
    sheet.blank();
    circumstances(&mut sheet, shown);
    sheet.blank();
    for line in asked(shown).lines() {
        sheet.paragraph(Tone::Faint, line);
    }
    if let Some(compared) = shown.replayed {
        sheet.paragraph(Tone::Plain, &replayed(compared));
    }
    sheet
}

/// Whose fleet, and what is to be done.
fn headline(sheet: &mut Sheet, shown: &Shown<'_>) {
    let report = shown.report;
    let cluster = shown.cluster.map_or_else(String::new, |cluster| format!(" in cluster {cluster}"));
    sheet.paragraph(Tone::Strong, &format!("{}{cluster}", report.workload));
    match &report.decision {
        Decision::Rotate(plan) => {
            let (chosen, all) = (plan.removals.len(), report.pods.len());
            sheet.paragraph(Tone::Strong, &format!("rotate {chosen} of {all} pods"));
        }
        Decision::Balanced => sheet.paragraph(Tone::Good, &shown.summary()),
        Decision::Hold(_) => sheet.paragraph(Tone::Warning, &shown.summary()),
    }
    sheet.blank();
}

/// What goes, in its order, and for what.
fn removals(sheet: &mut Sheet, report: &Report) {
    let Decision::Rotate(plan) = &report.decision else { return };
    for (number, removal) in plan.removals.iter().enumerate() {
        let node = removal.node.as_deref().map_or_else(String::new, |node| format!(" on {node}"));
        let choice = removal.choice.by(removal.indicator);
        let label = if number == 0 { "remove" } else { "" };
        sheet.entry(label, &format!("{}{node}, {choice}", removal.pod.name));
    }
}

/// Each indicator against its limit.
fn balance(sheet: &mut Sheet, report: &Report) {
    for (number, seen) in report.indicators.iter().enumerate() {
        let loads = &seen.distribution;
        let state = if seen.out_of_balance { "out of balance" } else { "in balance" };
        let limit = match &seen.limit {
            Limit::Variance { threshold, .. } => format!(" (threshold {threshold})"),
            Limit::Target { .. } => String::new(),
        };
        let text = format!(
            "{}: {state}: CV {:.3}{limit}, max/mean {:.2}, mean {}, p95 {}; {}",
            seen.indicator,
            loads.cv,
            loads.max_to_mean,
            in_words(loads.mean, |load| seen.indicator.shown(load)),
            in_words(loads.p95, |load| seen.indicator.with_unit(load)),
            hot_above(seen)
        );
        sheet.entry(if number == 0 { "why" } else { "" }, &text);
    }
}

fn hot_above(seen: &IndicatorReport) -> String {
    match &seen.limit {
        Limit::Variance { hot_above, .. } => format!("hot above {}", seen.indicator.shown(*hot_above)),
        Limit::Target { .. } => seen.limit.to_string(),
    }
}

/// What else was seen, and by which rules it was decided.
fn circumstances(sheet: &mut Sheet, shown: &Shown<'_>) {
    let report = shown.report;
    let pods = report.pods.len();
    sheet.entry("pods", &format!("{pods} listed, {} serving, {} eligible", report.serving, report.eligible));
    sheet.entry("target", &target(&report.target));
    for metric in &report.scales_by {
        sheet.entry("scales by", &metric.to_string());
    }
    scores(sheet, report);
    group::entries(sheet, report);
    if let Some(forecast) = &report.forecast {
        sheet.entry("forecast", &forecast.to_string());
    }
    if report.method != Method::None {
        sheet.entry("method", &advice::method(&report.method));
    }
    if let Some(rotation) = shown.last {
        sheet.entry("last time", &past(rotation));
    }
    notes(sheet, report);
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

fn in_words(load: f64, shown: impl Fn(Load) -> String) -> String {
    Load::new(load).map_or_else(|_| load.to_string(), shown)
}

/// What stands in the column of the scores.
fn scores(sheet: &mut Sheet, report: &Report) {
    if !report.has_scores() {
        return;
    }
    let weight = |seen: &IndicatorReport| format!("{} {}", seen.indicator, seen.weight);
    let weights: Vec<String> = report.indicators.iter().map(weight).collect();
    let weights = weights.join(", ");
    sheet.entry(
        "score",
        &format!("each load divided by the mean of its indicator, weighted {weights}; 1 is the mean pod"),
    );
}

fn notes(sheet: &mut Sheet, report: &Report) {
    for degraded in &report.degraded {
        sheet.entry("not read", &format!("{}: {}", degraded.indicator, degraded.error));
    }
    if let Some(error) = &report.partitions_error {
        sheet.entry("not read", &format!("partitions: {error}"));
    }
    for LeavingNode { name, stage, by } in &report.leaving_nodes {
        let stage = match stage {
            Leaving::Candidate => "may be removed soon",
            Leaving::Cordoned => "takes no more pods",
            Leaving::Draining => "is being drained",
        };
        sheet.entry("node", &format!("{name} {stage} ({by})"));
    }
    if let Some(due) = &report.restarts_due {
        sheet.entry("restarts", &due.to_string());
    }
    if !report.unlisted.is_empty() {
        let gone = report.unlisted.len();
        sheet.entry("gone", &format!("{gone} pods have samples but are not listed any more"));
    }
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

/// Missing is never zero.
fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
