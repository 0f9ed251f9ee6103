//! What there is to see of the world: for Kafka, the metric system and Kubernetes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::{Life, NAME, NAMESPACE, World};
use crate::assignor::{self, TopicPartition};
use crate::fleet::consumer_group::{self, ConsumerGroup, GroupOffsets, Topic};
use crate::fleet::{
    CpuTarget, Extras, Hpa, Indicator, Labels, Owner, PartitionLoad, Phase, Pod, Requests, Samples,
};
use crate::port::{HistoryGrid, LoadHistory, Readings, SeriesOf};
use crate::simulation::kafka;
use crate::simulation::traffic::{COST, IDLE_SHARE, error_factor};
use crate::unit::{Cores, Load};

/// Tells the readings of different cycles apart: two to the 64 over the golden ratio.
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

impl World {
    /// The consumer group, as Kafka describes it; `None` when it can't be asked.
    pub(in crate::simulation) fn group(&self) -> Option<ConsumerGroup> {
        let address = |pod: &str| self.pods.get(pod).map(|life| life.address);
        self.shape.kafka.then(|| kafka::described(&self.consumers, address))
    }

    /// Its topics.
    pub(in crate::simulation) fn topics(&self) -> Vec<Topic> {
        self.consumers.topics().iter().map(kafka::topic).collect()
    }

    /// Offsets now and at earlier times, as if each partition's rate had always been what it is.
    pub(in crate::simulation) fn offsets(&self, earlier: &[Timestamp]) -> GroupOffsets {
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
    pub(in crate::simulation) fn loads(&self) -> Samples {
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
    pub(in crate::simulation) fn partition_history(&self, grid: HistoryGrid) -> Vec<LoadHistory> {
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
    pub(in crate::simulation) fn readings(&self) -> Readings {
        self.late.front().cloned().unwrap_or_else(|| self.measure())
    }

    /// With delay, keeps what is measured now for later.
    pub(super) fn remember(&mut self) {
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

    pub(in crate::simulation) fn hpas(&self) -> Vec<Hpa> {
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

    pub(in crate::simulation) fn pods(&self) -> Vec<Pod> {
        let owner = self.owner();
        self.pods
            .iter()
            .map(|(name, life)| described(name, life, owner.clone(), self.shape.start_up))
            .collect()
    }

    pub(in crate::simulation) fn pod(&self, name: &str) -> Option<Pod> {
        self.pods.get(name).map(|life| described(name, life, self.owner(), self.shape.start_up))
    }

    fn owner(&self) -> Owner {
        let kind = if self.shape.static_members { "StatefulSet" } else { "ReplicaSet" };
        Owner::of_apps(kind, NAME, "owner")
    }
}

fn described(name: &str, life: &Life, owner: Owner, start_up: SignedDuration) -> Pod {
    Pod {
        namespace: NAMESPACE.into(),
        name: name.to_owned(),
        uid: life.uid.clone(),
        phase: Phase::Running,
        ready: true,
        ready_since: Some(life.since),
        terminating: false,
        created_at: Some(life.since - start_up),
        node: Some(format!("node-{:03}", life.node).into()),
        owner: Some(owner),
        mirror: false,
        priority: Some(0),
        labels: Labels::default(),
        annotations: Labels::default(),
        container: Some(Requests { cpu: Cores::new(1.0).ok(), memory: None }),
        ips: [life.address.into()].into_iter().collect(),
        container_id: None,
        extras: Extras::default(),
    }
}
