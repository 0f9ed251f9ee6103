//! The seeded life of one group.

use crate::{
    group::{Group, Held, Member},
    random::Random,
};
use std::collections::{BTreeMap, BTreeSet};

/// How large a group is to start with, and how it behaves.
pub struct Shape {
    pub members: usize,
    pub topics: usize,
    pub partitions: usize,
    pub unequal: bool,
    /// One in so many members is static; none if `None`.
    pub one_static_in: Option<usize>,
    /// Members drop out and come back with what they had in an older generation, or claim what is another's.
    pub stale: bool,
}

/// A group between two rebalances.
pub struct Story {
    random: Random,
    shape: Shape,
    generation: i32,
    away: Vec<(String, Member)>,
    pub now: Group,
}

impl Story {
    pub fn new(seed: u64, shape: Shape) -> Self {
        let mut random = Random(seed);
        let most = (2 * shape.partitions / shape.topics).max(1);
        let topics = (0..shape.topics).map(|i| (format!("t{i:02}"), 1 + random.below(most) as i32)).collect();
        let count = shape.members;
        let mut story = Self {
            random,
            shape,
            generation: 0,
            away: Vec::new(),
            now: Group { topics, members: BTreeMap::new() },
        };
        let first = story.subscription();
        story.join(count, &first);
        story
    }

    /// Everybody takes what the rebalance gave it.
    pub fn accept(&mut self, assignment: &BTreeMap<String, Held>) {
        self.generation += 1;
        for (id, member) in &mut self.now.members {
            member.owned = assignment.get(id).cloned().unwrap_or_default();
            member.generation = Some(self.generation);
        }
    }

    /// What happens before the next rebalance; often nothing, so that the last one can be finished.
    pub fn change(&mut self) {
        if self.shape.stale && self.random.once_in(2) {
            return self.confuse();
        }
        let topics = self.anybody().1.topics;
        match self.random.below(12) {
            0 => self.leave(),
            1 => (0..3).for_each(|_| self.leave()),
            2 | 3 => self.join_some(&topics),
            4 | 5 => self.replace(&topics),
            6 => self.return_under_a_new_id(),
            7 => self.add_partitions(),
            8 => self.change_subscriptions(),
            _ => {}
        }
    }

    fn anybody(&mut self) -> (String, Member) {
        let place = self.random.below(self.now.members.len());
        let (id, member) = self.now.members.iter().nth(place).expect("nobody leaves last");
        (id.clone(), member.clone())
    }

    fn join_some(&mut self, topics: &BTreeSet<String>) {
        let count = 1 + self.random.below(3);
        self.join(count, topics);
    }

    fn join(&mut self, count: usize, topics: &BTreeSet<String>) {
        for _ in 0..count {
            let id = self.random.id();
            let is_static = self.shape.one_static_in.is_some_and(|times| self.random.once_in(times));
            let instance = is_static.then(|| format!("i{}", self.random.id()));
            let topics = if self.shape.unequal { self.subscription() } else { topics.clone() };
            self.now.members.insert(id, Member { instance, topics, ..Member::default() });
        }
    }

    fn leave(&mut self) {
        if self.now.members.len() > 1 {
            let (id, _) = self.anybody();
            self.now.members.remove(&id);
        }
    }

    fn replace(&mut self, topics: &BTreeSet<String>) {
        let before = self.now.members.len();
        (0..1 + self.random.below(4)).for_each(|_| self.leave());
        self.join(before - self.now.members.len(), topics);
    }

    /// A static member keeps what it had; another one comes with nothing.
    fn return_under_a_new_id(&mut self) {
        let (id, old) = self.anybody();
        self.now.members.remove(&id);
        let fresh = Member { owned: Held::new(), generation: None, ..old.clone() };
        let member = if old.instance.is_some() { old } else { fresh };
        self.now.members.insert(self.random.id(), member);
    }

    fn add_partitions(&mut self) {
        let place = self.random.below(self.now.topics.len());
        let more = 1 + self.random.below(5) as i32;
        self.now.topics.values_mut().nth(place).into_iter().for_each(|count| *count += more);
    }

    /// Half of the time a member still holds, as it joins, what it no longer wants.
    fn change_subscriptions(&mut self) {
        let topics = self.subscription();
        let (chosen, _) = self.anybody();
        let (one, keeps) = (self.shape.unequal || self.random.once_in(3), self.random.once_in(2));
        for (id, member) in &mut self.now.members {
            if !one || *id == chosen {
                member.topics.clone_from(&topics);
                member.owned.retain(|topic, _| keeps || topics.contains(topic));
            }
        }
    }

    fn confuse(&mut self) {
        match self.random.below(5) {
            0 => self.drop_out(),
            1 => self.now.members.extend(self.away.pop()),
            _ => self.claim_too_much(),
        }
    }

    /// In the same generation as the owner, or in an older one.
    fn claim_too_much(&mut self) {
        let ((_, owner), (id, _)) = (self.anybody(), self.anybody());
        let generation = self.generation - self.random.below(2) as i32;
        if let Some(member) = self.now.members.get_mut(&id) {
            member.generation = Some(generation);
            for (topic, partitions) in owner.owned {
                let some = partitions.into_iter().filter(|_| self.random.once_in(2));
                member.owned.entry(topic).or_default().extend(some);
            }
        }
    }

    fn drop_out(&mut self) {
        if self.now.members.len() > 1 {
            let (id, member) = self.anybody();
            self.now.members.remove(&id);
            self.away.push((id, member));
        }
    }

    fn subscription(&mut self) -> BTreeSet<String> {
        let names: Vec<String> = self.now.topics.keys().cloned().collect();
        let mut chosen: BTreeSet<String> =
            names.iter().filter(|_| !self.random.once_in(3)).cloned().collect();
        if chosen.is_empty() {
            chosen.insert(names[self.random.below(names.len())].clone());
        }
        chosen
    }
}
