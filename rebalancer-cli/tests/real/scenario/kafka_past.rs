//! Several readings in a row, from offsets at earlier times: an imbalance that lasts is acted on, one of this window is not.

use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::Clients;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::{Client, Protocol};
use crate::harness::kafka::world::{eager, promising};
use crate::harness::rebalancer::{Rebalancer, Run};

const PODS: usize = 6;
const PARTITIONS: usize = 12;
/// So many of them get more than the others.
const HOT: usize = 3;
const USUAL: u32 = 1200;
/// Seconds of one reading; records reach back over several.
const WINDOW: usize = 300;

/// A fleet with its consumers; records by partition came evenly over the last twenty minutes.
async fn fleet(name: &str, records: Vec<u32>) -> (Fleet, PodConsumers, String) {
    let topic = Broker::shared().await.name("orders");
    let mut fleet = Fleet::named(name).aged().start().await;
    let flow = Flow { topic: topic.clone(), records };
    let launch = Launch::of(Protocol::CooperativeSticky);
    let consumers = PodConsumers::launch(&mut fleet, launch, &[flow], PODS).await;
    (fleet, consumers, topic)
}

/// As many records once more in the first partitions, within the last window.
async fn spike(topic: &str) {
    let counts = (0..PARTITIONS).map(|partition| if partition < HOT { USUAL } else { 0 }.to_string());
    let counts: Vec<String> = counts.collect();
    let java = Clients::shared(Client::Java).await;
    java.order(format!("past {topic} {WINDOW} {}", counts.join(","))).await;
}

fn rebalancer((fleet, consumers, _): &(Fleet, PodConsumers, String)) -> Rebalancer {
    eager(fleet, consumers)
        .env("METRICS_TIME_WINDOW", format!("{WINDOW}s"))
        .env("PERSISTENCE_WINDOWS", "3")
        .env("PERSISTENCE_REQUIRED", "3")
}

fn decision(run: &Run) -> Value {
    run.log_with(&["\"event\":\"decision\""]).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn an_imbalance_that_was_there_in_earlier_windows_is_acted_on() {
    let lasting = async || {
        let made = fleet("lasting", Flow::log_normal("", 26, 1.0, 7).hot(3, 3).records).await;
        made.1.settled(&made.0).await;
        made
    };
    let lasting = promising(lasting, rebalancer).await;
    let (fleet, consumers, _) = &lasting;
    let (pods, _) = consumers.settled(fleet).await;
    let run = rebalancer(&lasting).run().await.expect_exit(0);
    assert_eq!(decision(&run)["decision"], json!("rotate"), "{}", run.stderr);
    assert!(!fleet.gone(&pods).await.is_empty(), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn an_imbalance_of_this_window_alone_is_none_yet() {
    let passing = fleet("passing", vec![USUAL; PARTITIONS]).await;
    let (fleet, consumers, topic) = &passing;
    spike(topic).await;
    let (pods, _) = consumers.settled(fleet).await;
    let run = rebalancer(&passing).run().await.expect_exit(0);
    assert_eq!(decision(&run)["decision"], json!("not_persistent"), "{}", run.stderr);
    assert!(run.stderr.contains("in 1 of the last 3 readings, 3 are required"), "{}", run.stderr);
    assert!(fleet.gone(&pods).await.is_empty(), "{}", run.stderr);
}
