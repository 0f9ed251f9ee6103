//! Which pod each member of a consumer group runs in.
//!
//! A member is told by its address, by `group.instance.id` or by its client id. Ways that contradict each other tell
//! nothing: a wrong pod would be worse than none.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::fleet::consumer_group::{ConsumerGroup, GroupMember};
use crate::fleet::{Phase, Pod, Uid};
use crate::policy::MemberMatching;

/// Where a member of the group runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "where")
)]
pub enum Placement {
    /// In this pod.
    Pod {
        /// Its UID.
        uid: Uid,
        /// What told that.
        by: MatchedBy,
    },
    /// In none of the pods that Kubernetes lists: in another Deployment or cluster, or on a laptop.
    Elsewhere,
    /// In one pod by its address or name, in another one by another of them.
    Contradictory,
}

impl Placement {
    /// The pod, where it is known.
    #[must_use]
    pub const fn pod(&self) -> Option<&Uid> {
        match self {
            Self::Pod { uid, .. } => Some(uid),
            Self::Elsewhere | Self::Contradictory => None,
        }
    }
}

/// What told in which pod a member runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MatchedBy {
    /// The address from which the broker sees it is the pod's.
    Host,
    /// `group.instance.id` has the pod's name in it.
    InstanceId,
    /// `client.id` has the pod's name in it.
    ClientId,
}

impl MatchedBy {
    const ALL: [Self; 3] = [Self::Host, Self::InstanceId, Self::ClientId];

    /// Its name in settings and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::InstanceId => "instance-id",
            Self::ClientId => "client-id",
        }
    }

    const fn is_asked(self, matching: MemberMatching) -> bool {
        match matching {
            MemberMatching::Auto => true,
            MemberMatching::Host => matches!(self, Self::Host),
            MemberMatching::InstanceId => matches!(self, Self::InstanceId),
            MemberMatching::ClientId => matches!(self, Self::ClientId),
        }
    }
}

impl std::fmt::Display for MatchedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Where each member runs, in the order of the members.
#[must_use]
pub fn placements(group: &ConsumerGroup, pods: &[Pod], matching: MemberMatching) -> Vec<Placement> {
    let register = Register::of(pods);
    group.members.iter().map(|member| register.place(member, matching)).collect()
}

/// The pods that can have members, by what tells them apart.
struct Register<'a> {
    /// Addresses; `None` for one that several pods have, as on the host's network.
    by_ip: BTreeMap<IpAddr, Option<&'a Pod>>,
    /// Names that one pod has.
    by_name: BTreeMap<&'a str, Option<&'a Pod>>,
}

impl<'a> Register<'a> {
    /// Pods that have ended keep the address that another one may have got.
    fn of(pods: &'a [Pod]) -> Self {
        let (mut by_ip, mut by_name) = (BTreeMap::new(), BTreeMap::new());
        let live = pods.iter().filter(|pod| !matches!(pod.phase, Phase::Succeeded | Phase::Failed));
        for pod in live {
            enter(&mut by_name, pod.name.as_str(), pod);
            for ip in &pod.ips {
                enter(&mut by_ip, ip.to_canonical(), pod);
            }
        }
        Self { by_ip, by_name }
    }

    fn place(&self, member: &GroupMember, matching: MemberMatching) -> Placement {
        let asked = MatchedBy::ALL.into_iter().filter(|by| by.is_asked(matching));
        let mut found = asked.filter_map(|by| Some((by, self.find(member, by)?)));
        let Some((by, pod)) = found.next() else { return Placement::Elsewhere };
        if found.any(|(_, other)| other.uid != pod.uid) {
            return Placement::Contradictory;
        }
        Placement::Pod { uid: pod.uid.clone(), by }
    }

    fn find(&self, member: &GroupMember, by: MatchedBy) -> Option<&'a Pod> {
        match by {
            MatchedBy::Host => {
                let ip: IpAddr = member.host.trim_start_matches('/').parse().ok()?;
                *self.by_ip.get(&ip.to_canonical())?
            }
            MatchedBy::InstanceId => self.named_in(member.instance_id.as_deref()?),
            MatchedBy::ClientId => self.named_in(&member.client_id),
        }
    }

    /// The pod whose name stands in this text by itself; the longest one, since `orders-1` begins `orders-1-x`.
    fn named_in(&self, text: &str) -> Option<&'a Pod> {
        let starts = text.char_indices().map(|(at, _)| at).filter(|&at| is_edge(text, at));
        let from = |at| text.get(at..).unwrap_or("");
        let named = starts.filter_map(|at| self.longest_at(from(at)));
        named.max_by_key(|(length, _)| *length)?.1
    }

    /// The longest name that this text begins with and that ends there.
    fn longest_at(&self, text: &str) -> Option<(usize, Option<&'a Pod>)> {
        let ends = (1..=text.len()).rev().filter(|&end| text.is_char_boundary(end) && is_edge(text, end));
        ends.filter_map(|end| Some((end, *self.by_name.get(text.get(..end)?)?))).next()
    }
}

/// No name goes on across this place.
fn is_edge(text: &str, at: usize) -> bool {
    let part_of_a_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(at..).and_then(|after| after.chars().next());
    !(part_of_a_word(before) && part_of_a_word(after))
}

/// What two pods have in common tells neither.
fn enter<'a, K: Ord>(register: &mut BTreeMap<K, Option<&'a Pod>>, key: K, pod: &'a Pod) {
    register.entry(key).and_modify(|known| *known = None).or_insert(Some(pod));
}

#[cfg(test)]
mod tests;
