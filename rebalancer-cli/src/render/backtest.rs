//! A backtest: for people as figures with what it comes to in words, and for machines.

#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::{Backtest, Compared, FromOffsets, Gap, Summary};
use rebalancer_core::fleet::{Indicator, Workload};
use rebalancer_core::unit::Elapsed;
use rebalancer_prom::Usage;
use serde::Serialize;

pub(in crate::render) use words::{from_offsets, lag_hours, not_known, of_offsets, words};

use super::Form;
use super::columns::{Columns, Side};
use super::screen::{Screen, Sheet, Tone};

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
    super::show(
        form,
        |screen| sheet(shown, screen),
        |pretty| super::as_json(&BacktestDocument::of(shown), pretty),
    )
}

pub(super) fn sheet(shown: &Shown<'_>, screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    sheet.paragraph(Tone::Strong, &shown.workload.to_string());
    let Some(first) = shown.runs.first() else { return sheet };
    circumstances(&mut sheet, shown, first);
    sheet.blank();
    match shown.runs {
        [only] => {
            comparison(only).draw(&mut sheet);
            sheet.blank();
            holds(&mut sheet, &only.summary);
        }
        many => sweep(many, &mut sheet),
    }
    sheet.blank();
    for sentence in words(shown).lines() {
        sheet.paragraph(Tone::Plain, sentence);
    }
    sheet.blank();
    let asked = format!(
        "metric server: {}; values: {}, answers kept from an earlier run: {}",
        shown.usage, shown.points, shown.kept
    );
    sheet.paragraph(Tone::Faint, &asked);
    if let Some(usage) = shown.kafka {
        sheet.paragraph(Tone::Faint, &format!("Kafka: {usage}{}", of_offsets(shown.offsets)));
    }
    sheet
}

/// What was gone through, and what is not known of it.
fn circumstances(sheet: &mut Sheet, shown: &Shown<'_>, first: &Run) {
    let (backtest, every) = (&first.backtest, Elapsed(first.backtest.every));
    let (from, to, cycles) = (shown.from, shown.to, first.summary.cycles);
    let step = Elapsed(shown.step);
    let past = format!("{from} to {to}: {cycles} cycles, one each {every}; a reading each {step}");
    sheet.entry("past", &past);
    let indicator = backtest.indicator.map_or("nothing: no load is known", Indicator::name);
    sheet.entry("compared", &format!("by {indicator}"));
    for Gap { from, to, moments } in backtest.gaps.iter().take(MOST_GAPS) {
        let gap = format!("{from} to {to}: {moments} readings without any sample, which are not filled in");
        sheet.entry("gap", &gap);
    }
    if let Some(more) = backtest.gaps.len().checked_sub(MOST_GAPS).filter(|more| *more > 0) {
        sheet.entry("", &format!("and {more} more gaps"));
    }
    for told in from_offsets(shown.offsets) {
        sheet.entry("offsets", &told);
    }
    for unknown in &backtest.unknown {
        sheet.entry("not known", not_known(*unknown));
    }
}

/// How many gaps are named of what may be many.
const MOST_GAPS: usize = 5;

fn comparison(run: &Run) -> Columns<2> {
    let mut columns = Columns::new("", [("AS IT WAS", Side::Right), ("WITH ROTATIONS", Side::Right)]);
    let Some(compared) = run.summary.compared else {
        columns.row("no cycle knows both".to_owned(), ["-", "-"].map(str::to_owned));
        return columns;
    };
    let mut row = |what: &str, was: String, would: String| columns.row(what.to_owned(), [was, would]);
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
    columns
}

/// What the cycles came to.
fn holds(sheet: &mut Sheet, summary: &Summary) {
    let mut line = |what: &str, cycles: usize| {
        if cycles > 0 {
            let unit = if cycles == 1 { "cycle" } else { "cycles" };
            let label = format!("{cycles:>6} {unit}");
            sheet.labelled((Tone::Plain, &label, label.len().max(13) + 2), what);
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
}

/// What came of each combination of settings.
fn sweep(runs: &[Run], sheet: &mut Sheet) {
    let head = [
        ("ROTATIONS", Side::Right),
        ("REMOVALS", Side::Right),
        ("CV", Side::Right),
        ("MAX/MEAN", Side::Right),
        ("POD-HOURS ABOVE", Side::Right),
        ("REMOVALS PER 0.01 CV", Side::Right),
    ];
    if runs.iter().any(|run| run.summary.lag.is_some()) {
        let [a, b, c, d, e, f] = head;
        let mut columns = Columns::new("SETTINGS", [a, b, c, d, e, f, ("POD-HOURS OF LAG", Side::Right)]);
        for run in runs {
            let [a, b, c, d, e, f] = came_of(&run.summary);
            columns.row(named(&run.settings), [a, b, c, d, e, f, lag_hours(&run.summary)]);
        }
        return columns.draw(sheet);
    }
    let mut columns = Columns::new("SETTINGS", head);
    for run in runs {
        columns.row(named(&run.settings), came_of(&run.summary));
    }
    columns.draw(sheet);
}

fn came_of(summary: &Summary) -> [String; 6] {
    let Summary { rotations, removals, compared, removals_per_hundredth, .. } = summary;
    let pair = |of: fn(&Compared) -> (f64, f64), digits: usize| {
        compared.as_ref().map_or_else(
            || "-".to_owned(),
            |compared| {
                let (was, would) = of(compared);
                format!("{was:.digits$} -> {would:.digits$}")
            },
        )
    };
    [
        rotations.to_string(),
        removals.to_string(),
        pair(|compared| (compared.cv_was, compared.cv_would), 3),
        pair(|compared| (compared.max_to_mean_was, compared.max_to_mean_would), 2),
        pair(|compared| (compared.pod_hours_above_was, compared.pod_hours_above_would), 1),
        removals_per_hundredth.map_or_else(|| "-".to_owned(), |per| format!("{per:.2}")),
    ]
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
