//! A backtest: for people as tables with what it comes to in words, and for machines.

#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::{Backtest, Compared, FromOffsets, Gap, Summary};
use rebalancer_core::fleet::{Indicator, Workload};
use rebalancer_core::unit::Elapsed;
use rebalancer_prom::Usage;
use serde::Serialize;

pub(in crate::render) use words::{from_offsets, lag_hours, not_known, of_offsets, words};

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

/// What came of asking Kafka for offsets.
#[derive(Debug)]
pub(crate) enum Offsets {
    /// Nobody did.
    NotAsked,
    /// It could not be read, and why; the past was gone through without it.
    NotRead(String),
    /// What they told, and how many of their times an earlier run had kept.
    Told { told: FromOffsets, kept: usize },
}

impl Offsets {
    /// What they told.
    pub(super) const fn told(&self) -> Option<&FromOffsets> {
        match self {
            Self::Told { told, .. } => Some(told),
            Self::NotAsked | Self::NotRead(_) => None,
        }
    }

    /// Why there are none where they were asked for.
    pub(super) fn why_not(&self) -> Option<&str> {
        match self {
            Self::NotRead(why) => Some(why),
            Self::NotAsked | Self::Told { .. } => None,
        }
    }

    const fn kept(&self) -> usize {
        match self {
            Self::Told { kept, .. } => *kept,
            Self::NotAsked | Self::NotRead(_) => 0,
        }
    }
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
    /// What Kafka's offsets told.
    pub(crate) offsets: &'a Offsets,
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
    /// Why Kafka's offsets could not be read, where they were asked for: the past was gone through without them.
    offsets_not_read: Option<&'a str>,
    /// Times whose offsets an earlier run had kept, and that were not asked for.
    kept_times: usize,
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
            offsets: shown.offsets.told(),
            offsets_not_read: shown.offsets.why_not(),
            kept_times: shown.offsets.kept(),
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
    for told in from_offsets(shown.offsets) {
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
    if let Some(usage) = shown.kafka {
        writeln!(out, "Kafka: {usage}{}", of_offsets(shown.offsets))?;
    }
    Ok(out)
}

/// How many gaps are named of what may be many.
const MOST_GAPS: usize = 5;

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
