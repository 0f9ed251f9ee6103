//! Predictions over draws of the ids that are not known.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::stage::is_plain;
use super::{Evenness, Prediction, Stage, Tries};
use crate::assignor::{Assignor, TopicPartition};
use crate::group::{GroupModel, Inference};
use crate::policy::Timing;
use crate::unit::{PercentChange, Share};

/// Pods that exchange partitions with a removed one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Others {
    /// How many.
    pub(crate) pods: usize,
    /// Their mean load now; 0 without any.
    pub(crate) load: f64,
}

/// What stays the same while batches are compared.
pub(crate) struct Forecast<'a> {
    model: &'a GroupModel,
    inference: Inference,
    timing: Timing,
    limits: Vec<f64>,
    now: Vec<f64>,
    before: Evenness,
}

impl<'a> Forecast<'a> {
    /// Prepares to work out rotations of this group. A pod whose load is above its limit is hot; there is one limit for
    /// each pod of the model, in the indicator's unit.
    pub(crate) fn new(model: &'a GroupModel, inference: Inference, timing: Timing, limits: Vec<f64>) -> Self {
        let now = model.loads_now();
        let before = Evenness::of(&now, &limits);
        Self { model, inference, timing, limits, now, before }
    }

    /// Load of each pod now, as the model explains it.
    pub(crate) fn loads_now(&self) -> &[f64] {
        &self.now
    }

    /// What is assumed about when replacements join.
    pub(crate) const fn timing(&self) -> Timing {
        self.timing
    }

    /// How the group's assignor is known.
    pub(crate) const fn inference(&self) -> Inference {
        self.inference
    }

    /// What a rotation does depends on no id that is not known: all are, or the rule does not look at those of members
    /// that stay.
    pub(crate) fn is_exact(&self) -> bool {
        let known = self.model.members.iter().all(|member| member.id.is_some());
        let by_rule = match self.inference.assignor() {
            // With even counts nobody gets one more than others.
            Assignor::Sticky | Assignor::CooperativeSticky => {
                let (members, partitions) = self.size();
                self.timing == Timing::AllAtOnce && partitions.is_multiple_of(members.max(1))
            }
            Assignor::Range
            | Assignor::RoundRobin
            | Assignor::ServerRange
            | Assignor::LibrdkafkaCooperativeSticky
            | Assignor::Uniform => false,
        };
        known || (by_rule && self.is_plain())
    }

    /// Rotations are worked out by what moves.
    pub(crate) fn is_plain(&self) -> bool {
        self.inference.assignor().is_sticky() && is_plain(self.model)
    }

    /// Members and partitions.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.model.members.len(), self.model.partitions())
    }

    /// The group with one draw of the ids that are not known, made from the seed; for rotations of at most so many pods.
    pub(crate) fn stage(&self, pods: usize, seed: u64) -> Stage<'_> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let largest = self.model.pods.iter().map(|pod| pod.members.len()).max().unwrap_or(1);
        let most = pods.saturating_mul(largest);
        Stage::first(self.model, (self.inference, self.timing), &self.limits, most, &mut random)
    }

    /// Works out the removal of these pods (by index) for as many draws of the ids that are not known, made from the seed.
    pub(crate) fn predict(&self, removed: &[usize], draws: usize, seed: u64) -> Prediction {
        let seeds = (0..draws as u64).map(|draw| seed.wrapping_shl(32).wrapping_add(draw));
        let drawn = seeds.map(|seed| {
            let stage = self.stage(removed.len(), seed);
            Tries::new(&stage).evenness(removed)
        });
        let after: Vec<Evenness> = drawn.collect();
        self.summarize(removed, &after)
    }

    /// Who gets partitions of one of the removed pods, and who gives some to its replacement, of those that stay; where
    /// that depends on draws, by one of them.
    pub(crate) fn exchanges(&self, removed: &[usize], pod: usize) -> (Others, Others) {
        let stage = self.stage(removed.len(), 1);
        let after = Tries::new(&stage).owned_after(removed);
        let own = stage.members_of(pod);
        let held = |owned: &[Vec<TopicPartition>]| -> BTreeSet<TopicPartition> {
            own.iter().filter_map(|&member| owned.get(member)).flatten().copied().collect()
        };
        let (before, now) = (held(&stage.owned), held(&after));
        let holders = |owned: &[Vec<TopicPartition>], wanted: &BTreeSet<TopicPartition>| {
            let those = self
                .model
                .members
                .iter()
                .zip(owned)
                .filter(|(_, owned)| owned.iter().any(|held| wanted.contains(held)));
            let pods: BTreeSet<usize> =
                those.filter_map(|(member, _)| member.pod).filter(|pod| !removed.contains(pod)).collect();
            let sum: f64 = pods.iter().filter_map(|&pod| self.now.get(pod)).sum();
            Others { pods: pods.len(), load: sum / pods.len().max(1) as f64 }
        };
        (holders(&after, &before), holders(&stage.owned, &now))
    }

    fn summarize(&self, removed: &[usize], after: &[Evenness]) -> Prediction {
        let count = after.len().max(1) as f64;
        let mean = |of: fn(&Evenness) -> f64| after.iter().map(of).sum::<f64>() / count;
        let share = |is: &dyn Fn(&Evenness) -> bool| {
            Share::of_counts(after.iter().filter(|even| is(even)).count(), after.len())
        };
        let expected_cv = mean(|even| even.cv);
        let variance = after.iter().map(|even| (even.cv - expected_cv).powi(2)).sum::<f64>() / count;
        let relief = self.before.excess - mean(|even| even.excess);
        Prediction {
            assignor: self.inference,
            timing: self.timing,
            cv_before: self.before.cv,
            expected_cv,
            cv_spread: variance.sqrt(),
            max_to_mean_before: self.before.max_to_mean,
            expected_max_to_mean: mean(|even| even.max_to_mean),
            better: share(&|even: &Evenness| even.is_more_even_than(&self.before)),
            cooler: share(&|even: &Evenness| even.is_cooler_than(&self.before)),
            relief,
            relief_percent: PercentChange::of(relief, self.carried_above(removed)),
            draws: after.len(),
            way: None,
        }
    }

    /// What these pods carry above their limits.
    fn carried_above(&self, removed: &[usize]) -> f64 {
        let known = removed.iter().filter_map(|&index| Some((self.now.get(index)?, self.limits.get(index)?)));
        known.map(|(load, limit)| (load - limit).max(0.0)).sum()
    }
}
