//! A cluster of two brokers, one of which is lost.

use std::collections::BTreeSet;

use rebalancer_core::fleet::consumer_group::{Reassignment, Topic, TopicPartition, Unread};
use rebalancer_core::port::{GroupError, GroupSource};
use rebalancer_kafka::KafkaGroupSource;

use crate::broker::{Broker, Listener};
use crate::fleet::Fleet;
use crate::wait;

const PARTITIONS: u32 = 6;

/// Partitions by who leads them.
fn led_by(topic: &Topic, leader: Option<i32>) -> Vec<u32> {
    let numbered = (0..).zip(&topic.partitions);
    numbered.filter(|(_, partition)| partition.leader == leader).map(|(number, _)| number).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn each_leader_is_asked_a_lost_one_is_told_and_a_partition_that_is_being_moved_too() {
    let start = || &*Box::leak(Box::new(Broker::start()));
    let broker: &'static Broker = tokio::task::spawn_blocking(start).await.unwrap();
    let mut fleet = Fleet::at(broker);
    let source = KafkaGroupSource::new(broker.settings(Listener::Plaintext, "g"));
    // The topic that holds what is committed is made before there is a broker to lose.
    wait::until("a coordinator", async || match source.group().await {
        Err(GroupError::NoSuchGroup { .. }) => Some(()),
        _ => None,
    })
    .await;
    let second = tokio::task::spawn_blocking(|| broker.second()).await.unwrap();
    let probe = fleet.name("probe");
    let names = BTreeSet::from([wait::until("a topic on both brokers", async || {
        // Partitions are spread over the brokers that are there when the topic is made.
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let topic = fleet.topic(&format!("{probe}-{number}"), PARTITIONS, "").await;
        let topics = source.topics(&BTreeSet::from([topic.clone()])).await.ok()?;
        let spread =
            |topic: &Topic| [Some(1), Some(2)].iter().all(|leader| !led_by(topic, *leader).is_empty());
        topics.first().is_some_and(spread).then_some(topic)
    })
    .await]);
    let topics = source.topics(&names).await.unwrap();
    let (here, there) = (led_by(&topics[0], Some(1)), led_by(&topics[0], Some(2)));
    let rack = |number: &u32| topics[0].partitions[usize::try_from(*number).unwrap()].racks.clone();
    assert_eq!(
        (rack(&here[0]), rack(&there[0])),
        (["rack-a".to_owned()].into(), ["rack-b".to_owned()].into())
    );

    let name = topics[0].name.clone();
    fleet.order(&format!("produce {name} {} 3", there[0])).await;
    let offsets = source.offsets(&topics, &[]).await.unwrap();
    assert_eq!(offsets.len(), usize::try_from(PARTITIONS).unwrap());
    let end = |number: u32| offsets[&TopicPartition::new(&name, number)].as_ref().unwrap().end;
    assert_eq!((end(here[0]), end(there[0])), (0, 3));

    drop(second);
    let topics = wait::until("that the loss is noticed", async || {
        let topics = source.topics(&names).await.ok()?;
        (led_by(&topics[0], None) == there).then_some(topics)
    })
    .await;
    for (partition, offsets) in source.offsets(&topics, &[]).await.unwrap() {
        let expected = if there.contains(&partition.partition) { Err(Unread::NoLeader) } else { Ok(0) };
        assert_eq!(offsets.map(|offsets| offsets.end), expected, "{partition}");
    }

    // A broker that is away can't take a partition over, so this goes on for ever.
    fleet.order(&format!("reassign {name} {} 1,2", here[0])).await;
    let partition = TopicPartition::new(&name, here[0]);
    let expected = vec![Reassignment { partition, adding: vec![2], removing: Vec::new() }];
    assert_eq!(source.reassignments(&topics).await.unwrap(), Ok(expected));
}
