//! The world: pods on nodes, the consumer group that they form, the messages that they consume, and time.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::group::Consumers;
use super::kafka::{self, CLIENT_ID, is_classic};
use super::shape::{Landing, Shape, ShapeError};
use super::traffic::{COST, IDLE_SHARE, Traffic, error_factor};
use crate::assignor::{self, TopicPartition};
use crate::fleet::PodRef;
use crate::fleet::consumer_group::{self, ConsumerGroup, GroupOffsets, Topic};
use crate::fleet::{
    CpuTarget, Hpa, Indicator, Labels, Owner, PartitionLoad, Phase, Pod, Requests, Samples, Uid,
};
use crate::policy::Timing;
use crate::port::{HistoryGrid, LoadHistory, Readings, RemovalError, SeriesOf};
use crate::prediction::Course;
use crate::unit::{Cores, Load};

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

/// Tells the readings of different cycles apart: two to the 64 over the golden ratio.
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

mod coordinated;

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
        if let course @ Course::Coordinator(_) = Course::of(self.shape.assignor, timing) {
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

/// What there is to see.
impl World {
    /// The consumer group, as Kafka describes it; `None` when it can't be asked.
    pub(super) fn group(&self) -> Option<ConsumerGroup> {
        let address = |pod: &str| self.pods.get(pod).map(|life| life.address);
        self.shape.kafka.then(|| kafka::described(&self.consumers, address))
    }

    /// Its topics.
    pub(super) fn topics(&self) -> Vec<Topic> {
        self.consumers.topics().iter().map(kafka::topic).collect()
    }

    /// Offsets now and at earlier times, as if each partition's rate had always been what it is.
    pub(super) fn offsets(&self, earlier: &[Timestamp]) -> GroupOffsets {
        let of_topic = |(topic, known): (u32, &assignor::Topic)| {
            let name = known.name.clone();
            (0..known.partitions).map(move |partition| {
                let rate = self.messages(TopicPartition { topic, partition });
                let offsets = kafka::offsets(rate, earlier, self.now);
                (consumer_group::TopicPartition::new(name.clone(), partition), Ok(offsets))
            })
        };
        (0..).zip(self.consumers.topics()).flat_map(of_topic).collect()
    }

    /// CPU of each pod in cores, as it is.
    pub(super) fn loads(&self) -> Samples {
        let load = |name: &String, life: &Life| Load::new(self.cpu(name, life)).ok();
        self.pods.iter().filter_map(|(name, life)| Some((name.clone(), load(name, life)?))).collect()
    }

    fn cpu(&self, name: &str, life: &Life) -> f64 {
        let messages: f64 = self.consumers.held(name).iter().map(|&partition| self.messages(partition)).sum();
        self.shape.mean_cores * IDLE_SHARE + messages * COST * self.node_factor(life.node)
    }

    fn messages(&self, partition: TopicPartition) -> f64 {
        self.traffic.rate(self.consumers.place(partition))
    }

    /// What each partition carried at these times, the last of which is one step ago.
    pub(super) fn partition_history(&self, grid: HistoryGrid) -> Vec<LoadHistory> {
        let mut random = ChaCha8Rng::seed_from_u64(self.shape.seed ^ self.cycle.wrapping_mul(SCATTER));
        let noise = self.shape.metrics.noise;
        let hours = grid.step.as_secs_f64() / 3600.0;
        let mut of = |topic: &assignor::Topic, held: TopicPartition| {
            let place = self.consumers.place(held);
            let ago = (1..=grid.count).rev().map(|steps| steps as f64 * hours);
            let load = |ago: f64| {
                let exact = self.traffic.rate_ago(place, ago);
                Load::new(exact * error_factor(noise, &mut random)).ok()
            };
            let loads = ago.map(load).collect();
            let (topic, partition) = (topic.name.clone(), held.partition.to_string());
            LoadHistory { of: SeriesOf::Partition { topic, partition }, loads }
        };
        let mut histories = Vec::new();
        for (number, topic) in (0..).zip(self.consumers.topics()) {
            let partitions =
                (0..topic.partitions).map(|partition| TopicPartition { topic: number, partition });
            histories.extend(partitions.map(|held| of(topic, held)));
        }
        histories
    }

    /// What the metric system answers.
    pub(super) fn readings(&self) -> Readings {
        self.late.front().cloned().unwrap_or_else(|| self.measure())
    }

    /// With delay, keeps what is measured now for later.
    fn remember(&mut self) {
        if self.shape.metrics.delay > 0 {
            let now = self.measure();
            self.late.push_back(now);
            if self.late.len() > self.shape.metrics.delay + 1 {
                self.late.pop_front();
            }
        }
    }

    /// What is measured now. The error belongs to the cycle: asking twice gives the same answer.
    fn measure(&self) -> Readings {
        let cycle = self.cycle.wrapping_add(1).wrapping_mul(SCATTER);
        let mut random = ChaCha8Rng::seed_from_u64(self.shape.seed ^ cycle);
        let mut inexact = |exact: f64| {
            Load::new(exact * error_factor(self.shape.metrics.noise, &mut random)).unwrap_or(Load::MAX)
        };
        let cpu = self.loads().into_iter().map(|(pod, load)| (pod, inexact(load.get()))).collect();
        let held = self
            .pods
            .keys()
            .flat_map(|pod| self.consumers.held(pod).iter().map(move |&partition| (pod.as_str(), partition)));
        let partitions = held.map(|(pod, partition)| PartitionLoad {
            topic: self.consumers.topic(partition).to_owned(),
            partition: partition.partition.to_string(),
            pod: Some(pod.to_owned()),
            load: inexact(self.messages(partition)),
        });
        Readings {
            loads: BTreeMap::from([(Indicator::Cpu, Ok(cpu))]),
            claims: Default::default(),
            cpu_requests: Ok(Samples::new()),
            hpas: Ok(Vec::new()),
            partitions: Some(Ok(partitions.collect())),
        }
    }

    pub(super) fn hpas(&self) -> Vec<Hpa> {
        let hpa = |percent| Hpa {
            name: NAME.to_owned(),
            scales: Some(NAME.to_owned()),
            scales_kind: None,
            of_container: false,
            cpu: Some(CpuTarget::Utilization(percent)),
            scaling: None,
            scales_by: Vec::new(),
        };
        self.shape.hpa_percent.map(hpa).into_iter().collect()
    }

    pub(super) fn pods(&self) -> Vec<Pod> {
        let owner = self.owner();
        self.pods.iter().map(|(name, life)| described(name, life, owner.clone())).collect()
    }

    pub(super) fn pod(&self, name: &str) -> Option<Pod> {
        self.pods.get(name).map(|life| described(name, life, self.owner()))
    }

    fn owner(&self) -> Owner {
        let kind = if self.shape.static_members { "StatefulSet" } else { "ReplicaSet" };
        Owner::of_apps(kind, NAME, "owner")
    }
}

fn described(name: &str, life: &Life, owner: Owner) -> Pod {
    Pod {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        uid: life.uid.clone(),
        phase: Phase::Running,
        ready: true,
        ready_since: Some(life.since),
        terminating: false,
        created_at: Some(life.since),
        node: Some(format!("node-{:03}", life.node)),
        owner: Some(owner),
        mirror: false,
        priority_class: None,
        priority: Some(0),
        labels: Labels::default(),
        annotations: BTreeMap::new(),
        container: Some(Requests { cpu: Cores::new(1.0).ok(), memory: None }),
        whole: Requests::default(),
        restarted_at: None,
        ips: vec![life.address.into()],
        container_id: None,
    }
}
