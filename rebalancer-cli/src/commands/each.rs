//! One workload after the other. The outcome of one does not affect the next; a signal ends them all.

use rebalancer_core::fleet::Workload;
use rebalancer_kube::ConnectError;
use tracing::{error, warn};

use super::Exit;
use crate::adapters::{Adapters, Connections};
use crate::config::{RunSettings, WorkloadSettings};
use crate::interrupt::Signals;

/// What came of the work for one workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PerWorkload<T> {
    /// It was done, with this result.
    Done(T),
    /// The process was asked to end before it began.
    NotBegun,
}

impl PerWorkload<Exit> {
    /// What was not begun was broken off.
    fn exit(self) -> Exit {
        match self {
            Self::Done(exit) => exit,
            Self::NotBegun => Exit::Failed,
        }
    }
}

/// The worst of all.
pub(super) fn worst(turns: Result<Vec<PerWorkload<Exit>>, Exit>) -> Exit {
    match turns {
        Ok(turns) => turns.into_iter().map(PerWorkload::exit).max().unwrap_or(Exit::Finished),
        Err(exit) => exit,
    }
}

/// Does this work for each workload, in the order of the settings.
///
/// # Errors
/// How to end when the cluster of one is not configured: then no work is begun.
pub(super) async fn each_workload<T>(
    workloads: Vec<WorkloadSettings>,
    work: impl AsyncFn(&Adapters, RunSettings, &Signals) -> T,
) -> Result<Vec<PerWorkload<T>>, Exit> {
    let ready = ready(workloads).await?;
    let signals = Signals::listen().map_err(|error| {
        error!(event = "cycle_failed", %error, "no signal handler could be installed");
        Exit::Failed
    })?;
    let mut turns = Vec::new();
    for (adapters, run) in ready {
        turns.push(one(&adapters, run, &signals, &work).await);
    }
    Ok(turns)
}

async fn one<T>(
    adapters: &Adapters,
    run: RunSettings,
    signals: &Signals,
    work: &impl AsyncFn(&Adapters, RunSettings, &Signals) -> T,
) -> PerWorkload<T> {
    if signals.received() {
        let Workload { namespace, name } = run.subject.workload;
        warn!(
            event = "not_begun",
            namespace,
            workload = name,
            "the run was asked to stop before it reached this workload"
        );
        return PerWorkload::NotBegun;
    }
    PerWorkload::Done(work(adapters, run, signals).await)
}

/// Finds the cluster and its credentials for all workloads; contacts no server.
async fn ready(workloads: Vec<WorkloadSettings>) -> Result<Vec<(Adapters, RunSettings)>, Exit> {
    let mut connections = Connections::default();
    let mut ready = Vec::new();
    for WorkloadSettings { adapters, run, .. } in workloads {
        let connection = connections.to(&adapters.kubernetes).await.map_err(no_cluster)?;
        ready.push((Adapters::open(connection, adapters), run));
    }
    Ok(ready)
}

fn no_cluster(error: ConnectError) -> Exit {
    error!(event = "configuration_error", %error, "no cluster");
    Exit::Misconfigured
}
