//! What a cycle costs on real servers, against the floor: the same questions by a plain client that asks all of them at
//! once, on connections of its own, and reads nothing of the answers. Both in turns, so that a busy machine slows down both.
//!
//! `COST_PODS` (1000) and `COST_ROUNDS` (7) say how large; `REBALANCER_BINARY` which builds are measured, several with a
//! colon between them. docs/performance.md has the command and the figures.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::ACCEPT;
use serde_json::Value;

use crate::harness::fixture::SELECTOR;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::{Run, cpu_time};

/// Of one way to ask, over all rounds.
#[derive(Debug, Default)]
struct Measured {
    wall: Vec<Duration>,
    /// Of the API server and of the metric server.
    servers: Vec<[Duration; 2]>,
    own: Vec<Duration>,
    requests: usize,
    bytes: u64,
    peak: u64,
}

pub(super) fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn median<T: Ord + Copy>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn cpu(id: u32) -> Duration {
    cpu_time(id).expect("the server runs")
}

/// The process that listens on this port.
fn listening(port: u16) -> u32 {
    let wanted = format!(":{port:04X}");
    let table = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default());
    let socket = table.iter().flat_map(|table| table.lines()).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[1].ends_with(&wanted) && fields[3] == "0A").then(|| format!("socket:[{}]", fields[9]))
    });
    let socket = socket.expect("somebody listens");
    let ids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let holds = |id: &u32| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link.to_str() == Some(&socket))
    };
    ids.into_iter().find(holds).expect("the server's process")
}

/// The questions of a run, and how they are best asked.
struct Floor {
    api: String,
    token: String,
    authority: reqwest::Certificate,
    objects: Vec<String>,
    pods: String,
    labels: String,
    metrics: String,
    queries: Vec<String>,
}

impl Floor {
    async fn of(fleet: &Fleet, metrics: &MetricServer, run: &Run) -> Self {
        let selector = run.log_with(&["metrics_query"]);
        let text = |line: &Value| line["promql"].as_str().map(str::to_owned);
        let paths = |line: &Value| line["path"].as_str().map(str::to_owned);
        let asked = run.log_with(&["\"event\":\"kubernetes_request\"", "\"verb\":\"GET\""]);
        let pods = format!("/api/v1/namespaces/{}/pods", fleet.namespace);
        let mut objects: Vec<String> = asked.iter().filter_map(paths).filter(|path| *path != pods).collect();
        objects.sort_unstable();
        objects.dedup();
        objects.retain(|path| !path.starts_with(&format!("{pods}/")));
        Self {
            api: fleet.plane.url.clone(),
            token: fleet.token.clone(),
            authority: reqwest::Certificate::from_pem(&fleet.plane.certificate_authority()).unwrap(),
            objects,
            pods,
            labels: SELECTOR.replace('=', "%3D"),
            metrics: metrics.as_ref().to_owned(),
            queries: selector.iter().filter_map(text).collect(),
        }
    }

    fn client(&self) -> reqwest::Client {
        let client =
            reqwest::Client::builder().no_proxy().http1_only().tls_certs_only([self.authority.clone()]);
        client.build().unwrap()
    }

    /// Gives how many bytes came.
    async fn ask(&self, protobuf: bool) -> (usize, u64) {
        let client = self.client();
        let get = async |path: String, accept: &'static str| {
            let request =
                client.get(format!("{}{path}", self.api)).bearer_auth(&self.token).header(ACCEPT, accept);
            request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap().len() as u64
        };
        let query = async |promql: &String| {
            let form = BTreeMap::from([("query", promql.as_str())]);
            let request = client.post(format!("{}/api/v1/query", self.metrics)).form(&form);
            request.send().await.unwrap().bytes().await.unwrap().len() as u64
        };
        let accept = if protobuf { "application/vnd.kubernetes.protobuf" } else { "application/json" };
        let objects = self.objects.iter().map(|path| get(path.clone(), "application/json"));
        let pods = get(format!("{}?labelSelector={}&resourceVersion=0", self.pods, self.labels), accept);
        let (objects, pods, queries) =
            tokio::join!(join_all(objects), pods, join_all(self.queries.iter().map(query)));
        let bytes = objects.iter().chain(&queries).sum::<u64>() + pods;
        (objects.len() + queries.len() + 1, bytes)
    }
}

/// What a run asked, and how much came.
fn asked(run: &Run) -> (usize, u64) {
    let kubernetes = run.log_with(&["\"event\":\"kubernetes_request\""]);
    let metrics = run.log_with(&["\"event\":\"metrics_answer\""]);
    let bytes = |lines: &[Value]| lines.iter().filter_map(|line| line["bytes"].as_u64()).sum::<u64>();
    (kubernetes.len() + metrics.len(), bytes(&kubernetes) + bytes(&metrics))
}

#[tokio::test]
#[ignore]
async fn cost_of_a_cycle_against_the_floor() {
    let pods = number("COST_PODS", 1_000);
    let mut cores: Vec<f64> = (0..pods).map(|index| 0.3 + (index * 7 % 60) as f64 / 100.0).collect();
    (cores[0], cores[1]) = (2.0, 1.9);
    let fleet = Fleet::named("cost").cpu(&cores).hpa(70).pod_spec(like_real_ones()).start().await;
    let history = fleet.history(&fleet.settled().await).every(60);
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        one_server(&fleet, pods, server, &metrics).await;
    }
    eprintln!(
        "\nconsistent lists of pods, by the API server's watch cache:\n{}",
        from_the_cache(&fleet).await
    );
    fleet.disband().await;
}

/// Where lists without `resourceVersion` were answered from: `success="true"` is the watch cache, as new as etcd.
async fn from_the_cache(fleet: &Fleet) -> String {
    let request = axum::http::Request::get("/metrics").body(Vec::new()).unwrap();
    let text = fleet.client.request_text(request).await.unwrap();
    let counter = r#"apiserver_watch_cache_consistent_read_total{"#;
    let of_pods = |line: &&str| line.starts_with(counter) && line.contains(r#"resource="pods""#);
    text.lines().filter(of_pods).collect::<Vec<_>>().join("\n")
}

async fn one_server(fleet: &Fleet, pods: usize, server: Server, metrics: &MetricServer) {
    let api = listening(fleet.plane.url.rsplit_once(':').unwrap().1.parse().unwrap());
    let meter = listening(metrics.as_ref().rsplit_once(':').unwrap().1.parse().unwrap());
    let binaries = env::var("REBALANCER_BINARY").unwrap_or_default();
    let settings = [("DRY_RUN", "true"), ("CYCLE_TIMEOUT", "5m"), ("KUBE_TIMEOUT", "2m")];
    let command = |binary: &str, name: &str| {
        let command = fleet.rebalancer(metrics).envs(&settings).args(&[name]);
        if binary.is_empty() { command } else { command.binary(binary) }
    };
    let first = binaries.split(':').next().unwrap_or_default();
    let told = command(first, "run").env("LOG_LEVEL", "debug").run().await.expect_exit(0);
    let floor = Floor::of(fleet, metrics, &told).await;
    let mut all: BTreeMap<String, Measured> = BTreeMap::new();
    for _ in 0..number("COST_ROUNDS", 7) {
        for (name, protobuf) in [("floor, protobuf", true), ("floor, JSON", false)] {
            let before = [cpu(api), cpu(meter)];
            let started = Instant::now();
            let (requests, bytes) = floor.ask(protobuf).await;
            let measured = all.entry(name.to_owned()).or_default();
            measured.wall.push(started.elapsed());
            measured.servers.push([cpu(api) - before[0], cpu(meter) - before[1]]);
            (measured.requests, measured.bytes) = (requests, bytes);
        }
        for binary in binaries.split(':') {
            for name in ["plan", "run"] {
                let before = [cpu(api), cpu(meter)];
                let run = command(binary, name).run().await.expect_exit(0);
                let measured = all.entry(format!("{name} {binary}")).or_default();
                measured.wall.push(run.elapsed);
                measured.own.push(run.cpu);
                measured.servers.push([cpu(api) - before[0], cpu(meter) - before[1]]);
                measured.peak = measured.peak.max(run.peak_memory);
            }
        }
    }
    for binary in binaries.split(':') {
        for name in ["plan", "run"] {
            let told = command(binary, name).env("LOG_LEVEL", "debug").run().await.expect_exit(0);
            let measured = all.entry(format!("{name} {binary}")).or_default();
            (measured.requests, measured.bytes) = asked(&told);
        }
    }
    show(pods, server, &all);
    if env::var_os("COST_REQUESTS").is_some() {
        each_request(
            &command(binaries.rsplit(':').next().unwrap_or_default(), "run")
                .env("LOG_LEVEL", "debug")
                .run()
                .await,
        );
    }
}

/// What each request took, as the program's own log has it.
fn each_request(run: &Run) {
    for line in run.log() {
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let about = field("path") + &field("query");
        let (bytes, seconds) = (&line["bytes"], &line["seconds"]);
        eprintln!(
            "{} {} {} {about} {bytes} bytes {seconds} s",
            line["timestamp"],
            field("event"),
            field("verb")
        );
    }
}

fn show(pods: usize, server: Server, all: &BTreeMap<String, Measured>) {
    let floor = median(&all["floor, protobuf"].wall).as_secs_f64();
    eprintln!("\n{pods} pods, {server:?}, medians:");
    eprintln!(
        "| what | wall, ms | times the floor | requests | MB | own CPU, ms | API server's CPU, ms | metric server's | peak MiB |"
    );
    eprintln!("|---|---|---|---|---|---|---|---|---|");
    for (name, measured) in all {
        let wall = median(&measured.wall).as_secs_f64();
        let of = |server: usize| {
            let all: Vec<Duration> = measured.servers.iter().map(|cpu| cpu[server]).collect();
            median(&all).as_millis()
        };
        let own = if measured.own.is_empty() { 0 } else { median(&measured.own).as_millis() };
        eprintln!(
            "| {name} | {:.0} | {:.2} | {} | {:.1} | {own} | {} | {} | {:.1} |",
            wall * 1e3,
            wall / floor,
            measured.requests,
            measured.bytes as f64 / 1e6,
            of(0),
            of(1),
            measured.peak as f64 / f64::from(1 << 20),
        );
    }
}

/// Some variables, mounts and probes, as pods in production have them: 14 kB of JSON with what the server adds.
pub(super) fn like_real_ones() -> Value {
    let variables: Vec<Value> = (0..40)
        .map(|number| serde_json::json!({"name": format!("CONSUMER_SETTING_{number}"), "value": format!("some value of the setting number {number}")}))
        .collect();
    let setup = serde_json::json!({"name": "setup", "image": "registry.invalid/setup:1", "env": variables});
    serde_json::json!({"initContainers": [setup]})
}
