//! A seeded fleet in memory that implements the ports: partitions with loads, an assignment rule, pods that leave
//! and come back under other names. What the strategy does to a fleet can be watched without a cluster.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, LogNormal};

use crate::fleet::{
    CpuTarget, Hpa, Indicator, Owner, PartitionLoad, Phase, Pod, Requests, Samples, Uid, Workload,
};
use crate::port::{
    Inventory, InventoryError, MetricsError, MetricsSource, Mode, PodDeleter, PodRef, Readings, RemovalError,
};
use crate::snapshot::{ObserveError, Snapshot};
use crate::unit::{Cores, Load};

/// Who gets which partitions here, in words for the output.
pub const ASSIGNMENT_RULE: &str = "sticky by count, all replacements at once: pods keep what they have, counts \
     differ by at most one, and the partitions of removed pods are dealt at random over their replacements";

/// 2026-01-01T00:00:00Z, when every simulation starts.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How the fleet is made. The same shape makes the same fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Pods; each requests one core.
    pub pods: usize,
    /// Partitions of the one topic.
    pub partitions: usize,
    /// Spread of the log-normal partition loads; 0 makes them all equal.
    pub sigma: f64,
    /// Mean CPU of a pod, in cores.
    pub mean_cores: f64,
    /// The autoscaler's target in percent; `None` for no autoscaler.
    pub hpa_percent: Option<f64>,
    /// Seed of everything that is random.
    pub seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { pods: 20, partitions: 160, sigma: 1.0, mean_cores: 0.6, hpa_percent: Some(70.0), seed: 1 }
    }
}

/// Why a shape makes no fleet.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// The spread is negative or no number.
    #[error("sigma must be a number of 0 or more, not {0}")]
    Sigma(f64),
    /// The mean load is no number above 0.
    #[error("the mean load must be a number of cores above 0, not {0}")]
    MeanCores(f64),
}

/// The fleet. All ports work on the same world.
#[derive(Debug)]
pub struct Fleet(Mutex<World>);

#[derive(Debug)]
struct World {
    random: ChaCha8Rng,
    now: Timestamp,
    /// Load of each partition, in cores.
    partitions: Vec<f64>,
    members: BTreeMap<String, Member>,
    /// Partitions of pods that were removed since the last rebalance, and how many pods these were.
    orphans: Vec<usize>,
    leavers: usize,
    serial: usize,
    hpa: Option<Hpa>,
}

#[derive(Debug, Clone)]
struct Member {
    uid: Uid,
    since: Timestamp,
    holds: Vec<usize>,
}

impl Fleet {
    /// Makes the fleet.
    ///
    /// # Errors
    /// When the shape's numbers make no distribution of loads.
    pub fn new(shape: &Shape) -> Result<Self, ShapeError> {
        let mut random = ChaCha8Rng::seed_from_u64(shape.seed);
        let partitions = partition_loads(shape, &mut random)?;
        let hpa = shape.hpa_percent.map(|percent| Hpa {
            name: "consumer".to_owned(),
            scales: Some("consumer".to_owned()),
            cpu: Some(CpuTarget::Utilization(percent)),
        });
        let mut orphans: Vec<usize> = (0..partitions.len()).collect();
        orphans.shuffle(&mut random);
        let mut world = World {
            random,
            now: START,
            partitions,
            members: BTreeMap::new(),
            orphans,
            leavers: shape.pods,
            serial: 0,
            hpa,
        };
        world.rebalance();
        world.now += SignedDuration::from_hours(1);
        Ok(Self(Mutex::new(world)))
    }

    /// The workload's name in this world.
    #[must_use]
    pub fn workload() -> Workload {
        Workload { namespace: "simulation".to_owned(), name: "consumer".to_owned() }
    }

    /// The world's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world().now
    }

    /// Replaces what was removed, lets the consumer group rebalance, and moves time on.
    pub fn settle(&self, time: SignedDuration) {
        let mut world = self.world();
        world.rebalance();
        world.now += time;
    }

    /// CPU of each pod, in cores, by name.
    #[must_use]
    pub fn loads(&self) -> Samples {
        self.world().loads()
    }

    /// The fleet as one cycle sees it.
    ///
    /// # Errors
    /// Never in this world; the type is the cycle's.
    pub fn snapshot(&self) -> Result<Snapshot, ObserveError> {
        let (pods, hpas, readings, now) = {
            let world = self.world();
            (world.pods(), world.hpa.iter().cloned().collect(), world.readings(), world.now)
        };
        Snapshot::assemble(Self::workload(), now, pods, Ok(hpas), "", readings)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Log-normal loads, scaled so that the mean pod has the mean load.
fn partition_loads(shape: &Shape, random: &mut ChaCha8Rng) -> Result<Vec<f64>, ShapeError> {
    if !(shape.mean_cores.is_finite() && shape.mean_cores > 0.0) {
        return Err(ShapeError::MeanCores(shape.mean_cores));
    }
    let spread = LogNormal::new(0.0, shape.sigma)
        .ok()
        .filter(|_| shape.sigma >= 0.0)
        .ok_or(ShapeError::Sigma(shape.sigma))?;
    let mut loads: Vec<f64> = (0..shape.partitions).map(|_| spread.sample(random)).collect();
    let total: f64 = loads.iter().sum();
    let scale = shape.mean_cores * shape.pods as f64 / total;
    for load in &mut loads {
        *load *= scale;
    }
    Ok(loads)
}

impl World {
    /// The rule of [`ASSIGNMENT_RULE`].
    fn rebalance(&mut self) {
        let mut orphans = std::mem::take(&mut self.orphans);
        orphans.shuffle(&mut self.random);
        let newcomers: Vec<String> =
            (0..std::mem::take(&mut self.leavers)).map(|_| self.start_pod()).collect();
        let pods = self.members.len().max(1);
        let (quota, extra) = (self.partitions.len() / pods, self.partitions.len() % pods);
        let above = self.members.values().filter(|member| member.holds.len() > quota).count();
        let mut spare = extra.saturating_sub(above);
        let mut deck = orphans.into_iter();
        for name in newcomers {
            let take = quota + usize::from(spare > 0);
            spare = spare.saturating_sub(1);
            if let Some(member) = self.members.get_mut(&name) {
                member.holds = deck.by_ref().take(take).collect();
            }
        }
    }

    fn start_pod(&mut self) -> String {
        let name = format!("consumer-{:03}", self.serial);
        self.serial += 1;
        let uid = Uid::new(format!("{:016x}", self.random.next_u64()));
        self.members.insert(name.clone(), Member { uid, since: self.now, holds: Vec::new() });
        name
    }

    fn loads(&self) -> Samples {
        let load = |member: &Member| {
            Load::new(member.holds.iter().filter_map(|&held| self.partitions.get(held)).sum::<f64>()).ok()
        };
        self.members.iter().filter_map(|(name, member)| Some((name.clone(), load(member)?))).collect()
    }

    fn readings(&self) -> Readings {
        Readings {
            loads: BTreeMap::from([(Indicator::Cpu, Ok::<_, MetricsError>(self.loads()))]),
            cpu_requests: Ok(Samples::new()),
            hpas: Ok(Vec::new()),
            partitions: Some(Ok(self.partition_loads())),
        }
    }

    fn partition_loads(&self) -> Vec<PartitionLoad> {
        let of = |name: &str, held: usize| {
            Some(PartitionLoad {
                topic: "events".to_owned(),
                partition: held.to_string(),
                pod: name.to_owned(),
                load: Load::new(*self.partitions.get(held)?).ok()?,
            })
        };
        self.members
            .iter()
            .flat_map(|(name, member)| member.holds.iter().filter_map(move |&held| of(name, held)))
            .collect()
    }

    fn pods(&self) -> Vec<Pod> {
        self.members.iter().map(|(name, member)| self.pod(name, member)).collect()
    }

    fn pod(&self, name: &str, member: &Member) -> Pod {
        Pod {
            namespace: "simulation".to_owned(),
            name: name.to_owned(),
            uid: member.uid.clone(),
            phase: Phase::Running,
            ready: true,
            ready_since: Some(member.since),
            terminating: false,
            created_at: Some(member.since),
            node: None,
            owner: Some(Owner { kind: "ReplicaSet".to_owned(), name: "consumer".to_owned() }),
            mirror: false,
            priority_class: None,
            container: Some(Requests { cpu: Cores::new(1.0).ok(), memory: None }),
        }
    }
}

#[async_trait]
impl MetricsSource for Fleet {
    async fn read(&self, _at: Timestamp) -> Readings {
        self.world().readings()
    }
}

#[async_trait]
impl Inventory for Fleet {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        Ok(self.world().pods())
    }

    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        Ok(self.world().hpa.iter().cloned().collect())
    }

    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        let world = self.world();
        Ok(world.members.get(name).map(|member| world.pod(name, member)))
    }
}

#[async_trait]
impl PodDeleter for Fleet {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        let mut world = self.world();
        match world.members.get(&pod.name) {
            None => return Err(RemovalError::Gone),
            Some(member) if member.uid != pod.uid => return Err(RemovalError::Replaced),
            Some(_) if mode == Mode::DryRun => return Ok(()),
            Some(_) => {}
        }
        if let Some(member) = world.members.remove(&pod.name) {
            world.orphans.extend(member.holds);
            world.leavers += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(fleet: &Fleet) -> Vec<usize> {
        fleet.world().members.values().map(|member| member.holds.len()).collect()
    }

    #[test]
    fn every_partition_is_held_once_and_counts_differ_by_at_most_one() {
        let fleet = Fleet::new(&Shape { pods: 7, partitions: 45, ..Shape::default() }).unwrap();
        for round in 0..20 {
            let names: Vec<(String, Uid)> = fleet
                .world()
                .members
                .iter()
                .map(|(name, member)| (name.clone(), member.uid.clone()))
                .collect();
            for (name, uid) in names.into_iter().step_by(2 + round % 3) {
                let gone = fleet.world().members.remove(&name).unwrap();
                assert_eq!(gone.uid, uid);
                fleet.world().orphans.extend(gone.holds);
                fleet.world().leavers += 1;
            }
            fleet.settle(SignedDuration::from_mins(5));
            let (least, most) =
                (counts(&fleet).into_iter().min().unwrap(), counts(&fleet).into_iter().max().unwrap());
            assert!(most - least <= 1, "{least} to {most}");
            let mut held: Vec<usize> =
                fleet.world().members.values().flat_map(|member| member.holds.clone()).collect();
            held.sort_unstable();
            assert_eq!(held, (0..45).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_fleet_and_another_seed_another() {
        let fleet = |seed| Fleet::new(&Shape { seed, ..Shape::default() }).unwrap().snapshot().unwrap();
        assert_eq!(fleet(7), fleet(7));
        assert_ne!(fleet(7), fleet(8));
    }

    #[test]
    fn numbers_that_make_no_fleet_are_refused() {
        assert_eq!(
            Fleet::new(&Shape { sigma: -1.0, ..Shape::default() }).unwrap_err(),
            ShapeError::Sigma(-1.0)
        );
        assert!(Fleet::new(&Shape { sigma: f64::NAN, ..Shape::default() }).is_err());
        assert_eq!(
            Fleet::new(&Shape { mean_cores: 0.0, ..Shape::default() }).unwrap_err(),
            ShapeError::MeanCores(0.0)
        );
    }
}
