//! The fleet as watches keep it: at once, and as old as their last event.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rebalancer_core::fleet::{Controller, DisruptionBudget, Hpa, Pod, Watched};
use rebalancer_core::port::{Inventory, InventoryError};

use super::Port;
use crate::event::What;
use crate::plant::Bug;
use crate::sim::{LONGEST_LAG, Shown, Sim};

pub(crate) struct View {
    port: Port,
    /// As of this long ago.
    lag: SignedDuration,
}

impl View {
    /// What this process knows by watches, if it has any. Mostly that is of a moment ago; a watch that broke may have told
    /// nothing for minutes.
    pub(crate) fn of(port: &Port) -> Option<Self> {
        let mut sim = port.sim();
        if !sim.setup.watches {
            return None;
        }
        let most = match sim.random.random_range(0..10) {
            _ if sim.calm => 0,
            0..6 => 2_000,
            6..9 => 60_000,
            _ => i64::try_from(LONGEST_LAG.as_millis()).unwrap_or(0),
        };
        let lag = SignedDuration::from_millis(sim.random.random_range(0..=most));
        drop(sim);
        Some(Self { port: port.clone(), lag })
    }

    /// The newest state that is old enough.
    fn shown(&self, sim: &Sim) -> Option<Shown> {
        let newest: Timestamp = sim.world.now - self.lag;
        sim.shown.iter().rev().find(|shown| shown.at <= newest).cloned()
    }

    fn read<T>(&self, take: impl FnOnce(&mut Sim, Shown) -> T) -> Result<T, InventoryError> {
        let mut sim = self.port.sim();
        let Some(shown) = self.shown(&sim) else {
            return Err(InventoryError::Unavailable {
                message: "the first list is not there yet".to_owned(),
            });
        };
        Ok(take(&mut sim, shown))
    }
}

#[async_trait]
impl Inventory for View {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.read(|sim, Shown { at, pods, .. }| {
            self.port.tell(sim, What::Known { at });
            self.port.tell(sim, What::Listed { pods: &pods });
            *self.port.listed.lock().unwrap() =
                pods.iter().map(|pod| (pod.name.clone(), pod.clone())).collect();
            pods.into_iter().map(|pod| super::inventory::shown(sim, pod)).collect()
        })
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.read(|sim, Shown { mut hpas, .. }| {
            self.port.tell(sim, What::ShownAutoscalers { hpas: &hpas });
            if sim.has(Bug::SurroundingsHidden) {
                hpas.iter_mut().for_each(|hpa| hpa.scaling = None);
            }
            hpas
        })
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.read(|sim, Shown { budgets, .. }| {
            self.port.tell(sim, What::ShownBudgets { budgets: &budgets });
            budgets
        })
    }

    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.port.owner(api_version, kind, name).await
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        self.port.pod(name).await
    }

    fn watched(&self) -> Option<Watched> {
        let sim = self.port.sim();
        let age = self.shown(&sim).map(|shown| sim.world.now.duration_since(shown.at));
        let age = if sim.has(Bug::SilenceHidden) { Some(SignedDuration::ZERO) } else { age };
        let now = sim.clock(self.port.process);
        Some(Watched { heard_at: age.map(|age| now - age), error: None })
    }
}
