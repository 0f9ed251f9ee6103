//! What can be told about Kafka before it is relied on: which servers answer, which rights we have, and what there is
//! where something was not found. Only reads.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupOffsets, GroupState, Topic, TopicConfig, TopicPartition, Unread,
};
use rebalancer_core::port::{
    GroupError, GroupReading, GroupSource, Misconfiguration, MissingAcl, OtherGroup,
};

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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preflight {
    /// What stands in the way; empty when all is well.
    pub findings: Vec<Finding>,
    /// How many brokers the cluster has, as far as is known.
    pub brokers: Option<usize>,
    /// The group, if it could be described.
    pub group: Option<ConsumerGroup>,
    /// Its topics, by name.
    pub topics: Vec<Topic>,
    /// What a cycle reads of the group, or why it can't; `None` where the group could not be described.
    pub reading: Option<Result<GroupReading, GroupError>>,
}

/// Looks at everything that a cycle needs, with offsets at earlier times, once. What can't be reached is a finding, so this
/// never fails.
pub async fn look(source: &KafkaGroupSource, earlier: Vec<Timestamp>, at: Timestamp) -> Preflight {
    let mut found = Preflight::default();
    if !bootstrap(source, &mut found).await {
        return found;
    }
    brokers(source, &mut found).await;
    match source.group().await {
        Ok(group) => {
            described(&group, &mut found);
            found.reading = Some(read(source, group.clone(), (earlier, at), &mut found).await);
            found.group = Some(group);
        }
        Err(error) => found.add(&error),
    }
    found
}

impl Preflight {
    fn push(&mut self, finding: Finding) {
        // Several questions may fail for one reason.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn add(&mut self, error: &GroupError) {
        self.push(of_error(error.clone()));
    }

    /// The answer, of which an error is a finding too.
    fn noted<T>(&mut self, answer: Result<T, GroupError>) -> Result<T, GroupError> {
        answer.inspect_err(|error| self.add(error))
    }

    fn missing(&mut self, missing: &MissingAcl) {
        self.push(Finding::MissingAcl { missing: missing.clone(), need: Need::Optional });
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
            found.push(Finding::Misconfigured(problem));
        } else if usable {
            found.push(Finding::BootstrapServerUnusable { address: address.to_string(), message });
        } else {
            messages.push(message);
        }
    }
    if !messages.is_empty() {
        found.push(Finding::NoBrokerReachable { message: messages.join("; ") });
    }
    usable
}

/// Each broker where it says that it is.
async fn brokers(source: &KafkaGroupSource, found: &mut Preflight) {
    let cluster = &source.cluster;
    let metadata = cluster.metadata(&cluster.attempts(), &std::collections::BTreeSet::new()).await;
    let brokers = match metadata {
        Ok(metadata) => metadata.brokers,
        Err(failure) => return found.add(&failure.into_error()),
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
            .push(Finding::Misconfigured(Misconfiguration::AdvertisedListeners { bootstrap, unreachable }));
    }
    for (broker, failure) in bad {
        let (id, address, message) = (broker.id, broker.address.to_string(), failure.message());
        found.push(match failure.into_error() {
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
        GroupState::Empty => found.push(Finding::EmptyGroup { group: group.id.clone() }),
        state @ (GroupState::PreparingRebalance
        | GroupState::CompletingRebalance
        | GroupState::Assigning
        | GroupState::Reconciling
        | GroupState::Dead
        | GroupState::Unknown(_)) => found.push(Finding::GroupInMotion { state: state.clone() }),
    }
}

/// The rest of the reading. Each question is asked, whatever came of the others, for what it finds.
async fn read(
    source: &KafkaGroupSource,
    group: ConsumerGroup,
    (earlier, at): (Vec<Timestamp>, Timestamp),
    found: &mut Preflight,
) -> Result<GroupReading, GroupError> {
    let names = group.topics();
    if names.is_empty() {
        let (topics, configs) = (Vec::new(), BTreeMap::new());
        let (offsets, moving) = (Ok(GroupOffsets::new()), Ok(Vec::new()));
        return Ok(GroupReading { group, topics, configs, offsets, earlier, moving, at });
    }
    let topics = found.noted(source.topics(&names).await)?;
    found.topics.clone_from(&topics);
    for name in &names {
        if topics.iter().all(|topic| topic.name != *name) {
            found.push(Finding::NoSuchTopic { topic: name.clone() });
        }
    }
    let offsets = found.noted(source.offsets(&topics, &earlier).await);
    offsets.iter().for_each(|offsets| unread(offsets, found));
    let configs = found.noted(source.topic_configs(&names).await);
    for (topic, config) in configs.iter().flatten() {
        match config {
            Ok(TopicConfig { compacted: true, .. }) => {
                found.push(Finding::CompactedTopic { topic: topic.clone() });
            }
            Ok(TopicConfig { compacted: false, .. }) => {}
            Err(missing) => found.missing(missing),
        }
    }
    let moving = found.noted(source.reassignments(&topics).await);
    if let Ok(Err(missing)) = &moving {
        found.missing(missing);
    }
    Ok(GroupReading { group, topics, configs: configs?, offsets, earlier, moving: moving?, at })
}

fn unread(offsets: &GroupOffsets, found: &mut Preflight) {
    let unread =
        || offsets.iter().filter_map(|(partition, offsets)| Some((partition, offsets.as_ref().err()?)));
    if let Some((example, reason)) = unread().next() {
        let (partitions, example, reason) = (unread().count(), example.clone(), reason.clone());
        found.push(Finding::OffsetsUnread { partitions, example, reason });
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
