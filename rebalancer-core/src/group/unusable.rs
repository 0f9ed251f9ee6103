//! Why it can't be worked out what a rotation does to a group.

use crate::assignor::Assignor;
use crate::fleet::Indicator;

/// Why partition loads can't be used, so that rotate-outliers is used in their place.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "why")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Unusable {
    /// The policy does not request them.
    NotAsked,
    /// The query failed.
    NotRead,
    /// The query gave no partition.
    Empty,
    /// A partition's label is no number, or far beyond what a topic can have.
    NoNumber {
        /// Topic.
        topic: String,
        /// What was given.
        partition: String,
    },
    /// A partition is missing between others of its topic: its load is not known.
    Gap {
        /// Topic.
        topic: String,
        /// The missing partition.
        partition: u32,
    },
    /// A partition has two owners.
    TwoOwners {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
    },
    /// A partition is held by a pod that is not listed, or does not serve: the group has not settled.
    StrangeOwner {
        /// The pod.
        pod: String,
    },
    /// No pod is seen to hold a partition of a topic that the fleet consumes: its owner shows no lag for it (NaN, or none
    /// at all), or the group is in the middle of a rebalance.
    NoOwner {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
        /// Nothing flows into it. The Java client shows no lag of a partition from which nothing ever came.
        idle: bool,
    },
    /// Pod loads can't be explained by partition loads.
    Unexplained {
        /// The indicator.
        indicator: Indicator,
        /// The median relative error of the explanation.
        error: f64,
    },
    /// Who holds what follows none of the known rules, or not the configured one.
    NoKnownRule,
    /// Kafka says that the group is not stable.
    NotStable {
        /// Its state, in Kafka's words.
        state: String,
    },
    /// The group uses an assignor that is not known here.
    UnknownAssignor {
        /// Its name.
        name: String,
    },
    /// Who holds what does not come from the rule that has the name Kafka tells.
    NotItsRule {
        /// The assignor of that name.
        assignor: Assignor,
    },
    /// The policy names another assignor than Kafka.
    AssignorsContradict {
        /// The policy's.
        configured: Assignor,
        /// Kafka's.
        told: Assignor,
    },
    /// The assignor looks at racks, since members and partitions have some.
    RackAware {
        /// The assignor.
        assignor: Assignor,
    },
    /// Clients of two kinds are members, and each kind has its own rule of the name that was chosen.
    SeveralClients,
    /// The address of a member and its names lead to different pods.
    ContradictoryMember {
        /// Its client id.
        client_id: String,
        /// Its address.
        host: String,
    },
    /// None of the members runs in one of the pods, as far as can be told.
    NoMemberInPods {
        /// How many members there are.
        members: usize,
    },
    /// Some pods have no member and some members no pod: they may belong together.
    MembersUnmatched {
        /// Members without a pod.
        members: usize,
        /// Pods without a member.
        pods: usize,
        /// One of them.
        such_as: String,
    },
    /// Members subscribe by different patterns; which topics each one gets is not known.
    Patterns {
        /// The client id of one of them.
        client_id: String,
    },
    /// The metric system and Kafka name different owners of a partition.
    OwnersContradict {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
        /// The pod that the metric system names.
        pod: String,
    },
}

impl Unusable {
    /// It shows that the group is in the middle of a rebalance: nothing must be done to it now.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        matches!(
            self,
            Self::TwoOwners { .. }
                | Self::StrangeOwner { .. }
                | Self::NoOwner { idle: false, .. }
                | Self::NotStable { .. }
                | Self::OwnersContradict { .. }
        )
    }

    /// Kafka was asked, and what it tells can't be brought together with the fleet, or with rules that are known: nothing
    /// is done on a guess.
    #[must_use]
    pub const fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::UnknownAssignor { .. }
                | Self::NotItsRule { .. }
                | Self::AssignorsContradict { .. }
                | Self::RackAware { .. }
                | Self::SeveralClients
                | Self::ContradictoryMember { .. }
                | Self::NoMemberInPods { .. }
                | Self::MembersUnmatched { .. }
                | Self::Patterns { .. }
        )
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAsked => f.write_str("partition loads are not requested"),
            Self::NotRead => f.write_str("partition loads could not be read"),
            Self::Empty => f.write_str("the metric system knows no partition"),
            Self::NoNumber { topic, partition } => {
                write!(f, "'{partition}' is no partition number (topic {topic})")
            }
            Self::Gap { topic, partition } => write!(f, "no load of partition {partition} of topic {topic}"),
            Self::TwoOwners { topic, partition } => {
                write!(f, "partition {partition} of topic {topic} has two owners: the group has not settled")
            }
            Self::StrangeOwner { pod } => {
                write!(f, "pod {pod} holds partitions and does not serve: the group has not settled")
            }
            Self::NoOwner { topic, partition, idle: false } => write!(
                f,
                "no pod shows a lag for partition {partition} of topic {topic}, into which messages flow: the group has \
                 not settled, or its owner's lag is NaN"
            ),
            Self::NoOwner { topic, partition, idle: true } => {
                write!(f, "no pod shows a lag for partition {partition} of topic {topic}, which is idle")
            }
            Self::Unexplained { indicator, error } => write!(
                f,
                "partition loads do not explain the pods' {indicator} (median error {:.0} %)",
                error * 100.0
            ),
            Self::NotStable { state } => write!(f, "the group is {state}: wait until it is Stable"),
            Self::UnknownAssignor { name } => {
                write!(f, "the group's assignor is '{name}', whose rule is not known here")
            }
            Self::NotItsRule { assignor } => write!(
                f,
                "Kafka names the assignor {assignor}, and who holds what does not come from its rule: the clients may have \
                 another one of that name"
            ),
            Self::AssignorsContradict { configured, told } => {
                write!(f, "{configured} is configured, and the group uses {told}")
            }
            Self::RackAware { assignor } => write!(
                f,
                "{assignor} looks at racks (client.rack, broker.rack), and that part of its rule is not known here"
            ),
            Self::SeveralClients => f.write_str(
                "members are of two client libraries, and each has its own rule named cooperative-sticky",
            ),
            Self::ContradictoryMember { client_id, host } => write!(
                f,
                "the member with client id '{}' at {} is in one pod by its address and in another by its name",
                plain(client_id),
                plain(host)
            ),
            Self::NoMemberInPods { members } => write!(
                f,
                "none of {members} members of the group is seen to run in a pod of this fleet: their addresses are no \
                 pod's, and neither group.instance.id nor client.id has a pod's name"
            ),
            Self::MembersUnmatched { members, pods, such_as } => write!(
                f,
                "{members} members run in no pod of this fleet and {pods} pods, such as {such_as}, have no member: they may \
                 belong together"
            ),
            Self::Patterns { client_id } => write!(
                f,
                "members subscribe by different patterns (client id '{}'), so which topics each one gets is not known",
                plain(client_id)
            ),
            Self::OwnersContradict { topic, partition, pod } => write!(
                f,
                "the metric system shows partition {partition} of topic {topic} at pod {pod}, and Kafka at another member: \
                 the group has not settled, or one of the two is late"
            ),
            Self::NoKnownRule => f.write_str(
                "the current assignment does not follow the configured assignor, or any known one",
            ),
        }
    }
}

/// What a client writes of itself is free text: without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}
