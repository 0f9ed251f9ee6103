//! One episode: a fleet under faults for some hours, then the same fleet while nothing goes wrong any more.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rebalancer_core::port::Mode;

use crate::event::{Event, What};
use crate::fault::Fault;
use crate::person;
use crate::plant::Bug;
use crate::schedule::{begin, lock, run_all};
use crate::sim::{Sim, Violation};
use crate::tally::Tally;

/// Cycles of the calm end, and the time between them: six hours.
const CALM_CYCLES: usize = 36;
const CALM_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

pub(crate) struct Result {
    pub(crate) tally: Tally,
    pub(crate) violation: Option<Violation>,
    pub(crate) trace: String,
}

pub(crate) fn run(seed: u64, bug: Option<Bug>, traced: bool) -> Result {
    let sim = Arc::new(Mutex::new(Sim::new(seed, bug, traced)));
    let rounds = lock(&sim).setup.rounds;
    for _ in 0..rounds {
        round(&sim);
        if lock(&sim).violation.is_some() {
            return result(&sim);
        }
    }
    calm(&sim);
    result(&sim)
}

/// What one turn of the schedule starts.
fn round(sim: &Arc<Mutex<Sim>>) {
    let (due, modes, later) = {
        let mut sim = lock(sim);
        if sim.random.random_bool(0.1) {
            let Sim { world, random, .. } = &mut *sim;
            world.shift_traffic(random);
        }
        let jitter = SignedDuration::from_millis(sim.random.random_range(0..5_000));
        let due = sim.world.now + sim.setup.interval + jitter;
        let due = edge(&mut sim).filter(|edge| *edge > sim.world.now).unwrap_or(due);
        let overlap = sim.fault(Fault::Overlap);
        let mut modes = vec![mode(&mut sim)];
        if overlap {
            modes.push(mode(&mut sim));
        }
        let latest = if sim.random.random_bool(0.5) { 15_000 } else { 90_000 };
        let later = SignedDuration::from_millis(sim.random.random_range(0..latest));
        sim.disturb();
        sim.disturb();
        person::answers(&mut sim);
        (due, modes, later)
    };
    let running = modes.into_iter().enumerate().map(|(place, mode)| {
        let due = if place == 0 { due } else { due + later };
        begin(sim, mode, due)
    });
    run_all(sim, running.collect());
}

/// Sometimes a cycle begins when a removal is about to leave the budget's window, or has just left it.
fn edge(sim: &mut Sim) -> Option<Timestamp> {
    if !sim.random.random_bool(0.05) {
        return None;
    }
    let window = sim.setup.budget()?.window();
    let next = sim.removals.iter().map(|at| *at + window).find(|leaves| *leaves > sim.world.now)?;
    Some(next + SignedDuration::from_millis(sim.random.random_range(-30_000..10_000)))
}

fn mode(sim: &mut Sim) -> Mode {
    if sim.random.random_bool(0.1) { Mode::DryRun } else { Mode::Real }
}

fn calm(sim: &Arc<Mutex<Sim>>) {
    {
        let mut sim = lock(sim);
        sim.calm = true;
        sim.world.calm_down();
        sim.tell(&Event { cycle: "-", what: What::Calm });
    }
    for _ in 0..CALM_CYCLES {
        person::answers(&mut lock(sim));
        let due = lock(sim).world.now + CALM_INTERVAL;
        run_all(sim, vec![begin(sim, Mode::Real, due)]);
        if lock(sim).violation.is_some() {
            return;
        }
    }
    let mut sim = lock(sim);
    let stored = sim.stored();
    sim.tell(&Event { cycle: "-", what: What::Over { stored: &stored } });
}

fn result(sim: &Mutex<Sim>) -> Result {
    let mut sim = lock(sim);
    Result {
        tally: std::mem::take(&mut sim.tally),
        violation: sim.violation.take(),
        trace: sim.trace.take().unwrap_or_default(),
    }
}
