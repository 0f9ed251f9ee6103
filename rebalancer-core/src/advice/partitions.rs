//! More partitions, and the hottest partition's key.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::bounds::Found;
use super::estimate::{Outcome, Uncertainty};
use super::lever::{Effect, Lever, LeverCost, LeverReport};
use super::stage::{Play, Stage, draws};
use crate::assignor::{Assignor, TopicPartition};

/// Twice the partitions in every topic. Kafka's own partitioner puts a key of partition `p` of `n` into `p` or `p + n` then.
pub(super) fn doubled(stage: &Stage<'_>) -> LeverReport {
    let draws = draws(stage.model.partitions() * 2, 1);
    let outcome = stage.under_each(|rule| {
        let evenly = doubling(stage, rule, |_| 0.5);
        // One key is all of a partition: it stays, or it moves.
        let whole = doubling(stage, rule, |random| f64::from(u8::from(random.random::<bool>())));
        evenly.up_to(&whole, Uncertainty::Keys { draws })
    });
    let costs = vec![LeverCost::Rebalance, LeverCost::Ordering, LeverCost::Irreversible];
    LeverReport::new(Lever::DoublePartitions, Effect::Expected(outcome), costs)
}

fn doubling(stage: &Stage<'_>, rule: Assignor, share: fn(&mut ChaCha8Rng) -> f64) -> Outcome {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let one = |_: usize| {
        let mut play = Play::of(stage.model, &mut random).under(rule);
        play.double(|| share(&mut random));
        play.rebalance();
        play.found(stage)
    };
    let found: Vec<Found> = (0..draws(stage.model.partitions() * 2, 1)).map(one).collect();
    Outcome::of_draws(&found)
}

/// The same draws each time: an advice on the same snapshot is the same.
const SEED: u64 = 29;

/// What the hottest partition carries above the mean of its topic's others is taken for one key that is spread over the
/// whole topic. `None` where it does not stand out.
pub(super) fn hottest_key(stage: &Stage<'_>) -> Option<LeverReport> {
    let mut model = stage.model.clone();
    let (topic, partition, _) = all(&model.loads).max_by(|a, b| a.2.total_cmp(&b.2))?;
    let loads = model.loads.get_mut(topic as usize)?;
    let count = loads.len();
    let hottest = *loads.get(partition as usize)?;
    let others =
        (loads.iter().sum::<f64>() - hottest) / count.checked_sub(1).filter(|&others| others > 0)? as f64;
    if hottest <= others {
        return None;
    }
    let spread = (hottest - others) / count as f64;
    for (number, load) in loads.iter_mut().enumerate() {
        *load = if number == partition as usize { others + spread } else { *load + spread };
    }
    let now = Outcome::exactly(&stage.yardstick.found(&stage.model.loads_now()));
    let best = Outcome::exactly(&stage.yardstick.found(&model.loads_now()));
    let name = model.topics.get(topic as usize)?.name.clone();
    Some(LeverReport::new(
        Lever::HottestKey { topic: name, partition },
        Effect::Expected(best.up_to(&now, Uncertainty::OneKey)),
        vec![LeverCost::Producers, LeverCost::Ordering],
    ))
}

/// Every partition with its load.
pub(super) fn all(loads: &[Vec<f64>]) -> impl Iterator<Item = (u32, u32, f64)> {
    (0..)
        .zip(loads)
        .flat_map(|(topic, loads)| (0..).zip(loads).map(move |(number, load)| (topic, number, *load)))
}

/// The same as values of the assignor's rules.
pub(super) fn loads_of(loads: &[Vec<f64>]) -> impl Iterator<Item = (TopicPartition, f64)> {
    all(loads).map(|(topic, partition, load)| (TopicPartition { topic, partition }, load))
}
