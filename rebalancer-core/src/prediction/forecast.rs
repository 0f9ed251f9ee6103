//! Predictions over draws of the ids that are not known.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::stage::is_plain;
use super::steps::Course;
use super::{Evenness, Expected, Prediction, Stage, Stops, Tries};
use crate::assignor::{Assignor, TopicPartition};
use crate::group::{AssumedTiming, GroupModel, Inference};
use crate::policy::{ByTiming, Timing};
use crate::unit::{PercentChange, Share};

/// Draws for a timing of which only the mean is asked, where its course is not told apart from others.
const FEW: u64 = 6;

/// Of so many draws this share, at least one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and not more than `draws`"
)]
fn part(draws: usize, share: f64) -> u64 {
    ((draws as f64 * share).ceil() as u64).max(1)
}

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
    timing: AssumedTiming,
    limits: Vec<f64>,
    now: Vec<f64>,
    before: Evenness,
}

impl<'a> Forecast<'a> {
    /// Prepares to work out rotations of this group. A pod whose load is above its limit is hot; there is one limit for
    /// each pod of the model, in the indicator's unit.
    pub(crate) fn new(
        model: &'a GroupModel,
        inference: Inference,
        timing: AssumedTiming,
        limits: Vec<f64>,
    ) -> Self {
        let now = model.loads_now();
        let before = Evenness::of(&now, &limits);
        Self { model, inference, timing, limits, now, before }
    }

    /// Load of each pod now, as the model explains it.
    pub(crate) fn loads_now(&self) -> &[f64] {
        &self.now
    }

    /// What is assumed about when replacements join, above all.
    pub(crate) const fn timing(&self) -> Timing {
        self.timing.timing
    }

    /// Nothing is reckoned with but that.
    fn is_timing_sure(&self) -> bool {
        self.timing.likely().count() == 1
    }

    /// How many rebalances that stop every member a rotation of so many pods takes, over the timings that are reckoned with;
    /// 0 where only partitions that move are stopped.
    pub(crate) fn stops(&self, pods: usize) -> f64 {
        let members = self.most_members(pods);
        let of = |(timing, share): (Timing, f64)| self.stopping(timing, members) as f64 * share;
        self.timing.likely().map(of).sum()
    }

    const fn stopping(&self, timing: Timing, members: usize) -> usize {
        if self.inference.assignor().is_eager() { self.course(timing).rebalances(members) } else { 0 }
    }

    /// How the group's assignor is known.
    pub(crate) const fn inference(&self) -> Inference {
        self.inference
    }

    /// What a rotation does depends on no id that is not known: all are, or the rule does not look at those of members
    /// that stay. It may still depend on the course that the coordinator takes: [`is_exact`](Self::is_exact).
    pub(crate) fn knows_ids(&self) -> bool {
        let known = self.model.members.iter().all(|member| member.id.is_some());
        let by_rule = match self.inference.assignor() {
            // With even counts nobody gets one more than others.
            Assignor::Sticky | Assignor::CooperativeSticky => {
                let (members, partitions) = self.size();
                self.timing() == Timing::AllAtOnce
                    && self.is_timing_sure()
                    && partitions.is_multiple_of(members.max(1))
            }
            Assignor::Range
            | Assignor::RoundRobin
            | Assignor::ServerRange
            | Assignor::LibrdkafkaCooperativeSticky
            | Assignor::Uniform => false,
        };
        known || (by_rule && self.is_plain())
    }

    /// One outcome is possible for any rotation of at most so many pods, as far as anybody knows.
    pub(crate) fn is_exact(&self, pods: usize) -> bool {
        let courses = self.course(self.timing()).possible(self.most_members(pods));
        self.knows_ids() && self.is_timing_sure() && courses == Some(1)
    }

    const fn course(&self, timing: Timing) -> Course {
        Course::of(self.inference.assignor(), timing)
    }

    /// How many members so many pods have at most.
    fn most_members(&self, pods: usize) -> usize {
        pods.saturating_mul(self.model.pods.iter().map(|pod| pod.members.len()).max().unwrap_or(1))
    }

    /// Rotations are worked out by what moves.
    pub(crate) fn is_plain(&self) -> bool {
        self.inference.assignor().is_sticky() && is_plain(self.model)
    }

    /// Members and partitions.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.model.members.len(), self.model.partitions())
    }

    /// The group with draws of what is not known, at least one for each timing that is reckoned with; for rotations of at
    /// most so many pods. `draws` is how many there are for all of them together, about.
    pub(crate) fn stages(&self, pods: usize, draws: usize, seed: u64) -> Vec<Stage<'_>> {
        let exact =
            |timing| self.knows_ids() && self.course(timing).possible(self.most_members(pods)) == Some(1);
        let of_timing = |(timing, share): (Timing, f64)| {
            let draws = if exact(timing) { 1 } else { part(draws, share) };
            (0..draws).map(move |draw| {
                let stage = self.stage(timing, pods, seed.wrapping_add(draw));
                Stage { share: share / draws as f64, ..stage }
            })
        };
        self.timing.likely().flat_map(of_timing).collect()
    }

    /// With one draw, made from the seed.
    fn stage(&self, timing: Timing, pods: usize, seed: u64) -> Stage<'_> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let most = self.most_members(pods);
        // Draws that are made one after the other take the possible courses in turn.
        let draw = seed & u64::from(u32::MAX);
        Stage::first(self.model, (self.inference, timing), &self.limits, most, (draw, &mut random))
    }

    /// Works out the removal of these pods (by index) for at least as many draws of what is not known, made from the seed:
    /// of ids, of timings and of the course that the coordinator takes. Each course that is possible is among them.
    pub(crate) fn predict(&self, removed: &[usize], draws: usize, seed: u64) -> Prediction {
        let of_timing = |(timing, share): (Timing, f64)| {
            let after = self.after(timing, removed, part(draws, share), seed);
            let each = share / after.len().max(1) as f64;
            after.into_iter().map(move |even| (even, each))
        };
        let after: Vec<(Evenness, f64)> = self.timing.likely().flat_map(of_timing).collect();
        self.summarize(removed, &after)
    }

    /// The same for what is to be kept: where nobody has said when replacements join, with what each timing would lead to.
    pub(crate) fn promise(&self, removed: &[usize], draws: usize, seed: u64) -> Prediction {
        let by_timing = self.timing.is_to_be_found_out().then(|| self.by_timing(removed, seed));
        Prediction { by_timing, ..self.predict(removed, draws, seed) }
    }

    /// The CV that each timing would lead to, reckoned with or not, over a few draws.
    fn by_timing(&self, removed: &[usize], seed: u64) -> ByTiming<Expected> {
        ByTiming::each(|timing| {
            let after = self.after(timing, removed, FEW, seed);
            let mean = |of: &dyn Fn(f64) -> f64| {
                after.iter().map(|even| of(even.cv)).sum::<f64>() / after.len().max(1) as f64
            };
            let cv = mean(&|cv| cv);
            Expected { cv, spread: mean(&|other| (other - cv).powi(2)).sqrt() }
        })
    }

    fn after(&self, timing: Timing, removed: &[usize], draws: u64, seed: u64) -> Vec<Evenness> {
        let courses = self.course(timing).possible(self.members_of(removed)).unwrap_or(0);
        let seeds = (0..courses.max(draws)).map(|draw| seed.wrapping_shl(32).wrapping_add(draw));
        let drawn = seeds.map(|seed| {
            let stage = self.stage(timing, removed.len(), seed);
            Tries::new(&stage).evenness(removed)
        });
        drawn.collect()
    }

    /// How many members these pods have.
    fn members_of(&self, removed: &[usize]) -> usize {
        removed.iter().filter_map(|&pod| self.model.pods.get(pod)).map(|pod| pod.members.len()).sum()
    }

    /// Who gets partitions of one of the removed pods, and who gives some to its replacement, of those that stay; where
    /// that depends on draws, by one of them.
    pub(crate) fn exchanges(&self, removed: &[usize], pod: usize) -> (Others, Others) {
        let stage = self.stage(self.timing(), removed.len(), 1);
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

    /// From what comes of it, each with its share of 1.
    fn summarize(&self, removed: &[usize], after: &[(Evenness, f64)]) -> Prediction {
        let all: f64 = after.iter().map(|(_, share)| share).sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = |of: &dyn Fn(&Evenness) -> f64| {
            after.iter().map(|(even, share)| of(even) * share).sum::<f64>() / all
        };
        let share = |is: &dyn Fn(&Evenness) -> bool| {
            let likely = mean(&|even: &Evenness| if is(even) { 1.0 } else { 0.0 });
            Share::new(likely.clamp(0.0, 1.0)).unwrap_or_else(|_| Share::of_counts(0, 1))
        };
        let expected_cv = mean(&|even| even.cv);
        let variance = mean(&|even| (even.cv - expected_cv).powi(2));
        let rebalances = self.stopping(self.timing(), self.members_of(removed));
        let relief = self.before.excess - mean(&|even| even.excess);
        Prediction {
            assignor: self.inference,
            timing: self.timing(),
            cv_before: self.before.cv,
            expected_cv,
            cv_spread: variance.sqrt(),
            earlier_error: 0.0,
            max_to_mean_before: self.before.max_to_mean,
            expected_max_to_mean: mean(&|even| even.max_to_mean),
            better: share(&|even: &Evenness| even.is_more_even_than(&self.before)),
            cooler: share(&|even: &Evenness| even.is_cooler_than(&self.before)),
            relief,
            relief_percent: PercentChange::of(relief, self.carried_above(removed)),
            draws: after.len(),
            way: None,
            by_timing: None,
            stops: (rebalances > 0).then_some(Stops { rebalances, members: self.model.members.len() }),
        }
    }

    /// What these pods carry above their limits.
    fn carried_above(&self, removed: &[usize]) -> f64 {
        let known = removed.iter().filter_map(|&index| Some((self.now.get(index)?, self.limits.get(index)?)));
        known.map(|(load, limit)| (load - limit).max(0.0)).sum()
    }
}
