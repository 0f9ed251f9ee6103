//! Several workloads in one run, each with a Kafka of its own.

use serde_json::{Value, json};

use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::pods::Launch;
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::{World, promising};
use crate::harness::rebalancer::Run;
use crate::scenario::kafka_failing::world_at;

fn entry(world: &World) -> Value {
    json!({
        "KUBE_NAMESPACE": world.fleet.namespace,
        "DEPLOYMENT_NAME": world.fleet.name(),
        "KAFKA_BOOTSTRAP_SERVERS": world.consumers.broker.bootstrap(),
        "KAFKA_GROUP_ID": world.consumers.group,
    })
}

/// The first fleet's account may do in the second's namespace what deploy/ grants.
async fn grant(worlds: &[World; 2]) {
    let [first, Fleet { client, namespace, .. }] = [&worlds[0].fleet, &worlds[1].fleet];
    let rules = fixture::granted(worlds[1].fleet.name());
    fixture::grant(client, namespace, "both", &rules, (&first.namespace, ACCOUNT)).await;
}

/// A run of both, as the first fleet's account.
async fn run(worlds: &[World; 2]) -> Run {
    let first = &worlds[0].fleet;
    let file = first.file("workloads.yaml");
    std::fs::write(&file, json!({"workloads": worlds.each_ref().map(entry)}).to_string()).unwrap();
    let common = worlds[0].rebalancer().without("KAFKA_BOOTSTRAP_SERVERS").without("KAFKA_GROUP_ID");
    common.env("KAFKA_TIMEOUT", "3s").env("WORKLOADS_FILE", file.display().to_string()).run().await
}

/// How the cycle of each ended.
fn ends(run: &Run) -> Vec<Value> {
    run.log_with(&["\"event\":\"cycle_finished\""]).into_iter().map(|line| line["status"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn each_workload_asks_the_kafka_of_its_own_and_one_that_is_down_does_not_stop_the_other() {
    let (shared, failing) = (Broker::shared().await, Broker::another().await);
    let world = async |broker, name| {
        let world = async || world_at(broker, name, Launch::of(Protocol::CooperativeSticky)).await;
        promising(world, World::rebalancer).await
    };
    let worlds = [world(failing, "several").await, world(shared, "several-too").await];
    grant(&worlds).await;
    let both = run(&worlds).await.expect_exit(0);
    assert_eq!(ends(&both), [json!("rebalanced"), json!("rebalanced")], "{}", both.stderr);
    for World { fleet, consumers, pods, .. } in &worlds {
        assert!(!fleet.gone(pods).await.is_empty(), "{}", both.stderr);
        let words = [format!("\"group\":\"{}\"", consumers.group), fleet.namespace.clone()];
        let told = both.log_with(&["\"event\":\"group\"", &words[0], &words[1]]);
        assert_eq!(told.len(), 1, "{}", both.stderr);
    }

    let before = worlds[0].fleet.settled().await;
    worlds[1].consumers.settled(&worlds[1].fleet).await;
    failing.fail();
    let one = run(&worlds).await.expect_exit(1);
    let ends = ends(&one);
    assert_eq!(ends[0], json!("failed"), "{}", one.stderr);
    assert!(ends[1] != json!("failed") && ends.len() == 2, "{}", one.stderr);
    assert!(worlds[0].fleet.gone(&before).await.is_empty());
}
