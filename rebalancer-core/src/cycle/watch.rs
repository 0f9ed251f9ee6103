//! Watches the consumer group after removals, and measures what came of them.

use super::looks::{carried_by, look_until_rest, seats};
use super::{GroupSide, Ports, Rebalance, WatchSettings};
use crate::fleet::consumer_group::ConsumerGroup;
use crate::fleet::{PodRef, Uid};
use crate::history::Imbalance;
use crate::policy::{MemberMatching, Pace, Timing};
use crate::snapshot::{Snapshot, placements};

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

/// Pods that were removed, and how their removals followed each other.
#[derive(Clone, Copy)]
pub(super) struct Removed<'a> {
    pub(super) pods: &'a [PodRef],
    pub(super) pace: Pace,
}

/// Watches the group after these pods were removed.
pub(super) async fn watch(
    settings: &WatchSettings,
    side: GroupSide<'_>,
    ports: &Ports<'_>,
    snapshot: &Snapshot,
    matching: MemberMatching,
    removed: Removed<'_>,
) -> Option<Watched> {
    let before = seats(snapshot.group.as_ref()?);
    let uids: Vec<&Uid> = removed.pods.iter().map(|pod| &pod.uid).collect();
    let (looks, after) = look_until_rest(settings, side, ports, &before, &uids).await;
    let carried = match (looks.is_settled(), &looks.last) {
        (true, Some(group)) => carried(ports, snapshot, group, matching).await,
        (true | false, Some(_) | None) => None,
    };
    // That one left and was replaced before the next is the run's own doing.
    let timing = match removed.pace {
        Pace::EachAwaited if uids.len() > 1 => None,
        Pace::EachAwaited | Pace::Together => looks.timing(),
    };
    Some(Watched { rebalance: looks.rebalance(after), timing, carried })
}

/// What the pods carry as the partitions are held now, at the rates that were measured before.
async fn carried(
    ports: &Ports<'_>,
    snapshot: &Snapshot,
    group: &ConsumerGroup,
    matching: MemberMatching,
) -> Option<Imbalance> {
    let pods = ports.inventory.pods().await.ok()?;
    let places = placements(group, &pods, matching);
    carried_by(snapshot, group, places.iter().map(|place| place.pod()))
}
