//! The broker's `uniform` assignor of the new consumer protocol (KIP-848), as Kafka 4.4 has it, and all releases since 4.0.1;
//! and as 4.0.0 had it ([`assign_before_4_0_1`]).
//!
//! Counts are even, then as little moves as possible. There are two rules: one where all members subscribe to the same
//! topics (`homogeneous`), one where they don't (`heterogeneous`). What a member owns is its previous target.
//!
//! # What is promised
//!
//! The real coordinator keeps members, topics and partitions in hash maps and goes through them in their order. That
//! order decides who gets the odd partition and what goes where, so it is part of the rule; it is kept here as far
//! as a [`Group`] shows it, and what it does not show is settled:
//!
//! - **Members** come in the order of the coordinator's hash map of their ids. Two members of one bucket come in the
//!   order in which it lists them ([`Member::listed`](super::Member::listed)), which depends on when they joined; where
//!   that is not known, as if they had joined in order of their ids.
//! - **Topics** come in the order of a hash set of their random ids, which differs from cluster to cluster; here in the
//!   order in which the group lists them: [`topics`] has the coordinator's. What a member holds comes in the order of a hash
//!   map of its own: topics of one bucket ([`Topic::hash`]) in the order in which [`Member::owned`] has them; what comes
//!   new to it goes to the front. Nothing depends on it in a group of one topic, and the counts never do.
//! - **Partitions** of one topic that a member has too many of come in the order of a hash set of their numbers, those of
//!   one bucket in the order of [`Member::owned`], where all members subscribe to the same topics;
//!   else ascending. (A bucket with more than eight of them would be a tree in Java, and is not modeled.)
//!
//! Of two members that claim one partition, which the coordinator's state excludes, the one with the later epoch has it.

mod heterogeneous;
mod homogeneous;
pub(super) mod java_order;
mod leveling;
mod table;

#[cfg(doc)]
use super::Member;
use super::{Assignment, Group, Topic};
pub(super) use homogeneous::{Extra, Quotas};

/// Topics of these names, ids (in two halves of 64 bits) and numbers of partitions, as the coordinator goes through them:
/// as a `HashSet` of the ids does that was filled from one of the names, which was filled in their order.
#[must_use]
pub fn topics(known: &[(&str, (u64, u64), u32)]) -> Vec<Topic> {
    let bucket = |hash| java_order::copied_bucket(hash, known.len());
    let mut order = known.to_vec();
    order.sort_by_key(|&(name, id, _)| {
        (bucket(java_order::id_hash(id)), bucket(java_order::hash_code(name)), name)
    });
    let topic = |(name, id, partitions): (&str, _, _)| Topic {
        name: name.to_owned(),
        partitions,
        hash: Some(java_order::id_hash(id)),
    };
    order.into_iter().map(topic).collect()
}

/// Partitions for each member of `group`.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    ascending(assign_in_turn(group))
}

/// The same by Kafka 4.0.0: where all members subscribe to the same topics, the first members in order get the one partition
/// too many, even if others hold it.
#[must_use]
pub fn assign_before_4_0_1(group: &Group) -> Assignment {
    ascending(assign_in_turn_by(group, Extra::ToTheFirst))
}

fn ascending(mut assignment: Assignment) -> Assignment {
    assignment.iter_mut().for_each(|list| list.sort_unstable());
    assignment
}

/// The same, each list as [`Member::owned`](super::Member::owned) of the next rebalance: those of one bucket in the order
/// in which the member got them.
#[must_use]
pub fn assign_in_turn(group: &Group) -> Assignment {
    assign_in_turn_by(group, Extra::ToHolders)
}

pub(super) fn assign_in_turn_by(group: &Group, extra: Extra) -> Assignment {
    let order = java_order::members(&group.members);
    if subscriptions_are_equal(group) {
        homogeneous::assign(group, &order, extra)
    } else {
        heterogeneous::assign(group, &order)
    }
}

/// In which order the coordinator goes through members with these ids, as far as that depends on nothing else.
pub(crate) fn id_order(ids: &[&str]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|&place| {
        let known = ids.get(place).map(|id| (java_order::place(java_order::hash_code(id), ids.len()), id));
        known.map(|(at, id)| (at, std::cmp::Reverse(*id)))
    });
    order
}

fn subscriptions_are_equal(group: &Group) -> bool {
    group.members.windows(2).all(|pair| match pair {
        [one, next] => one.subscription == next.subscription,
        _ => true,
    })
}
