//! `rebalancer check` without a cluster, with one that is wrong, with several workloads, and how it shows things.

use crate::harness::broken::{Broken, Fault};
use crate::harness::check::{Findings, check, six};
use crate::harness::fixture;
use crate::harness::fleet::ACCOUNT;
use crate::harness::metrics::Server;
use serde_json::{Value, json};

#[tokio::test]
#[ignore]
async fn a_fleet_that_has_all_it_needs_is_well_and_nothing_was_changed() {
    let fleet = six("check-well").aged().start().await;
    let pods = fleet.settled().await;
    let before = fleet.everything().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&pods).serve(server).await;
        let rebalancer = fleet.rebalancer(&metrics).env("RECORD_STORE", "lease").env("MINIMUM_POD_AGE", "");
        let (findings, run) = check(rebalancer).await;
        assert_eq!(run.exit_code, 0, "{findings:#?}");
        assert!(findings.codes("error").is_empty() && findings.codes("warning").is_empty(), "{findings:#?}");
        findings
            .expect("ok", "metric_server", &[&metrics.url])
            .expect("ok", "permissions", &["all 12 rights"])
            .expect("ok", "workload", &["Deployment check-well wants 6 pods"])
            .expect("ok", "container", &["all 6 pods"])
            .expect("ok", "hpa", &["70 % of the CPU request"])
            .expect("ok", "samples", &["cpu: all 6 pods"])
            .expect("ok", "clocks", &["the metric server's", "the API server's"])
            .expect("ok", "outlook", &["a cycle now"])
            .expect("ok", "record", &["pod-rebalancer-check-well"]);
    }
    assert_eq!(fleet.everything().await, before, "not even a Lease");
}

#[tokio::test]
#[ignore]
async fn people_get_a_line_for_each_finding_and_where_each_value_comes_from() {
    let fleet = six("check-shown").start().await;
    let metrics = fleet.history(&fleet.settled().await).serve(Server::Prometheus).await;
    let rebalancer = fleet.rebalancer(&metrics).env("PROMETHEUS_HEADERS", "X-Key=hush");
    let run = rebalancer.args(&["check", "--settings", "--cycle-timeout", "20s"]).run().await.expect_exit(0);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = run.stdout.lines().map(words).collect();
    for expected in [
        vec!["CYCLE_TIMEOUT", "20s", "flag"],
        vec!["DEPLOYMENT_NAME", "check-shown", "environment"],
        vec!["TOLERANCE_MULTIPLIER", "1.5", "default"],
        vec!["PROMETHEUS_HEADERS", "(hidden)", "environment"],
    ] {
        assert!(lines.iter().any(|line| *line == expected), "{expected:?} is not in\n{}", run.stdout);
    }
    assert!(run.stdout.contains("ok      metric_server: "), "{}", run.stdout);
    assert!(!run.stdout.contains("hush") && !run.stderr.contains("hush"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "no colors off a terminal: {}", run.stdout);
    let (findings, _) = check(fleet.rebalancer(&metrics).env("PROMETHEUS_HEADERS", "X-Key=hush")).await;
    let headers =
        findings.configuration.iter().find(|setting| setting["variable"] == "PROMETHEUS_HEADERS").unwrap();
    assert_eq!(
        headers,
        &json!({"variable": "PROMETHEUS_HEADERS", "value": null, "hidden": true, "source": "environment"})
    );
}

#[tokio::test]
#[ignore]
async fn without_a_cluster_the_metric_server_is_checked_all_the_same() {
    let fleet = six("check-no-cluster").start().await;
    let metrics = fleet.history(&fleet.settled().await).serve(Server::Prometheus).await;
    let (findings, run) = check(fleet.rebalancer(&metrics).env("KUBECONFIG", "/nowhere/at/all")).await;
    assert_eq!(run.exit_code, 2, "the configuration is wrong");
    findings
        .expect("error", "cluster_not_configured", &["KUBECONFIG"])
        .expect("note", "not_checked", &["permissions"])
        .expect("ok", "metric_server", &[])
        .expect("note", "samples", &["6 pods have a sample"]);
}

#[tokio::test]
#[ignore]
async fn a_cluster_that_does_not_know_us_or_does_not_answer_is_told() {
    let fleet = six("check-silent").start().await;
    let metrics = fleet.history(&fleet.settled().await).serve(Server::VictoriaMetrics).await;
    let unknown = fleet.plane.kubeconfig(&fleet.file("unknown"), &fleet.plane.url, "no-such-token");
    let (findings, run) = check(fleet.rebalancer(&metrics).kubeconfig(&unknown)).await;
    assert_eq!(run.exit_code, 1);
    findings.expect("error", "kubernetes_unauthorized", &["token"]).expect("ok", "metric_server", &[]);
    let nobody = Broken::start(Fault::Down).await;
    let lost = fleet.plane.kubeconfig(&fleet.file("lost"), &nobody.url, &fleet.token);
    let (findings, run) = check(fleet.rebalancer(&metrics).kubeconfig(&lost).env("KUBE_TIMEOUT", "1s")).await;
    assert_eq!(run.exit_code, 1);
    let told = ["no connection", nobody.url.as_str(), "context '", &lost.display().to_string()];
    findings.expect("error", "kubernetes_unreachable", &told).expect("ok", "metric_server", &[]);
}

#[tokio::test]
#[ignore]
async fn each_of_several_workloads_is_checked_and_the_worst_counts() {
    let (first, second) = (six("check-first").start().await, six("check-second").start().await);
    let metrics = [
        first.history(&first.settled().await).serve(Server::Prometheus).await,
        second.history(&second.settled().await).serve(Server::VictoriaMetrics).await,
    ];
    let rules = fixture::granted(second.name());
    fixture::grant(&second.client, &second.namespace, "both", &rules, (&first.namespace, ACCOUNT)).await;
    let entry = |fleet: &crate::harness::fleet::Fleet, endpoint: &str, container: &str| {
        json!({"KUBE_NAMESPACE": fleet.namespace, "DEPLOYMENT_NAME": fleet.name(), "PROMETHEUS_ENDPOINT": endpoint,
            "CONTAINER_NAME": container})
    };
    let file = first.file("workloads.yaml");
    let workloads =
        [entry(&first, &metrics[0].url, "check-first"), entry(&second, &metrics[1].url, "mistyped")];
    std::fs::write(&file, json!({"workloads": workloads}).to_string()).unwrap();
    let rebalancer = first.rebalancer("").env("WORKLOADS_FILE", file.display().to_string());
    let run = rebalancer.args(&["check", "--output", "json"]).run().await.expect_exit(1);
    let checks: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let worst: Vec<&Value> = checks.iter().map(|check| &check["worst"]).collect();
    assert_eq!(worst, ["note", "error"], "{checks:#?}");
    let findings = Findings::of(&checks[1]);
    findings.expect("error", "container_missing", &["CONTAINER_NAME=check-second"]);
    let container =
        findings.configuration.iter().find(|setting| setting["variable"] == "CONTAINER_NAME").unwrap();
    assert_eq!((&container["value"], &container["source"]), (&json!("mistyped"), &json!("workloads file")));
}
