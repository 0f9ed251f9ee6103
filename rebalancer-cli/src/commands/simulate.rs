//! `rebalancer simulate`: the same ports, planner and cycle on a fleet in memory.

use jiff::SignedDuration;
use rebalancer_core::cycle::{Hands, Outcome, PodOutcome, Subject, act, observe};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::{Interrupt, Interruption, Journal, Mode};
use rebalancer_core::report::Removal;
use rebalancer_core::simulation::{Fleet, Shape};

use super::{Exit, block_on};
use crate::render::simulation::{self as show, Cycle};

/// What to simulate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Course {
    pub(crate) shape: Shape,
    /// At most this many cycles.
    pub(crate) cycles: usize,
}

/// Simulated time between two cycles, as a CronJob's schedule; longer than any minimum age by default.
const INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// After this many cycles without a rotation the fleet is quiet: nothing changes any more.
const QUIET: usize = 1;

pub(super) fn run(course: &Course, policy: &Policy) -> Exit {
    let fleet = match Fleet::new(&course.shape) {
        Ok(fleet) => fleet,
        Err(error) => {
            tracing::error!(event = "configuration_error", %error, "no such fleet can be made");
            return Exit::Misconfigured;
        }
    };
    block_on(async {
        match simulate(&fleet, course, policy).await {
            Ok(()) => Exit::Finished,
            Err(error) => {
                tracing::error!(event = "simulation_failed", error = format!("{error:#}"), "no simulation");
                Exit::Failed
            }
        }
    })
}

async fn simulate(fleet: &Fleet, course: &Course, policy: &Policy) -> anyhow::Result<()> {
    let before = fleet.loads();
    let mut cycles = Vec::new();
    let mut quiet = 0;
    while cycles.len() < course.cycles && quiet < QUIET {
        let cycle = one_cycle(fleet, policy).await?;
        quiet = if cycle.removed == 0 { quiet + 1 } else { 0 };
        cycles.push(cycle);
    }
    show::show(&course.shape, &before, &cycles, &fleet.loads())
}

async fn one_cycle(fleet: &Fleet, policy: &Policy) -> anyhow::Result<Cycle> {
    let subject = Subject { workload: Fleet::workload(), hpa_prefix: String::new() };
    let observation = observe(&subject, fleet, fleet, policy, fleet.now()).await?;
    let hands = Hands { inventory: fleet, deleter: fleet, journal: &Silent, interrupt: &Silent };
    let outcome = act(&observation, policy, &hands, Mode::Real, fleet.now()).await;
    let removed = match &outcome {
        Outcome::Acted { pods, .. } => {
            pods.iter().filter(|(_, outcome)| *outcome == PodOutcome::Removed).count()
        }
        Outcome::Balanced | Outcome::Held | Outcome::AuditFailed(_) => 0,
    };
    fleet.settle(INTERVAL);
    Ok(Cycle { report: observation.report, removed, after: fleet.loads() })
}

/// Keeps no audit trail, and is never interrupted: nothing real is at stake.
struct Silent;

impl Journal for Silent {
    fn intended(&self, _: &Removal, _: Mode) {}
    fn finished(&self, _: &Removal, _: &PodOutcome, _: Mode) {}
}

impl Interrupt for Silent {
    fn requested(&self) -> Option<Interruption> {
        None
    }
}
