//! A simulation for people: before, decisions, after.

pub(crate) mod picture;
pub(crate) mod table;

use std::fmt::Write as _;

use rebalancer_core::fleet::Samples;
use rebalancer_core::policy::{Policy, Strategy, Timing};
use rebalancer_core::report::{Decision, Plan};
use rebalancer_core::simulation::course::{Course, Cycle};
use rebalancer_core::simulation::{Drift, Shape, Spread};
use rebalancer_core::stats::Distribution;

/// Fleets up to this size are drawn pod by pod.
const DRAWN: usize = 40;

/// Length of the longest bar.
const BAR: f64 = 40.0;

/// Prints a simulation.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(shape: &Shape, policy: &Policy, course: &Course) -> anyhow::Result<()> {
    super::print(&text(shape, policy, course)?)
}

pub(super) fn text(shape: &Shape, policy: &Policy, course: &Course) -> Result<String, std::fmt::Error> {
    let mut out = heading(shape);
    writeln!(out, "strategy: {}\n", strategy_name(policy.selection.strategy))?;
    let scale = highest(&course.start).max(highest(course.end()));
    fleet(&mut out, "before", &course.start, scale)?;
    writeln!(out, "decisions")?;
    for (number, cycle) in course.cycles.iter().enumerate() {
        decision(&mut out, number + 1, cycle)?;
    }
    writeln!(out)?;
    fleet(&mut out, "after", course.end(), scale)?;
    summary(&mut out, course)?;
    Ok(out)
}

/// What the fleet is, on a few lines; the last one names the rule that its group follows.
pub(super) fn heading(shape: &Shape) -> String {
    let topics = if shape.topics == 1 { String::new() } else { format!(" of {} topics", shape.topics) };
    let mut lines = vec![format!(
        "{} pods, {} partitions{topics} with {}, seed {}",
        shape.pods,
        shape.partitions,
        spread(shape.spread),
        shape.seed
    )];
    lines.extend(circumstances(shape));
    lines.push(format!("assignor: {}\n", rule(shape)));
    lines.join("\n")
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
fn fleet(out: &mut String, title: &str, loads: &Samples, scale: f64) -> std::fmt::Result {
    writeln!(out, "{title}: {}", measured(loads))?;
    if loads.len() <= DRAWN && scale > 0.0 {
        let mut rows: Vec<_> = loads.iter().collect();
        rows.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
        for (name, load) in rows {
            writeln!(out, "  {name:<14} {:>6.3}  {}", load.get(), bar(load.get() / scale))?;
        }
    }
    writeln!(out)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of at most 1, times 40")]
fn bar(share: f64) -> String {
    "█".repeat((share.clamp(0.0, 1.0) * BAR).round() as usize)
}

fn measured(loads: &Samples) -> String {
    Distribution::of(loads.values().copied()).map_or_else(String::new, |loads| {
        format!(
            "mean {:.3} cores, max {:.3}, CV {:.3}, max/mean {:.2}",
            loads.mean, loads.max, loads.cv, loads.max_to_mean
        )
    })
}

fn decision(out: &mut String, number: usize, cycle: &Cycle) -> std::fmt::Result {
    writeln!(out, "  cycle {number}: {}", cycle.report.decision)?;
    if let Decision::Rotate(Plan { removals, .. }) = &cycle.report.decision {
        for removal in removals {
            writeln!(out, "    {} {:>6.3}  {}", removal.pod.name, removal.load.get(), removal.choice)?;
        }
        writeln!(out, "    then: {}", measured(&cycle.after))?;
    }
    if let Some(forecast) = cycle.forecast() {
        writeln!(out, "    CV predicted {:.3}, measured {:.3}", forecast.expected, forecast.measured)?;
    }
    if cycle.rolled_out {
        writeln!(out, "    a rollout replaced all pods")?;
    }
    Ok(())
}

fn summary(out: &mut String, course: &Course) -> std::fmt::Result {
    let counted = course.summary();
    writeln!(
        out,
        "CV {:.3} -> {:.3} with {} removals in {} cycles{}",
        counted.before.cv,
        counted.after.cv,
        counted.removals,
        counted.cycles,
        if counted.useless > 0 { format!(", {} of them useless", counted.useless) } else { String::new() }
    )
}
