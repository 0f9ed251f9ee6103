//! Strategies side by side, in columns.

use comfy_table::{CellAlignment, Table};
use rebalancer_core::policy::Strategy;
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::Summary;
use rebalancer_core::simulation::suite::{CYCLES, Prospect, SEEDS, Score, total};
use rebalancer_core::simulation::tally::Tally;

use super::{heading, strategy_name};

/// What is counted of a strategy; the same columns everywhere.
const COUNTED: [&str; 6] = ["STRATEGY", "CV", "MAX/MEAN", "REMOVALS", "QUIET AFTER", "USELESS"];

/// Prints both strategies seed by seed, and all seeds together.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn comparison(shape: &Shape, rows: &[(u64, Strategy, Summary)]) -> anyhow::Result<()> {
    let mut table = titled(&["SEED"]);
    for (seed, strategy, summary) in rows {
        table.add_row(row([seed.to_string()], *strategy, &Tally(vec![summary.clone()])));
    }
    for strategy in [Strategy::RotateOutliers, Strategy::Predict] {
        let of_strategy = rows.iter().filter(|(_, of, _)| *of == strategy);
        let tally = Tally(of_strategy.map(|(_, _, summary)| summary.clone()).collect());
        table.add_row(row(["all".to_owned()], strategy, &tally));
    }
    crate::render::print(&format!("{}\n{table}\n{NOTES}", heading(shape)))
}

/// Prints the scores of the standard suite, and what they come to.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn suite(scores: &[Score]) -> anyhow::Result<()> {
    let mut table = titled(&["FLEET", "PROSPECT"]);
    for score in scores {
        let names = [score.case.name.to_owned(), score.case.prospect.name().to_owned()];
        table.add_row(row(names, score.strategy, &score.tally));
    }
    let title = format!("standard suite: each fleet from {SEEDS} seeds, at most {CYCLES} cycles each");
    crate::render::print(&format!("{title}\n\n{table}\n{NOTES}\n\n{}", totals(scores).join("\n")))
}

const NOTES: &str = "CV and max/mean are means over the seeds, removals are sums; quiet after: the cycle of the last \
     removal of any seed; useless: removals of rotations after which the CV was no lower";

fn titled(first: &[&str]) -> Table {
    let header: Vec<&str> = first.iter().chain(&COUNTED).copied().collect();
    let mut table = crate::render::table(&header);
    for index in [first.len() + 3, first.len() + 4, first.len() + 5] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn row<const N: usize>(names: [String; N], strategy: Strategy, tally: &Tally) -> Vec<String> {
    let (before, after) = (tally.before(), tally.after());
    let counted = [
        strategy_name(strategy).to_owned(),
        format!("{:.3} -> {:.3}", before.cv, after.cv),
        format!("{:.2} -> {:.2}", before.max_to_mean, after.max_to_mean),
        tally.removals().to_string(),
        tally.quiet_after().map_or_else(|| "never".to_owned(), |cycles| cycles.to_string()),
        tally.useless().to_string(),
    ];
    names.into_iter().chain(counted).collect()
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
