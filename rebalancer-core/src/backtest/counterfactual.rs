//! The group as it would have been after a rotation: who holds what by the assignor's rule, under the partitions' real loads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::lag::PodQueue;
use crate::advice::stage::Play;
use crate::assignor::Assignor;
use crate::fleet::{Extra, Indicator, PartitionLoad, Pod, Samples, Uid};
use crate::group::GroupModel;
use crate::policy::Timing;
use crate::port::{MetricsError, Readings};
use crate::snapshot::Snapshot;
use crate::unit::Load;

/// A group with a course of its own.
#[derive(Debug)]
pub(super) struct Counterfactual {
    play: Play,
    timing: Timing,
    random: ChaCha8Rng,
    /// In the order of the play's pods.
    slots: Vec<Slot>,
    replaced: usize,
}

/// A pod of the group. It shares the fate of a pod of the past: it goes when that one goes.
#[derive(Debug, Clone)]
struct Slot {
    source: Uid,
    /// It has taken the place of its source.
    instead: Option<Instead>,
}

#[derive(Debug, Clone)]
struct Instead {
    number: usize,
    since: Timestamp,
}

/// Topics came or went.
pub(super) struct OtherTopics;

impl Counterfactual {
    /// From the group of the past.
    pub(super) fn of(model: &GroupModel, snapshot: &Snapshot, rule: Assignor, timing: Timing) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let play = Play::of(model, &mut random).under(rule);
        let source = |place: usize| snapshot.pods.get(place).map(|seen| seen.pod.uid.clone());
        let slots =
            model.pods.iter().filter_map(|pod| Some(Slot { source: source(pod.pod)?, instead: None }));
        Self { play, timing, random, slots: slots.collect(), replaced: 0 }
    }

    /// These pods are replaced. Gives the pods of the past in whose place they were.
    pub(super) fn replace(&mut self, pods: &[Uid], now: Timestamp) -> Vec<Uid> {
        let places: Vec<usize> = (0..self.slots.len())
            .filter(|&place| self.uid(place).is_some_and(|uid| pods.contains(&uid)))
            .collect();
        self.play.replace(&places, self.timing, &mut self.random);
        for &place in &places {
            self.replaced += 1;
            if let Some(slot) = self.slots.get_mut(place) {
                slot.instead = Some(Instead { number: self.replaced, since: now });
            }
            // A replacement runs on a usual node.
            if let Some(pod) = self.play.pods.get_mut(place) {
                pod.factor = 1.0;
            }
        }
        places.iter().filter_map(|&place| self.slots.get(place)).map(|slot| slot.source.clone()).collect()
    }

    /// The pods as queues.
    pub(super) fn queues(&self) -> Vec<PodQueue> {
        let queue = |slot: &Slot| PodQueue {
            source: Some(slot.source.clone()),
            replaced: slot.instead.is_some(),
            holds: Vec::new(),
        };
        let mut queues: Vec<PodQueue> = self.slots.iter().map(queue).collect();
        for (held, pod) in self.play.held() {
            if let Some(queue) = pod.and_then(|pod| queues.get_mut(pod)) {
                queue.holds.push(held);
            }
        }
        queues
    }

    fn uid(&self, place: usize) -> Option<Uid> {
        self.slots.get(place).map(Slot::uid)
    }

    /// The pods of this moment, with those that took another's place in its stead.
    pub(super) fn pods(&self, fleet: &[Pod]) -> Vec<Pod> {
        let instead: BTreeMap<&Uid, &Slot> = self.slots.iter().map(|slot| (&slot.source, slot)).collect();
        fleet
            .iter()
            .map(|pod| instead.get(&pod.uid).map_or_else(|| pod.clone(), |slot| slot.pod(pod)))
            .collect()
    }

    /// Pods of the past that went or came go and come here too, and the loads are those of this moment. The model is that of
    /// the past.
    ///
    /// # Errors
    /// When the topics are others.
    pub(super) fn go_on(&mut self, model: &GroupModel, snapshot: &Snapshot) -> Result<(), OtherTopics> {
        let names = |topics: &[crate::assignor::Topic]| -> Vec<String> {
            topics.iter().map(|topic| topic.name.clone()).collect()
        };
        if names(self.play.topics()) != names(&model.topics) {
            return Err(OtherTopics);
        }
        let mut changed = self.play.topics() != model.topics;
        self.play.grow(&model.topics);
        self.play.loads.clone_from(&model.loads);
        let uid = |place: usize| snapshot.pods.get(place).map(|seen| seen.pod.uid.clone());
        let there: Vec<(Uid, f64)> =
            model.pods.iter().filter_map(|pod| Some((uid(pod.pod)?, pod.factor))).collect();
        let here: BTreeSet<&Uid> = there.iter().map(|(uid, _)| uid).collect();
        let gone = |slot: &Slot| !here.contains(&slot.source);
        let left = self.slots.iter().any(gone);
        for place in (0..self.slots.len()).rev() {
            if self.slots.get(place).is_some_and(gone) {
                self.slots.remove(place);
                self.play.remove(place);
            }
        }
        if left && self.timing == Timing::LeaveThenJoin {
            self.play.rebalance();
        }
        changed |= left;
        for (uid, factor) in &there {
            match self.slots.iter().position(|slot| slot.source == *uid) {
                Some(place) => {
                    let is_its_own = self.slots.get(place).is_some_and(|slot| slot.instead.is_none());
                    if let Some(pod) = self.play.pods.get_mut(place).filter(|_| is_its_own) {
                        pod.factor = *factor;
                    }
                }
                None => {
                    changed = true;
                    self.slots.push(Slot { source: uid.clone(), instead: None });
                    self.play.add_like(0, &mut self.random);
                    if let Some(pod) = self.play.pods.last_mut() {
                        pod.factor = *factor;
                    }
                }
            }
        }
        if changed {
            self.play.rebalance();
        }
        Ok(())
    }

    /// What would have been read. `models` are those of the past by indicator, each with its own costs; an indicator without
    /// one is not explained by partition loads, and so is not known.
    pub(super) fn readings(
        &self,
        models: &BTreeMap<Indicator, GroupModel>,
        snapshot: &Snapshot,
        was: &Readings,
    ) -> Readings {
        let loads = was.loads.keys().map(|&indicator| {
            let known = models.get(&indicator).map(|model| self.loads(indicator, model, snapshot));
            (indicator, known.ok_or_else(|| not_known(indicator.name())))
        });
        Readings {
            loads: loads.collect(),
            claims: BTreeMap::new(),
            cpu_requests: was.cpu_requests.clone().map(|requests| self.renamed(&requests, snapshot)),
            hpas: was.hpas.clone(),
            partitions: Some(Ok(self.partitions(snapshot))),
        }
    }

    /// What each pod's partitions cost, with what the measurement of its source was off. A pod whose source has no sample has
    /// none.
    fn loads(&self, indicator: Indicator, model: &GroupModel, snapshot: &Snapshot) -> Samples {
        let sources: BTreeMap<&Uid, (f64, f64)> = explained(indicator, model, snapshot).collect();
        let pods = self.slots.iter().zip(&self.play.pods).zip(self.play.carried());
        let load = |((slot, pod), carried): ((&Slot, &crate::advice::stage::Played), f64)| {
            let (residual, factor) = *sources.get(&slot.source)?;
            // What stands out of the past is the pod's own, and stays with it.
            let own = if slot.instead.is_some() { pod.factor } else { factor };
            let load = Load::new(model.cost.of(carried) * own * residual).ok()?;
            Some((slot.name(snapshot)?, load))
        };
        pods.filter_map(load).collect()
    }

    fn partitions(&self, snapshot: &Snapshot) -> Vec<PartitionLoad> {
        let names: Vec<Option<String>> = self.slots.iter().map(|slot| slot.name(snapshot)).collect();
        let load = |(held, pod): (crate::assignor::TopicPartition, Option<usize>)| {
            let topic = self.play.topics().get(held.topic as usize)?;
            let loads = self.play.loads.get(held.topic as usize)?;
            Some(PartitionLoad {
                topic: topic.name.clone(),
                partition: held.partition.to_string(),
                pod: pod.and_then(|pod| names.get(pod).cloned().flatten()),
                load: Load::new(*loads.get(held.partition as usize)?).ok()?,
            })
        };
        self.play.held().filter_map(load).collect()
    }

    /// Those of a pod are its source's.
    fn renamed(&self, samples: &Samples, snapshot: &Snapshot) -> Samples {
        let mut renamed = samples.clone();
        for slot in self.slots.iter().filter(|slot| slot.instead.is_some()) {
            let source = snapshot.pods.iter().find(|seen| seen.pod.uid == slot.source);
            let request = source.and_then(|source| renamed.remove(&source.pod.name));
            if let (Some(request), Some(name)) = (request, slot.name(snapshot)) {
                renamed.insert(name, request);
            }
        }
        renamed
    }
}

impl Slot {
    fn uid(&self) -> Uid {
        match &self.instead {
            None => self.source.clone(),
            Some(Instead { number, .. }) => Uid::new(format!("{}~{number}", self.source)),
        }
    }

    fn name(&self, snapshot: &Snapshot) -> Option<String> {
        let source = snapshot.pods.iter().find(|seen| seen.pod.uid == self.source)?;
        Some(self.name_after(&source.pod))
    }

    fn name_after(&self, source: &Pod) -> String {
        match &self.instead {
            None => source.name.clone(),
            Some(Instead { number, .. }) => format!("{}~{number}", source.name),
        }
    }

    fn pod(&self, source: &Pod) -> Pod {
        match &self.instead {
            None => source.clone(),
            Some(Instead { since, .. }) => Pod {
                name: self.name_after(source),
                uid: self.uid(),
                created_at: Some(*since),
                ready_since: source.ready.then_some(*since),
                extras: Extra { restarted_at: None, ..(*source.extras).clone() }.into(),
                ..source.clone()
            },
        }
    }
}

/// Of each pod of the past with a sample: what was measured by what the model explains, and how it stands out.
fn explained<'a>(
    indicator: Indicator,
    model: &'a GroupModel,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (&'a Uid, (f64, f64))> {
    model.pods.iter().zip(model.loads_now()).filter_map(move |(pod, explained)| {
        let seen = snapshot.pods.get(pod.pod)?;
        let measured = seen.loads.get(indicator)?.get();
        let residual = if explained > 0.0 { measured / explained } else { 1.0 };
        Some((&seen.pod.uid, (residual, pod.factor)))
    })
}

/// What can't be told after a rotation that was not made.
pub(super) fn not_known(what: &str) -> MetricsError {
    let message =
        format!("what {what} would have been is not known: the past does not explain it at this time");
    MetricsError::Incomplete { message }
}

/// The same draws each time: the same past has the same course.
const SEED: u64 = 7;
