//! The rights that the settings ask for, and what each is for. Pure.

use rebalancer_core::fleet::Neighbor;
use rebalancer_core::port::{InventoryError, Mode};
use rebalancer_kube::RemovalMethod;
use rebalancer_kube::preflight::{Access, Allowed};

use super::finding::Severity;
use crate::config::RunSettings;

/// A right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) access: Access,
    /// What for, as it goes on after "which ".
    pub(super) purpose: &'static str,
    /// How bad it is without.
    pub(super) severity: Severity,
    /// Of which workloads it is needed.
    pub(super) only: Only,
}

/// A right, and what the API server says of it.
pub(super) type Answered = (Need, Result<Allowed, InventoryError>);

/// Of which workloads a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    /// Of all.
    Always,
    /// Of those that are no Deployment.
    WithoutDeployment,
    /// Of those whose pods belong to ReplicaSets.
    WithReplicaSets,
}

const LEASES: &str = "coordination.k8s.io";

/// All rights for these settings. The first is one that every cycle begins with.
pub(super) fn needs(run: &RunSettings, lease: &str) -> Vec<Need> {
    let workload = &run.subject.workload.name;
    let error = |access, purpose| Need { access, purpose, severity: Severity::Error, only: Only::Always };
    let mut needs = vec![
        error(Access::to("list", "", "pods"), "finds the fleet"),
        error(Access::to("get", "", "pods"), "reads a pod again right before its removal"),
    ];
    needs.push(match run.method {
        RemovalMethod::Evict => {
            error(Access::to("create", "", "pods/eviction"), "removes pods (REMOVAL_METHOD=evict)")
        }
        RemovalMethod::Delete => {
            error(Access::to("delete", "", "pods"), "removes pods (REMOVAL_METHOD=delete)")
        }
    });
    needs.push(error(
        Access::to("list", "autoscaling", "horizontalpodautoscalers"),
        "finds the CPU target, and whether the autoscaler is scaling",
    ));
    needs.push(error(
        Access::to("get", "apps", "deployments").named(workload),
        "shows whether a rollout is in progress",
    ));
    needs.push(Need {
        severity: Severity::Warning,
        only: Only::WithReplicaSets,
        ..error(
            Access::to("get", "apps", "replicasets"),
            "tells by UID what owns the pods; without it the Deployment of that name is believed where it gives a reason to \
             hold, and REQUIRE_OPT_IN does not take its mark",
        )
    });
    needs.push(Need {
        only: Only::WithoutDeployment,
        ..error(
            Access::to("get", "apps", "statefulsets").named(workload),
            "looks for a StatefulSet where there is no Deployment",
        )
    });
    if run.policy.limits.respect_budgets {
        needs.push(error(
            Access::to("list", "policy", "poddisruptionbudgets"),
            "shows how many pods may go now",
        ));
    }
    needs.extend(run.policy.guards.neighbors.iter().flat_map(|&neighbor| of_neighbor(neighbor)));
    if run.events {
        needs.push(Need {
            severity: Severity::Warning,
            ..error(
                Access::to("create", "events.k8s.io", "events"),
                "records removals as Events (KUBE_EVENTS)",
            )
        });
    }
    needs.extend(of_record(run, lease));
    needs
}

/// One that is named in NEIGHBORS and does not tell holds every rotation.
fn of_neighbor(neighbor: Neighbor) -> Vec<Need> {
    let need = |access, purpose| Need { access, purpose, severity: Severity::Error, only: Only::Always };
    match neighbor {
        Neighbor::Nodes => vec![
            need(
                Access::to("get", "", "nodes"),
                "shows which nodes are about to lose their pods (NEIGHBORS)",
            ),
            need(Access::to("list", "", "nodes"), "shows the same of fleets on many nodes (NEIGHBORS)"),
        ],
        Neighbor::Flagger => vec![need(
            Access::to("list", "flagger.app", "canaries"),
            "shows whether a canary is in progress (NEIGHBORS)",
        )],
        Neighbor::Keda => vec![need(
            Access::to("list", "keda.sh", "scaledobjects"),
            "shows whether the scaling is paused, falls back or goes to zero (NEIGHBORS)",
        )],
        Neighbor::Vpa => vec![need(
            Access::to("list", "autoscaling.k8s.io", "verticalpodautoscalers"),
            "shows which pods are about to be restarted with other requests (NEIGHBORS)",
        )],
    }
}

fn of_record(run: &RunSettings, lease: &str) -> Vec<Need> {
    if run.memory.is_none() {
        return Vec::new();
    }
    of_lease(
        run,
        lease,
        ["reads the record of past rotations", "creates the record", "keeps the record and its lock"],
    )
}

/// Rights in the namespace of the lock on the consumer group.
pub(super) fn of_group_lock(run: &RunSettings, lease: &str) -> Vec<Need> {
    of_lease(
        run,
        lease,
        [
            "shows who has the lock of the consumer group (GROUP_LOCK_NAMESPACE)",
            "takes the lock of the consumer group for the first time (GROUP_LOCK_NAMESPACE)",
            "takes the lock of the consumer group and gives it back (GROUP_LOCK_NAMESPACE)",
        ],
    )
}

/// To read, to create and to write a Lease. A dry run only reads it; the rest is needed once it is none any more.
fn of_lease(run: &RunSettings, lease: &str, [reading, creating, keeping]: [&'static str; 3]) -> Vec<Need> {
    let writing = match run.mode {
        Mode::Real => Severity::Error,
        Mode::DryRun => Severity::Warning,
    };
    let need = |access, purpose, severity| Need { access, purpose, severity, only: Only::Always };
    vec![
        need(Access::to("get", LEASES, "leases").named(lease), reading, Severity::Error),
        need(Access::to("create", LEASES, "leases"), creating, writing),
        need(Access::to("update", LEASES, "leases").named(lease), keeping, writing),
    ]
}
