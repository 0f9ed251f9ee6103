//! Strategies side by side, in columns.

use rebalancer_core::policy::Strategy;
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::Summary;
use rebalancer_core::simulation::suite::{CYCLES, Prospect, SEEDS, Score, total};
use rebalancer_core::simulation::tally::Tally;

use super::{heading, strategy_name};
use crate::render::columns::{Columns, Side};
use crate::render::screen::{self, Screen, Sheet, Tone};

/// What is counted of a strategy; the same columns everywhere.
const COUNTED: [(&str, Side); 5] = [
    ("CV", Side::Left),
    ("MAX/MEAN", Side::Left),
    ("REMOVALS", Side::Right),
    ("QUIET AFTER", Side::Right),
    ("USELESS", Side::Right),
];

/// Prints both strategies seed by seed, and all seeds together.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn comparison(shape: &Shape, rows: &[(u64, Strategy, Summary)]) -> anyhow::Result<()> {
    screen::print(&compared(shape, rows, Screen::of_stdout()))
}

pub(in crate::render) fn compared(shape: &Shape, rows: &[(u64, Strategy, Summary)], screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    for line in heading(shape) {
        sheet.paragraph(Tone::Plain, &line);
    }
    sheet.blank();
    let mut columns = Columns::new("SEED, STRATEGY", COUNTED);
    for (seed, strategy, summary) in rows {
        let subject = format!("{seed} {}", strategy_name(*strategy));
        columns.row(subject, counted(&Tally(vec![summary.clone()])));
    }
    for strategy in [Strategy::RotateOutliers, Strategy::Predict] {
        let of_strategy = rows.iter().filter(|(_, of, _)| *of == strategy);
        let tally = Tally(of_strategy.map(|(_, _, summary)| summary.clone()).collect());
        columns.row(format!("all {}", strategy_name(strategy)), counted(&tally));
    }
    columns.draw(&mut sheet);
    sheet.paragraph(Tone::Faint, NOTES);
    sheet
}

/// Prints the scores of the standard suite, and what they come to.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn suite(scores: &[Score]) -> anyhow::Result<()> {
    screen::print(&scored(scores, Screen::of_stdout()))
}

fn scored(scores: &[Score], screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    let title = format!("standard suite: each fleet from {SEEDS} seeds, at most {CYCLES} cycles each");
    sheet.paragraph(Tone::Plain, &title);
    sheet.blank();
    let mut columns = Columns::new("FLEET, STRATEGY", COUNTED);
    let mut last = None;
    for score in scores {
        if last != Some(score.case.name) {
            columns.heading(format!("{} ({})", score.case.name, score.case.prospect.name()));
            last = Some(score.case.name);
        }
        columns.row(format!("  {}", strategy_name(score.strategy)), counted(&score.tally));
    }
    columns.draw(&mut sheet);
    sheet.paragraph(Tone::Faint, NOTES);
    sheet.blank();
    for total in totals(scores) {
        sheet.paragraph(Tone::Plain, &total);
    }
    sheet
}

const NOTES: &str = "CV and max/mean are means over the seeds, removals are sums; quiet after: the cycle of the last \
     removal of any seed; useless: removals of rotations after which the CV was no lower";

fn counted(tally: &Tally) -> [String; 5] {
    let (before, after) = (tally.before(), tally.after());
    [
        format!("{:.3} -> {:.3}", before.cv, after.cv),
        format!("{:.2} -> {:.2}", before.max_to_mean, after.max_to_mean),
        tally.removals().to_string(),
        tally.quiet_after().map_or_else(|| "never".to_owned(), |cycles| cycles.to_string()),
        tally.useless().to_string(),
    ]
}

fn totals(scores: &[Score]) -> Vec<String> {
    let of = |strategy, prospect| total(scores, strategy, prospect);
    let (lucky, planned) =
        (of(Strategy::RotateOutliers, Prospect::Improvable), of(Strategy::Predict, Prospect::Improvable));
    let share = planned.removals() as f64 / lucky.removals().max(1) as f64;
    vec![
        format!(
            "improvable fleets: predict {} removals, CV {:.3} -> {:.3}; rotate-outliers {} removals, CV {:.3} -> {:.3}; \
             {share:.2} times as many removals",
            planned.removals(),
            planned.before().cv,
            planned.after().cv,
            lucky.removals(),
            lucky.before().cv,
            lucky.after().cv,
        ),
        format!(
            "hopeless fleets: predict {} removals; rotate-outliers {} removals",
            of(Strategy::Predict, Prospect::Hopeless).removals(),
            of(Strategy::RotateOutliers, Prospect::Hopeless).removals(),
        ),
        forecasts(&planned),
    ]
}

/// Predicted improvements of the CV against the real ones.
fn forecasts(tally: &Tally) -> String {
    match tally.median_error().zip(tally.median_improvements()) {
        None => "predicted improvement: nothing was predicted".to_owned(),
        Some((error, (predicted, real))) => format!(
            "predicted improvement of the CV: {predicted:.4} in the median of all rotations, really {real:.4}; \
             the median error of a single one is {:.0} %",
            error * 100.0
        ),
    }
}
