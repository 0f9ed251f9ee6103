//! `rebalancer serve`: cycles for as long as the process lives.

use std::sync::Arc;

use async_trait::async_trait;
use rebalancer_core::cycle::CycleEnd;
use rebalancer_core::history::Record;
use rebalancer_kube::{Candidate, ElectionSettings};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing::{error, info};
use uuid::Uuid;

use super::Exit;
use super::cycle::{self, Turn};
use crate::adapters::{Adapters, Connections, Group};
use crate::advice;
use crate::config::layers::Raw;
use crate::config::{self, RunSettings, ServeSettings, WorkloadSettings};
use crate::interrupt::{Signals, Watch};
use crate::serve::{AGAIN, Board, Cycle, Keeper, Last, listen};
use crate::telemetry;

/// The cycle of `rebalancer run`.
struct OfRun;

#[async_trait(?Send)]
impl Cycle for OfRun {
    async fn run(&self, adapters: &Adapters, run: RunSettings, watch: &Watch) -> (Last, Option<Record>) {
        let started = Instant::now();
        let before = Asked::of(adapters);
        let turn = cycle::turn(adapters, run, watch).await;
        let families = telemetry::families(&turn.run());
        let Turn { ended, at, end, trail, .. } = turn;
        let CycleEnd { outcome, report, record, .. } = end;
        let problem = outcome.err().map(|error| advice::failure(&error));
        let seconds = started.elapsed().as_secs_f64();
        let Asked { metrics, kafka } = Asked::of(adapters).since(&before);
        let status = ended.status;
        (Last { ended_at: at, seconds, status, problem, report, families, trail, metrics, kafka }, record)
    }
}

/// What the sources were asked since they were connected to.
struct Asked {
    metrics: rebalancer_prom::Usage,
    kafka: Option<rebalancer_kafka::Usage>,
}

impl Asked {
    fn of(adapters: &Adapters) -> Self {
        Self { metrics: adapters.metrics.usage(), kafka: adapters.group.as_ref().map(Group::usage) }
    }

    fn since(self, before: &Self) -> Self {
        let kafka = self.kafka.map(|now| now.since(before.kafka.unwrap_or_default()));
        Self { metrics: self.metrics.since(before.metrics), kafka }
    }
}

/// Cycles for these workloads, until the process is asked to end.
pub(super) async fn run(settings: ServeSettings, workloads: Vec<WorkloadSettings>, raw: &Raw) -> Exit {
    match serve(settings, workloads, raw).await {
        Ok(()) => Exit::Finished,
        Err((exit, problem)) => {
            error!(event = "serve_failed", error = problem, "rebalancer serve can't go on");
            exit
        }
    }
}

async fn serve(
    settings: ServeSettings,
    workloads: Vec<WorkloadSettings>,
    raw: &Raw,
) -> Result<(), (Exit, String)> {
    let signals = Signals::listen().map_err(|error| (Exit::Failed, format!("no signal handler: {error}")))?;
    let first = workloads.first().map(|one| &one.run.subject.workload);
    let candidate = match &settings.election {
        Some(lease) => Some(candidate(&settings, lease, &lease.namespace(first)).await?),
        None => None,
    };
    let leadership = candidate.as_ref().map(Candidate::leadership);
    let board = Arc::new(Board::new(leadership.clone()));
    let listening = listen(settings.listen, Arc::clone(&board), settings.interval).await;
    let (address, serving) = listening.map_err(|error| {
        (Exit::Failed, format!("LISTEN_ADDRESS={}: {error}; choose another address or port", settings.listen))
    })?;
    info!(event = "serving", address = %address, workloads = workloads.len(), "rebalancer serve has begun");
    tokio::spawn(serving);
    let (kept, standing) = tokio::sync::oneshot::channel::<()>();
    let standing = candidate.map(|candidate| {
        tokio::spawn(candidate.stand(async {
            // It ends when every loop has, also when they broke.
            let _over = standing.await;
        }))
    });
    let keeper = Keeper { settings, board, signals, leadership, again: AGAIN, cycle: OfRun };
    let kept_all = keeper.keep(workloads, raw.get("WORKLOADS_FILE"), || config::workloads(raw));
    LocalSet::new().run_until(kept_all).await;
    drop(kept);
    if let Some(standing) = standing {
        let _given_back = standing.await;
    }
    info!(event = "serve_finished", "every cycle has ended");
    Ok(())
}

async fn candidate(
    settings: &ServeSettings,
    lease: &config::LeaseSettings,
    namespace: &str,
) -> Result<Candidate, (Exit, String)> {
    let connection = Connections::default().to(&settings.home).await;
    let connection = connection.map_err(|error| (Exit::Misconfigured, error.to_string()))?;
    let election = ElectionSettings {
        namespace: namespace.to_owned(),
        lease: lease.name.clone(),
        identity: format!("{}_{}", host(), Uuid::now_v7()),
        duration: lease.duration,
        margin: settings.home.timeout,
    };
    Ok(Candidate::new(&connection, election))
}

/// The pod's name, where it runs in one.
fn host() -> String {
    std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "rebalancer".to_owned())
}
