//! The group at rest: what Kafka and the consumers themselves say, which must be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rebalancer_core::assignor::{self, uniform};
use rebalancer_core::fleet::consumer_group::{ConsumerGroup, GroupMember, Topic, TopicPartition};
use rebalancer_core::port::GroupSource;
use rebalancer_kafka::KafkaGroupSource;

use crate::harness::kafka::clients::{Clients, Seen};
use crate::harness::kafka::loads::Loads;
use crate::harness::wait;

/// A group at rest.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) group: ConsumerGroup,
    /// Names of the consumers by member id.
    pub(crate) names: BTreeMap<String, String>,
    /// Partitions of each topic.
    pub(crate) topics: BTreeMap<String, u32>,
    /// The topics as the coordinator goes through them.
    pub(crate) in_order: Vec<assignor::Topic>,
}

impl Observed {
    /// Waits until the group consists of exactly these consumers, all of which see it as Kafka does, and every partition
    /// is held: between the two rebalances of a cooperative group, some are not.
    pub(crate) async fn at_rest(
        clients: &Arc<Clients>,
        source: &KafkaGroupSource,
        names: &BTreeSet<String>,
    ) -> Self {
        wait::until("a group at rest", async || {
            let group = source.group().await.map_err(|error| error.to_string())?;
            let seen = clients.seen().await;
            let seen: BTreeMap<_, _> = seen.into_iter().filter(|(name, _)| names.contains(name)).collect();
            let same = group.state.is_stable() && seen.len() == names.len() && as_seen(&group) == ids(&seen);
            let topics = source.topics(&group.topics()).await.map_err(|error| error.to_string())?;
            let id = |topic: &Topic| topic.id.map(|id| (id.most, id.least)).unwrap();
            let count = |topic: &Topic| u32::try_from(topic.partitions.len()).unwrap();
            let known: Vec<_> =
                topics.iter().map(|topic| (topic.name.as_str(), id(topic), count(topic))).collect();
            let in_order = uniform::topics(&known);
            let topics: BTreeMap<String, u32> =
                topics.iter().map(|topic| (topic.name.clone(), count(topic))).collect();
            let held: usize = seen.values().map(|member| member.held.len()).sum();
            let all: u32 = topics.values().sum();
            if same && held == all as usize {
                let names = seen.into_iter().map(|(name, seen)| (seen.id, name)).collect();
                Ok(Self { group, names, topics, in_order })
            } else {
                Err(format!(
                    "{}, {} members, {held} of {all} partitions: {seen:?}",
                    group.state,
                    group.members.len()
                ))
            }
        })
        .await
    }

    /// The name of a member's consumer.
    pub(crate) fn name(&self, member: &GroupMember) -> &str {
        &self.names[&member.id]
    }

    /// Load of each member, by its name.
    pub(crate) fn loads(&self, loads: &Loads) -> BTreeMap<String, f64> {
        let load = |member: &GroupMember| held(member).map(|partition| loads[partition]).sum();
        self.group.members.iter().map(|member| (self.name(member).to_owned(), load(member))).collect()
    }
}

/// What a member of a group at rest holds.
pub(crate) fn held(member: &GroupMember) -> impl Iterator<Item = &TopicPartition> {
    member.assigned.iter().flatten()
}

/// Coefficient of variation: the standard deviation over the mean.
pub(crate) fn cv(loads: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = loads.clone().count() as f64;
    let mean = loads.clone().sum::<f64>() / count;
    (loads.map(|load| (load - mean).powi(2)).sum::<f64>() / count).sqrt() / mean
}

fn as_seen(group: &ConsumerGroup) -> BTreeMap<&str, BTreeSet<&TopicPartition>> {
    group.members.iter().map(|member| (member.id.as_str(), held(member).collect())).collect()
}

fn ids(seen: &BTreeMap<String, Seen>) -> BTreeMap<&str, BTreeSet<&TopicPartition>> {
    seen.values().map(|seen| (seen.id.as_str(), seen.held.iter().collect())).collect()
}
