//! Advice: for people as a ranked table with a conclusion in words, and for machines.

#[cfg(test)]
mod tests;
mod words;

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use rebalancer_core::advice::{
    Advice, Basis, Bound, BoundKind, Effect, Known, Lever, LeverReport, Outcome, Outlook, RuleSpread,
    Uncertainty,
};
use rebalancer_core::unit::Elapsed;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Form;

/// The version of the shape of `rebalancer advise --output json`. Within a version, fields are only ever added.
pub(crate) const VERSION: u32 = 1;

/// What there is to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The advice.
    pub(crate) advice: &'a Advice,
    /// What the metric server was asked for it; `None` when it comes from a file.
    pub(crate) usage: Option<Usage>,
    /// What Kafka was asked for it; `None` when it is not asked.
    pub(crate) kafka: Option<rebalancer_kafka::Usage>,
}

/// What `rebalancer advise --output json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AdviceDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// The conclusion in words.
    summary: String,
    #[serde(flatten)]
    advice: &'a Advice,
    /// What the metric server was asked for it; `null` when it comes from a file.
    metrics_usage: Option<Usage>,
    /// What Kafka was asked for it; `null` when it is not asked.
    kafka_usage: Option<rebalancer_kafka::Usage>,
}

impl<'a> AdviceDocument<'a> {
    fn of(shown: &Shown<'a>) -> Self {
        Self {
            version: VERSION,
            summary: words::conclusion(shown.advice),
            advice: shown.advice,
            metrics_usage: shown.usage,
            kafka_usage: shown.kafka,
        }
    }
}

/// Prints an advice.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(form: Form, shown: &Shown<'_>) -> anyhow::Result<()> {
    match form {
        Form::Table => super::print(&text(shown)?),
        Form::Tables => super::print(&text(shown)?).and_then(|()| super::print("")),
        Form::Json => super::print(&serde_json::to_string_pretty(&AdviceDocument::of(shown))?),
        Form::JsonLine => super::print(&serde_json::to_string(&AdviceDocument::of(shown))?),
    }
}

/// What follows, one sentence a line.
pub(super) fn conclusion(advice: &Advice) -> String {
    words::conclusion(advice)
}

fn text(shown: &Shown<'_>) -> Result<String, std::fmt::Error> {
    let advice = shown.advice;
    let mut out = String::new();
    writeln!(out, "workload   {}", advice.workload)?;
    let (seen, loads) = (&advice.measured, &advice.measured.distribution);
    let state = if seen.out_of_balance { "out of balance" } else { "in balance" };
    writeln!(
        out,
        "{:<10} CV {:.3}, max/mean {:.2} over {} pods as measured; {}: {state}",
        seen.indicator,
        loads.cv,
        loads.max_to_mean,
        loads.count,
        seen.limit.by(seen.indicator)
    )?;
    match &advice.outlook {
        Outlook::Known(known) => outlook(&mut out, advice, known)?,
        Outlook::Unknown { .. } => {}
    }
    writeln!(out, "\n{}", words::conclusion(advice))?;
    if let Some(usage) = shown.usage {
        writeln!(out, "\nmetric server: {usage}")?;
    }
    if let Some(kafka) = shown.kafka {
        writeln!(out, "Kafka: {kafka}")?;
    }
    Ok(out)
}

fn outlook(out: &mut String, advice: &Advice, known: &Known) -> std::fmt::Result {
    writeln!(
        out,
        "{:<10} {} partitions on {} members in {} pods, assignor {}; {}",
        "group", known.partitions, known.members, known.pods, known.assignor, known.timing
    )?;
    writeln!(out, "{:<10} {}", "loads", basis(&advice.basis))?;
    writeln!(
        out,
        "{:<10} {}-{} carries {:.2} times what a pod carries on average",
        "hottest", known.hottest.topic, known.hottest.partition, known.hottest.of_mean_pod
    )?;
    for slow in known.pod_side.iter().take(MOST_NAMED) {
        writeln!(
            out,
            "{:<10} the same work costs {:.2} times as much on {}",
            "pod side", slow.factor, slow.pod
        )?;
    }
    if let Some(more) = known.pod_side.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        writeln!(out, "{:<10} and on {more} more pods it costs more or less than usual", "")?;
    }
    writeln!(out, "\n{}\n", table(known))?;
    for bound in &known.bounds {
        writeln!(out, "{}", bounded(bound))?;
    }
    writeln!(out, "{}", ranges(known))
}

/// Less than this is not seen in three decimals.
const SHOWN: f64 = 0.000_5;

/// How many pods are named of what may be many.
const MOST_NAMED: usize = 5;

fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Present => "as they are now".to_owned(),
        Basis::Mean { window, readings: 1, asked: 1 } => format!("mean of {} by offsets", Elapsed(*window)),
        Basis::Mean { window, readings, asked } => {
            format!("mean of {}: {readings} of {asked} readings have samples", Elapsed(*window))
        }
    }
}

fn table(known: &Known) -> comfy_table::Table {
    let mut table = super::table(&["LEVER", "CV", "5 TO 95 %", "MAX/MEAN", "PODS ABOVE", "COSTS"]);
    for lever in &known.levers {
        table.add_row(row(lever, known));
    }
    for index in [1, 3, 4] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn row(report: &LeverReport, known: &Known) -> [String; 6] {
    let costs: Vec<String> = report.costs.iter().map(ToString::to_string).collect();
    let (name, costs) = (lever_name(&report.lever, known), costs.join(", "));
    match &report.effect {
        Effect::Expected(outcome) => [
            name,
            format!("{:.3}", outcome.cv.expected),
            range(outcome),
            format!("{:.2}", outcome.max_to_mean.expected),
            format!("{:.1}", outcome.above.expected),
            costs,
        ],
        Effect::NotFound => with_reason(name, "none is found"),
        Effect::NotNeeded => with_reason(name, "not needed"),
    }
}

/// The lever; an assignor that fits the group may be its own.
pub(super) fn lever_name(lever: &Lever, known: &Known) -> String {
    match lever {
        Lever::Assignor { assignor } if known.assignor.rules().contains(*assignor) => {
            format!("{lever} (may be the present one)")
        }
        Lever::Assignor { .. }
        | Lever::Nothing
        | Lever::Rotation { .. }
        | Lever::DoublePartitions
        | Lever::Replicas { .. }
        | Lever::HottestKey { .. } => lever.to_string(),
    }
}

fn with_reason(name: String, reason: &str) -> [String; 6] {
    [name, "-".to_owned(), reason.to_owned(), "-".to_owned(), "-".to_owned(), String::new()]
}

pub(super) fn range(outcome: &Outcome) -> String {
    let cv = &outcome.cv;
    let mark = match outcome.uncertainty {
        Uncertainty::None => return String::new(),
        Uncertainty::Draws { .. } => "",
        Uncertainty::Keys { .. } => " [1]",
        Uncertainty::OneKey => " [2]",
    };
    if cv.high - cv.low < SHOWN {
        return String::new();
    }
    let spread = if outcome.rules.is_some() { " [3]" } else { "" };
    format!("{:.3} to {:.3}{mark}{spread}", cv.low, cv.high)
}

/// What nothing can beat, and where the ranges come from: a line each.
pub(super) fn notes(known: &Known) -> Vec<String> {
    let bounds = known.bounds.iter().map(bounded);
    let ranges = ranges(known);
    let lines = bounds.chain(ranges.lines().map(ToOwned::to_owned));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Where the ranges come from.
fn ranges(known: &Known) -> String {
    let of = |is: fn(&Uncertainty) -> bool| {
        let outcomes = known.levers.iter().filter_map(LeverReport::outcome);
        outcomes.map(|outcome| outcome.uncertainty).any(|from| is(&from))
    };
    let mut lines = vec![
        "ranges     over draws of member ids and of which pod restarts when, as the loads are; they do not foresee the loads",
    ];
    if of(|from| matches!(from, Uncertainty::Keys { .. })) {
        lines.push("           [1] expected if the keys of each partition share its load evenly; at worst one key is all of it");
    }
    if of(|from| matches!(from, Uncertainty::OneKey)) {
        lines.push("           [2] at best: if all that it carries above the others is one key, which is spread over the topic");
    }
    let rules = rule_spread(known);
    lines.extend(rules.iter().map(String::as_str));
    lines.join("\n")
}

/// What is expected under the best and the worst of the rules that fit, of each lever to which it matters.
fn rule_spread(known: &Known) -> Vec<String> {
    let of = |report: &LeverReport| {
        let spread = report.outcome()?.rules?;
        let RuleSpread { best, best_cv, worst, worst_cv } = spread;
        (worst_cv - best_cv >= SHOWN).then(|| {
            format!("           {}: CV {best_cv:.3} under {best}, {worst_cv:.3} under {worst}", report.lever)
        })
    };
    let spreads: Vec<String> = known.levers.iter().filter_map(of).collect();
    if known.assignor.rules().len() < 2 {
        return Vec::new();
    }
    let head = format!(
        "           [3] the group may follow each of {}: the worst of them is expected, the range is over all (KAFKA_ASSIGNOR, \
         KAFKA_BOOTSTRAP_SERVERS)",
        known.assignor.rules()
    );
    std::iter::once(head).chain(spreads).collect()
}

fn bounded(bound: &Bound) -> String {
    let kind = match bound.kind {
        BoundKind::AnyAssignment => "bound      any assignment of these partitions",
        BoundKind::EqualCounts => "bound      any with equal counts",
    };
    let found = &bound.found;
    match bound.floor {
        Some(floor) => format!(
            "{kind}: CV {:.3} or more, max/mean {:.2} or more; one that looks at loads has {:.3} and {:.2}",
            floor.cv, floor.max_to_mean, found.cv, found.max_to_mean
        ),
        None => format!(
            "{kind}: no floor is known, since pods do not cost the same; one that looks at loads has CV {:.3} and \
             max/mean {:.2}",
            found.cv, found.max_to_mean
        ),
    }
}
