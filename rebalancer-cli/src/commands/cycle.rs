//! `rebalancer run`: one cycle.

use rebalancer_core::cycle::{self, End, Failed, Hands, Outcome, Ports};
use rebalancer_core::history::StateError;
use rebalancer_core::port::{Journal, Mode};
use rebalancer_kube::{EventRecorder, KubeRemover, LeaseStore};
use rebalancer_prom::Usage;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span, warn};

use super::observe::Eyes;
use super::{Exit, block_on};
use crate::clock::SystemClock;
use crate::config::{Settings, Task};
use crate::interrupt::Watch;
use crate::journal::{EventJournal, Journals, LogJournal};

pub(super) fn run(settings: Settings) -> Exit {
    let id = uuid::Uuid::now_v7().to_string();
    let span = info_span!(
        "cycle",
        cycle_id = id,
        namespace = settings.task.subject.workload.namespace,
        workload = settings.task.subject.workload.name
    );
    block_on(whole(settings, id).instrument(span))
}

async fn whole(settings: Settings, id: String) -> Exit {
    let started = Instant::now();
    let eyes = match Eyes::open(settings.sight).await {
        Ok(eyes) => eyes,
        Err(exit) => return exit,
    };
    log_start(&settings.task);
    let watch = match Watch::start(started + settings.task.timeout) {
        Ok(watch) => watch,
        Err(error) => return fail(&error, started),
    };
    conclude(cycle(&eyes, settings.task, id, &watch, started).await, started)
}

/// The cycle with the real world behind its ports.
async fn cycle(eyes: &Eyes, task: Task, id: String, watch: &Watch, started: Instant) -> End {
    let remover = KubeRemover::new(&eyes.connection, task.method);
    let store = LeaseStore::new(&eyes.connection, &task.subject.workload);
    let (log, events) = (LogJournal::since(started), EventJournal::default());
    let mut journals: Vec<&dyn Journal> = vec![&log];
    if task.events {
        journals.push(&events);
    }
    let journal = Journals(journals);
    let hands = Hands {
        inventory: &eyes.inventory,
        deleter: &remover,
        journal: &journal,
        interrupt: watch,
        clock: &SystemClock,
    };
    let ports = Ports { metrics: &eyes.metrics, store: &store, hands };
    let recorder = EventRecorder::new(&eyes.connection, &id);
    let end = cycle::run(&task.of_cycle(id), &ports).await;
    log_usage(eyes.metrics.usage());
    if let Ok(outcome) = &end.outcome {
        events.post(&recorder, outcome).await;
    }
    end
}

/// How kind the cycle was to the metric server.
fn log_usage(usage: Usage) {
    let Usage { queries, retries, bytes } = usage;
    info!(event = "metrics_usage", queries, retries, bytes, "what the metric server was asked");
}

fn log_start(task: &Task) {
    info!(
        event = "cycle_started",
        dry_run = task.mode == Mode::DryRun,
        version = env!("CARGO_PKG_VERSION"),
        "the cycle begins"
    );
}

fn conclude(end: End, started: Instant) -> Exit {
    if let Some(error) = end.unwritten {
        warn!(
            event = "record_not_written",
            reason = error.name(),
            %error,
            "how the cycle ended was not recorded; the lock frees itself, and the next cycle finishes the story"
        );
    }
    match end.outcome {
        Ok(outcome) => finished(&outcome, started),
        Err(Failed::Memory(error)) => without_memory(&error, started),
        Err(error @ (Failed::Observe(_) | Failed::NotBegun(_) | Failed::Stopped(_))) => fail(&error, started),
    }
}

fn fail(error: &dyn std::error::Error, started: Instant) -> Exit {
    error!(
        event = "cycle_finished",
        status = "failed",
        %error,
        seconds = started.elapsed().as_secs_f64(),
        "the cycle failed"
    );
    Exit::Failed
}

/// Nothing may be done without memory, unless the user wants it so. That another run is at work is no failure.
fn without_memory(error: &StateError, started: Instant) -> Exit {
    let (reason, seconds) = (error.name(), started.elapsed().as_secs_f64());
    match error {
        StateError::Unavailable { .. } => {
            error!(event = "cycle_finished", status = "failed", reason, %error, seconds, "the cycle failed");
            Exit::Failed
        }
        StateError::Forbidden { .. } | StateError::Rejected { .. } => {
            error!(
                event = "cycle_finished", status = "failed", reason, %error, seconds,
                "nothing is done without memory; RECORD_STORE=none does without, by your choice"
            );
            Exit::Failed
        }
        StateError::Held { .. } => {
            info!(event = "cycle_finished", status = "held", reason, %error, seconds, "another run is at work");
            Exit::Finished
        }
        StateError::Conflict { .. } | StateError::Newer { .. } | StateError::Unreadable { .. } => {
            error!(
                event = "cycle_finished", status = "held", reason, %error, seconds,
                "nothing is done without memory; RECORD_STORE=none does without, by your choice"
            );
            Exit::Finished
        }
    }
}

fn finished(outcome: &Outcome, started: Instant) -> Exit {
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
        say!(error, "the cycle failed");
        Exit::Failed
    } else {
        say!(info, "the cycle finished");
        Exit::Finished
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
