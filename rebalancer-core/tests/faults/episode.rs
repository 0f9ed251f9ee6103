//! One episode: a fleet under faults for some hours, then the same fleet while nothing goes wrong any more.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rebalancer_core::port::Mode;

use crate::event::{Event, What};
use crate::fault::Fault;
use crate::person;
use crate::plant::Bug;
use crate::schedule::{Running, begin, lock, run_all};
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
    let trace = traced.then(Arc::<Mutex<String>>::default);
    let sims = Sim::all(seed, bug, trace.as_ref()).into_iter();
    let sims: Vec<_> = sims.map(|sim| Arc::new(Mutex::new(sim))).collect();
    let rounds = sims.iter().map(|sim| lock(sim).setup.rounds).min().unwrap_or(0);
    for _ in 0..rounds {
        same_time(&sims);
        run_all(sims.iter().flat_map(round).collect());
        if is_broken(&sims) {
            return result(&sims, trace.as_ref());
        }
    }
    calm(&sims);
    result(&sims, trace.as_ref())
}

/// Worlds of one group have one time.
fn same_time(sims: &[Arc<Mutex<Sim>>]) {
    let Some(now) = sims.iter().map(|sim| lock(sim).world.now).max() else { return };
    for sim in sims {
        lock(sim).advance(now);
    }
}

fn is_broken(sims: &[Arc<Mutex<Sim>>]) -> bool {
    sims.iter().any(|sim| lock(sim).violation.is_some())
}

/// What one turn of the schedule starts.
fn round(sim: &Arc<Mutex<Sim>>) -> Vec<Running> {
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
    running.collect()
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

fn calm(sims: &[Arc<Mutex<Sim>>]) {
    for sim in sims {
        let mut sim = lock(sim);
        sim.calm = true;
        sim.world.calm_down();
        sim.tell(&Event { cycle: "-", what: What::Calm });
    }
    for _ in 0..CALM_CYCLES {
        same_time(sims);
        let begun = |sim: &Arc<Mutex<Sim>>| {
            person::answers(&mut lock(sim));
            let due = lock(sim).world.now + CALM_INTERVAL;
            begin(sim, Mode::Real, due)
        };
        run_all(sims.iter().map(begun).collect());
        if is_broken(sims) {
            return;
        }
    }
    for sim in sims {
        let mut sim = lock(sim);
        let stored = sim.stored();
        sim.tell(&Event { cycle: "-", what: What::Over { stored: &stored } });
    }
}

fn result(sims: &[Arc<Mutex<Sim>>], trace: Option<&Arc<Mutex<String>>>) -> Result {
    let mut tally = Tally::default();
    for sim in sims {
        tally.join(std::mem::take(&mut lock(sim).tally));
    }
    let violation = sims.iter().find_map(|sim| lock(sim).violation.take());
    let trace = trace.map(|trace| std::mem::take(&mut *trace.lock().unwrap_or_else(PoisonError::into_inner)));
    Result { tally, violation, trace: trace.unwrap_or_default() }
}
