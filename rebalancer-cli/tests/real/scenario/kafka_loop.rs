//! The closed loop: the binary reads a real group, predicts and evicts; its pods' consumers leave, their replacements join;
//! and what came is set beside what was predicted.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::{self, Flow};
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::Protocol;

const PODS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn closed_loop() {
    let protocol = Protocol::CooperativeSticky;
    let mut fleet = Fleet::named("loop").start().await;
    let broker = Broker::shared().await;
    let flows = [
        Flow::log_normal(&broker.name("orders"), 17, 1.0, 7).hot(3, 3),
        Flow::log_normal(&broker.name("payments"), 9, 1.0, 8),
    ];
    let launch = Launch::of(protocol).start_up(Duration::from_secs(4));
    let consumers = PodConsumers::launch(&mut fleet, launch, &flows, PODS).await;
    let (pods, before) = consumers.settled(&fleet).await;
    let run = fleet
        .rebalancer_without_metrics()
        .env("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap())
        .env("KAFKA_GROUP_ID", &consumers.group)
        .env("METRICS_TIME_WINDOW", "20m")
        .env("INDICATORS", "production_rate")
        .env("PRODUCTION_RATE_VARIANCE_THRESHOLD", "0.1")
        .env("DRY_RUN", "false")
        .run()
        .await;
    eprintln!("{}\n{}", run.stdout, run.stderr);
    let gone: BTreeSet<String> =
        fleet.gone(&pods).await.into_iter().map(|i| pods.0[i].name.clone()).collect();
    let loads = loads::measured(&consumers.source).await;
    let (_, after) = consumers.settled_without(&fleet, &gone).await;
    eprintln!("{gone:?} {:?} {:?}", before.loads(&loads), after.loads(&loads));
}
