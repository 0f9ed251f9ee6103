//! Reads the cluster.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{neighbors, ownership};
use rebalancer_core::fleet::Neighbor;
use rebalancer_core::history::StateStore as _;
use rebalancer_core::port::{Inventory as _, InventoryError};
use rebalancer_kube::preflight::{Preflight, Presence, WorkloadKind};
use rebalancer_kube::{ConnectError, Connection, KubeInventory, LeaseStore};

use super::super::facts::{Around, Cluster, LockFacts, Survey};
use super::super::needs::{Answered, Need, needs, of_group_lock};
use super::ahead;
use crate::adapters::GroupLease;
use crate::config::{AdapterSettings, RunSettings};

pub(super) async fn of(
    connection: Result<Connection, ConnectError>,
    adapters: &AdapterSettings,
    settings: &RunSettings,
) -> Cluster {
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => return Cluster::NotConfigured(error),
    };
    let preflight = Preflight::new(&connection, &adapters.inventory.namespace);
    let store = LeaseStore::new(&connection, &settings.subject.workload);
    match rights(&preflight, needs(settings, store.name())).await {
        Ok((rights, ahead)) => Cluster::There(Box::new(
            survey(&connection, &preflight, &store, adapters, settings, (rights, ahead)).await,
        )),
        Err(error) => Cluster::Silent(error),
    }
}

/// The lock on the consumer group, wherever it is.
pub(super) async fn group_lock(adapters: &AdapterSettings, settings: &RunSettings) -> Option<LockFacts> {
    let of = adapters.group_lock.clone()?;
    let (namespace, lease) = (of.namespace.clone(), GroupLease::of(of));
    // A cluster that can't be used says so where the lock is looked at.
    let rights = match lease.preflight().await {
        Ok((preflight, name)) => rights(&preflight, of_group_lock(settings, name)).await.ok(),
        Err(_) => None,
    };
    let rights = rights.map(|(rights, _)| rights).unwrap_or_default();
    Some(LockFacts { namespace, rights, peeked: lease.peek(Timestamp::now()).await })
}

/// Every right, and how far our clock is ahead.
///
/// # Errors
/// When the cluster can't be used at all. That it does not answer about rights is not an error.
async fn rights(
    preflight: &Preflight,
    needs: Vec<Need>,
) -> Result<(Vec<Answered>, Option<SignedDuration>), InventoryError> {
    let (mut rights, mut ours) = (Vec::new(), None);
    for need in needs {
        let answer = match preflight.review(&need.access).await {
            Ok((allowed, clock)) => {
                ours = ours.or_else(|| clock.map(|clock| ahead(Timestamp::now(), clock)));
                Ok(allowed)
            }
            Err(error @ (InventoryError::Unauthorized { .. } | InventoryError::Unavailable { .. })) => {
                return Err(error);
            }
            Err(error @ (InventoryError::Forbidden { .. } | InventoryError::Rejected { .. })) => Err(error),
        };
        rights.push((need, answer));
    }
    Ok((rights, ours))
}

async fn survey(
    connection: &Connection,
    preflight: &Preflight,
    store: &LeaseStore,
    adapters: &AdapterSettings,
    settings: &RunSettings,
    (rights, ahead): (Vec<Answered>, Option<SignedDuration>),
) -> Survey {
    let inventory = KubeInventory::new(connection, adapters.inventory.clone());
    let hpas = inventory.hpas().await;
    let (budgets, budget_shapes) = if settings.policy.limits.respect_budgets {
        let (budgets, shapes) = tokio::join!(inventory.budgets(), preflight.budgets());
        (Some(budgets), shapes.unwrap_or_default())
    } else {
        (None, Vec::new())
    };
    let record = match settings.memory {
        Some(_) => Some(store.peek(Timestamp::now()).await),
        None => None,
    };
    let name = &adapters.inventory.workload;
    let pods = inventory.pods().await;
    let listed = pods.as_deref().unwrap_or_default();
    let ownership = ownership(&inventory, name, listed).await;
    let controller = ownership.as_ref().map(|owners| owners.controller(listed.iter(), name).cloned());
    let controller = controller.map_err(Clone::clone);
    let ownership = ownership.unwrap_or_default();
    let kind = match &controller {
        Ok(Some(found)) if found.kind == WorkloadKind::StatefulSet.name() => WorkloadKind::StatefulSet,
        Ok(_) | Err(_) => WorkloadKind::Deployment,
    };
    let shape = preflight.workload(kind, name, &[]).await.ok().flatten();
    // All are there and all are ours: nothing has to be looked for.
    let found = !listed.is_empty() && listed.iter().all(|pod| ownership.belongs(pod, name));
    let around =
        if found && matches!(controller, Ok(Some(_))) { None } else { Some(around(preflight).await) };
    let neighbors = neighbors(&inventory, name, listed, &settings.policy).await;
    let groups = preflight.api_groups().await.unwrap_or_default();
    let installed = Neighbor::ALL.into_iter().filter(|neighbor| is_installed(*neighbor, &groups)).collect();
    Survey {
        neighbors,
        installed,
        ahead,
        rights,
        pods,
        controller,
        ownership,
        shape,
        hpas,
        budgets,
        budget_shapes,
        record,
        lease: store.name().to_owned(),
        around,
    }
}

/// The API server has the API of this neighbor. It has nodes in any case, whoever drains them.
fn is_installed(neighbor: Neighbor, groups: &[String]) -> bool {
    let group = match neighbor {
        Neighbor::Nodes => "karpenter.sh",
        Neighbor::Flagger => "flagger.app",
        Neighbor::Keda => "keda.sh",
        Neighbor::Vpa => "autoscaling.k8s.io",
    };
    groups.iter().any(|known| known == group)
}

/// What may be known of what else there is.
async fn around(preflight: &Preflight) -> Around {
    let namespace = preflight.namespace().await.unwrap_or(Presence::NotTold);
    let pods = preflight.pods(None).await.ok();
    let mut workloads = Vec::new();
    for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        let found = preflight.workloads(kind, &[]).await.unwrap_or_default();
        workloads.extend(found.into_iter().map(|found| format!("{} {}", kind.name(), found.name)));
    }
    Around { namespace, pods, workloads }
}
