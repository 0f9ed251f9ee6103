//! Servers that are down, and addresses that are of no use.

use std::time::{Duration, Instant};

use rebalancer_core::port::{GroupError, GroupSource, Misconfiguration};
use rebalancer_kafka::{KafkaGroupSource, Settings};

use crate::broker::{Broker, Listener};

const GROUP: &str = "nobody-has-this-group-either";

async fn broker() -> &'static Broker {
    tokio::task::spawn_blocking(Broker::shared).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn one_bootstrap_server_that_is_down_or_silent_does_no_harm() {
    let broker = broker().await;
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("127.0.0.1:{}", silent.local_addr().unwrap().port()).parse().unwrap();
    for bad in [broker.dead(), silent] {
        let settings = Settings::new([bad, broker.address(Listener::Plaintext)], GROUP).unwrap();
        let started = Instant::now();
        let source = KafkaGroupSource::new(settings);
        assert!(matches!(source.group().await, Err(GroupError::NoSuchGroup { .. })));
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert_eq!(source.errors().retries, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn without_any_server_it_is_told_within_the_deadline() {
    let broker = broker().await;
    let settings = Settings::new([broker.dead()], GROUP).unwrap().timeout(Duration::from_secs(2));
    let source = KafkaGroupSource::new(settings);
    let started = Instant::now();
    let error = source.group().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?}", started.elapsed());
    assert!(
        matches!(&error, GroupError::Unavailable { message } if message.contains(&broker.dead().to_string())),
        "{error}"
    );
    assert!(source.errors().errors > 1 && source.errors().retries > 0, "{:?}", source.errors());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn an_advertised_listener_that_cannot_be_reached_is_told_from_a_broker_that_is_down() {
    let broker = broker().await;
    let source = KafkaGroupSource::new(broker.settings(Listener::Hidden, GROUP));
    let Err(GroupError::Misconfigured(problem)) = source.group().await else { panic!("a group") };
    let Misconfiguration::AdvertisedListeners { bootstrap, unreachable } = problem else {
        panic!("{problem}")
    };
    assert_eq!(bootstrap, broker.address(Listener::Hidden).to_string());
    assert_eq!(unreachable.into_keys().collect::<Vec<_>>(), [broker.dead().to_string()]);
}
