//! `rebalancer plan`: observe and decide only, and explain every pod.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rebalancer_core::advice::{LoadBasis, advise};
use rebalancer_core::cycle::Memory;
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::history;
use rebalancer_core::port::Mode;
use rebalancer_core::report::Decision;
use rebalancer_kube::LeaseStore;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Exit;
use super::each::{Begun, each_workload, worst};
use crate::adapters::{Adapters, Group};
use crate::args::{PlanCode, PlanFiles};
use crate::config::{RunSettings, Several};
use crate::render::report::Report;
use crate::render::{self, Approval, Form, Pods, Shown};
use crate::{atomic_file, saved, telemetry};

/// What is to be in the files, a workload after the other.
#[derive(Default)]
struct Made {
    lines: Option<Mutex<Vec<String>>>,
    reports: Option<Mutex<Vec<Report>>>,
}

/// Where it is wanted.
fn put<T>(list: Option<&Mutex<Vec<T>>>, one: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<()> {
    if let Some(list) = list {
        let one = one()?;
        list.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }
    Ok(())
}

/// All of it; `None` where it is not wanted.
fn all<T>(list: Option<Mutex<Vec<T>>>) -> Option<Vec<T>> {
    list.map(|list| list.into_inner().unwrap_or_else(PoisonError::into_inner))
}

pub(super) async fn run(
    several: Several,
    shape: (Form, Pods),
    PlanFiles { save, report }: PlanFiles,
    code: PlanCode,
) -> Exit {
    let made =
        Made { lines: save.is_some().then(Mutex::default), reports: report.is_some().then(Mutex::default) };
    let work = async |adapters: &Adapters, settings: RunSettings, begun: &Begun<'_>| {
        let span = telemetry::plan(&settings.target());
        let exit = one(adapters, &settings, begun, shape, &made).instrument(span).await;
        match code {
            PlanCode::Made if exit == Exit::WouldAct => Exit::Finished,
            PlanCode::Made | PlanCode::WouldAct => exit,
        }
    };
    let mut exit = worst(each_workload(several, work).await);
    if let (Some(file), Some(lines)) = (save, all(made.lines)) {
        exit = exit.max(keep(&file, &lines));
    }
    if let (Some(file), Some(reports)) = (report, all(made.reports)) {
        exit = exit.max(write_reports(&file, &reports));
    }
    exit
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

/// Writes a report on each workload that could be looked at. Without any, whatever was in the file stays.
pub(super) fn write_reports(file: &Path, reports: &[Report]) -> Exit {
    if reports.is_empty() {
        return Exit::Failed;
    }
    match render::report::write(reports, file) {
        Ok(()) => Exit::Finished,
        Err(error) => {
            let (file, error) = (file.display(), format!("{error:#}"));
            tracing::error!(event = "report_not_written", %file, error, "the report was not written");
            Exit::Failed
        }
    }
}

async fn one(
    adapters: &Adapters,
    settings: &RunSettings,
    begun: &Begun<'_>,
    shape: (Form, Pods),
    made: &Made,
) -> Exit {
    match explain(adapters, settings, begun, shape, made).await {
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
    begun: &Begun<'_>,
    (form, pods): (Form, Pods),
    made: &Made,
) -> anyhow::Result<Decision> {
    let watch = begun.signals.until(Instant::now() + settings.timeout);
    let mut memory = remember(adapters, settings).await;
    let subject = &settings.subject;
    let observation = adapters.observe(subject, &settings.policy, memory.as_mut(), &watch).await?;
    let observation = adapters.beside_lock(observation, &settings.policy, &watch).await?;
    let last = memory.as_ref().and_then(|memory| memory.record().rotations().last());
    let shown = Shown {
        cluster: settings.cluster.as_deref(),
        report: &observation.report,
        names: Some(&settings.names),
        last,
        usage: adapters.metrics.usage(),
        kafka: adapters.group.as_ref().map(Group::usage),
        approval: Approval {
            required: matches!(settings.approval, history::Approval::Required(_)),
            proposal: memory.as_ref().and_then(|memory| memory.record().proposal()),
        },
        replayed: None,
    };
    begun.in_turn().await;
    render::plan(form, pods, &shown)?;
    let (seen, policy, constraints) = (&observation.snapshot, &settings.policy, &observation.constraints);
    put(made.reports.as_ref(), || {
        let advice = advise(seen, policy, constraints, &LoadBasis::Present).ok();
        Ok(render::report::plan::report(&shown, advice.as_ref()))
    })?;
    put(made.lines.as_ref(), || Ok(saved::line(seen, policy, constraints, &shown)?))?;
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
