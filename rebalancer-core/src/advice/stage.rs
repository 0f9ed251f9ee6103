//! A group on which levers are tried: members leave and join, and Kafka's rules say who holds what.

use rand::Rng as _;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;

use super::bounds::Found;
use super::estimate::Outcome;
use super::yardstick::Yardstick;
use crate::assignor::{Assignor, Group, Member, Rules, Topic, TopicPartition};
use crate::group::{Consumer, GroupModel};
use crate::policy::Timing;

/// What every lever starts from.
pub(crate) struct Stage<'a> {
    pub(crate) model: &'a GroupModel,
    pub(crate) yardstick: &'a Yardstick,
    /// The group's assignor; of several that fit, one of them.
    pub(crate) assignor: Assignor,
    /// All assignors that fit the group.
    pub(crate) rules: Rules,
    pub(crate) timing: Timing,
}

impl Stage<'_> {
    /// Under each of the assignors that fit the group.
    pub(super) fn under_each(&self, outcome: impl Fn(Assignor) -> Outcome) -> Outcome {
        let outcomes: Vec<(Assignor, Outcome)> =
            self.rules.iter().map(|rule| (rule, outcome(rule))).collect();
        Outcome::under_each(&outcomes).unwrap_or_else(|| outcome(self.assignor))
    }
}

/// Partitions that may be assigned for one lever, over all of its draws.
const EFFORT: usize = 400_000;
/// Most draws, and fewest.
const DRAWS: [usize; 2] = [200, 8];

/// How many draws are made where each assigns all partitions so many times.
pub(crate) fn draws(partitions: usize, rebalances: usize) -> usize {
    let [most, fewest] = DRAWS;
    (EFFORT / (partitions.max(1) * rebalances.max(1))).clamp(fewest, most)
}

/// How many replacements one after the other can be worked out in each of the fewest draws.
pub(crate) fn affordable(partitions: usize) -> usize {
    let [_, fewest] = DRAWS;
    EFFORT / (partitions.max(1) * fewest * 2)
}

/// A pod on the stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Played {
    /// Its place in the model; beyond all of them for a pod that is not there yet.
    pub(crate) place: usize,
    /// How much more the same work costs here than on a usual pod.
    pub(crate) factor: f64,
}

/// The group while a lever is tried.
#[derive(Debug)]
pub(crate) struct Play {
    rule: Assignor,
    group: Group,
    /// Load of each partition, by topic and number.
    pub(crate) loads: Vec<Vec<f64>>,
    /// Index in [`pods`](Self::pods) of each member; `None` when it is none of the fleet's.
    pods_of: Vec<Option<usize>>,
    /// What the ids of each member begin with.
    clients: Vec<String>,
    pub(crate) pods: Vec<Played>,
    generation: i32,
}

impl Play {
    /// The group as it is, with topics by name, as every rule but `uniform` goes through them.
    pub(crate) fn of(model: &GroupModel, random: &mut ChaCha8Rng) -> Self {
        let members = model.members.iter().map(|member| as_it_is(member, random)).collect();
        let pods = model.pods.iter().enumerate().map(|(place, pod)| Played { place, factor: pod.factor });
        Self {
            rule: Assignor::Range,
            group: Group { topics: model.topics.clone(), members },
            loads: model.loads.clone(),
            pods_of: model.members.iter().map(|member| member.pod).collect(),
            clients: model.members.iter().map(|member| member.client.clone()).collect(),
            pods: pods.collect(),
            generation: 1,
        }
    }

    /// Topics by name, and nobody holds anything.
    pub(crate) fn emptied(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.group.topics.len()).collect();
        order.sort_by(|&a, &b| self.name(a).cmp(&self.name(b)));
        let mut places = vec![0_u32; order.len()];
        for (to, &from) in (0..).zip(&order) {
            if let Some(place) = places.get_mut(from) {
                *place = to;
            }
        }
        self.group.topics = order.iter().filter_map(|&from| self.group.topics.get(from).cloned()).collect();
        self.loads = order.iter().filter_map(|&from| self.loads.get(from).cloned()).collect();
        for member in &mut self.group.members {
            let topics = member.subscription.iter();
            member.subscription = topics.filter_map(|&topic| places.get(topic as usize).copied()).collect();
            member.subscription.sort_unstable();
            member.owned = Vec::new();
            member.generation = None;
        }
        self
    }

    fn name(&self, topic: usize) -> Option<&str> {
        self.group.topics.get(topic).map(|topic: &Topic| topic.name.as_str())
    }

    /// Goes on by this rule.
    pub(crate) fn under(self, rule: Assignor) -> Self {
        Self { rule, ..self }
    }

    /// Every topic gets twice its partitions; `share` of what was in a partition stays there.
    pub(crate) fn double(&mut self, mut share: impl FnMut() -> f64) {
        for (topic, loads) in self.group.topics.iter_mut().zip(&mut self.loads) {
            topic.partitions = topic.partitions.saturating_mul(2);
            let stays: Vec<f64> = loads.iter().map(|_| share()).collect();
            let moved: Vec<f64> =
                loads.iter().zip(&stays).map(|(load, stays)| load * (1.0 - stays)).collect();
            loads.iter_mut().zip(&stays).for_each(|(load, stays)| *load *= stays);
            loads.extend(moved);
        }
    }

    /// Who holds what is decided anew, until the group is at rest.
    pub(crate) fn rebalance(&mut self) {
        let assignment = self.rule.assign(&self.group);
        self.generation = self.generation.saturating_add(1);
        for (member, owned) in self.group.members.iter_mut().zip(assignment) {
            member.owned = owned;
            member.generation = Some(self.generation);
        }
    }

    /// The members of these pods leave, and others join in their place.
    pub(crate) fn replace(&mut self, pods: &[usize], timing: Timing, random: &mut ChaCha8Rng) {
        let leaves = |place: &Option<usize>| place.is_some_and(|pod| pods.contains(&pod));
        let going: Vec<usize> =
            self.pods_of.iter().enumerate().filter(|(_, pod)| leaves(pod)).map(|(index, _)| index).collect();
        match timing {
            Timing::AllAtOnce => {}
            Timing::LeaveThenJoin => self.without(&going),
            Timing::OneByOne => {
                (1..=going.len()).filter_map(|left| going.get(..left)).for_each(|gone| self.without(gone));
            }
        }
        for (place, &index) in going.iter().enumerate() {
            let Some(client) = self.clients.get(index) else { continue };
            let id = drawn(client, random);
            if let Some(member) = self.group.members.get_mut(index) {
                *member = newcomer(member, id);
            }
            if let (Timing::OneByOne, Some(waiting)) = (timing, going.get(place + 1..)) {
                self.without(waiting);
            }
        }
        self.rebalance();
    }

    /// The others hold everything for a while.
    fn without(&mut self, going: &[usize]) {
        let alone: Vec<Member> = self.group.members.clone();
        let stays = |index: &usize| !going.contains(index);
        let staying: Vec<usize> = (0..alone.len()).filter(stays).collect();
        if staying.is_empty() {
            return;
        }
        self.group.members = staying.iter().filter_map(|&index| alone.get(index).cloned()).collect();
        self.rebalance();
        let mut all = alone;
        for (index, member) in staying.iter().zip(std::mem::take(&mut self.group.members)) {
            if let Some(slot) = all.get_mut(*index) {
                *slot = member;
            }
        }
        self.group.members = all;
    }

    /// Every pod is restarted, in waves, as in a rolling update. Static members keep their identity.
    pub(crate) fn restart_all(&mut self, timing: Timing, random: &mut ChaCha8Rng) {
        let mut order: Vec<usize> = (0..self.pods.len()).collect();
        order.shuffle(random);
        for wave in order.chunks(order.len().div_ceil(WAVES).max(1)) {
            self.replace(wave, timing, random);
        }
    }

    /// This pod goes for good.
    pub(crate) fn remove(&mut self, pod: usize) {
        let mut kept = self.pods_of.iter().map(|place| *place != Some(pod));
        self.group.members.retain(|_| kept.next().unwrap_or(true));
        let mut kept = self.pods_of.iter().map(|place| *place != Some(pod));
        self.clients.retain(|_| kept.next().unwrap_or(true));
        self.pods_of.retain(|place| *place != Some(pod));
        for place in self.pods_of.iter_mut().flatten() {
            *place -= usize::from(*place > pod);
        }
        if pod < self.pods.len() {
            self.pods.remove(pod);
        }
    }

    /// A pod more, on a usual node, with as many members as this one has.
    pub(crate) fn add_like(&mut self, pod: usize, random: &mut ChaCha8Rng) {
        let new = self.pods.len();
        let like: Vec<usize> =
            (0..self.pods_of.len()).filter(|&index| self.pods_of.get(index) == Some(&Some(pod))).collect();
        for index in like {
            let (Some(member), Some(client)) = (self.group.members.get(index), self.clients.get(index))
            else {
                continue;
            };
            let (member, client) = (newcomer(member, drawn(client, random)), client.clone());
            // A new pod's instance id is its own, and not known.
            let instance = member.instance.as_ref().map(|_| member.id.clone());
            self.group.members.push(Member { instance, ..member });
            self.clients.push(client);
            self.pods_of.push(Some(new));
        }
        self.pods.push(Played { place: usize::MAX, factor: 1.0 });
    }

    /// What each pod holds together carries now.
    pub(crate) fn carried(&self) -> Vec<f64> {
        let mut carried = vec![0.0; self.pods.len()];
        for (member, pod) in self.group.members.iter().zip(&self.pods_of) {
            if let Some(slot) = pod.and_then(|pod| carried.get_mut(pod)) {
                *slot += member.owned.iter().map(|held| self.load(held.topic, held.partition)).sum::<f64>();
            }
        }
        carried
    }

    /// Each partition with the pod that holds it; `None` for a member that is none of the fleet's.
    pub(crate) fn held(&self) -> impl Iterator<Item = (TopicPartition, Option<usize>)> {
        let members = self.group.members.iter().zip(&self.pods_of);
        members.flat_map(|(member, pod)| member.owned.iter().map(move |held| (*held, *pod)))
    }

    /// The topics.
    pub(crate) fn topics(&self) -> &[Topic] {
        &self.group.topics
    }

    /// Topics got more partitions.
    pub(crate) fn grow(&mut self, topics: &[Topic]) {
        self.group.topics = topics.to_vec();
    }

    /// How even the loads are now.
    pub(crate) fn found(&self, stage: &Stage<'_>) -> Found {
        let carried = self.carried();
        let cost = &stage.model.cost;
        let loads =
            self.pods.iter().zip(&carried).map(|(pod, carried)| (pod.place, cost.of(*carried) * pod.factor));
        stage.yardstick.found_of(loads)
    }

    fn load(&self, topic: u32, partition: u32) -> f64 {
        let loads = self.loads.get(topic as usize);
        loads.and_then(|loads| loads.get(partition as usize)).copied().unwrap_or(0.0)
    }
}

/// A rolling update goes in so many waves, as a Deployment's does when it may surge by a quarter.
pub(crate) const WAVES: usize = 4;

/// A member as it is; under its own id, where that is known.
fn as_it_is(member: &Consumer, random: &mut ChaCha8Rng) -> Member {
    Member {
        id: member.id.clone().unwrap_or_else(|| drawn(&member.client, random)),
        instance: member.instance.clone(),
        subscription: member.subscription.clone(),
        owned: member.owned.clone(),
        generation: Some(1),
        listed: member.listed,
    }
}

/// Another one in its place. A static member is the same one again, with what it holds.
fn newcomer(member: &Member, id: String) -> Member {
    match member.instance {
        Some(_) => Member { id, ..member.clone() },
        None => Member { id, owned: Vec::new(), generation: None, listed: u32::MAX, ..member.clone() },
    }
}

fn drawn(client: &str, random: &mut ChaCha8Rng) -> String {
    format!("{client}{:016x}", random.next_u64())
}
