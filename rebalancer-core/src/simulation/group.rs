//! The consumer group: members that join and leave, and who holds what after each rebalance, by Kafka's own rules.

use std::collections::BTreeMap;

use super::shape::Shape;
use crate::assignor::{Assignor, Group, Member, Topic, TopicPartition};

/// The group. A member is known by the name of its pod.
#[derive(Debug)]
pub(super) struct Consumers {
    rule: Assignor,
    topics: Vec<Topic>,
    /// The place of each topic's first partition among the partitions of all topics.
    starts: Vec<usize>,
    members: BTreeMap<String, Member>,
    generation: i32,
}

impl Consumers {
    /// A group without members.
    pub(super) fn new(shape: &Shape) -> Self {
        let topics = topics(shape);
        let sizes = topics.iter().map(|topic| usize::try_from(topic.partitions).unwrap_or(usize::MAX));
        let starts = sizes.scan(0, |next, size| Some(std::mem::replace(next, *next + size))).collect();
        Self { rule: shape.assignor, topics, starts, members: BTreeMap::new(), generation: 0 }
    }

    /// A pod's consumer asks to be a member; it has nothing before the next rebalance.
    pub(super) fn join(&mut self, pod: String, id: String, instance: Option<String>) {
        let subscription = (0..).zip(&self.topics).map(|(topic, _)| topic).collect();
        let member = Member { id, instance, subscription, owned: Vec::new(), generation: None, listed: 0 };
        self.members.insert(pod, member);
    }

    /// Its own first heartbeat makes the coordinator assign: in the next rebalance it is not yet in the list of members.
    pub(super) fn is_newest(&mut self, pod: &str) {
        if let Some(member) = self.members.get_mut(pod) {
            member.listed = u32::MAX;
        }
    }

    /// A pod's consumer is no member any more; what it held is nobody's before the next rebalance.
    pub(super) fn leave(&mut self, pod: &str) {
        self.members.remove(pod);
    }

    /// A static member comes back: the coordinator gives it a new member id, and nobody else hears of it.
    pub(super) fn come_back(&mut self, pod: &str, id: String) {
        if let Some(member) = self.members.get_mut(pod) {
            member.id = id;
        }
    }

    /// Deals all partitions over the members of this moment, until the group is at rest.
    pub(super) fn rebalance(&mut self) {
        let (pods, members): (Vec<String>, Vec<Member>) =
            std::mem::take(&mut self.members).into_iter().unzip();
        let group = Group { topics: std::mem::take(&mut self.topics), members };
        let assignment = self.rule.assign(&group);
        self.generation = self.generation.saturating_add(1);
        let dealt = group.members.into_iter().zip(assignment).map(|(member, owned)| Member {
            owned,
            generation: Some(self.generation),
            listed: 0,
            ..member
        });
        self.members = pods.into_iter().zip(dealt).collect();
        self.topics = group.topics;
    }

    /// What a pod's consumer holds, ascending.
    pub(super) fn held(&self, pod: &str) -> &[TopicPartition] {
        self.members.get(pod).map_or(&[], |member| &member.owned)
    }

    /// The place of a partition among the partitions of all topics.
    pub(super) fn place(&self, partition: TopicPartition) -> usize {
        let start = usize::try_from(partition.topic).ok().and_then(|topic| self.starts.get(topic));
        let number = usize::try_from(partition.partition).unwrap_or(usize::MAX);
        start.copied().unwrap_or(usize::MAX).saturating_add(number)
    }

    /// The name of a partition's topic.
    pub(super) fn topic(&self, partition: TopicPartition) -> &str {
        let topic = usize::try_from(partition.topic).ok().and_then(|topic| self.topics.get(topic));
        topic.map_or("", |topic| &topic.name)
    }

    /// The rule that the group follows.
    pub(super) const fn rule(&self) -> Assignor {
        self.rule
    }

    /// Its topics, by name.
    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The member of each pod, by the pod's name.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members.iter().map(|(pod, member)| (pod.as_str(), member))
    }

    /// How many rebalances there were.
    pub(super) const fn generation(&self) -> i32 {
        self.generation
    }
}

/// Topics in order of name, the first ones one partition larger.
fn topics(shape: &Shape) -> Vec<Topic> {
    let (size, larger) = (shape.partitions / shape.topics, shape.partitions % shape.topics);
    let named = |index: usize| Topic {
        name: if shape.topics == 1 { "events".to_owned() } else { format!("events-{index:05}") },
        partitions: u32::try_from(size + usize::from(index < larger)).unwrap_or(u32::MAX),
        hash: None,
    };
    (0..shape.topics).map(named).collect()
}
