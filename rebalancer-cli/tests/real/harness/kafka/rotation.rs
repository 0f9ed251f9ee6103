//! What the core's assignor makes of a real group, with the ids that its members really have.

use std::collections::{BTreeMap, BTreeSet};

use rebalancer_core::assignor::{Assignor, Group, Member, Topic, TopicPartition};
use rebalancer_core::fleet::consumer_group::{self, GroupMember};

use crate::harness::kafka::observed::{Observed, held};

/// Partitions by member id.
pub(crate) type Held = BTreeMap<String, BTreeSet<consumer_group::TopicPartition>>;

/// Who holds what.
pub(crate) fn holdings(observed: &Observed) -> Held {
    let members = observed.group.members.iter();
    members.map(|member| (member.id.clone(), held(member).cloned().collect())).collect()
}

/// What the rule gives to the members of `after`, of which those that were in `before` still hold what they held then.
pub(crate) fn dealt(rule: Assignor, before: &Observed, after: &Observed) -> Held {
    let topics: Vec<&String> = after.topics.keys().collect();
    let index = |name: &String| u32::try_from(topics.binary_search(&name).unwrap()).unwrap();
    let member = |member: &GroupMember| {
        let known = before.group.members.iter().find(|other| other.id == member.id);
        let owned = known.into_iter().flat_map(held);
        let owned = owned.map(|one| TopicPartition { topic: index(&one.topic), partition: one.partition });
        let mut owned: Vec<TopicPartition> = owned.collect();
        owned.sort_unstable();
        let subscription = (0..).zip(&topics).map(|(index, _)| index).collect();
        let (id, instance) = (member.id.clone(), member.instance_id.clone());
        Member { id, instance, subscription, owned, generation: known.map(|_| 1), listed: member.listed }
    };
    let members: Vec<Member> = after.group.members.iter().map(member).collect();
    let named = |(name, &partitions): (&String, &u32)| Topic { name: name.clone(), partitions, hash: None };
    let group = Group { topics: after.topics.iter().map(named).collect(), members };
    let assignment = rule.assign(&group);
    let name =
        |one: TopicPartition| consumer_group::TopicPartition::new(topics[one.topic as usize], one.partition);
    let ids = group.members.into_iter().map(|member| member.id);
    ids.zip(assignment).map(|(id, given)| (id, given.into_iter().map(name).collect())).collect()
}
