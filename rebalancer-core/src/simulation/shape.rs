//! How a simulated fleet is made, in numbers that are checked before anything is made of them.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use jiff::SignedDuration;

use crate::assignor::Assignor;
use crate::policy::Timing;

/// How the fleet is made. The same shape makes the same fleet, with the same future.
///
/// The assignor, the timing and the membership are the *truth* of this group; what the planner takes for true is in
/// its [`Policy`](crate::policy::Policy).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Pods; each requests one core and is one consumer, subscribed to all topics.
    pub pods: usize,
    /// Partitions of all topics together.
    pub partitions: usize,
    /// Topics; partitions are shared out evenly among them.
    pub topics: usize,
    /// A partition of a topic carries so many times as much as one of the topic before.
    pub topic_ratio: f64,
    /// How load is distributed over partitions.
    pub spread: Spread,
    /// How that changes with time.
    pub drift: Drift,
    /// Mean CPU of a pod on an ordinary node, in cores.
    pub mean_cores: f64,
    /// The autoscaler's target in percent; `None` for no autoscaler.
    pub hpa_percent: Option<f64>,
    /// The rule that the group follows.
    pub assignor: Assignor,
    /// When replacements join.
    pub timing: Timing,
    /// The share of leaves and joins that fall into a rebalance of their own: 1 is one by one.
    pub apart: f64,
    /// How often each pod was replaced before the first cycle, on average; one after another, as far as the size allows.
    pub churn: usize,
    /// Kafka itself can be asked for the group: member ids are known, and partition loads come from offsets.
    pub kafka: bool,
    /// How long pods need to start. Above zero, the pods tell it, and the next look at the group finds the replacements of
    /// removed pods in it; zero, the default: they are members by the next cycle.
    pub start_up: SignedDuration,
    /// Pods of a `StatefulSet` with a `group.instance.id`, back before anybody has missed them.
    pub static_members: bool,
    /// After every so many cycles all pods are replaced.
    pub rollout_every: Option<NonZeroUsize>,
    /// The nodes that pods run on.
    pub nodes: Nodes,
    /// How well loads are measured.
    pub metrics: Metrics,
    /// Seed of everything that is random.
    pub seed: u64,
}

/// How load is distributed over partitions. All are scaled to the mean CPU of the shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// All alike.
    Equal,
    /// Log-normal: many ordinary ones, a few high ones.
    LogNormal {
        /// Standard deviation of the logarithm; 0 makes them equal.
        sigma: f64,
    },
    /// The r-th partition has `1 / r^exponent` of the first one's load.
    Zipf {
        /// 0 makes them equal.
        exponent: f64,
    },
    /// All alike but a few.
    Hot {
        /// How many are hot.
        partitions: usize,
        /// How many times the load of the others they have.
        times: f64,
    },
}

/// How the load of a partition changes with time; by default not at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Drift {
    /// Each partition rises and falls by this share once a day, each at its own time.
    pub swing: f64,
    /// Each partition rises and falls by this share once a week, each at its own time.
    pub week: f64,
    /// Each partition grows or shrinks by up to this share a day, each by its own.
    pub trend: f64,
    /// Standard deviation of the logarithm of a random walk's step in one hour.
    pub walk: f64,
}

/// The nodes; five pods' room on each. Pods land on them at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nodes {
    /// The share of nodes that are slow.
    pub slow_share: f64,
    /// How many times as much CPU a message costs on a slow node.
    pub cost_factor: f64,
    /// Where replacements land.
    pub landing: Landing,
}

/// Where the replacement of a pod lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Landing {
    /// On any node, as pods of a Deployment.
    #[default]
    AnyNode,
    /// On the node of the pod that it replaces, as where a local volume keeps it.
    SameNode,
}

/// How well loads are measured; by default exactly and at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metrics {
    /// Standard deviation of the logarithm of a reading's error; the error's mean is 0.
    pub noise: f64,
    /// Readings are those of so many cycles ago. A pod that did not exist then has no sample.
    pub delay: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            pods: 20,
            partitions: 160,
            topics: 1,
            topic_ratio: 1.0,
            spread: Spread::LogNormal { sigma: 1.0 },
            drift: Drift::default(),
            mean_cores: 0.6,
            hpa_percent: Some(70.0),
            assignor: Assignor::CooperativeSticky,
            timing: Timing::LeaveThenJoin,
            apart: 0.0,
            churn: 2,
            kafka: false,
            start_up: SignedDuration::ZERO,
            static_members: false,
            rollout_every: None,
            nodes: Nodes::default(),
            metrics: Metrics::default(),
            seed: 1,
        }
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self { slow_share: 0.0, cost_factor: 2.0, landing: Landing::AnyNode }
    }
}

/// Why a shape makes no fleet.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// There is nothing to balance.
    #[error("a fleet has at least one pod and one partition")]
    Empty,
    /// A topic would have no partition, or there would be no topic.
    #[error("{partitions} partitions can't be shared out among {topics} topics")]
    Topics {
        /// Topics asked for.
        topics: usize,
        /// Partitions asked for.
        partitions: usize,
    },
    /// More hot partitions than partitions.
    #[error("{hot} of {partitions} partitions can't be hot")]
    Hot {
        /// Hot partitions asked for.
        hot: usize,
        /// Partitions asked for.
        partitions: usize,
    },
    /// A number is outside its range, or none.
    #[error("{name} must be a number from {least} to {most}, not {given}")]
    Number {
        /// Which number.
        name: &'static str,
        /// The smallest that is accepted.
        least: f64,
        /// The largest that is accepted.
        most: f64,
        /// What was given.
        given: f64,
    },
}

/// Logarithms of more than this overflow after a while, and mean nothing before.
const LOGARITHM: RangeInclusive<f64> = 0.0..=10.0;

impl Shape {
    /// The fleet changes only when pods are removed, and is seen as it is: what is decided once is decided for ever.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.drift == Drift::default() && self.metrics == Metrics::default() && self.rollout_every.is_none()
    }

    /// Checks every number.
    pub(super) fn check(&self) -> Result<(), ShapeError> {
        if self.pods == 0 || self.partitions == 0 {
            return Err(ShapeError::Empty);
        }
        if self.topics == 0 || self.topics > self.partitions {
            return Err(ShapeError::Topics { topics: self.topics, partitions: self.partitions });
        }
        self.spread.check(self.partitions)?;
        within("the ratio of topics", self.topic_ratio, 0.01..=100.0)?;
        within("the share of leaves and joins apart", self.apart, 0.0..=1.0)?;
        within("the swing", self.drift.swing, 0.0..=1.0)?;
        within("the weekly swing", self.drift.week, 0.0..=1.0)?;
        within("the trend", self.drift.trend, 0.0..=0.5)?;
        within("the walk", self.drift.walk, LOGARITHM)?;
        within("the mean load in cores", self.mean_cores, 1e-6..=1e6)?;
        self.hpa_percent.map_or(Ok(()), |target| within("the autoscaler's target", target, 1e-6..=1e6))?;
        within("the share of slow nodes", self.nodes.slow_share, 0.0..=1.0)?;
        within("the cost factor of slow nodes", self.nodes.cost_factor, 0.01..=100.0)?;
        within("the noise", self.metrics.noise, LOGARITHM)
    }
}

impl Spread {
    fn check(self, partitions: usize) -> Result<(), ShapeError> {
        match self {
            Self::Equal => Ok(()),
            Self::LogNormal { sigma } => within("sigma", sigma, LOGARITHM),
            Self::Zipf { exponent } => within("the exponent", exponent, LOGARITHM),
            Self::Hot { partitions: hot, .. } if hot > partitions => Err(ShapeError::Hot { hot, partitions }),
            Self::Hot { times, .. } => within("the multiple of hot partitions", times, 0.0..=1e6),
        }
    }
}

fn within(name: &'static str, given: f64, range: RangeInclusive<f64>) -> Result<(), ShapeError> {
    let (least, most) = range.into_inner();
    if (least..=most).contains(&given) {
        Ok(())
    } else {
        Err(ShapeError::Number { name, least, most, given })
    }
}
