//! What does a run take on a large fleet: peak memory, the time to its first request, and its whole time? The binary in
//! `REBALANCER_BINARY` makes dry runs of 4 removals against a plain HTTP server in this process, which answers as an API
//! server and a metric server do, at once and without TLS; `RUN_PODS` (`0,1000,5000,20000,50000`) says how large the fleets
//! are, `RUN_ROUNDS` (5) how often. A real control plane takes an hour to fill so far, and its own work would hide ours.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench may fail loudly"
)]

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod bodies;

/// The answers that are large, made once.
struct Fleet {
    pods: usize,
    list: Vec<u8>,
    list_type: &'static str,
    /// When the first connection came.
    first: Mutex<Option<Instant>>,
}

impl Fleet {
    fn new(pods: usize, protobuf: bool) -> Arc<Self> {
        let (list, list_type) = match protobuf {
            true => (bodies::pods_protobuf(pods), "application/vnd.kubernetes.protobuf"),
            false => (bodies::pods_json(pods), "application/json"),
        };
        Arc::new(Self { pods, list, list_type, first: Mutex::new(None) })
    }

    fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let fleet = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (fleet, stream) = (Arc::clone(&fleet), stream.unwrap());
                fleet.first.lock().unwrap().get_or_insert_with(Instant::now);
                thread::spawn(move || fleet.talk(stream));
            }
        });
        address
    }

    /// Answers what comes over one connection, until it ends.
    fn talk(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let (mut line, mut length) = (String::new(), 0_usize);
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok()?;
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let mut words = line.split(' ');
            let (method, path) = (words.next()?, words.next()?.split('?').next()?);
            self.answer(&mut stream, method, path, &String::from_utf8_lossy(&body))?;
        }
    }

    fn answer(&self, stream: &mut TcpStream, method: &str, path: &str, body: &str) -> Option<()> {
        let last = path.rsplit('/').next()?;
        if last == "pods" {
            return respond(stream, 200, self.list_type, &self.list);
        }
        let list = |kind: &str| json!({"kind": kind, "metadata": {"resourceVersion": "1"}, "items": []});
        let (code, answer) = match last {
            "query" | "query_range" => (200, self.samples(body)),
            "horizontalpodautoscalers" => (200, list("HorizontalPodAutoscalerList")),
            "poddisruptionbudgets" => (200, list("PodDisruptionBudgetList")),
            "selfsubjectreviews" => (201, json!({"status": {"userInfo": {"username": "me"}}})),
            "orders" => (200, self.deployment()),
            bodies::REPLICA_SET => (200, self.replica_set()),
            _ if method == "POST" => (201, json!({"kind": "Status", "status": "Success", "code": 201})),
            name => match name.rsplit('-').next().and_then(|number| number.parse().ok()) {
                Some(number) => (200, serde_json::from_str(&bodies::pod_json(number)).unwrap()),
                None => {
                    (404, json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}))
                }
            },
        };
        respond(stream, code, "application/json", answer.to_string().as_bytes())
    }

    fn deployment(&self) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "orders", "namespace": bodies::NAMESPACE, "uid": "deployment", "generation": 1},
            "spec": {"replicas": self.pods}, "status": self.status()})
    }

    fn replica_set(&self) -> Value {
        let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders", "uid": "deployment",
            "controller": true});
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": bodies::REPLICA_SET, "namespace": bodies::NAMESPACE, "generation": 1,
                "uid": "7a1b6a52-0000-4000-8000-000000000001", "ownerReferences": [owner]},
            "spec": {"replicas": self.pods}, "status": self.status()})
    }

    fn status(&self) -> Value {
        json!({"observedGeneration": 1, "replicas": self.pods, "readyReplicas": self.pods,
            "updatedReplicas": self.pods})
    }

    /// The same loads at whatever times are asked for: of CPU in cores, of memory in bytes.
    fn samples(&self, form: &str) -> Value {
        let field = |name: &str| {
            let found = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|text| text.parse::<f64>().ok())
        };
        let scale = if form.contains("cpu_usage") { 1.0 } else { 1e9 };
        let pods = if form.contains("cpu_usage") || form.contains("working_set") { self.pods } else { 0 };
        let load = |number: usize| (scale * (0.1 + (number * 7 % 60) as f64 / 100.0)).to_string();
        let metric = |number: usize| json!({"pod": bodies::name(number)});
        let (kind, result): (_, Vec<Value>) = match (field("start"), field("end"), field("step")) {
            (Some(start), Some(end), Some(step)) => {
                let after = |at: &f64| Some(at + step).filter(|at| *at <= end + 0.001);
                let times: Vec<f64> = std::iter::successors(Some(start), after).collect();
                let values = |number| times.iter().map(|at| json!([at, load(number)])).collect::<Vec<_>>();
                let series = |number| json!({"metric": metric(number), "values": values(number)});
                ("matrix", (0..pods).map(series).collect())
            }
            _ => {
                let at = field("time");
                let series = |number| json!({"metric": metric(number), "value": [at, load(number)]});
                ("vector", (0..pods).map(series).collect())
            }
        };
        json!({"status": "success", "data": {"resultType": kind, "result": result}})
    }
}

fn respond(stream: &mut TcpStream, code: u16, content: &str, body: &[u8]) -> Option<()> {
    let head =
        format!("HTTP/1.1 {code} OK\r\ncontent-type: {content}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

/// Of one run.
struct Taken {
    first: Duration,
    wall: Duration,
    /// KiB.
    peak: u64,
}

fn run(binary: &str, fleet: &Fleet, address: &str, folder: &std::path::Path) -> Taken {
    *fleet.first.lock().unwrap() = None;
    let began = Instant::now();
    let mut child = Command::new(binary)
        .env_clear()
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env("PROMETHEUS_ENDPOINT", address)
        .env("PROMETHEUS_PROXY", "none")
        .env("KUBE_NAMESPACE", bodies::NAMESPACE)
        .env("DEPLOYMENT_NAME", "orders")
        .env("REBALANCE_TOP_K_PODS", "2")
        .env("INDICATORS", "cpu,memory")
        .env("RECORD_STORE", "none")
        .env("DRY_RUN", "true")
        .stderr(if env::var_os("RUN_SHOW").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .unwrap();
    // The kernel's high-water mark, read until the process is gone.
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let read = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
        peak = read.unwrap_or(0).max(peak);
        thread::sleep(Duration::from_micros(300));
    }
    let wall = began.elapsed();
    let first = fleet.first.lock().unwrap().expect("it asks something");
    Taken { first: first.duration_since(began), wall, peak }
}

fn middle<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

fn main() {
    let Ok(binary) = env::var("REBALANCER_BINARY") else {
        println!("REBALANCER_BINARY says which build is measured");
        return;
    };
    let sizes = env::var("RUN_PODS").unwrap_or_else(|_| "0,1000,5000,20000,50000".to_owned());
    let rounds = env::var("RUN_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let folder = env::temp_dir().join(format!("rebalancer-run-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!(
        "{:>6} {:<9} {:>17} {:>9} {:>9}",
        "pods", "encoding", "first request, ms", "wall, ms", "peak, MiB"
    );
    for size in sizes.split(',').map(|size| size.parse().unwrap()) {
        for (encoding, protobuf) in [("protobuf", true), ("JSON", false)] {
            let fleet = Fleet::new(size, protobuf);
            let address = fleet.serve();
            let kubeconfig = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": address}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
            });
            std::fs::write(folder.join("kubeconfig"), kubeconfig.to_string()).unwrap();
            let taken: Vec<Taken> = (0..rounds).map(|_| run(&binary, &fleet, &address, &folder)).collect();
            let of = |what: fn(&Taken) -> f64| {
                middle(taken.iter().map(|taken| (what(taken) * 10.0) as u64).collect()) as f64 / 10.0
            };
            println!(
                "{size:>6} {encoding:<9} {:>17} {:>9} {:>9}",
                of(|taken| taken.first.as_secs_f64() * 1e3),
                of(|taken| taken.wall.as_secs_f64() * 1e3),
                of(|taken| taken.peak as f64 / 1024.0),
            );
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
