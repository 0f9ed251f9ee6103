//! The port: one consumer group, read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupOffsets, Partition, Reassignment, Topic, TopicConfig,
};
use rebalancer_core::port::{AclOperation, AclResource, GroupError, MissingAcl};
use tokio::time::Instant;

use crate::cluster::{Cluster, Question};
use crate::decode::{self, Broker, CLEANUP_POLICY, Described, TIMESTAMP_TYPE, TopicAnswer};
use crate::failure::Failure;
use crate::meter::Usage;
use crate::query;
use crate::retry::Attempts;
use crate::settings::{Address, Settings};
use crate::wire::{Api, BadAnswer, ErrorCode};
use crate::{lookup, offsets};

/// Reads one consumer group from Kafka. Connections are made when something is asked, and kept.
pub struct KafkaGroupSource {
    pub(crate) cluster: Cluster,
    /// The time of the latest reading, and when all of that time must have ended.
    pub(crate) latest: Mutex<Option<(Timestamp, Instant)>>,
}

impl KafkaGroupSource {
    /// Nothing is contacted yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { cluster: Cluster::new(settings), latest: Mutex::default() }
    }

    /// What it has cost so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.cluster.meter.usage()
    }

    fn id(&self) -> &str {
        &self.cluster.settings.group
    }

    async fn described(&self, attempts: &Attempts<'_>) -> Result<Described, Failure> {
        let Some(coordinator) = self.coordinator(attempts).await? else { return Ok(Described::Absent) };
        let (knows, release) = self.cluster.knows(attempts, &coordinator, Api::ConsumerGroupDescribe).await?;
        if knows {
            let question = Question::new(
                Api::ConsumerGroupDescribe,
                |version| query::consumer_group_describe(version, self.id()),
                |r, version| decode::consumer_group_describe(r, version, self.id()),
            );
            match self.cluster.ask_at(attempts, &coordinator, question).await? {
                Described::Absent => {}
                Described::Group(group) => {
                    return Ok(Described::Group(Box::new(ConsumerGroup { coordinator: release, ..*group })));
                }
                other @ (Described::Other(_) | Described::Failed(_)) => return Ok(other),
            }
        }
        let question = Question::new(
            Api::DescribeGroups,
            |version| query::describe_groups(version, self.id()),
            |r, version| decode::describe_groups(r, version, self.id()),
        );
        self.cluster.ask_at(attempts, &coordinator, question).await
    }

    /// `None` where there can't be such a group.
    async fn coordinator(&self, attempts: &Attempts<'_>) -> Result<Option<Address>, Failure> {
        let question = Question::new(
            Api::FindCoordinator,
            |version| query::find_coordinator(version, self.id()),
            decode::find_coordinator,
        );
        // A broker's address is advertised: what it means that it can't be reached depends on the others.
        if self.cluster.brokers().is_empty() {
            self.cluster.metadata(attempts, &BTreeSet::new()).await?;
        }
        match self.cluster.ask_any(attempts, question).await? {
            Ok(address) => Ok(Some(address)),
            Err(ErrorCode::INVALID_GROUP_ID) => Ok(None),
            Err(error) => Err(self.refused(Api::FindCoordinator, error)),
        }
    }

    pub(crate) async fn try_group(
        &self,
        attempts: &Attempts<'_>,
    ) -> Result<Result<ConsumerGroup, GroupError>, Failure> {
        match self.described(attempts).await? {
            Described::Group(group) => Ok(Ok(*group)),
            Described::Other(what) => {
                Ok(Err(GroupError::NotAConsumerGroup { group: self.id().to_owned(), what }))
            }
            Described::Absent => Ok(Err(lookup::absent(&self.cluster, attempts).await)),
            Described::Failed(error) => Err(self.refused(Api::DescribeGroups, error)),
        }
    }

    fn refused(&self, api: Api, error: ErrorCode) -> Failure {
        let group = || self.id().to_owned();
        match error {
            ErrorCode::GROUP_AUTHORIZATION_FAILED => {
                Failure::Unauthorized(MissingAcl::describe(AclResource::Group(group())))
            }
            ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
                Failure::Unauthorized(MissingAcl::describe(AclResource::TopicsOf(group())))
            }
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
                Failure::Unauthorized(MissingAcl::describe(AclResource::Cluster))
            }
            error => Failure::Answered { api, error },
        }
    }

    pub(crate) async fn try_topics(
        &self,
        attempts: &Attempts<'_>,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Topic>, Failure> {
        let metadata = self.cluster.metadata(attempts, names).await?;
        whole(Api::Metadata, names, metadata.topics.iter().map(|topic| &topic.name))?;
        let mut topics = Vec::new();
        for topic in metadata.topics {
            match topic.error {
                Ok(()) => topics.push(described_topic(topic, &metadata.brokers)?),
                Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => {}
                Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED) => {
                    return Err(Failure::Unauthorized(MissingAcl::describe(AclResource::Topic(topic.name))));
                }
                Err(error) => return Err(Failure::Answered { api: Api::Metadata, error }),
            }
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    pub(crate) async fn try_configs(
        &self,
        attempts: &Attempts<'_>,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, Failure> {
        let question = Question::new(
            Api::DescribeConfigs,
            |version| query::describe_configs(version, names, &[CLEANUP_POLICY, TIMESTAMP_TYPE]),
            decode::describe_configs,
        );
        let answer = self.cluster.ask_any(attempts, question).await?;
        whole(Api::DescribeConfigs, names, answer.iter().map(|(topic, _)| topic))?;
        let mut configs = BTreeMap::new();
        for (topic, config) in answer {
            let config = match config {
                Ok(config) => Ok(config),
                Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => continue,
                Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED) => Err(MissingAcl {
                    operation: AclOperation::DescribeConfigs,
                    resource: AclResource::Topic(topic.clone()),
                }),
                Err(error) => return Err(Failure::Answered { api: Api::DescribeConfigs, error }),
            };
            configs.insert(topic, config);
        }
        Ok(configs)
    }

    pub(crate) async fn try_offsets(
        &self,
        attempts: &Attempts<'_>,
        topics: &[Topic],
        earlier: &[Timestamp],
    ) -> Result<GroupOffsets, Failure> {
        let listed = offsets::listed(&self.cluster, attempts, topics, earlier).await?;
        let Some(coordinator) = self.coordinator(attempts).await? else {
            return offsets::joined(listed, None, earlier.len());
        };
        let partitions = offsets::all(topics);
        let question = Question::new(
            Api::OffsetFetch,
            |version| query::offset_fetch(version, self.id(), &partitions),
            decode::offset_fetch,
        );
        let committed = self.cluster.ask_at(attempts, &coordinator, question).await?;
        let committed = committed.map_err(|error| self.refused(Api::OffsetFetch, error))?;
        offsets::joined(listed, Some(&committed.into_iter().collect()), earlier.len())
    }

    pub(crate) async fn try_reassignments(
        &self,
        attempts: &Attempts<'_>,
        topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, Failure> {
        const TIMEOUT_MS: i32 = 5_000;
        let metadata = self.cluster.metadata(attempts, &BTreeSet::new()).await?;
        let controller = self.cluster.address_of(metadata.controller);
        let controller =
            controller.ok_or(Failure::Answered { api: Api::Metadata, error: ErrorCode::NOT_CONTROLLER })?;
        let partitions = offsets::all(topics);
        let question = Question::new(
            Api::ListPartitionReassignments,
            |version| query::list_partition_reassignments(version, &partitions, TIMEOUT_MS),
            |r, _| decode::list_partition_reassignments(r),
        );
        match self.cluster.ask_at(attempts, &controller, question).await? {
            Ok(moves) => Ok(Ok(moves)),
            Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED) => {
                Ok(Err(MissingAcl::describe(AclResource::Cluster)))
            }
            Err(error) => Err(Failure::Answered { api: Api::ListPartitionReassignments, error }),
        }
    }
}

/// An answer that leaves a topic out says nothing of whether it exists.
fn whole<'a>(
    api: Api,
    names: &BTreeSet<String>,
    answered: impl Iterator<Item = &'a String>,
) -> Result<(), Failure> {
    let answered: BTreeSet<&String> = answered.collect();
    match names.iter().find(|name| !answered.contains(name)) {
        None => Ok(()),
        Some(name) => {
            Err(Failure::Contradiction { api, why: BadAnswer(format!("the topic '{name}' is not there")) })
        }
    }
}

fn described_topic(topic: TopicAnswer, brokers: &[Broker]) -> Result<Topic, Failure> {
    let TopicAnswer { name, id, mut partitions, .. } = topic;
    partitions.sort_by_key(|partition| partition.number);
    let gap = partitions.iter().zip(0_u32..).any(|(partition, place)| partition.number != place);
    if gap {
        let why = BadAnswer(format!("the partitions of '{name}' are not numbered from 0 without a gap"));
        return Err(Failure::Contradiction { api: Api::Metadata, why });
    }
    let rack = |id: &i32| brokers.iter().find(|broker| broker.id == *id)?.rack.clone();
    let partitions = partitions.into_iter().map(|partition| Partition {
        leader: partition.leader,
        racks: partition.replicas.iter().filter_map(rack).collect(),
    });
    Ok(Topic { name, id, partitions: partitions.collect() })
}
