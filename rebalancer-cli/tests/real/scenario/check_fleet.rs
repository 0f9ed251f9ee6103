//! `rebalancer check` with a workload, selector, container or autoscaler that is not what was meant.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use serde_json::json;

use crate::harness::check::{Findings, check, six};
use crate::harness::fixture::{self, Rule, Target, Workload};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::setup::Setup;

async fn started(setup: Setup) -> (Fleet, MetricServer) {
    let fleet = setup.start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    (fleet, metrics)
}

/// What is found with these variables.
async fn found(
    (fleet, metrics): &(Fleet, MetricServer),
    variables: &[(&str, &str)],
    exit_code: i32,
) -> Findings {
    let (findings, run) = check(fleet.rebalancer(metrics).envs(variables)).await;
    assert_eq!(run.exit_code, exit_code, "{findings:#?}");
    findings
}

#[tokio::test]
#[ignore]
async fn a_selector_that_matches_nothing_is_told_with_the_labels_of_the_workload_s_pods() {
    let world = started(six("check-selector")).await;
    found(&world, &[("KUBE_LABEL_SELECTOR", "app=consumers")], 1).await.expect(
        "error",
        "selector_matches_nothing",
        &["app=consumers", "KUBE_LABEL_SELECTOR=app=consumer"],
    );
}

#[tokio::test]
#[ignore]
async fn a_selector_that_matches_pods_of_others_names_them() {
    let world = started(six("check-strangers")).await;
    world.0.deploy_beside("api", 2).await;
    found(&world, &[], 0).await.expect("warning", "selector_matches_others", &["6 pods", "Deployment api"]);
    // From the other side, all of them are strangers.
    let labels = json!({"app": "worker"});
    let spec = world.0.template().pod_spec();
    let worker = json!({"metadata": {"name": "worker"}, "spec": {"replicas": 3, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec}}});
    fixture::create::<Deployment>(&world.0.client, &world.0.namespace, worker).await;
    let variables = [("DEPLOYMENT_NAME", "worker"), ("CONTAINER_NAME", "check-strangers")];
    let rules: [Rule<'_>; 6] = [
        ("", &["pods"], &["get", "list"]),
        ("", &["pods/eviction"], &["create"]),
        ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        ("apps", &["deployments", "statefulsets"], &["get", "list"]),
        ("policy", &["poddisruptionbudgets"], &["list"]),
        ("events.k8s.io", &["events"], &["create"]),
    ];
    let lister = world.0.kubeconfig_with("lister", &rules).await;
    let (findings, _) = check(world.0.rebalancer(&world.1).envs(&variables).kubeconfig(&lister)).await;
    findings.expect(
        "error",
        "selector_matches_others",
        &["Deployment check-strangers", "Deployment api", "KUBE_LABEL_SELECTOR=app=worker"],
    );
    // Who may list workloads is told which there are.
    let (findings, _) =
        check(world.0.rebalancer(&world.1).env("DEPLOYMENT_NAME", "wroker").kubeconfig(&lister)).await;
    findings.expect(
        "error",
        "workload_missing",
        &["Deployment api", "Deployment check-strangers", "Deployment worker", "DEPLOYMENT_NAME=worker"],
    );
}

#[tokio::test]
#[ignore]
async fn a_container_that_no_pod_has_is_told_with_those_that_are_there() {
    let world = started(six("check-container")).await;
    let findings = found(&world, &[("CONTAINER_NAME", "consumer")], 1).await;
    findings.expect("error", "container_missing", &["6 of 6 pods", "CONTAINER_NAME=check-container"]).expect(
        "error",
        "samples_missing",
        &["container_cpu_usage_seconds_total", "CONTAINER_NAME=check-container"],
    );
}

#[tokio::test]
#[ignore]
async fn a_workload_that_is_not_there_is_told_with_those_that_are() {
    let world = started(six("check-workload")).await;
    let findings = found(&world, &[("DEPLOYMENT_NAME", "check-worklaod")], 1).await;
    // The Role grants its own workload by name only, so this one is a missing right first.
    findings.expect(
        "error",
        "permission_missing",
        &["get deployments.apps 'check-worklaod'", "resourceNames: [\"check-worklaod\"]"],
    );
    findings.expect("error", "selector_matches_others", &["Deployment check-workload"]);
}

#[tokio::test]
#[ignore]
async fn a_workload_of_another_kind_is_told() {
    let world = started(six("check-kind")).await;
    let (fleet, metrics) = &world;
    let (labels, spec) = (json!({"app": "agent"}), fleet.template().pod_spec());
    let agent = json!({"metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec}}});
    fixture::create::<DaemonSet>(&fleet.client, &fleet.namespace, agent).await;
    let rules: [Rule<'_>; 4] = [
        ("", &["pods"], &["get", "list"]),
        ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        ("apps", &["deployments", "statefulsets", "daemonsets"], &["get", "list"]),
        ("policy", &["poddisruptionbudgets"], &["list"]),
    ];
    let lister = fleet.kubeconfig_with("lister", &rules).await;
    let (findings, _) =
        check(fleet.rebalancer(metrics).env("DEPLOYMENT_NAME", "agent").kubeconfig(&lister)).await;
    findings.expect("error", "workload_kind", &["agent is a DaemonSet"]);
}

#[tokio::test]
#[ignore]
async fn a_namespace_that_is_empty_or_not_there_is_told() {
    let world = started(six("check-namespace")).await;
    let (fleet, metrics) = &world;
    let nowhere = format!("{}x", fleet.namespace);
    let (findings, run) =
        check(fleet.rebalancer(metrics).env("KUBE_NAMESPACE", &nowhere).kubeconfig(&admin(fleet))).await;
    assert_eq!(run.exit_code, 1);
    findings.expect(
        "error",
        "namespace_missing",
        &[&nowhere, "there are: ", &format!("KUBE_NAMESPACE={}", fleet.namespace)],
    );
    // Without the right to see namespaces, and with all rights in this one, it is just empty.
    let empty = fleet.plane.namespace(&fleet.client, "check-empty").await;
    let rules = fixture::granted(fleet.name());
    fixture::grant(
        &fleet.client,
        &empty,
        "here-too",
        &rules,
        (&fleet.namespace, crate::harness::fleet::ACCOUNT),
    )
    .await;
    found(&world, &[("KUBE_NAMESPACE", &empty)], 1).await.expect(
        "error",
        "namespace_empty",
        &[&empty, "KUBE_NAMESPACE"],
    );
}

/// All rights.
fn admin(fleet: &Fleet) -> std::path::PathBuf {
    fleet.plane.kubeconfig(&fleet.file("admin"), &fleet.plane.url, crate::harness::control_plane::ADMIN_TOKEN)
}

#[tokio::test]
#[ignore]
async fn no_autoscaler_is_told_with_those_that_are_there() {
    let world = started(Fleet::named("check-hpa").cpu(&crate::harness::example::WORKED_EXAMPLE)).await;
    found(&world, &[], 0).await.expect(
        "warning",
        "hpa_missing",
        &["there are none", "CPU_VARIANCE_THRESHOLD"],
    );
    let (client, namespace) = (&world.0.client, &world.0.namespace);
    let other = (Workload::Deployment, "another");
    fixture::hpa(client, namespace, "keda-hpa-check-hpa", other, Target::Utilization(70)).await;
    found(&world, &[], 0).await.expect(
        "warning",
        "hpa_missing",
        &["keda-hpa-check-hpa (scales another)", "HPA_PREFIX=keda-hpa-"],
    );
    found(&world, &[("HPA_PREFIX", "keda-hpa-")], 0).await.expect("ok", "hpa", &["keda-hpa-check-hpa"]);
    fixture::hpa(
        client,
        namespace,
        "check-hpa",
        (Workload::Deployment, "check-hpa"),
        Target::Utilization(60),
    )
    .await;
    found(&world, &[("HPA_PREFIX", "keda-hpa-")], 1).await.expect(
        "error",
        "hpa_ambiguous",
        &["check-hpa (scales check-hpa)", "keda-hpa-check-hpa (scales another)"],
    );
}

#[tokio::test]
#[ignore]
async fn an_autoscaler_without_a_cpu_target_is_told_with_what_it_scales_by() {
    let world = started(Fleet::named("check-external").cpu(&crate::harness::example::WORKED_EXAMPLE)).await;
    let lag = json!({"type": "External", "external": {"metric": {"name": "kafka_lag"},
        "target": {"type": "AverageValue", "averageValue": "100"}}});
    let hpa = json!({"metadata": {"name": "check-external"}, "spec": {"minReplicas": 1, "maxReplicas": 9, "metrics": [lag],
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "check-external"}}});
    fixture::create::<HorizontalPodAutoscaler>(&world.0.client, &world.0.namespace, hpa).await;
    found(&world, &[], 0).await.expect(
        "note",
        "hpa_not_by_cpu",
        &["external metric kafka_lag", "CPU_VARIANCE_THRESHOLD"],
    );
}

#[tokio::test]
#[ignore]
async fn requests_that_a_utilization_target_needs_are_asked_for() {
    let world = started(six("check-requests").cpu_request(None)).await;
    found(&world, &[], 1).await.expect(
        "error",
        "requests_missing",
        &["6 of 6 pods", "resources.requests.cpu", "averageValue"],
    );
}

#[tokio::test]
#[ignore]
async fn too_few_pods_for_the_smallest_rotation_are_told_with_the_number_that_would_do() {
    let world = started(Fleet::named("check-few").cpu(&[1.5, 1.0, 0.5, 0.1]).hpa(70)).await;
    found(&world, &[], 1).await.expect(
        "error",
        "too_few_pods",
        &["4 pods, but 3 must stay", "at least 5 replicas"],
    );
    found(&world, &[("MINIMUM_PODS_REQUIRED", "2")], 0).await.lacks("too_few_pods");
    let small = [("MINIMUM_PODS_REQUIRED", "2"), ("MAXIMUM_REMOVAL_SHARE", "0.3")];
    found(&world, &small, 1).await.expect("error", "share_too_small", &["MAXIMUM_REMOVAL_SHARE"]);
}

#[tokio::test]
#[ignore]
async fn pods_that_may_never_go_are_told_with_the_reason() {
    let world = started(six("check-vetoes")).await;
    let required = [("REQUIRE_OPT_IN", "true")];
    found(&world, &required, 1).await.expect(
        "error",
        "opt_in_missing",
        &["6 of 6 pods", "kubectl annotate deployment check-vetoes pod-rebalancer.io/opt-in=true"],
    );
    let pods = world.0.pods().await;
    world.0.annotate(&pods.0[0].name, "pod-rebalancer.io/opt-out", "true").await.unwrap();
    found(&world, &[], 0).await.expect("warning", "pods_excluded", &["1 of 6 pods", "1 opted_out"]);
    world.0.patch_workload(json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-out": "true"}}})).await;
    found(&world, &[], 0).await.expect("warning", "workload_opted_out", &["pod-rebalancer.io/opt-out"]);
    let nothing = [("RECORD_STORE", "lease"), ("REMOVAL_BUDGET_PODS", "0")];
    found(&world, &nothing, 1).await.expect("error", "removal_budget_zero", &["REMOVAL_BUDGET_PODS=0"]);
}

#[tokio::test]
#[ignore]
async fn a_workload_that_is_scaled_to_nothing_is_told() {
    let world = started(six("check-zero")).await;
    world.0.patch_workload(json!({"spec": {"replicas": 0}})).await;
    crate::harness::wait::until("no pods", async || {
        let pods = world.0.pods().await.0.len();
        if pods == 0 { Ok(()) } else { Err(pods.to_string()) }
    })
    .await;
    let findings = found(&world, &[], 0).await;
    findings.expect("note", "workload_without_pods", &["scaled to 0 pods", "KEDA"]);
    findings.expect("note", "not_checked", &["samples of cpu"]).expect("note", "outlook", &["no_pods"]);
}

#[tokio::test]
#[ignore = "needs real servers: KUBEBUILDER_ASSETS=$(.ci/real-servers) cargo test -p rebalancer-cli --test real -- --ignored"]
async fn a_name_from_the_surroundings_that_matches_nothing_is_told_by_plan_and_hold_too() {
    let fleet = six("accidental").start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    for (variable, value, words) in [
        ("CONTAINER_NAME", "bash", "none of 6 pods has a container by CONTAINER_NAME=bash (environment)"),
        ("KUBE_LABEL_SELECTOR", "app=x", "KUBE_LABEL_SELECTOR=app=x (environment) matches nothing in"),
    ] {
        // The container is called as the fleet is.
        let variables = [("CONTAINER_NAME", fleet.name()), (variable, value)];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let reason = run.log_with(&["\"event\":\"decision\""])[0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(words), "{reason}");
        let plan = fleet.rebalancer(&metrics).envs(&variables).args(&["plan"]).run().await.expect_exit(0);
        assert!(plan.words().contains(words), "{}", plan.stdout);
    }
}
