//! Watches the consumer group after removals, until it has come to rest with the members that are expected, or the time
//! is up.
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
use super::{GroupSide, Ports};
use crate::fleet::consumer_group::{ConsumerGroup, TopicPartition};
use crate::fleet::{PodRef, Uid};
use crate::history::Imbalance;
use crate::policy::{MemberMatching, Timing};
use crate::port::GroupError;
use crate::snapshot::{ObservedGroup, Snapshot, placements};
use crate::stats::Distribution;
use crate::unit::Load;

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

/// What became of the group after a rotation, as far as it was seen within the cycle.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Watched {
    /// Whether it came to rest.
    pub rebalance: Rebalance,
    /// When replacements joined, where the looks tell that.
    pub timing: Option<Timing>,
    /// How uneven what the pods' partitions carry is now, in messages a second; `None` until the group is at rest.
    pub carried: Option<Imbalance>,
}

/// Whether a group came to rest with the members that are expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "end"))]
pub enum Rebalance {
    /// It did.
    Settled {
        /// How long after the last removal.
        after: SignedDuration,
    },
    /// Not yet.
    NotYet {
        /// Its state when it was last seen, in Kafka's words.
        state: String,
        /// Members then.
        members: usize,
        /// Members that are expected.
        expected: usize,
        /// Members of removed pods that are still there.
        staying: usize,
    },
    /// It could not be read.
    Unread {
        /// Why.
        error: String,
    },
}

/// Watches the group after these pods were removed.
pub(super) async fn watch(
    settings: &WatchSettings,
    side: GroupSide<'_>,
    ports: &Ports<'_>,
    snapshot: &Snapshot,
    matching: MemberMatching,
    removed: &[PodRef],
) -> Option<Watched> {
    let before = snapshot.group.as_ref()?;
    let mut looks = Looks::after(before, removed);
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
    let carried = match (looks.is_settled(), &looks.last) {
        (true, Some(group)) => carried(ports, snapshot, group, matching).await,
        (true | false, Some(_) | None) => None,
    };
    Some(Watched { rebalance: looks.rebalance(after), timing: looks.timing(), carried })
}

/// What one look after the other shows.
struct Looks {
    before: BTreeSet<String>,
    leaving: BTreeSet<String>,
    last: Option<ConsumerGroup>,
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
    fn after(before: &ObservedGroup, removed: &[PodRef]) -> Self {
        let gone: BTreeSet<&Uid> = removed.iter().map(|pod| &pod.uid).collect();
        let leaves = before.placed().filter(|(_, place)| place.pod().is_some_and(|uid| gone.contains(uid)));
        Self {
            leaving: leaves.map(|(member, _)| member.id.clone()).collect(),
            before: before.group.members.iter().map(|member| member.id.clone()).collect(),
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
    fn take(&mut self, look: Result<ConsumerGroup, GroupError>, passed: SignedDuration) {
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
        group.members.iter().filter(|member| !self.before.contains(&member.id)).count()
    }

    /// A group that has not noticed yet is at rest too: a removed pod's member must be gone.
    fn is_settled(&self) -> bool {
        self.error.is_none()
            && self.last.as_ref().is_some_and(|group| {
                let complete =
                    self.joined(group) >= self.leaving.len() && group.members.len() >= self.before.len();
                group.state.is_stable() && complete && self.staying(group) == 0
            })
    }

    fn rebalance(&self, after: SignedDuration) -> Rebalance {
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
    fn timing(&self) -> Option<Timing> {
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

/// What the pods carry as the partitions are held now, at the rates that were measured before.
async fn carried(
    ports: &Ports<'_>,
    snapshot: &Snapshot,
    group: &ConsumerGroup,
    matching: MemberMatching,
) -> Option<Imbalance> {
    let pods = ports.inventory.pods().await.ok()?;
    let rates: BTreeMap<TopicPartition, f64> = snapshot
        .partitions
        .as_ref()?
        .iter()
        .filter_map(|one| {
            Some((TopicPartition::new(&*one.topic, one.partition.parse().ok()?), one.load.get()))
        })
        .collect();
    let mut carried: BTreeMap<&Uid, f64> = BTreeMap::new();
    let places = placements(group, &pods, matching);
    for (member, place) in group.members.iter().zip(&places) {
        let Some(pod) = place.pod() else { continue };
        for held in member.assigned.as_ref()? {
            *carried.entry(pod).or_default() += rates.get(held)?;
        }
        carried.entry(pod).or_default();
    }
    let carried: Option<Vec<Load>> = carried.into_values().map(|carried| Load::new(carried).ok()).collect();
    Imbalance::of(&Distribution::of(carried?)?)
}

#[cfg(test)]
mod tests;
