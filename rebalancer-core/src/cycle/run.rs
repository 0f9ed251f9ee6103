//! One whole cycle, with its memory.

use jiff::{SignedDuration, Timestamp};

use super::group_lock::{HoldFor, Taken};
use super::observe::{self, Observation};
use super::until::until_stopped;
use super::watch::{Removed, watch};
use super::{
    ActSettings, Asked, CycleError, Memory, NotBegun, Outcome, Permission, Ports, Step, Subject,
    WatchSettings, Watched, Written, act,
};
use crate::audit::{AuditedPlan, audit};
use crate::fleet::Workload;
use crate::history::{
    Approval, ApprovalLimits, Approved, CycleCost, HistoryPolicy, Notice, NoticePolicy, Pause, Record,
    StateError, StateStore,
};
use crate::planner::plan_judged;
use crate::policy::{Pace, Policy};
use crate::port::{ApiErrors, Mode};
use crate::report::{Decision, Plan, Report};

/// What one cycle is to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CycleSpec {
    /// This cycle's own id, unlike that of every other.
    pub id: String,
    /// The workload.
    pub subject: Subject,
    /// By which rules.
    pub policy: Policy,
    /// Real or dry run.
    pub mode: Mode,
    /// Whether somebody must approve a plan before it is carried out; that takes a store.
    pub approval: Approval,
    /// How memory is used, where the ports have a store.
    pub memory: MemorySettings,
    /// What somebody is told of the cycle, once its end is written; `None`: nothing.
    pub notices: Option<NoticePolicy>,
    /// For how long the group is watched after a rotation, where the ports can ask Kafka.
    pub watch: WatchSettings,
}

impl CycleSpec {
    /// A cycle of this id over the fleet of this workload. It is a dry run by the default policies, as long as nothing
    /// else is set.
    #[must_use]
    pub fn new(id: impl Into<String>, workload: Workload) -> Self {
        Self {
            id: id.into(),
            subject: workload.into(),
            policy: Policy::default(),
            mode: Mode::DryRun,
            approval: Approval::NotRequired,
            memory: MemorySettings::default(),
            notices: None,
            watch: WatchSettings::default(),
        }
    }

    /// Its autoscaler may be called `<prefix><workload>`.
    #[must_use]
    pub fn with_hpa_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.subject.hpa_prefix = prefix.into();
        self
    }

    /// By these rules.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Real, or a dry run.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Asks before it acts, or does not.
    #[must_use]
    pub fn with_approval(self, approval: Approval) -> Self {
        Self { approval, ..self }
    }

    /// Tells of the cycle what this policy wants; that takes a store.
    #[must_use]
    pub fn with_notices(self, notices: Option<NoticePolicy>) -> Self {
        Self { notices, ..self }
    }

    /// Watches the group for this long after a rotation.
    #[must_use]
    pub fn with_watch(self, watch: WatchSettings) -> Self {
        Self { watch, ..self }
    }

    /// With this use of memory.
    #[must_use]
    pub fn with_memory(self, memory: MemorySettings) -> Self {
        Self { memory, ..self }
    }
}

/// How memory is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemorySettings {
    /// How long to wait after a rotation, when to give up, and how many pods may go over time.
    pub policy: HistoryPolicy,
    /// For how long the lock is held: longer than the whole cycle, with the call that writes its end. Default 2 minutes.
    pub lock_for: SignedDuration,
    /// For how long one removal may be under way. None is begun that might take effect after the lock's end: a process
    /// that was suspended may wake up right before it. Default 20 seconds.
    pub one_removal: SignedDuration,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            policy: HistoryPolicy::default(),
            lock_for: SignedDuration::from_mins(2),
            one_removal: SignedDuration::from_secs(20),
        }
    }
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct CycleEnd {
    /// Its outcome, or why there is none.
    pub outcome: Result<Outcome, CycleError>,
    /// What was decided; `None` when it did not come to a decision.
    pub report: Option<Report>,
    /// What the consumer group did after the removals; `None` where nothing was removed, or Kafka is not asked.
    pub watched: Option<Watched>,
    /// Why its end could not be written down. The lock then expires, and the next cycle finds out what became of the
    /// removals.
    pub unwritten: Option<StateError>,
    /// The record as this cycle left it: as it was written, or, in a dry run, as it was read. `None` without memory, and
    /// when it is not known to be in the store: numbers that are taken back later would look like a reset.
    pub record: Option<Record>,
    /// What somebody is to be told of, and was not before: the record counts it as told. Empty unless that is written.
    pub notices: Vec<Notice>,
}

impl CycleEnd {
    const fn without_record(outcome: Result<Outcome, CycleError>, report: Option<Report>) -> Self {
        Self { outcome, report, watched: None, unwritten: None, record: None, notices: Vec::new() }
    }
}

/// Runs one cycle. Once a removal was requested, the future must be polled to its end: it stops by itself when the
/// interrupt asks for it.
pub async fn run(spec: &CycleSpec, ports: &Ports<'_>) -> CycleEnd {
    let start = Start::of(ports);
    let mut memory = match until_stopped(ports.interrupt, open(spec, ports)).await {
        Ok(Ok(memory)) => memory,
        Ok(Err(error)) => return CycleEnd::without_record(Err(CycleError::Memory(error)), None),
        Err(why) => return CycleEnd::without_record(Err(CycleError::Stopped(why)), None),
    };
    let Done { outcome, report, watched } =
        with_memory(spec, ports, memory.as_mut().map(|(memory, _)| memory)).await;
    let Some((memory, store)) = memory else {
        return CycleEnd { watched, ..CycleEnd::without_record(outcome, report) };
    };
    match memory.close(store, outcome.as_ref(), start.cost(ports), ports.clock.now()).await {
        Ok(Written { record, notices }) => {
            CycleEnd { outcome, report, watched, unwritten: None, record: Some(record), notices }
        }
        Err(error) => {
            CycleEnd { outcome, report, watched, unwritten: Some(error), record: None, notices: Vec::new() }
        }
    }
}

/// Where a cycle's cost is counted from. Adapters may have served others before.
struct Start {
    at: Timestamp,
    prometheus: ApiErrors,
    kafka: ApiErrors,
    kubernetes: ApiErrors,
}

impl Start {
    fn of(ports: &Ports<'_>) -> Self {
        let Ports { metrics, inventory, group, clock, .. } = ports;
        Self {
            at: clock.now(),
            prometheus: metrics.errors(),
            kafka: group.map(|group| group.source.errors()).unwrap_or_default(),
            kubernetes: inventory.errors(),
        }
    }

    fn cost(&self, ports: &Ports<'_>) -> CycleCost {
        let now = Self::of(ports);
        CycleCost {
            cycle: now.at.duration_since(self.at),
            prometheus: now.prometheus.since(self.prometheus),
            kafka: now.kafka.since(self.kafka),
            kubernetes: now.kubernetes.since(self.kubernetes),
        }
    }
}

type Opened<'a> = Option<(Memory, &'a dyn StateStore)>;

async fn open<'a>(spec: &CycleSpec, ports: &Ports<'a>) -> Result<Opened<'a>, StateError> {
    let Some(store) = ports.store else { return Ok(None) };
    let MemorySettings { policy, lock_for, .. } = spec.memory;
    let memory = Memory::open(store, &spec.id, spec.mode, lock_for, policy, ports.clock.now()).await?;
    Ok(Some((memory.telling(spec.notices.clone()), store)))
}

async fn with_memory(spec: &CycleSpec, ports: &Ports<'_>, mut memory: Option<&mut Memory>) -> Done {
    let (observation, taken) = match observe_and_decide(spec, ports, memory.as_deref_mut()).await {
        Ok(decided) => decided,
        Err(error) => return Done { outcome: Err(error), report: None, watched: None },
    };
    let group_until = taken.as_ref().map(|taken| taken.until);
    let outcome = carry_out(spec, ports, memory.as_deref_mut(), &observation, group_until).await;
    let watched = match &outcome {
        Ok(outcome) => look_after(spec, ports, memory, &observation, outcome).await,
        Err(_) => None,
    };
    if let Some(taken) = taken {
        taken.leave(outcome.as_ref(), ports.clock.now()).await;
    }
    Done { outcome, report: Some(observation.report), watched }
}

/// What a cycle came to, before it is written down.
struct Done {
    outcome: Result<Outcome, CycleError>,
    report: Option<Report>,
    watched: Option<Watched>,
}

/// Watches the group after real removals.
async fn look_after(
    spec: &CycleSpec,
    ports: &Ports<'_>,
    memory: Option<&mut Memory>,
    observation: &Observation,
    outcome: &Outcome,
) -> Option<Watched> {
    let (side, removed) = (ports.group?, outcome.removed());
    if removed.is_empty() {
        return None;
    }
    let matching = spec.policy.group.matching;
    let pace = match &observation.report.decision {
        Decision::Rotate(plan) => plan.pace(),
        Decision::Balanced | Decision::Hold(_) => Pace::Together,
    };
    let removed = Removed { pods: &removed, pace };
    let watched = watch(&spec.watch, side, ports, &observation.snapshot, matching, removed).await?;
    if let Some(memory) = memory {
        memory.watched(&watched);
    }
    ports.journal.watched(observation, &watched);
    Some(watched)
}

/// Observes, with what memory shows, and decides. A plan comes with the lock on the group, where there is one.
async fn observe_and_decide<'a>(
    spec: &CycleSpec,
    ports: &Ports<'a>,
    mut memory: Option<&mut Memory>,
) -> Result<(Observation, Option<Taken<'a>>), CycleError> {
    let Ports { clock, journal, interrupt, .. } = *ports;
    let began = clock.now();
    let reading = observe::read(&spec.subject, ports.sources(), &spec.policy, began);
    let (snapshot, judged) =
        until_stopped(interrupt, reading).await.map_err(CycleError::Stopped)?.map_err(CycleError::Observe)?;
    let (look_back, constraints) =
        observe::remember(memory.as_deref_mut(), &snapshot, &spec.policy, clock.now());
    let report = journaled(ports, Step::Plan, || plan_judged(judged, &snapshot, &spec.policy, &constraints));
    let observation = Observation { snapshot, look_back, constraints, report };
    let (observation, taken) = match take_group(spec, ports, &observation.report).await {
        Ok(taken) => (observation, taken),
        Err(pause) => (observation.paused(pause, &spec.policy), None),
    };
    if let (Some(memory), Some(look_back)) = (memory, &observation.look_back) {
        journal.looked_back(look_back);
        memory.decided(&observation.report, clock.now().duration_since(began));
    }
    journal.decided(&observation);
    Ok((observation, taken))
}

/// Takes the lock on the group for a plan. `Err`: why it has to wait.
async fn take_group<'a>(
    spec: &CycleSpec,
    ports: &Ports<'a>,
    report: &Report,
) -> Result<Option<Taken<'a>>, Pause> {
    let (Some(lock), Decision::Rotate(_)) = (ports.group_lock, &report.decision) else { return Ok(None) };
    let MemorySettings { policy, lock_for, .. } = spec.memory;
    let hold = HoldFor { acting: lock_for, settling: policy.settle() };
    lock.take(&spec.id, spec.mode, hold, ports.clock.now()).await
}

/// Audits a plan, writes the intent down, and acts.
async fn carry_out(
    spec: &CycleSpec,
    ports: &Ports<'_>,
    mut memory: Option<&mut Memory>,
    observation: &Observation,
    group_until: Option<Timestamp>,
) -> Result<Outcome, CycleError> {
    let plan = match &observation.report.decision {
        Decision::Balanced => return Ok(Outcome::Balanced),
        Decision::Hold(_) => return Ok(Outcome::Held),
        Decision::Rotate(plan) => plan,
    };
    let (snapshot, constraints) = (&observation.snapshot, &observation.constraints);
    let audited = journaled(ports, Step::Audit, || audit(plan, snapshot, &spec.policy, constraints));
    let audited: AuditedPlan<'_> = match audited {
        Ok(audited) => audited,
        Err(violations) => return Ok(Outcome::AuditFailed(violations)),
    };
    // Taking the lock took its time. What can't be carried out any more uses no approval up.
    if let Some(why) = ports.interrupt.requested() {
        return Err(CycleError::Stopped(why));
    }
    let consent = match spec.approval {
        Approval::NotRequired => None,
        Approval::Required(limits) => {
            match ask(ports, memory.as_deref_mut(), observation, plan, &limits).await? {
                Ok(approved) => Some(approved),
                Err(asked) => {
                    ports.journal.asked(observation, spec.mode, &asked);
                    return Ok(Outcome::AwaitsApproval { mode: spec.mode, asked: Box::new(asked) });
                }
            }
        }
    };
    let permission = consent.as_ref().map_or(Permission::NotRequired, Permission::Approved);
    if let (Some(memory), Some(store)) = (memory.as_deref_mut(), ports.store) {
        let now = ports.clock.now();
        let begun = memory.begin(store, &observation.report, plan, permission, now).await;
        begun.map_err(CycleError::NotBegun)?;
    }
    // A dry run uses nothing up.
    if let (Some(approved), Mode::Real) = (permission.approval(), spec.mode) {
        ports.journal.approved(observation, approved);
    }
    let held_until = memory.and_then(|memory| memory.held_until()).into_iter().chain(group_until).min();
    let in_time = |until: Timestamp| until.checked_sub(spec.memory.one_removal).unwrap_or(Timestamp::MIN);
    let settings = ActSettings {
        cycle: &spec.id,
        mode: spec.mode,
        permission,
        lock_until: held_until.map(in_time),
        look_every: spec.watch.every,
    };
    Ok(Outcome::Acted { mode: spec.mode, pods: act(&audited, ports, &settings).await })
}

/// Whether somebody approved this plan; nobody can be asked without a record.
async fn ask(
    ports: &Ports<'_>,
    memory: Option<&mut Memory>,
    observation: &Observation,
    plan: &Plan,
    limits: &ApprovalLimits,
) -> Result<Result<Approved, Asked>, CycleError> {
    let (Some(memory), Some(store)) = (memory, ports.store) else {
        return Err(CycleError::NotBegun(NotBegun::NoRecord));
    };
    let answer = memory.ask(store, &observation.snapshot, plan, limits, ports.clock.now()).await;
    answer.map_err(CycleError::NotBegun)
}

/// Does a step, and reports when it begins and ends.
fn journaled<T>(ports: &Ports<'_>, step: Step, work: impl FnOnce() -> T) -> T {
    ports.journal.began(step);
    let done = work();
    ports.journal.ended(step);
    done
}
