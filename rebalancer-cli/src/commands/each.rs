//! Every workload of a run: those of one cluster one after the other, and clusters at the same time. The outcome of one does
//! not affect another; a signal ends them all.

use std::cell::Cell;
use std::num::NonZeroUsize;

use futures_util::future::join_all;
use rebalancer_kube::{ConnectError, Connection};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tracing::{error, warn};

use super::Exit;
use crate::adapters::{Adapters, Connections};
use crate::config::{RunSettings, Several, WorkloadSettings};
use crate::interrupt::Signals;
use crate::target::Target;

/// What came of the work for one workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PerWorkload<T> {
    /// It was done, with this result.
    Done(T),
    /// The process was asked to end before it began.
    NotBegun,
    /// Its cluster is not configured, so that nothing was contacted for it.
    NoCluster,
}

impl PerWorkload<Exit> {
    /// What was not begun was broken off.
    fn exit(self) -> Exit {
        match self {
            Self::Done(exit) => exit,
            Self::NotBegun => Exit::Failed,
            Self::NoCluster => Exit::Misconfigured,
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

/// Work that has begun.
pub(super) struct Begun<'a> {
    pub(super) signals: &'a Signals,
    /// Its place in the order of the settings.
    place: usize,
    done: &'a watch::Sender<Vec<bool>>,
    /// What lets others wait for it.
    room: Cell<Option<SemaphorePermit<'a>>>,
}

impl Begun<'_> {
    /// Waits until all that stand before it in the settings are done, so that what is shown comes in their order. Others
    /// may begin meanwhile: whoever waits here needs no room, and so nobody waits for it.
    pub(super) async fn in_turn(&self) {
        drop(self.room.take());
        let before = |done: &Vec<bool>| done.iter().take(self.place).all(|done| *done);
        // It fails when nobody works any more; then this does not either.
        let mut done = self.done.subscribe();
        let _over = done.wait_for(before).await;
    }
}

/// Does this work for each workload. Returns what came of it, in the order of the settings.
///
/// # Errors
/// How to end when signals can't be listened to: then no work is begun.
pub(super) async fn each_workload<T>(
    several: Several,
    work: impl AsyncFn(&Adapters, RunSettings, &Begun<'_>) -> T,
) -> Result<Vec<PerWorkload<T>>, Exit> {
    let signals = Signals::listen().map_err(|error| {
        error!(event = "cycle_failed", %error, "no signal handler could be installed");
        Exit::Failed
    })?;
    let with_adapters = async |connection, settings, begun: &Begun<'_>| {
        let WorkloadSettings { adapters, run, .. } = settings;
        match connection {
            Ok(connection) => {
                PerWorkload::Done(work(&Adapters::open(connection, adapters), run, begun).await)
            }
            Err(error) => no_cluster(&run.target(), &error),
        }
    };
    let ended = each(several, &signals, with_adapters).await;
    Ok(ended.into_iter().map(|end| end.unwrap_or(PerWorkload::NotBegun)).collect())
}

/// The same with the way to the cluster, or why there is none. `None`: it was not begun, as a signal came before.
pub(super) async fn each<T>(
    Several { workloads, at_once }: Several,
    signals: &Signals,
    work: impl AsyncFn(Result<Connection, ConnectError>, WorkloadSettings, &Begun<'_>) -> T,
) -> Vec<Option<T>> {
    let done = watch::Sender::new(vec![false; workloads.len()]);
    let room = Semaphore::new(NonZeroUsize::get(at_once));
    let queue = async |queue: Vec<(usize, WorkloadSettings)>| {
        let connections = Connections::default();
        let mut ended = Vec::new();
        for (place, settings) in queue {
            let room = Cell::new(room.acquire().await.ok());
            let begun = Begun { signals, place, done: &done, room };
            ended.push((place, one(&connections, settings, &begun, &work).await));
            done.send_modify(|done| done.iter_mut().skip(place).take(1).for_each(|done| *done = true));
        }
        ended
    };
    let ended = join_all(by_cluster(workloads).into_iter().map(queue)).await;
    let mut ended: Vec<_> = ended.into_iter().flatten().collect();
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().map(|(_, end)| end).collect()
}

async fn one<T>(
    connections: &Connections,
    settings: WorkloadSettings,
    begun: &Begun<'_>,
    work: &impl AsyncFn(Result<Connection, ConnectError>, WorkloadSettings, &Begun<'_>) -> T,
) -> Option<T> {
    if begun.signals.received() {
        let Target { cluster, workload } = settings.run.target();
        warn!(
            event = "not_begun",
            cluster,
            namespace = workload.namespace,
            workload = workload.name,
            "the run was asked to stop before it reached this workload"
        );
        return None;
    }
    // Contacts no server, but may run a credential plugin.
    let connection = connections.to(&settings.adapters.kubernetes).await;
    Some(work(connection, settings, begun).await)
}

/// What is reached by the same kubeconfig and context is in one cluster.
fn by_cluster(workloads: Vec<WorkloadSettings>) -> Vec<Vec<(usize, WorkloadSettings)>> {
    let way = |(_, settings): &(usize, WorkloadSettings)| {
        let to = &settings.adapters.kubernetes;
        (to.kubeconfig.clone(), to.context.clone())
    };
    let mut queues: Vec<Vec<(usize, WorkloadSettings)>> = Vec::new();
    for one in workloads.into_iter().enumerate() {
        match queues.iter_mut().find(|queue| queue.first().map(way).as_ref() == Some(&way(&one))) {
            Some(queue) => queue.push(one),
            None => queues.push(vec![one]),
        }
    }
    queues
}

fn no_cluster<T>(Target { cluster, workload }: &Target, error: &ConnectError) -> PerWorkload<T> {
    error!(
        event = "configuration_error",
        cluster,
        namespace = workload.namespace,
        workload = workload.name,
        %error,
        "no cluster"
    );
    PerWorkload::NoCluster
}

#[cfg(test)]
mod tests;
