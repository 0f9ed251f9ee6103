//! Another assignor: all members are restarted with it, wave by wave, and the group begins from nothing.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::estimate::Outcome;
use super::lever::{Effect, Lever, LeverCost, LeverReport};
use super::stage::{Play, Stage, WAVES, affordable, draws};
use crate::assignor::Assignor;
use crate::policy::Timing;

/// Every rule but the group's own. Where several fit, each may be another one.
pub(super) fn all(stage: &Stage<'_>) -> Vec<LeverReport> {
    let is_own = |rule: Assignor| stage.rules == rule.into();
    let others = Assignor::ALL.into_iter().filter(|&rule| !is_own(rule) && available(rule, stage.assignor));
    others.map(|rule| lever(stage, rule)).collect()
}

/// Which clients the group has is known where one client alone has its rule: the other library's rules are then none of
/// theirs.
fn available(rule: Assignor, now: Assignor) -> bool {
    match (rule, now) {
        (Assignor::Sticky | Assignor::CooperativeSticky, Assignor::LibrdkafkaCooperativeSticky) => false,
        (Assignor::LibrdkafkaCooperativeSticky, _) => false,
        // Nobody chooses an old release for that, and each broker has one of the two.
        (Assignor::EarlyUniform, _) | (Assignor::Uniform, Assignor::EarlyUniform) => false,
        (
            Assignor::Range
            | Assignor::RoundRobin
            | Assignor::Sticky
            | Assignor::CooperativeSticky
            | Assignor::Uniform
            | Assignor::ServerRange,
            _,
        ) => true,
    }
}

fn lever(stage: &Stage<'_>, rule: Assignor) -> LeverReport {
    let pods = stage.model.pods.len();
    let mut costs = vec![LeverCost::Restarts { pods }];
    costs.push(match is_of_broker(rule) == is_of_broker(stage.assignor) {
        true => LeverCost::ClientSetting,
        false => LeverCost::GroupProtocol,
    });
    LeverReport::new(Lever::Assignor { assignor: rule }, Effect::Expected(outcome(stage, rule)), costs)
}

/// The coordinator assigns, and not a member.
const fn is_of_broker(rule: Assignor) -> bool {
    match rule {
        Assignor::Uniform | Assignor::EarlyUniform | Assignor::ServerRange => true,
        Assignor::Range
        | Assignor::RoundRobin
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky => false,
    }
}

/// A rule without a memory gives the same whatever was before. Under the others it matters who was replaced when: a rolling
/// restart in waves, and then some pods one after the other, whose replacements come at once or late.
fn outcome(stage: &Stage<'_>, rule: Assignor) -> Outcome {
    let (pods, partitions) = (stage.model.pods.len(), stage.model.partitions());
    let life = pods.min(affordable(partitions));
    let rebalances = if rule.is_sticky() { 1 + 2 * (WAVES + life) } else { 1 };
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let one = |_: usize| {
        let mut play = Play::of(stage.model, &mut random).emptied().under(rule);
        // All members are new ones, whatever the rule: those that are static keep their instance id.
        let all: Vec<usize> = (0..play.pods.len()).collect();
        play.replace(&all, Timing::AllAtOnce, &mut random);
        if rule.is_sticky() {
            let timing = either(&mut random);
            play.restart_all(timing, &mut random);
            for _ in 0..random.random_range(0..=life) {
                let (pod, timing) = (random.random_range(0..pods.max(1)), either(&mut random));
                play.replace(&[pod], timing, &mut random);
            }
        }
        play.found(stage)
    };
    let found: Vec<_> = (0..draws(partitions, rebalances)).map(one).collect();
    Outcome::of_draws(&found)
}

/// Nobody plans how pods come and go later.
fn either(random: &mut ChaCha8Rng) -> Timing {
    if random.random::<bool>() { Timing::AllAtOnce } else { Timing::LeaveThenJoin }
}

/// The same draws each time: an advice on the same snapshot is the same.
const SEED: u64 = 17;
