//! The group at one point of the way, with all ids known or drawn.

use rand::Rng as _;
use rand::rngs::ChaCha8Rng;

use super::steps::Course;
use super::{Evenness, Tries};
use crate::assignor::plain::{Identity, Plain, Slot};
use crate::assignor::{Assignor, TopicPartition, uniform};
use crate::group::{Consumer, GroupModel};
use crate::policy::{Pace, Timing};

/// The group at one point: who holds what under which id, and the ids that replacements would get.
#[derive(Debug, Clone)]
pub(crate) struct Stage<'a> {
    pub(super) model: &'a GroupModel,
    /// The rule that it follows.
    pub(crate) rule: Assignor,
    pub(super) timing: Timing,
    pub(super) pace: Pace,
    /// Which of the possible courses rotations take.
    pub(super) draw: u64,
    /// How likely this draw is, of all under its rule together.
    pub(crate) share: f64,
    /// For each pod: loads above this are hot, in the indicator's unit.
    pub(super) limits: &'a [f64],
    /// Of the members, then of their replacements.
    pub(super) ids: Vec<Identity>,
    /// What each member holds, ascending.
    pub(super) owned: Vec<Vec<TopicPartition>>,
    /// How much more the same work costs on each pod.
    pub(super) factors: Vec<f64>,
    /// What each member carries.
    pub(super) carried: Vec<f64>,
    /// The load of each pod.
    pub(super) loads: Vec<f64>,
    /// How even they are.
    pub(crate) now: Evenness,
    /// Where the group is plain; else each try copies it.
    pub(super) plain: Option<Plain>,
}

impl<'a> Stage<'a> {
    /// The group as it is, with ids drawn where they are not known; in the order in which the rule went through the members,
    /// where that is seen. Rotations of at most so many members will be tried.
    pub(super) fn first(
        model: &'a GroupModel,
        (rule, timing, pace): (Assignor, Timing, Pace),
        dealt: Option<&[usize]>,
        limits: &'a [f64],
        most: usize,
        (draw, random): (u64, &mut ChaCha8Rng),
    ) -> Self {
        let known = |member: &Consumer, random: &mut ChaCha8Rng| {
            let id = member.id.clone().unwrap_or_else(|| drawn(&member.client, random));
            Identity { id, listed: member.listed }
        };
        let mut ids: Vec<Identity> = model.members.iter().map(|member| known(member, random)).collect();
        if let Some(dealt) = dealt {
            ids = in_order(rule, ids, dealt);
        }
        let owned = model.members.iter().map(|member| member.owned.clone()).collect();
        let factors = model.pods.iter().map(|pod| pod.factor).collect();
        let stage = Self {
            model,
            rule,
            timing,
            pace,
            draw,
            share: 1.0,
            limits,
            ids,
            owned,
            factors,
            carried: Vec::new(),
            loads: Vec::new(),
            now: Evenness::default(),
            plain: None,
        };
        stage.ready(most, random)
    }

    /// Draws the ids of replacements, and prepares tries of at most so many members.
    fn ready(mut self, most: usize, random: &mut ChaCha8Rng) -> Self {
        let members = self.owned.len();
        let newcomers = self.model.members.iter().map(|member| drawn(&member.client, random));
        self.ids.extend(newcomers.map(|id| Identity { id, listed: u32::MAX }));
        self.carried = self.owned.iter().map(|owned| self.model.carried(owned)).collect();
        self.loads = self.loads_of(&self.carried, &self.factors);
        self.now = Evenness::of(&self.loads, self.limits);
        // The coordinator may assign to the first that joins before any other has left.
        let range = (members.saturating_sub(most), members + 1);
        if is_plain(self.model) {
            self.plain = Plain::new(self.rule, &self.model.topics, &self.ids, &self.owned, range);
        }
        self
    }

    /// The group after a rotation of these pods, with new ids for the next one.
    pub(crate) fn after(&self, removed: &[usize], most: usize, random: &mut ChaCha8Rng) -> Self {
        let members = self.owned.len();
        let mut tries = Tries::new(self);
        let owned = tries.owned_after(removed);
        let mut next = Self { owned, plain: None, ..self.clone() };
        next.ids.truncate(members);
        for &pod in removed {
            for &member in self.members_of(pod) {
                if let (Some(id), Some(drawn)) = (next.ids.get_mut(member), self.ids.get(members + member)) {
                    id.clone_from(drawn);
                }
            }
            let replacement = self.model.pods.get(pod).map(|pod| pod.replacement);
            if let (Some(factor), Some(replacement)) = (next.factors.get_mut(pod), replacement) {
                *factor = replacement;
            }
        }
        next.ready(most, random)
    }

    /// From what members carry to what that costs on their pods.
    pub(super) fn loads_of(&self, carried: &[f64], factors: &[f64]) -> Vec<f64> {
        let carries =
            |pod: usize| self.members_of(pod).iter().filter_map(|&member| carried.get(member)).sum::<f64>();
        let pods = factors.iter().enumerate();
        pods.map(|(pod, factor)| self.model.cost.of(carries(pod)) * factor).collect()
    }

    /// The course of a rotation.
    pub(super) fn course(&self) -> Course {
        Course::of(self.rule, self.timing, self.model.coordinator)
    }

    /// The members of a pod.
    pub(super) fn members_of(&self, pod: usize) -> &'a [usize] {
        self.model.pods.get(pod).map_or(&[], |pod| pod.members.as_slice())
    }
}

/// All members subscribe to all topics.
pub(super) fn is_plain(model: &GroupModel) -> bool {
    let all = model.topics.len();
    model.members.iter().all(|member| member.subscription.len() == all)
}

/// The slot of a member, or of its replacement.
pub(super) fn slot(place: usize) -> Slot {
    Slot::try_from(place).unwrap_or(Slot::MAX)
}

/// The same ids, given out so that the rule goes through the members in this order.
fn in_order(rule: Assignor, ids: Vec<Identity>, members: &[usize]) -> Vec<Identity> {
    let texts: Vec<&str> = ids.iter().map(|known| known.id.as_str()).collect();
    let order = match rule {
        Assignor::Uniform | Assignor::EarlyUniform => uniform::id_order(&texts),
        Assignor::Range
        | Assignor::RoundRobin
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky
        | Assignor::ServerRange => {
            let mut order: Vec<usize> = (0..texts.len()).collect();
            order.sort_by_key(|&place| texts.get(place));
            order
        }
    };
    let mut given = ids.clone();
    for (&member, place) in members.iter().zip(order) {
        if let (Some(slot), Some(id)) = (given.get_mut(member), ids.get(place)) {
            slot.clone_from(id);
        }
    }
    given
}

fn drawn(client: &str, random: &mut ChaCha8Rng) -> String {
    format!("{client}{:016x}", random.next_u64())
}
