//! Messages: how many a second each partition gets, now.

use std::f64::consts::TAU;

use jiff::SignedDuration;
use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;
use rand_distr::{Distribution as _, StandardNormal};

use super::shape::{Drift, Shape, Spread};

/// CPU of one message a second on an ordinary node, in cores: half a millisecond each.
pub(super) const COST: f64 = 0.000_5;

/// The share of a mean pod's CPU that it uses without any message.
pub(super) const IDLE_SHARE: f64 = 0.03;

/// The random walk's logarithm stays within this, so that no load overflows.
const FARTHEST: f64 = 20.0;

/// The load of all partitions, by their place among the partitions of all topics.
#[derive(Debug)]
pub(super) struct Traffic {
    drift: Drift,
    /// Since the start.
    hours: f64,
    flows: Vec<Flow>,
    /// Where the random walks were, by the hour; empty without them.
    walks: Vec<(f64, Vec<f64>)>,
}

#[derive(Debug)]
struct Flow {
    /// Messages a second without drift.
    mean: f64,
    /// When in the day it is highest, as a share of the day.
    phase: f64,
    /// Logarithm of where the random walk has come to.
    walk: f64,
}

impl Traffic {
    /// Loads as the shape distributes them, scaled so that the mean pod has the mean CPU.
    pub(super) fn new(shape: &Shape, random: &mut ChaCha8Rng) -> Self {
        let mut weights = weights(shape.spread, shape.partitions, random);
        by_topic(&mut weights, shape);
        let total: f64 = weights.iter().sum();
        let messages = shape.mean_cores * (1.0 - IDLE_SHARE) * shape.pods as f64 / COST;
        let scale = if total > 0.0 { messages / total } else { 0.0 };
        let flow = |weight| Flow { mean: weight * scale, phase: random.random(), walk: 0.0 };
        Self {
            drift: shape.drift,
            hours: 0.0,
            flows: weights.into_iter().map(flow).collect(),
            walks: Vec::new(),
        }
    }

    /// Messages a second of one partition.
    pub(super) fn rate(&self, partition: usize) -> f64 {
        self.flows.get(partition).map_or(0.0, |flow| flow.rate(&self.drift, self.hours, flow.walk))
    }

    /// The same so many hours ago. Before the start there was no random walk.
    pub(super) fn rate_ago(&self, partition: usize, hours: f64) -> f64 {
        let then = self.hours - hours;
        let after = self.walks.partition_point(|(at, _)| *at <= then);
        let walks = after.checked_sub(1).and_then(|place| self.walks.get(place));
        let walk = walks.and_then(|(_, walks)| walks.get(partition)).copied().unwrap_or(0.0);
        self.flows.get(partition).map_or(0.0, |flow| flow.rate(&self.drift, then, walk))
    }

    /// Moves time on.
    pub(super) fn advance(&mut self, time: SignedDuration, random: &mut ChaCha8Rng) {
        let hours = time.as_secs_f64() / 3600.0;
        self.hours += hours;
        if self.drift.walk > 0.0 {
            let deviation = self.drift.walk * hours.max(0.0).sqrt();
            for flow in &mut self.flows {
                let step: f64 = StandardNormal.sample(random);
                flow.walk = (flow.walk + deviation * step).clamp(-FARTHEST, FARTHEST);
            }
            self.walks.push((self.hours, self.flows.iter().map(|flow| flow.walk).collect()));
        }
    }
}

impl Flow {
    /// Messages a second at this hour, with the random walk where it was.
    fn rate(&self, drift: &Drift, hours: f64, walk: f64) -> f64 {
        let day = 1.0 + drift.swing * (TAU * (hours / 24.0 + self.phase)).sin();
        let week = 1.0 + drift.week * (TAU * (hours / 168.0 + other(self.phase, 7.31))).sin();
        let grows = drift.trend * (2.0 * other(self.phase, 13.7) - 1.0) * hours / 24.0;
        self.mean * day * week * (grows + walk).clamp(-FARTHEST, FARTHEST).exp()
    }
}

/// Another number from 0 to 1 that a phase stands for: fleets of earlier versions stay what they are.
fn other(phase: f64, times: f64) -> f64 {
    (phase * times).fract()
}

fn weights(spread: Spread, partitions: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut weights: Vec<f64> = match spread {
        Spread::Equal => vec![1.0; partitions],
        Spread::LogNormal { sigma } => (0..partitions).map(|_| log_normal(sigma, random)).collect(),
        Spread::Zipf { exponent } => (1..=partitions).map(|rank| (rank as f64).powf(-exponent)).collect(),
        Spread::Hot { partitions: hot, times } => {
            (0..partitions).map(|place| if place < hot { times } else { 1.0 }).collect()
        }
    };
    // Which partitions are the hot ones has nothing to do with their numbers.
    weights.shuffle(random);
    weights
}

/// Partitions come topic by topic, the first topics one partition larger.
fn by_topic(weights: &mut [f64], shape: &Shape) {
    let (size, larger) = (shape.partitions / shape.topics, shape.partitions % shape.topics);
    let mut ratio = 1.0;
    let mut rest = weights;
    for topic in 0..shape.topics {
        let own = (size + usize::from(topic < larger)).min(rest.len());
        let (of_topic, others) = rest.split_at_mut(own);
        of_topic.iter_mut().for_each(|weight| *weight *= ratio);
        ratio *= shape.topic_ratio;
        rest = others;
    }
}

/// A log-normal number with median 1.
fn log_normal(sigma: f64, random: &mut ChaCha8Rng) -> f64 {
    let normal: f64 = StandardNormal.sample(random);
    (sigma * normal).exp()
}

/// A log-normal factor with mean 1: an error that does not make readings higher on the whole.
pub(super) fn error_factor(sigma: f64, random: &mut ChaCha8Rng) -> f64 {
    if sigma > 0.0 { log_normal(sigma, random) * (-sigma * sigma / 2.0).exp() } else { 1.0 }
}
