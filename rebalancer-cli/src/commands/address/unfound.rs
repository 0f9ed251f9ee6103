//! What is said where a workload can't be found or read.

use rebalancer_core::cycle::CycleError;
use rebalancer_core::port::{Interruption, InventoryError};
use tracing::error;

use super::WORKLOAD;
use crate::advice;
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

/// What was refused, and the right that it takes; of a server that can't be used, what to look at.
pub(super) fn unread(
    error: &InventoryError,
    namespace: &str,
    verb: &'static str,
    name: Option<&str>,
) -> Exit {
    let error = match error {
        InventoryError::Forbidden { verb: refused, resource, namespace, .. } => {
            let names = name.map(|name| format!(", resourceNames: [{name}]")).unwrap_or_default();
            let instead = match name {
                Some(_) => "set KUBE_LABEL_SELECTOR, CONTAINER_NAME and what tells loads",
                None => "name a workload",
            };
            format!(
                "not allowed to {refused} {resource} in namespace {namespace} (403): a Role there needs the rule \
                 {{apiGroups: [apps], resources: [deployments, statefulsets]{names}, verbs: [{verb}]}}; or {instead}"
            )
        }
        InventoryError::Unauthorized { .. } | InventoryError::Unavailable { .. } => {
            format!("{error}; {}", advice::cluster(error))
        }
        InventoryError::Rejected { .. } => error.to_string(),
    };
    error!(event = "discovery_failed", namespace, workload = name, error, "workloads could not be read");
    Exit::Failed
}

/// Nothing was done, so there is nothing to finish.
pub(super) fn stopped() -> Exit {
    let error = CycleError::Stopped(Interruption::Signal);
    error!(event = "discovery_failed", %error, "workloads could not be read");
    Exit::Failed
}

pub(super) fn failed(error: &anyhow::Error) -> Exit {
    error!(event = "discovery_failed", error = format!("{error:#}"), "what was read can't be shown");
    Exit::Failed
}
