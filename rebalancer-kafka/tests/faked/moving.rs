//! Leaders, coordinators and controllers that move, are busy, silent or gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rebalancer_core::fleet::consumer_group::{GroupState, TopicPartition, Unread};
use rebalancer_core::port::{GroupError, GroupSource, Misconfiguration};
use rebalancer_kafka::KafkaGroupSource;

use crate::brokers::{Shared, TOPIC, World, brokers, settings, source};

const LIST_OFFSETS: i16 = 2;
const FIND_COORDINATOR: i16 = 10;
const DESCRIBE_GROUPS: i16 = 15;

async fn ends(source: &KafkaGroupSource) -> Vec<Result<u64, Unread>> {
    let topics = source.topics(&BTreeSet::from([TOPIC.to_owned()])).await.unwrap();
    let offsets = source.offsets(&topics, &[]).await.unwrap();
    offsets.into_values().map(|offsets| offsets.map(|offsets| offsets.end)).collect()
}

fn asked(world: &Shared, key: i16) -> usize {
    world.lock().unwrap().asked.iter().filter(|(_, asked)| *asked == key).count()
}

#[tokio::test]
async fn each_leader_is_asked_for_its_partitions_alone() {
    let world = brokers(3).await;
    assert_eq!(ends(&source(&world)).await, [Ok(100), Ok(100), Ok(100)]);
    assert_eq!(asked(&world, LIST_OFFSETS), 6, "start and end at three leaders");
}

#[tokio::test]
async fn a_leader_that_has_moved_is_found() {
    let world = brokers(3).await;
    world.lock().unwrap().really.insert(0, 2);
    assert_eq!(ends(&source(&world)).await, [Ok(100), Ok(100), Ok(100)]);
}

#[tokio::test]
async fn a_partition_without_a_leader_does_not_hide_the_others() {
    let world = brokers(2).await;
    world.lock().unwrap().leaders[1] = -1;
    assert_eq!(ends(&source(&world)).await, [Ok(100), Err(Unread::NoLeader)]);
}

#[tokio::test]
async fn an_error_that_says_nothing_of_leaders_is_told_by_its_name() {
    let world = brokers(1).await;
    world.lock().unwrap().errors.insert(LIST_OFFSETS, vec![43]);
    let error = "UNSUPPORTED_FOR_MESSAGE_FORMAT".to_owned();
    assert_eq!(ends(&source(&world)).await, [Err(Unread::Refused { error })]);
}

#[tokio::test]
async fn an_answer_that_leaves_a_partition_out_is_not_used() {
    let world = brokers(1).await;
    let source = source(&world);
    let topics = source.topics(&BTreeSet::from([TOPIC.to_owned()])).await.unwrap();
    let partition = TopicPartition::new(TOPIC, 0).to_string();
    let of_leader = |world: &mut World| world.left_out = Some(0);
    let of_coordinator = |world: &mut World| (world.left_out, world.left_out_committed) = (None, Some(0));
    for leave_out in [of_leader as fn(&mut World), of_coordinator] {
        leave_out(&mut world.lock().unwrap());
        let error = source.offsets(&topics, &[]).await.unwrap_err();
        assert!(
            matches!(&error, GroupError::Malformed { message } if message.contains(&partition)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_leaves_a_topic_out_does_not_say_that_there_is_none() {
    let world = brokers(1).await;
    let names = BTreeSet::from(["bills".to_owned(), TOPIC.to_owned()]);
    let error = source(&world).topics(&names).await.unwrap_err();
    assert!(matches!(&error, GroupError::Malformed { message } if message.contains("bills")), "{error}");
}

#[tokio::test]
async fn a_coordinator_that_is_loading_is_asked_again_and_counted() {
    let world = brokers(2).await;
    world.lock().unwrap().errors.insert(DESCRIBE_GROUPS, vec![14, 14]);
    let source = source(&world);
    assert_eq!(source.group().await.unwrap().state, GroupState::Empty);
    assert_eq!((source.errors().errors, source.errors().retries), (2, 2));
}

#[tokio::test]
async fn a_coordinator_that_has_moved_is_looked_for_again() {
    let world = brokers(2).await;
    let source = source(&world);
    source.group().await.unwrap();
    world.lock().unwrap().coordinator = 2;
    assert_eq!(source.group().await.unwrap().state, GroupState::Empty);
    assert_eq!(source.errors().retries, 0, "it is asked for each time");
}

#[tokio::test]
async fn what_does_not_pass_is_not_repeated() {
    let world = brokers(1).await;
    world.lock().unwrap().errors.insert(FIND_COORDINATOR, vec![30; 9]);
    assert!(matches!(source(&world).group().await, Err(GroupError::Unauthorized { .. })));
    assert_eq!(asked(&world, FIND_COORDINATOR), 1);
}

#[tokio::test]
async fn a_controller_that_has_moved_is_asked_again_where_it_is() {
    let world = brokers(2).await;
    let source = source(&world);
    world.lock().unwrap().errors.insert(46, vec![41]);
    assert_eq!(source.reassignments(&[]).await.unwrap(), Ok(Vec::new()));
    assert_eq!(source.errors().retries, 1);
}

#[tokio::test]
async fn a_silent_coordinator_takes_no_longer_than_the_deadline() {
    let world = brokers(1).await;
    world.lock().unwrap().silent.push(DESCRIBE_GROUPS);
    let limit = Duration::from_secs(2);
    let source = KafkaGroupSource::new(settings(&world).timeout(limit));
    let started = Instant::now();
    let error = source.group().await.unwrap_err();
    assert!(started.elapsed() < limit + Duration::from_millis(500), "{:?}", started.elapsed());
    assert!(matches!(error, GroupError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_made_anew() {
    let world = brokers(1).await;
    let source = source(&world);
    for _ in 0..3 {
        assert_eq!(source.group().await.unwrap().state, GroupState::Empty);
        world.lock().unwrap().hang_up.notify_waiters();
        // The brokers run on this thread: now they do what they were told.
        tokio::task::yield_now().await;
    }
    assert_eq!((source.usage().connections, source.errors().errors), (3, 0));
}

#[tokio::test]
async fn a_broker_that_is_down_is_no_mistake_in_the_settings() {
    let world = brokers(2).await;
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let source = KafkaGroupSource::new(settings(&world).timeout(Duration::from_secs(1)));
    world.lock().unwrap().addresses[1].port = dead;
    world.lock().unwrap().coordinator = 2;
    let error = source.group().await.unwrap_err();
    assert!(
        matches!(&error, GroupError::Unavailable { message } if message.contains(&dead.to_string())),
        "{error}"
    );
}

#[tokio::test]
async fn addresses_that_were_of_use_once_are_no_mistake_in_the_settings_later() {
    let world = brokers(2).await;
    world.lock().unwrap().coordinator = 2;
    let limited = || KafkaGroupSource::new(settings(&world).timeout(Duration::from_secs(1)));
    let (known, new) = (limited(), limited());
    known.group().await.unwrap();
    {
        let mut world = world.lock().unwrap();
        // Port 1 of this host: nobody listens there.
        world.addresses.iter_mut().for_each(|address| address.port = 1);
        world.hang_up.notify_waiters();
    }
    assert!(matches!(known.group().await, Err(GroupError::Unavailable { .. })), "all brokers are down");
    let problem = new.group().await.unwrap_err();
    assert!(
        matches!(problem, GroupError::Misconfigured(Misconfiguration::AdvertisedListeners { .. })),
        "{problem}"
    );
}

#[tokio::test]
async fn brokers_that_do_not_know_newer_requests_are_asked_in_older_ones() {
    let world = brokers(1).await;
    world.lock().unwrap().highest = [(2, 1), (3, 4), (9, 1), (10, 0), (15, 0), (16, 0)].into();
    let source = source(&world);
    assert_eq!(source.group().await.unwrap().state, GroupState::Empty);
    assert_eq!(ends(&source).await, [Ok(100)]);
}

#[tokio::test]
async fn a_server_that_lacks_a_request_is_named_with_it() {
    let world = brokers(1).await;
    world.lock().unwrap().highest = [(46, -1)].into();
    let address = world.lock().unwrap().addresses[0].to_string();
    let api = "ListPartitionReassignments".to_owned();
    assert_eq!(
        source(&world).reassignments(&[]).await,
        Err(GroupError::Misconfigured(Misconfiguration::Unsupported { address, api }))
    );
}
