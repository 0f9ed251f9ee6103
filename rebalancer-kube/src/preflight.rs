//! What can be found out about a cluster before it is relied on: whether it answers and how its clock goes, which
//! rights we have, and what there is where something was not found. Only reads; access reviews store nothing.

mod access;
mod shape;
mod workload;

use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use rebalancer_core::port::InventoryError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use access::{Access, Allowed};
pub use shape::{Amount, BudgetShape, PodShape};
pub use workload::{ContainerShape, Told, WorkloadKind, WorkloadShape};

use crate::answer::OnlyJson;
use crate::classify::{Right, is_gone, read_error};
use crate::client::Connection;
use crate::list::{Encodings, List};
use crate::retry::{Deadline, read, read_dated};
use crate::wire::{self, Dated, Failure};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const REVIEW: Right = Right { verb: "create", resource: "selfsubjectaccessreviews.authorization.k8s.io" };

/// Looks around in one namespace.
#[derive(Clone)]
pub struct Preflight {
    connection: Connection,
    namespace: String,
}

/// Whether there is a namespace of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not; these are, if we may know.
    Absent(Vec<String>),
    /// We may not know.
    NotTold,
}

#[derive(Deserialize)]
struct ApiGroups {
    groups: Vec<ApiGroup>,
}

#[derive(Deserialize)]
struct ApiGroup {
    name: String,
}

impl OnlyJson for Named {}

#[derive(Deserialize)]
struct Named {
    metadata: NamedMeta,
}

#[derive(Deserialize)]
struct NamedMeta {
    name: Option<String>,
}

impl Preflight {
    /// Looks over this connection.
    #[must_use]
    pub fn new(connection: &Connection, namespace: &str) -> Self {
        Self { connection: connection.clone(), namespace: namespace.to_owned() }
    }

    /// Whether we have a right, and what the server's clock shows, to the second.
    ///
    /// # Errors
    /// When the server does not say; it says it to every authenticated user, by the ClusterRole `system:basic-user`.
    pub async fn review(&self, access: &Access) -> Result<(Allowed, Option<Timestamp>), InventoryError> {
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(access.attributes(&self.namespace)),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let answer = match wire::request(Method::POST, REVIEWS, Some(&review)) {
            Ok(request) => {
                let deadline = self.deadline();
                read_dated::<SelfSubjectAccessReview>(&self.connection, &request, deadline).await
            }
            Err(failure) => Err(failure),
        };
        let Dated { answer, date } = answer.map_err(|failure| self.error(&failure, REVIEW))?;
        Ok((Allowed::of(answer), date))
    }

    /// Whether the namespace is there.
    ///
    /// # Errors
    /// When the server can't be used; that we may not know is no error.
    pub async fn namespace(&self) -> Result<Presence, InventoryError> {
        let right = Right { verb: "get", resource: "namespaces" };
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        match self.get::<Named>(Ok(path), right).await {
            Ok(Some(_)) => Ok(Presence::Present),
            Ok(None) => Ok(Presence::Absent(self.namespaces().await)),
            Err(InventoryError::Forbidden { .. }) => Ok(Presence::NotTold),
            Err(error) => Err(error),
        }
    }

    /// Empty when we may not know.
    async fn namespaces(&self) -> Vec<String> {
        let right = Right { verb: "list", resource: "namespaces" };
        let list = self.list(Ok("/api/v1/namespaces".to_owned()), "NamespaceList", right);
        let named = list.read(|raw: Named| Ok(raw.metadata.name)).await.unwrap_or_default();
        named.into_iter().flatten().collect()
    }

    /// Pods of the namespace, all or those of a label selector, as the API server understands it.
    ///
    /// # Errors
    /// When they can't be listed.
    pub async fn pods(&self, labels: Option<&str>) -> Result<Vec<PodShape>, InventoryError> {
        let right = Right { verb: "list", resource: "pods" };
        let list = self.list(self.collection("/api/v1", "pods"), "PodList", right);
        List { labels, ..list }.read(|raw| Ok(shape::pod(raw))).await
    }

    /// The workload of this kind and name, if there is one, with the values of these variables of its containers.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn workload(
        &self,
        kind: WorkloadKind,
        name: &str,
        asked: &[&str],
    ) -> Result<Option<WorkloadShape>, InventoryError> {
        let path = wire::object("/apis/apps/v1", &self.namespace, kind.resource(), name);
        let found = self.get(path, kind.right("get")).await?;
        Ok(found.map(|raw| workload::workload(raw, kind, asked)))
    }

    /// All workloads of a kind, with the values of these variables of their containers.
    ///
    /// # Errors
    /// When they can't be listed.
    pub async fn workloads(
        &self,
        kind: WorkloadKind,
        asked: &[&str],
    ) -> Result<Vec<WorkloadShape>, InventoryError> {
        let list =
            self.list(self.collection("/apis/apps/v1", kind.resource()), kind.list(), kind.right("list"));
        list.read(|raw| Ok(workload::workload(raw, kind, asked))).await
    }

    /// All disruption budgets, with what they promise.
    ///
    /// # Errors
    /// When they can't be listed.
    pub async fn budgets(&self) -> Result<Vec<BudgetShape>, InventoryError> {
        let right = Right { verb: "list", resource: "poddisruptionbudgets.policy" };
        let path = self.collection("/apis/policy/v1", "poddisruptionbudgets");
        self.list(path, "PodDisruptionBudgetList", right).read(|raw| Ok(shape::budget(raw))).await
    }

    /// The groups of APIs that the server has; every authenticated user may know them.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn api_groups(&self) -> Result<Vec<String>, InventoryError> {
        let right = Right { verb: "get", resource: "/apis" };
        let found = self.get::<ApiGroups>(Ok("/apis".to_owned()), right).await?;
        Ok(found.into_iter().flat_map(|found| found.groups).map(|group| group.name).collect())
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: Result<String, Failure>,
        right: Right,
    ) -> Result<Option<T>, InventoryError> {
        let request = path.and_then(|path| wire::request(Method::GET, &path, None::<&()>));
        let answer = match request {
            Ok(request) => read(&self.connection, &request, self.deadline()).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if is_gone(&refusal) => Ok(None),
            Err(failure) => Err(self.error(&failure, right)),
        }
    }

    fn list(&self, path: Result<String, Failure>, kind: &'static str, right: Right) -> List<'_> {
        let (connection, deadline) = (&self.connection, self.deadline());
        let encodings = Encodings::Json;
        List { connection, deadline, namespace: &self.namespace, path, kind, right, labels: None, encodings }
    }

    fn collection(&self, api: &str, resource: &str) -> Result<String, Failure> {
        wire::collection(api, &self.namespace, resource)
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.connection.timeout)
    }

    fn error(&self, failure: &Failure, right: Right) -> InventoryError {
        read_error(failure, right, &self.namespace)
    }
}
