//! Rotations of one stage, tried one after the other.

use super::stage::slot;
use super::steps::{Step, rounds};
use super::{Evenness, Stage};
use crate::assignor::plain::{Identity, Trial};
use crate::assignor::{Assignment, Assignor, Group, Member, TopicPartition};

/// Tries rotations of a stage.
pub(crate) struct Tries<'s, 'a> {
    stage: &'s Stage<'a>,
    trial: Option<Trial<'s>>,
    /// What the members carry afterwards.
    carried: Vec<f64>,
    /// Loads afterwards.
    loads: Vec<f64>,
    /// The place of each partition's load, in the order of topics and numbers.
    weights: Vec<f64>,
}

impl<'s, 'a> Tries<'s, 'a> {
    pub(crate) fn new(stage: &'s Stage<'a>) -> Self {
        let members = stage.owned.len();
        Self {
            stage,
            trial: stage.plain.as_ref().map(|plain| Trial::new(plain, members)),
            carried: stage.carried.clone(),
            loads: stage.loads.clone(),
            weights: stage.model.loads.iter().flatten().copied().collect(),
        }
    }

    /// What is tried.
    pub(crate) const fn stage(&self) -> &'s Stage<'a> {
        self.stage
    }

    /// How even loads are after the removal of these pods. A replacement is taken to have the limit of the pod that it
    /// replaces: a larger request would be a relief that no rotation brought.
    pub(crate) fn evenness(&mut self, removed: &[usize]) -> Evenness {
        if self.trial.is_some() {
            self.carry_by_trial(removed);
        } else {
            let owned = self.owned_by_rules(removed);
            self.carried = owned.iter().map(|owned| self.stage.model.carried(owned)).collect();
        }
        self.cost(removed);
        Evenness::of(&self.loads, self.stage.limits)
    }

    /// What each member, or its replacement, holds afterwards.
    pub(crate) fn owned_after(&mut self, removed: &[usize]) -> Assignment {
        if self.trial.is_none() {
            return self.owned_by_rules(removed);
        }
        self.run(removed);
        let members = self.stage.owned.len();
        let mut owned: Assignment = vec![Vec::new(); members];
        let Some((trial, plain)) = self.trial.as_ref().zip(self.stage.plain.as_ref()) else { return owned };
        for (partition, owner) in plain.partitions().iter().zip(trial.owners()) {
            let place = owner.map(|slot| slot as usize % members.max(1));
            if let Some(list) = place.and_then(|place| owned.get_mut(place)) {
                list.push(*partition);
            }
        }
        owned
    }

    /// Leaves, joins and rebalances.
    fn run(&mut self, removed: &[usize]) {
        let steps = self.steps(removed);
        let Some(trial) = self.trial.as_mut() else { return };
        let members = self.stage.owned.len();
        trial.reset();
        for step in steps {
            match step {
                Step::Leave(member) => trial.leave(slot(member)),
                Step::Join(member) => trial.join(slot(members + member)),
                Step::Rebalance => trial.rebalance(),
                Step::JoinAndRebalance(member) => trial.join_and_rebalance(slot(members + member)),
            }
        }
    }

    /// The course of each round of the rotation, one after the other.
    fn steps(&self, removed: &[usize]) -> Vec<Step> {
        let (course, mut draw) = (self.stage.course(), self.stage.draw);
        let mut steps = Vec::new();
        for round in rounds(self.stage.pace, removed) {
            let leaving = round.iter().flat_map(|&pod| self.stage.members_of(pod)).copied();
            steps.extend(course.steps(leaving.clone(), draw));
            draw /= course.possible(leaving.count()).unwrap_or(1).max(1);
        }
        steps
    }

    fn carry_by_trial(&mut self, removed: &[usize]) {
        self.run(removed);
        let members = self.stage.owned.len();
        let (Some(trial), Some(plain)) = (&self.trial, &self.stage.plain) else { return };
        self.carried.copy_from_slice(&self.stage.carried);
        // Emptied, and not by subtraction: what is left of that is not zero.
        for &member in removed.iter().flat_map(|&pod| self.stage.members_of(pod)) {
            if let Some(carried) = self.carried.get_mut(member) {
                *carried = 0.0;
            }
        }
        let is_gone = |member: usize| {
            let pod = self.stage.model.members.get(member).and_then(|member| member.pod);
            pod.is_some_and(|pod| removed.contains(&pod))
        };
        for (partition, owner) in trial.changes() {
            let weight = self.weights.get(partition as usize).copied().unwrap_or(0.0);
            let before = plain.owners().get(partition as usize).copied().flatten();
            if before == owner {
                continue;
            }
            if let Some(before) = before.map(|slot| slot as usize).filter(|&member| !is_gone(member))
                && let Some(carried) = self.carried.get_mut(before)
            {
                *carried -= weight;
            }
            let now = owner.map(|slot| slot as usize % members.max(1));
            if let Some(carried) = now.and_then(|member| self.carried.get_mut(member)) {
                *carried += weight;
            }
        }
    }

    /// Loads from what is carried, on replacements with what the work is expected to cost there.
    fn cost(&mut self, removed: &[usize]) {
        let stage = self.stage;
        for ((load, factor), pod) in self.loads.iter_mut().zip(&stage.factors).zip(&stage.model.pods) {
            let carried: f64 = pod.members.iter().filter_map(|&member| self.carried.get(member)).sum();
            *load = stage.model.cost.of(carried) * factor;
        }
        for &pod in removed {
            let replacement = stage.model.pods.get(pod).map_or(1.0, |pod| pod.replacement);
            if let (Some(load), Some(factor)) = (self.loads.get_mut(pod), stage.factors.get(pod)) {
                *load *= replacement / factor;
            }
        }
    }

    /// By the rules themselves, on a copy of the group.
    fn owned_by_rules(&self, removed: &[usize]) -> Assignment {
        let assignor = self.stage.rule;
        let members = self.stage.owned.len();
        // Who takes part, by the place of the member or of whom it replaces.
        let mut places: Vec<usize> = Vec::new();
        let mut group = Group { topics: self.stage.model.topics.clone(), members: Vec::new() };
        let join = |group: &mut Group, places: &mut Vec<usize>, member: usize, comes: Comes| {
            if let Some(joining) = self.member(member, comes) {
                places.push(member);
                group.members.push(joining);
            }
        };
        (0..members).for_each(|member| join(&mut group, &mut places, member, Comes::Stays));
        for step in self.steps(removed) {
            match step {
                Step::Leave(member) => {
                    if let Some(place) = places.iter().position(|&known| known == member) {
                        places.remove(place);
                        group.members.remove(place);
                    }
                }
                Step::Join(member) => join(&mut group, &mut places, member, Comes::Joins),
                Step::Rebalance => rebalance(&mut group, assignor),
                Step::JoinAndRebalance(member) => {
                    join(&mut group, &mut places, member, Comes::JoinsAndRebalances);
                    rebalance(&mut group, assignor);
                }
            }
        }
        let mut owned: Assignment = vec![Vec::new(); members];
        for (member, given) in places.into_iter().zip(group.members) {
            if let Some(list) = owned.get_mut(member) {
                *list = given.owned;
            }
        }
        owned
    }

    fn member(&self, member: usize, comes: Comes) -> Option<Member> {
        let known = self.stage.model.members.get(member)?;
        let members = self.stage.owned.len();
        let (identity, instance, owned, generation) = match comes {
            Comes::Stays => {
                let owned: Vec<TopicPartition> = self.stage.owned.get(member)?.clone();
                (self.stage.ids.get(member)?, known.instance.clone(), owned, Some(1))
            }
            Comes::Joins | Comes::JoinsAndRebalances => {
                (self.stage.ids.get(members + member)?, None, Vec::new(), None)
            }
        };
        let Identity { id, listed } = identity.clone();
        let listed = match comes {
            Comes::Stays | Comes::Joins if self.stage.rule.is_uniform() => first_in_its_slot(listed),
            Comes::Stays | Comes::Joins | Comes::JoinsAndRebalances => listed,
        };
        let subscription = known.subscription.clone();
        Some(Member { id, instance, subscription, owned, generation, listed })
    }
}

/// How a member comes into the group that is tried.
#[derive(Debug, Clone, Copy)]
enum Comes {
    /// It is there.
    Stays,
    /// It joins in place of the member.
    Joins,
    /// The same, and its first heartbeat makes the coordinator assign.
    JoinsAndRebalances,
}

/// The place in the coordinator's list, where those that joined since it was read (`u32::MAX`) come before all others.
const fn first_in_its_slot(listed: u32) -> u32 {
    listed.wrapping_add(1)
}

/// Members take what they are given, in a new generation.
fn rebalance(group: &mut Group, assignor: Assignor) {
    let assignment = assignor.assign(group);
    for (member, owned) in group.members.iter_mut().zip(assignment) {
        member.owned = owned;
        member.generation = Some(2);
        // It is in the table by now.
        if assignor.is_uniform() && member.listed == u32::MAX {
            member.listed = first_in_its_slot(u32::MAX);
        }
    }
}
