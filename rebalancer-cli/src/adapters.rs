//! The adapters of a workload: connections that are shared, and one observation within the cycle's time.

mod group;
mod group_lock;
mod loads;
mod window;

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::anyhow;
use jiff::Timestamp;
use rebalancer_core::cycle::{self, GroupLock, Memory, Observation, Sources, Subject};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::{CruiseControl, Interrupt as _};
use rebalancer_forecast::Mstl;
use rebalancer_kube::{ConnectError, Connection, ConnectionSettings, FleetWatch, KubeInventory};
use rebalancer_prom::CruiseControlApi;
use tokio::sync::OnceCell;

use crate::config::AdapterSettings;
use crate::interrupt::Watch;
pub(crate) use group::Group;
pub(crate) use group_lock::GroupLease;
pub(crate) use loads::Loads;
pub(crate) use window::mean_of;

/// The adapters of one workload.
pub(crate) struct Adapters {
    pub(crate) connection: Connection,
    pub(crate) metrics: Loads,
    /// The consumer group, where Kafka is asked.
    pub(crate) group: Option<Group>,
    /// The lock on that group, where it spans clusters.
    pub(crate) group_lock: Option<GroupLease>,
    /// What balances the Kafka cluster itself, where that is asked.
    pub(crate) cruise_control: Option<CruiseControlApi>,
    pub(crate) inventory: KubeInventory,
    /// The fleet as watches keep it; `None`: it is asked for.
    pub(crate) view: Option<FleetWatch>,
    /// Asked only where the policy has a horizon.
    pub(crate) forecaster: Mstl,
}

impl Adapters {
    /// Uses this connection; contacts no server.
    pub(crate) fn open(connection: Connection, adapters: AdapterSettings) -> Self {
        Self {
            metrics: Loads::of(adapters.metrics.as_ref()),
            group: adapters.kafka.map(Group::open),
            group_lock: adapters.group_lock.map(GroupLease::of),
            cruise_control: adapters.cruise_control,
            inventory: KubeInventory::new(&connection, adapters.inventory),
            view: None,
            connection,
            forecaster: Mstl::new(),
        }
    }

    fn sources(&self) -> Sources<'_> {
        Sources::new(&self.metrics, &self.inventory)
            .with_group(self.group.as_ref().map(Group::side))
            .with_forecaster(Some(&self.forecaster))
            .with_cruise_control(self.cruise_control.as_ref().map(|api| api as &dyn CruiseControl))
    }

    /// Reads the fleet and decides. Nothing has happened yet, so a signal or the deadline ends it at once.
    ///
    /// # Errors
    /// When there is nothing to decide on, for people.
    pub(crate) async fn observe(
        &self,
        subject: &Subject,
        policy: &Policy,
        memory: Option<&mut Memory>,
        watch: &Watch,
    ) -> anyhow::Result<Observation> {
        let observing = cycle::observe(subject, self.sources(), policy, memory, Timestamp::now());
        tokio::select! {
            observation = observing => observation.map_err(|error| {
                let error = anyhow!(error).context("the fleet could not be observed");
                anyhow!("{error:#}; `rebalancer check` with the same settings looks for the cause")
            }),
            why = watch.stopped() => Err(anyhow!("stopped before a decision: {why}")),
        }
    }

    /// What is decided beside the lock on the consumer group, where there is one: it is only looked at.
    ///
    /// # Errors
    /// When it is time to stop.
    pub(crate) async fn beside_lock(
        &self,
        observation: Observation,
        policy: &Policy,
        watch: &Watch,
    ) -> anyhow::Result<Observation> {
        let Some(store) = &self.group_lock else { return Ok(observation) };
        let lock = GroupLock { store, who: "plan" };
        tokio::select! {
            observation = lock.beside(observation, policy, Timestamp::now()) => Ok(observation),
            why = watch.stopped() => Err(anyhow!("stopped before a decision: {why}")),
        }
    }
}

/// Workloads that reach the cluster in the same way share a connection: each costs some 25 ms and 100 kB.
pub(crate) type Connections = PerCluster<Connection>;

impl Connections {
    pub(crate) async fn to(&self, settings: &ConnectionSettings) -> Result<Connection, ConnectError> {
        self.of(settings, || rebalancer_kube::connect(settings)).await
    }
}

/// What is made once for each way to a cluster, and shared. Those who want the same at one time wait for it together, and
/// for no other.
pub(crate) struct PerCluster<T>(RefCell<Vec<(ConnectionSettings, Rc<OnceCell<T>>)>>);

impl<T> Default for PerCluster<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> PerCluster<T> {
    pub(crate) async fn of<E, F: Future<Output = Result<T, E>>>(
        &self,
        settings: &ConnectionSettings,
        make: impl FnOnce() -> F,
    ) -> Result<T, E> {
        let known =
            self.0.borrow().iter().find(|(known, _)| known == settings).map(|(_, one)| Rc::clone(one));
        let one = known.unwrap_or_else(|| {
            let one = Rc::default();
            self.0.borrow_mut().push((settings.clone(), Rc::clone(&one)));
            one
        });
        one.get_or_try_init(make).await.cloned()
    }
}
