//! Kafka as the only source of loads: the built binary, a real broker, and real consumers in pods.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use crate::harness::check::{Findings, check};
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::promising;
use crate::harness::metrics::Server;
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::wait;

const PODS: usize = 5;

/// A fleet whose loads are uneven, and its consumers.
async fn running(launch: Launch) -> (Fleet, PodConsumers) {
    let topic = Broker::shared().await.name("orders");
    let mut fleet = Fleet::named("consumer").aged().start().await;
    let flows = [Flow::log_normal(&topic, 15, 1.0, 4).hot(3, 8)];
    let consumers = PodConsumers::launch(&mut fleet, launch, &flows, PODS).await;
    consumers.settled(&fleet).await;
    (fleet, consumers)
}

/// Without a metric server.
fn rebalancer(fleet: &Fleet, servers: &str, group: &str) -> Rebalancer {
    let alone = fleet.rebalancer("").env("KAFKA_BOOTSTRAP_SERVERS", servers);
    alone.env("KAFKA_GROUP_ID", group)
}

fn of_group((fleet, consumers): &(Fleet, PodConsumers)) -> Rebalancer {
    rebalancer(fleet, &consumers.broker.bootstrap(), &consumers.group)
}

/// The one line of this event.
#[track_caller]
fn line(run: &Run, event: &str) -> Value {
    let found = run.log().into_iter().find(|line| line["event"] == event);
    found.unwrap_or_else(|| panic!("no {event} in {run:#?}"))
}

async fn checked(fleet: &Fleet, consumers: &PodConsumers, group: &str) -> Findings {
    check(rebalancer(fleet, &consumers.broker.bootstrap(), group)).await.0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_check_finds_the_group_and_its_members_in_the_pods_and_a_plan_predicts() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Uniform] {
        let (fleet, consumers) = promising(async || running(Launch::of(protocol)).await, of_group).await;
        let findings = checked(&fleet, &consumers, &consumers.group).await;
        assert!(findings.errors().is_empty(), "{findings:#?}");
        findings
            .expect("ok", "kafka", &["is Stable", "members: 5", "partitions: 15", "production_rate"])
            .expect("ok", "kafka_members", &["all 5 members run in 5 pods", "host"])
            .lacks("metric_server")
            .lacks("samples");

        let plan = rebalancer(&fleet, &consumers.broker.bootstrap(), &consumers.group);
        let plan = plan.args(&["plan", "--output", "json"]).run().await;
        let document: Value = serde_json::from_str(&plan.stdout).unwrap_or_else(|_| panic!("{plan:?}"));
        let predicted = &document["decision"]["rotate"]["expectation"]["predicted"];
        let assignor = json!({"assignor": protocol.assignor().name(), "source": "told"});
        assert_eq!(predicted["assignor"], assignor, "{document:#}");
    }
}

/// Its containers are told their brokers and their group as many are; the pods that come by it are there and Ready.
async fn told_by_environment(fleet: &Fleet, variables: &Value) {
    let wanted = i32::try_from(PODS).unwrap();
    let mut container = fleet.template().pod_spec()["containers"][0].clone();
    container["env"] = variables.clone();
    fleet.patch_workload(json!({"spec": {"template": {"spec": {"containers": [container]}}}})).await;
    wait::until("the rollout", async || {
        let deployment = fleet.api::<Deployment>().get(fleet.name()).await.unwrap();
        let status = deployment.status.unwrap_or_default();
        let counts = [status.replicas, status.updated_replicas, status.available_replicas];
        let is_seen = status.observed_generation == deployment.metadata.generation;
        let done = is_seen && counts.iter().all(|count| *count == Some(wanted));
        if done { Ok(()) } else { Err(format!("{counts:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_plan_needs_only_a_name_where_the_workload_tells_brokers_and_group() {
    let (fleet, consumers) = running(Launch::of(Protocol::CooperativeSticky)).await;
    let (servers, group) = (consumers.broker.bootstrap(), &consumers.group);
    told_by_environment(
        &fleet,
        &json!([{"name": "KAFKA_BROKERS", "value": format!("PLAINTEXT://{servers}")},
        {"name": "CONSUMER_GROUP", "value": group}]),
    )
    .await;
    consumers.settled(&fleet).await;
    let person = Rebalancer::new().env("MINIMUM_POD_AGE", "0s").env("PERSISTENCE_WINDOWS", "1");
    let person = person.env("RECORD_STORE", "none").kubeconfig(&fleet.dir.path().join(ACCOUNT));
    let named = ["plan", "deploy/consumer", "-n", &fleet.namespace, "--output", "json"];
    let run = person.args(&named).run().await.expect_exit(0);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let seen = (&document["group"]["id"], &document["group"]["members"]);
    assert_eq!(seen, (&json!(group), &json!(PODS)), "{document:#}");
    let read: Vec<_> = run.log_with(&["\"setting_read\""]).iter().map(|line| line["value"].clone()).collect();
    assert_eq!(read, ["app=consumer", "consumer", servers.as_str(), group.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_cycle_rotates_by_what_kafka_tells_and_says_what_it_cost() {
    let running = async || running(Launch::of(Protocol::CooperativeSticky)).await;
    let (fleet, consumers) = promising(running, of_group).await;
    let run = rebalancer(&fleet, &consumers.broker.bootstrap(), &consumers.group).run().await;
    assert_eq!(run.exit_code, 0, "{run:?}");
    assert_eq!(line(&run, "cycle_finished")["status"], "rebalanced", "{run:?}");
    let usage = line(&run, "kafka_usage");
    assert!(usage["requests"].as_u64().unwrap() >= 6, "{usage}");
    assert_eq!(line(&run, "metrics_usage")["queries"], 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_group_that_is_misspelt_and_servers_that_are_down_are_told_and_nothing_is_removed() {
    let (fleet, consumers) = running(Launch::of(Protocol::Range)).await;
    let misspelt = consumers.group.replace("orders", "oders");
    let findings = checked(&fleet, &consumers, &misspelt).await;
    findings.expect("error", "kafka_group_missing", &[&consumers.group]);

    let before = fleet.pods().await;
    for (servers, group) in
        [(consumers.broker.bootstrap().as_str(), misspelt.as_str()), ("127.0.0.1:1", "orders")]
    {
        let run = rebalancer(&fleet, servers, group).env("KAFKA_TIMEOUT", "2s").run().await;
        assert_ne!(line(&run, "cycle_finished")["status"], "rebalanced", "{run:?}");
    }
    let uids = |pods: &Pods| pods.0.iter().map(|pod| pod.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&fleet.pods().await), uids(&before));
}

/// What Kafka adds to a plan that has a metric server already. `REBALANCER_BINARY` says which build is measured.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn kafka_beside_a_metric_server_costs_a_plan_a_few_mebibytes() {
    let (fleet, consumers) = running(Launch::of(Protocol::CooperativeSticky)).await;
    let (pods, _) = consumers.settled(&fleet).await;
    let loads = pods.0.iter().zip([1.2, 0.9, 0.7, 0.5, 0.3]);
    let history = loads.fold(fleet.requests(&pods), |history, (pod, cores)| history.cpu(&pod.name, cores));
    let metrics = history.serve(Server::Prometheus).await;
    let mut peaks = [u64::MAX; 2];
    for _ in 0..5 {
        let plan = fleet.rebalancer(&metrics).args(&["plan"]);
        let without = plan.run().await.expect_exit(0);
        let plan = fleet.rebalancer(&metrics).args(&["plan"]);
        let servers = plan.env("KAFKA_BOOTSTRAP_SERVERS", consumers.broker.bootstrap());
        let with = servers.env("KAFKA_GROUP_ID", &consumers.group).run().await.expect_exit(0);
        assert!(with.words().contains("5 by host"), "the group was read: {}", with.stdout);
        for (peak, run) in peaks.iter_mut().zip([without, with]) {
            *peak = run.peak_memory.min(*peak);
        }
    }
    let [without, with] = peaks.map(|bytes| bytes as f64 / f64::from(1 << 20));
    eprintln!("peak resident memory of a plan: {without:.1} MiB, with Kafka {with:.1} MiB");
    assert!(with < without + 8.0, "{with:.1} MiB with Kafka, {without:.1} without");
}
