//! The world: pods on nodes, the consumer group that they form, the messages that they consume, and time.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::group::Consumers;
use super::kafka::{CLIENT_ID, is_classic};
use super::shape::{Landing, Shape, ShapeError};
use super::traffic::Traffic;
use crate::fleet::{PodRef, Uid};
use crate::policy::Timing;
use crate::port::{Readings, RemovalError};
use crate::prediction::Course;

/// The namespace of everything here.
pub(super) const NAMESPACE: &str = "simulation";

/// The workload's name, and its autoscaler's.
pub(super) const NAME: &str = "consumer";

/// 2026-01-01T00:00:00Z, when every simulation starts.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How many pods have room on a node, on average.
const PODS_PER_NODE: usize = 5;

/// Partitions and members that are dealt in all rebalances before the first cycle; larger fleets have fewer of them, with
/// more pods at once.
const CHURN_WORK: usize = 1_000_000;

/// The first address of a pod.
const FIRST_ADDRESS: u32 = 0x0A00_0001;

/// A rollout goes in so many waves, as a Deployment's does when it may surge by a quarter.
const WAVES: usize = 4;

mod coordinated;
mod seen;

#[derive(Debug)]
pub(super) struct World {
    shape: Shape,
    random: ChaCha8Rng,
    pub(super) now: Timestamp,
    /// Cycles that have passed.
    cycle: u64,
    traffic: Traffic,
    consumers: Consumers,
    pods: BTreeMap<String, Life>,
    /// Pods that were removed and not yet replaced; the group has not noticed yet.
    leavers: Vec<Leaver>,
    serial: usize,
    /// How many addresses were given.
    addresses: u32,
    /// Readings that are still on their way, the oldest first; empty without delay.
    late: VecDeque<Readings>,
}

/// A pod that was removed.
#[derive(Debug, Clone)]
struct Leaver {
    name: String,
    node: usize,
}

/// One pod from start to end.
#[derive(Debug, Clone)]
struct Life {
    uid: Uid,
    address: Ipv4Addr,
    since: Timestamp,
    node: usize,
}

impl World {
    pub(super) fn new(shape: &Shape) -> Result<Self, ShapeError> {
        shape.check()?;
        let mut random = ChaCha8Rng::seed_from_u64(shape.seed);
        let mut world = Self {
            shape: *shape,
            now: START,
            cycle: 0,
            traffic: Traffic::new(shape, &mut random),
            consumers: Consumers::new(shape),
            random,
            pods: BTreeMap::new(),
            leavers: Vec::new(),
            serial: 0,
            addresses: 0,
            late: VecDeque::new(),
        };
        for _ in 0..shape.pods {
            let _ = world.start_pod(None);
        }
        world.consumers.rebalance();
        world.churn();
        world.now += SignedDuration::from_hours(1);
        world.remember();
        Ok(world)
    }

    /// Removes a pod, if it is this one. The group notices when the pods are replaced.
    pub(super) fn remove(&mut self, pod: &PodRef, real: bool) -> Result<(), RemovalError> {
        match self.pods.get(&pod.name) {
            None => return Err(RemovalError::Gone),
            Some(life) if life.uid != pod.uid => return Err(RemovalError::Replaced),
            Some(_) => {}
        }
        if real {
            self.take_out(&pod.name);
        }
        Ok(())
    }

    fn take_out(&mut self, name: &str) {
        if let Some(life) = self.pods.remove(name) {
            self.leavers.push(Leaver { name: name.to_owned(), node: life.node });
        }
    }

    /// What went on before the first cycle: pods were replaced, one after another. Nobody planned that, so that some
    /// replacements came at once and others late, whatever the timing of rotations.
    fn churn(&mut self) {
        let replaced = self.shape.churn.saturating_mul(self.shape.pods);
        let affordable = CHURN_WORK / (self.shape.pods + self.shape.partitions);
        let rebalances = replaced.min(affordable.max(2));
        let mut left = replaced;
        for turn in 0..rebalances {
            let now = left.div_ceil(rebalances - turn).min(self.shape.pods);
            left = left.saturating_sub(now);
            let names: Vec<String> = self.pods.keys().cloned().collect();
            for name in names.sample(&mut self.random, now) {
                self.take_out(name);
            }
            let late = self.random.random_bool(0.5);
            self.replace_by(if late { Timing::LeaveThenJoin } else { self.shape.timing });
        }
    }

    /// Replacements are there when the group is looked at again.
    pub(super) fn starts_quickly(&self) -> bool {
        self.shape.start_up.is_positive()
    }

    /// Replaces what was removed, and lets the group come to rest.
    pub(super) fn replace(&mut self) {
        self.replace_by(self.shape.timing);
    }

    fn replace_by(&mut self, timing: Timing) {
        let leavers = std::mem::take(&mut self.leavers);
        if leavers.is_empty() {
            return;
        }
        if self.shape.static_members {
            return leavers.into_iter().for_each(|leaver| self.restart_pod(leaver.name, Some(leaver.node)));
        }
        let release = super::kafka::coordinator(self.shape.assignor);
        if let course @ Course::Coordinator(_, _) = Course::of(self.shape.assignor, timing, release) {
            return self.replace_in_steps(&leavers, course);
        }
        let apart = if timing == Timing::OneByOne { 1.0 } else { self.shape.apart };
        for leaver in &leavers {
            self.consumers.leave(&leaver.name);
            self.perhaps(apart);
        }
        if timing == Timing::LeaveThenJoin {
            self.consumers.rebalance();
        }
        for leaver in &leavers {
            let _ = self.start_pod(Some(leaver.node));
            self.perhaps(apart);
        }
        self.consumers.rebalance();
    }

    /// A leave or a join may be late for the others: in this share of the cases.
    fn perhaps(&mut self, apart: f64) {
        if apart > 0.0 && self.random.random_bool(apart) {
            self.consumers.rebalance();
        }
    }

    /// Moves time on to the next cycle.
    pub(super) fn advance(&mut self, time: SignedDuration) {
        self.now += time;
        self.cycle += 1;
        self.traffic.advance(time, &mut self.random);
        if self.rollout_is_due() {
            self.roll_out();
        }
        self.remember();
    }

    /// Whether all pods were replaced just now.
    pub(super) fn rollout_is_due(&self) -> bool {
        let period = self.shape.rollout_every.and_then(|cycles| u64::try_from(cycles.get()).ok());
        period.is_some_and(|cycles| self.cycle > 0 && self.cycle.is_multiple_of(cycles))
    }

    /// Replaces all pods wave by wave: the new ones join, then the old ones leave.
    fn roll_out(&mut self) {
        let old: Vec<String> = self.pods.keys().cloned().collect();
        for wave in old.chunks(old.len().div_ceil(WAVES).max(1)) {
            if self.shape.static_members {
                wave.iter().for_each(|name| self.restart_pod(name.clone(), None));
                continue;
            }
            for _ in wave {
                let _ = self.start_pod(None);
            }
            self.consumers.rebalance();
            for name in wave {
                self.pods.remove(name);
                self.consumers.leave(name);
            }
            self.consumers.rebalance();
        }
    }

    /// In place of one that ran on this node, if there was one. Gives its name.
    fn start_pod(&mut self, replaces: Option<usize>) -> String {
        let name = format!("{NAME}-{:03}", self.serial);
        self.serial += 1;
        let instance = self.shape.static_members.then(|| name.clone());
        let id = self.member_id();
        self.consumers.join(name.clone(), id, instance);
        let life = self.life(replaces);
        self.pods.insert(name.clone(), life);
        name
    }

    fn restart_pod(&mut self, name: String, replaces: Option<usize>) {
        let id = self.member_id();
        self.consumers.come_back(&name, id);
        let life = self.life(replaces);
        self.pods.insert(name, life);
    }

    /// As Kafka's clients and brokers make them: of the classic protocol a name, and a random number that nobody can
    /// foresee; of the new one only that.
    fn member_id(&mut self) -> String {
        let number = format!("{:016x}{:016x}", self.random.next_u64(), self.random.next_u64());
        if is_classic(self.consumers.rule()) { format!("{CLIENT_ID}-{number}") } else { number }
    }

    fn life(&mut self, replaces: Option<usize>) -> Life {
        let uid = Uid::new(format!("{:016x}", self.random.next_u64()));
        let any = self.random.random_range(0..self.nodes());
        let node = match self.shape.nodes.landing {
            Landing::AnyNode => any,
            Landing::SameNode => replaces.unwrap_or(any),
        };
        let address = Ipv4Addr::from(FIRST_ADDRESS.saturating_add(self.addresses));
        self.addresses = self.addresses.saturating_add(1);
        Life { uid, address, since: self.now, node }
    }

    fn nodes(&self) -> usize {
        self.shape.pods.div_ceil(PODS_PER_NODE).max(1)
    }

    /// Slow nodes are the first ones.
    fn node_factor(&self, node: usize) -> f64 {
        let slow = self.shape.nodes.slow_share * self.nodes() as f64;
        if (node as f64) < slow { self.shape.nodes.cost_factor } else { 1.0 }
    }
}
