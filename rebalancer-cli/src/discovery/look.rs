//! Reads workloads, and the autoscalers beside them.

use rebalancer_core::fleet::Hpa;
use rebalancer_core::port::{Inventory as _, InventoryError};
use rebalancer_kube::preflight::{Preflight, WorkloadKind, WorkloadShape};
use rebalancer_kube::{Connection, InventorySettings, KubeInventory};

use super::environment::asked;
use crate::args::Named;

/// Kinds that are rotated and can be read from.
const KINDS: [WorkloadKind; 2] = [WorkloadKind::Deployment, WorkloadKind::StatefulSet];

/// What is there of a name.
#[derive(Debug)]
pub(crate) enum Found {
    One(WorkloadShape),
    Not(NotFound),
}

/// Why there is not one of a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// Several kinds have one.
    Several,
    /// These are there, as far as they may be listed.
    None { there: Vec<String> },
}

/// What there is in a namespace.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) workloads: Vec<WorkloadShape>,
    /// `None` where they can't be listed.
    pub(crate) hpas: Option<Vec<Hpa>>,
}

/// The workload of this name.
///
/// # Errors
/// When it is not known whether there is one.
pub(crate) async fn named(
    connection: &Connection,
    namespace: &str,
    Named { kind, name }: &Named,
) -> Result<Found, InventoryError> {
    let preflight = Preflight::new(connection, namespace);
    let mut found = Vec::new();
    for kind in KINDS.into_iter().filter(|one| kind.is_none_or(|kind| kind == *one)) {
        found.extend(preflight.workload(kind, name, &asked()).await?);
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(Found::One(one)),
        (Some(_), false) => Ok(Found::Not(NotFound::Several)),
        (None, _) => {
            let mut there = Vec::new();
            for kind in KINDS {
                let others = preflight.workloads(kind, &[]).await.unwrap_or_default().into_iter();
                there.extend(
                    others.map(|other| format!("{}/{}", kind.name().to_ascii_lowercase(), other.name)),
                );
            }
            Ok(Found::Not(NotFound::None { there }))
        }
    }
}

/// Every workload of the namespace, by kind and name.
///
/// # Errors
/// When they can't be listed: a part of them would look like all.
pub(crate) async fn all(connection: &Connection, namespace: &str) -> Result<Around, InventoryError> {
    let preflight = Preflight::new(connection, namespace);
    let mut workloads = Vec::new();
    for kind in KINDS {
        workloads.extend(preflight.workloads(kind, &asked()).await?);
    }
    workloads.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let settings = InventorySettings {
        namespace: namespace.to_owned(),
        workload: String::new(),
        label_selector: String::new(),
        container: String::new(),
    };
    let hpas = KubeInventory::new(connection, settings).hpas().await.ok();
    Ok(Around { workloads, hpas })
}
