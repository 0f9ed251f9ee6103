//! `rebalancer plan`: observe and decide only, and explain every pod.

use jiff::Timestamp;
use rebalancer_core::cycle::Memory;
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::port::Mode;
use rebalancer_kube::LeaseStore;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Exit;
use super::each::{each_workload, worst};
use crate::adapters::Adapters;
use crate::config::{RunSettings, Settings};
use crate::interrupt::Signals;
use crate::render::{self, Form, Shown};
use crate::telemetry;

pub(super) async fn run(workloads: Vec<Settings>, form: Form) -> Exit {
    let work = async |adapters: &Adapters, settings: RunSettings, signals: &Signals| {
        let span = telemetry::plan(&settings.subject.workload);
        one(adapters, &settings, signals, form).instrument(span).await
    };
    worst(each_workload(workloads, work).await)
}

async fn one(adapters: &Adapters, settings: &RunSettings, signals: &Signals, form: Form) -> Exit {
    match explain(adapters, settings, signals, form).await {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(event = "plan_failed", error = format!("{error:#}"), "no plan could be made");
            Exit::Failed
        }
    }
}

async fn explain(
    adapters: &Adapters,
    settings: &RunSettings,
    signals: &Signals,
    form: Form,
) -> anyhow::Result<()> {
    let watch = signals.until(Instant::now() + settings.timeout);
    let mut memory = remember(adapters, settings).await;
    let subject = &settings.subject;
    let observation = adapters.observe(subject, &settings.policy, memory.as_mut(), &watch).await?;
    let last = memory.as_ref().and_then(|memory| memory.record().rotations().last());
    let shown =
        Shown { report: &observation.report, names: &settings.names, last, usage: adapters.metrics.usage() };
    render::plan(form, &shown)
}

/// What is remembered, only to be looked at. A plan is shown without it too, since it changes nothing.
async fn remember(adapters: &Adapters, settings: &RunSettings) -> Option<Memory> {
    let MemorySettings { policy, lock_for, .. } = settings.memory?;
    let store = LeaseStore::new(&adapters.connection, &settings.subject.workload);
    match Memory::open(&store, "plan", Mode::DryRun, lock_for, policy, Timestamp::now()).await {
        Ok(memory) => Some(memory),
        Err(error) => {
            tracing::warn!(
                event = "record_not_read",
                reason = error.name(),
                %error,
                "the plan was made without the record; a run would hold"
            );
            None
        }
    }
}
