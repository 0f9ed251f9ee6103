//! A course: the production cycle over a simulated fleet, again and again, and what came of it.

use jiff::SignedDuration;

use super::{Fleet, Shape, ShapeError};
use crate::cycle::{self, CycleError, CycleSpec, GroupSide, MemorySettings, Outcome, PodOutcome, Ports};
use crate::eligibility::Veto;
use crate::fleet::Samples;
use crate::history::{HistoryPolicy, MemoryStore};
use crate::policy::Policy;
use crate::port::{LoadForecaster, Mode};
use crate::report::{Report, Verdict};
use crate::stats::Distribution;

/// Simulated time between two cycles, as a `CronJob`'s schedule; longer than the minimum age by default.
pub const INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// A CV that falls by less than this has not fallen; sums of floats differ by their order.
const ROUNDING: f64 = 1e-9;

/// One cycle and what it did. Loads are the true CPU of each pod in cores.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// What was decided, on what was measured.
    pub report: Report,
    /// Pods that were removed.
    pub removed: usize,
    /// Loads at the time of the decision.
    pub before: Samples,
    /// Loads once the removed pods were replaced and the group was at rest, before time moved on.
    pub after: Samples,
    /// All pods were replaced by a rollout after this cycle.
    pub rolled_out: bool,
}

/// What happened to one fleet under one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Loads before the first cycle.
    pub start: Samples,
    /// The cycles. In a fleet that is [still](Shape::is_still) they end with the first that decides nothing.
    pub cycles: Vec<Cycle>,
}

/// Why a course could not be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CourseError {
    /// The shape makes no fleet.
    #[error("there is no such fleet: {0}")]
    Shape(#[from] ShapeError),
    /// A cycle failed.
    #[error("the simulated cycle failed: {0}")]
    Cycle(#[from] CycleError),
    /// A cycle came to an outcome without a decision.
    #[error("the simulated cycle decided nothing")]
    NoReport,
}

/// Runs at most `cycles` cycles. None remembers those before it.
///
/// # Errors
/// When the shape's numbers make no fleet.
pub async fn run(shape: &Shape, policy: &Policy, cycles: usize) -> Result<Course, CourseError> {
    run_with(shape, policy, cycles, None, None).await
}

/// The same with memory: what rotations did is measured, remembered and learned from.
///
/// # Errors
/// When the shape's numbers make no fleet.
pub async fn run_remembering(shape: &Shape, policy: &Policy, cycles: usize) -> Result<Course, CourseError> {
    run_with(shape, policy, cycles, Some(&MemoryStore::default()), None).await
}

/// The same as [`run`], with loads that are forecast from their history where the policy asks for it.
///
/// # Errors
/// When the shape's numbers make no fleet.
pub async fn run_forecasting(
    shape: &Shape,
    policy: &Policy,
    cycles: usize,
    forecaster: &dyn LoadForecaster,
) -> Result<Course, CourseError> {
    run_with(shape, policy, cycles, None, Some(forecaster)).await
}

async fn run_with(
    shape: &Shape,
    policy: &Policy,
    cycles: usize,
    store: Option<&MemoryStore>,
    forecaster: Option<&dyn LoadForecaster>,
) -> Result<Course, CourseError> {
    let fleet = Fleet::new(shape)?;
    let mut course = Course { start: fleet.loads(), cycles: Vec::new() };
    while course.cycles.len() < cycles {
        let cycle = one_cycle(&fleet, policy, (store, forecaster), course.cycles.len()).await?;
        let over = shape.is_still() && store.is_none() && cycle.is_final();
        course.cycles.push(cycle);
        if over {
            break;
        }
    }
    Ok(course)
}

async fn one_cycle(
    fleet: &Fleet,
    policy: &Policy,
    (store, forecaster): (Option<&MemoryStore>, Option<&dyn LoadForecaster>),
    number: usize,
) -> Result<Cycle, CourseError> {
    let before = fleet.loads();
    let spec = CycleSpec::new(format!("simulated-{number}"), Fleet::workload())
        .with_policy(policy.clone())
        .with_memory(remembering())
        .with_mode(Mode::Real);
    let question = fleet.question();
    let ports = Ports::new(fleet, fleet, fleet, fleet);
    let ports = match &question {
        Some(question) => ports.with_group(GroupSide { source: fleet, question }),
        None => ports,
    };
    let ports = match store {
        Some(store) => ports.with_store(store),
        None => ports,
    };
    let ports = match forecaster {
        Some(forecaster) => ports.with_forecaster(forecaster),
        None => ports,
    };
    let end = cycle::run(&spec, &ports).await;
    let (outcome, report) = (end.outcome?, end.report.ok_or(CourseError::NoReport)?);
    fleet.replace();
    let after = fleet.loads();
    let rolled_out = fleet.advance(INTERVAL);
    Ok(Cycle { report, removed: removed(&outcome), before, after, rolled_out })
}

fn removed(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Acted { pods, .. } => {
            pods.iter().filter(|(_, outcome)| *outcome == PodOutcome::Removed).count()
        }
        Outcome::Balanced | Outcome::Held | Outcome::AuditFailed(_) | Outcome::AwaitsApproval { .. } => 0,
    }
}

/// A rotation is measured in the next cycle.
fn remembering() -> MemorySettings {
    let settled = HistoryPolicy::default().settling_for(INTERVAL);
    MemorySettings { policy: settled.unwrap_or_default(), ..MemorySettings::default() }
}

impl Cycle {
    /// What was predicted for a rotation that was made, and what it did.
    #[must_use]
    pub fn forecast(&self) -> Option<Forecast> {
        let expected = predicted_cv(&self.report).filter(|_| self.removed > 0)?;
        let (before, measured) = (Balance::of(&self.before).cv, Balance::of(&self.after).cv);
        Some(Forecast { before, expected, measured })
    }

    /// Pods were removed, and the loads are as uneven as before, or more so.
    #[must_use]
    pub fn is_useless(&self) -> bool {
        self.removed > 0 && Balance::of(&self.after).cv >= Balance::of(&self.before).cv - ROUNDING
    }

    /// Nothing was removed, and nothing will be if the world stays as it is.
    fn is_final(&self) -> bool {
        let waits = |verdict: &Verdict| matches!(verdict, Verdict::Vetoed(Veto::TooYoung { .. }));
        self.removed == 0 && !self.report.pods.iter().any(|pod| waits(pod.verdict))
    }
}

/// The CV that the planner expects after its rotation; `None` when it predicts nothing.
///
/// The one place that knows where a report keeps its prediction.
fn predicted_cv(report: &Report) -> Option<f64> {
    report.prediction.as_ref().map(|prediction| prediction.expected_cv)
}

/// How even loads are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// Coefficient of variation.
    pub cv: f64,
    /// Highest load over the mean.
    pub max_to_mean: f64,
}

impl Balance {
    /// All loads are the same.
    pub const EVEN: Self = Self { cv: 0.0, max_to_mean: 1.0 };

    /// Measures loads; none at all are even.
    #[must_use]
    pub fn of(loads: &Samples) -> Self {
        let measured = Distribution::of(loads.values().copied());
        measured.map_or(Self::EVEN, |loads| Self { cv: loads.cv, max_to_mean: loads.max_to_mean })
    }
}

/// The CV around one rotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Before it.
    pub before: f64,
    /// What was expected after it.
    pub expected: f64,
    /// What it was after it.
    pub measured: f64,
}

impl Forecast {
    /// How far the predicted improvement was from the real one, as a share of the real one.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.expected - self.measured).abs() / (self.before - self.measured).abs().max(ROUNDING)
    }
}

/// A course in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Before the first cycle.
    pub before: Balance,
    /// After the last cycle.
    pub after: Balance,
    /// Cycles that were run.
    pub cycles: usize,
    /// Pods removed.
    pub removals: usize,
    /// Pods removed by rotations that did not lower the CV.
    pub useless: usize,
    /// The first cycle after which nothing was removed any more; 0 if nothing ever was, `None` if the last one
    /// still removed pods.
    pub quiet_after: Option<usize>,
    /// Predictions and what came of them.
    pub forecasts: Vec<Forecast>,
}

impl Course {
    /// Loads after the last cycle.
    #[must_use]
    pub fn end(&self) -> &Samples {
        self.cycles.last().map_or(&self.start, |last| &last.after)
    }

    /// The course in numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let removed = |useless_only: bool| -> usize {
            let counted = self.cycles.iter().filter(|cycle| !useless_only || cycle.is_useless());
            counted.map(|cycle| cycle.removed).sum()
        };
        Summary {
            before: Balance::of(&self.start),
            after: Balance::of(self.end()),
            cycles: self.cycles.len(),
            removals: removed(false),
            useless: removed(true),
            quiet_after: self.quiet_after(),
            forecasts: self.cycles.iter().filter_map(Cycle::forecast).collect(),
        }
    }

    fn quiet_after(&self) -> Option<usize> {
        let last = self.cycles.iter().rposition(|cycle| cycle.removed > 0);
        last.map_or(Some(0), |index| (index + 1 < self.cycles.len()).then_some(index + 1))
    }
}
