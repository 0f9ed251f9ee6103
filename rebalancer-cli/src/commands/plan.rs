//! `rebalancer plan`: observe and decide only, and explain every pod.

use jiff::Timestamp;
use rebalancer_core::cycle::Remembering;
use rebalancer_core::port::Mode;
use rebalancer_core::remember::Memory;
use rebalancer_kube::LeaseStore;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Exit;
use super::observe::Eyes;
use super::turns::{in_turn, worst};
use crate::config::{Settings, Task};
use crate::interrupt::Signals;
use crate::render::{self, Form, Shown};
use crate::telemetry;

pub(super) async fn run(workloads: Vec<Settings>, form: Form) -> Exit {
    let work = async |eyes: &Eyes, task: Task, signals: &Signals| {
        let span = telemetry::plan(&task.subject.workload);
        one(eyes, &task, signals, form).instrument(span).await
    };
    worst(in_turn(workloads, work).await)
}

async fn one(eyes: &Eyes, task: &Task, signals: &Signals, form: Form) -> Exit {
    match explain(eyes, task, signals, form).await {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(event = "plan_failed", error = format!("{error:#}"), "no plan could be made");
            Exit::Failed
        }
    }
}

async fn explain(eyes: &Eyes, task: &Task, signals: &Signals, form: Form) -> anyhow::Result<()> {
    let watch = signals.until(Instant::now() + task.timeout);
    let mut memory = remember(eyes, task).await;
    let limited = memory.as_ref().map(|memory| memory.limited(&task.policy, Timestamp::now()));
    let policy = limited.as_ref().unwrap_or(&task.policy);
    let mut observation = eyes.observe(&task.subject, policy, &watch).await?;
    if let Some(memory) = &mut memory {
        memory.look_back(&observation, Timestamp::now());
        memory.hold_if_paused(&mut observation.report, Timestamp::now());
    }
    let last = memory.as_ref().and_then(|memory| memory.record().rotations().last());
    let shown = Shown { observation: &observation, names: &task.names, last, usage: eyes.metrics.usage() };
    render::plan(form, &shown)
}

/// What is remembered, only to be looked at. A plan is shown without it too, since it changes nothing.
async fn remember(eyes: &Eyes, task: &Task) -> Option<Memory> {
    let Remembering { patience, lock_for, .. } = task.remembering?;
    let store = LeaseStore::new(&eyes.connection, &task.subject.workload);
    match Memory::open(&store, "plan", Mode::DryRun, lock_for, patience, Timestamp::now()).await {
        Ok(memory) => Some(memory),
        Err(error) => {
            tracing::warn!(
                event = "record_not_read",
                reason = error.name(),
                %error,
                "the plan is made without memory; a run would hold"
            );
            None
        }
    }
}
