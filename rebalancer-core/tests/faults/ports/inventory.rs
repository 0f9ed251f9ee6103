//! What Kubernetes lists. An answer is as old as its way back was long.

use async_trait::async_trait;
use rebalancer_core::fleet::{Controller, DisruptionBudget, Progress};
use rebalancer_core::fleet::{Hpa, Pod};
use rebalancer_core::port::{Inventory, InventoryError};

use super::{Call, Port, call};
use crate::event::What;
use crate::fault::Fault;
use crate::plant::Bug;
use crate::sim::Sim;
use crate::world::TWIN;

#[async_trait]
impl Inventory for Port {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.call(call!("listing pods"), |sim| {
            usable(sim, "pods")?;
            let pods = sim.world.listed();
            self.tell(sim, What::Listed { pods: &pods });
            *self.listed.lock().unwrap() = pods.iter().map(|pod| (pod.name.clone(), pod.clone())).collect();
            Ok(pods.into_iter().map(|pod| shown(sim, pod)).collect())
        })
        .await
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.call(call!("listing autoscalers"), |sim| {
            usable(sim, "horizontalpodautoscalers")?;
            let mut hpas = sim.world.hpas();
            self.tell(sim, What::ShownAutoscalers { hpas: &hpas });
            if sim.has(Bug::SurroundingsHidden) {
                hpas.iter_mut().for_each(|hpa| hpa.scaling = None);
            }
            Ok(hpas)
        })
        .await
    }

    async fn owner(&self, _: &str, kind: &str, name: &str) -> Result<Option<Controller>, InventoryError> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.call(call!("reading the controller"), move |sim| {
            usable(sim, "deployments")?;
            if kind == "ReplicaSet" {
                return Ok(Some(sim.world.replica_set(&name)));
            }
            let controller = sim.world.controller();
            if (&controller.kind, &controller.name) != (&kind, &name) {
                return Ok(None);
            }
            self.tell(sim, What::ShownController { controller: &controller });
            let controller = match sim.bug {
                Some(Bug::StrangersAdopted) => with_one_more(controller),
                _ => controller,
            };
            Ok(Some(controller).filter(|_| !sim.has(Bug::SurroundingsHidden)))
        })
        .await
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.call(call!("listing budgets"), |sim| {
            usable(sim, "poddisruptionbudgets")?;
            let budgets = sim.world.disruption_budgets();
            self.tell(sim, What::ShownBudgets { budgets: &budgets });
            Ok(budgets)
        })
        .await
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        self.call(call!("reading a pod again"), |sim| {
            usable(sim, "pods")?;
            let pod = sim.world.pod(name);
            self.tell(sim, What::Read { name, pod: pod.as_ref() });
            Ok(pod.map(|pod| shown(sim, pod)))
        })
        .await
    }

    /// The answers are of different moments.
    async fn named(&self, names: &[&str]) -> Result<Vec<Pod>, InventoryError> {
        let mut found = Vec::new();
        for name in names {
            let one = self.call(call!("counting a pod again"), |sim| {
                usable(sim, "pods")?;
                let pod = sim.world.pod(name);
                self.tell(sim, What::Read { name, pod: pod.as_ref() });
                let before = self.seen_before(sim, name);
                Ok(before.or(pod).map(|pod| shown(sim, pod)))
            });
            found.extend(one.await?);
        }
        Ok(found)
    }

    async fn pods_unlike(&self, label: &str, value: &str) -> Result<Vec<Pod>, InventoryError> {
        self.call(call!("looking for other revisions"), |sim| {
            usable(sim, "pods")?;
            let mut pods = sim.world.listed();
            pods.retain(|pod| pod.labels.get(label).is_none_or(|found| found != value));
            self.tell(sim, What::Unlike { pods: &pods });
            if sim.has(Bug::RevisionsHidden) {
                return Ok(Vec::new());
            }
            Ok(pods.into_iter().map(|pod| shown(sim, pod)).collect())
        })
        .await
    }
}

impl Port {
    /// What a watch that lags behind still shows: a pod as it was when the fleet was listed.
    fn seen_before(&self, sim: &Sim, name: &str) -> Option<Pod> {
        let lags = sim.has(Bug::LateEvents);
        self.listed.lock().unwrap().get(name).filter(|_| lags).cloned()
    }
}

pub(super) fn shown(sim: &Sim, mut pod: Pod) -> Pod {
    if sim.has(Bug::StrangersAdopted) && pod.owner.as_ref().is_some_and(|owner| owner.name == TWIN) {
        pod.owner = sim.world.own_owner();
    }
    match sim.bug {
        Some(bug) => bug.shown(pod),
        None => pod,
    }
}

/// One pod more than there are.
fn with_one_more(controller: Controller) -> Controller {
    let more = |told: Progress| Progress {
        desired: told.desired + 1,
        current: told.current + 1,
        updated: told.updated + 1,
        ..told
    };
    Controller { progress: controller.progress.map(more), ..controller }
}

fn usable(sim: &mut Sim, resource: &'static str) -> Result<(), InventoryError> {
    let message = "injected".to_owned();
    if sim.fault(Fault::InventoryUnavailable) {
        return Err(InventoryError::Unavailable { message });
    }
    if sim.fault(Fault::InventoryForbidden) {
        let namespace = crate::world::NAMESPACE.to_owned();
        return Err(InventoryError::Forbidden { verb: "list", resource, namespace, message });
    }
    Ok(())
}
