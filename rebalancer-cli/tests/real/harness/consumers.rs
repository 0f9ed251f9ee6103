//! A consumer group whose pods' loads follow who holds which partition, told live: CPU as cAdvisor tells it, and the
//! flow of each partition as a client's exporter does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The query for what flows into the partitions.
pub(crate) const PARTITION_LOAD_QUERY: &str =
    r#"max by (pod, topic, partition) (consumer_partition_flow{namespace="{{namespace}}"})"#;
/// Partitions a pod holds.
const EACH: usize = 4;
/// Cores that a usual partition costs, one of a busy pod, and one of an idle pod.
const USUAL: f64 = 0.15;
const BUSY: f64 = 0.35;
const IDLE: f64 = 0.04;
/// Pods that are busy, and as many that are idle.
const ODD: usize = 2;

/// The running exporter; ends when dropped.
#[derive(Debug)]
pub(crate) struct Consumers {
    /// Its host and port.
    pub(crate) target: String,
    group: Arc<Mutex<Group>>,
    task: JoinHandle<()>,
}

impl Drop for Consumers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Consumers {
    /// A group of these pods, of which the first are busy and the last are idle.
    pub(crate) async fn start(namespace: &str, workload: &str, pods: &[String]) -> Self {
        let group = Arc::new(Mutex::new(Group::new(namespace, workload, pods)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let told = Arc::clone(&group);
        let router = Router::new().route(
            "/metrics",
            get(move || {
                let text = told.lock().unwrap().exposition();
                async move { text }
            }),
        );
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { target, group, task }
    }

    /// The group has these members now; who stays keeps what it has.
    pub(crate) fn members(&self, pods: &[String]) {
        self.group.lock().unwrap().members(pods);
    }

    /// From now on, what the first pods hold is busy, and what the last ones hold is idle.
    pub(crate) fn skew(&self) {
        self.group.lock().unwrap().skew();
    }
}

#[derive(Debug)]
struct Group {
    namespace: String,
    workload: String,
    /// Cores by partition.
    flow: Vec<f64>,
    /// Partitions by pod.
    held: BTreeMap<String, Vec<usize>>,
    /// CPU seconds by pod.
    used: BTreeMap<String, f64>,
    since: Instant,
}

impl Group {
    fn new(namespace: &str, workload: &str, pods: &[String]) -> Self {
        // In ranges, so that partitions of different pods mix when they are dealt out anew.
        let range = |index| (index * EACH..(index + 1) * EACH).collect();
        let held = pods.iter().enumerate().map(|(index, pod)| (pod.clone(), range(index))).collect();
        let (namespace, workload) = (namespace.to_owned(), workload.to_owned());
        let flow = vec![USUAL; pods.len() * EACH];
        let mut group =
            Self { namespace, workload, flow, held, used: BTreeMap::new(), since: Instant::now() };
        group.skew();
        group
    }

    /// As the sticky assignors do: those who stay take what was left behind, and give to those who come.
    fn members(&mut self, pods: &[String]) {
        self.pass_time();
        self.held.retain(|pod, _| pods.contains(pod));
        for partition in 0..self.flow.len() {
            let is_held = self.held.values().flatten().any(|&held| held == partition);
            if !is_held && let Some(poorest) = self.held.values_mut().min_by_key(|held| held.len()) {
                poorest.push(partition);
            }
        }
        for pod in pods.iter().filter(|pod| !self.held.contains_key(*pod)).collect::<Vec<_>>() {
            self.held.insert(pod.clone(), Vec::new());
            while self.held[pod].len() < EACH {
                let richest = self.held.values_mut().max_by_key(|held| held.len()).unwrap();
                let given = richest.remove(0);
                self.held.get_mut(pod).unwrap().push(given);
            }
        }
    }

    fn skew(&mut self) {
        self.pass_time();
        let pods: Vec<Vec<usize>> = self.held.values().cloned().collect();
        for (index, held) in pods.iter().enumerate() {
            let cores = match (index < ODD, index + ODD >= pods.len()) {
                (true, _) => BUSY,
                (false, true) => IDLE,
                (false, false) => USUAL,
            };
            held.iter().for_each(|&partition| self.flow[partition] = cores);
        }
    }

    fn pass_time(&mut self) {
        let passed = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        for (pod, held) in &self.held {
            let cores: f64 = held.iter().map(|&partition| self.flow[partition]).sum();
            *self.used.entry(pod.clone()).or_default() += cores * passed;
        }
    }

    fn exposition(&mut self) -> String {
        self.pass_time();
        let mut text = String::new();
        for (pod, held) in &self.held {
            let of = format!("namespace={:?},pod={pod:?},container={:?}", self.namespace, self.workload);
            let used = self.used[pod];
            writeln!(text, "container_cpu_usage_seconds_total{{{of},cpu=\"total\"}} {used}").unwrap();
            let requests = "kube_pod_container_resource_requests";
            writeln!(text, "{requests}{{{of},resource=\"cpu\",unit=\"core\"}} 1").unwrap();
            for &partition in held {
                let flow = self.flow[partition] * 1000.0;
                let of = format!("{of},topic=\"orders\",partition=\"{partition}\"");
                writeln!(text, "consumer_partition_flow{{{of}}} {flow}").unwrap();
            }
        }
        text
    }
}
