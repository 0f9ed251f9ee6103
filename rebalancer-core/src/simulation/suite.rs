//! The standard suite: named, seeded fleets to compare strategies on. Names and fleets are stable, so that numbers
//! of different versions can be compared.

use std::num::NonZeroUsize;

use super::course::{self, CourseError};
use super::tally::Tally;
use super::{Drift, Metrics, Nodes, Shape, Spread};
use crate::assignor::Assignor;
use crate::policy::{Policy, Strategy, Timing};

/// Cycles of each course, at most.
pub const CYCLES: usize = 30;

/// Seeds that each fleet is made from.
pub const SEEDS: u64 = 5;

/// Whether removing pods can help at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// Some removals lower the CV.
    Improvable,
    /// No removal changes the CV.
    Hopeless,
}

impl Prospect {
    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Improvable => "improvable",
            Self::Hopeless => "hopeless",
        }
    }
}

/// A fleet of the suite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Its name, which never changes its meaning.
    pub name: &'static str,
    /// Whether removing pods can help.
    pub prospect: Prospect,
    /// The fleet; each seed makes another one of this kind.
    pub shape: Shape,
}

/// A case under one strategy, over all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Which case.
    pub case: Case,
    /// Which strategy.
    pub strategy: Strategy,
    /// What happened, seed by seed.
    pub tally: Tally,
}

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    improvable().into_iter().chain(told()).chain(hopeless()).collect()
}

fn improvable() -> Vec<Case> {
    let base = Shape::default();
    let sized = |pods, partitions| Shape { pods, partitions, ..base };
    let log_normal = |sigma, shape| Shape { spread: Spread::LogNormal { sigma }, ..shape };
    let case = |name, shape| Case { name, prospect: Prospect::Improvable, shape };
    vec![
        case("sticky", Shape { assignor: Assignor::Sticky, ..base }),
        case("sticky-all-at-once", Shape { assignor: Assignor::Sticky, timing: Timing::AllAtOnce, ..base }),
        case("cooperative-mild", Shape { mean_cores: 0.75, ..log_normal(0.5, sized(20, 80)) }),
        case("cooperative-50", sized(50, 400)),
        case("cooperative-100", sized(100, 800)),
        case("librdkafka", Shape { assignor: Assignor::LibrdkafkaCooperativeSticky, ..base }),
        case("uniform", Shape { assignor: Assignor::Uniform, ..base }),
        case("zipf", Shape { spread: Spread::Zipf { exponent: 0.6 }, ..base }),
        case("hot-spots", Shape { spread: Spread::Hot { partitions: 16, times: 8.0 }, ..base }),
        case("four-topics", Shape { topics: 4, ..base }),
        case(
            "slow-node",
            Shape {
                nodes: Nodes { slow_share: 0.25, cost_factor: 2.0, ..Nodes::default() },
                ..log_normal(0.3, base)
            },
        ),
        case("noisy-metrics", Shape { metrics: Metrics { noise: 0.2, delay: 0 }, ..base }),
        case("late-metrics", Shape { metrics: Metrics { noise: 0.0, delay: 2 }, ..base }),
        case("drift", Shape { drift: Drift { swing: 0.5, walk: 0.1, ..Drift::default() }, ..base }),
        case("rollouts", Shape { rollout_every: NonZeroUsize::new(10), ..base }),
        case("one-by-one", Shape { apart: 1.0, ..base }),
        case("uneven-topics", uneven_topics()),
    ]
}

/// The same kinds of fleets where Kafka itself tells the group: the ids of its members are known.
fn told() -> Vec<Case> {
    let base = Shape { kafka: true, ..Shape::default() };
    let sized = |pods, partitions| Shape { pods, partitions, ..base };
    let log_normal = |sigma, shape| Shape { spread: Spread::LogNormal { sigma }, ..shape };
    let case = |name, shape| Case { name, prospect: Prospect::Improvable, shape };
    vec![
        case("told-sticky", Shape { assignor: Assignor::Sticky, ..base }),
        case("told-mild", Shape { mean_cores: 0.75, ..log_normal(0.5, sized(20, 80)) }),
        case("told-50", sized(50, 400)),
        case("told-100", sized(100, 800)),
        case("told-librdkafka", Shape { assignor: Assignor::LibrdkafkaCooperativeSticky, ..base }),
        case("told-uniform", Shape { assignor: Assignor::Uniform, ..base }),
        case("told-zipf", Shape { spread: Spread::Zipf { exponent: 0.6 }, ..base }),
        case("told-uneven-topics", Shape { kafka: true, ..uneven_topics() }),
        case(
            "told-slow-node",
            Shape {
                nodes: Nodes { slow_share: 0.25, cost_factor: 2.0, ..Nodes::default() },
                ..log_normal(0.3, base)
            },
        ),
        case("told-drift", Shape { drift: Drift { swing: 0.5, walk: 0.1, ..Drift::default() }, ..base }),
        case("told-one-by-one", Shape { apart: 1.0, ..base }),
    ]
}

/// Each of four topics carries twice as much as the one before.
fn uneven_topics() -> Shape {
    Shape { topics: 4, topic_ratio: 2.0, spread: Spread::LogNormal { sigma: 0.5 }, ..Shape::default() }
}

fn hopeless() -> Vec<Case> {
    let base = Shape::default();
    let case = |name, shape| Case { name, prospect: Prospect::Hopeless, shape };
    vec![
        case("range", Shape { assignor: Assignor::Range, ..base }),
        case("roundrobin", Shape { assignor: Assignor::RoundRobin, ..base }),
        case("server-range", Shape { assignor: Assignor::ServerRange, ..base }),
        case("static-members", Shape { static_members: true, ..base }),
        case("told-range", Shape { assignor: Assignor::Range, kafka: true, ..base }),
        case("told-static-members", Shape { static_members: true, kafka: true, ..base }),
        case(
            "told-one-hot-partition",
            Shape { spread: Spread::Hot { partitions: 1, times: 40.0 }, kafka: true, ..base },
        ),
        case("one-partition-a-pod", Shape { partitions: 20, ..base }),
        case("one-hot-partition", Shape { spread: Spread::Hot { partitions: 1, times: 40.0 }, ..base }),
        case("more-pods-than-partitions", Shape { pods: 24, partitions: 16, ..base }),
    ]
}

/// Runs one case under one strategy over its seeds. The policy is told what an operator has to tell, since nothing
/// shows it: how members come and go, and which of the sticky rules the group follows. Other rules it has to find out.
///
/// # Errors
/// Never for the [`cases`] of this suite.
pub async fn run(case: &Case, strategy: Strategy, policy: &Policy) -> Result<Score, CourseError> {
    let sticky = Some(case.shape.assignor).filter(|assignor| assignor.is_sticky());
    let policy = policy
        .clone()
        .with_strategy(strategy)
        .with_assignor(policy.group.assignor.or(sticky))
        .with_static_members(case.shape.static_members)
        .with_timing(Some(case.shape.timing));
    let mut tally = Tally::default();
    for seed in 1..=SEEDS {
        let course = course::run(&Shape { seed, ..case.shape }, &policy, CYCLES).await?;
        tally.0.push(course.summary());
    }
    Ok(Score { case: *case, strategy, tally })
}

/// All courses of one strategy over the cases of one prospect, together.
#[must_use]
pub fn total(scores: &[Score], strategy: Strategy, prospect: Prospect) -> Tally {
    let counted = scores.iter().filter(|score| score.strategy == strategy && score.case.prospect == prospect);
    Tally(counted.flat_map(|score| &score.tally.0).cloned().collect())
}

#[cfg(test)]
mod tests;
