//! The rules by name, and how a group comes to rest under each.

use std::fmt;

use super::{
    Assignment, Group, cooperative_sticky, librdkafka_cooperative_sticky, range, round_robin, server_range,
    sticky, uniform,
};

/// A rule that gives partitions to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Assignor {
    /// The Java client's and librdkafka's `range`.
    Range,
    /// The Java client's and librdkafka's `roundrobin`.
    RoundRobin,
    /// The Java client's eager `sticky`.
    Sticky,
    /// The Java client's `cooperative-sticky`.
    CooperativeSticky,
    /// librdkafka's `cooperative-sticky`, which assigns by another rule than the Java client's of the same name.
    LibrdkafkaCooperativeSticky,
    /// The broker's `uniform`, the default of the consumer protocol (KIP-848), since Kafka 4.0.1.
    Uniform,
    /// The same as Kafka 4.0.0 has it: the one partition too many goes to the first members in order, whoever holds it.
    #[cfg_attr(feature = "serde", serde(rename = "uniform-4.0.0"))]
    EarlyUniform,
    /// The broker's `range` of the consumer protocol (KIP-848).
    ServerRange,
}

impl Assignor {
    /// Every rule.
    pub const ALL: [Self; 8] = [
        Self::Range,
        Self::RoundRobin,
        Self::Sticky,
        Self::CooperativeSticky,
        Self::LibrdkafkaCooperativeSticky,
        Self::Uniform,
        Self::EarlyUniform,
        Self::ServerRange,
    ];

    /// Its name, as in Kafka's settings; `server-range` and `librdkafka-cooperative-sticky` are called so here to tell
    /// them from the Java client's, and `uniform-4.0.0` from that of later releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
            Self::LibrdkafkaCooperativeSticky => "librdkafka-cooperative-sticky",
            Self::Uniform => "uniform",
            Self::EarlyUniform => "uniform-4.0.0",
            Self::ServerRange => "server-range",
        }
    }

    /// Members keep what they hold as far as the counts allow, so that what removed pods held is dealt again. The
    /// others deal everything anew in the order of the members: the same sets change hands.
    #[must_use]
    pub const fn is_sticky(self) -> bool {
        match self {
            Self::Range | Self::RoundRobin | Self::ServerRange => false,
            Self::Sticky
            | Self::CooperativeSticky
            | Self::LibrdkafkaCooperativeSticky
            | Self::Uniform
            | Self::EarlyUniform => true,
        }
    }

    /// In a rebalance every member gives up all that it holds until it is over. Under the others only partitions that move
    /// are stopped.
    #[must_use]
    pub const fn is_eager(self) -> bool {
        match self {
            Self::Range | Self::RoundRobin | Self::Sticky => true,
            Self::CooperativeSticky
            | Self::LibrdkafkaCooperativeSticky
            | Self::Uniform
            | Self::EarlyUniform
            | Self::ServerRange => false,
        }
    }

    /// The coordinator assigns by it, and goes through members in the order of its hash tables.
    #[must_use]
    pub const fn is_uniform(self) -> bool {
        match self {
            Self::Uniform | Self::EarlyUniform => true,
            Self::Range
            | Self::RoundRobin
            | Self::Sticky
            | Self::CooperativeSticky
            | Self::LibrdkafkaCooperativeSticky
            | Self::ServerRange => false,
        }
    }

    /// Who holds what once the group has come to rest; for the cooperative rule that may take two rebalances.
    #[must_use]
    pub fn assign(self, group: &Group) -> Assignment {
        match self {
            Self::Range => range::assign(group),
            Self::RoundRobin => round_robin::assign(group),
            Self::Sticky => sticky::assign(group),
            Self::CooperativeSticky => cooperative_sticky::settle(group).assignment,
            Self::LibrdkafkaCooperativeSticky => {
                cooperative_sticky::settle_by(librdkafka_cooperative_sticky::assign, group).assignment
            }
            Self::Uniform => uniform::assign(group),
            Self::EarlyUniform => uniform::assign_before_4_0_1(group),
            Self::ServerRange => server_range::assign(group),
        }
    }
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
