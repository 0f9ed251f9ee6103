//! Builds the adapters and takes one observation, within the cycle's time.

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use rebalancer_core::cycle::{self, Observation, Subject};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::Interrupt as _;
use rebalancer_kube::{Connection, KubeInventory};
use rebalancer_prom::PrometheusSource;

use crate::config::Sight;
use crate::interrupt::Watch;

/// What observing needs.
pub(crate) struct Eyes {
    pub(crate) connection: Connection,
    pub(crate) metrics: PrometheusSource,
    pub(crate) inventory: KubeInventory,
}

impl Eyes {
    /// Looks by way of this connection; contacts nobody.
    pub(crate) fn open(connection: Connection, sight: Sight) -> Self {
        Self {
            metrics: PrometheusSource::new(sight.metrics, sight.queries),
            inventory: KubeInventory::new(&connection, sight.inventory),
            connection,
        }
    }

    /// Reads the fleet and decides. Nothing has happened yet, so a signal or the deadline ends it at once.
    ///
    /// # Errors
    /// When there is nothing to decide on, for people.
    pub(crate) async fn observe(
        &self,
        subject: &Subject,
        policy: &Policy,
        watch: &Watch,
    ) -> anyhow::Result<Observation> {
        let observing = cycle::observe(subject, &self.metrics, &self.inventory, policy, Timestamp::now());
        tokio::select! {
            observation = observing => observation.context("the fleet could not be observed"),
            why = watch.stopped() => Err(anyhow!("stopped before a decision: {why}")),
        }
    }
}
