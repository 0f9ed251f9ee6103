//! `rebalancer backtest`: the production cycle over the past of a fleet. Reads the metric server and, where it is set up, Kafka.

mod kept;
mod offsets;
mod past;

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::{self, BacktestSpec, PartitionUnit};
use rebalancer_core::fleet::Indicator;
use rebalancer_prom::history::Kept;
use tracing::Instrument as _;

use super::Exit;
use super::plan::write_reports;
use crate::adapters::{Group, Loads};
use crate::args::PastRequest;
use crate::config::layers::Raw;
use crate::config::problem::Problem;
use crate::config::{RunSettings, WorkloadSettings};
use crate::interrupt::Signals;
use crate::render::Form;
use crate::render::backtest::{self as render, Offsets, Run, Shown};
use crate::render::report::{self, Report};
use crate::{config, telemetry};
use offsets::{Asking, NotFilled};
use past::{ReadPast, Span};

/// One combination of settings, with the workloads under it.
pub(super) struct Combination {
    settings: BTreeMap<String, String>,
    workloads: Vec<WorkloadSettings>,
}

/// Every combination that is to be compared.
///
/// # Errors
/// Everything that is wrong with the settings of the first one that can't be used.
pub(super) fn combinations(request: &PastRequest, raw: &Raw) -> Result<Vec<Combination>, Vec<Problem>> {
    let resolved = request.combinations().into_iter().map(|settings| {
        let workloads = config::workloads(&raw.with(&settings))?;
        Ok(Combination { settings, workloads })
    });
    resolved.collect()
}

pub(super) async fn run(request: &PastRequest, combinations: Vec<Combination>, form: Form) -> Exit {
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return failed(&error.into()),
    };
    let count = combinations.first().map_or(0, |first| first.workloads.len());
    let mut workloads: Vec<Vec<(BTreeMap<String, String>, WorkloadSettings)>> =
        (0..count).map(|_| Vec::new()).collect();
    for Combination { settings, workloads: under } in combinations {
        for (workload, of) in under.into_iter().zip(&mut workloads) {
            of.push((settings.clone(), workload));
        }
    }
    let (mut exit, mut reports) = (Exit::Finished, Vec::new());
    for workload in workloads {
        let done = tokio::select! {
            done = one(request, workload, form) => done,
            () = signals.wait() => Err(anyhow!("stopped by a signal; what --cache keeps is not asked for again")),
        };
        match done {
            Ok(report) => reports.extend(report),
            Err(error) => exit = exit.max(failed(&error)),
        }
        if signals.received() {
            break;
        }
    }
    match &request.report {
        Some(file) => exit.max(write_reports(file, &reports)),
        None => exit,
    }
}

fn failed(error: &anyhow::Error) -> Exit {
    tracing::error!(
        event = "backtest_failed",
        error = format!("{error:#}"),
        "the past could not be gone through"
    );
    Exit::Failed
}

/// One workload under each combination of settings; a report, where one is asked for.
async fn one(
    request: &PastRequest,
    runs: Vec<(BTreeMap<String, String>, WorkloadSettings)>,
    form: Form,
) -> anyhow::Result<Option<Report>> {
    let Some((_, first)) = runs.first() else { bail!("there is no workload") };
    let metrics = Loads::of(first.adapters.metrics.as_ref());
    let subject = first.run.subject.clone();
    let span = telemetry::plan(&first.run.target());
    async {
        let span = span_of(request, runs.iter().map(|(_, workload)| &workload.run))?;
        let group = first.adapters.kafka.clone().map(Group::open).filter(Group::is_asked);
        let Read { past, offsets } = read(&metrics, group.as_ref(), first, &span, request).await?;
        let mut done = Vec::with_capacity(runs.len());
        let mut advice = None;
        for (settings, workload) in &runs {
            let RunSettings { policy, memory, .. } = &workload.run;
            let mut spec = BacktestSpec::new(subject.clone(), policy.clone(), *memory, span.stride);
            spec.behind = request.lag.into();
            if first
                .adapters
                .metrics
                .as_ref()
                .is_some_and(|server| server.partitions == PartitionUnit::Produced)
            {
                spec.unit = PartitionUnit::Produced;
            }
            let spec = match &offsets {
                Offsets::Told { told, .. } => spec.with_offsets(told),
                Offsets::NotAsked | Offsets::NotRead(_) => spec,
            };
            let backtest = backtest::run(&spec, &past.history).await;
            if request.report.is_some() && advice.is_none() {
                advice = backtest::advice(&spec, &past.history);
            }
            done.push(Run { settings: settings.clone(), summary: backtest.summary(), backtest });
        }
        let shown = Shown {
            workload: &subject.workload,
            from: span.from,
            to: span.to(),
            step: span.step,
            runs: &done,
            points: past.points,
            kept: past.kept,
            usage: metrics.usage(),
            offsets: &offsets,
            kafka: group.as_ref().map(Group::usage),
        };
        render::show(form, &shown)?;
        Ok(request.report.as_ref().map(|_| report::backtest::report(&shown, advice.as_ref())))
    }
    .instrument(span)
    .await
}

/// What the metric server has, and what Kafka's offsets tell where they are asked.
struct Read {
    past: ReadPast,
    offsets: Offsets,
}

async fn read(
    metrics: &Loads,
    group: Option<&Group>,
    first: &WorkloadSettings,
    span: &Span,
    request: &PastRequest,
) -> anyhow::Result<Read> {
    let kept = request.cache.clone().map(|folder| Kept::new(folder, Timestamp::now()));
    let (most, kept) = (request.points, kept.as_ref());
    let Some(group) = group else {
        return Ok(Read { past: past::read(metrics, span, most, kept).await?, offsets: Offsets::NotAsked });
    };
    let pods = offsets::pods(&first.adapters).await;
    let mut past = match &first.adapters.metrics {
        Some(_) => past::read(metrics, span, most, kept).await?,
        None => {
            let history = offsets::moments(span.times(), pods.as_deref().unwrap_or_default());
            ReadPast { history, points: 0, kept: 0 }
        }
    };
    let asking = Asking { most: most.saturating_sub(past.points), step: span.step, kept };
    let matching = first.run.policy.group.matching;
    let told = match pods {
        Ok(pods) => offsets::fill(&mut past.history, group, pods, matching, asking).await,
        Err(error) => Err(NotFilled::NotRead(error)),
    };
    let offsets = match told {
        Ok((told, kept)) => Offsets::Told { told, kept },
        Err(NotFilled::TooMany(error)) => return Err(error),
        Err(NotFilled::NotRead(error)) => without(error, group, first)?,
    };
    Ok(Read { past, offsets })
}

/// Goes on without Kafka, unless there is nothing else to go by, or an indicator is asked of it.
///
/// # Errors
/// The one that is given, with what can be done.
fn without(error: anyhow::Error, group: &Group, first: &WorkloadSettings) -> anyhow::Result<Offsets> {
    if first.adapters.metrics.is_none() {
        return Err(error.context("there is no metric server, so that all loads come from Kafka"));
    }
    if group.tells(Indicator::ProductionRate) {
        let why = "INDICATORS has production_rate, which Kafka is to tell (leave it out to go without Kafka)";
        return Err(error.context(why));
    }
    let why = format!("{error:#}");
    tracing::warn!(
        event = "offsets_not_read",
        error = why,
        "Kafka could not be read; the past is gone through without what it would have told"
    );
    Ok(Offsets::NotRead(why))
}

/// The times that are read: as many as cycles and their earlier readings need, and evenly apart.
fn span_of<'a>(request: &PastRequest, runs: impl Iterator<Item = &'a RunSettings>) -> anyhow::Result<Span> {
    let mut seconds = request.every.as_secs();
    for run in runs {
        let persistence = run.policy.balance.persistence;
        if persistence.earlier() > 0 {
            seconds = divisor(seconds, persistence.step().as_secs());
        }
    }
    ensure!(
        seconds >= SHORTEST_STEP,
        "--every and PERSISTENCE_STEP have no common step of at least {SHORTEST_STEP} s"
    );
    let now = Timestamp::now();
    let time = |when: crate::args::When| when.seen_from(now).context("that is before all time");
    let (from, to) = (time(request.from)?.as_second(), time(request.to)?.min(now).as_second());
    let every = request.every.as_secs();
    let (first, last) = (from.div_euclid(every) * every, to.div_euclid(seconds) * seconds);
    ensure!(last > first, "--from must lie before --to by at least --every");
    let count = usize::try_from((last - first) / seconds)? + 1;
    ensure!(
        count <= MOST_MOMENTS,
        "{count} moments are more than {MOST_MOMENTS}; ask for less, or a longer --every"
    );
    Ok(Span {
        from: Timestamp::from_second(first)?,
        step: SignedDuration::from_secs(seconds),
        count,
        stride: usize::try_from(every / seconds)?,
    })
}

/// Below that, a metric server shows the same scrape twice.
const SHORTEST_STEP: i64 = 15;
/// Twelve weeks in steps of a minute.
const MOST_MOMENTS: usize = 120_960;

/// The greatest common one.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
