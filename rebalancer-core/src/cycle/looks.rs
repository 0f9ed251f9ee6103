//! One look at the consumer group after the other, until it has come to rest with the members that are expected.
//!
//! ```text
//!   before   a b c d e f     Stable
//!   look 1   a b c d         PreparingRebalance      e and f have left
//!   look 2   a b c d         Stable                  ... and the group settled without replacements: leave, then join
//!   look 3   a b c d g h     Stable                  all are there: measured
//! ```

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::until::until_stopped;
use super::{GroupSide, Ports, Rebalance};
use crate::fleet::Uid;
use crate::fleet::consumer_group::{ConsumerGroup, GroupMember, TopicPartition};
use crate::history::Imbalance;
use crate::policy::Timing;
use crate::port::GroupError;
use crate::snapshot::{ObservedGroup, Snapshot};
use crate::stats::Distribution;
use crate::unit::Load;

/// In which pod each member runs, by member id; `None`: in none of this fleet, or it is not known.
pub(super) type Seats = BTreeMap<String, Option<Uid>>;

/// As they were when it was decided.
pub(super) fn seats(observed: &ObservedGroup) -> Seats {
    observed.placed().map(|(member, place)| (member.id.clone(), place.pod().cloned())).collect()
}

/// For how long a group is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSettings {
    /// At most this long; the cycle's own time may be up before. Default 20 seconds.
    pub at_most: SignedDuration,
    /// Time between two looks. Default half a second.
    pub every: SignedDuration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { at_most: SignedDuration::from_secs(20), every: SignedDuration::from_millis(500) }
    }
}

/// How uneven what the pods carry is as the partitions are held now, at the rates that were measured before; where it is known
/// in which pod each of the members runs, in their order.
pub(super) fn carried_by<'p>(
    snapshot: &Snapshot,
    group: &ConsumerGroup,
    places: impl Iterator<Item = Option<&'p Uid>>,
) -> Option<Imbalance> {
    let rates: BTreeMap<TopicPartition, f64> = snapshot
        .partitions
        .as_ref()?
        .iter()
        .filter_map(|one| {
            Some((TopicPartition::new(&*one.topic, one.partition.parse().ok()?), one.load.get()))
        })
        .collect();
    let mut carried: BTreeMap<&Uid, f64> = BTreeMap::new();
    for (member, place) in group.members.iter().zip(places) {
        let Some(pod) = place else { continue };
        for held in member.assigned.as_ref()? {
            *carried.entry(pod).or_default() += rates.get(held)?;
        }
        carried.entry(pod).or_default();
    }
    let carried: Option<Vec<Load>> = carried.into_values().map(|carried| Load::new(carried).ok()).collect();
    Imbalance::of(&Distribution::of(carried?)?)
}

/// Looks until the group is at rest with as many new members as these pods had, or the time is up. Gives how long that took.
pub(super) async fn look_until_rest(
    settings: &WatchSettings,
    side: GroupSide<'_>,
    ports: &Ports<'_>,
    seats: &Seats,
    removed: &[&Uid],
) -> (Looks, SignedDuration) {
    let mut looks = Looks::after(seats, removed);
    let began = ports.clock.now();
    let passed = || ports.clock.now().duration_since(began);
    let count = settings.at_most.as_millis() / settings.every.as_millis().max(1);
    for _ in 0..=count {
        // A broker that does not answer must not hold up a cycle that was stopped, or whose time is up.
        let Ok(look) = until_stopped(ports.interrupt, side.source.group()).await else { break };
        looks.take(look, passed());
        if looks.is_settled() || ports.interrupt.requested().is_some() || passed() >= settings.at_most {
            break;
        }
        ports.clock.sleep(settings.every).await;
    }
    let after = passed();
    (looks, after)
}

/// What one look after the other shows.
pub(super) struct Looks {
    before: BTreeSet<String>,
    leaving: BTreeSet<String>,
    pub(super) last: Option<ConsumerGroup>,
    error: Option<String>,
    /// It was seen at rest without the removed pods' members and without any new one.
    rested_alone: bool,
    /// New members were seen while a removed pod's was there.
    met: bool,
    /// It was seen at rest when some had left, or some had joined, and not all.
    rested_between: bool,
    /// When it was last seen, after the last removal.
    seen_at: SignedDuration,
    /// It was not seen for so long that it may have come to rest meanwhile.
    missed: bool,
}

/// Two rebalances of a group lie further apart: its members take part in the second one only after a heartbeat, which
/// comes every 3 s by default.
const UNSEEN_AT_MOST: SignedDuration = SignedDuration::from_millis(2500);

impl Looks {
    pub(super) fn after(seats: &Seats, removed: &[&Uid]) -> Self {
        let gone: BTreeSet<&Uid> = removed.iter().copied().collect();
        let leaves = seats.iter().filter(|(_, pod)| pod.as_ref().is_some_and(|uid| gone.contains(uid)));
        Self {
            leaving: leaves.map(|(member, _)| member.clone()).collect(),
            before: seats.keys().cloned().collect(),
            last: None,
            error: None,
            rested_alone: false,
            met: false,
            rested_between: false,
            seen_at: SignedDuration::ZERO,
            missed: false,
        }
    }

    /// What one look gave, this long after the last removal.
    pub(super) fn take(&mut self, look: Result<ConsumerGroup, GroupError>, passed: SignedDuration) {
        match look {
            Ok(group) => {
                self.missed |= passed.saturating_sub(self.seen_at) > UNSEEN_AT_MOST;
                self.seen_at = passed;
                self.at(group);
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    fn at(&mut self, group: ConsumerGroup) {
        let (staying, new) = (self.staying(&group), self.joined(&group));
        let at_rest = group.state.is_stable();
        self.met |= staying > 0 && new > 0;
        self.rested_alone |= at_rest && staying == 0 && new == 0;
        let some_of_them = 1..self.leaving.len();
        self.rested_between |= at_rest && (some_of_them.contains(&staying) || some_of_them.contains(&new));
        self.error = None;
        self.last = Some(group);
    }

    fn staying(&self, group: &ConsumerGroup) -> usize {
        group.members.iter().filter(|member| self.leaving.contains(&member.id)).count()
    }

    fn joined(&self, group: &ConsumerGroup) -> usize {
        self.new_in(group).count()
    }

    /// Members that were not there before.
    pub(super) fn new_in<'g>(&'g self, group: &'g ConsumerGroup) -> impl Iterator<Item = &'g GroupMember> {
        group.members.iter().filter(|member| !self.before.contains(&member.id))
    }

    /// A group that has not noticed yet is at rest too: a removed pod's member must be gone.
    pub(super) fn is_settled(&self) -> bool {
        self.error.is_none()
            && self.last.as_ref().is_some_and(|group| {
                let complete =
                    self.joined(group) >= self.leaving.len() && group.members.len() >= self.before.len();
                group.state.is_stable() && complete && self.staying(group) == 0
            })
    }

    pub(super) fn rebalance(&self, after: SignedDuration) -> Rebalance {
        match (&self.error, &self.last) {
            (None, Some(_)) if self.is_settled() => Rebalance::Settled { after },
            (None, Some(group)) => Rebalance::NotYet {
                state: group.state.to_string(),
                members: group.members.len(),
                expected: self.before.len(),
                staying: self.staying(group),
            },
            (Some(error), _) => Rebalance::Unread { error: error.clone() },
            (None, None) => Rebalance::Unread { error: "it was not asked".to_owned() },
        }
    }

    /// Join before leave is none of them. Where no member left, and where too much was not seen, nothing is shown.
    pub(super) fn timing(&self) -> Option<Timing> {
        if !self.is_settled() || self.leaving.is_empty() || self.met {
            return None;
        }
        match (self.rested_between, self.rested_alone, self.missed) {
            (true, true | false, true | false) => Some(Timing::OneByOne),
            (false, true, true | false) => Some(Timing::LeaveThenJoin),
            (false, false, false) => Some(Timing::AllAtOnce),
            (false, false, true) => None,
        }
    }
}

#[cfg(test)]
mod tests;
