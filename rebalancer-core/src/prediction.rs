//! What a rotation does to the loads, worked out with the rules of the group's assignor.
//!
//! Member ids are made at random when a member joins, and rules sort by them. Those of members that stay are known where
//! Kafka tells them; those of replacements, and all of them without Kafka, are drawn: the rotation is worked out for many
//! draws, and what comes of it is a distribution.
//!
//! Assumed: partitions keep their loads, replacements subscribe as those that they replace, and land on usual nodes. The
//! timing is that of the policy.

use std::fmt;

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use crate::assignor::{Assignment, Group, Member};
use crate::fleet::{Indicator, Uid};
use crate::group::{Consumer, GroupModel, Inference, Unusable, assumed, infer};
use crate::history::Constraints;
use crate::policy::{GroupPolicy, Timing};
use crate::snapshot::Snapshot;
use crate::unit::{PercentChange, Share};

/// The loads after a rotation, over the draws of member ids.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Prediction {
    /// How the group's assignor is known.
    pub assignor: Inference,
    /// What is assumed about when replacements join.
    pub timing: Timing,
    /// Coefficient of variation now, as the model explains it: without the noise of the measurement.
    pub cv_before: f64,
    /// Expected coefficient of variation afterwards.
    pub expected_cv: f64,
    /// Standard deviation of it over the draws.
    pub cv_spread: f64,
    /// Max/mean now, as the model explains it.
    pub max_to_mean_before: f64,
    /// Expected max/mean afterwards.
    pub expected_max_to_mean: f64,
    /// Share of the draws in which the coefficient of variation falls.
    pub better: Share,
    /// What of the load that the removed pods carried above the limit is expected to be gone from the whole fleet, in
    /// percent. 0: it only moves.
    pub relief_percent: PercentChange,
    /// Share of the draws in which less load is above the limit than now.
    pub cooler: Share,
    /// Expected fall of the load above the limit, over the whole fleet, in the indicator's unit.
    pub relief: f64,
    /// How many draws were made.
    pub draws: usize,
}

impl Prediction {
    /// Expected fall of the coefficient of variation, in percent of what it is now.
    #[must_use]
    pub fn improvement_percent(&self) -> f64 {
        if self.cv_before > 0.0 { (self.cv_before - self.expected_cv) / self.cv_before * 100.0 } else { 0.0 }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CV {:.3} -> {:.3} (± {:.3}), max/mean {:.2} -> {:.2}, better in {:.0} % of {} draws under {}",
            self.cv_before,
            self.expected_cv,
            self.cv_spread,
            self.max_to_mean_before,
            self.expected_max_to_mean,
            self.better.get() * 100.0,
            self.draws,
            self.assignor
        )
    }
}

/// How many draws of member ids are made where it matters which are drawn.
const DRAWS: usize = 32;

/// Works out what the removal of these pods, by name, does to the group's loads by this indicator. Names of non-members
/// are ignored.
///
/// # Errors
/// Why that can't be worked out.
pub fn predict(
    snapshot: &Snapshot,
    indicator: Indicator,
    group: &GroupPolicy,
    removed: &[&str],
) -> Result<Prediction, Unusable> {
    let model = GroupModel::of(snapshot, indicator)?;
    let inference = infer(&model, group.assignor)?;
    let unlimited = vec![f64::MAX; model.pods.len()];
    let timing = assumed(snapshot, group, &Constraints::default()).timing;
    let forecast = Forecast::new(&model, inference, timing, unlimited);
    let name = |pod: usize| snapshot.pods.get(pod).map(|observed| observed.pod.name.as_str());
    let is_removed = |pod: usize| name(pod).is_some_and(|name| removed.contains(&name));
    let pods = model.pods.iter().enumerate().filter(|(_, pod)| is_removed(pod.pod));
    let pods: Vec<usize> = pods.map(|(place, _)| place).collect();
    Ok(forecast.predict(&pods, DRAWS, 1))
}

/// The same in what the pods' partitions carry, in messages a second, whatever that costs where: what Kafka itself shows
/// afterwards. The timing is the one of the plan.
///
/// # Errors
/// Why that can't be worked out.
pub(crate) fn predict_carried(
    snapshot: &Snapshot,
    assignor: Inference,
    timing: Timing,
    removed: &[&Uid],
) -> Result<Prediction, Unusable> {
    let model = GroupModel::without_cost(snapshot)?;
    let unlimited = vec![f64::MAX; model.pods.len()];
    let forecast = Forecast::new(&model, assignor, timing, unlimited);
    let is_removed =
        |pod: usize| snapshot.pods.get(pod).is_some_and(|observed| removed.contains(&&observed.pod.uid));
    let pods = model.pods.iter().enumerate().filter(|(_, pod)| is_removed(pod.pod));
    let pods: Vec<usize> = pods.map(|(place, _)| place).collect();
    Ok(forecast.predict(&pods, DRAWS, 1))
}

/// What stays the same while batches are compared.
pub(crate) struct Forecast<'a> {
    model: &'a GroupModel,
    inference: Inference,
    timing: Timing,
    /// For each pod: loads above this are hot, in the indicator's unit.
    limits: Vec<f64>,
    now: Vec<f64>,
    before: Evenness,
}

/// How even loads are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Evenness {
    cv: f64,
    max_to_mean: f64,
    /// Sum of what is above the limits.
    excess: f64,
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

    /// Works out the removal of these pods (by index) for as many draws of the ids that are not known, made from the seed.
    pub(crate) fn predict(&self, removed: &[usize], draws: usize, seed: u64) -> Prediction {
        let mut leaving = vec![false; self.model.pods.len()];
        for &index in removed {
            if let Some(slot) = leaving.get_mut(index) {
                *slot = true;
            }
        }
        let limits = self.limits_after(&leaving);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let after: Vec<Evenness> =
            (0..draws).map(|_| Evenness::of(&self.after(&leaving, &mut random), &limits)).collect();
        self.summarize(removed, &after)
    }

    /// Those of the staying pods, then those of the replacements. A replacement is taken to have the limit of the pod
    /// that it replaces: a larger request would be a relief that no rotation brought.
    fn limits_after(&self, leaving: &[bool]) -> Vec<f64> {
        let of = |those: bool| {
            let limits = self.limits.iter().zip(leaving);
            limits.filter(move |(_, leaves)| **leaves == those).map(|(limit, _)| *limit)
        };
        of(false).chain(of(true)).collect()
    }

    fn summarize(&self, removed: &[usize], after: &[Evenness]) -> Prediction {
        let count = after.len().max(1) as f64;
        let mean = |of: fn(&Evenness) -> f64| after.iter().map(of).sum::<f64>() / count;
        let share = |is: &dyn Fn(&Evenness) -> bool| {
            Share::of_counts(after.iter().filter(|even| is(even)).count(), after.len())
        };
        let expected_cv = mean(|even| even.cv);
        let variance = after.iter().map(|even| (even.cv - expected_cv).powi(2)).sum::<f64>() / count;
        let carried: f64 = removed
            .iter()
            .filter_map(|&index| Some((self.now.get(index)?, self.limits.get(index)?)))
            .map(|(load, limit)| (load - limit).max(0.0))
            .sum();
        let relief = self.before.excess - mean(|even| even.excess);
        Prediction {
            assignor: self.inference,
            timing: self.timing,
            cv_before: self.before.cv,
            expected_cv,
            cv_spread: variance.sqrt(),
            max_to_mean_before: self.before.max_to_mean,
            expected_max_to_mean: mean(|even| even.max_to_mean),
            better: share(&|even: &Evenness| even.cv < self.before.cv),
            cooler: share(&|even: &Evenness| even.excess < self.before.excess),
            relief,
            relief_percent: PercentChange::of(relief, carried),
            draws: after.len(),
        }
    }

    /// Loads of all pods after one draw of member ids: of the staying ones, then of the replacements.
    fn after(&self, leaving: &[bool], random: &mut ChaCha8Rng) -> Vec<f64> {
        let assignor = self.inference.assignor();
        let leaves =
            |member: &&Consumer| member.pod.and_then(|pod| leaving.get(pod)).copied().unwrap_or(false);
        let (gone, staying): (Vec<&Consumer>, Vec<&Consumer>) = self.model.members.iter().partition(leaves);
        let members: Vec<Member> = staying.iter().map(|member| stays(member, random)).collect();
        let mut group = Group { topics: self.model.topics.clone(), members };
        if self.timing == Timing::LeaveThenJoin {
            let alone = assignor.assign(&group);
            adopt(&mut group, alone);
        }
        group.members.extend(gone.iter().map(|member| replaces(member, random)));
        let mut carried = vec![0.0; self.model.pods.len()];
        for (member, owned) in staying.iter().chain(&gone).zip(assignor.assign(&group)) {
            if let Some(slot) = member.pod.and_then(|pod| carried.get_mut(pod)) {
                *slot += self.model.carried(&owned);
            }
        }
        self.loads(leaving, &carried)
    }

    /// From what pods carry to what that costs there; a replacement runs on a usual node.
    fn loads(&self, leaving: &[bool], carried: &[f64]) -> Vec<f64> {
        let pods = || self.model.pods.iter().zip(carried).zip(leaving);
        let staying = pods().filter(|(_, leaves)| !**leaves);
        let staying = staying.map(|((pod, carried), _)| self.model.cost.of(*carried) * pod.factor);
        let new = pods().filter(|(_, leaves)| **leaves);
        staying.chain(new.map(|((_, carried), _)| self.model.cost.of(*carried))).collect()
    }

    /// What is assumed about when replacements join.
    pub(crate) const fn timing(&self) -> Timing {
        self.timing
    }

    /// How the group's assignor is known.
    pub(crate) const fn inference(&self) -> Inference {
        self.inference
    }
}

/// A member that stays: under its own id, where that is known.
fn stays(member: &Consumer, random: &mut ChaCha8Rng) -> Member {
    Member {
        id: member.id.clone().unwrap_or_else(|| id(&member.client, random)),
        instance: member.instance.clone(),
        subscription: member.subscription.clone(),
        owned: member.owned.clone(),
        generation: Some(1),
        listed: member.listed,
    }
}

/// The member that takes the place of this one, under an id of its own.
fn replaces(member: &Consumer, random: &mut ChaCha8Rng) -> Member {
    Member {
        id: id(&member.client, random),
        instance: None,
        subscription: member.subscription.clone(),
        owned: Vec::new(),
        generation: None,
        listed: u32::MAX,
    }
}

/// Members take what they were given, in a new generation.
fn adopt(group: &mut Group, assignment: Assignment) {
    for (member, owned) in group.members.iter_mut().zip(assignment) {
        member.owned = owned;
        member.generation = Some(2);
    }
}

fn id(client: &str, random: &mut ChaCha8Rng) -> String {
    format!("{client}{:016x}", random.next_u64())
}

impl Evenness {
    fn of(loads: &[f64], limits: &[f64]) -> Self {
        let count = loads.len() as f64;
        let mean = loads.iter().sum::<f64>() / count;
        if loads.is_empty() || mean <= 0.0 {
            return Self { cv: 0.0, max_to_mean: 1.0, excess: 0.0 };
        }
        let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / count;
        let max = loads.iter().copied().fold(0.0, f64::max);
        let excess = loads.iter().zip(limits).map(|(load, limit)| (load - limit).max(0.0)).sum();
        Self { cv: variance.sqrt() / mean, max_to_mean: max / mean, excess }
    }
}
