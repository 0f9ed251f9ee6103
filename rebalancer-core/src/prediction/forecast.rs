//! Predictions over draws of the ids that are not known, under each rule that the group may follow.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::stage::is_plain;
use super::steps::{Course, rounds};
use super::{Evenness, Expected, Prediction, Stage, Stops, Tries, UnderRule};
use crate::assignor::{Assignor, Rules, TopicPartition};
use crate::group::{AssumedTiming, GroupModel, Inference, dealing_order};
use crate::policy::{ByTiming, Pace, Timing};
use crate::unit::{PercentChange, Share};

/// Draws for a timing of which only the mean is asked, where its course is not told apart from others.
const FEW: u64 = 6;

/// So many courses are all worked out; of more, those of the draws.
const MOST_COURSES: u64 = 64;

/// For each rule at least so many draws.
const FEWEST: usize = 8;

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

/// What a rotation is expected to do.
#[derive(Debug, Clone)]
pub(crate) struct Foreseen {
    /// Over all rules that are reckoned with, each as likely as the others.
    pub(crate) all: Prediction,
    /// Under each of them alone.
    pub(crate) each: Vec<(Assignor, Prediction)>,
}

impl Foreseen {
    /// All of it, changed in the same way.
    pub(crate) fn map(self, change: impl Fn(Prediction) -> Prediction) -> Self {
        let each = self.each.into_iter().map(|(rule, prediction)| (rule, change(prediction))).collect();
        Self { all: change(self.all), each }
    }
}

/// What comes of a rotation in each draw, with its share of 1.
type Drawn = Vec<(Evenness, f64)>;

/// What stays the same while batches are compared.
pub(crate) struct Forecast<'a> {
    model: &'a GroupModel,
    inference: Inference,
    rules: Rules,
    /// The members in the order in which a rule dealt everything to them, where that is seen.
    dealt: BTreeMap<Assignor, Vec<usize>>,
    timing: AssumedTiming,
    pace: Pace,
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
        let rules = inference.rules();
        let dealt = rules.iter().filter_map(|rule| Some((rule, dealing_order(model, rule)?))).collect();
        Self { model, inference, rules, dealt, timing, pace: Pace::Together, limits, now, before }
    }

    /// The same, if the removals of a rotation follow each other at this pace. Pods are named in the order in which they go.
    pub(crate) fn paced(&self, pace: Pace) -> Self {
        let (dealt, limits, now) = (self.dealt.clone(), self.limits.clone(), self.now.clone());
        Self { pace, dealt, limits, now, ..*self }
    }

    /// How the removals of a rotation follow each other.
    pub(crate) const fn pace(&self) -> Pace {
        self.pace
    }

    /// The same, if the group follows one of these rules.
    pub(crate) fn under(&self, rules: Rules) -> Self {
        let (dealt, limits, now) = (self.dealt.clone(), self.limits.clone(), self.now.clone());
        let inference = if rules == self.rules { self.inference } else { Inference::Fits { rules } };
        Self { inference, rules, dealt, limits, now, ..*self }
    }

    /// The rules that are reckoned with.
    pub(crate) const fn rules(&self) -> Rules {
        self.rules
    }

    /// Load of each pod now, as the model explains it.
    pub(crate) fn loads_now(&self) -> &[f64] {
        &self.now
    }

    /// What is assumed about when replacements join.
    pub(crate) const fn assumed(&self) -> &AssumedTiming {
        &self.timing
    }

    /// The same, above all.
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
        let of = |(timing, share): (Timing, f64)| match self.pace {
            Pace::Together => self.stopping(timing, self.most_members(pods)) as f64 * share,
            Pace::EachAwaited => (pods * self.stopping(timing, self.most_members(1))) as f64 * share,
        };
        self.timing.likely().map(of).sum()
    }

    /// Under the rule that takes the most, of those that are reckoned with.
    fn stopping(&self, timing: Timing, members: usize) -> usize {
        let eager = self.rules.iter().filter(|rule| rule.is_eager());
        eager.map(|rule| self.course(rule, timing).rebalances(members)).max().unwrap_or(0)
    }

    /// How the group's assignor is known.
    pub(crate) const fn inference(&self) -> Inference {
        self.inference
    }

    /// What a rotation does depends on no id that is not known: all are, or the rule does not look at those of members
    /// that stay. It may still depend on the course that the coordinator takes: [`is_exact`](Self::is_exact).
    pub(crate) fn knows_ids(&self) -> bool {
        let known = self.model.members.iter().all(|member| member.id.is_some());
        known || self.rules.iter().all(|rule| self.is_plain(rule) && self.needs_no_ids(rule))
    }

    /// It is enough to know their order, or not even that.
    fn needs_no_ids(&self, rule: Assignor) -> bool {
        let knows_order = self.dealt.contains_key(&rule);
        match rule {
            // With even counts nobody gets one more than others, which hash tables decide.
            Assignor::Sticky | Assignor::CooperativeSticky => {
                let (members, partitions) = self.size();
                let at_once = self.timing() == Timing::AllAtOnce && self.is_timing_sure();
                (knows_order || at_once) && partitions.is_multiple_of(members.max(1))
            }
            Assignor::LibrdkafkaCooperativeSticky => knows_order,
            Assignor::Range
            | Assignor::RoundRobin
            | Assignor::ServerRange
            | Assignor::Uniform
            | Assignor::EarlyUniform => false,
        }
    }

    /// One outcome is possible for any rotation of at most so many pods, as far as anybody knows.
    pub(crate) fn is_exact(&self, pods: usize) -> bool {
        let mut rules = self.rules.iter();
        let (Some(rule), None) = (rules.next(), rules.next()) else { return false };
        self.is_timing_sure() && self.has_one_course((rule, self.timing()), pods)
    }

    /// Under this rule, with this timing.
    fn has_one_course(&self, (rule, timing): (Assignor, Timing), pods: usize) -> bool {
        let pods = match self.pace {
            Pace::Together => pods,
            Pace::EachAwaited => 1,
        };
        self.knows_ids() && self.course(rule, timing).possible(self.most_members(pods)) == Some(1)
    }

    fn course(&self, rule: Assignor, timing: Timing) -> Course {
        Course::of(rule, timing, self.model.coordinator)
    }

    /// How many members so many pods have at most.
    fn most_members(&self, pods: usize) -> usize {
        pods.saturating_mul(self.model.pods.iter().map(|pod| pod.members.len()).max().unwrap_or(1))
    }

    /// Rotations under this rule are worked out by what moves.
    pub(crate) fn is_plain(&self, rule: Assignor) -> bool {
        rule.is_sticky() && is_plain(self.model)
    }

    /// Members and partitions.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.model.members.len(), self.model.partitions())
    }

    /// The group with draws of what is not known, at least one for each timing and rule that is reckoned with; for rotations
    /// of at most so many pods. `draws` is how many there are for all of them together, about. Those under one rule come one
    /// after the other, and their shares are 1 together.
    pub(crate) fn stages(&self, pods: usize, draws: usize, seed: u64) -> Vec<Stage<'_>> {
        let draws = self.draws_of_each(draws);
        let of_timing = |rule: Assignor, (timing, share): (Timing, f64)| {
            let exact = self.has_one_course((rule, timing), pods);
            let draws = if exact { 1 } else { part(draws, share) };
            (0..draws).map(move |draw| {
                let stage = self.stage((rule, timing), pods, seed.wrapping_add(draw));
                Stage { share: share / draws as f64, ..stage }
            })
        };
        let of_rule = |rule: Assignor| self.timing.likely().flat_map(move |timing| of_timing(rule, timing));
        self.rules.iter().flat_map(of_rule).collect()
    }

    /// Of so many draws for all rules together.
    fn draws_of_each(&self, draws: usize) -> usize {
        draws.div_ceil(self.rules.len().max(1)).max(FEWEST.min(draws))
    }

    /// With one draw, made from the seed.
    fn stage(&self, (rule, timing): (Assignor, Timing), pods: usize, seed: u64) -> Stage<'_> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let most = self.most_members(pods);
        // Draws that are made one after the other take the possible courses in turn.
        let draw = seed & u64::from(u32::MAX);
        let dealt = self.dealt.get(&rule).map(Vec::as_slice);
        Stage::first(self.model, (rule, timing, self.pace), dealt, &self.limits, most, (draw, &mut random))
    }

    /// Works out the removal of these pods (by index) for at least as many draws of what is not known, made from the seed:
    /// of ids, of timings and of the course that the coordinator takes. Each course that is possible is among them.
    pub(crate) fn predict(&self, removed: &[usize], draws: usize, seed: u64) -> Foreseen {
        let draws = self.draws_of_each(draws);
        let drawn: Vec<(Assignor, Drawn)> =
            self.rules.iter().map(|rule| (rule, self.drawn(rule, removed, draws, seed))).collect();
        let summarized = |(rule, drawn): &(Assignor, Drawn)| (*rule, self.summarize(removed, drawn));
        let each: Vec<(Assignor, Prediction)> = drawn.iter().map(summarized).collect();
        let all: Drawn = drawn.into_iter().flat_map(|(_, drawn)| drawn).collect();
        let worst = each.iter().max_by(|(_, a), (_, b)| a.expected_cv.total_cmp(&b.expected_cv));
        let worst = worst.filter(|_| each.len() > 1);
        let worst = worst.map(|(rule, worst)| UnderRule { rule: *rule, cv: worst.expected_cv });
        Foreseen { all: Prediction { worst, ..self.summarize(removed, &all) }, each }
    }

    fn drawn(&self, rule: Assignor, removed: &[usize], draws: usize, seed: u64) -> Drawn {
        let of_timing = |(timing, share): (Timing, f64)| {
            let after = self.after((rule, timing), removed, part(draws, share), seed);
            let each = share / after.len().max(1) as f64;
            after.into_iter().map(move |even| (even, each))
        };
        self.timing.likely().flat_map(of_timing).collect()
    }

    /// The same for what is to be kept: where nobody has said when replacements join, with what each timing would lead to.
    pub(crate) fn promise(&self, removed: &[usize], draws: usize, seed: u64) -> Foreseen {
        let by_timing = self.timing.is_to_be_found_out().then(|| self.by_timing(removed, seed));
        self.predict(removed, draws, seed).map(|prediction| Prediction { by_timing, ..prediction })
    }

    /// The CV that each timing would lead to, reckoned with or not, over a few draws.
    fn by_timing(&self, removed: &[usize], seed: u64) -> ByTiming<Expected> {
        ByTiming::each(|timing| {
            let draws = FEW.div_ceil(self.rules.len().max(1) as u64);
            let under = |rule| self.after((rule, timing), removed, draws, seed);
            let after: Vec<Evenness> = self.rules.iter().flat_map(under).collect();
            let mean = |of: &dyn Fn(f64) -> f64| {
                after.iter().map(|even| of(even.cv)).sum::<f64>() / after.len().max(1) as f64
            };
            let cv = mean(&|cv| cv);
            Expected { cv, spread: mean(&|other| (other - cv).powi(2)).sqrt() }
        })
    }

    fn after(
        &self,
        (rule, timing): (Assignor, Timing),
        removed: &[usize],
        draws: u64,
        seed: u64,
    ) -> Vec<Evenness> {
        let course = self.course(rule, timing);
        let of_rounds = rounds(self.pace, removed).map(|round| course.possible(self.members_of(round)));
        let courses =
            of_rounds.product::<Option<u64>>().filter(|&courses| courses <= MOST_COURSES).unwrap_or(0);
        let seeds = (0..courses.max(draws)).map(|draw| seed.wrapping_shl(32).wrapping_add(draw));
        let drawn = seeds.map(|seed| {
            let stage = self.stage((rule, timing), removed.len(), seed);
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
        let rule = self.inference.assignor();
        let stage = self.stage((rule, self.timing()), removed.len(), 1);
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
        let of_rounds =
            rounds(self.pace, removed).map(|round| self.stopping(self.timing(), self.members_of(round)));
        let rebalances: usize = of_rounds.sum();
        let relief = self.before.excess - mean(&|even| even.excess);
        Prediction {
            assignor: self.inference,
            timing: self.timing(),
            pace: if removed.len() > 1 { self.pace } else { Pace::Together },
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
            worst: None,
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
