//! Metrics of a process that is gone: counters rise over runs, and what can't be sent harms nothing.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use tokio::io::AsyncWriteExt as _;

use crate::harness::assets;
use crate::harness::broken::{Broken, Fault};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{History, Server};
use crate::harness::proxy::Gate;
use crate::harness::pushed::Pushgateway;
use crate::harness::rebalancer::Run;
use crate::harness::wait;

/// With memory and without patience: each run may rotate.
const RESTLESS: [(&str, &str); 5] = [
    FOUR_MAY_GO[0],
    ("RECORD_STORE", "lease"),
    ("SETTLE_TIME", "1s"),
    ("REMOVAL_BUDGET_PODS", "none"),
    ("BREAKER_UNHELPFUL_ROTATIONS", "1000"),
];
const RUNS: usize = 10;
const NOBODY: [usize; 0] = [];

fn removed(run: &Run) -> u64 {
    run.log_with(&["cycle_finished"])[0]["removed"].as_u64().expect("a number")
}

/// The value of the first series of this metric with this label.
fn value(series: &BTreeMap<String, f64>, metric: &str, label: &str) -> Option<f64> {
    let mut all = series.iter();
    let found = all.find(|(name, _)| name.starts_with(&format!("{metric}{{")) && name.contains(label));
    found.map(|(_, value)| *value)
}

fn unix_time() -> f64 {
    jiff::Timestamp::now().as_duration().as_secs_f64()
}

/// Ten processes, the first of which finds an even fleet; gives how many pods went, by the API server. After each, `seen`
/// waits until what was pushed after this Unix time has arrived.
async fn ten_runs(fleet: &Fleet, to: &[(&str, &str)], seen: impl AsyncFn(f64)) -> u64 {
    let mut gone = 0;
    for number in 0..RUNS {
        let before = fleet.settled().await;
        let even = before.0.iter().fold(fleet.requests(&before), |history, pod| history.cpu(&pod.name, 0.7));
        let history = if number == 0 { even } else { fleet.history(&before) };
        let metrics = history.serve(Server::Prometheus).await;
        let started = unix_time();
        let run = fleet.rebalancer(&metrics).envs(&RESTLESS).envs(to).run().await.expect_exit(0);
        assert!(run.log_with(&["metrics_not_pushed"]).is_empty(), "{}", run.stderr);
        let now = u64::try_from(fleet.gone(&before).await.len()).unwrap();
        assert_eq!(now, removed(&run), "{}", run.stderr);
        gone += now;
        seen(started).await;
    }
    // Most of them rotated; one that came within a second of another was left to settle.
    assert!(gone >= 12, "{gone}");
    eprintln!("{gone} pods went in {RUNS} processes");
    gone
}

fn same(found: Option<f64>, expected: u64) -> bool {
    found.is_some_and(|found| (found - expected as f64).abs() < 1e-6)
}

#[tokio::test]
#[ignore]
async fn the_increase_of_a_counter_is_right_over_ten_processes_and_a_scraped_pushgateway() {
    let fleet = Fleet::named("pushing").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let gateway = Pushgateway::start().await;
    let prometheus = gateway.scraped().await;
    let to = [("METRICS_PUSH_URL", gateway.url.as_str())];
    let gone = ten_runs(&fleet, &to, async |since| prometheus.has_scraped_since(since).await).await;
    let counter = format!(
        r#"rebalancer_pods_deleted_total{{job="pod-rebalancer",namespace="{}",workload="pushing"}}"#,
        fleet.namespace
    );
    // At the time of the last sample Prometheus has nothing to extrapolate.
    let last = prometheus.number(&format!("max(timestamp({counter}))"), None).await;
    let increase = prometheus.number(&format!("sum(increase({counter}[1h]))"), last).await;
    assert!(same(increase, gone), "{increase:?}, and {gone} pods went");
    eprintln!("Prometheus: an increase of {increase:?}");
    let resets = prometheus.number(&format!("sum(resets({counter}[1h]))"), last).await;
    assert!(same(resets, 0), "{resets:?}");
    let cycles = prometheus.number("sum(rebalancer_cycles_total)", None).await;
    assert!(same(cycles, 10), "{cycles:?}");
    let durations = prometheus.number("sum(rebalancer_cycle_duration_seconds_count)", None).await;
    assert!(same(durations, 10), "{durations:?}");
}

#[tokio::test]
#[ignore]
async fn the_increase_of_a_counter_is_right_over_ten_processes_and_victoriametrics() {
    let fleet = Fleet::named("importing").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let store = History::new("nobody", "nobody").serve(Server::VictoriaMetrics).await;
    let import = format!("{}/api/v1/import/prometheus", store.url);
    let found = async |query: &str| store.query(query).await.pop().map(|(_, value)| value);
    let arrived = async |since: f64| {
        wait::until("the push to be stored", async || {
            match found("max(last_over_time(rebalancer_last_run_timestamp_seconds[1h]))").await {
                Some(time) if time >= since => Ok(()),
                time => Err(format!("the last one was at {time:?}")),
            }
        })
        .await;
    };
    let gone = ten_runs(&fleet, &[("METRICS_PUSH_URL", &import)], arrived).await;
    let counter = format!(
        r#"rebalancer_pods_deleted_total{{job="pod-rebalancer",namespace="{}",workload="importing"}}"#,
        fleet.namespace
    );
    wait::until("the last samples", async || {
        let increase = found(&format!("sum(increase({counter}[1h]))")).await;
        if same(increase, gone) { Ok(()) } else { Err(format!("{increase:?}, and {gone} pods went")) }
    })
    .await;
    let cycles = found("sum(last_over_time(rebalancer_cycles_total[1h]))").await;
    assert!(same(cycles, 10), "{cycles:?}");
}

#[tokio::test]
#[ignore]
async fn a_failed_run_pushes_too_and_leaves_what_it_does_not_know() {
    let fleet = Fleet::named("failing").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let gateway = Pushgateway::start().await;
    let shown = async |metric: &str, label: &str| value(&gateway.series().await, metric, label);
    let run = async |variables: &[(&str, &str)]| {
        let rebalancer = fleet.rebalancer(&metrics).envs(&RESTLESS).env("METRICS_PUSH_URL", &gateway.url);
        rebalancer.envs(variables).run().await
    };
    run(&[]).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    let success = shown("rebalancer_last_success_timestamp_seconds", "").await;
    assert!(success.is_some());

    // Nobody measures: the record is read, and the failure counted in it.
    let unmeasured = [("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"), ("PROMETHEUS_TIMEOUT", "500ms")];
    run(&unmeasured).await.expect_exit(1);
    assert_eq!(shown("rebalancer_last_run_status", r#"status="failed""#).await, Some(1.0));
    assert_eq!(shown("rebalancer_cycles_total", r#"status="failed""#).await, Some(1.0));
    let errors = shown("rebalancer_api_errors_total", r#"component="prometheus""#).await;
    assert!(errors.is_some_and(|errors| errors >= 3.0), "{errors:?}");
    assert_eq!(shown("rebalancer_last_success_timestamp_seconds", "").await, success);

    // The record can't be read: nothing is counted, and what was counted stays.
    let nowhere = fleet.plane.kubeconfig(&fleet.file("nowhere"), "https://127.0.0.1:1", &fleet.token);
    let nowhere = nowhere.display().to_string();
    run(&[("KUBECONFIG", &nowhere), ("KUBE_TIMEOUT", "500ms")]).await.expect_exit(1);
    assert_eq!(shown("rebalancer_cycles_total", r#"status="failed""#).await, Some(1.0));
    assert_eq!(shown("rebalancer_pods_deleted_total", r#"role="hot""#).await, Some(2.0));
    assert_eq!(shown("rebalancer_last_run_status", r#"status="failed""#).await, Some(1.0));
}

#[tokio::test]
#[ignore]
async fn a_push_that_fails_changes_neither_what_is_done_nor_the_exit_code() {
    let fleet = Fleet::named("unpushed").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut dead = Pushgateway::start().await;
    dead.stop();
    let (refusing, silent) = (Broken::start(Fault::Status(400)).await, Broken::start(Fault::Slow).await);
    let secret = fleet.file("push-token");
    std::fs::write(&secret, "hush").unwrap();
    let secret = secret.display().to_string();
    let push = [
        ("METRICS_PUSH_TIMEOUT", "500ms"),
        ("METRICS_PUSH_BEARER_TOKEN_FILE", secret.as_str()),
        ("METRICS_PUSH_HEADERS", "X-Token=hush"),
    ];
    for (url, dry_run) in [(&silent.url, "true"), (&refusing.url, "true"), (&dead.url, "false")] {
        let run = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).envs(&push).env("METRICS_PUSH_URL", url);
        let run = run.env("DRY_RUN", dry_run).run().await.expect_exit(0);
        let expected = if dry_run == "true" { "dry_run" } else { "rebalanced" };
        assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], expected);
        let told = run.log_with(&["metrics_not_pushed"]);
        assert_eq!(told.len(), 1, "{}", run.stderr);
        assert_eq!(told[0]["level"], "WARN");
        assert!(!run.stderr.contains("hush"), "{}", run.stderr);
        assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
    }
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn a_run_that_is_asked_to_end_pushes_before_it_does() {
    let fleet = Fleet::named("terminated").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let gateway = Pushgateway::start().await;
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let rebalancer = fleet.rebalancer(&metrics).envs(&RESTLESS).env("METRICS_PUSH_URL", &gateway.url);
    let running = rebalancer.kubeconfig(&kubeconfig).start();
    gate.reached().await;
    running.terminate().await;
    gate.open();
    running.finish().await.expect_exit(1);
    assert_eq!(fleet.gone(&before).await, [0]);
    let series = gateway.series().await;
    assert_eq!(value(&series, "rebalancer_last_run_status", r#"status="failed""#), Some(1.0));
    assert_eq!(value(&series, "rebalancer_pods_deleted_total", r#"role="hot""#), Some(1.0));
}

#[tokio::test]
#[ignore]
async fn a_dry_run_tells_what_it_saw_and_writes_nothing_into_the_cluster() {
    let fleet = Fleet::named("dry-push").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let gateway = Pushgateway::start().await;
    let variables = [("DRY_RUN", "true"), ("METRICS_PUSH_URL", gateway.url.as_str())];
    fleet.rebalance(&metrics, &[RESTLESS.as_slice(), &variables].concat()).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, NOBODY);
    assert_eq!(fleet.everything().await, everything);
    let series = gateway.series().await;
    assert_eq!(value(&series, "rebalancer_dry_run", ""), Some(1.0));
    assert_eq!(value(&series, "rebalancer_pods", r#"state="hot""#), Some(2.0));
    let counted = series.iter().filter(|(name, _)| name.contains("_total{"));
    assert_eq!(counted.count(), 0, "a dry run counts nothing, and a real one may count meanwhile");
}

#[tokio::test]
#[ignore]
async fn files_for_node_exporter_are_whole_and_promtool_finds_nothing_to_say() {
    let fleet = Fleet::named("textfile").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let to = [("METRICS_TEXTFILE_DIR", path.as_str()), ("METRICS_PER_POD", "true")];
    fleet.rebalance(&metrics, &[RESTLESS.as_slice(), &to].concat()).await.expect_exit(0);
    let files = || {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        };
        entries.map(read).collect::<BTreeMap<_, _>>()
    };
    let written = files();
    let name = |part: &str| format!("pod-rebalancer_{}_textfile_{part}.prom", fleet.namespace);
    assert_eq!(
        written.keys().cloned().collect::<Vec<_>>(),
        [name("memory"), name("record"), name("run"), name("success")]
    );
    let whole: String = written.values().map(String::as_str).collect();
    assert_eq!(whole.lines().filter(|line| line.starts_with("rebalancer_pod_load{")).count(), 6);
    assert_eq!(promtool(&whole).await, "");

    // A run that can't read the record leaves the counters as they were.
    let nowhere = fleet.plane.kubeconfig(&fleet.file("nowhere"), "https://127.0.0.1:1", &fleet.token);
    let failing = fleet.rebalancer(&metrics).envs(&RESTLESS).envs(&to).env("KUBE_TIMEOUT", "500ms");
    failing.kubeconfig(&nowhere).run().await.expect_exit(1);
    let after = files();
    assert_eq!(after.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
    for part in ["memory", "record", "success"] {
        assert_eq!(after[&name(part)], written[&name(part)]);
    }
    assert!(after[&name("run")].contains(r#"status="failed"} 1"#), "{}", after[&name("run")]);
}

/// What `promtool check metrics` says of a text; nothing when all is well.
async fn promtool(text: &str) -> String {
    let mut command = tokio::process::Command::new(assets::find("promtool"));
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{said}\nof:\n{text}");
    said
}
