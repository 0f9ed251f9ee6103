//! `rebalancer simulate`: the same ports, planner and cycle on a fleet in memory.

use std::path::Path;

use anyhow::Context as _;
use rebalancer_core::advice::{Advice, LoadBasis, advise};
use rebalancer_core::history::Constraints;
use rebalancer_core::policy::{Policy, Strategy};
use rebalancer_core::simulation::course::{self, Course, CourseError};
use rebalancer_core::simulation::suite::{self, Case};
use rebalancer_core::simulation::{Fleet, Shape};

use super::Exit;
use crate::args::{Scope, Simulation};
use crate::render::report;
use crate::render::simulation::{self as show, picture, table};

/// Both strategies, in the order in which they are shown.
const STRATEGIES: [Strategy; 2] = [Strategy::RotateOutliers, Strategy::Predict];

pub(super) async fn run(course: &Simulation, policy: &Policy) -> Exit {
    let done = match &course.scope {
        Scope::Fleet => one_fleet(course, policy).await,
        Scope::Compare { seeds } => compare(course, *seeds, policy).await,
        Scope::Suite(cases) => suite(cases, policy).await,
    };
    match done {
        Ok(()) => Exit::Finished,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> Exit {
    if let Some(CourseError::Shape(error)) = error.downcast_ref() {
        tracing::error!(event = "configuration_error", %error, "no such fleet can be made");
        return Exit::Misconfigured;
    }
    tracing::error!(event = "simulation_failed", error = format!("{error:#}"), "no simulation");
    Exit::Failed
}

async fn one_fleet(request: &Simulation, policy: &Policy) -> anyhow::Result<()> {
    let course = course::run(&request.shape, policy, request.cycles).await?;
    draw(request.picture.as_deref(), &request.shape, &[(policy.selection.strategy, &course)])?;
    if let Some(file) = &request.report {
        let advice = advice(&request.shape, policy);
        let report = report::simulation::report(&request.shape, policy, &course, advice.as_ref());
        report::write(&[report], file)?;
    }
    show::show(&request.shape, policy, &course)
}

/// What would help the fleet as it begins; `None` where there is nothing to advise on.
fn advice(shape: &Shape, policy: &Policy) -> Option<Advice> {
    let snapshot = Fleet::new(shape).ok()?.snapshot().ok()?;
    advise(&snapshot, policy, &Constraints::default(), &LoadBasis::Present).ok()
}

async fn compare(request: &Simulation, seeds: u64, policy: &Policy) -> anyhow::Result<()> {
    let first = request.shape.seed;
    let mut rows = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        let shape = Shape { seed, ..request.shape };
        let mut courses = Vec::new();
        for strategy in STRATEGIES {
            let policy = policy.clone().with_strategy(strategy);
            courses.push((strategy, course::run(&shape, &policy, request.cycles).await?));
        }
        if seed == first {
            let drawn: Vec<(Strategy, &Course)> =
                courses.iter().map(|(strategy, course)| (*strategy, course)).collect();
            draw(request.picture.as_deref(), &shape, &drawn)?;
        }
        let row = |(strategy, course): &(Strategy, Course)| (seed, *strategy, course.summary());
        rows.extend(courses.iter().map(row));
    }
    table::comparison(&request.shape, &rows)
}

async fn suite(cases: &[Case], policy: &Policy) -> anyhow::Result<()> {
    let mut scores = Vec::new();
    for case in cases {
        for strategy in STRATEGIES {
            scores.push(suite::run(case, strategy, policy).await?);
        }
    }
    table::suite(&scores)
}

fn draw(file: Option<&Path>, shape: &Shape, courses: &[(Strategy, &Course)]) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let svg = picture::svg(shape, courses)?;
    std::fs::write(file, svg).with_context(|| format!("the picture can't be written to {}", file.display()))
}
