//! Another number of pods.

use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::estimate::Outcome;
use super::lever::{Effect, Lever, LeverCost, LeverReport};
use super::stage::{Play, Stage, draws};
use crate::assignor::Assignor;

/// One pod fewer, one more, twice as many, and the next numbers down and up that the partitions can be divided by. A group
/// never has more members than partitions, and never fewer pods than the policy's minimum.
pub(super) fn all(stage: &Stage<'_>, minimum: usize) -> Vec<LeverReport> {
    let (pods, partitions) = (stage.model.pods.len(), stage.model.partitions());
    let divides = |count: &usize| partitions.is_multiple_of(*count);
    let mut counts = BTreeSet::from([pods.saturating_sub(1), pods + 1, pods * 2]);
    counts.extend((1..pods).rev().find(divides));
    counts.extend((pods + 1..=pods * 2).find(divides));
    let least = minimum.max(1);
    counts.retain(|count| (least..=partitions).contains(count) && *count != pods);
    counts.into_iter().map(|count| lever(stage, count)).collect()
}

fn lever(stage: &Stage<'_>, count: usize) -> LeverReport {
    let pods = stage.model.pods.len();
    let cost = match count.checked_sub(pods) {
        Some(pods) => LeverCost::MorePods { pods },
        None => LeverCost::FewerPods { pods: pods - count },
    };
    let effect = Effect::Expected(stage.under_each(|rule| outcome(stage, rule, count)));
    LeverReport::new(Lever::Replicas { pods: count }, effect, vec![LeverCost::Rebalance, cost])
}

/// Which pods a scale-in takes, and under which ids new ones join, is drawn.
fn outcome(stage: &Stage<'_>, rule: Assignor, count: usize) -> Outcome {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let found: Vec<_> = (0..draws(stage.model.partitions(), 1))
        .map(|_| {
            let mut play = Play::of(stage.model, &mut random).under(rule);
            while play.pods.len() > count {
                let pod = random.random_range(0..play.pods.len());
                play.remove(pod);
            }
            while play.pods.len() < count {
                let like = random.random_range(0..stage.model.pods.len().max(1));
                play.add_like(like, &mut random);
            }
            play.rebalance();
            play.found(stage)
        })
        .collect();
    Outcome::of_draws(&found)
}

/// The same draws each time: an advice on the same snapshot is the same.
const SEED: u64 = 41;
