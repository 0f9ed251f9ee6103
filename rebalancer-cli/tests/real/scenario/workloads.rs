//! Several workloads in one run: what one comes to is nothing to the others.

use axum::http::Method;
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::{Value, json};

use crate::harness::broken::{Broken, Fault};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::proxy::Gate;
use crate::harness::pushed::Pushgateway;
use crate::harness::rebalancer::{Rebalancer, Run};

const NOBODY: [usize; 0] = [];

/// Two fleets that are out of balance, each in a namespace and with a metric server of its own.
struct Both {
    first: Fleet,
    second: Fleet,
    before: [Pods; 2],
    metrics: [MetricServer; 2],
}

impl Both {
    async fn start(first: &str, second: &str) -> Self {
        let first = Fleet::named(first).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let second = Fleet::named(second).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = [first.settled().await, second.settled().await];
        let metrics = [
            first.history(&before[0]).serve(Server::Prometheus).await,
            second.history(&before[1]).serve(Server::VictoriaMetrics).await,
        ];
        Self { first, second, before, metrics }
    }

    /// The first fleet's account may do in the second's namespace what deploy/ grants for the second.
    async fn with_one_account(self) -> Self {
        let Fleet { client, namespace, .. } = &self.second;
        let rules = fixture::granted(self.second.name());
        fixture::grant(client, namespace, "both", &rules, (&self.first.namespace, ACCOUNT)).await;
        self
    }

    /// A run of both, as the first fleet's account. These are the endpoints of their metric servers.
    fn rebalancer(&self, endpoints: [&str; 2]) -> Rebalancer {
        let entry = |fleet: &Fleet, endpoint: &str| {
            json!({
                "KUBE_NAMESPACE": fleet.namespace,
                "DEPLOYMENT_NAME": fleet.name(),
                "PROMETHEUS_ENDPOINT": endpoint,
                "MINIMUM_PODS_REQUIRED": FOUR_MAY_GO[0].1,
            })
        };
        let workloads = [entry(&self.first, endpoints[0]), entry(&self.second, endpoints[1])];
        let file = self.first.file("workloads.yaml");
        std::fs::write(&file, json!({"workloads": workloads}).to_string()).unwrap();
        self.first.rebalancer("").env("WORKLOADS_FILE", file.display().to_string())
    }

    fn endpoints(&self) -> [&str; 2] {
        [self.metrics[0].as_ref(), self.metrics[1].as_ref()]
    }

    /// Which pods of each fleet went.
    async fn gone(&self) -> [Vec<usize>; 2] {
        [self.first.gone(&self.before[0]).await, self.second.gone(&self.before[1]).await]
    }

    /// How the cycle of each ended, in the log's order: namespace and status.
    fn ends(&self, run: &Run) -> Vec<(&'static str, String)> {
        let ends = run.log_with(&["cycle_finished"]);
        let whose = |line: &Value| {
            if line["namespace"] == self.first.namespace.as_str() { "first" } else { "second" }
        };
        ends.iter().map(|line| (whose(line), line["status"].as_str().unwrap().to_owned())).collect()
    }
}

/// These numbers of the run's last line.
fn counted(run: &Run, names: &[&str]) -> Vec<i64> {
    let last = run.log().pop().unwrap();
    assert_eq!(last["event"], "run_finished", "{}", run.stderr);
    names.iter().map(|&name| last[name].as_i64().unwrap()).collect()
}

#[tokio::test]
#[ignore]
async fn two_fleets_are_rotated_in_one_run_each_by_a_cycle_of_its_own() {
    let both = Both::start("orders", "payments").await.with_one_account().await;
    let gateway = Pushgateway::start().await;
    let rebalancer = both.rebalancer(both.endpoints()).env("METRICS_PUSH_URL", &gateway.url);
    let run = rebalancer.env("RECORD_STORE", "lease").run().await.expect_exit(0);
    assert_eq!(both.gone().await, [[0, 1, 4, 5], [0, 1, 4, 5]]);
    let series = gateway.series().await;
    for Fleet { namespace, setup, .. } in [&both.first, &both.second] {
        let group = format!(r#"namespace="{namespace}",role="hot",workload="{}""#, setup.name);
        let hot = series.iter().find(|(series, _)| series.contains(&group)).map(|(_, value)| *value);
        assert_eq!(hot, Some(2.0), "each has a group of its own: {series:#?}");
    }
    assert_eq!(both.ends(&run), [("first", "rebalanced".into()), ("second", "rebalanced".into())]);
    assert_eq!(counted(&run, &["workloads", "rebalanced", "failed"]), [2, 2, 0]);
    let ids: Vec<Value> =
        run.log_with(&["cycle_finished"]).iter().map(|line| line["cycle_id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
    for fleet in [&both.first, &both.second] {
        let lease = format!("pod-rebalancer-{}", fleet.name());
        fleet.api::<Lease>().get(&lease).await.expect("each has a Lease of its own");
    }
    eprintln!("two fleets in one run: {:?}", run.elapsed);
}

#[tokio::test]
#[ignore]
async fn a_fleet_whose_metrics_cannot_be_read_does_not_stop_the_next_one() {
    let both = Both::start("unmeasured", "measured").await.with_one_account().await;
    let broken = Broken::start(Fault::Status(404)).await;
    let run = both.rebalancer([&broken.url, both.endpoints()[1]]).run().await.expect_exit(1);
    assert_eq!(both.gone().await, [NOBODY.to_vec(), vec![0, 1, 4, 5]]);
    assert_eq!(both.ends(&run), [("first", "failed".into()), ("second", "rebalanced".into())]);
    assert_eq!(counted(&run, &["workloads", "rebalanced", "failed"]), [2, 1, 1]);
}

#[tokio::test]
#[ignore]
async fn a_fleet_whose_rights_are_missing_does_not_undo_the_one_before() {
    let both = Both::start("granted", "forbidden").await;
    let run = both.rebalancer(both.endpoints()).run().await.expect_exit(1);
    assert_eq!(both.gone().await, [vec![0, 1, 4, 5], NOBODY.to_vec()]);
    assert_eq!(both.ends(&run), [("first", "rebalanced".into()), ("second", "failed".into())]);
    assert_eq!(counted(&run, &["workloads", "rebalanced", "failed"]), [2, 1, 1]);
    assert!(run.stderr.contains("grant the verb 'list' on 'poddisruptionbudgets.policy'"), "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn sigterm_finishes_the_removal_in_hand_and_begins_no_other_workload() {
    let both = Both::start("in-hand", "not-begun").await.with_one_account().await;
    let (proxy, gate) = Gate::before(both.first.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = both.first.kubeconfig_through(&proxy);
    let running = both.rebalancer(both.endpoints()).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    running.terminate().await;
    gate.open();
    let run = running.finish().await.expect_exit(1);
    assert_eq!(both.gone().await, [vec![0], NOBODY.to_vec()]);
    assert_eq!(both.ends(&run), [("first", "failed".into())]);
    assert_eq!(run.log_with(&["not_begun", &both.second.namespace]).len(), 1, "{}", run.stderr);
    assert_eq!(counted(&run, &["workloads", "failed", "not_begun"]), [2, 1, 1]);
}

#[tokio::test]
#[ignore]
async fn plans_of_several_fleets_are_a_line_of_json_each() {
    let both = Both::start("planned", "planned-too").await.with_one_account().await;
    let run =
        both.rebalancer(both.endpoints()).args(&["plan", "--output", "json"]).run().await.expect_exit(0);
    let plans: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whose: Vec<&Value> = plans.iter().map(|plan| &plan["workload"]["namespace"]).collect();
    assert_eq!(whose, [both.first.namespace.as_str(), both.second.namespace.as_str()]);
    assert_eq!(both.gone().await, [NOBODY, NOBODY]);
}
