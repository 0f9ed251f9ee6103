//! What a report says of the group that Kafka tells.

use std::collections::BTreeMap;

use super::told;
use crate::fleet::consumer_group::{GroupProtocol, Reassignment};
use crate::port::MissingAcl;
use crate::snapshot::{MatchedBy, ObservedGroup, Placement, Snapshot};

/// The group as Kafka tells it, in numbers and names.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GroupSummary {
    /// `group.id`.
    pub id: String,
    /// Its state, in Kafka's words.
    pub state: String,
    /// Its assignor, in Kafka's words.
    pub assignor: Option<String>,
    /// A member assigns (`classic`), or the coordinator (`consumer`).
    pub protocol: String,
    /// How many members it has.
    pub members: usize,
    /// How many members were found in pods, by what told that.
    pub matched: BTreeMap<MatchedBy, usize>,
    /// Members in no pod of the fleet, by client id and address. They keep their place in the assignment.
    pub elsewhere: Vec<String>,
    /// Serving pods of the workload without a member: more pods than partitions, or a consumer that is stuck.
    pub pods_without_member: Vec<String>,
    /// Members with a `group.instance.id`.
    pub static_members: usize,
    /// Each rebalance stops all members until it has ended.
    pub eager: bool,
    /// Messages produced to the group's partitions each second, which wait while it stops; `None` when not known.
    pub produced_per_second: Option<f64>,
    /// Partitions that are being moved between brokers; `None` when the right to see that is missing.
    pub moving: Option<usize>,
    /// The right that is missing to see moves, as the options of `kafka-acls`.
    pub missing: Option<String>,
}

impl GroupSummary {
    /// Of the group of this snapshot; `None` when Kafka did not tell.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let observed = snapshot.group.as_ref()?;
        let group = &observed.group;
        let mut matched = BTreeMap::new();
        for placement in &observed.placements {
            if let Placement::Pod { by, .. } = placement {
                *matched.entry(*by).or_insert(0) += 1;
            }
        }
        let produced = snapshot.partitions.as_ref();
        Some(Self {
            id: group.id.clone(),
            state: group.state.to_string(),
            assignor: group.assignor.clone(),
            protocol: protocol(group.protocol).to_owned(),
            members: group.members.len(),
            matched,
            elsewhere: elsewhere(observed),
            pods_without_member: told::without_member(snapshot, observed)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            static_members: group.members.iter().filter(|member| member.instance_id.is_some()).count(),
            eager: is_eager(observed),
            produced_per_second: produced.map(|all| all.iter().map(|one| one.load.get()).sum()),
            moving: observed.moving.as_ref().ok().map(Vec::<Reassignment>::len),
            missing: observed.moving.as_ref().err().map(MissingAcl::to_string),
        })
    }
}

const fn protocol(protocol: GroupProtocol) -> &'static str {
    match protocol {
        GroupProtocol::Classic => "classic",
        GroupProtocol::Consumer { .. } => "consumer",
    }
}

/// Of the clients' own rules only cooperative-sticky lets members keep on with what stays theirs.
fn is_eager(observed: &ObservedGroup) -> bool {
    let cooperative = observed.group.assignor.as_deref() == Some("cooperative-sticky");
    matches!(observed.group.protocol, GroupProtocol::Classic) && !cooperative
}

fn elsewhere(observed: &ObservedGroup) -> Vec<String> {
    let outside = observed.placed().filter(|(_, placement)| placement.pod().is_none());
    let shown = |text: &str| text.replace(char::is_control, "\u{fffd}");
    outside.map(|(member, _)| format!("{} at {}", shown(&member.client_id), shown(&member.host))).collect()
}
