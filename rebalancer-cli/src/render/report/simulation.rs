//! The report of a simulation.

use std::collections::BTreeMap;

use rebalancer_core::advice::Advice;
use rebalancer_core::policy::Policy;
use rebalancer_core::report::Decision;
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::{self, Balance, Cycle};

use super::plan::{advised, levers, notes};
use super::{Course, Report, Shows, Table, rows};
use crate::render::simulation::{heading, strategy_name};

/// The report of one fleet under one policy.
pub(crate) fn report(
    shape: &Shape,
    policy: &Policy,
    course: &course::Course,
    given: Option<&Advice>,
) -> Report {
    let counted = course.summary();
    let summary = format!(
        "CV {:.3} came to {:.3}, max/mean {:.2} to {:.2}; pods removed in {} cycles: {}.",
        counted.before.cv,
        counted.after.cv,
        counted.before.max_to_mean,
        counted.after.max_to_mean,
        counted.cycles,
        counted.removals
    );
    let states = || course.cycles.iter().map(|cycle| &cycle.before).chain([course.end()]);
    let times: Vec<String> = (1..=states().count()).map(|cycle| format!("cycle {cycle}")).collect();
    let cv = states().map(|state| Some(Balance::of(state).cv)).collect();
    let rotated = |(place, cycle): (usize, &Cycle)| (cycle.removed > 0).then_some(place);
    let marks = course.cycles.iter().enumerate().filter_map(rotated).collect();
    let columns =
        states().map(|state| state.iter().map(|(name, load)| (name.as_str(), load.get())).collect());
    let courses = vec![
        Course {
            title: "Coefficient of variation".to_owned(),
            times: times.clone(),
            shows: Shows::Lines { lines: vec![("at each cycle".to_owned(), cv)], marks },
        },
        Course { title: "Load of each pod".to_owned(), times, shows: Shows::Heat { rows: rows(columns) } },
    ];
    Report {
        title: "Simulation".to_owned(),
        subtitle: format!("strategy {}", strategy_name(policy.selection.strategy)),
        summary: std::iter::once(summary).chain(advised(given, "As it begins")).collect(),
        glance: vec![
            (counted.removals.to_string(), "pods removed".to_owned()),
            (format!("{:.3} → {:.3}", counted.before.cv, counted.after.cv), "CV".to_owned()),
            (
                format!("{:.2} → {:.2}", counted.before.max_to_mean, counted.after.max_to_mean),
                "max/mean".to_owned(),
            ),
        ],
        courses,
        tables: [Some(decisions(&course.cycles)), Some(holds(&course.cycles)), given.and_then(levers)]
            .into_iter()
            .flatten()
            .collect(),
        sources: heading(shape).into_iter().chain(notes(given)).collect(),
    }
}

/// How often it came to what.
fn holds(cycles: &[Cycle]) -> Table {
    let mut table = Table::new("What the cycles came to", &["Cycles", "Result"]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for cycle in cycles {
        let result = match &cycle.report.decision {
            Decision::Balanced => "balanced".to_owned(),
            Decision::Rotate(_) => "rotated".to_owned(),
            Decision::Hold(hold) => format!("held: {}", hold.name()),
        };
        *counts.entry(result).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    table.rows = counts.into_iter().map(|(result, count)| vec![count.to_string(), result]).collect();
    table
}

/// One row for cycles in a row that decided the same.
fn decisions(cycles: &[Cycle]) -> Table {
    let mut table = Table::new("Decisions", &["Cycles", "Decision"]);
    let decided: Vec<(usize, String)> = (1..).zip(cycles.iter().map(decision)).collect();
    for run in decided.chunk_by(|a, b| a.1 == b.1) {
        let (Some((first, decision)), Some((last, _))) = (run.first(), run.last()) else { continue };
        let cycles = if first == last { first.to_string() } else { format!("{first} to {last}") };
        table.rows.push(vec![cycles, decision.clone()]);
    }
    table
}

fn decision(cycle: &Cycle) -> String {
    match &cycle.report.decision {
        Decision::Rotate(plan) => {
            let pods: Vec<&str> = plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect();
            format!("rotate {}", pods.join(", "))
        }
        decision @ (Decision::Balanced | Decision::Hold(_)) => decision.to_string(),
    }
}
