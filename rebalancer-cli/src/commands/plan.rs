//! `rebalancer plan`: observe and decide only, and explain every pod.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rebalancer_core::advice::{LoadBasis, advise};
use rebalancer_core::cycle::Memory;
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::port::Mode;
use rebalancer_core::report::Decision;
use rebalancer_kube::LeaseStore;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Exit;
use super::each::{each_workload, worst};
use crate::adapters::{Adapters, Group};
use crate::args::{PlanCode, PlanFiles};
use crate::config::{RunSettings, WorkloadSettings};
use crate::interrupt::Signals;
use crate::render::{self, Form, Shown};
use crate::{atomic_file, saved, telemetry};

/// The lines of a file of plans, when there is to be one.
type Lines = Option<Mutex<Vec<String>>>;

pub(super) async fn run(
    workloads: Vec<WorkloadSettings>,
    form: Form,
    PlanFiles { save, report }: PlanFiles,
    code: PlanCode,
) -> Exit {
    let lines: Lines = save.is_some().then(Mutex::default);
    let work = async |adapters: &Adapters, settings: RunSettings, signals: &Signals| {
        let span = telemetry::plan(&settings.subject.workload);
        let exit =
            one(adapters, &settings, signals, form, (&lines, report.as_deref())).instrument(span).await;
        match code {
            PlanCode::Made if exit == Exit::WouldAct => Exit::Finished,
            PlanCode::Made | PlanCode::WouldAct => exit,
        }
    };
    let exit = worst(each_workload(workloads, work).await);
    match (save, lines) {
        (Some(file), Some(lines)) => {
            exit.max(keep(&file, &lines.into_inner().unwrap_or_else(PoisonError::into_inner)))
        }
        (Some(_) | None, _) => exit,
    }
}

/// Writes the plans that were made. Without any, whatever was in the file stays.
fn keep(file: &Path, lines: &[String]) -> Exit {
    if lines.is_empty() {
        return Exit::Failed;
    }
    match atomic_file::replace(file, &format!("{}\n", lines.join("\n")), 0o600) {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(event = "plan_not_saved", file = %file.display(), %error, "the plan was not saved");
            Exit::Failed
        }
    }
}

async fn one(
    adapters: &Adapters,
    settings: &RunSettings,
    signals: &Signals,
    form: Form,
    files: (&Lines, Option<&Path>),
) -> Exit {
    match explain(adapters, settings, signals, form, files).await {
        Ok(Decision::Rotate(_)) => Exit::WouldAct,
        Ok(Decision::Balanced | Decision::Hold(_)) => Exit::Finished,
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
    (lines, report): (&Lines, Option<&Path>),
) -> anyhow::Result<Decision> {
    let watch = signals.until(Instant::now() + settings.timeout);
    let mut memory = remember(adapters, settings).await;
    let subject = &settings.subject;
    let observation = adapters.observe(subject, &settings.policy, memory.as_mut(), &watch).await?;
    let last = memory.as_ref().and_then(|memory| memory.record().rotations().last());
    let shown = Shown {
        report: &observation.report,
        names: Some(&settings.names),
        last,
        usage: adapters.metrics.usage(),
        kafka: adapters.group.as_ref().map(Group::usage),
        replayed: None,
    };
    render::plan(form, &shown)?;
    if let Some(file) = report {
        let seen = &observation.snapshot;
        let advice = advise(seen, &settings.policy, &observation.constraints, &LoadBasis::Present).ok();
        render::report::write(&render::report::plan::report(&shown, advice.as_ref()), file)?;
    }
    if let Some(lines) = lines {
        let line = saved::line(&observation.snapshot, &settings.policy, &observation.constraints, &shown)?;
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
    Ok(observation.report.decision)
}

/// What is remembered, only to be looked at. A plan is shown without it too, since it changes nothing.
pub(super) async fn remember(adapters: &Adapters, settings: &RunSettings) -> Option<Memory> {
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
