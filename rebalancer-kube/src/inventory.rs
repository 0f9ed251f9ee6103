//! Reads pods and autoscalers of one namespace.

use std::collections::BTreeSet;

use async_trait::async_trait;
use kube::core::params::GetParams;
use rebalancer_core::fleet::{Hpa, Pod, Uid};
use rebalancer_core::port::{Inventory, InventoryError};
use rebalancer_core::surroundings::{Controller, DisruptionBudget};
use tracing::{debug, warn};

use crate::classify::{Right, is_gone, read_error};
use crate::client::Connection;
use crate::decode::{RawHpa, RawPod, hpa, pod};
use crate::list::List;
use crate::retry::{Deadline, read};
use crate::wire::{self, Failure};

const LIST_PODS: Right = Right { verb: "list", resource: "pods" };
const GET_POD: Right = Right { verb: "get", resource: "pods" };
const LIST_HPAS: Right = Right { verb: "list", resource: "horizontalpodautoscalers.autoscaling" };

/// Which pods make up the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySettings {
    /// Their namespace.
    pub namespace: String,
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

    fn list(&self, api: &str, resource: &str, kind: &'static str, right: Right) -> List<'_> {
        List {
            client: &self.connection.client,
            deadline: Deadline::after(self.connection.timeout),
            namespace: &self.settings.namespace,
            path: wire::collection(api, &self.settings.namespace, resource),
            kind,
            right,
            labels: None,
        }
    }

    fn decoded(&self, raw: RawPod) -> Result<Pod, InventoryError> {
        pod(raw, &self.settings.namespace, &self.settings.container)
    }

    async fn get(&self, name: &str) -> Result<RawPod, Failure> {
        wire::pod(&self.settings.namespace, name)?;
        let pods = wire::collection("/api/v1", &self.settings.namespace, "pods")?;
        let request = kube::core::Request::new(pods)
            .get(name, &GetParams::default())
            .map_err(|error| Failure::Unsendable(error.to_string()))?;
        read(&self.connection.client, &request, Deadline::after(self.connection.timeout)).await
    }
}

#[async_trait]
impl Inventory for KubeInventory {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        let list = self.list("/api/v1", "pods", "PodList", LIST_PODS);
        let list = List { labels: Some(&self.settings.label_selector), ..list };
        let pods = list.read(|raw| self.decoded(raw)).await?;
        Ok(each_once(pods))
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.list(
            "/apis/autoscaling/v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscalerList",
            LIST_HPAS,
        )
        .read(|raw: RawHpa| hpa(raw, &self.settings.container))
        .await
    }

    async fn controller(&self) -> Result<Option<Controller>, InventoryError> {
        Ok(None)
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        Ok(Vec::new())
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        let answer = self.get(name).await;
        debug!(event = "kubernetes_get", pod = name, found = answer.is_ok());
        match answer {
            Ok(raw) => self.decoded(raw).map(Some),
            Err(Failure::Refused(refusal)) if is_gone(&refusal) => Ok(None),
            Err(failure) => Err(read_error(&failure, GET_POD, &self.settings.namespace)),
        }
    }
}

/// Counting a pod twice would distort every statistic, so of equal UIDs the first stays.
pub(crate) fn each_once(pods: Vec<Pod>) -> Vec<Pod> {
    let mut seen: BTreeSet<Uid> = BTreeSet::new();
    let fresh = |pod: &Pod| {
        let fresh = seen.insert(pod.uid.clone());
        if !fresh {
            warn!(event = "kubernetes_duplicate", pod = %pod.name, uid = %pod.uid, "listed twice, counted once");
        }
        fresh
    };
    pods.into_iter().filter(fresh).collect()
}
