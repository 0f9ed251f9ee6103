//! What can be told about Kafka before it is relied on: which servers answer, which rights we have, and what there is
//! where something was not found. Only reads.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupState, Topic, TopicConfig, TopicPartition, Unread,
};
use rebalancer_core::port::{GroupError, GroupSource, Misconfiguration, MissingAcl, OtherGroup};

use crate::source::KafkaGroupSource;

/// Something that stands in the way, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No bootstrap server can be used; nothing else could be looked at.
    NoBrokerReachable {
        /// What happened at which.
        message: String,
    },
    /// One bootstrap server can't be used, though another one can.
    BootstrapServerUnusable {
        /// Host and port.
        address: String,
        /// What happened.
        message: String,
    },
    /// A broker can't be used at the address that it advertises, though others can.
    BrokerUnusable {
        /// Its id.
        broker: i32,
        /// The advertised address.
        address: String,
        /// What happened.
        message: String,
    },
    /// Settings don't fit what is there.
    Misconfigured(Misconfiguration),
    /// An ACL is missing.
    MissingAcl {
        /// Which one.
        missing: MissingAcl,
        /// Whether anything can be done without it.
        need: Need,
    },
    /// There is no such group.
    NoSuchGroup {
        /// The name that was asked for.
        group: String,
        /// Those that resemble it, the likeliest first.
        resembling: Vec<String>,
    },
    /// The group is there, and is no consumer group.
    NotAConsumerGroup {
        /// Its name.
        group: String,
        /// What it is.
        what: OtherGroup,
    },
    /// The group has no members.
    EmptyGroup {
        /// Its name.
        group: String,
    },
    /// The group is not stable now.
    GroupInMotion {
        /// What it is doing.
        state: GroupState,
    },
    /// A topic of the group does not exist.
    NoSuchTopic {
        /// Its name.
        topic: String,
    },
    /// Offsets of some partitions can't be read.
    OffsetsUnread {
        /// How many.
        partitions: usize,
        /// One of them.
        example: TopicPartition,
        /// Why.
        reason: Unread,
    },
    /// Offsets of this topic are no count of messages, for it is compacted.
    CompactedTopic {
        /// Its name.
        topic: String,
    },
    /// Something could not be looked at.
    Unread {
        /// What happened.
        message: String,
    },
}

/// Whether anything can be done without a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing works without it.
    Required,
    /// Without it, one thing less is known.
    Optional,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// What stands in the way; empty when all is well.
    pub findings: Vec<Finding>,
    /// How many brokers the cluster has, as far as is known.
    pub brokers: Option<usize>,
    /// The group, if it could be described.
    pub group: Option<ConsumerGroup>,
    /// Its topics, by name.
    pub topics: Vec<Topic>,
}

/// Looks at everything that a cycle needs. What can't be reached is a finding, so this never fails.
pub async fn look(source: &KafkaGroupSource) -> Preflight {
    let mut found = Preflight::default();
    if !bootstrap(source, &mut found).await {
        return found;
    }
    brokers(source, &mut found).await;
    match source.group().await {
        Ok(group) => {
            described(&group, &mut found);
            topics(source, &group, &mut found).await;
            found.group = Some(group);
        }
        Err(error) => found.add(of_error(error)),
    }
    found
}

impl Preflight {
    fn add(&mut self, finding: Finding) {
        // Several questions may fail for one reason.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn missing(&mut self, missing: MissingAcl) {
        self.add(Finding::MissingAcl { missing, need: Need::Optional });
    }
}

/// Whether one of them can be used.
async fn bootstrap(source: &KafkaGroupSource, found: &mut Preflight) -> bool {
    let cluster = &source.cluster;
    let tries = cluster.settings.bootstrap.iter().map(|address| async move {
        let attempts = cluster.attempts();
        (address, cluster.open(&attempts, address).await.err())
    });
    let tries = join_all(tries).await;
    let usable = tries.iter().any(|(_, failure)| failure.is_none());
    let mut messages = Vec::new();
    for (address, failure) in tries {
        let Some(failure) = failure else { continue };
        let message = failure.message();
        if let GroupError::Misconfigured(problem) = failure.into_error() {
            found.add(Finding::Misconfigured(problem));
        } else if usable {
            found.add(Finding::BootstrapServerUnusable { address: address.to_string(), message });
        } else {
            messages.push(message);
        }
    }
    if !messages.is_empty() {
        found.add(Finding::NoBrokerReachable { message: messages.join("; ") });
    }
    usable
}

/// Each broker where it says that it is.
async fn brokers(source: &KafkaGroupSource, found: &mut Preflight) {
    let cluster = &source.cluster;
    let metadata = cluster.metadata(&cluster.attempts(), &std::collections::BTreeSet::new()).await;
    let brokers = match metadata {
        Ok(metadata) => metadata.brokers,
        Err(failure) => return found.add(of_error(failure.into_error())),
    };
    found.brokers = Some(brokers.len());
    let tries = brokers.iter().map(|broker| async move {
        let attempts = cluster.attempts();
        (broker, cluster.open(&attempts, &broker.address).await.err())
    });
    let tries = join_all(tries).await;
    let bad: Vec<_> = tries.into_iter().filter_map(|(broker, failure)| Some((broker, failure?))).collect();
    if bad.len() == brokers.len() && bad.iter().all(|(_, failure)| failure.passes()) {
        let bootstrap =
            cluster.home().map_or_else(|| "a bootstrap server".to_owned(), |home| home.to_string());
        let unreachable: BTreeMap<String, String> =
            bad.into_iter().map(|(broker, failure)| (broker.address.to_string(), failure.reason())).collect();
        return found
            .add(Finding::Misconfigured(Misconfiguration::AdvertisedListeners { bootstrap, unreachable }));
    }
    for (broker, failure) in bad {
        let (id, address, message) = (broker.id, broker.address.to_string(), failure.message());
        found.add(match failure.into_error() {
            GroupError::Misconfigured(problem) => Finding::Misconfigured(problem),
            GroupError::Unavailable { .. }
            | GroupError::Unauthorized { .. }
            | GroupError::NoSuchGroup { .. }
            | GroupError::NotAConsumerGroup { .. }
            | GroupError::Malformed { .. } => Finding::BrokerUnusable { broker: id, address, message },
        });
    }
}

fn described(group: &ConsumerGroup, found: &mut Preflight) {
    match &group.state {
        GroupState::Stable => {}
        GroupState::Empty => found.add(Finding::EmptyGroup { group: group.id.clone() }),
        state @ (GroupState::PreparingRebalance
        | GroupState::CompletingRebalance
        | GroupState::Assigning
        | GroupState::Reconciling
        | GroupState::Dead
        | GroupState::Unknown(_)) => found.add(Finding::GroupInMotion { state: state.clone() }),
    }
}

async fn topics(source: &KafkaGroupSource, group: &ConsumerGroup, found: &mut Preflight) {
    let names = group.topics();
    if names.is_empty() {
        return;
    }
    match source.topics(&names).await {
        Ok(topics) => found.topics = topics,
        Err(error) => return found.add(of_error(error)),
    }
    for name in &names {
        if found.topics.iter().all(|topic| topic.name != *name) {
            found.add(Finding::NoSuchTopic { topic: name.clone() });
        }
    }
    offsets(source, found).await;
    match source.topic_configs(&names).await {
        Ok(configs) => configs.into_iter().for_each(|(topic, config)| match config {
            Ok(TopicConfig { compacted: true, .. }) => found.add(Finding::CompactedTopic { topic }),
            Ok(TopicConfig { compacted: false, .. }) => {}
            Err(missing) => found.missing(missing),
        }),
        Err(error) => found.add(of_error(error)),
    }
    match source.reassignments(&found.topics).await {
        Ok(Ok(_)) => {}
        Ok(Err(missing)) => found.missing(missing),
        Err(error) => found.add(of_error(error)),
    }
}

async fn offsets(source: &KafkaGroupSource, found: &mut Preflight) {
    let offsets = match source.offsets(&found.topics, &[]).await {
        Ok(offsets) => offsets,
        Err(error) => return found.add(of_error(error)),
    };
    let unread: Vec<_> =
        offsets.into_iter().filter_map(|(partition, offsets)| Some((partition, offsets.err()?))).collect();
    let partitions = unread.len();
    if let Some((example, reason)) = unread.into_iter().next() {
        found.add(Finding::OffsetsUnread { partitions, example, reason });
    }
}

fn of_error(error: GroupError) -> Finding {
    match error {
        GroupError::Unauthorized { missing } => Finding::MissingAcl { missing, need: Need::Required },
        GroupError::NoSuchGroup { group, resembling } => Finding::NoSuchGroup { group, resembling },
        GroupError::NotAConsumerGroup { group, what } => Finding::NotAConsumerGroup { group, what },
        GroupError::Misconfigured(problem) => Finding::Misconfigured(problem),
        GroupError::Unavailable { message } | GroupError::Malformed { message } => {
            Finding::Unread { message }
        }
    }
}
