//! `rebalancer run`: one cycle for each workload.

use jiff::Timestamp;
use rebalancer_core::cycle::{self, CycleEnd, CycleError, GroupLock, Journal, Outcome, Ports};
use rebalancer_core::history::{Budget, StateError};
use rebalancer_core::port::Mode;
use rebalancer_kube::{EventRecorder, KubeRemover, LeaseStore};
use rebalancer_prom::Usage;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, warn};

use super::Exit;
use super::each::{Begun, each_workload};
use super::tally::{self, Ended};
use crate::adapters::Adapters;
use crate::advice;
use crate::clock::SystemClock;
use crate::config::{RunSettings, Several};
use crate::interrupt::Watch;
use crate::journal::{EventJournal, Journals, LogJournal, StepJournal, TrailEntry, TrailJournal};
use crate::notify::{self, Told};
use crate::target::Target;
use crate::telemetry::{self, MetricsJournal, Run};

const FAILED: Ended = Ended { status: "failed", exit: Exit::Failed, success: false };
/// No failure, since nothing is broken that a repetition would mend; and no success, since the fleet was not looked at.
/// If it stays so, the alert on missing successes fires.
const HELD: Ended = Ended { status: "held", exit: Exit::Finished, success: false };

pub(super) async fn run(several: Several) -> Exit {
    let started = Instant::now();
    match each_workload(several, one).await {
        Ok(turns) => tally::conclude(&turns, started),
        Err(exit) => exit,
    }
}

async fn one(adapters: &Adapters, run: RunSettings, begun: &Begun<'_>) -> Ended {
    let watch = begun.signals.until(Instant::now() + run.timeout);
    turn(adapters, run, &watch).await.ended
}

/// A cycle, with all that may be told of it.
pub(super) struct Turn {
    pub(super) ended: Ended,
    target: Target,
    dry_run: bool,
    budget: Option<Budget>,
    /// When it ended.
    pub(super) at: Timestamp,
    pub(super) end: CycleEnd,
    /// What it saw and decided, for its metrics.
    seen: MetricsJournal,
    /// The removals that it intended and finished.
    pub(super) trail: Vec<TrailEntry>,
}

impl Turn {
    /// As its metrics are made of it.
    pub(super) fn run(&self) -> Run<'_> {
        Run {
            target: &self.target,
            status: self.ended.status,
            success: self.ended.success,
            dry_run: self.dry_run,
            ended: self.at,
            budget: self.budget,
            record: self.end.record.as_ref(),
            journal: &self.seen,
        }
    }
}

/// A cycle of its own: its id, its time, its outcome.
pub(super) async fn turn(adapters: &Adapters, run: RunSettings, watch: &Watch) -> Turn {
    let (span, id) = telemetry::cycle(&run.target());
    let turn = whole(adapters, run, id, watch).instrument(span.clone()).await;
    telemetry::concluded(&span, turn.ended.status, turn.ended.exit == Exit::Failed);
    turn
}

async fn whole(adapters: &Adapters, mut run: RunSettings, id: String, watch: &Watch) -> Turn {
    let started = Instant::now();
    log_start(&run);
    let export = std::mem::take(&mut run.export);
    let notify = run.notify.clone();
    let (target, dry_run) = (run.target(), run.mode == Mode::DryRun);
    let budget = run.memory.and_then(|memory| memory.policy.budget());
    let seen = MetricsJournal::new(export.per_pod);
    let trail = TrailJournal::default();
    let end = cycle(adapters, run, id.clone(), watch, (started, &seen, &trail)).await;
    let (ended, at) = (conclude(&end, started), Timestamp::now());
    let turn = Turn { ended, target, dry_run, budget, at, end, seen, trail: trail.entries() };
    let told = Told { target: &turn.target, cycle: &id, at };
    notify::send(notify.as_ref(), told, &turn.end.notices).await;
    telemetry::send(&export, &turn.run()).await;
    turn
}

/// The cycle with the real world behind its ports.
async fn cycle(
    adapters: &Adapters,
    run: RunSettings,
    id: String,
    watch: &Watch,
    (started, seen, trail): (Instant, &MetricsJournal, &TrailJournal),
) -> CycleEnd {
    let remover = KubeRemover::new(&adapters.connection, run.method);
    let store = LeaseStore::new(&adapters.connection, &run.subject.workload);
    let (log, events, steps) =
        (LogJournal::since(started, run.names.clone()), EventJournal::default(), StepJournal::default());
    let mut journals: Vec<&dyn Journal> = vec![&log, &steps, seen, trail];
    if run.events {
        journals.push(&events);
    }
    let journal = Journals(journals);
    let ports = Ports::new(&adapters.metrics, &adapters.inventory, &remover, &SystemClock)
        .with_journal(&journal)
        .with_interrupt(watch)
        .with_forecaster(&adapters.forecaster);
    let ports = match &adapters.view {
        Some(view) => ports.with_view(view),
        None => ports,
    };
    let ports = match &adapters.group {
        Some(group) => ports.with_group(group.side()),
        None => ports,
    };
    let ports = match &adapters.cruise_control {
        Some(cruise_control) => ports.with_cruise_control(cruise_control),
        None => ports,
    };
    let ports = if run.memory.is_some() { ports.with_store(&store) } else { ports };
    let who = run.target().to_string();
    let ports = match &adapters.group_lock {
        Some(store) => ports.with_group_lock(GroupLock { store, who: &who }),
        None => ports,
    };
    let recorder = EventRecorder::new(&adapters.connection, &id);
    let end = cycle::run(&run.spec(id), &ports).await;
    log_usage(adapters.metrics.usage());
    if let Some(group) = &adapters.group {
        log_kafka_usage(group.usage());
    }
    if let Ok(outcome) = &end.outcome {
        events.post(&recorder, outcome).await;
    }
    end
}

/// How kind the cycle was to the metric server.
fn log_usage(usage: Usage) {
    let Usage { queries, retries, errors, bytes } = usage;
    info!(
        event = "metrics_usage",
        queries, retries, errors, bytes, "queries to the metric server in this cycle"
    );
}

/// How kind the cycle was to Kafka.
fn log_kafka_usage(usage: rebalancer_kafka::Usage) {
    let rebalancer_kafka::Usage { connections, requests, bytes_sent, bytes_received } = usage;
    info!(
        event = "kafka_usage",
        connections, requests, bytes_sent, bytes_received, "requests to Kafka in this cycle"
    );
}

fn log_start(run: &RunSettings) {
    info!(
        event = "cycle_started",
        dry_run = run.mode == Mode::DryRun,
        version = env!("CARGO_PKG_VERSION"),
        "the cycle begins"
    );
}

fn conclude(end: &CycleEnd, started: Instant) -> Ended {
    if let Some(error) = &end.unwritten {
        warn!(
            event = "record_not_written",
            reason = error.name(),
            %error,
            "the end of the cycle could not be recorded; the lock expires by itself, and the next cycle checks what became of the removals"
        );
    }
    match &end.outcome {
        Ok(outcome) => finished(outcome, started),
        Err(CycleError::Memory(error)) => without_memory(error, started),
        Err(error @ (CycleError::Observe(_) | CycleError::NotBegun(_) | CycleError::Stopped(_))) => {
            fail(error, started)
        }
    }
}

fn fail(error: &CycleError, started: Instant) -> Ended {
    error!(
        event = "cycle_finished",
        status = "failed",
        error = advice::failure(error),
        seconds = started.elapsed().as_secs_f64(),
        "the cycle failed; `rebalancer check` with the same settings looks for the cause"
    );
    FAILED
}

/// Nothing may be done without memory, unless the user wants it so. That another run is at work is no failure.
fn without_memory(error: &StateError, started: Instant) -> Ended {
    let (reason, seconds) = (error.name(), started.elapsed().as_secs_f64());
    match error {
        StateError::Unavailable { .. } => {
            error!(event = "cycle_finished", status = "failed", reason, %error, seconds, "the cycle failed; `rebalancer check` with the same settings looks for the cause");
            FAILED
        }
        StateError::Forbidden { .. } | StateError::Rejected { .. } => {
            error!(
                event = "cycle_finished", status = "failed", reason, %error, seconds,
                "nothing is done without the record; RECORD_STORE=none turns the record and the lock off"
            );
            FAILED
        }
        StateError::Held { .. } => {
            info!(event = "cycle_finished", status = "held", reason, %error, seconds, "another run is at work");
            HELD
        }
        StateError::Conflict { .. } | StateError::Newer { .. } | StateError::Unreadable { .. } => {
            error!(
                event = "cycle_finished", status = "held", reason, %error, seconds,
                "nothing is done without the record; RECORD_STORE=none turns the record and the lock off"
            );
            HELD
        }
    }
}

fn finished(outcome: &Outcome, started: Instant) -> Ended {
    if let Outcome::AuditFailed(violations) = outcome {
        for violation in violations {
            error!(event = "audit_violation", %violation, "the plan breaks a safety rule; nothing was removed");
        }
    }
    let (status, seconds) = (outcome.status(), started.elapsed().as_secs_f64());
    let Counts { removed, refused, spared, failed, not_attempted } = Counts::of(outcome);
    macro_rules! say {
        ($log:ident, $words:literal) => {
            $log!(
                event = "cycle_finished",
                status,
                seconds,
                removed,
                refused,
                spared,
                failed,
                not_attempted,
                $words
            )
        };
    }
    if outcome.is_failure() {
        say!(error, "the cycle failed; `rebalancer check` with the same settings looks for the cause");
        Ended { status, exit: Exit::Failed, success: false }
    } else {
        say!(info, "the cycle finished");
        Ended { status, exit: Exit::Finished, success: true }
    }
}

/// How many of the chosen pods ended how. What was refused, or only tried, is not removed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    removed: usize,
    refused: usize,
    spared: usize,
    failed: usize,
    not_attempted: usize,
}

impl Counts {
    fn of(outcome: &Outcome) -> Self {
        let Outcome::Acted { pods, .. } = outcome else { return Self::default() };
        let count = |name| pods.iter().filter(|(_, outcome)| outcome.name() == name).count();
        Self {
            removed: count("removed"),
            refused: count("refused"),
            spared: count("spared"),
            failed: count("failed") + count("unknown"),
            not_attempted: count("not_attempted"),
        }
    }
}
