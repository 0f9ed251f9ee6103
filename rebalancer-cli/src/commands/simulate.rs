//! `rebalancer simulate`: the same ports, planner and cycle on a fleet in memory.

mod options;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rebalancer_core::policy::{Policy, Strategy};
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::{self, Course as Happened, CourseError};
use rebalancer_core::simulation::suite::{self, Case};

use super::Exit;
use crate::render::simulation::{self as show, picture, table};

/// Both strategies, in the order in which they are shown.
const STRATEGIES: [Strategy; 2] = [Strategy::RotateOutliers, Strategy::Predict];

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    pub(crate) shape: Shape,
    /// At most this many cycles.
    pub(crate) cycles: usize,
    pub(crate) scope: Scope,
    /// Where to draw a picture.
    pub(crate) picture: Option<PathBuf>,
}

/// How much of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scope {
    /// One fleet, the strategy of the policy, step by step.
    Fleet,
    /// Both strategies over fleets of this many seeds.
    Compare { seeds: u64 },
    /// Fleets of the standard suite.
    Suite(Vec<Case>),
}

pub(super) async fn run(course: &Course, policy: &Policy) -> Exit {
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

async fn one_fleet(request: &Course, policy: &Policy) -> anyhow::Result<()> {
    let course = course::run(&request.shape, policy, request.cycles).await?;
    draw(request.picture.as_deref(), &request.shape, &[(policy.strategy, &course)])?;
    show::show(&request.shape, policy, &course)
}

async fn compare(request: &Course, seeds: u64, policy: &Policy) -> anyhow::Result<()> {
    let first = request.shape.seed;
    let mut rows = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        let shape = Shape { seed, ..request.shape };
        let mut courses = Vec::new();
        for strategy in STRATEGIES {
            let policy = Policy { strategy, ..policy.clone() };
            courses.push((strategy, course::run(&shape, &policy, request.cycles).await?));
        }
        if seed == first {
            let drawn: Vec<(Strategy, &Happened)> =
                courses.iter().map(|(strategy, course)| (*strategy, course)).collect();
            draw(request.picture.as_deref(), &shape, &drawn)?;
        }
        let row = |(strategy, course): &(Strategy, Happened)| (seed, *strategy, course.summary());
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

fn draw(file: Option<&Path>, shape: &Shape, courses: &[(Strategy, &Happened)]) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let svg = picture::svg(shape, courses)?;
    std::fs::write(file, svg).with_context(|| format!("the picture can't be written to {}", file.display()))
}
