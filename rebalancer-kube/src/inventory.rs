//! Reads the fleet and what goes on around it, in one namespace.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use http::Request;
use http::header::{ACCEPT, HeaderValue};
use rebalancer_core::fleet::{Controller, DisruptionBudget, Hpa, Labels, Owner, Pod, Scale, Text, Uid};
use rebalancer_core::port::{ApiErrors, Inventory, InventoryError};
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, debug, info_span, warn};

use crate::answer::{EITHER, One};
use crate::classify::{Right, has_no_scale, is_gone, read_error};
use crate::client::Connection;
use crate::decode::{RawController, RawHpa, RawPod, RawScale, budget, controller, hpa, pod, scale};
use crate::kind::{Kind, path, scale_path};
use crate::list::{Encodings, List};
use crate::retry::{Deadline, gather, read, read_if_allowed};
use crate::wire::{self, Failure};

const LIST_PODS: Right = Right { verb: "list", resource: "pods" };
const GET_POD: Right = Right { verb: "get", resource: "pods" };
const LIST_HPAS: Right = Right { verb: "list", resource: "horizontalpodautoscalers.autoscaling" };
const GET_SCALE: Right = Right { verb: "get", resource: "the scale of what owns the pods" };
const LIST_BUDGETS: Right = Right { verb: "list", resource: "poddisruptionbudgets.policy" };

/// Which pods make up the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySettings {
    /// Their namespace.
    pub namespace: String,
    /// The name of the object that owns them, such as a Deployment.
    pub workload: String,
    /// Their labels, as the API server understands them: `app=consumer,tier in (a,b)`. Empty selects every pod.
    pub label_selector: String,
    /// The container whose requests and targets count.
    pub container: String,
}

/// Reads the fleet from the Kubernetes API.
#[derive(Clone)]
pub struct KubeInventory {
    connection: Connection,
    settings: InventorySettings,
}

impl KubeInventory {
    /// Reads over this connection.
    #[must_use]
    pub fn new(connection: &Connection, settings: InventorySettings) -> Self {
        Self { connection: connection.clone(), settings }
    }

    /// Which pods it reads.
    pub(crate) const fn settings(&self) -> &InventorySettings {
        &self.settings
    }

    fn list(&self, api: &str, resource: &str, kind: &'static str, right: Right) -> List<'_> {
        List {
            connection: &self.connection,
            deadline: Deadline::after(self.connection.timeout),
            namespace: &self.settings.namespace,
            path: wire::collection(api, &self.settings.namespace, resource),
            kind,
            right,
            labels: None,
            encodings: Encodings::Json,
        }
    }

    async fn list_pods(&self, labels: &str) -> Result<Vec<Pod>, InventoryError> {
        let list = self.list("/api/v1", "pods", "PodList", LIST_PODS);
        let list = List { labels: Some(labels), encodings: Encodings::Either, ..list };
        let convert = sharing(|raw| self.decoded(raw));
        let pods = list.read(convert).instrument(info_span!("list_pods")).await?;
        Ok(each_once(pods))
    }

    pub(crate) fn decoded(&self, raw: RawPod) -> Result<Pod, InventoryError> {
        pod(raw, &self.settings.namespace, &self.settings.container)
    }

    /// The object at this path, if there is one.
    async fn get<T: DeserializeOwned>(
        &self,
        path: Result<String, Failure>,
        right: Right,
        expected: Expected,
    ) -> Result<Option<T>, InventoryError> {
        let deadline = Deadline::after(self.connection.timeout);
        let request = path.and_then(|path| wire::request(http::Method::GET, &path, None::<&()>));
        let answer = match (&request, expected) {
            (Ok(request), Expected::Allowed) => read(&self.connection, request, deadline).await,
            (Ok(request), Expected::PerhapsAllowed) => {
                read_if_allowed(&self.connection, request, deadline).await
            }
            (Err(failure), _) => Err(Failure::Unsendable(failure.to_string())),
        };
        self.found(&request, answer, right)
    }

    /// A pod, in whichever encoding the server gives it.
    async fn get_pod(&self, name: &str) -> Result<Option<RawPod>, InventoryError> {
        let deadline = Deadline::after(self.connection.timeout);
        let path = wire::pod(&self.settings.namespace, name);
        let mut request = path.and_then(|path| wire::request(http::Method::GET, &path, None::<&()>));
        let answer = match &mut request {
            Ok(request) => {
                request.headers_mut().insert(ACCEPT, HeaderValue::from_static(EITHER));
                gather(&self.connection, request, deadline, One::begin).await
            }
            Err(failure) => Err(Failure::Unsendable(failure.to_string())),
        };
        self.found(&request, answer, GET_POD)
    }

    /// What an answer says of whether there is such an object.
    fn found<T>(
        &self,
        request: &Result<Request<Vec<u8>>, Failure>,
        answer: Result<T, Failure>,
        right: Right,
    ) -> Result<Option<T>, InventoryError> {
        let answer = match answer {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if is_gone(&refusal) => Ok(None),
            Err(Failure::Refused(refusal)) if right == GET_SCALE && has_no_scale(&refusal) => Ok(None),
            Err(failure) => Err(failure),
        };
        // What could not be asked is neither there nor gone.
        debug!(
            event = "kubernetes_get",
            resource = right.resource,
            object = request.as_ref().ok().map(|request| request.uri().path()),
            found = answer.as_ref().ok().map(Option::is_some),
            error = answer.as_ref().err().map(tracing::field::display),
            "looked for an object"
        );
        answer.map_err(|failure| read_error(&failure, right, &self.settings.namespace))
    }
}

/// Whether a refusal would be a mistake in the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Allowed,
    PerhapsAllowed,
}

#[async_trait]
impl Inventory for KubeInventory {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.list_pods(&self.settings.label_selector).await
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.list(
            "/apis/autoscaling/v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscalerList",
            LIST_HPAS,
        )
        .read(|raw: RawHpa| hpa(raw, &self.settings.container))
        .instrument(info_span!("list_autoscalers"))
        .await
    }

    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        let known = Kind::of(api_version, kind);
        let path = path(api_version, kind, &self.settings.namespace, name);
        let expected = match known {
            Kind::Deployment | Kind::StatefulSet if name == self.settings.workload => Expected::Allowed,
            Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet | Kind::Other => Expected::PerhapsAllowed,
        };
        let found = self.get::<RawController>(path, known.right(), expected);
        let found = found.instrument(info_span!("get_controller")).await?;
        found.map(|raw| controller(raw, kind)).transpose()
    }

    async fn scale(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Scale>, InventoryError> {
        let path = scale_path(api_version, kind, &self.settings.namespace, name);
        let found = self.get::<RawScale>(path, GET_SCALE, Expected::PerhapsAllowed);
        let found = found.instrument(info_span!("get_controller")).await?;
        found.map(scale).transpose()
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        let list =
            self.list("/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudgetList", LIST_BUDGETS);
        list.read(budget).instrument(info_span!("list_budgets")).await
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        let found = self.get_pod(name);
        let found = found.instrument(info_span!("get_pod", pod = name)).await?;
        found.map(|raw| self.decoded(raw)).transpose()
    }

    async fn pods_unlike(&self, label: &str, value: &str) -> Result<Vec<Pod>, InventoryError> {
        let unlike = [&self.settings.label_selector, &*format!("{label}!={value}")];
        let labels = unlike.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
        self.list_pods(&labels).await
    }

    /// Of everybody who shares the connection.
    fn errors(&self) -> ApiErrors {
        self.connection.meter.errors()
    }
}

/// Decodes pods so that they share what they have in common.
pub(crate) fn sharing(
    decoded: impl Fn(RawPod) -> Result<Pod, InventoryError> + Sync,
) -> impl Fn(RawPod) -> Result<Pod, InventoryError> + Sync {
    let shared = Mutex::new(Shared::default());
    move |raw| {
        let pod = decoded(raw)?;
        Ok(shared.lock().unwrap_or_else(PoisonError::into_inner).sharing(pod))
    }
}

/// Pods of a StatefulSet have labels of their own each.
const MOST_SHARED: usize = 50_000;

/// What pods have in common, once.
#[derive(Default)]
struct Shared {
    texts: BTreeSet<Text>,
    labels: BTreeSet<Labels>,
    owners: BTreeSet<Owner>,
}

impl Shared {
    /// Who watches for months sees many that no pod has any more. What is forgotten is only not shared with those that come.
    fn forget(&mut self) {
        if self.texts.len() + self.labels.len() + self.owners.len() > MOST_SHARED {
            *self = Self::default();
        }
    }

    /// The pod with what others have that have the same.
    fn sharing(&mut self, mut pod: Pod) -> Pod {
        self.forget();
        pod.namespace = known(&mut self.texts, pod.namespace);
        pod.node = pod.node.map(|node| known(&mut self.texts, node));
        pod.labels = known(&mut self.labels, pod.labels);
        pod.annotations = known(&mut self.labels, pod.annotations);
        pod.owner = pod.owner.map(|owner| known(&mut self.owners, owner));
        if let Some(class) = pod.extras.priority_class.clone() {
            pod.extras.priority_class = Some(known(&mut self.texts, class));
        }
        pod
    }
}

fn known<T: Ord + Clone>(seen: &mut BTreeSet<T>, one: T) -> T {
    if let Some(same) = seen.get(&one) {
        return same.clone();
    }
    seen.insert(one.clone());
    one
}

/// Counting a pod twice would distort every statistic, so of equal UIDs the first stays.
pub(crate) fn each_once(pods: Vec<Pod>) -> Vec<Pod> {
    let (mut seen, mut again): (BTreeSet<&Uid>, BTreeSet<usize>) = Default::default();
    for (place, pod) in pods.iter().enumerate() {
        if !seen.insert(&pod.uid) {
            warn!(event = "kubernetes_duplicate", pod = %pod.name, uid = %pod.uid, "listed twice, counted once");
            again.insert(place);
        }
    }
    if again.is_empty() {
        return pods;
    }
    let fresh = pods.into_iter().enumerate().filter(|(place, _)| !again.contains(place));
    fresh.map(|(_, pod)| pod).collect()
}
