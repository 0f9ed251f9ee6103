//! The consumer group as Kafka tells it, joined with the pods, and the loads that follow from its offsets.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::membership::{self, Placement};
use super::{Snapshot, offsets};
use crate::fleet::consumer_group::{ConsumerGroup, GroupMember, Reassignment, Topic};
use crate::fleet::{Indicator, Pod, Samples, Uid};
use crate::policy::MemberMatching;
use crate::port::{GroupError, GroupReading, MetricsError, MissingAcl, Readings};

/// The group at the time of a snapshot.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ObservedGroup {
    /// The group, with its members by member id.
    pub group: ConsumerGroup,
    /// Where each member runs, in the order of the members.
    pub placements: Vec<Placement>,
    /// Its topics, by name.
    pub topics: Vec<Topic>,
    /// Partitions that are being moved between brokers; or which right is missing to know that.
    pub moving: Result<Vec<Reassignment>, MissingAcl>,
}

impl ObservedGroup {
    /// A group with the places of its members, in their order; nothing is known of topics and moves.
    #[must_use]
    pub const fn new(group: ConsumerGroup, placements: Vec<Placement>) -> Self {
        Self { group, placements, topics: Vec::new(), moving: Ok(Vec::new()) }
    }

    /// The members with their places.
    pub fn placed(&self) -> impl Iterator<Item = (&GroupMember, &Placement)> {
        self.group.members.iter().zip(&self.placements)
    }

    /// Members that run in this pod.
    pub fn members_in<'a>(&'a self, uid: &'a Uid) -> impl Iterator<Item = &'a GroupMember> {
        self.placed().filter(move |(_, placement)| placement.pod() == Some(uid)).map(|(member, _)| member)
    }
}

/// What is taken from Kafka's offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupQuestion {
    /// Indicators whose loads come from offsets: [`Indicator::Lag`] and [`Indicator::ProductionRate`] can.
    pub indicators: Vec<Indicator>,
    /// Partition loads come from offsets: messages a second that were produced.
    pub partitions: bool,
    /// Rates are over this time.
    pub window: SignedDuration,
}

impl GroupQuestion {
    /// Nothing is taken from offsets.
    #[must_use]
    pub const fn none(window: SignedDuration) -> Self {
        Self { indicators: Vec::new(), partitions: false, window }
    }

    /// What was to come from Kafka is not known.
    pub(crate) fn failed(&self, error: &GroupError, readings: &mut Readings) {
        let failed = || MetricsError::Offsets { message: error.to_string() };
        readings.loads.extend(self.indicators.iter().map(|&indicator| (indicator, Err(failed()))));
        if self.partitions {
            readings.partitions = Some(Err(failed()));
        }
    }
}

impl ObservedGroup {
    /// Production rates of the pods over windows that lie back, as partitions are held now.
    ///
    /// # Errors
    /// When offsets don't tell them.
    pub(crate) fn past_rates(
        &self,
        reading: &GroupReading,
        snapshot: &Snapshot,
    ) -> Result<Vec<Samples>, MetricsError> {
        let name = |uid: &Uid| {
            let pod = snapshot.pods.iter().find(|pod| pod.pod.uid == *uid)?;
            Some(pod.pod.name.as_str())
        };
        let by_member: BTreeMap<&str, Option<&str>> = self
            .placed()
            .map(|(member, placement)| (member.id.as_str(), placement.pod().and_then(name)))
            .collect();
        let holder = |member: &GroupMember| by_member.get(member.id.as_str()).copied().flatten();
        let holders: Vec<Option<&str>> = reading.group.members.iter().map(holder).collect();
        offsets::past_rates(reading, &holders)
    }

    /// Joins a reading with the pods, and puts what its offsets tell in with the other readings.
    pub(crate) fn join(
        reading: GroupReading,
        question: &GroupQuestion,
        matching: MemberMatching,
        pods: &[Pod],
        readings: &mut Readings,
    ) -> Self {
        let placements = membership::placements(&reading.group, pods, matching);
        let names: BTreeMap<&Uid, &str> = pods.iter().map(|pod| (&pod.uid, pod.name.as_str())).collect();
        let of = |placement: &Placement| placement.pod().and_then(|uid| names.get(uid).copied());
        let holders: Vec<Option<&str>> = placements.iter().map(of).collect();
        let loads = offsets::Loads::new(&reading, &holders);
        for &indicator in &question.indicators {
            readings.loads.insert(indicator, loads.of(indicator));
        }
        if question.partitions {
            readings.partitions = Some(loads.partitions());
        }
        let GroupReading { group, topics, moving, .. } = reading;
        Self { group, placements, topics, moving }
    }
}
