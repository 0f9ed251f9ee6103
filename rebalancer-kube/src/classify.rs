//! What a failure means: for reads and writes, who must do what next; for removals, whether anything happened.
//! Pure; the statuses are those of the real API server (its `eviction.go`, its generic registry and RBAC).

use kube::core::Status;
use rebalancer_core::history::StateError;
use rebalancer_core::port::{InventoryError, RemovalError};

use crate::text::excerpt;
use crate::wire::{Failure, Refusal};

/// A right, as RBAC names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) verb: &'static str,
    /// With its API group where it has one.
    pub(crate) resource: &'static str,
}

/// What a failed read means.
pub(crate) fn read_error(failure: &Failure, right: Right, namespace: &str) -> InventoryError {
    let message = failure.to_string();
    match failure {
        Failure::Refused(refusal) => match refusal.status.code {
            401 => InventoryError::Unauthorized { message },
            403 => InventoryError::Forbidden {
                verb: right.verb,
                resource: right.resource,
                namespace: namespace.to_owned(),
                message,
            },
            408 | 410 | 429 | 500..=599 => InventoryError::Unavailable { message },
            _ => InventoryError::Rejected { message },
        },
        Failure::NotConnected(_) | Failure::Lost(_) | Failure::TimeUp { .. } => {
            InventoryError::Unavailable { message }
        }
        Failure::Malformed(_) | Failure::Unsendable(_) => InventoryError::Rejected { message },
    }
}

/// What a failed write means.
pub(crate) fn write_error(failure: &Failure, right: Right, namespace: &str) -> InventoryError {
    if let Failure::Refused(refusal) = failure
        && refusal.status.code == 403
        && denied_by_admission(&refusal.status)
    {
        return InventoryError::Rejected { message: failure.to_string() };
    }
    read_error(failure, right, namespace)
}

/// What it means that the record could not be read or written.
pub(crate) fn state_error(failure: &Failure, right: Right, namespace: &str) -> StateError {
    match write_error(failure, right, namespace) {
        InventoryError::Forbidden { verb, resource, namespace, message } => {
            StateError::Forbidden { verb, resource, namespace, message }
        }
        InventoryError::Unavailable { message } => StateError::Unavailable { message },
        InventoryError::Unauthorized { message } | InventoryError::Rejected { message } => {
            StateError::Rejected { message }
        }
    }
}

/// What a failed removal means. Where a removal can't be excluded, it is [`RemovalError::Unknown`].
pub(crate) fn removal_error(failure: &Failure, right: Right) -> RemovalError {
    let message = failure.to_string();
    match failure {
        Failure::Refused(refusal) => refused_removal(refusal, right),
        // Nothing was sent, so nothing happened.
        Failure::Unsendable(_) | Failure::NotConnected(_) => RemovalError::Rejected { message },
        Failure::Malformed(_) | Failure::Lost(_) | Failure::TimeUp { .. } => {
            RemovalError::Unknown { message }
        }
    }
}

fn refused_removal(refusal: &Refusal, right: Right) -> RemovalError {
    let message = refusal.to_string();
    let status = &refusal.status;
    match status.code {
        401 => RemovalError::Unauthorized { message },
        403 if concerns_a_budget(status) => RemovalError::Blocked { message },
        403 if denied_by_admission(status) => RemovalError::Rejected { message },
        403 => forbidden(right, message),
        404 if is_gone(refusal) => RemovalError::Gone,
        409 if concerns_the_uid(status) => RemovalError::Replaced,
        409 => RemovalError::Conflict { message },
        429 => match budget_cause(status) {
            Some(cause) => RemovalError::Blocked { message: cause },
            None => RemovalError::Throttled { message },
        },
        500 if has_two_budgets(status) => RemovalError::Rejected { message },
        // A time-out on the way, a success that calls itself a failure, any server error: it may have happened.
        0..=299 | 408 | 500.. => RemovalError::Unknown { message },
        300..=499 => RemovalError::Rejected { message },
    }
}

fn forbidden(right: Right, message: String) -> RemovalError {
    RemovalError::Forbidden { verb: right.verb, resource: right.resource, message }
}

/// A 403 about the budget itself ("disruptions allowed is negative", "DisruptedPods map too big") is no lack of rights.
fn concerns_a_budget(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| details.kind.starts_with("poddisruptionbudget"))
}

/// A disruption budget says no, which is what it is for.
pub(crate) fn is_from_a_budget(refusal: &Refusal) -> bool {
    concerns_a_budget(&refusal.status) || budget_cause(&refusal.status).is_some()
}

/// Webhooks and admission policies answer 403 too; no RBAC rule would help.
fn denied_by_admission(status: &Status) -> bool {
    status.message.contains("denied the request") || status.message.contains("denied request")
}

/// There is no object of that name. A 404 without a name is about the path (no such API, a proxy) and says nothing.
pub(crate) fn is_gone(refusal: &Refusal) -> bool {
    let Status { code, reason, details, .. } = &refusal.status;
    *code == 404 && reason == "NotFound" && details.as_ref().is_some_and(|details| !details.name.is_empty())
}

/// The kind has no scale subresource, or this object has nothing at the place that its definition names for the replicas
/// (`registry/customresource/etcd.go` of `k8s.io/apiextensions-apiserver`), as one that lists its pods.
pub(crate) fn has_no_scale(refusal: &Refusal) -> bool {
    refusal.status.code == 404 || lacks_replicas(refusal)
}

/// A 500 that tells of an object, and not of the server: another attempt would end the same way.
pub(crate) fn lacks_replicas(refusal: &Refusal) -> bool {
    let Status { code, message, .. } = &refusal.status;
    *code == 500 && message.contains("the spec replicas field") && message.contains("does not exist")
}

/// "the UID in the precondition (a) does not match the UID in record (b)" or
/// "Precondition failed: UID in precondition: a, UID in object meta: b", depending on the path through the server.
fn concerns_the_uid(status: &Status) -> bool {
    let message = status.message.to_lowercase();
    message.contains("precondition") && message.contains("uid")
}

/// Also there while a new budget "is still being processed by the server".
fn budget_cause(status: &Status) -> Option<String> {
    let causes = &status.details.as_ref()?.causes;
    causes.iter().find(|cause| cause.reason == "DisruptionBudget").map(|cause| excerpt(&cause.message))
}

/// A 500 that is answered before anything is touched.
fn has_two_budgets(status: &Status) -> bool {
    status.message.contains("more than one PodDisruptionBudget")
}

#[cfg(test)]
mod tests;
