//! Offsets now, at earlier times, and as they were committed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::consumer_group::{
    GroupOffsets, OffsetAt, Partition, PartitionOffsets, TimestampType, Topic, TopicConfig, TopicPartition,
    Unread,
};
use rebalancer_core::port::GroupSource;
use rebalancer_kafka::KafkaGroupSource;

use crate::broker::Listener;
use crate::fleet::Fleet;
use crate::wait;

fn one<'a>(offsets: &'a GroupOffsets, topic: &str, partition: u32) -> &'a PartitionOffsets {
    offsets[&TopicPartition::new(topic, partition)].as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn what_was_produced_and_committed_is_read_and_quiet_partitions_are_known_to_be_quiet() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 3, "").await;
    let group = fleet.name("group");
    fleet.order(&format!("add c0 {group} {topic} cooperative-sticky")).await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    let (described, _) = fleet.settled(&source, 1).await;
    fleet.order(&format!("produce {topic} 0 10")).await;
    fleet.order(&format!("produce {topic} 1 4")).await;
    fleet.order(&format!("commit c0 {topic} 0 3")).await;
    let topics = source.topics(&described.topics()).await.unwrap();
    // Records of the same millisecond as the time would count as later.
    let between = later_than_now().await;
    fleet.order(&format!("produce {topic} 0 5")).await;

    let before = between - SignedDuration::from_hours(1);
    let started = std::time::Instant::now();
    let offsets = source.offsets(&topics, &[between, before]).await.unwrap();
    assert!(
        started.elapsed().as_secs() < 5,
        "-1 is an answer, not a reason to wait: {:?}",
        started.elapsed()
    );
    assert_eq!(offsets.len(), 3);

    let busy = one(&offsets, &topic, 0);
    assert_eq!((busy.log_start, busy.end, busy.committed), (0, 15, Some(3)));
    assert!(matches!(busy.earlier[0], OffsetAt::First { offset: 10, timestamp: Some(at) } if at >= between));
    assert_eq!((busy.produced_since(0), busy.produced_since(1), busy.lag()), (Some(5), Some(15), Some(12)));

    let fell_quiet = one(&offsets, &topic, 1);
    assert_eq!(fell_quiet.earlier[0], OffsetAt::NothingSince);
    assert_eq!((fell_quiet.produced_since(0), fell_quiet.produced_since(1)), (Some(0), Some(4)));
    assert_eq!((fell_quiet.committed, fell_quiet.lag()), (None, None), "nothing committed is not zero");

    let never_used = one(&offsets, &topic, 2);
    assert_eq!((never_used.end, &never_used.earlier[..]), (0, &[OffsetAt::NothingSince; 2][..]));
    assert_eq!(source.errors().retries, 0);
}

async fn later_than_now() -> Timestamp {
    let now = Timestamp::now().as_millisecond();
    wait::until("the next millisecond", async || {
        let later = Timestamp::now().as_millisecond();
        (later > now + 1).then(|| Timestamp::from_millisecond(later).unwrap())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn topics_are_described_and_those_that_are_not_there_are_neither_made_nor_told() {
    let mut fleet = Fleet::start().await;
    let compacted = fleet
        .topic("a-compacted", 1, "cleanup.policy=compact,delete message.timestamp.type=LogAppendTime")
        .await;
    let plain = fleet.topic("b-plain", 2, "").await;
    let absent = fleet.name("absent");
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, "g"));
    let names = BTreeSet::from([compacted.clone(), plain.clone(), absent.clone()]);
    // The broker makes topics that are asked for, where the question allows it: ask twice.
    for _ in 0..2 {
        // A topic that was just made is known to the broker a moment later.
        let topics = wait::until("both topics", async || {
            let topics = source.topics(&names).await.unwrap();
            (topics.len() == 2).then_some(topics)
        })
        .await;
        let partition = || Partition { leader: Some(1), racks: BTreeSet::from(["rack-a".to_owned()]) };
        let expected = [(&compacted, 1), (&plain, 2)].map(|(name, count)| Topic {
            name: name.clone(),
            id: None,
            partitions: (0..count).map(|_| partition()).collect(),
        });
        let ids: BTreeSet<_> = topics.iter().map(|topic| topic.id.unwrap()).collect();
        assert_eq!(ids.len(), 2, "each topic has an id of its own");
        let topics = topics.into_iter().map(|topic| Topic { id: None, ..topic });
        assert_eq!(topics.collect::<Vec<_>>(), expected);
    }
    let config = |compacted, timestamps| Ok(TopicConfig { compacted, timestamps });
    assert_eq!(
        source.topic_configs(&names).await.unwrap(),
        BTreeMap::from([
            (compacted, config(true, TimestampType::LogAppendTime)),
            (plain, config(false, TimestampType::CreateTime)),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_partition_that_is_not_there_and_one_without_a_leader_say_so() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 1, "").await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, "g"));
    let partition = |leader| Partition { leader, racks: BTreeSet::new() };
    let topics = [
        Topic { name: topic.clone(), id: None, partitions: vec![partition(Some(1)), partition(Some(1))] },
        Topic { name: "never-made".to_owned(), id: None, partitions: vec![partition(None)] },
    ];
    let offsets = source.offsets(&topics, &[]).await.unwrap();
    assert_eq!(one(&offsets, &topic, 0).end, 0);
    assert_eq!(offsets[&TopicPartition::new(&topic, 1)], Err(Unread::NoSuchPartition));
    assert_eq!(offsets[&TopicPartition::new("never-made", 0)], Err(Unread::NoLeader));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn no_partition_is_being_moved_in_a_cluster_of_one_broker() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 2, "").await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, "g"));
    let topics = source.topics(&BTreeSet::from([topic])).await.unwrap();
    assert_eq!(source.reassignments(&topics).await.unwrap(), Ok(Vec::new()));
}
