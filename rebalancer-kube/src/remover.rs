//! Removes pods: one request each, with the UID as its precondition, never repeated.

use std::sync::Arc;

use async_trait::async_trait;
use http::Request;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Preconditions};
use kube::core::Status;
use rebalancer_core::fleet::PodRef;
use rebalancer_core::port::{Mode, PodDeleter, RemovalError};
use serde::Deserialize;
use tokio::sync::OnceCell;
use tracing::field::Empty;
use tracing::{Instrument as _, debug, info_span};

use crate::actor::actor;
use crate::classify::{Right, removal_error};
use crate::client::Connection;
use crate::request_log::failed;
use crate::retry::{Deadline, once};
use crate::wire::{self, Failure, Refusal};

/// How a pod is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalMethod {
    /// By the eviction API, which asks the pod's disruption budget. Needs `create` on `pods/eviction`.
    Evict,
    /// By a plain delete, which asks no budget. Needs `delete` on `pods`.
    Delete,
}

impl RemovalMethod {
    /// As the setting has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Evict => "evict",
            Self::Delete => "delete",
        }
    }

    const fn right(self) -> Right {
        match self {
            Self::Evict => Right { verb: "create", resource: "pods/eviction" },
            Self::Delete => Right { verb: "delete", resource: "pods" },
        }
    }
}

/// Removes pods through the Kubernetes API.
///
/// The pod's own grace period counts: none is ever sent. When the returned future is dropped before it ends,
/// the pod may have been removed all the same.
#[derive(Clone)]
pub struct KubeRemover {
    connection: Connection,
    method: RemovalMethod,
    /// Asked once for all clones: who we are does not change, and neither does a server that does not say.
    actor: Arc<OnceCell<Option<String>>>,
}

impl KubeRemover {
    /// Removes by this method over this connection.
    #[must_use]
    pub fn new(connection: &Connection, method: RemovalMethod) -> Self {
        Self { connection: connection.clone(), method, actor: Arc::default() }
    }

    async fn ask(&self, pod: &PodRef, mode: Mode) -> Result<(), Failure> {
        let request = match self.method {
            RemovalMethod::Evict => eviction(pod, mode),
            RemovalMethod::Delete => deletion(pod, mode),
        }?;
        let deadline = Deadline::after(self.connection.timeout);
        once(&self.connection, request, deadline).await.and_then(Answer::into_result)
    }
}

#[async_trait]
impl PodDeleter for KubeRemover {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        let span = info_span!(
            "remove_pod",
            pod = pod.name,
            uid = %pod.uid,
            method = self.method.name(),
            dry_run = mode == Mode::DryRun,
            otel.status_code = Empty,
            otel.status_description = Empty
        );
        let asked = self.ask(pod, mode).instrument(span.clone()).await;
        let result = asked.map_err(|failure| removal_error(&failure, self.method.right()));
        if let Err(error) = &result {
            failed(&span, error);
        }
        let error = result.as_ref().err().map(ToString::to_string);
        debug!(
            event = "kubernetes_remove",
            %pod,
            method = self.method.name(),
            dry_run = mode == Mode::DryRun,
            error,
            "a removal was requested"
        );
        result
    }

    async fn actor(&self) -> Option<String> {
        let asked = self.actor.get_or_init(|| actor(&self.connection));
        asked.instrument(info_span!("get_actor")).await.clone()
    }
}

/// What a server says to a removal: a status, or the pod in its last state.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
enum Answer {
    Status(Box<Status>),
    #[serde(other)]
    Object,
}

impl Answer {
    /// The status object counts, not the status line: an eviction may be refused by a status that is the result
    /// of a request which succeeded. Go's client looks at both as well.
    fn into_result(self) -> Result<(), Failure> {
        match self {
            Self::Object => Ok(()),
            Self::Status(status) if status.is_success() => Ok(()),
            Self::Status(status) => {
                Err(Failure::Refused(Box::new(Refusal { status: *status, retry_after: None })))
            }
        }
    }
}

fn eviction(pod: &PodRef, mode: Mode) -> Result<Request<Vec<u8>>, Failure> {
    let body = Eviction {
        metadata: ObjectMeta {
            name: Some(pod.name.clone()),
            namespace: Some(pod.namespace.clone()),
            ..ObjectMeta::default()
        },
        delete_options: Some(options(pod, mode)),
    };
    let path = format!("{}/eviction", wire::pod(&pod.namespace, &pod.name)?);
    request(http::Method::POST, &path, mode, &body)
}

fn deletion(pod: &PodRef, mode: Mode) -> Result<Request<Vec<u8>>, Failure> {
    request(http::Method::DELETE, &wire::pod(&pod.namespace, &pod.name)?, mode, &options(pod, mode))
}

fn options(pod: &PodRef, mode: Mode) -> DeleteOptions {
    DeleteOptions {
        preconditions: Some(Preconditions { uid: Some(pod.uid.to_string()), resource_version: None }),
        dry_run: match mode {
            Mode::Real => None,
            Mode::DryRun => Some(vec!["All".to_owned()]),
        },
        ..DeleteOptions::default()
    }
}

/// A dry run is requested in the query and in the body: the server accepts both when they agree, and whatever
/// loses one of them on the way still leaves the other.
fn request(
    method: http::Method,
    path: &str,
    mode: Mode,
    body: &impl serde::Serialize,
) -> Result<Request<Vec<u8>>, Failure> {
    let query = match mode {
        Mode::Real => "",
        Mode::DryRun => "?dryRun=All",
    };
    wire::request(method, &format!("{path}{query}"), Some(body))
}
