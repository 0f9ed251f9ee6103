//! The consumer group: pods that join and leave, what each of them holds, and what that costs them.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, RngExt as _};
use rebalancer_core::assignor::{Assignor, Group, Member, Topic};
use rebalancer_core::fleet::{PartitionLoad, Samples};
use rebalancer_core::unit::Load;

use crate::setup::Setup;

/// What a pod uses without any message, in cores.
const IDLE: f64 = 0.05;

/// Mean CPU of a pod, in cores.
const MEAN: f64 = 0.5;

/// Readings that are kept: some hours of them.
const KEPT: usize = 60;

/// What the metric system has measured at one time.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    at: Timestamp,
    pub(crate) loads: Samples,
    pub(crate) partitions: Vec<PartitionLoad>,
}

pub(super) struct Consumers {
    rule: Assignor,
    topic: Topic,
    pods: usize,
    weights: Vec<f64>,
    members: BTreeMap<String, Member>,
    generation: i32,
    readings: VecDeque<Reading>,
}

impl Consumers {
    pub(super) fn new(setup: &Setup, random: &mut ChaCha8Rng) -> Self {
        let topic = Topic { name: "events".to_owned(), partitions: setup.partitions, hash: None };
        let mut group = Self {
            rule: setup.assignor,
            topic,
            pods: setup.pods,
            weights: Vec::new(),
            members: BTreeMap::new(),
            generation: 0,
            readings: VecDeque::new(),
        };
        group.shift(random);
        group
    }

    /// Other partitions are the hot ones now. Sometimes all are alike.
    pub(super) fn shift(&mut self, random: &mut ChaCha8Rng) {
        let exponent = if random.random_bool(0.1) { 0.0 } else { random.random_range(2.0..6.0) };
        let weights: Vec<f64> =
            (0..self.topic.partitions).map(|_| random.random_range(0.1_f64..1.0).powf(exponent)).collect();
        let total: f64 = weights.iter().sum();
        let scale = (MEAN - IDLE) * self.pods as f64 / total;
        self.weights = weights.into_iter().map(|weight| weight * scale).collect();
    }

    /// These pods are the members now. Deals partitions again if they were others before, and measures.
    pub(super) fn meet<'a>(
        &mut self,
        pods: impl Iterator<Item = &'a str>,
        at: Timestamp,
        random: &mut ChaCha8Rng,
    ) {
        let mut before = std::mem::take(&mut self.members);
        let known = before.len();
        let mut came = false;
        for pod in pods {
            let member = before.remove(pod).unwrap_or_else(|| {
                came = true;
                newcomer(random)
            });
            self.members.insert(pod.to_owned(), member);
        }
        if came || self.members.len() != known {
            self.rebalance();
            self.measure(at);
        }
    }

    fn rebalance(&mut self) {
        let (pods, members): (Vec<String>, Vec<Member>) =
            std::mem::take(&mut self.members).into_iter().unzip();
        let group = Group { topics: vec![self.topic.clone()], members };
        let dealt = self.rule.assign(&group);
        self.generation += 1;
        let generation = Some(self.generation);
        let members = group.members.into_iter().zip(dealt);
        let members = members.map(|(member, owned)| Member { owned, generation, ..member });
        self.members = pods.into_iter().zip(members).collect();
    }

    pub(super) fn measure(&mut self, at: Timestamp) {
        let weight = |partition: u32| self.weights.get(partition as usize).copied().unwrap_or(0.0);
        let load = |member: &Member| {
            Load::new(IDLE + member.owned.iter().map(|held| weight(held.partition)).sum::<f64>()).unwrap()
        };
        let loads = self.members.iter().map(|(pod, member)| (pod.clone(), load(member))).collect();
        let held = |(pod, member): (&String, &Member)| -> Vec<PartitionLoad> {
            let one = |partition: u32| PartitionLoad {
                topic: self.topic.name.clone(),
                partition: partition.to_string(),
                pod: Some(pod.clone()),
                load: Load::new(weight(partition)).unwrap(),
            };
            member.owned.iter().map(|held| one(held.partition)).collect()
        };
        let partitions = self.members.iter().flat_map(held).collect();
        self.readings.push_back(Reading { at, loads, partitions });
        if self.readings.len() > KEPT {
            self.readings.pop_front();
        }
    }

    pub(super) fn reading(&self, at: Timestamp) -> Option<&Reading> {
        self.readings.iter().rev().find(|reading| reading.at <= at)
    }
}

fn newcomer(random: &mut ChaCha8Rng) -> Member {
    Member {
        id: format!("{:016x}{:016x}", random.next_u64(), random.next_u64()),
        instance: None,
        subscription: vec![0],
        owned: Vec::new(),
        generation: None,
        listed: 0,
    }
}
