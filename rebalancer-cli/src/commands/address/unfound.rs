//! What is said where a workload can't be found or read.

use rebalancer_core::port::InventoryError;
use rebalancer_kube::preflight::Access;
use tracing::error;

use super::WORKLOAD;
use crate::args::Named;
use crate::commands::Exit;
use crate::config::problem::{Given, Problem};
use crate::discovery::NotFound;

pub(super) fn not_found(Named { kind, name }: &Named, namespace: &str, why: &NotFound) -> Problem {
    let expected = match why {
        NotFound::Several => format!(
            "one workload, but namespace {namespace} has a Deployment and a StatefulSet of this name: say deployment/{name} or \
             statefulset/{name}"
        ),
        NotFound::None { there } => {
            let kind = kind.map_or("Deployment or StatefulSet", |kind| kind.name());
            let there = match there.is_empty() {
                true => String::new(),
                false => format!("; there are {}", there.join(", ")),
            };
            format!(
                "a {kind} of namespace {namespace}, or KUBE_LABEL_SELECTOR for a workload of another kind{there}"
            )
        }
    };
    Problem::new(WORKLOAD, Given::Value(name.clone()), expected)
}

/// Without a right, what it would take.
pub(super) fn unread(
    error: &InventoryError,
    namespace: &str,
    verb: &'static str,
    name: Option<&str>,
) -> Exit {
    let fix = match error {
        InventoryError::Forbidden { .. } => {
            let rule = |resource| {
                let access = Access::to(verb, "apps", resource);
                name.map_or_else(|| access.clone(), |name| access.clone().named(name)).rule()
            };
            let instead = match name {
                Some(_) => {
                    "set KUBE_LABEL_SELECTOR, CONTAINER_NAME and what tells loads, so that nothing has to be read"
                }
                None => "name a workload",
            };
            format!(
                "; a Role in namespace {namespace} needs {}, {}; or {instead}",
                rule("deployments"),
                rule("statefulsets")
            )
        }
        InventoryError::Unauthorized { .. }
        | InventoryError::Unavailable { .. }
        | InventoryError::Rejected { .. } => String::new(),
    };
    let error = format!("{error}{fix}");
    error!(event = "discovery_failed", namespace, workload = name, error, "workloads could not be read");
    Exit::Failed
}

pub(super) fn failed(error: &anyhow::Error) -> Exit {
    error!(event = "discovery_failed", error = format!("{error:#}"), "what was read can't be shown");
    Exit::Failed
}
