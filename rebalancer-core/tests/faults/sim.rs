//! One episode's whole state: the world, the store, the processes, the invariants that watch. Everything random is drawn
//! here, from one generator.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::fleet::{DisruptionBudget, Hpa, Pod};
use rebalancer_core::history::{MemoryStore, Record, StateStore as _};

use crate::event::Event;
use crate::fault::Fault;
use crate::group::Group;
use crate::invariant::{self, Invariant};
use crate::plant::Bug;
use crate::poll::ready;
use crate::setup::{Setup, approval, spans_clusters};
use crate::tally::Tally;
use crate::world::World;

/// The oldest that a watch may tell.
pub(crate) const LONGEST_LAG: SignedDuration = SignedDuration::from_secs(300);

/// Makes another fleet of a seed.
const OTHER: u64 = 0x5555_5555_5555_5555;

pub(crate) struct Sim {
    pub(crate) setup: Setup,
    pub(crate) world: World,
    pub(crate) random: ChaCha8Rng,
    pub(crate) store: MemoryStore,
    /// The consumer group that the fleet shares with that of another cluster.
    pub(crate) group: Option<Arc<Group>>,
    /// What its cycles are called besides their number.
    pub(crate) cluster: &'static str,
    pub(crate) processes: Vec<Process>,
    /// When pods were removed.
    pub(crate) removals: Vec<Timestamp>,
    pub(crate) bug: Option<Bug>,
    pub(crate) tally: Tally,
    /// From now on nothing goes wrong any more.
    pub(crate) calm: bool,
    pub(crate) violation: Option<Violation>,
    /// One for all clusters.
    pub(crate) trace: Option<Arc<Mutex<String>>>,
    /// What a watch may still show, the oldest first.
    pub(crate) shown: VecDeque<Shown>,
    watchers: Vec<Box<dyn Invariant>>,
}

/// The fleet, and what goes on around it, at one time.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) at: Timestamp,
    pub(crate) pods: Vec<Pod>,
    pub(crate) hpas: Vec<Hpa>,
    pub(crate) budgets: Vec<DisruptionBudget>,
}

/// What the world knows of a process that runs a cycle.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) started: Timestamp,
    /// Its clock is off by so much.
    pub(crate) offset: SignedDuration,
    /// For how long it was suspended; the deadline's clock stood still.
    pub(crate) suspended: SignedDuration,
    pub(crate) signalled: bool,
    /// The halves of calls that it waits for: several, where it reads at the same time.
    pub(crate) under_way: Vec<&'static str>,
    /// A request is on its way that nothing can call back: it takes effect in time.
    pub(crate) bound: bool,
}

/// An invariant was broken.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) cycle: String,
    pub(crate) invariant: &'static str,
    pub(crate) message: String,
}

impl Sim {
    fn new(seed: u64, bug: Option<Bug>, trace: Option<&Arc<Mutex<String>>>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let approval = approval(seed);
        let mut setup = Setup { approval, spans_clusters: spans_clusters(seed), ..Setup::of(&mut random) };
        if let Some(bug) = bug {
            bug.prepare(&mut setup);
        }
        let world = World::new(&setup, &mut random);
        Self {
            watchers: invariant::all(&setup),
            setup,
            world,
            random,
            store: MemoryStore::default(),
            group: None,
            cluster: "",
            processes: Vec::new(),
            removals: Vec::new(),
            bug,
            tally: Tally::default(),
            calm: false,
            violation: None,
            trace: trace.cloned(),
            shown: VecDeque::new(),
        }
    }

    /// The fleet of this seed, and where its group spans clusters, that of another one.
    pub(crate) fn all(seed: u64, bug: Option<Bug>, trace: Option<&Arc<Mutex<String>>>) -> Vec<Self> {
        let one = Self::new(seed, bug, trace);
        if !one.setup.spans_clusters {
            return vec![one];
        }
        let group = Arc::new(Group::default());
        let other = Self { cluster: "other-", ..Self::new(seed ^ OTHER, bug, trace) };
        [one, other].into_iter().map(|sim| sim.sharing(&group)).collect()
    }

    fn sharing(mut self, group: &Arc<Group>) -> Self {
        self.watchers.push(invariant::one_rotation(&self.setup, self.cluster, group));
        Self { group: Some(Arc::clone(group)), ..self }
    }

    /// Whether this fault happens now.
    pub(crate) fn fault(&mut self, fault: Fault) -> bool {
        let rate = if self.calm { 0.0 } else { self.setup.mix.rate(fault) };
        let happens = rate > 0.0 && self.random.random_bool(rate);
        if happens {
            self.tally.add(format!("fault: {fault:?}"));
            self.note(|| format!("    fault: {fault:?}"));
        }
        happens
    }

    /// Shows the invariants what happened.
    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        self.note(|| format!("    {event}"));
        for watcher in &mut self.watchers {
            if let Err(message) = watcher.see(event, &self.world)
                && self.violation.is_none()
            {
                let cycle = event.cycle.to_owned();
                self.violation = Some(Violation { cycle, invariant: watcher.name(), message });
            }
        }
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(trace, "{:.3} {}", self.world.now, line());
        }
    }

    /// The time as this process's clock shows it.
    pub(crate) fn clock(&self, process: usize) -> Timestamp {
        let offset = self.processes.get(process).map_or(SignedDuration::ZERO, |process| process.offset);
        self.world.now + offset
    }

    /// What is stored at this moment.
    pub(crate) fn stored(&self) -> Record {
        ready(self.store.peek(self.world.now)).map_or_else(|_| Record::default(), |peeked| peeked.record)
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Advances the world.
    pub(crate) fn advance(&mut self, to: Timestamp) {
        self.world.advance(to, &mut self.random);
    }

    /// Keeps what a watch sees now, and forgets what is older than any watch.
    pub(crate) fn show(&mut self) {
        if !self.setup.watches {
            return;
        }
        let at = self.world.now;
        let (pods, hpas) = (self.world.listed(), self.world.hpas());
        let budgets = self.world.disruption_budgets();
        self.shown.push_back(Shown { at, pods, hpas, budgets });
        let older = |shown: &Shown| at.duration_since(shown.at) > LONGEST_LAG;
        while self.shown.get(1).is_some_and(older) {
            self.shown.pop_front();
        }
    }

    /// What others may do at this moment.
    pub(crate) fn disturb(&mut self) {
        if self.calm {
            return;
        }
        let hitches: Vec<_> = self.setup.mix.hitches().collect();
        for (hitch, rate) in hitches {
            if self.random.random_bool(rate) {
                self.tally.add(format!("hitch: {hitch:?}"));
                self.note(|| format!("    hitch: {hitch:?}"));
                self.world.suffer(hitch, &mut self.random);
            }
        }
    }
}
