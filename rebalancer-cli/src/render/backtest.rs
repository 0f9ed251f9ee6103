//! A backtest: for people as tables with what it comes to in words, and for machines.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::{
    Backtest, Compared, FromOffsets, Gap, LagCompared, LagHours, NotKnown, Summary,
};
use rebalancer_core::fleet::{Indicator, Workload};
use rebalancer_core::unit::Elapsed;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Form;

/// The version of the shape of `rebalancer backtest --output json`. Within a version, fields are only ever added.
pub(crate) const VERSION: u32 = 1;

/// The past under one combination of settings.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Run {
    /// The settings of `--sweep`; empty without it.
    pub(crate) settings: BTreeMap<String, String>,
    /// It in numbers.
    pub(crate) summary: Summary,
    /// Every cycle.
    pub(crate) backtest: Backtest,
}

/// What there is to be shown.
pub(crate) struct Shown<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) step: SignedDuration,
    /// The past under each combination of settings.
    pub(crate) runs: &'a [Run],
    /// Values that were read.
    pub(crate) points: usize,
    /// Answers that an earlier run had kept.
    pub(crate) kept: usize,
    pub(crate) usage: Usage,
    /// What Kafka's offsets told; `None` when they were not asked for.
    pub(crate) offsets: Option<&'a FromOffsets>,
    /// What Kafka was asked for it; `None` when it was not.
    pub(crate) kafka: Option<rebalancer_kafka::Usage>,
}

/// What `rebalancer backtest --output json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BacktestDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// What it comes to, in words.
    summary: String,
    /// Whose fleet.
    workload: &'a Workload,
    /// The first moment.
    from: Timestamp,
    /// The last one.
    to: Timestamp,
    /// Seconds between two moments.
    step_seconds: i64,
    /// The past under each combination of settings.
    runs: &'a [Run],
    /// Which of the runs has the fewest removals for each unit of improvement; `null` where none improves anything.
    best: Option<usize>,
    /// Values that were read.
    points: usize,
    /// Answers that an earlier run had kept, and that were not asked for.
    kept_answers: usize,
    /// What the metric server was asked for it.
    metrics_usage: Usage,
    /// What Kafka's offsets told of partition loads; `null` when Kafka was not asked.
    offsets: Option<&'a FromOffsets>,
    /// What Kafka was asked for it; `null` when it was not.
    kafka_usage: Option<rebalancer_kafka::Usage>,
}

impl<'a> BacktestDocument<'a> {
    fn of(shown: &Shown<'a>) -> Self {
        Self {
            version: VERSION,
            summary: words(shown),
            workload: shown.workload,
            from: shown.from,
            to: shown.to,
            step_seconds: shown.step.as_secs(),
            runs: shown.runs,
            best: best(shown.runs),
            points: shown.points,
            kept_answers: shown.kept,
            metrics_usage: shown.usage,
            offsets: shown.offsets,
            kafka_usage: shown.kafka,
        }
    }
}

/// Prints a backtest.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(form: Form, shown: &Shown<'_>) -> anyhow::Result<()> {
    match form {
        Form::Table => super::print(&text(shown)?),
        Form::Tables => super::print(&text(shown)?).and_then(|()| super::print("")),
        Form::Json => super::print(&serde_json::to_string_pretty(&BacktestDocument::of(shown))?),
        Form::JsonLine => super::print(&serde_json::to_string(&BacktestDocument::of(shown))?),
    }
}

fn text(shown: &Shown<'_>) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "workload   {}", shown.workload)?;
    let Some(first) = shown.runs.first() else { return Ok(out) };
    let (backtest, every) = (&first.backtest, Elapsed(first.backtest.every));
    let (from, to, cycles) = (shown.from, shown.to, first.summary.cycles);
    writeln!(
        out,
        "past       {from} to {to}: {cycles} cycles, one each {every}; a reading each {}",
        Elapsed(shown.step)
    )?;
    writeln!(
        out,
        "compared   by {}",
        backtest.indicator.map_or("nothing: no load is known", Indicator::name)
    )?;
    for gap in backtest.gaps.iter().take(MOST_GAPS) {
        let Gap { from, to, moments } = gap;
        writeln!(
            out,
            "gap        {from} to {to}: {moments} readings without any sample, which are not filled in"
        )?;
    }
    if let Some(more) = backtest.gaps.len().checked_sub(MOST_GAPS).filter(|more| *more > 0) {
        writeln!(out, "           and {more} more gaps")?;
    }
    for told in shown.offsets.iter().flat_map(|told| from_offsets(told)) {
        writeln!(out, "offsets    {told}")?;
    }
    for unknown in &backtest.unknown {
        writeln!(out, "not known  {}", not_known(*unknown))?;
    }
    match shown.runs {
        [only] => writeln!(out, "\n{}\n{}", comparison(only), holds(&only.summary))?,
        many => writeln!(out, "\n{}", sweep(many))?,
    }
    writeln!(out, "\n{}", words(shown))?;
    writeln!(
        out,
        "\nmetric server: {}; values: {}, answers kept from an earlier run: {}",
        shown.usage, shown.points, shown.kept
    )?;
    if let (Some(usage), Some(told)) = (shown.kafka, shown.offsets) {
        writeln!(out, "Kafka: {usage}; offsets of {} partitions at {} times", told.partitions, told.times)?;
    }
    Ok(out)
}

/// How far offsets tell what was produced, and who held it.
pub(super) fn from_offsets(told: &FromOffsets) -> [String; 2] {
    let since = |from: Option<Timestamp>, before: Option<&String>| {
        let from = from.map_or_else(|| "at no time".to_owned(), |from| format!("from {from}"));
        before.map_or_else(|| from.clone(), |why| format!("{from}; not before: {why}"))
    };
    [
        format!("what was produced is known {}", since(told.rates_from, told.rates_before.as_ref())),
        format!("who held what is known {}", since(told.held_from, told.held_before.as_ref())),
    ]
}

/// How many gaps are named of what may be many.
const MOST_GAPS: usize = 5;

/// What is not known, and what was done about that.
pub(super) const fn not_known(unknown: NotKnown) -> &'static str {
    match unknown {
        NotKnown::Pods => {
            "pods: kube-state-metrics shows none, so pods with a sample are taken to serve since their first one, with \
             owners by their names"
        }
        NotKnown::ReadySince => "since when pods are Ready: taken for the first reading that shows it",
        NotKnown::Marks => {
            "disruption budgets, annotations, priorities and quiet workloads of then: none is assumed"
        }
        NotKnown::Scaling => "what the autoscaler was doing: only its target is known",
        NotKnown::Partitions => {
            "partition loads: rotations are named and not carried out (PARTITION_LOAD_QUERY, \
             KAFKA_METRICS_PRESET, KAFKA_BOOTSTRAP_SERVERS)"
        }
        NotKnown::MemberIds => {
            "member ids: they were drawn, so under a sticky assignor this is one of many possible courses"
        }
        NotKnown::Assignor => {
            "the assignor: several fitted who held what, and one of them was followed (KAFKA_ASSIGNOR)"
        }
        NotKnown::Holders => {
            "who held what: Kafka tells it of now, and it is taken to have been so while the pods were those of now"
        }
        NotKnown::Consumed => "what was consumed, and lag by Kafka: it keeps neither",
        NotKnown::Pauses => {
            "how much lag the rebalances of rotations would have made: their pauses are not in it"
        }
        NotKnown::Topics => {
            "what would have been after topics came or went: nothing is compared from then on"
        }
    }
}

fn right(mut table: Table, columns: std::ops::Range<usize>) -> Table {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn comparison(run: &Run) -> Table {
    let mut table = super::table(&["", "AS IT WAS", "WITH ROTATIONS"]);
    let Some(compared) = run.summary.compared else {
        table.add_row(["no cycle knows both", "-", "-"]);
        return table;
    };
    let mut row = |what: &str, was: String, would: String| {
        table.add_row([what.to_owned(), was, would]);
    };
    row("mean CV", format!("{:.3}", compared.cv_was), format!("{:.3}", compared.cv_would));
    row(
        "mean max/mean",
        format!("{:.2}", compared.max_to_mean_was),
        format!("{:.2}", compared.max_to_mean_would),
    );
    row(
        "pod-hours above the limit",
        format!("{:.1}", compared.pod_hours_above_was),
        format!("{:.1}", compared.pod_hours_above_would),
    );
    if let Some(lag) = &run.summary.lag {
        let (was, would) = match lag.compared {
            Some(compared) => (compared.pod_hours_was, format!("{:.1}", compared.pod_hours_would)),
            None => (lag.pod_hours_was, "not known".to_owned()),
        };
        row(&format!("pod-hours with lag above {}", lag.above), format!("{was:.1}"), would);
    }
    right(table, 1..3)
}

/// Hours of lag as they were and would have been.
pub(super) fn lag_hours(summary: &Summary) -> String {
    match &summary.lag {
        None => "-".to_owned(),
        Some(LagHours { compared: Some(compared), .. }) => {
            format!("{:.1} -> {:.1}", compared.pod_hours_was, compared.pod_hours_would)
        }
        Some(LagHours { compared: None, pod_hours_was, .. }) => format!("{pod_hours_was:.1} -> not known"),
    }
}

/// Hours of lag in words; nothing where no lag is known.
fn lag_words(lag: &LagHours) -> String {
    let LagHours { above, pod_hours_was, pod_hours_removed, compared, .. } = lag;
    match compared {
        Some(LagCompared { pod_hours_was: was, pod_hours_would: would, .. }) => format!(
            " Of {was:.1} pod-hours with lag above {above}, {would:.1} would have been left, by a queue for each pod and \
             without the pauses of rebalances."
        ),
        None => format!(
            " Pods had lag above {above} for {pod_hours_was:.1} pod-hours, {pod_hours_removed:.1} of them on pods that would \
             have been removed by then; what lag would have been is not known."
        ),
    }
}

fn holds(summary: &Summary) -> String {
    let mut out = String::new();
    let mut line = |what: &str, cycles: usize| {
        if cycles > 0 {
            out.push_str(&format!("\n{cycles:>6} cycles  {what}"));
        }
    };
    line("balanced", summary.balanced);
    line("rotated", summary.rotations);
    line("would have rotated, not carried out", summary.wanted);
    for held in &summary.holds {
        line(&format!("held: {}", held.hold), held.cycles);
    }
    line("failed", summary.failed);
    line("nothing known", summary.gaps);
    out
}

fn sweep(runs: &[Run]) -> Table {
    let with_lag = runs.iter().any(|run| run.summary.lag.is_some());
    let mut header = vec![
        "SETTINGS",
        "ROTATIONS",
        "REMOVALS",
        "CV",
        "MAX/MEAN",
        "POD-HOURS ABOVE",
        "REMOVALS PER 0.01 CV",
    ];
    header.extend(with_lag.then_some("POD-HOURS OF LAG"));
    let mut table = super::table(&header);
    for run in runs {
        let Summary { rotations, removals, compared, removals_per_hundredth, .. } = &run.summary;
        let pair = |of: fn(&Compared) -> (f64, f64), digits: usize| {
            compared.as_ref().map_or_else(
                || "-".to_owned(),
                |compared| {
                    let (was, would) = of(compared);
                    format!("{was:.digits$} -> {would:.digits$}")
                },
            )
        };
        let mut row = vec![
            named(&run.settings),
            rotations.to_string(),
            removals.to_string(),
            pair(|compared| (compared.cv_was, compared.cv_would), 3),
            pair(|compared| (compared.max_to_mean_was, compared.max_to_mean_would), 2),
            pair(|compared| (compared.pod_hours_above_was, compared.pod_hours_above_would), 1),
            removals_per_hundredth.map_or_else(|| "-".to_owned(), |per| format!("{per:.2}")),
        ];
        row.extend(with_lag.then(|| lag_hours(&run.summary)));
        table.add_row(row);
    }
    right(table, 1..header.len())
}

pub(super) fn named(settings: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// The run with the fewest removals for each unit of improvement.
pub(super) fn best(runs: &[Run]) -> Option<usize> {
    let known =
        runs.iter().enumerate().filter_map(|(index, run)| Some((index, run.summary.removals_per_hundredth?)));
    known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

/// What it comes to.
pub(super) fn words(shown: &Shown<'_>) -> String {
    if let [only] = shown.runs {
        return one(&only.summary);
    }
    match best(shown.runs).and_then(|index| shown.runs.get(index)) {
        Some(run) => format!(
            "The fewest removals for each unit of improvement: {}, with {:.2} pods for each 0.01 of CV.\n{}",
            named(&run.settings),
            run.summary.removals_per_hundredth.unwrap_or_default(),
            one(&run.summary)
        ),
        None => "None of these settings would have made the fleet more even.".to_owned(),
    }
}

fn one(summary: &Summary) -> String {
    let Summary { cycles, rotations, removals, wanted, wanted_removals, compared, lag, .. } = summary;
    if *wanted > 0 && *rotations == 0 {
        return format!(
            "{wanted} of {cycles} cycles would have removed {wanted_removals} pods, each as if none had before it. What had \
             come of it is not known, and is not predicted."
        );
    }
    let Some(compared) = compared else {
        return "Nothing is known of this time.".to_owned();
    };
    let Compared { cv_was, cv_would, pod_hours_above_was, pod_hours_above_would, .. } = compared;
    if *rotations == 0 {
        return format!("No pod would have been removed in {cycles} cycles; mean CV {cv_was:.3}.");
    }
    let (rotations, removals) = (counted(*rotations, "rotation"), counted(*removals, "pod"));
    format!(
        "{rotations} would have removed {removals} in {cycles} cycles. Mean CV {cv_was:.3} would have been \
         {cv_would:.3}, and {:.1} pod-hours above the limit would have been avoided.",
        pod_hours_above_was - pod_hours_above_would
    ) + &lag.as_ref().map(lag_words).unwrap_or_default()
}

/// `1 pod`, `2 pods`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
