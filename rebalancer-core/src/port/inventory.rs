//! Reading the fleet.

use async_trait::async_trait;

use super::ApiErrors;
use crate::fleet::{Controller, DisruptionBudget, Hpa, Pod, Scale, Watched};

/// Why a request to the Kubernetes API failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "kind"))]
pub enum InventoryError {
    /// 403: a right is missing.
    #[error(
        "not allowed to {verb} {resource} in namespace {namespace}: grant the verb '{verb}' on '{resource}' to this service account ({message})"
    )]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource, with its API group where it has one.
        resource: &'static str,
        /// The namespace.
        namespace: String,
        /// The server's own words.
        message: String,
    },
    /// 401: the API server does not accept the credentials.
    #[error("the Kubernetes API does not accept the credentials: {message}")]
    Unauthorized {
        /// The server's own words.
        message: String,
    },
    /// No usable answer in time, or 429 or 5xx after all retries.
    #[error("the Kubernetes API could not be used: {message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// Any other refusal, or an answer that can't be understood.
    #[error("the Kubernetes API refused the request: {message}")]
    Rejected {
        /// Status and the server's own words.
        message: String,
    },
}

/// Reads the fleet from the Kubernetes API.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Every pod that the label selector matches, in any phase.
    ///
    /// # Errors
    /// When the list is not whole: part of a fleet is never returned.
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError>;

    /// Every autoscaler of the namespace. By default there is none.
    ///
    /// # Errors
    /// When the list is not whole.
    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        Ok(Vec::new())
    }

    /// The object of this API version, kind and name, if there is one now; whether it is the one that a reference means
    /// is told by its UID. By default there is none, and the pods alone tell of a rollout.
    ///
    /// # Errors
    /// When it can't be known.
    async fn owner(
        &self,
        _api_version: &str,
        _kind: &str,
        _name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        Ok(None)
    }

    /// What the scale subresource of this object tells; `None` where it has none, or nothing that it could tell. It is asked
    /// for only where the object itself may not be read, or does not tell its numbers. By default there is none.
    ///
    /// # Errors
    /// When it can't be known.
    async fn scale(
        &self,
        _api_version: &str,
        _kind: &str,
        _name: &str,
    ) -> Result<Option<Scale>, InventoryError> {
        Ok(None)
    }

    /// Every disruption budget of the namespace. By default there is none.
    ///
    /// # Errors
    /// When the list is not whole.
    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        Ok(Vec::new())
    }

    /// The pod that has this name now, if there is one; it may be another pod than before. By default the fleet is listed
    /// again and looked through.
    ///
    /// # Errors
    /// When it can't be known.
    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        Ok(self.pods().await?.into_iter().find(|pod| pod.name == name))
    }

    /// Those of these pods that there are now, each read by itself, so that the answer is no older than the question; one
    /// that is not there any more is left out. By default one after the other.
    ///
    /// # Errors
    /// When it can't be known of one of them.
    async fn named(&self, names: &[&str]) -> Result<Vec<Pod>, InventoryError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.extend(self.pod(name).await?);
        }
        Ok(found)
    }

    /// The pods that the label selector matches and that don't have this label with this value; those without the label
    /// are among them. By default the fleet is listed again and looked through.
    ///
    /// # Errors
    /// When the list is not whole.
    async fn pods_unlike(&self, label: &str, value: &str) -> Result<Vec<Pod>, InventoryError> {
        let mut pods = self.pods().await?;
        pods.retain(|pod| pod.labels.get(label).map(String::as_str) != Some(value));
        Ok(pods)
    }

    /// How this inventory knows what it tells, where it is kept by watches; `None`: everything is asked for at the time of the
    /// call.
    fn watched(&self) -> Option<Watched> {
        None
    }

    /// What went wrong with the API server so far, removals and the record included, as far as that is known here.
    fn errors(&self) -> ApiErrors {
        ApiErrors::default()
    }
}
