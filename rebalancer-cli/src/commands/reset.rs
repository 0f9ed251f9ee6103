//! `rebalancer reset`: closes the circuit breaker, by an operator's explicit choice.

use anyhow::Context as _;
use jiff::Timestamp;
use rebalancer_core::cycle::Memory;
use rebalancer_core::cycle::Remembering;
use rebalancer_core::history::{Breaker, Record};
use rebalancer_core::port::Mode;
use rebalancer_kube::LeaseStore;
use tracing::Instrument as _;

use super::Exit;
use super::observe::Eyes;
use super::turns::{in_turn, worst};
use crate::config::{Settings, Task};
use crate::interrupt::Signals;
use crate::render;
use crate::telemetry;

pub(super) async fn run(workloads: Vec<Settings>) -> Exit {
    let work = async |eyes: &Eyes, task: Task, _: &Signals| {
        let span = telemetry::reset(&task.subject.workload);
        one(eyes, &task).instrument(span).await
    };
    worst(in_turn(workloads, work).await)
}

async fn one(eyes: &Eyes, task: &Task) -> Exit {
    match reset(eyes, task).await {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(event = "reset_failed", error = format!("{error:#}"), "nothing was reset");
            Exit::Failed
        }
    }
}

async fn reset(eyes: &Eyes, task: &Task) -> anyhow::Result<()> {
    let Remembering { history_policy, lock_for, .. } =
        task.remembering.context("RECORD_STORE=none: there is no record, so there is nothing to reset")?;
    let store = LeaseStore::new(&eyes.connection, &task.subject.workload);
    let holder = format!("reset-{}", uuid::Uuid::now_v7());
    let mut memory =
        Memory::open(&store, &holder, task.mode, lock_for, history_policy, Timestamp::now()).await?;
    let before = state(memory.record());
    memory.forgive();
    let after = state(memory.record());
    memory.leave(&store, Timestamp::now()).await?;
    let what = match task.mode {
        Mode::Real => "reset",
        Mode::DryRun => "would be reset (dry run)",
    };
    render::print(&format!("{}: {what}\nbefore  {before}\nafter   {after}\n", task.subject.workload))
}

/// What a reset changes. The removal budget, the last rotations and the counters stay.
fn state(record: &Record) -> String {
    let breaker = match record.breaker() {
        Breaker::Closed => "breaker closed".to_owned(),
        Breaker::Open { until, why, .. } => format!("breaker open until {until:.0}: {why}"),
        Breaker::HalfOpen { why, .. } => format!("breaker half open: {why}"),
    };
    let (unhelpful, failed) = (record.unhelpful_in_a_row(), record.failures_in_a_row());
    format!("{breaker}; {unhelpful} rotations in a row did not help, {failed} cycles in a row failed")
}
