//! A group in numbers: members as ranks in the order of their ids, partitions as indices in the order of topics.

use super::super::{Assignment, Group, Member, Topic, TopicPartition};
use super::java_hash;

/// A group, prepared for the algorithms.
pub(super) struct Roster<'a> {
    /// The members by id; an index into this is a rank, so comparing ranks compares ids.
    pub(super) members: Vec<&'a Member>,
    /// All ranks in the order in which Java's `HashMap` of them gives them back.
    pub(super) hash_order: Vec<usize>,
    /// Partitions of all topics with a subscriber, ascending; an index into this names a partition below.
    pub(super) partitions: Vec<TopicPartition>,
    /// How many members subscribe to each topic.
    pub(super) subscribers: Vec<usize>,
    /// Index of each topic's first partition; `None` for a topic without a subscriber or without partitions.
    starts: Vec<Option<usize>>,
    /// Index in the group of the member of each rank.
    places: Vec<usize>,
    topics: &'a [Topic],
}

impl<'a> Roster<'a> {
    pub(super) fn of(group: &'a Group) -> Self {
        let mut ranked: Vec<(&Member, usize)> = group.members.iter().zip(0..).collect();
        ranked.sort_by(|(left, _), (right, _)| left.id.cmp(&right.id));
        let (members, places): (Vec<&Member>, Vec<usize>) = ranked.into_iter().unzip();
        let subscribers = count_subscribers(&group.topics, &members);
        let (partitions, starts) = list_partitions(&group.topics, &subscribers);
        let hash_order = hash_order(&members);
        Self { members, hash_order, partitions, subscribers, starts, places, topics: &group.topics }
    }

    /// Whether Kafka takes all subscriptions for equal.
    ///
    /// Members without any topic pass for equal as long as they come before all others: a flaw of the real one, which
    /// then gives them partitions that they never asked for.
    pub(super) fn subscriptions_equal(&self) -> bool {
        let in_order = self.hash_order.iter().filter_map(|&rank| self.members.get(rank));
        let mut subscriptions =
            in_order.map(|member| &member.subscription).skip_while(|topics| topics.is_empty());
        subscriptions.next().is_none_or(|first| subscriptions.all(|other| other == first))
    }

    /// The index of a partition; `None` if it does not exist or nobody subscribes to its topic.
    pub(super) fn index(&self, partition: TopicPartition) -> Option<usize> {
        let topic = usize::try_from(partition.topic).ok()?;
        let number = usize::try_from(partition.partition).ok()?;
        let start = (*self.starts.get(topic)?)?;
        (partition.partition < self.topics.get(topic)?.partitions).then_some(start + number)
    }

    /// Index of the topic of a partition.
    pub(super) fn topic(&self, partition: usize) -> Option<usize> {
        self.partitions.get(partition).and_then(|partition| usize::try_from(partition.topic).ok())
    }

    /// Whether the member of this rank subscribes to the topic.
    pub(super) fn subscribes(&self, rank: usize, topic: usize) -> bool {
        let topic = u32::try_from(topic).unwrap_or(u32::MAX);
        self.members.get(rank).is_some_and(|member| member.subscription.binary_search(&topic).is_ok())
    }

    /// The indices of what the member of this rank says it holds.
    pub(super) fn owned(&self, rank: usize) -> impl Iterator<Item = usize> {
        let owned = self.members.get(rank).into_iter().flat_map(|member| &member.owned);
        owned.filter_map(|&partition| self.index(partition))
    }

    /// Hash of each topic's name.
    pub(super) fn topic_hashes(&self) -> Vec<u32> {
        self.topics.iter().map(|topic| java_hash::of_text(&topic.name)).collect()
    }

    /// How many partitions the topics of the member of this rank have together.
    pub(super) fn capacity(&self, rank: usize) -> usize {
        let topics = self.members.get(rank).into_iter().flat_map(|member| &member.subscription);
        let known = topics.filter_map(|&topic| self.topics.get(usize::try_from(topic).ok()?));
        known.filter_map(|topic| usize::try_from(topic.partitions).ok()).sum()
    }

    /// The result for the group, from the rank that owns each partition.
    pub(super) fn assignment(&self, owners: &[Option<usize>]) -> Assignment {
        let mut result = vec![Vec::new(); self.places.len()];
        for (&partition, owner) in self.partitions.iter().zip(owners) {
            let place = owner.and_then(|rank| self.places.get(rank));
            if let Some(list) = place.and_then(|&place| result.get_mut(place)) {
                list.push(partition);
            }
        }
        result
    }
}

fn count_subscribers(topics: &[Topic], members: &[&Member]) -> Vec<usize> {
    let mut counts = vec![0; topics.len()];
    for &topic in members.iter().flat_map(|member| &member.subscription) {
        if let Some(count) = usize::try_from(topic).ok().and_then(|topic| counts.get_mut(topic)) {
            *count += 1;
        }
    }
    counts
}

fn list_partitions(topics: &[Topic], subscribers: &[usize]) -> (Vec<TopicPartition>, Vec<Option<usize>>) {
    let (mut partitions, mut starts) = (Vec::new(), Vec::new());
    for ((topic, &subscribers), index) in topics.iter().zip(subscribers).zip(0..) {
        let known = subscribers > 0 && topic.partitions > 0;
        starts.push(known.then_some(partitions.len()));
        if known {
            partitions
                .extend((0..topic.partitions).map(|partition| TopicPartition { topic: index, partition }));
        }
    }
    (partitions, starts)
}

fn hash_order(members: &[&Member]) -> Vec<usize> {
    let buckets = java_hash::buckets(members.len());
    let mut order: Vec<usize> = (0..members.len()).collect();
    // Members of one bucket stay in the order in which the leader got them, which is the coordinator's; where that is not
    // known, in the order of their ids.
    order.sort_by_cached_key(|&rank| {
        let bucket = |id: &str| java_hash::bucket(java_hash::of_text(id), buckets);
        members.get(rank).map(|member| (bucket(&member.id), member.listed))
    });
    order
}
