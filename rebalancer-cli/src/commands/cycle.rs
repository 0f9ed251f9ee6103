//! `rebalancer run`: one cycle.

use anyhow::anyhow;
use jiff::Timestamp;
use rebalancer_core::cycle::{Hands, Observation, Outcome, act};
use rebalancer_core::history::StateError;
use rebalancer_core::port::Mode;
use rebalancer_core::report::{Decision, Method, Report};
use rebalancer_kube::KubeRemover;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, error, info, info_span, warn};

use super::memory::Remembering;
use super::observe::Eyes;
use super::{Exit, block_on};
use crate::config::{Settings, Task};
use crate::interrupt::Watch;
use crate::journal::LogJournal;

pub(super) fn run(settings: Settings) -> Exit {
    let id = uuid::Uuid::now_v7().to_string();
    let span = info_span!(
        "cycle",
        cycle_id = id,
        namespace = settings.task.subject.workload.namespace,
        workload = settings.task.subject.workload.name
    );
    let whole = async {
        let started = Instant::now();
        let eyes = match Eyes::open(settings.sight).await {
            Ok(eyes) => eyes,
            Err(exit) => return exit,
        };
        log_start(&settings.task);
        let watch = match Watch::start(started + settings.task.timeout) {
            Ok(watch) => watch,
            Err(error) => return fail(&error.into(), started),
        };
        let opening = Remembering::open(&eyes.connection, &settings.task, settings.task.mode, &id);
        let memory = tokio::select! {
            memory = opening => memory,
            why = watch.stopped() => return fail(&anyhow!("stopped before it began: {why}"), started),
        };
        let memory = match memory {
            Ok(memory) => memory,
            Err(error) => return without_memory(&error, started),
        };
        match cycle(&eyes, &settings.task, memory, &watch, started).await {
            Ok(outcome) => conclude(&outcome, started),
            Err(error) => fail(&error, started),
        }
    };
    block_on(whole.instrument(span))
}

fn log_start(task: &Task) {
    info!(
        event = "cycle_started",
        dry_run = task.mode == Mode::DryRun,
        version = env!("CARGO_PKG_VERSION"),
        "the cycle begins"
    );
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

/// One cycle, whose end is written down in any case.
async fn cycle(
    eyes: &Eyes,
    task: &Task,
    mut memory: Remembering,
    watch: &Watch,
    started: Instant,
) -> anyhow::Result<Outcome> {
    if let Some(until) = memory.locked_until() {
        watch.holds_lock_until(until);
    }
    let outcome = observe_and_act(eyes, task, &mut memory, watch, started).await;
    memory.close(outcome.as_ref().ok()).await;
    outcome
}

async fn observe_and_act(
    eyes: &Eyes,
    task: &Task,
    memory: &mut Remembering,
    watch: &Watch,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let policy = memory.limited(&task.policy);
    let mut observation = eyes.observe(&task.subject, &policy, watch).await?;
    memory.judge(&mut observation);
    log_observation(&observation, started);
    memory.begin(&observation.report).await?;
    let remover = KubeRemover::new(&eyes.connection, task.method);
    let hands =
        Hands { inventory: &eyes.inventory, deleter: &remover, journal: &LogJournal, interrupt: watch };
    Ok(act(&observation, &policy, &hands, task.mode, Timestamp::now()).await)
}

fn fail(error: &anyhow::Error, started: Instant) -> Exit {
    error!(
        event = "cycle_finished",
        status = "failed",
        error = format!("{error:#}"),
        seconds = started.elapsed().as_secs_f64(),
        "the cycle failed"
    );
    Exit::Failed
}

/// One screen at info: what was seen of each indicator, and what follows. Every pod at debug.
fn log_observation(observation: &Observation, started: Instant) {
    let report = &observation.report;
    for degraded in &report.degraded {
        warn!(
            event = "indicator_degraded",
            indicator = degraded.indicator.name(),
            error = %degraded.error,
            "an indicator could not be read and is left out of this cycle"
        );
    }
    for seen in &report.indicators {
        info!(
            event = "indicator_analyzed",
            indicator = seen.indicator.name(),
            unit = seen.indicator.unit(),
            pods = seen.distribution.count,
            mean = seen.distribution.mean,
            cv = seen.distribution.cv,
            max = seen.distribution.max,
            max_to_mean = seen.distribution.max_to_mean,
            limit = %seen.limit,
            out_of_balance = seen.out_of_balance,
            "load over the eligible pods"
        );
    }
    for (observed, verdict) in observation.snapshot.pods.iter().zip(&report.verdicts) {
        let load = observed.loads.get(rebalancer_core::fleet::Indicator::Cpu).map(|load| load.get());
        debug!(event = "pod_judged", pod = observed.pod.name, uid = %observed.pod.uid, cpu = load, %verdict, "a pod");
    }
    log_prediction(report);
    info!(
        event = "decision",
        decision = name(&report.decision),
        reason = %report.decision,
        pods = observation.snapshot.pods.len(),
        serving = report.serving,
        eligible = report.eligible,
        gone = observation.snapshot.unlisted.len(),
        seconds = started.elapsed().as_secs_f64(),
        "decided"
    );
}

/// How pods were chosen, and what is expected of it.
fn log_prediction(report: &Report) {
    if report.method != Method::None {
        info!(event = "method", method = %report.method, "how pods are chosen");
    }
    if let Some(prediction) = &report.prediction {
        info!(
            event = "prediction",
            assignor = %prediction.assignor,
            cv_before = prediction.cv_before,
            expected_cv = prediction.expected_cv,
            cv_spread = prediction.cv_spread,
            better = prediction.better,
            relief_percent = prediction.relief_percent,
            draws = prediction.draws,
            "what the best batch is expected to bring"
        );
    }
}

/// A short stable name: `rotate`, `balanced`, or the hold's.
const fn name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Rotate(_) => "rotate",
        Decision::Balanced => "balanced",
        Decision::Hold(hold) => hold.name(),
    }
}

fn conclude(outcome: &Outcome, started: Instant) -> Exit {
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
