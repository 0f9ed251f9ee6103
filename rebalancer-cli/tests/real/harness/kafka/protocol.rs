//! What the consumers of a group can speak.

use rebalancer_core::assignor::Assignor;

/// Members of the classic protocol notice a rebalance within this time, Kafka's default. It is much longer than it takes
/// to start some consumers, so that those come into one rebalance, on a busy machine too.
pub(crate) const HEARTBEAT_MILLISECONDS: u32 = 3000;

/// Whose consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Client {
    Java,
    Librdkafka,
}

/// A client with a rule, its own or the coordinator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Range,
    RoundRobin,
    Sticky,
    CooperativeSticky,
    /// `group.protocol=consumer` with the coordinator's `uniform`.
    Uniform,
    /// `group.protocol=consumer` with the coordinator's `range`.
    ServerRange,
    LibrdkafkaRange,
    LibrdkafkaRoundRobin,
    LibrdkafkaCooperativeSticky,
    /// librdkafka's `group.protocol=consumer`, with `uniform`.
    LibrdkafkaUniform,
    /// A client that calls its own rule range.
    Misnomer,
}

impl Protocol {
    pub(crate) const ALL: [Self; 10] = [
        Self::Range,
        Self::RoundRobin,
        Self::Sticky,
        Self::CooperativeSticky,
        Self::Uniform,
        Self::ServerRange,
        Self::LibrdkafkaRange,
        Self::LibrdkafkaRoundRobin,
        Self::LibrdkafkaCooperativeSticky,
        Self::LibrdkafkaUniform,
    ];

    /// Whose consumers speak it.
    pub(crate) const fn client(self) -> Client {
        match self {
            Self::Range
            | Self::RoundRobin
            | Self::Sticky
            | Self::CooperativeSticky
            | Self::Uniform
            | Self::ServerRange
            | Self::Misnomer => Client::Java,
            Self::LibrdkafkaRange
            | Self::LibrdkafkaRoundRobin
            | Self::LibrdkafkaCooperativeSticky
            | Self::LibrdkafkaUniform => Client::Librdkafka,
        }
    }

    /// The rule that decides who gets what.
    pub(crate) const fn assignor(self) -> Assignor {
        match self {
            Self::Range | Self::LibrdkafkaRange | Self::Misnomer => Assignor::Range,
            Self::RoundRobin | Self::LibrdkafkaRoundRobin => Assignor::RoundRobin,
            Self::Sticky => Assignor::Sticky,
            Self::CooperativeSticky => Assignor::CooperativeSticky,
            Self::LibrdkafkaCooperativeSticky => Assignor::LibrdkafkaCooperativeSticky,
            Self::Uniform | Self::LibrdkafkaUniform => Assignor::Uniform,
            Self::ServerRange => Assignor::ServerRange,
        }
    }

    /// As the order `add` names it.
    pub(crate) const fn spoken(self) -> &'static str {
        match self {
            Self::Range | Self::LibrdkafkaRange => "range",
            Self::RoundRobin | Self::LibrdkafkaRoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky | Self::LibrdkafkaCooperativeSticky => "cooperative-sticky",
            Self::Uniform | Self::ServerRange | Self::LibrdkafkaUniform => "consumer",
            Self::Misnomer => "not-range",
        }
    }

    /// `group.remote.assignor`, where the coordinator decides.
    pub(crate) const fn remote_assignor(self) -> Option<&'static str> {
        match self {
            Self::Uniform | Self::LibrdkafkaUniform => Some("uniform"),
            Self::ServerRange => Some("range"),
            Self::Range
            | Self::RoundRobin
            | Self::Sticky
            | Self::CooperativeSticky
            | Self::LibrdkafkaRange
            | Self::LibrdkafkaRoundRobin
            | Self::LibrdkafkaCooperativeSticky
            | Self::Misnomer => None,
        }
    }

    /// How Kafka names what was chosen.
    pub(crate) const fn chosen(self) -> &'static str {
        match self.remote_assignor() {
            Some(name) => name,
            None if matches!(self, Self::Misnomer) => "range",
            None => self.spoken(),
        }
    }

    /// The client's setting of how soon it notices a rebalance; of the new protocol the broker decides.
    pub(crate) fn heartbeat(self, milliseconds: u32) -> Option<(String, String)> {
        let is_classic = self.remote_assignor().is_none();
        is_classic.then(|| ("heartbeat.interval.ms".to_owned(), milliseconds.to_string()))
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let client = match self.client() {
            Client::Java => "java",
            Client::Librdkafka => "librdkafka",
        };
        f.pad(&format!("{client} {}", self.assignor().name().trim_start_matches("librdkafka-")))
    }
}
