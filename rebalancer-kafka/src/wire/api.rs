//! The requests that are sent. All of them only read, but for the two that authenticate.

/// A request, by Kafka's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "ApiVersions is Kafka's name")]
pub(crate) enum Api {
    ListOffsets,
    Metadata,
    OffsetFetch,
    FindCoordinator,
    DescribeGroups,
    ListGroups,
    SaslHandshake,
    ApiVersions,
    DescribeConfigs,
    SaslAuthenticate,
    ListPartitionReassignments,
    ConsumerGroupDescribe,
}

impl Api {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 12] = [
        Self::ListOffsets,
        Self::Metadata,
        Self::OffsetFetch,
        Self::FindCoordinator,
        Self::DescribeGroups,
        Self::ListGroups,
        Self::SaslHandshake,
        Self::ApiVersions,
        Self::DescribeConfigs,
        Self::SaslAuthenticate,
        Self::ListPartitionReassignments,
        Self::ConsumerGroupDescribe,
    ];

    pub(crate) const fn key(self) -> i16 {
        match self {
            Self::ListOffsets => 2,
            Self::Metadata => 3,
            Self::OffsetFetch => 9,
            Self::FindCoordinator => 10,
            Self::DescribeGroups => 15,
            Self::ListGroups => 16,
            Self::SaslHandshake => 17,
            Self::ApiVersions => 18,
            Self::DescribeConfigs => 32,
            Self::SaslAuthenticate => 36,
            Self::ListPartitionReassignments => 46,
            Self::ConsumerGroupDescribe => 69,
        }
    }

    /// The versions that are known here, lowest and highest. Higher ones exist where they bring nothing that is needed.
    const fn known(self) -> (i16, i16) {
        match self {
            Self::ListOffsets => (1, 6),
            // Lower ones make topics that don't exist.
            Self::Metadata => (4, 12),
            Self::OffsetFetch => (1, 7),
            Self::FindCoordinator => (0, 3),
            Self::DescribeGroups => (0, 6),
            Self::ListGroups => (0, 5),
            Self::SaslHandshake => (1, 1),
            // The one version that every broker answers.
            Self::ApiVersions | Self::ListPartitionReassignments => (0, 0),
            Self::DescribeConfigs => (1, 4),
            Self::SaslAuthenticate => (0, 2),
            Self::ConsumerGroupDescribe => (0, 1),
        }
    }

    /// From this version on, lengths are variable and fields may be tagged.
    const fn flexible_from(self) -> i16 {
        match self {
            Self::ListOffsets | Self::OffsetFetch => 6,
            Self::Metadata => 9,
            Self::FindCoordinator | Self::ListGroups | Self::ApiVersions => 3,
            Self::DescribeGroups => 5,
            Self::SaslHandshake => i16::MAX,
            Self::DescribeConfigs => 4,
            Self::SaslAuthenticate => 2,
            Self::ListPartitionReassignments | Self::ConsumerGroupDescribe => 0,
        }
    }

    /// The highest version that both sides know, if there is one.
    pub(crate) fn common(self, lowest: i16, highest: i16) -> Option<Version> {
        let known = self.known();
        let number = known.1.min(highest);
        (number >= known.0.max(lowest)).then_some(Version { api: self, number })
    }

    /// The lowest version that is known here.
    pub(crate) const fn lowest(self) -> Version {
        Version { api: self, number: self.known().0 }
    }

    #[cfg(test)]
    pub(crate) fn versions(self) -> impl Iterator<Item = Version> {
        let (lowest, highest) = self.known();
        (lowest..=highest).map(move |number| Version { api: self, number })
    }
}

/// A request in one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) api: Api,
    pub(crate) number: i16,
}

impl Version {
    pub(crate) const fn is_flexible(self) -> bool {
        self.number >= self.api.flexible_from()
    }
}
