//! One workload in two clusters, each a control plane of its own: one process handles both, and what happens to one cluster is
//! nothing to the other.

use serde_json::{Value, json};

use super::serve::{QUICK, WATCHES};
use crate::harness::control_plane::ControlPlane;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::pushed::Pushgateway;
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::serving::Serving;
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

/// A fleet out of balance, in a cluster of its own.
struct Cluster {
    name: &'static str,
    fleet: Fleet,
    before: Pods,
    metrics: MetricServer,
}

impl Cluster {
    async fn start(name: &'static str) -> Self {
        let plane = ControlPlane::own().await;
        let setup = Fleet::named("orders").cpu(&WORKED_EXAMPLE).hpa(70).in_namespace("default");
        let fleet = setup.start_on(plane).await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
        Self { name, fleet, before, metrics }
    }

    /// An entry of the file, by which this cluster's own account acts.
    fn entry(&self) -> Value {
        json!({
            "DEPLOYMENT_NAME": "orders",
            "KUBECONFIG": self.fleet.file(ACCOUNT),
            "CLUSTER_NAME": self.name,
            "PROMETHEUS_ENDPOINT": self.metrics.as_ref(),
        })
    }

    async fn gone(&self) -> Vec<usize> {
        self.fleet.gone(&self.before).await
    }
}

/// A process with these entries, and the first fleet's surroundings.
fn over(clusters: &[Cluster; 2], entries: &[Value]) -> Rebalancer {
    let fleet = &clusters[0].fleet;
    let file = fleet.file("workloads.yaml");
    std::fs::write(&file, json!({"workloads": entries}).to_string()).unwrap();
    let rebalancer = fleet.rebalancer("").without("DEPLOYMENT_NAME").without("PROMETHEUS_ENDPOINT");
    rebalancer.env("WORKLOADS_FILE", file.display().to_string()).envs(&FOUR_MAY_GO)
}

/// How each cluster's cycle ended, by the clusters' names.
fn ends(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let finished = run.log_with(&["cycle_finished"]);
    let mut ends: Vec<_> =
        finished.iter().map(|line| (text(&line["cluster"]), text(&line["status"]))).collect();
    ends.sort();
    ends
}

fn both(eu: &str, us: &str) -> Vec<(String, String)> {
    vec![("eu".into(), eu.into()), ("us".into(), us.into())]
}

#[tokio::test]
#[ignore]
async fn one_workload_in_two_clusters_is_two_of_which_each_is_handled_whatever_becomes_of_the_other() {
    let clusters = [Cluster::start("eu").await, Cluster::start("us").await];
    let [eu, us] = &clusters;
    let entries = [us.entry(), eu.entry()];
    let short = [("KUBE_TIMEOUT", "2s"), ("CYCLE_TIMEOUT", "10s")];

    // A context that is not there.
    let mut wrong = us.entry();
    wrong["KUBE_CONTEXT"] = json!("nowhere");
    let tried = over(&clusters, &[wrong, eu.entry()]).env("DRY_RUN", "true").run().await;
    assert_eq!(tried.exit_code, 2, "{}", tried.stderr);
    assert_eq!(ends(&tried), [("eu".to_owned(), "dry_run".to_owned())], "{}", tried.stderr);
    let told = tried.log_with(&["configuration_error", "nowhere"]);
    assert_eq!((&told[0]["cluster"], &told[0]["workload"]), (&json!("us"), &json!("orders")));
    assert_eq!(tried.log().pop().unwrap()["failed"], 1, "{}", tried.stderr);

    // An API server that is away.
    us.fleet.plane.stop_api_server().await;
    let down = over(&clusters, &entries).envs(&short).env("DRY_RUN", "true").run().await.expect_exit(1);
    assert_eq!(ends(&down), both("dry_run", "failed"), "{}", down.stderr);
    us.fleet.plane.restart_api_server().await;
    us.fleet.settled().await;
    assert_eq!([eu.gone().await, us.gone().await], [NOBODY, NOBODY]);

    // Plans come in the order of the file, and say where they are.
    let planned = over(&clusters, &entries).args(&["plan", "--output", "json"]).run().await.expect_exit(0);
    let plans = planned.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let whose: Vec<Value> = plans.map(|plan| plan["cluster"].clone()).collect();
    assert_eq!(whose, ["us", "eu"]);

    let gateway = Pushgateway::start().await;
    let run = over(&clusters, &entries).env("METRICS_PUSH_URL", &gateway.url);
    let run = run.env("RECORD_STORE", "lease").run().await.expect_exit(0);
    assert_eq!(ends(&run), both("rebalanced", "rebalanced"));
    assert_eq!([eu.gone().await, us.gone().await], [[0, 1, 4, 5], [0, 1, 4, 5]]);
    let lines = run.log();
    let of_cycles = lines.iter().filter(|line| line["name"] == "cycle");
    assert!(of_cycles.clone().count() > 10 && of_cycles.clone().all(|line| line["cluster"].is_string()));
    let series = gateway.series().await;
    for name in ["eu", "us"] {
        let of = format!(r#"cluster="{name}""#);
        let hot = series.iter().find(|(series, _)| {
            series.starts_with("rebalancer_pods_deleted_total{")
                && series.contains(&of)
                && series.contains(r#"role="hot""#)
        });
        assert_eq!(hot.map(|(_, value)| *value), Some(2.0), "each has a group of its own: {series:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_process_that_stays_serves_two_clusters_and_goes_on_with_one_when_the_other_is_away() {
    let clusters = [Cluster::start("eu").await, Cluster::start("us").await];
    for Cluster { fleet: Fleet { client, namespace, .. }, .. } in &clusters {
        let rules = fixture::rules(&WATCHES);
        fixture::grant(client, namespace, "watches", &rules, (namespace, ACCOUNT)).await;
    }
    let [eu, us] = &clusters;
    let rebalancer = over(&clusters, &[eu.entry(), us.entry()]).args(&["serve"]);
    let rebalancer = rebalancer.envs(&QUICK).env("DRY_RUN", "true");
    let mut serving = Serving::start(rebalancer.env("CYCLE_TIMEOUT", "5s")).await;
    let ended = |cluster: &str, status: &str| {
        let cycles = serving.events("cycle_finished").into_iter();
        cycles.filter(|line| line["cluster"] == cluster && line["status"] == status).count()
    };
    wait::until("both are served", async || match (ended("eu", "dry_run"), ended("us", "dry_run")) {
        (1.., 1..) => Ok(()),
        _ => Err(format!("{:#?}", serving.log())),
    })
    .await;
    let (_, metrics) = serving.get("/metrics").await;
    for cluster in ["eu", "us"] {
        let series = format!(r#"rebalancer_pods{{cluster="{cluster}",namespace="default",workload="orders""#);
        assert!(metrics.contains(&series), "{series} in\n{metrics}");
    }

    us.fleet.plane.stop_api_server().await;
    wait::until("the one that is away fails", async || match ended("us", "failed") + ended("us", "held") {
        0 => Err(format!("{:#?}", serving.log())),
        _ => Ok(()),
    })
    .await;
    let until_now = ended("eu", "dry_run");
    wait::until("the other goes on", async || match ended("eu", "dry_run") {
        cycles if cycles >= until_now + 3 => Ok(()),
        cycles => Err(format!("{cycles} cycles")),
    })
    .await;
    assert_eq!(ended("eu", "failed") + ended("eu", "held"), 0, "{:#?}", serving.log());
    assert_eq!(serving.terminated().await, 0, "{:#?}", serving.log());
}
