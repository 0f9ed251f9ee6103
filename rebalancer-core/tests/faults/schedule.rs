//! Runs one or two cycles at once, step by step: whose turn it is, how long a step takes, who dies, stands still, is
//! asked to end or has its clock set.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rebalancer_core::cycle::{CycleEnd, CycleSpec, GroupLock, Ports, run};
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::Approval;
use rebalancer_core::port::Mode;

use crate::event::{Event, What};
use crate::fault::Fault;
use crate::poll::poll;
use crate::ports::{GroupPort, Port, View};
use crate::sim::{Process, Sim};
use crate::world::{NAME, NAMESPACE};

/// Steps that change something, or come right before.
const DECISIVE: [&str; 8] = [
    "taking the group's lock",
    "looking at the group's lock",
    "writing the intent",
    "looking for other revisions",
    "reading a pod again",
    "a removal",
    "writing the end",
    "giving the group's lock back",
];

/// A cycle under way.
pub(crate) struct Running {
    sim: Arc<Mutex<Sim>>,
    process: usize,
    cycle: String,
    future: Pin<Box<dyn Future<Output = CycleEnd> + Send>>,
    /// When its present step is over.
    due: Timestamp,
}

pub(crate) fn lock(sim: &Mutex<Sim>) -> MutexGuard<'_, Sim> {
    sim.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that begins its cycle at this time.
pub(crate) fn begin(sim: &Arc<Mutex<Sim>>, mode: Mode, due: Timestamp) -> Running {
    let mut inner = lock(sim);
    let process = inner.processes.len();
    let cycle = format!("{}cycle-{process}", inner.cluster);
    let offset = any_offset(&mut inner);
    inner.processes.push(Process {
        started: due,
        offset,
        suspended: SignedDuration::ZERO,
        signalled: false,
        under_way: Vec::new(),
        bound: false,
    });
    inner.tally.add("cycles");
    let spec = spec(&inner, &cycle, mode);
    inner.tell(&Event { cycle: &cycle, what: What::Started { mode } });
    let port = Port::new(Arc::clone(sim), process, cycle.clone());
    let group = inner.group.is_some().then(|| GroupPort(port.clone()));
    Running { sim: Arc::clone(sim), process, cycle, future: Box::pin(one_cycle(spec, port, group)), due }
}

async fn one_cycle(spec: CycleSpec, port: Port, group: Option<GroupPort>) -> CycleEnd {
    let view = View::of(&port);
    let ports = Ports::new(&port, &port, &port, &port);
    let ports = match &view {
        Some(view) => ports.with_view(view),
        None => ports,
    };
    // Both clusters call their fleet the same.
    let ports = match &group {
        Some(store) => ports.with_group_lock(GroupLock { store, who: NAME }),
        None => ports,
    };
    run(&spec, &ports.with_store(&port).with_journal(&port).with_interrupt(&port)).await
}

fn spec(sim: &Sim, cycle: &str, mode: Mode) -> CycleSpec {
    let workload = Workload { namespace: NAMESPACE.to_owned(), name: NAME.to_owned() };
    let mut spec = CycleSpec::new(cycle, workload)
        .with_policy(sim.setup.policy.clone())
        .with_mode(mode)
        .with_approval(sim.setup.approval.map_or(Approval::NotRequired, Approval::Required))
        .with_memory(sim.setup.memory);
    if let Some(bug) = sim.bug {
        bug.twist(&mut spec);
    }
    spec
}

/// Runs them until none is left, or an invariant is broken.
pub(crate) fn run_all(mut running: Vec<Running>) {
    while let Some(place) = next(&running) {
        let Some(turn) = running.get_mut(place) else { return };
        let sim = &Arc::clone(&turn.sim);
        prepare(&mut lock(sim), turn.due, turn.process);
        if crashes(&mut lock(sim), turn) {
            running.swap_remove(place);
            continue;
        }
        match poll(turn.future.as_mut()) {
            Poll::Ready(end) => {
                ended(&mut lock(sim), &turn.cycle, &end);
                running.swap_remove(place);
            }
            Poll::Pending => {
                let mut sim = lock(sim);
                turn.due = sim.world.now + latency(&mut sim, turn.process);
            }
        }
        if lock(sim).violation.is_some() {
            return;
        }
    }
}

fn next(running: &[Running]) -> Option<usize> {
    running.iter().enumerate().min_by_key(|(_, running)| running.due).map(|(place, _)| place)
}

/// Time passes, and with it whatever may happen.
fn prepare(sim: &mut Sim, due: Timestamp, process: usize) {
    sim.advance(due);
    sim.disturb();
    sim.show();
    if sim.fault(Fault::ClockStep) {
        let offset = any_offset(sim);
        if let Some(process) = sim.processes.get_mut(process) {
            process.offset = offset;
        }
    }
    if sim.fault(Fault::Signal)
        && let Some(process) = sim.processes.get_mut(process)
    {
        process.signalled = true;
    }
}

fn any_offset(sim: &mut Sim) -> SignedDuration {
    let most = i64::try_from(sim.setup.clock_error.as_millis()).unwrap_or(0);
    if most == 0 || sim.calm {
        return SignedDuration::ZERO;
    }
    SignedDuration::from_millis(sim.random.random_range(-most..=most))
}

/// Most steps change nothing; such a fault is drawn more often around those that do.
fn strikes(sim: &mut Sim, fault: Fault, process: usize) -> bool {
    let under_way = sim.processes.get(process).map_or(&[][..], |process| &process.under_way);
    let decisive = under_way.iter().any(|at| DECISIVE.iter().any(|step| at.ends_with(step)));
    let draws = if decisive { 6 } else { 1 };
    (0..draws).any(|_| sim.fault(fault))
}

fn crashes(sim: &mut Sim, turn: &Running) -> bool {
    if !strikes(sim, Fault::Crash, turn.process) {
        return false;
    }
    let under_way =
        sim.processes.get(turn.process).map(|process| process.under_way.clone()).unwrap_or_default();
    for at in &under_way {
        sim.tally.add(format!("crash: {at}"));
    }
    let at = under_way.last().copied().unwrap_or("before anything");
    sim.tell(&Event { cycle: &turn.cycle, what: What::Crashed { at } });
    true
}

fn ended(sim: &mut Sim, cycle: &str, end: &CycleEnd) {
    let how = match &end.outcome {
        Ok(outcome) => outcome.status().to_owned(),
        Err(failed) => format!("{failed:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_lowercase(),
    };
    sim.tally.add(format!("end: {how}"));
    if end.unwritten.is_some() {
        sim.tally.add("end: unwritten");
    }
    sim.tell(&Event { cycle, what: What::Ended { end } });
}

/// How long the present step takes. A request that is on its way takes effect in time; anything else may have to wait
/// for a process that stands still.
fn latency(sim: &mut Sim, process: usize) -> SignedDuration {
    let longest = i64::try_from(sim.setup.half_call.as_millis()).unwrap_or(1);
    let usual = SignedDuration::from_millis(sim.random.random_range(0..=longest));
    let bound = sim.processes.get(process).is_none_or(|process| process.bound);
    if bound || !strikes(sim, Fault::Stall, process) {
        return usual;
    }
    let stall = SignedDuration::from_secs(sim.random.random_range(1..90));
    if sim.setup.suspends
        && let Some(process) = sim.processes.get_mut(process)
    {
        process.suspended += stall;
    }
    usual + stall
}
