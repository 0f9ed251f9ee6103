//! The adapters of a workload: connections that are shared, and one observation within the cycle's time.

mod group;
mod loads;
mod window;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use rebalancer_core::cycle::{self, Memory, Observation, Sources, Subject};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::{CruiseControl, Interrupt as _};
use rebalancer_forecast::Mstl;
use rebalancer_kube::{ConnectError, Connection, FleetWatch, KubeInventory};
use rebalancer_prom::CruiseControlApi;

use crate::config::AdapterSettings;
use crate::interrupt::Watch;
pub(crate) use group::Group;
pub(crate) use loads::Loads;
pub(crate) use window::mean_of;

/// The adapters of one workload.
pub(crate) struct Adapters {
    pub(crate) connection: Connection,
    pub(crate) metrics: Loads,
    /// The consumer group, where Kafka is asked.
    pub(crate) group: Option<Group>,
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
            observation = observing => observation.context("the fleet could not be observed"),
            why = watch.stopped() => Err(anyhow!("stopped before a decision: {why}")),
        }
    }
}

/// Workloads that reach the cluster in the same way share a connection: each costs some 25 ms and 100 kB.
#[derive(Default)]
pub(crate) struct Connections(Vec<(rebalancer_kube::ConnectionSettings, Connection)>);

impl Connections {
    pub(crate) async fn to(
        &mut self,
        settings: &rebalancer_kube::ConnectionSettings,
    ) -> Result<Connection, ConnectError> {
        if let Some((_, open)) = self.0.iter().find(|(known, _)| known == settings) {
            return Ok(open.clone());
        }
        let connection = rebalancer_kube::connect(settings).await?;
        self.0.push((settings.clone(), connection.clone()));
        Ok(connection)
    }
}
