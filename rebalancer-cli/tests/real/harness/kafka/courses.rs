//! The courses that a coordinator (KIP-848) may take: which leaves and joins fall into one assignment. Written by what its
//! source says, without what the core makes of that.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rebalancer_core::assignor::uniform::assign_in_turn;
use rebalancer_core::assignor::{Group, Member, TopicPartition};
use rebalancer_core::fleet::consumer_group::{self, GroupMember};
use rebalancer_core::policy::Timing;

use crate::harness::kafka::bare::Rotation;
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::rotation::{Held, holdings};

/// Assignments that are taken into account for one part of a rotation.
const MOST: usize = 4;

/// A course that leads from what was to what came, in words; `None`: none does.
pub(crate) fn course(timing: Timing, rotation: &Rotation) -> Option<String> {
    let Rotation { before, between, after } = rotation;
    if let (Timing::LeaveThenJoin, Some(between)) = (timing, between) {
        let leaves = Search::new(before, between).found()?;
        return Some(leaves + &Search::new(between, after).found()?);
    }
    Search::new(before, after).found()
}

struct Search {
    group: Group,
    leaving: BTreeSet<String>,
    joining: Vec<Member>,
    wanted: Held,
    names: Vec<String>,
}

/// What is left to do.
#[derive(Clone)]
struct Rest {
    group: Group,
    leaving: Vec<String>,
    joining: Vec<Member>,
}

impl Search {
    fn new(before: &Observed, after: &Observed) -> Self {
        let names: Vec<String> = after.in_order.iter().map(|topic| topic.name.clone()).collect();
        let place = |order: &Observed, id: &str| {
            let listed = order.group.members.iter().find(|member| member.id == id);
            listed.map(|member| member.listed)
        };
        // Those that stay are in both lists, in one order. The latest come first of those between the same two of them.
        let staying = |id: &str| place(before, id).is_some() && place(after, id).is_some();
        let before_it = |order: &Observed, listed: u32| {
            let earlier = order.group.members.iter().filter(|member| member.listed < listed);
            u32::try_from(earlier.filter(|member| staying(&member.id)).count()).unwrap()
        };
        let listed = |member: &GroupMember| match (place(after, &member.id), place(before, &member.id)) {
            (Some(listed), _) if staying(&member.id) => before_it(after, listed) * 1000 + 999,
            (Some(listed), _) => before_it(after, listed) * 1000 + listed,
            (None, Some(listed)) => before_it(before, listed) * 1000 + 500 + listed,
            (None, None) => unreachable!("it is from one of them"),
        };
        let partition = |one: &consumer_group::TopicPartition| {
            let topic = names.iter().position(|name| *name == one.topic).unwrap();
            TopicPartition { topic: u32::try_from(topic).unwrap(), partition: one.partition }
        };
        let member = |member: &GroupMember, known: bool| {
            let owned = member.target.iter().flatten().filter(|_| known).map(partition).collect();
            let subscription = (0..).zip(&names).map(|(index, _)| index).collect();
            let (id, instance) = (member.id.clone(), member.instance_id.clone());
            let generation = known.then_some(1);
            Member { id, instance, subscription, owned, generation, listed: listed(member) }
        };
        let ids = |order: &Observed| -> BTreeSet<String> {
            order.group.members.iter().map(|member| member.id.clone()).collect()
        };
        let (ids_before, ids_after) = (ids(before), ids(after));
        let joining = after.group.members.iter().filter(|member| !ids_before.contains(&member.id));
        Self {
            group: Group {
                topics: after.in_order.clone(),
                members: before.group.members.iter().map(|known| member(known, true)).collect(),
            },
            leaving: ids_before.difference(&ids_after).cloned().collect(),
            joining: joining.map(|new| member(new, false)).collect(),
            wanted: holdings(after),
            names,
        }
    }

    fn found(&self) -> Option<String> {
        let rest = Rest {
            group: self.group.clone(),
            leaving: self.leaving.iter().cloned().collect(),
            joining: self.joining.clone(),
        };
        // The shortest courses first.
        (1..=MOST).find_map(|assignments| self.from(&rest, assignments, true))
    }

    /// With exactly so many assignments. A join after a pause is assigned at once.
    fn from(&self, rest: &Rest, assignments: usize, after_a_pause: bool) -> Option<String> {
        if rest.leaving.is_empty() && rest.joining.is_empty() {
            return (assignments == 0 && self.is_reached(&rest.group)).then(String::new);
        }
        let left = assignments.checked_sub(1)?;
        for leave in subsets(rest.leaving.len()) {
            for join in subsets(rest.joining.len()) {
                let joins = join.iter().filter(|joins| **joins).count();
                let nothing = joins == 0 && !leave.contains(&true);
                if nothing || (after_a_pause && joins > 1) {
                    continue;
                }
                // Whose heartbeat it is: that of one who joins, or of another.
                let own = (0..rest.joining.len()).filter(|&place| join[place]).map(Some);
                let others = (!after_a_pause || joins == 0).then_some(None);
                for heartbeat in own.chain(others) {
                    let next = self.assigned(rest, &leave, &join, heartbeat);
                    if let Some(later) = self.from(&next, left, false) {
                        let mut words = String::new();
                        let leaves = leave.iter().filter(|leaves| **leaves).count();
                        write!(words, "-{leaves}+{joins}{} ", if heartbeat.is_some() { "!" } else { "" })
                            .unwrap();
                        return Some(words + &later);
                    }
                }
            }
        }
        None
    }

    fn assigned(&self, rest: &Rest, leave: &[bool], join: &[bool], heartbeat: Option<usize>) -> Rest {
        let mut next = rest.clone();
        let leaving = rest.leaving.iter().zip(leave);
        let gone: Vec<&String> = leaving.clone().filter(|(_, gone)| **gone).map(|(id, _)| id).collect();
        next.group.members.retain(|member| !gone.contains(&&member.id));
        next.leaving = leaving.filter(|(_, gone)| !**gone).map(|(id, _)| id.clone()).collect();
        let joining = rest.joining.iter().zip(join);
        next.joining = joining.filter(|(_, comes)| !**comes).map(|(member, _)| member.clone()).collect();
        for (place, member) in rest.joining.iter().enumerate().filter(|(place, _)| join[*place]) {
            let listed = if heartbeat == Some(place) { u32::MAX } else { member.listed };
            next.group.members.push(Member { listed, ..member.clone() });
        }
        let assignment = assign_in_turn(&next.group);
        for (member, owned) in next.group.members.iter_mut().zip(assignment) {
            (member.owned, member.generation) = (owned, Some(2));
            let known = self.joining.iter().find(|known| known.id == member.id);
            member.listed = known.map_or(member.listed, |known| known.listed);
        }
        next
    }

    fn is_reached(&self, group: &Group) -> bool {
        let name = |one: &TopicPartition| {
            consumer_group::TopicPartition::new(&self.names[one.topic as usize], one.partition)
        };
        let came =
            group.members.iter().map(|member| (member.id.clone(), member.owned.iter().map(name).collect()));
        came.collect::<Held>() == self.wanted
    }
}

/// All ways to choose some of so many.
fn subsets(count: usize) -> impl Iterator<Item = Vec<bool>> {
    (0..1_u32 << count).map(move |code| (0..count).map(|place| code >> place & 1 == 1).collect())
}
