//! A consumer group as Kafka itself describes it: its members and what they hold, the offsets of its partitions, its
//! topics. Plain values; what Kafka does not tell is `None`, never zero and never empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

/// A partition by name, as Kafka names it everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TopicPartition {
    /// Topic.
    pub topic: String,
    /// Number of the partition, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// This partition of this topic.
    #[must_use]
    pub fn new(topic: impl Into<String>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What a group is doing, in Kafka's words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum GroupState {
    /// No members. Committed offsets may be left.
    Empty,
    /// Classic: members are joining.
    PreparingRebalance,
    /// Classic: all have joined, the leader's assignment is awaited.
    CompletingRebalance,
    /// KIP-848: the coordinator computes an assignment.
    Assigning,
    /// KIP-848: members give up and take over partitions.
    Reconciling,
    /// Each member holds what it shall hold.
    Stable,
    /// The group is being removed.
    Dead,
    /// A word that is not known here.
    Unknown(String),
}

impl GroupState {
    /// Nothing is moving.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        *self == Self::Stable
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Unknown(word) => word,
        })
    }
}

/// Who assigns partitions in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum GroupProtocol {
    /// `group.protocol=classic`: a member does. Kafka does not tell the generation of such a group.
    Classic,
    /// `group.protocol=consumer` (KIP-848): the coordinator does.
    Consumer {
        /// Rises when members or subscriptions change.
        epoch: i32,
        /// The epoch of the target assignment; it follows the other one.
        assignment_epoch: i32,
    },
}

/// A consumer group at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConsumerGroup {
    /// `group.id`.
    pub id: String,
    /// What it is doing.
    pub state: GroupState,
    /// Who assigns.
    pub protocol: GroupProtocol,
    /// The assignor that was chosen, by the name that the clients or the coordinator have for it, such as
    /// `cooperative-sticky` or `uniform`; `None` while none is.
    pub assignor: Option<String>,
    /// Its members, by member id.
    pub members: Vec<GroupMember>,
    /// The release of its coordinator; `None` where the requests that it knows are those of no release that is known here.
    #[cfg_attr(feature = "serde", serde(default))]
    pub coordinator: Option<CoordinatorRelease>,
}

/// Which release of Kafka a coordinator runs, where that decides who gets what in a KIP-848 group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum CoordinatorRelease {
    /// 4.0.0, or one before it that had such groups for trial: `uniform` gives the one partition too many to the first
    /// members in order.
    Before4_0_1,
    /// 4.0.1 to 4.2: it goes to who holds it.
    Since4_0_1,
    /// 4.3 or later: besides, the coordinator waits between assignments (`group.consumer.assignment.interval.ms`).
    Since4_3,
}

impl ConsumerGroup {
    /// Every topic that a member subscribes to by name, holds, or shall hold.
    #[must_use]
    pub fn topics(&self) -> BTreeSet<String> {
        self.members.iter().flat_map(GroupMember::topics).map(str::to_owned).collect()
    }
}

/// One consumer of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupMember {
    /// Its member id. Fixed while it lives; assignors sort by it.
    pub id: String,
    /// Its place in the list of members as Kafka gives it, from 0: the order of the coordinator's hash table, which decides
    /// where Java's rules can't tell two members apart.
    #[cfg_attr(feature = "serde", serde(default))]
    pub listed: u32,
    /// `client.id`; many members may share one.
    pub client_id: String,
    /// The address from which the broker sees it, without a port. Not the pod's behind a mesh or NAT.
    pub host: String,
    /// `group.instance.id`, of a static member.
    pub instance_id: Option<String>,
    /// `client.rack`.
    pub rack: Option<String>,
    /// The protocol that this member speaks; a KIP-848 group that is being migrated has members of both. `None`: not told.
    pub protocol: Option<MemberProtocol>,
    /// KIP-848: the epoch of what it holds.
    pub epoch: Option<i32>,
    /// What it subscribes to; `None` while the group does not tell.
    pub subscription: Option<Subscription>,
    /// What it holds, in the order in which Kafka gives it; `None` while the group does not tell.
    pub assigned: Option<Vec<TopicPartition>>,
    /// KIP-848: what it shall hold.
    pub target: Option<Vec<TopicPartition>>,
    /// Classic: what it said of itself when it last joined, which is before it got what it holds now.
    pub joined_with: Option<JoinedWith>,
}

impl GroupMember {
    /// A member of this id, of which nothing else is told.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            listed: 0,
            client_id: String::new(),
            host: String::new(),
            instance_id: None,
            rack: None,
            protocol: None,
            epoch: None,
            subscription: None,
            assigned: None,
            target: None,
            joined_with: None,
        }
    }

    fn topics(&self) -> impl Iterator<Item = &str> {
        let subscribed = self.subscription.iter().flat_map(|subscription| &subscription.topics);
        let held = self.assigned.iter().chain(&self.target).flatten().map(|partition| &partition.topic);
        subscribed.chain(held).map(String::as_str)
    }
}

/// Which protocol a member speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum MemberProtocol {
    /// `group.protocol=classic`.
    Classic,
    /// `group.protocol=consumer`.
    Consumer,
}

/// Topics of a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Subscription {
    /// By name, sorted. A classic client resolves patterns by itself, so that its topics stand here too.
    pub topics: Vec<String>,
    /// KIP-848: by a pattern that the coordinator resolves (RE2).
    pub pattern: Option<String>,
}

/// What a classic member told the group's leader when it last joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JoinedWith {
    /// The generation in which it had got what it held then; `None` for one that never had any, or does not say.
    pub generation: Option<i32>,
    /// What it held then. Members of eager protocols give everything up before they join, so it is empty there.
    pub owned: Vec<TopicPartition>,
    /// How many bytes its assignor wrote for itself; `None` for none. It tells implementations of one rule apart.
    pub user_data: Option<usize>,
}

/// The answer to "the first offset at or after this time".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OffsetAt {
    /// The first record whose time stamp is not earlier.
    First {
        /// Its offset.
        offset: u64,
        /// Its time stamp, by the producer's clock or the broker's.
        timestamp: Option<Timestamp>,
    },
    /// No record at or after that time: the partition is quiet since.
    NothingSince,
}

/// The offsets of one partition. All of them were read, or there is [`Unread`] in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PartitionOffsets {
    /// The first offset that is still there.
    pub log_start: u64,
    /// The offset that the next record will get (high watermark).
    pub end: u64,
    /// One answer for each earlier time that was asked for, in that order.
    pub earlier: Vec<OffsetAt>,
    /// What the group has committed; `None`: it has no offset there.
    pub committed: Option<u64>,
}

impl PartitionOffsets {
    /// Messages since the earlier time of this index, by offsets; `None` when the log does not reach back to it, or the
    /// offsets contradict each other, as they do where time stamps lie. Compaction and transactions make offsets that
    /// are no messages.
    #[must_use]
    pub fn produced_since(&self, index: usize) -> Option<u64> {
        match *self.earlier.get(index)? {
            OffsetAt::NothingSince => Some(0),
            // What lay before may have been deleted, and could be of that time too.
            OffsetAt::First { offset, .. } if offset <= self.log_start && self.log_start > 0 => None,
            OffsetAt::First { offset, .. } => self.end.checked_sub(offset),
        }
    }

    /// Messages that are not consumed yet, by offsets; `None` when nothing is committed.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        Some(self.end.saturating_sub(self.committed?.max(self.log_start)))
    }
}

/// Why a partition's offsets could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Unread {
    /// It has no leader now: its brokers are down.
    NoLeader,
    /// There is no such partition (any more).
    NoSuchPartition,
    /// A broker would not say, for a reason of its own.
    Refused {
        /// Kafka's name of the error.
        error: String,
    },
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeader => f.write_str("it has no leader"),
            Self::NoSuchPartition => f.write_str("it does not exist"),
            Self::Refused { error } => write!(f, "its broker answers {error}"),
        }
    }
}

/// Offsets by partition: an entry for each partition that was asked for.
pub type GroupOffsets = BTreeMap<TopicPartition, Result<PartitionOffsets, Unread>>;

/// A topic of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id; `None` where the brokers have none. KIP-848 coordinators keep topics in its order.
    #[cfg_attr(feature = "serde", serde(default))]
    pub id: Option<TopicId>,
    /// Its partitions, by number, without a gap from 0.
    pub partitions: Vec<Partition>,
}

/// A topic's id, as two halves of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TopicId {
    /// The upper half.
    pub most: u64,
    /// The lower half.
    pub least: u64,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Partition {
    /// The broker that leads it; `None` while it has none.
    pub leader: Option<i32>,
    /// Racks of the brokers that hold it, where they have one; some assignors look at them.
    pub racks: BTreeSet<String>,
}

/// What decides whether a topic's offsets and time stamps can be taken for numbers and times of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TopicConfig {
    /// `cleanup.policy` has `compact`: offsets have gaps.
    pub compacted: bool,
    /// `message.timestamp.type`.
    pub timestamps: TimestampType,
}

/// Whose clock a record's time stamp is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TimestampType {
    /// The producer's; it may be wrong by any amount.
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

/// A partition that is being moved between brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reassignment {
    /// Which one.
    pub partition: TopicPartition,
    /// Brokers that are getting it.
    pub adding: Vec<i32>,
    /// Brokers that will no longer hold it.
    pub removing: Vec<i32>,
}

#[cfg(test)]
mod tests;
