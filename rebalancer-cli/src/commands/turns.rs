//! One workload after the other. What one comes to is nothing to the next; a signal ends them all.

use rebalancer_core::fleet::Workload;
use rebalancer_kube::{ConnectError, Connection};
use tracing::{error, warn};

use super::Exit;
use super::observe::Eyes;
use crate::config::{Settings, Task};
use crate::interrupt::Signals;

/// What became of a workload's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn<T> {
    /// It came, with this result.
    Taken(T),
    /// The process was asked to end before it came.
    NotBegun,
}

impl Turn<Exit> {
    /// What was not begun was broken off.
    fn exit(self) -> Exit {
        match self {
            Self::Taken(exit) => exit,
            Self::NotBegun => Exit::Failed,
        }
    }
}

/// The worst of all.
pub(super) fn worst(turns: Result<Vec<Turn<Exit>>, Exit>) -> Exit {
    match turns {
        Ok(turns) => turns.into_iter().map(Turn::exit).max().unwrap_or(Exit::Finished),
        Err(exit) => exit,
    }
}

/// Does this work for each workload, in the order of the settings.
///
/// # Errors
/// How to end when the cluster of one is not configured: then no work is begun.
pub(super) async fn in_turn<T>(
    workloads: Vec<Settings>,
    work: impl AsyncFn(&Eyes, Task, &Signals) -> T,
) -> Result<Vec<Turn<T>>, Exit> {
    let ready = ready(workloads).await?;
    let signals = Signals::listen().map_err(|error| {
        error!(event = "cycle_failed", %error, "signals can't be listened to");
        Exit::Failed
    })?;
    let mut turns = Vec::new();
    for (eyes, task) in ready {
        turns.push(turn(&eyes, task, &signals, &work).await);
    }
    Ok(turns)
}

async fn turn<T>(
    eyes: &Eyes,
    task: Task,
    signals: &Signals,
    work: &impl AsyncFn(&Eyes, Task, &Signals) -> T,
) -> Turn<T> {
    if signals.received() {
        let Workload { namespace, name } = task.subject.workload;
        warn!(
            event = "not_begun",
            namespace,
            workload = name,
            "the run was asked to end before this workload's turn"
        );
        return Turn::NotBegun;
    }
    Turn::Taken(work(eyes, task, signals).await)
}

/// Finds the cluster and its credentials for all workloads; contacts nobody.
async fn ready(workloads: Vec<Settings>) -> Result<Vec<(Eyes, Task)>, Exit> {
    let mut connections = Connections::default();
    let mut ready = Vec::new();
    for Settings { sight, task, .. } in workloads {
        let connection = connections.to(&sight.kubernetes).await.map_err(no_cluster)?;
        ready.push((Eyes::open(connection, sight), task));
    }
    Ok(ready)
}

fn no_cluster(error: ConnectError) -> Exit {
    error!(event = "configuration_error", %error, "no cluster");
    Exit::Misconfigured
}

/// Workloads that reach the cluster in the same way share a connection: each costs some 25 ms and 100 kB.
#[derive(Default)]
pub(super) struct Connections(Vec<(rebalancer_kube::Settings, Connection)>);

impl Connections {
    pub(super) async fn to(
        &mut self,
        settings: &rebalancer_kube::Settings,
    ) -> Result<Connection, ConnectError> {
        if let Some((_, open)) = self.0.iter().find(|(known, _)| known == settings) {
            return Ok(open.clone());
        }
        let connection = rebalancer_kube::connect(settings).await?;
        self.0.push((settings.clone(), connection.clone()));
        Ok(connection)
    }
}
