//! The fleet as watches keep it, so that a cycle asks for no list.
//!
//! ```text
//!   kube's watcher --events--> Kept (by name) <--pods, hpas, budgets-- FleetWatch : Inventory
//!        |                                                                |
//!        +-- client that hears (heard) --> when the server spoke last     +-- everything else: KubeInventory
//! ```
//!
//! A watch that says nothing may have nothing to say, or be dead. So each is begun anew every 30 seconds, and what
//! counts as a sign of life is any piece of an answer: an event, a bookmark, or that a watch was begun. While a list is read
//! anew, nothing counts until it is whole. How old the last sign may be is the policy's to say.

mod heard;
mod kept;
mod observed;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use rebalancer_core::fleet::{
    Activity, Controller, DisruptionBudget, Hpa, LeavingNode, Neighbor, Pod, Scale, Uid, VerticalScaler,
    Watched,
};
use rebalancer_core::port::{ApiErrors, Inventory, InventoryError};
use tokio::sync::watch as channel;
use tracing::{debug, warn};

use crate::client::{Connection, ConnectionSettings, connect_for};
use crate::cluster::{ConnectError, Environment};
use crate::decode::{RawHpa, budget, hpa};
use crate::inventory::{InventorySettings, KubeInventory};
use crate::text::excerpt;
use heard::{Heard, hearing};
use kept::Kept;
use observed::{Observed, Watchable};

/// A watch is begun anew after this time, without a list.
const WATCH_SECONDS: u32 = 30;
const WATCH_FOR: Duration = Duration::from_secs(WATCH_SECONDS as u64);

/// Objects in one page of a first list: a page is in memory as a whole.
const PAGE: u32 = 100;

/// A connection for watches, on which the server may be silent for longer than it may take to answer.
#[derive(Clone)]
pub struct WatchConnection(Connection);

impl WatchConnection {
    /// Makes the client; sends nothing.
    ///
    /// # Errors
    /// As [`connect`](crate::connect).
    pub async fn open(settings: &ConnectionSettings) -> Result<Self, ConnectError> {
        let silence = WATCH_FOR + settings.timeout;
        connect_for(settings, &Environment::of_process(), silence).await.map(Self)
    }

    /// Takes a connection that exists already, for embedders and tests. Its client must allow a silence of more than 30
    /// seconds.
    #[must_use]
    pub const fn with_connection(connection: Connection) -> Self {
        Self(connection)
    }
}

/// What matters of a namespace besides pods: its autoscalers and disruption budgets. Shared by the fleets in it.
#[derive(Clone)]
pub struct NamespaceWatch {
    namespace: String,
    hpas: Arc<Kept<RawHpa>>,
    budgets: Arc<Kept<Result<DisruptionBudget, InventoryError>>>,
}

impl NamespaceWatch {
    /// Knows nothing until it follows.
    #[must_use]
    pub fn new(namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), hpas: Arc::default(), budgets: Arc::default() }
    }

    /// Keeps it up to date, for as long as this is polled; it never ends. Needs `list` and `watch` on
    /// `horizontalpodautoscalers.autoscaling` and `poddisruptionbudgets.policy`.
    pub fn follow(&self, over: &WatchConnection) -> impl Future<Output = ()> + Send + 'static + use<> {
        let hpas = follow::<RawHpa, _, _>(over, &self.namespace, "", Arc::clone(&self.hpas), |raw| raw);
        let budgets = follow(over, &self.namespace, "", Arc::clone(&self.budgets), budget);
        async move {
            tokio::join!(hpas, budgets);
        }
    }
}

/// What makes a difference to a rotation: which pods there are, and which of them serve since when.
type Moments = (Option<Uid>, bool, bool, Option<Timestamp>);

/// One fleet, kept by watches. What they don't tell, and what must be as it is now, is read by the inventory below.
pub struct FleetWatch {
    live: KubeInventory,
    around: NamespaceWatch,
    pods: Arc<Kept<Result<Pod, InventoryError>>>,
    changes: Arc<channel::Sender<u64>>,
}

impl FleetWatch {
    /// The fleet of this inventory, in a namespace that is watched. Knows nothing until it follows.
    #[must_use]
    pub fn new(live: KubeInventory, around: NamespaceWatch) -> Self {
        Self { live, around, pods: Arc::default(), changes: Arc::new(channel::Sender::new(0)) }
    }

    /// Keeps the pods up to date, for as long as this is polled; it never ends. Needs `list` and `watch` on `pods`.
    pub fn follow(&self, over: &WatchConnection) -> impl Future<Output = ()> + Send + 'static + use<> {
        let InventorySettings { namespace, label_selector, .. } = self.live.settings().clone();
        let (live, changes) = (self.live.clone(), Arc::clone(&self.changes));
        let pods = Arc::clone(&self.pods);
        let convert = crate::inventory::sharing(move |raw| live.decoded(raw));
        pods.tell(move |before: Option<&_>, after: Option<&_>| {
            if before.map(moments) != after.map(moments) {
                changes.send_modify(|count| *count += 1);
            }
        });
        follow(over, &namespace, &label_selector, pods, convert)
    }

    /// Sees a new number each time when a pod came, went, or began or ceased to be Ready.
    #[must_use]
    pub fn changes(&self) -> channel::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Every first list is there.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        let Self { around, pods, .. } = self;
        pods.is_listed() && around.hpas.is_listed() && around.budgets.is_listed()
    }
}

fn moments(pod: &Result<Pod, InventoryError>) -> Moments {
    match pod {
        Ok(pod) => (Some(pod.uid.clone()), pod.ready, pod.terminating, pod.ready_since),
        Err(_) => (None, false, false, None),
    }
}

#[async_trait]
impl Inventory for FleetWatch {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.pods.all(Clone::clone)
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        let container = &self.live.settings().container;
        self.around.hpas.all(|raw| hpa(raw.clone(), container))
    }

    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.live.owner(api_version, kind, name).await
    }

    async fn scale(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Scale>, InventoryError> {
        self.live.scale(api_version, kind, name).await
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.around.budgets.all(Clone::clone)
    }

    async fn leaving_nodes(&self, nodes: &[&str]) -> Result<Vec<LeavingNode>, InventoryError> {
        self.live.leaving_nodes(nodes).await
    }

    async fn at_work(&self, neighbor: Neighbor, workload: &str) -> Result<Vec<Activity>, InventoryError> {
        self.live.at_work(neighbor, workload).await
    }

    async fn vertical(&self, workload: &str) -> Result<Option<VerticalScaler>, InventoryError> {
        self.live.vertical(workload).await
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        self.live.pod(name).await
    }

    async fn pods_unlike(&self, label: &str, value: &str) -> Result<Vec<Pod>, InventoryError> {
        self.live.pods_unlike(label, value).await
    }

    fn watched(&self) -> Option<Watched> {
        let Self { around, pods, .. } = self;
        let all = [pods.heard(), around.hpas.heard(), around.budgets.heard()];
        let silences: Option<Vec<Duration>> = all.iter().map(|heard| heard.silence()).collect();
        let longest = silences.filter(|_| self.is_listed()).and_then(|all| all.into_iter().max());
        let ago = longest.and_then(|longest| SignedDuration::try_from(longest).ok());
        let heard_at = ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok());
        Some(Watched { heard_at, error: all.iter().find_map(|heard| heard.error()) })
    }

    fn errors(&self) -> ApiErrors {
        self.live.errors()
    }
}

/// Keeps objects up to date.
fn follow<R: Watchable, T: Send + 'static, C: Fn(R) -> T + Send + Sync + 'static>(
    over: &WatchConnection,
    namespace: &str,
    labels: &str,
    kept: Arc<Kept<T>>,
    convert: C,
) -> impl Future<Output = ()> + Send + 'static + use<R, T, C> {
    let client = hearing(&over.0, kept.heard());
    let api: Api<Observed<R>> = Api::namespaced(client, namespace);
    let namespace = namespace.to_owned();
    let config = Config::default().labels(labels).timeout(WATCH_SECONDS).page_size(PAGE);
    async move {
        kept.forget();
        let mut events = pin!(watch(api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => kept.begin(),
                Ok(Event::InitApply(object)) => kept.list(object.name(), convert(object.raw)),
                Ok(Event::InitDone) => {
                    let objects = kept.listed();
                    debug!(event = "watch_listed", kind = R::KIND, objects, "a watch has its first list");
                }
                Ok(Event::Apply(object)) => kept.put(object.name(), convert(object.raw)),
                Ok(Event::Delete(object)) => kept.remove(&object.name()),
                Err(error) => broken(&kept.heard(), R::KIND, &namespace, &error),
            }
        }
    }
}

/// An API server that is away for an hour is told of once for each watch.
fn broken(heard: &Heard, kind: &'static str, namespace: &str, error: &watcher::Error) {
    let words = excerpt(&heard::words(error));
    if heard.broke(format!("{kind}: {words}")) {
        warn!(event = "watch_broken", kind, namespace, error = words, "a watch broke; it is taken up again");
    } else {
        debug!(event = "watch_broken", kind, namespace, error = words, "a watch is still broken");
    }
}
