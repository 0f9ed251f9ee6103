//! Every query of the Grafana dashboard, asked of real metric servers that have scraped what real runs pushed.
//!
//! With `DASHBOARD_DATA=FILE` the story takes eight minutes, and what Prometheus answers goes into that file, for
//! deploy/grafana/picture.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::harness::consumers::{Consumers, PARTITION_LOAD_QUERY};
use crate::harness::dashboard::{Asked, Query, dashboard, filled, queries};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::monitor::{Monitor, Span};
use crate::harness::proxy::{Pass, Proxy};
use crate::harness::pushed::Pushgateway;
use crate::harness::rebalancer::Run;
use crate::harness::wait;

const PODS: [f64; 8] = [0.0; 8];
const NAME: &str = "orders";
/// The shortest window of rates that there is.
const WINDOW: &str = "10s";
/// Nobody listens there.
const NO_SERVER: [(&str, &str); 2] =
    [("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"), ("PROMETHEUS_TIMEOUT", "500ms")];
/// Knows the load of three pods.
const TOO_FEW: (&str, &str) = (
    "CPU_QUERY",
    r#"max by (pod) (consumer_partition_flow{namespace="{{namespace}}", partition=~"0|9|18"}) / 250"#,
);
/// Is no load by pod.
const NO_LOAD: (&str, &str) = ("MEMORY_QUERY", "count by (topic) (consumer_partition_flow)");
/// What only runs show that ask Kafka: here its queries need only be right.
const KAFKA: [&str; 2] = ["Consumer group: predicted and after", "Consumer group: time to rest"];
const REFUSAL: &str = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "reason": "TooManyRequests", "message": "Cannot evict pod as it would violate the pod's disruption budget.", "details": {"causes": [{"reason": "DisruptionBudget", "message": "none is left"}]}}"#;
const FAILURE: &str = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError", "message": "it is broken"}"#;

/// A fleet with live loads, and what watches it.
struct Story {
    /// CLUSTER_NAME; empty: none is set.
    cluster: &'static str,
    fleet: Fleet,
    consumers: Consumers,
    gateway: Pushgateway,
    monitors: [Monitor; 2],
    began: f64,
}

impl Story {
    async fn begin(cluster: &'static str) -> Self {
        let fleet = Fleet::named(NAME).cpu(&PODS).start().await;
        let consumers = Consumers::start(&fleet.namespace, NAME, &names(&fleet).await).await;
        let gateway = Pushgateway::start().await;
        let targets = [consumers.target.as_str(), gateway.url.trim_start_matches("http://")];
        let monitors = [
            Monitor::start(Server::Prometheus, &targets).await,
            Monitor::start(Server::VictoriaMetrics, &targets).await,
        ];
        let story = Self { cluster, fleet, consumers, gateway, monitors, began: now() };
        story.loads_are_known().await;
        story
    }

    /// One run, with memory, that pushes its metrics.
    async fn run(&self, variables: &[(&str, &str)]) -> Run {
        let settings = [
            ("RECORD_STORE", "lease"),
            ("MAXIMUM_REMOVAL_SHARE", "0.5"),
            ("MAXIMUM_YOUNG_SHARE", "1"),
            ("METRICS_TIME_WINDOW", WINDOW),
            ("SETTLE_TIME", "12s"),
            ("REMOVAL_BUDGET_PODS", "40"),
            ("BREAKER_FAILED_CYCLES", "6"),
            ("BREAKER_FIRST_PAUSE", "40s"),
            ("PARTITION_LOAD_QUERY", PARTITION_LOAD_QUERY),
            ("KAFKA_ASSIGNOR", "cooperative-sticky"),
            ("METRICS_PUSH_URL", self.gateway.url.as_str()),
            ("METRICS_PER_POD", "true"),
        ];
        let began = now();
        let rebalancer = self.fleet.rebalancer(&self.monitors[0]).envs(&settings).envs(variables);
        let named =
            if self.cluster.is_empty() { rebalancer } else { rebalancer.env("CLUSTER_NAME", self.cluster) };
        let run = named.run().await;
        self.scraped_since(began).await;
        run
    }

    /// Waits until both servers show what a run has pushed that began at this time.
    async fn scraped_since(&self, began: f64) {
        let pushed = format!("max(rebalancer_last_run_timestamp_seconds) > {began}");
        for monitor in &self.monitors {
            wait::until("the push to be scraped", async || {
                let shown = monitor.range(&pushed, self.span(1.0)).await;
                if shown.is_empty() { Err(format!("{:?}", monitor.server)) } else { Ok(()) }
            })
            .await;
        }
    }

    /// A run whose requests for an eviction are all answered like this.
    async fn run_answered(&self, status: u16, body: &'static str) -> Run {
        let proxy = Proxy::start(self.fleet.plane, move |method, path| async move {
            let evicts = method == Method::POST && path.ends_with("/eviction");
            if evicts { Pass::Answer(status, body.to_owned()) } else { Pass::Forward }
        })
        .await;
        let kubeconfig = self.fleet.kubeconfig_through(&proxy);
        self.run(&[("KUBECONFIG", &kubeconfig.display().to_string())]).await
    }

    /// The group follows the pods that there are, once they are Ready, and their loads are known.
    async fn rebalanced(&self) {
        self.consumers.members(&names(&self.fleet).await);
        self.loads_are_known().await;
    }

    async fn loads_are_known(&self) {
        let query = filled(&cpu_query(), &self.values());
        let pods: BTreeSet<String> = names(&self.fleet).await.into_iter().collect();
        for monitor in &self.monitors {
            wait::until("the loads of all pods", async || {
                let known: BTreeSet<String> = monitor.instant(&query).await.iter().map(pod_of).collect();
                if pods.is_subset(&known) { Ok(()) } else { Err(format!("{known:?}")) }
            })
            .await;
        }
    }

    /// What Grafana would fill in.
    fn values(&self) -> [(&str, &str); 7] {
        [
            // What "All" stands for: also for no cluster at all.
            ("cluster", if self.cluster.is_empty() { ".*" } else { self.cluster }),
            ("namespace", &self.fleet.namespace),
            ("workload", NAME),
            ("container", NAME),
            ("indicator", "cpu"),
            ("window", WINDOW),
            ("__rate_interval", "15s"),
        ]
    }

    fn span(&self, step: f64) -> Span {
        Span { from: self.began, to: now(), step }
    }

    /// What a server answers: series, or values of a label.
    async fn answer(&self, monitor: &Monitor, query: &Query, span: Span) -> Vec<Value> {
        let expr = filled(&query.expr, &self.values());
        match &query.asked {
            Asked::Instant => monitor.instant(&expr).await,
            Asked::Range => monitor.range(&expr, span).await,
            Asked::LabelValues(label) => {
                let values = monitor.label_values(&expr, label, span).await;
                values.into_iter().map(|value| json!({"metric": {label: value}})).collect()
            }
        }
    }

    /// Everything that a panel shows, once.
    async fn short(&self) {
        self.run(&NO_SERVER).await.expect_exit(1);
        self.run_answered(429, REFUSAL).await.expect_exit(0);
        self.run_answered(500, FAILURE).await.expect_exit(1);
        self.run(&[TOO_FEW]).await.expect_exit(0);
        self.run(&[NO_LOAD]).await.expect_exit(0);
        self.rebalanced().await;
        let measured = wait::until("the rotation to be measured", async || {
            let run = self.run(&[]).await.expect_exit(0);
            run.log_with(&["rotation_measured"]).pop().ok_or(run.stderr)
        })
        .await;
        assert_eq!(measured["effect"], "helped", "{measured}");
    }

    /// Eight minutes with a run every five seconds, in which loads move twice, and servers fail.
    async fn long(&self) {
        let mut turns = interval(Duration::from_secs(5));
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 0..100 {
            turns.tick().await;
            self.consumers.members(&names(&self.fleet).await);
            match turn {
                0..6 => drop(self.run(&[("DRY_RUN", "true")]).await),
                36 | 80 => self.consumers.skew(),
                37 => drop(self.run_answered(429, REFUSAL).await),
                55..61 => drop(self.run(&NO_SERVER).await),
                81 => drop(self.run_answered(500, FAILURE).await),
                90 => drop(self.run(&[NO_LOAD]).await),
                91 => drop(self.run(&[TOO_FEW]).await),
                _ => drop(self.run(&[]).await),
            }
        }
    }

    /// What Prometheus answers, for a picture.
    async fn write(&self, file: &str) {
        let mut answers: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let span = self.span(1.0);
        for query in queries(&dashboard()) {
            let series = self.answer(&self.monitors[0], &query, span).await;
            answers.entry(query.of).or_default().push(json!({"expr": query.expr, "series": series}));
        }
        let data = json!({"from": span.from, "to": span.to, "answers": answers});
        std::fs::write(file, data.to_string()).unwrap();
    }
}

#[tokio::test]
#[ignore]
async fn every_query_of_the_dashboard_shows_what_real_runs_have_pushed() {
    let story = Story::begin("").await;
    match std::env::var("DASHBOARD_DATA") {
        Ok(file) => {
            story.long().await;
            story.write(&file).await;
        }
        Err(_) => story.short().await,
    }
    everything_is_shown(&story).await;
}

#[tokio::test]
#[ignore]
async fn a_cluster_that_has_a_name_is_shown_by_it() {
    let story = Story::begin("eu").await;
    story.short().await;
    everything_is_shown(&story).await;
}

async fn everything_is_shown(story: &Story) {
    // The two servers scrape in their own time.
    for query in queries(&dashboard()) {
        wait::until("both servers to show the same", async || {
            let [prometheus, victoria_metrics] = &story.monitors;
            let span = story.span(1.0);
            let one = shown(&query, &story.answer(prometheus, &query, span).await)?;
            let other = shown(&query, &story.answer(victoria_metrics, &query, span).await)?;
            let unnamed = story.cluster.is_empty() && query.of == "cluster";
            if one.is_empty() != (unnamed || KAFKA.contains(&query.of.as_str())) {
                return Err(format!("nothing to show: {query:?}"));
            }
            let own = query.expr.contains("rebalancer_");
            let named = one.iter().all(|labels| labels.contains(story.cluster));
            assert!(!own || matches!(query.asked, Asked::LabelValues(_)) || named, "{query:?}: {one:?}");
            if one == other { Ok(()) } else { Err(format!("{query:?}: {one:?}, {other:?}")) }
        })
        .await;
    }
}

/// The labels of what is shown: each of it has a number.
fn shown(query: &Query, series: &[Value]) -> Result<BTreeSet<String>, String> {
    if !matches!(query.asked, Asked::LabelValues(_)) && !series.iter().all(has_a_number) {
        return Err(format!("no number: {query:?}: {series:?}"));
    }
    Ok(series.iter().map(|series| series["metric"].to_string()).collect())
}

fn has_a_number(series: &Value) -> bool {
    let values = series["values"].as_array().into_iter().flatten();
    let mut values = values.chain(series.get("value"));
    values.any(|pair| pair[1].as_str().unwrap().parse::<f64>().unwrap().is_finite())
}

fn cpu_query() -> String {
    let mut all = queries(&dashboard()).into_iter();
    all.find(|query| query.of.starts_with("CPU of each pod")).unwrap().expr
}

fn pod_of(series: &Value) -> String {
    series["metric"]["pod"].as_str().unwrap().to_owned()
}

async fn names(fleet: &Fleet) -> Vec<String> {
    fleet.settled().await.0.into_iter().map(|pod| pod.name).collect()
}

fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}
