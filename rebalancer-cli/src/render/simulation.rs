//! A simulation for people: before, decisions, after.

pub(crate) mod picture;
pub(crate) mod table;

use rebalancer_core::fleet::Samples;
use rebalancer_core::policy::{Policy, Strategy, Timing};
use rebalancer_core::report::{Decision, Plan};
use rebalancer_core::simulation::course::{Course, Cycle};
use rebalancer_core::simulation::{Drift, Shape, Spread};
use rebalancer_core::stats::Distribution;
use textwrap::core::display_width;

use super::bar::bar;
use super::screen::{self, Screen, Sheet, Tone};

/// Fleets up to this size are drawn pod by pod.
const DRAWN: usize = 40;

/// Length of the longest bar.
const BAR: usize = 40;

/// Prints a simulation.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(shape: &Shape, policy: &Policy, course: &Course) -> anyhow::Result<()> {
    screen::print(&sheet(shape, policy, course, Screen::of_stdout()))
}

pub(super) fn sheet(shape: &Shape, policy: &Policy, course: &Course, screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    for line in heading(shape) {
        sheet.paragraph(Tone::Plain, &line);
    }
    sheet.paragraph(Tone::Plain, &format!("strategy: {}", strategy_name(policy.selection.strategy)));
    sheet.blank();
    let scale = highest(&course.start).max(highest(course.end()));
    fleet(&mut sheet, "before", &course.start, scale);
    sheet.paragraph(Tone::Strong, "decisions");
    for (number, cycle) in course.cycles.iter().enumerate() {
        decision(&mut sheet, number + 1, cycle);
    }
    sheet.blank();
    fleet(&mut sheet, "after", course.end(), scale);
    summary(&mut sheet, course);
    sheet
}

/// What the fleet is, on a few lines; the last one names the rule that its group follows.
pub(super) fn heading(shape: &Shape) -> Vec<String> {
    let topics = if shape.topics == 1 { String::new() } else { format!(" of {} topics", shape.topics) };
    let mut lines = vec![format!(
        "{} pods, {} partitions{topics} with {}, seed {}",
        shape.pods,
        shape.partitions,
        spread(shape.spread),
        shape.seed
    )];
    lines.extend(circumstances(shape));
    lines.push(format!("assignor: {}", rule(shape)));
    lines
}

fn spread(spread: Spread) -> String {
    match spread {
        Spread::Equal => "equal loads".to_owned(),
        Spread::LogNormal { sigma } => format!("log-normal loads (sigma {sigma})"),
        Spread::Zipf { exponent } => format!("Zipf loads (exponent {exponent})"),
        Spread::Hot { partitions, times } => {
            format!("equal loads, but {partitions} with {times} times as much")
        }
    }
}

/// Everything that is not as in the simplest fleet.
fn circumstances(shape: &Shape) -> Vec<String> {
    let Drift { swing, week, trend, walk } = shape.drift;
    let (nodes, metrics) = (shape.nodes, shape.metrics);
    let mut lines = Vec::new();
    let mut unless_simple = |simple: bool, line: String| {
        if !simple {
            lines.push(line);
        }
    };
    unless_simple(
        shape.drift == Drift::default(),
        format!("loads swing by {swing} a day and walk by {walk} an hour"),
    );
    unless_simple(
        week <= 0.0 && trend <= 0.0,
        format!("loads swing by {week} a week and grow or shrink by up to {trend} a day"),
    );
    unless_simple(
        nodes.slow_share <= 0.0,
        format!(
            "on {} of the nodes a message costs {} times as much CPU",
            nodes.slow_share, nodes.cost_factor
        ),
    );
    unless_simple(metrics.noise <= 0.0, format!("readings are off by {} (log-normal)", metrics.noise));
    unless_simple(metrics.delay == 0, format!("readings are {} cycles old", metrics.delay));
    if let Some(cycles) = shape.rollout_every {
        lines.push(format!("a rollout after every {cycles} cycles"));
    }
    lines
}

fn rule(shape: &Shape) -> String {
    let replaced = match (shape.static_members, shape.timing) {
        (true, _) => "static members, back before their session times out",
        (false, Timing::LeaveThenJoin) => "replacements join after the removed pods have left",
        (false, Timing::AllAtOnce) => "removed pods leave and replacements join in one rebalance",
        (false, Timing::OneByOne) => "removed pods leave and replacements join one by one",
    };
    format!("{}; {replaced}", shape.assignor)
}

pub(super) const fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Predict => "predict",
        Strategy::RotateOutliers => "rotate-outliers",
    }
}

fn highest(loads: &Samples) -> f64 {
    loads.values().map(|load| load.get()).fold(0.0, f64::max)
}

/// The loads of a fleet, hottest first.
fn fleet(sheet: &mut Sheet, title: &str, loads: &Samples, scale: f64) {
    sheet.paragraph(Tone::Strong, &format!("{title}: {}", measured(loads)));
    if loads.len() <= DRAWN && scale > 0.0 {
        let mut rows: Vec<_> = loads.iter().map(|(name, load)| (name, load.get())).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let widest = |of: fn(&(&String, f64)) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let name = widest(|(name, _)| display_width(name));
        let value = widest(|(_, load)| format!("{load:.3}").len());
        let screen = sheet.screen();
        let room = screen.width.saturating_sub(2 + name + 2 + value + 2).min(BAR);
        for (pod, load) in rows {
            let bar = bar(load / scale, room, screen.unicode);
            let row = format!("  {pod:<name$}  {load:>value$.3}  {}", bar.trim_end());
            sheet.line(&[(Tone::Plain, &row)]);
        }
    }
    sheet.blank();
}

fn measured(loads: &Samples) -> String {
    Distribution::of(loads.values().copied()).map_or_else(String::new, |loads| {
        format!(
            "mean {:.3} cores, max {:.3}, CV {:.3}, max/mean {:.2}",
            loads.mean, loads.max, loads.cv, loads.max_to_mean
        )
    })
}

fn decision(sheet: &mut Sheet, number: usize, cycle: &Cycle) {
    let mut said = |indent, text: &str| sheet.labelled((Tone::Plain, "", indent), text);
    said(2, &format!("cycle {number}: {}", cycle.report.decision));
    if let Decision::Rotate(Plan { removals, .. }) = &cycle.report.decision {
        for removal in removals {
            said(4, &format!("{} {:>6.3}  {}", removal.pod.name, removal.load.get(), removal.choice));
        }
        said(4, &format!("then: {}", measured(&cycle.after)));
    }
    if let Some(forecast) = cycle.forecast() {
        said(4, &format!("CV predicted {:.3}, measured {:.3}", forecast.expected, forecast.measured));
    }
    if cycle.rolled_out {
        said(4, "a rollout replaced all pods");
    }
}

fn summary(sheet: &mut Sheet, course: &Course) {
    let counted = course.summary();
    let useless =
        if counted.useless > 0 { format!(", {} of them useless", counted.useless) } else { String::new() };
    let text = format!(
        "CV {:.3} -> {:.3} with {} removals in {} cycles{useless}",
        counted.before.cv, counted.after.cv, counted.removals, counted.cycles
    );
    sheet.paragraph(Tone::Plain, &text);
}
