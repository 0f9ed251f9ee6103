//! Removing pods.

use async_trait::async_trait;

use crate::fleet::PodRef;

/// Why a pod was not removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum RemovalError {
    /// 404: there is no pod of that name any more.
    #[error("it is gone already")]
    Gone,
    /// 409 on the UID precondition: another pod has the name now.
    #[error("another pod has its name now")]
    Replaced,
    /// 409 for any other reason; nothing happened.
    #[error("the API server reports a conflict: {message}")]
    Conflict {
        /// The server's own words.
        message: String,
    },
    /// 429 from a disruption budget; nothing happened.
    #[error("its disruption budget refuses: {message}")]
    Blocked {
        /// The server's own words.
        message: String,
    },
    /// 429 for any other reason, such as rate limits; nothing happened.
    #[error("the API server asks to wait: {message}")]
    Throttled {
        /// The server's own words.
        message: String,
    },
    /// 401: the API server does not accept the credentials (any more); nothing happened.
    #[error("the Kubernetes API does not accept the credentials: {message}")]
    Unauthorized {
        /// The server's own words.
        message: String,
    },
    /// 403: a right is missing; nothing happened.
    #[error(
        "not allowed to {verb} {resource}: grant the verb '{verb}' on '{resource}' to this service account ({message})"
    )]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The server's own words.
        message: String,
    },
    /// Any other refusal; nothing happened.
    #[error("the API server rejects the request: {message}")]
    Rejected {
        /// Status and the server's own words.
        message: String,
    },
    /// No answer, or an answer that can't be understood: the pod may have been removed.
    #[error("it is not known whether it was removed: {message}")]
    Unknown {
        /// What happened.
        message: String,
    },
}

/// Whether removals are real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Mode {
    /// Pods are removed.
    Real,
    /// Every call carries the API server's own dry run: it is validated, and nothing changes.
    DryRun,
}

/// Removes pods.
#[async_trait]
pub trait PodDeleter: Send + Sync {
    /// Requests the removal of exactly the pod with this UID, once. The adapter never retries it.
    ///
    /// # Errors
    /// When the pod was not removed, or when that can't be known.
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError>;

    /// The account that requests removals, as the API server knows it; `None` when it does not say.
    async fn actor(&self) -> Option<String> {
        None
    }
}
