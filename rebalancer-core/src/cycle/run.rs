//! One whole cycle, with its memory.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};

use super::{Hands, Observation, Order, Outcome, Subject, act, read, told};
use crate::audit::audit;
use crate::cycle::Step;
use crate::cycle::{Memory, NotBegun};
use crate::history::{CycleCost, HistoryPolicy, Record, StateError, StateStore};
use crate::planner::plan;
use crate::policy::Policy;
use crate::port::{ApiErrors, Clock, Interrupt, Interruption, MetricsSource, Mode};
use crate::report::Decision;
use crate::snapshot::ObserveError;

/// What one cycle is to do.
#[derive(Debug, Clone)]
pub struct Task {
    /// This cycle's own id, unlike that of every other.
    pub cycle: String,
    /// Whose fleet.
    pub subject: Subject,
    /// By which rules.
    pub policy: Policy,
    /// Real or dry run.
    pub mode: Mode,
    /// How memory is used; `None`: not at all, by explicit choice.
    pub remembering: Option<Remembering>,
}

/// How memory is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remembering {
    /// How long to wait, and how often to be disappointed.
    pub history_policy: HistoryPolicy,
    /// For how long the lock is held: longer than the whole cycle, with the call that writes its end.
    pub lock_for: SignedDuration,
    /// For how long one removal may be under way. None is begun that might take effect after the lock's end: a process
    /// that was suspended may wake up right before it.
    pub one_removal: SignedDuration,
}

/// Everything that a cycle asks of the world.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Reads loads.
    pub metrics: &'a dyn MetricsSource,
    /// Keeps the record and the lock; not touched when the task does without.
    pub store: &'a dyn StateStore,
    /// Reads pods, removes them, tells what happens and when to stop.
    pub hands: Hands<'a>,
}

/// Why a cycle came to no outcome. Nothing was removed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failed {
    /// Another run holds the lock, or the record can't be used.
    #[error("{0}")]
    Memory(StateError),
    /// There was nothing to decide on.
    #[error("the fleet could not be observed: {0}")]
    Observe(ObserveError),
    /// The intent could not be written down.
    #[error("{0}")]
    NotBegun(NotBegun),
    /// It was time to stop before anything was done.
    #[error("stopped before anything was done: {0}")]
    Stopped(Interruption),
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct End {
    /// Its outcome, or why there is none.
    pub outcome: Result<Outcome, Failed>,
    /// Why its end could not be written down. The lock then frees itself, and the next cycle finishes the story.
    pub unwritten: Option<StateError>,
    /// The record as this cycle left it: as it was written, or, in a dry run, as it was read. `None` without memory, and
    /// when it is not known to be in the store: numbers that are taken back later would look like a reset.
    pub record: Option<Record>,
}

impl End {
    const fn without_record(why: Failed) -> Self {
        Self { outcome: Err(why), unwritten: None, record: None }
    }
}

/// Runs one cycle. Once a removal was asked for, the future must be polled to its end: it stops by itself when the
/// interrupt asks for it.
pub async fn run(task: &Task, ports: &Ports<'_>) -> End {
    let clock = ports.hands.clock;
    let start = Start::of(ports);
    let mut memory = match until_stopped(ports.hands.interrupt, open(task, ports.store, clock)).await {
        Ok(Ok(memory)) => memory,
        Ok(Err(error)) => return End::without_record(Failed::Memory(error)),
        Err(why) => return End::without_record(Failed::Stopped(why)),
    };
    let outcome = with_memory(task, ports, memory.as_mut()).await;
    let Some(memory) = memory else { return End { outcome, unwritten: None, record: None } };
    match memory.close(ports.store, outcome.as_ref(), start.toll(ports), clock.now()).await {
        Ok(record) => End { outcome, unwritten: None, record: Some(record) },
        Err(error) => End { outcome, unwritten: Some(error), record: None },
    }
}

/// Where a cycle's toll is counted from. Adapters may have served others before.
struct Start {
    at: Timestamp,
    prometheus: ApiErrors,
    kubernetes: ApiErrors,
}

impl Start {
    fn of(ports: &Ports<'_>) -> Self {
        let Hands { inventory, clock, .. } = ports.hands;
        Self { at: clock.now(), prometheus: ports.metrics.errors(), kubernetes: inventory.errors() }
    }

    fn toll(&self, ports: &Ports<'_>) -> CycleCost {
        let now = Self::of(ports);
        CycleCost {
            cycle: now.at.duration_since(self.at),
            prometheus: now.prometheus.since(self.prometheus),
            kubernetes: now.kubernetes.since(self.kubernetes),
        }
    }
}

async fn open(task: &Task, store: &dyn StateStore, clock: &dyn Clock) -> Result<Option<Memory>, StateError> {
    let Some(Remembering { history_policy, lock_for, .. }) = task.remembering else { return Ok(None) };
    Memory::open(store, &task.cycle, task.mode, lock_for, history_policy, clock.now()).await.map(Some)
}

async fn with_memory(
    task: &Task,
    ports: &Ports<'_>,
    mut memory: Option<&mut Memory>,
) -> Result<Outcome, Failed> {
    let Hands { inventory, journal, interrupt, clock, .. } = ports.hands;
    let policy = match &memory {
        Some(memory) => memory.limited(&task.policy, clock.now()),
        None => task.policy.clone(),
    };
    let began = clock.now();
    let reading = read(&task.subject, ports.metrics, inventory, &policy, began);
    let snapshot =
        until_stopped(interrupt, reading).await.map_err(Failed::Stopped)?.map_err(Failed::Observe)?;
    let report = told(journal, Step::Plan, || plan(&snapshot, &policy));
    let mut observation = Observation { snapshot, report };
    if let Some(memory) = memory.as_deref_mut() {
        journal.looked_back(&memory.look_back(&observation, clock.now()));
        memory.hold_if_paused(&mut observation.report, clock.now());
        memory.decided(&observation.report, clock.now().duration_since(began));
    }
    journal.decided(&observation);
    if let Some(memory) = memory.as_deref_mut() {
        begin(memory, ports, &observation, &policy).await?;
    }
    let one_removal = task.remembering.map_or(SignedDuration::ZERO, |remembering| remembering.one_removal);
    let held_until = memory.and_then(|memory| memory.held_until());
    let lock_until = held_until.map(|until| until.checked_sub(one_removal).unwrap_or(Timestamp::MIN));
    let order = Order { cycle: &task.cycle, mode: task.mode, lock_until };
    Ok(act(&observation, &policy, &ports.hands, &order).await)
}

/// Writes the intent down, when there is a plan that will be carried out.
async fn begin(
    memory: &mut Memory,
    ports: &Ports<'_>,
    observation: &Observation,
    policy: &Policy,
) -> Result<(), Failed> {
    let Decision::Rotate(plan) = &observation.report.decision else { return Ok(()) };
    let checked = || audit(plan, &observation.snapshot, policy);
    if !told(ports.hands.journal, Step::Audit, checked).is_empty() {
        return Ok(());
    }
    let now = ports.hands.clock.now();
    memory.begin(ports.store, &observation.report, plan, now).await.map_err(Failed::NotBegun)
}

/// Drops the work when it is time to stop.
async fn until_stopped<T>(
    interrupt: &dyn Interrupt,
    work: impl Future<Output = T>,
) -> Result<T, Interruption> {
    let mut work = pin!(work);
    let mut stopped = interrupt.stopped();
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => stopped.as_mut().poll(context).map(Err),
    })
    .await
}
