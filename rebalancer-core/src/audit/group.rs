//! The consumer group, where Kafka tells of it.

use std::collections::BTreeSet;

use super::Violation;
use crate::fleet::Uid;
use crate::fleet::consumer_group::GroupState;
use crate::report::{Expectation, Plan};
use crate::snapshot::{Placement, Snapshot};

pub(super) fn check(plan: &Plan, snapshot: &Snapshot) -> Vec<Violation> {
    let mut violations = Vec::new();
    if snapshot.group_error.is_some() {
        violations.push(Violation::NotNow { what: "the consumer group could not be read" });
    }
    let Some(observed) = &snapshot.group else { return violations };
    if observed.group.state != GroupState::Stable {
        violations.push(Violation::NotNow { what: "the consumer group is not Stable" });
    }
    if observed.moving.as_ref().is_ok_and(|moving| !moving.is_empty()) {
        violations.push(Violation::NotNow { what: "partitions are being moved between brokers" });
    }
    if let Expectation::EvenMixing(_) = plan.expectation {
        let comes_back: BTreeSet<&Uid> = std::iter::zip(&observed.group.members, &observed.placements)
            .filter(|(member, _)| member.instance_id.is_some())
            .filter_map(|(_, placement)| match placement {
                Placement::Pod { uid, .. } => Some(uid),
                Placement::Elsewhere | Placement::Contradictory => None,
            })
            .collect();
        let removed = plan.removals.iter().filter(|removal| comes_back.contains(&removal.pod.uid));
        violations.extend(removed.map(|removal| Violation::StaticMember { pod: removal.pod.name.clone() }));
    }
    violations
}
