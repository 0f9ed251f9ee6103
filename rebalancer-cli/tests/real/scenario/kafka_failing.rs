//! The broker fails while a run is at work: what has become of the group is told, and nothing is counted as done that is
//! not.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::Clients;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::{LATE, PODS, World, promising};
use crate::harness::proxy::Gate;
use crate::harness::rebalancer::Run;
use crate::harness::wait;

/// A fleet whose broker is its own.
pub(crate) async fn world_at(broker: &'static Broker, fleet: &str, launch: Launch) -> World {
    let mut fleet = Fleet::named(fleet).start().await;
    let clients = Clients::of_java(broker).await;
    let flows = [
        Flow::log_normal(&broker.name("orders"), 17, 1.0, 7).hot(3, 3),
        Flow::log_normal(&broker.name("payments"), 9, 1.0, 8),
    ];
    for flow in &flows {
        flow.make(&clients).await;
    }
    let consumers = PodConsumers::launch_at((broker, clients), &mut fleet, launch, &flows, PODS).await;
    let (pods, before) = consumers.settled(&fleet).await;
    World { fleet, consumers, pods, before }
}

fn event(run: &Run, name: &str) -> Value {
    let found = run.log_with(&[&format!("\"event\":\"{name}\"")]);
    found.into_iter().next().unwrap_or_else(|| panic!("no {name} in:\n{}", run.stderr))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_broker_that_fails_between_the_decision_and_the_first_removal_leaves_all_pods() {
    let broker = Broker::another().await;
    let world = async || world_at(broker, "before", Launch::of(Protocol::CooperativeSticky)).await;
    let world = promising(world, World::rebalancer).await;
    // The intent is written right before the first removal.
    let (proxy, gate) =
        Gate::before(world.fleet.plane, Method::PUT, "/leases/pod-rebalancer-before".to_owned()).await;
    let kubeconfig = world.fleet.kubeconfig_through(&proxy);
    let rebalancer = world.rebalancer().env("RECORD_STORE", "lease").env("KAFKA_TIMEOUT", "3s");
    let running = rebalancer.kubeconfig(&kubeconfig).start();
    gate.reached().await;
    broker.fail();
    gate.open();
    let run = running.finish().await.expect_exit(0);
    assert!(world.fleet.gone(&world.pods).await.is_empty());
    let end = event(&run, "cycle_finished");
    assert_eq!((&end["status"], &end["removed"]), (&json!("refused"), &json!(0)), "{}", run.stderr);
    assert!(run.stderr.contains("the consumer group could not be read"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_broker_that_fails_after_the_removals_is_told_and_nothing_is_said_of_the_group() {
    let broker = Broker::another().await;
    let launch = || Launch::of(Protocol::CooperativeSticky).start_up(LATE);
    let world = promising(async || world_at(broker, "after", launch()).await, World::rebalancer).await;
    let running = world.rebalancer().env("KAFKA_TIMEOUT", "3s").start();
    wait::until("a removal", async || {
        let gone = world.fleet.gone(&world.pods).await.len();
        if gone > 0 { Ok(()) } else { Err("none is gone".to_owned()) }
    })
    .await;
    broker.fail();
    let run = running.finish().await;
    let gone = world.fleet.gone(&world.pods).await.len();
    assert_eq!(event(&run, "cycle_finished")["removed"], json!(gone), "{}", run.stderr);
    assert!(run.log_with(&["\"event\":\"group_settled\""]).is_empty(), "{}", run.stderr);
    assert_eq!(event(&run, "group_unread")["level"], json!("WARN"), "{}", run.stderr);
}
