//! `rebalancer reset`: closes the circuit breaker, by an operator's explicit choice.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rebalancer_core::cycle::Memory;
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::history::{Breaker, Record, StateStore as _};
use rebalancer_core::port::Mode;
use rebalancer_kube::LeaseStore;
use tracing::Instrument as _;

use super::Exit;
use super::each::{Begun, each_workload, worst};
use crate::adapters::Adapters;
use crate::config::{RunSettings, Several};
use crate::render;
use crate::telemetry;

pub(super) async fn run(several: Several) -> Exit {
    let work = async |adapters: &Adapters, settings: RunSettings, begun: &Begun<'_>| {
        let span = telemetry::reset(&settings.target());
        one(adapters, &settings, begun).instrument(span).await
    };
    worst(each_workload(several, work).await)
}

async fn one(adapters: &Adapters, settings: &RunSettings, begun: &Begun<'_>) -> Exit {
    match reset(adapters, settings, begun).await {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(event = "reset_failed", error = format!("{error:#}"), "nothing was reset");
            Exit::Failed
        }
    }
}

async fn reset(adapters: &Adapters, settings: &RunSettings, begun: &Begun<'_>) -> anyhow::Result<()> {
    let MemorySettings { policy, lock_for, .. } =
        settings.memory.context("RECORD_STORE=none: there is no record, so there is nothing to reset")?;
    let store = LeaseStore::new(&adapters.connection, &settings.subject.workload);
    if store.peek(Timestamp::now()).await?.record == Record::default() {
        bail!(
            "there is no record of {}, so there is nothing to reset: look at its name and namespace",
            settings.target()
        );
    }
    let holder = format!("reset-{}", uuid::Uuid::now_v7());
    let mut memory = Memory::open(&store, &holder, settings.mode, lock_for, policy, Timestamp::now()).await?;
    let before = state(memory.record());
    memory.forgive();
    let after = state(memory.record());
    memory.leave(&store, Timestamp::now()).await?;
    let what = match settings.mode {
        Mode::Real => "reset",
        Mode::DryRun => "would be reset (dry run)",
    };
    begun.in_turn().await;
    render::print(&format!("{}: {what}\nbefore  {before}\nafter   {after}\n", settings.target()))
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
