//! What every replica has of the world around it: requests that are under way, and a fleet that wants to rotate.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{CycleSpec, Ports, run};
use rebalancer_core::fleet::{Controller, DisruptionBudget, Hpa, Indicator, Owner, Pod, PodRef};
use rebalancer_core::port::{
    Interrupt, Interruption, Inventory, InventoryError, Mode, PodDeleter, RemovalError,
};
use rebalancer_core::testing::World;
use rebalancer_core::unit::Load;
use tokio::time::Instant;

use super::super::MARGIN;

/// What all replicas and requests share.
pub(super) struct Shared {
    pub(super) now: Instant,
    /// Until when a process thinks that it may act.
    pub(super) told: BTreeMap<usize, Instant>,
    pub(super) flights: Vec<Flight>,
    /// What became of requests: whether their answers came through.
    answers: BTreeMap<u64, bool>,
    serial: u64,
    pub(super) removals: BTreeMap<usize, usize>,
    pub(super) broken: Option<String>,
}

/// A removal that is under way.
pub(super) struct Flight {
    id: u64,
    by: usize,
    /// It takes effect by then.
    by_then: Instant,
}

pub(super) type All = Arc<Mutex<Shared>>;

pub(super) fn lock(all: &All) -> MutexGuard<'_, Shared> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            now: Instant::now(),
            told: BTreeMap::new(),
            flights: Vec::new(),
            answers: BTreeMap::new(),
            serial: 0,
            removals: BTreeMap::new(),
            broken: None,
        }
    }

    pub(super) fn leads(&self, process: usize) -> bool {
        self.told.get(&process).is_some_and(|until| self.now < *until)
    }

    /// Time passes; what must have arrived by then has.
    pub(super) fn advance(&mut self, by: Duration) {
        let to = self.now + by;
        while let Some(place) = self.flights.iter().position(|flight| flight.by_then <= to) {
            self.now = self.now.max(self.flights[place].by_then);
            self.arrive(place, true);
        }
        self.now = to;
    }

    /// A pod is removed now.
    pub(super) fn arrive(&mut self, place: usize, answered: bool) {
        let Flight { id, by, .. } = self.flights.remove(place);
        self.answers.insert(id, answered);
        *self.removals.entry(by).or_default() += 1;
        let leading: Vec<usize> =
            self.told.keys().copied().filter(|other| *other != by && self.leads(*other)).collect();
        if !leading.is_empty() {
            self.broken = Some(format!("{by} removes a pod while {leading:?} lead"));
        }
    }
}

/// The ports of one process.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) all: All,
    pub(super) process: usize,
    pub(super) deaf: bool,
    pub(super) world: Arc<World>,
}

/// A pause in which anything may happen.
async fn pause() {
    let mut paused = false;
    poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[async_trait]
impl Inventory for Port {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        pause().await;
        Inventory::pods(&*self.world).await
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.world.hpas().await
    }

    async fn owner(
        &self,
        version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.world.owner(version, kind, name).await
    }

    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.world.budgets().await
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        pause().await;
        self.world.pod(name).await
    }
}

#[async_trait]
impl PodDeleter for Port {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        let id = {
            let mut all = lock(&self.all);
            all.serial += 1;
            let (id, by_then) = (all.serial, all.now + MARGIN);
            all.flights.push(Flight { id, by: self.process, by_then });
            id
        };
        let answered = poll_fn(|_| match lock(&self.all).answers.remove(&id) {
            Some(answered) => Poll::Ready(answered),
            None => Poll::Pending,
        });
        if answered.await {
            self.world.remove(pod, mode).await
        } else {
            Err(RemovalError::Unknown { message: "the answer is lost".to_owned() })
        }
    }
}

#[async_trait]
impl Interrupt for Port {
    fn requested(&self) -> Option<Interruption> {
        (!self.deaf && !lock(&self.all).leads(self.process)).then_some(Interruption::LeadershipLost)
    }

    async fn stopped(&self) -> Interruption {
        poll_fn(|_| self.requested().map_or(Poll::Pending, Poll::Ready)).await
    }
}

/// A fleet that wants to rotate.
pub(super) fn fleet() -> World {
    let now = Timestamp::UNIX_EPOCH;
    let lags = [9_000.0, 8_000.0, 900.0, 800.0, 700.0, 600.0, 90.0, 80.0];
    lags.into_iter().enumerate().fold(World::new("streams", "consumer", now), |world, (number, lag)| {
        let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}"))
            .with_owner(Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set"))
            .with_ready_since(now - SignedDuration::from_hours(1));
        world.with_pod(pod, [(Indicator::Lag, Load::new(lag).unwrap())])
    })
}

pub(super) async fn one_cycle(port: Port) {
    let spec = CycleSpec::new("cycle", port.world.workload().clone()).with_mode(Mode::Real);
    let ports = Ports::new(&*port.world, &port, &port, &*port.world).with_interrupt(&port);
    let _ = run(&spec, &ports).await;
}
