//! Kafka's assignment rules as pure functions: who gets which partitions, and what a removal does to that.
//!
//! Every rule is a function from a [`Group`] to one list of partitions a member. Names are Kafka's own. Racks are
//! not modeled: without `client.rack` on both sides, none of the rules looks at them.

pub mod cooperative_sticky;
pub mod librdkafka_cooperative_sticky;
pub(crate) mod plain;
pub mod range;
pub mod round_robin;
mod rule;
mod rules;
pub mod server_range;
pub mod sticky;
pub mod uniform;

pub use rule::Assignor;
pub use rules::Rules;

/// A topic of the group's subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name; rules that sort topics sort by it.
    pub name: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// The hash code of its id in the coordinator ([`uniform::topics`]), where that is known. Only `uniform` looks at it:
    /// topics that share a bucket of a hash table come, with each member, in an order of its own.
    pub hash: Option<u32>,
}

/// A partition: an index into [`Group::topics`], and the partition's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Index of its topic.
    pub topic: u32,
    /// Its number, from 0.
    pub partition: u32,
}

/// A consumer in the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its member id, which the coordinator or the client makes at random; rules sort by it.
    pub id: String,
    /// `group.instance.id`; set for static members.
    pub instance: Option<String>,
    /// Indices of the topics that it subscribes to, ascending.
    pub subscription: Vec<u32>,
    /// What it held before this rebalance, ascending; for `uniform`, in the order in which Kafka tells its target, as far
    /// as that is known.
    pub owned: Vec<TopicPartition>,
    /// The generation (epoch) in which it got what it holds; `None` for a member that never had any.
    pub generation: Option<i32>,
    /// Its place in the coordinator's list of members; where it is not known, that of all is 0; of one that joins in this
    /// very rebalance and is not in the list yet, `u32::MAX`. Of two members that Java's hash tables can't tell apart, the
    /// one that is listed first comes first.
    pub listed: u32,
}

/// What an assignor sees at a rebalance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// All topics that any member subscribes to, sorted by name.
    pub topics: Vec<Topic>,
    /// All members, in any order; the result does not depend on it.
    pub members: Vec<Member>,
}

/// Partitions of each member, parallel to [`Group::members`], each list ascending.
pub type Assignment = Vec<Vec<TopicPartition>>;
