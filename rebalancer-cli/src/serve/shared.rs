//! Connections and watches that workloads share.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, Weak};

use rebalancer_kube::{ConnectionSettings, FleetWatch, NamespaceWatch, WatchConnection};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use crate::adapters::{Adapters, Connections, PerCluster};
use crate::config::{RunSettings, WorkloadSettings};

/// What stands in the way to a cluster, once somebody has tried.
type Tried = Rc<Mutex<Option<String>>>;

/// Connections and watches that workloads share.
#[derive(Default)]
pub(super) struct Shared {
    connections: Connections,
    watching: PerCluster<WatchConnection>,
    around: RefCell<Vec<(ConnectionSettings, String, Weak<Around>)>>,
    /// Why there is no way to a cluster, as this round found.
    tried: RefCell<Vec<(ConnectionSettings, Tried)>>,
}

impl Shared {
    /// Clusters to which there was no way are tried again.
    pub(super) fn again(&self) {
        self.tried.borrow_mut().clear();
    }

    /// Contacts no server. Where there is no way to a cluster, one workload finds out for all of it.
    pub(super) async fn open(
        &self,
        one: WorkloadSettings,
    ) -> Result<(Adapters, Arc<Around>, RunSettings), String> {
        let WorkloadSettings { adapters, run, .. } = one;
        let to = adapters.kubernetes.clone();
        let tried = self.tried(&to);
        let mut failed = tried.lock().await;
        if let Some(problem) = &*failed {
            return Err(problem.clone());
        }
        let ways = async {
            let connection = self.connections.to(&to).await.map_err(|error| error.to_string())?;
            Ok((connection, self.around(&to, &run.subject.workload.namespace).await?))
        };
        let (connection, around) =
            ways.await.inspect_err(|problem: &String| *failed = Some(problem.clone()))?;
        let mut adapters = Adapters::open(connection, adapters);
        adapters.view = Some(FleetWatch::new(adapters.inventory.clone(), around.watch.clone()));
        Ok((adapters, around, run))
    }

    fn tried(&self, to: &ConnectionSettings) -> Tried {
        let mut all = self.tried.borrow_mut();
        if let Some((_, tried)) = all.iter().find(|(known, _)| known == to) {
            return Rc::clone(tried);
        }
        let tried = Tried::default();
        all.push((to.clone(), Rc::clone(&tried)));
        tried
    }

    async fn around(&self, to: &ConnectionSettings, namespace: &str) -> Result<Arc<Around>, String> {
        let over = self.watching.of(to, || WatchConnection::open(to)).await;
        let over = over.map_err(|error| error.to_string())?;
        let mut all = self.around.borrow_mut();
        all.retain(|(_, _, around)| around.strong_count() > 0);
        let known = all.iter().find(|(known, of, _)| known == to && of == namespace);
        if let Some(around) = known.and_then(|(_, _, around)| around.upgrade()) {
            return Ok(around);
        }
        let around = Arc::new(Around {
            watch: NamespaceWatch::new(namespace),
            over,
            following: std::sync::Mutex::default(),
        });
        all.push((to.clone(), namespace.to_owned(), Arc::downgrade(&around)));
        Ok(around)
    }
}

/// A task that ends when nobody needs it any more.
pub(super) struct Following(AbortHandle);

impl Following {
    pub(super) fn of(watch: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(watch).abort_handle())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the workloads of a namespace share.
pub(super) struct Around {
    watch: NamespaceWatch,
    pub(super) over: WatchConnection,
    following: std::sync::Mutex<Weak<Following>>,
}

impl Around {
    /// Follows it, for as long as somebody holds what this returns.
    pub(super) fn follow(&self) -> Arc<Following> {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        following.upgrade().unwrap_or_else(|| {
            let task = Arc::new(Following::of(self.watch.follow(&self.over)));
            *following = Arc::downgrade(&task);
            task
        })
    }
}
