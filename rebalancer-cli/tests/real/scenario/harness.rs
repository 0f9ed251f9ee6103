//! The ground itself: each server, real or broken, does what the scenarios rely on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::Eviction;
use kube::Client;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::assets;
use crate::harness::broken::{Broken, Fault};
use crate::harness::control_plane::{self, STRANGER_TOKEN};
use crate::harness::fixture::Budget;
use crate::harness::fleet::{Fleet, SeenPod};
use crate::harness::kubelet::Behavior;
use crate::harness::metrics::{History, Server};
use crate::harness::proxy::{Pass, Proxy};
use crate::harness::rebalancer::Rebalancer;

const CORES: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];

async fn evict(client: &Client, namespace: &str, pod: &SeenPod) -> Result<(), u16> {
    let eviction: Eviction = serde_json::from_value(json!({
        "metadata": {"name": pod.name},
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    }))
    .unwrap();
    let pods: kube::Api<Pod> = kube::Api::namespaced(client.clone(), namespace);
    let params = PostParams::default();
    match pods.create_subresource::<_, Value>("eviction", &pod.name, &params, &eviction).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.code),
        Err(error) => panic!("{error}"),
    }
}

/// What stands here on why it is ignored holds for every scenario.
#[test]
#[ignore = "this and all other scenarios need real servers: KUBEBUILDER_ASSETS=$(.ci/real-servers) KAFKA_ASSETS=$(.ci/kafka) cargo test -p rebalancer-cli --test real -- --ignored"]
fn all_servers_and_tools_are_installed() {
    for name in [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "prometheus",
        "prometheus-pushgateway",
        "promtool",
        "victoria-metrics",
        "setpriv",
        "java",
        "helm",
        "kubectl",
        "rollouts-controller",
        "vpa-updater",
        "definitions/rollouts.argoproj.io.yaml",
    ] {
        assets::find(name);
    }
}

#[tokio::test]
#[ignore]
async fn an_evicted_pod_is_replaced_and_the_deployment_is_ready_again() {
    let fleet = Fleet::named("evicted").cpu(&CORES).hpa(70).start().await;
    let before = fleet.settled().await;
    assert_eq!(evict(&fleet.client, &fleet.namespace, &before.0[2]).await, Ok(()));
    let after = fleet.settled().await;
    assert_eq!(fleet.gone(&before).await, [2]);
    assert_eq!(after.0.len(), 6);
}

#[tokio::test]
#[ignore]
async fn a_frozen_fleet_leaves_its_disruption_budget_used_up() {
    let fleet = Fleet::named("frozen").cpu(&CORES).budget(Budget::MaxUnavailable(1)).start().await;
    let before = fleet.settled().await;
    fleet.freeze();
    assert_eq!(evict(&fleet.client, &fleet.namespace, &before.0[0]).await, Ok(()));
    assert_eq!(evict(&fleet.client, &fleet.namespace, &before.0[1]).await, Err(429));
    assert_eq!(fleet.gone(&before).await, [0]);
    fleet.thaw().await;
    fleet.settled().await;
}

#[tokio::test]
#[ignore]
async fn pods_show_what_the_kubelet_is_asked_for() {
    let fleet = Fleet::named("behaviors").cpu(&CORES).start().await;
    let pods = fleet.settled().await.0;
    fleet.behave(&pods[0], Behavior::NotReady).await;
    fleet.behave(&pods[1], Behavior::Succeeded).await;
    fleet.behave(&pods[2], Behavior::Failed).await;
    fleet.terminate(&pods[3]).await;
    let phase = async |index: usize| {
        let pod = fleet.api::<Pod>().get(&pods[index].name).await.unwrap();
        let terminating = pod.metadata.deletion_timestamp.is_some();
        (pod.status.unwrap().phase.unwrap(), terminating)
    };
    assert_eq!(phase(0).await, ("Running".to_owned(), false));
    assert_eq!(phase(1).await, ("Succeeded".to_owned(), false));
    assert_eq!(phase(2).await, ("Failed".to_owned(), false));
    assert_eq!(phase(3).await, ("Running".to_owned(), true));
}

#[tokio::test]
#[ignore]
async fn a_fleet_left_alone_does_not_change() {
    let fleet = Fleet::named("still").cpu(&CORES).hpa(70).budget(Budget::MinAvailable(5)).start().await;
    let before = fleet.everything().await;
    assert!(before.keys().any(|key| key.starts_with("Event/")), "{before:?}");
    assert_eq!(fleet.everything().await, before);
}

#[tokio::test]
#[ignore]
async fn both_metric_servers_tell_the_given_cores() {
    let pods: BTreeMap<String, f64> =
        CORES.iter().enumerate().map(|(index, &cores)| (format!("pod-{index}"), cores)).collect();
    let history = pods.iter().fold(History::new("team", "consumer"), |history, (pod, &cores)| {
        history.cpu(pod, cores).cpu_request(pod, 1.0)
    });
    let history = history.cpu_during("gone", 9.0, -900..=-600);
    let selector = r#"container_cpu_usage_seconds_total{namespace="team",container="consumer"}"#;
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        let cores = metrics.by_pod(&format!("sum by (pod) (rate({selector}[5m]))")).await;
        assert!(cores.keys().eq(pods.keys()), "{server:?}: {cores:?}");
        for (pod, expected) in &pods {
            assert!((cores[pod] / expected - 1.0).abs() < 0.01, "{server:?}: {pod}: {}", cores[pod]);
        }
        let requests = metrics.by_pod(r#"kube_pod_container_resource_requests{resource="cpu"}"#).await;
        assert_eq!(requests.len(), pods.len(), "{server:?}: {requests:?}");
    }
}

#[tokio::test]
#[ignore]
async fn a_metric_server_without_history_answers() {
    for server in Server::BOTH {
        let metrics = History::new("team", "consumer").serve(server).await;
        assert_eq!(metrics.query("up").await, [], "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn the_proxy_acts_between_a_request_and_the_api_server() {
    let fleet = Fleet::named("proxied").cpu(&[1.0, 1.0]).stateful_set().start().await;
    let before = fleet.settled().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let proxy = Proxy::start(fleet.plane, move |_, path| {
        let counter = Arc::clone(&counter);
        async move {
            counter.fetch_add(1, Ordering::SeqCst);
            if path.ends_with("/proxied-1") { Pass::Answer(503, "not now".into()) } else { Pass::Forward }
        }
    })
    .await;
    let client = control_plane::client(&fleet.kubeconfig_through(&proxy), false).await;
    let pods: kube::Api<Pod> = kube::Api::namespaced(client.clone(), &fleet.namespace);
    assert_eq!(pods.get("proxied-0").await.unwrap().metadata.uid.as_deref(), Some(&*before.0[0].uid));
    assert!(pods.get("proxied-1").await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    // Replaced under the same name: its old UID protects it.
    fleet.replace(&before.0[0]).await;
    assert_eq!(evict(&client, &fleet.namespace, &before.0[0]).await, Err(409));
    assert_eq!(fleet.gone(&before).await, [0]);
    assert_eq!(fleet.settled().await.0[0].name, "proxied-0");
}

#[tokio::test]
#[ignore]
async fn rights_are_those_of_the_service_account() {
    let fleet = Fleet::named("rights").cpu(&[1.0]).start().await;
    let pod = fleet.settled().await.0.remove(0);
    let reader = fleet.kubeconfig_with("reader", &[("", &["pods"], &["get", "list"])]).await;
    let code = async |kubeconfig: PathBuf| {
        let client = control_plane::client(&kubeconfig, false).await;
        evict(&client, &fleet.namespace, &pod).await
    };
    assert_eq!(code(reader).await, Err(403));
    let of = |token| fleet.plane.kubeconfig(&fleet.file(token), &fleet.plane.url, token);
    assert_eq!(code(of(STRANGER_TOKEN)).await, Err(403));
    assert_eq!(code(of("unknown")).await, Err(401));
}

#[tokio::test]
#[ignore]
async fn a_history_can_have_gaps() {
    let history = History::new("team", "consumer").cpu("full", 1.0).cpu("gap", 1.0).cpu("none", 1.0);
    let history = history.without_cpu("gap").without_cpu("none").cpu_during("gap", 1.0, -20..=0);
    let counts = r#"count_over_time(container_cpu_usage_seconds_total{container!=""}[5m])"#;
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        let samples = metrics.by_pod(counts).await;
        assert!(samples.keys().eq(["full", "gap"]), "{server:?}: {samples:?}");
        assert!(samples["full"] > 19.0 && samples["gap"] < 3.0, "{server:?}: {samples:?}");
        let few = history.clone().cpu_only_during(&(-20..=0)).serve(server).await.by_pod(counts).await;
        assert!(few["full"] < 3.0, "{server:?}: {few:?}");
    }
}

#[tokio::test]
#[ignore]
async fn the_binary_runs_without_the_tests_environment() {
    let run = Rebalancer::new().args(&["--version"]).run().await.expect_exit(0);
    assert!(run.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", run.stdout);
}

#[tokio::test]
#[ignore]
async fn broken_servers_are_broken_as_said() {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(500)).build().unwrap();
    let ask = async |broken: &Broken| {
        let answer =
            http.post(&broken.url).body("query=up").send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        answer.text().await.map(|body| (status, body)).map_err(|_| format!("{status} cut"))
    };
    assert!(ask(&Broken::start(Fault::Down).await).await.is_err());
    assert!(ask(&Broken::start(Fault::Slow).await).await.is_err());
    assert_eq!(ask(&Broken::start(Fault::HalfAnswer).await).await, Err("200 cut".to_owned()));
    let broken = Broken::start(Fault::Status(500)).await;
    assert_eq!(ask(&broken).await.unwrap().0, 500);
    assert_eq!(ask(&broken).await.unwrap().0, 500);
    assert_eq!(broken.requests(), 2);
    assert_eq!(ask(&Broken::start(Fault::RetryAfter(429, 1)).await).await.unwrap().0, 429);
    let (status, garbage) = ask(&Broken::start(Fault::Garbage).await).await.unwrap();
    assert_eq!(status, 200);
    assert!(serde_json::from_str::<Value>(&garbage).is_err());
    let (_, partial) = ask(&Broken::start(Fault::partial(&[("a", 1.0)])).await).await.unwrap();
    assert!(partial.contains(r#""isPartial":true"#), "{partial}");
}

#[tokio::test]
#[ignore]
async fn a_server_can_recover() {
    let metrics = History::new("team", "consumer").serve(Server::VictoriaMetrics).await;
    let broken = Broken::recovering(Fault::Status(503), 1, &metrics).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async || http.get(format!("{}/health", broken.url)).send().await.unwrap().status().as_u16();
    assert_eq!((status().await, status().await), (503, 200));
    assert_eq!(broken.requests(), 2);
}

#[tokio::test]
#[ignore]
async fn a_thousand_pods_are_ready_soon() {
    let cores: Vec<f64> = (0..1000).map(|index| 0.2 + f64::from(index) / 1000.0).collect();
    let started = Instant::now();
    let fleet = Fleet::named("thousand").cpu(&cores).hpa(70).start().await;
    let pods = fleet.settled().await;
    eprintln!("1,000 pods Ready after {:.1} s", started.elapsed().as_secs_f64());
    for server in Server::BOTH {
        let started = Instant::now();
        let metrics = fleet.history(&pods).serve(server).await;
        let query = r#"sum by (pod) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))"#;
        assert_eq!(metrics.by_pod(query).await.len(), 1000, "{server:?}");
        eprintln!("their history in {server:?} after {:.1} s", started.elapsed().as_secs_f64());
    }
}
