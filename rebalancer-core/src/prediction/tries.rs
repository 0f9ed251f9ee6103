//! Rotations of one stage, tried one after the other.

use super::stage::slot;
use super::{Evenness, Stage};
use crate::assignor::plain::{Identity, Trial};
use crate::assignor::{Assignment, Group, Member, TopicPartition};
use crate::policy::Timing;

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
        let Some(trial) = self.trial.as_mut() else { return };
        let members = self.stage.owned.len();
        let leaving = || removed.iter().flat_map(|&pod| self.stage.members_of(pod));
        trial.reset();
        leaving().for_each(|&member| trial.leave(slot(member)));
        if self.stage.timing == Timing::LeaveThenJoin {
            trial.rebalance();
        }
        leaving().for_each(|&member| trial.join(slot(members + member)));
        trial.rebalance();
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

    /// Loads from what is carried; a replacement runs on a usual node.
    fn cost(&mut self, removed: &[usize]) {
        let stage = self.stage;
        for ((load, factor), pod) in self.loads.iter_mut().zip(&stage.factors).zip(&stage.model.pods) {
            let carried: f64 = pod.members.iter().filter_map(|&member| self.carried.get(member)).sum();
            *load = stage.model.cost.of(carried) * factor;
        }
        for &pod in removed {
            if let (Some(load), Some(factor)) = (self.loads.get_mut(pod), stage.factors.get(pod)) {
                *load /= factor;
            }
        }
    }

    /// By the rules themselves, on a copy of the group.
    fn owned_by_rules(&self, removed: &[usize]) -> Assignment {
        let stage = self.stage;
        let assignor = stage.inference.assignor();
        let members = stage.owned.len();
        let pod_of = |member: usize| stage.model.members.get(member).and_then(|member| member.pod);
        let leaves = |member: &usize| pod_of(*member).is_some_and(|pod| removed.contains(&pod));
        let (gone, staying): (Vec<usize>, Vec<usize>) = (0..members).partition(leaves);
        let mut group = Group {
            topics: stage.model.topics.clone(),
            members: staying.iter().filter_map(|&member| self.member(member, Comes::Stays)).collect(),
        };
        if stage.timing == Timing::LeaveThenJoin {
            let alone = assignor.assign(&group);
            adopt(&mut group, alone);
        }
        group.members.extend(gone.iter().filter_map(|&member| self.member(member, Comes::Joins)));
        let mut owned: Assignment = vec![Vec::new(); members];
        for (&member, given) in staying.iter().chain(&gone).zip(assignor.assign(&group)) {
            if let Some(list) = owned.get_mut(member) {
                *list = given;
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
            Comes::Joins => (self.stage.ids.get(members + member)?, None, Vec::new(), None),
        };
        let Identity { id, listed } = identity.clone();
        let subscription = known.subscription.clone();
        Some(Member { id, instance, subscription, owned, generation, listed })
    }
}

/// Whether a member stays, or another one joins in its place.
#[derive(Debug, Clone, Copy)]
enum Comes {
    Stays,
    Joins,
}

/// Members take what they were given, in a new generation.
fn adopt(group: &mut Group, assignment: Assignment) {
    for (member, owned) in group.members.iter_mut().zip(assignment) {
        member.owned = owned;
        member.generation = Some(2);
    }
}
