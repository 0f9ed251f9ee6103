//! A simulation for people: before, decisions, after.

use std::fmt::Write as _;

use rebalancer_core::fleet::Samples;
use rebalancer_core::report::{Decision, Plan, Report};
use rebalancer_core::simulation::{ASSIGNMENT_RULE, Shape};
use rebalancer_core::stats::Distribution;

/// One simulated cycle.
pub(crate) struct Cycle {
    /// What was decided.
    pub(crate) report: Report,
    /// How many pods were removed.
    pub(crate) removed: usize,
    /// Loads after the consumer group has rebalanced.
    pub(crate) after: Samples,
}

/// Fleets up to this size are drawn pod by pod.
const DRAWN: usize = 40;

/// Length of the longest bar.
const BAR: f64 = 40.0;

/// Prints a simulation.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(shape: &Shape, before: &Samples, cycles: &[Cycle], after: &Samples) -> anyhow::Result<()> {
    super::print(&text(shape, before, cycles, after)?)
}

fn text(
    shape: &Shape,
    before: &Samples,
    cycles: &[Cycle],
    after: &Samples,
) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(
        out,
        "{} pods, {} partitions with log-normal loads (sigma {}), seed {}",
        shape.pods, shape.partitions, shape.sigma, shape.seed
    )?;
    writeln!(out, "assignment rule: {ASSIGNMENT_RULE}\n")?;
    let scale = highest(before).max(highest(after));
    fleet(&mut out, "before", before, scale)?;
    writeln!(out, "decisions")?;
    for (number, cycle) in cycles.iter().enumerate() {
        decision(&mut out, number + 1, cycle)?;
    }
    writeln!(out)?;
    fleet(&mut out, "after", after, scale)?;
    summary(&mut out, before, cycles, after)?;
    Ok(out)
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
    Ok(())
}

fn summary(out: &mut String, before: &Samples, cycles: &[Cycle], after: &Samples) -> std::fmt::Result {
    let removed: usize = cycles.iter().map(|cycle| cycle.removed).sum();
    let cv = |loads: &Samples| Distribution::of(loads.values().copied()).map_or(0.0, |loads| loads.cv);
    writeln!(
        out,
        "CV {:.3} -> {:.3} with {removed} removals in {} cycles",
        cv(before),
        cv(after),
        cycles.len()
    )
}
