//! Replicas that elect one and let it act: whole cycles of `rebalancer_core::cycle::run`, without the lock beneath them, while
//! processes are stopped, killed and cut off, clocks of walls jump, answers are lost, and the Lease is removed.
//!
//! What a replica has sent takes effect within the margin, whatever becomes of the replica: that is the deadline of its
//! request. Nobody can call it back, so it may not be under way when another one leads.

mod ports;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use jiff::SignedDuration;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;
use ports::{All, Port, Shared, fleet, lock, one_cycle};

const REPLICAS: usize = 3;

/// A mistake that must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// A leader begins something until its very end.
    NoMargin,
    /// A cycle does not ask who leads.
    Deaf,
    /// A leader counts from when its write was answered.
    CountsFromTheAnswer,
    /// Whoever makes the Lease leads at once.
    LeadsAtOnce,
}

/// How far a look at the Lease is.
enum Look {
    None,
    Read { found: Option<Lease> },
    Write { wanted: Box<Lease>, asked: Instant },
    Written { stored: Option<Lease>, asked: Instant },
}

/// A process that stands for election, and acts.
struct Process {
    number: usize,
    election: Election,
    look: Look,
    cycle: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// It is stopped, or cut off from the API server, until then.
    stopped: Instant,
    cut_off: Instant,
    wall: Timestamp,
}

impl Process {
    fn new(number: usize, now: Instant, plant: Plant) -> Self {
        let margin = if plant == Plant::NoMargin { Duration::ZERO } else { MARGIN };
        let settings = ElectionSettings { margin, ..settings(&format!("process-{number}")) };
        let (election, wall) = (Election::new(&settings), Timestamp::UNIX_EPOCH);
        Self { number, election, look: Look::None, cycle: None, stopped: now, cut_off: now, wall }
    }

    /// The next half of a request: it arrives at the server, or its answer comes back, if it does.
    fn look(&mut self, server: &mut Server, now: Instant, lost: bool, plant: Plant) {
        let lost = lost || now < self.cut_off;
        self.look = match std::mem::replace(&mut self.look, Look::None) {
            Look::None if lost => Look::None,
            Look::None => Look::Read { found: server.0.clone() },
            Look::Read { .. } | Look::Written { .. } if lost => Look::None,
            Look::Read { found } => match self.election.next(found, now, self.wall) {
                Next::Wait => Look::None,
                Next::Write(wanted) => Look::Write { wanted, asked: now },
            },
            Look::Write { .. } if now < self.cut_off => Look::None,
            Look::Write { wanted, asked } => Look::Written { stored: server.write(&wanted), asked },
            Look::Written { stored: Some(stored), asked } => {
                let asked = if plant == Plant::CountsFromTheAnswer { now } else { asked };
                self.election.written(&stored, asked, now);
                if plant == Plant::LeadsAtOnce {
                    self.election.from = None;
                }
                Look::None
            }
            Look::Written { stored: None, .. } => {
                self.election.beaten();
                Look::None
            }
        };
    }
}

/// Processes around one Lease.
struct Stage {
    all: All,
    server: Server,
    processes: Vec<Process>,
    plant: Plant,
    started: usize,
}

impl Stage {
    fn new(plant: Plant) -> Self {
        let all = Arc::new(Mutex::new(Shared::new()));
        let now = lock(&all).now;
        let processes = (0..REPLICAS).map(|number| Process::new(number, now, plant)).collect();
        Self { all, server: Server::default(), processes, plant, started: REPLICAS }
    }

    /// One thing happens to one replica.
    fn step(&mut self, Step { who, what, amount, lost }: Step) {
        let seconds = Duration::from_secs(amount);
        lock(&self.all).advance(Duration::from_millis(amount * 10));
        let now = lock(&self.all).now;
        let process = &mut self.processes[who];
        let runs = now >= process.stopped;
        match what {
            0..400 | 900.. if runs => self.look(who, lost),
            400..800 if runs => self.act(who),
            800..810 => process.stopped = now + seconds,
            810..820 => process.cut_off = now + seconds,
            820..830 => {
                let by = SignedDuration::from_hours(i64::try_from(amount).unwrap() - 40);
                process.wall = process.wall.checked_add(by).unwrap_or(Timestamp::UNIX_EPOCH);
            }
            830..832 => self.server.0 = None,
            832..840 => self.restart(who),
            840..850 if runs => self.give_back(who),
            850..900 => {
                let mut all = lock(&self.all);
                if !all.flights.is_empty() {
                    let place = who % all.flights.len();
                    all.arrive(place, !lost);
                }
            }
            _ => {}
        }
    }

    /// A look at the Lease goes on; what is known after it is told.
    fn look(&mut self, who: usize, lost: bool) {
        let now = lock(&self.all).now;
        let process = &mut self.processes[who];
        process.look(&mut self.server, now, lost, self.plant);
        if matches!(process.look, Look::None) {
            let until = process.election.until(now);
            let mut all = lock(&self.all);
            all.told.remove(&process.number);
            all.told.extend(until.map(|until| (process.number, until)));
        }
    }

    /// A cycle is begun by a leader, and goes on by itself.
    fn act(&mut self, who: usize) {
        let process = &mut self.processes[who];
        if process.cycle.is_none() && lock(&self.all).leads(process.number) {
            let (all, world) = (Arc::clone(&self.all), Arc::new(fleet()));
            let port = Port { all, process: process.number, deaf: self.plant == Plant::Deaf, world };
            process.cycle = Some(Box::pin(one_cycle(port)));
        }
        if let Some(cycle) = &mut process.cycle
            && cycle.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        {
            process.cycle = None;
        }
    }

    /// It is killed, and another process takes its place. What it has sent is under way.
    fn restart(&mut self, who: usize) {
        lock(&self.all).told.remove(&self.processes[who].number);
        let now = lock(&self.all).now;
        self.processes[who] = Process::new(self.started, now, self.plant);
        self.started += 1;
    }

    /// It ends in order: its cycle is over.
    fn give_back(&mut self, who: usize) {
        let process = &mut self.processes[who];
        if process.cycle.is_some() || !matches!(process.look, Look::None) {
            return;
        }
        lock(&self.all).told.remove(&process.number);
        if let Some(wanted) = process.election.given_back(process.wall) {
            self.server.write(&wanted);
        }
        self.restart(who);
    }
}

#[derive(Debug, Clone, Copy)]
struct Step {
    who: usize,
    what: u16,
    amount: u64,
    lost: bool,
}

/// What happened in all plays together.
#[derive(Debug, Default)]
struct Seen {
    removals: usize,
    /// Plays in which more than one process removed pods, one after the other.
    handed_over: usize,
}

fn play(plant: Plant) -> Result<Seen, String> {
    let step = (0..REPLICAS, 0_u16..1_000, 0_u64..80, prop::bool::weighted(0.1));
    let step = step.prop_map(|(who, what, amount, lost)| Step { who, what, amount, lost });
    let seen = Mutex::new(Seen::default());
    let config =
        Config { cases: 2_000, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let played = runner.run(&prop::collection::vec(step, 300..1_000), |steps| {
        let mut stage = Stage::new(plant);
        for step in steps {
            stage.step(step);
            if let Some(broken) = lock(&stage.all).broken.take() {
                return Err(TestCaseError::fail(broken));
            }
        }
        let removals = std::mem::take(&mut lock(&stage.all).removals);
        let mut seen = seen.lock().unwrap();
        seen.removals += removals.values().sum::<usize>();
        seen.handed_over += usize::from(removals.len() > 1);
        Ok(())
    });
    played.map_err(|error| error.to_string())?;
    Ok(seen.into_inner().unwrap())
}

#[test]
fn no_pod_is_removed_by_one_while_another_leads() {
    let seen = play(Plant::Nothing).unwrap();
    assert!(seen.removals > 1_000 && seen.handed_over > 50, "it did nothing: {seen:?}");
}

#[test]
fn every_planted_mistake_is_found() {
    for plant in [Plant::NoMargin, Plant::Deaf, Plant::CountsFromTheAnswer, Plant::LeadsAtOnce] {
        let found = play(plant).expect_err(&format!("{plant:?} is not found"));
        assert!(found.contains("removes a pod while"), "{plant:?}: {found}");
    }
}
