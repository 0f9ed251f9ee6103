//! `rebalancer check` with each right of the Role taken away in turn: it names the verb, the resource and the rule.

use serde_json::Value;

use crate::harness::check::{Findings, check, six};
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::metrics::{MetricServer, Server};

/// A kubeconfig of an account with the Role of deploy/, without this verb on this resource.
async fn without(fleet: &Fleet, verb: &str, resource: &str) -> std::path::PathBuf {
    let mut rules = fixture::granted(fleet.name());
    let mut taken = 0;
    for rule in &mut rules {
        if rule["resources"].as_array().unwrap().contains(&resource.into()) {
            let verbs = rule["verbs"].as_array_mut().unwrap();
            let before = verbs.len();
            verbs.retain(|known| known != verb);
            taken += before - verbs.len();
        }
    }
    assert_eq!(taken, 1, "{verb} {resource} is in the Role once");
    rules.retain(|rule| rule["verbs"] != Value::Array(Vec::new()));
    let account = format!("without-{verb}-{}", resource.replace('/', "-"));
    fixture::service_account(&fleet.client, &fleet.namespace, &account, &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, &account).await;
    fleet.plane.kubeconfig(&fleet.file(&account), &fleet.plane.url, &token)
}

async fn found(
    (fleet, metrics): &(Fleet, MetricServer),
    (verb, resource): (&str, &str),
    variables: &[(&str, &str)],
) -> Findings {
    let kubeconfig = without(fleet, verb, resource).await;
    let rebalancer = fleet.rebalancer(metrics).env("RECORD_STORE", "lease").envs(variables);
    check(rebalancer.kubeconfig(&kubeconfig)).await.0
}

async fn started(name: &str) -> (Fleet, MetricServer) {
    let fleet = six(name).start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    (fleet, metrics)
}

#[tokio::test]
#[ignore]
async fn each_missing_right_is_named_with_the_rule_that_grants_it() {
    let world = started("check-rights").await;
    let cases = [
        ("get", "pods", r#"get pods in"#, r#"{apiGroups: [""], resources: ["pods"], verbs: ["get"]}"#),
        ("list", "pods", r#"list pods in"#, r#"{apiGroups: [""], resources: ["pods"], verbs: ["list"]}"#),
        (
            "create",
            "pods/eviction",
            "create pods/eviction",
            r#"resources: ["pods/eviction"], verbs: ["create"]"#,
        ),
        (
            "list",
            "horizontalpodautoscalers",
            "list horizontalpodautoscalers.autoscaling",
            r#"apiGroups: ["autoscaling"]"#,
        ),
        ("list", "poddisruptionbudgets", "list poddisruptionbudgets.policy", r#"apiGroups: ["policy"]"#),
        (
            "create",
            "leases",
            "create leases.coordination.k8s.io",
            r#"resources: ["leases"], verbs: ["create"]"#,
        ),
        (
            "update",
            "leases",
            "update leases.coordination.k8s.io 'pod-rebalancer-check-rights'",
            r#"resourceNames: ["pod-rebalancer-check-rights"], verbs: ["update"]"#,
        ),
        (
            "get",
            "leases",
            "get leases.coordination.k8s.io 'pod-rebalancer-check-rights'",
            r#"resourceNames: ["pod-rebalancer-check-rights"], verbs: ["get"]"#,
        ),
    ];
    for (verb, resource, named, rule) in cases {
        let findings = found(&world, (verb, resource), &[]).await;
        findings.expect("error", "permission_missing", &[named, rule, &world.0.namespace]);
        findings.expect("ok", "metric_server", &[]);
        assert_eq!(
            findings.codes("error").iter().filter(|code| **code == "permission_missing").count(),
            1,
            "{findings:#?}"
        );
    }
}

#[tokio::test]
#[ignore]
async fn the_workload_is_needed_by_its_name_and_a_stateful_set_only_where_there_is_no_deployment() {
    let world = started("check-names").await;
    let (fleet, metrics) = &world;
    let mut rules = fixture::granted(fleet.name());
    rules.retain(|rule| rule["apiGroups"][0] != "apps");
    fixture::service_account(&fleet.client, &fleet.namespace, "no-apps", &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, "no-apps").await;
    let kubeconfig = fleet.plane.kubeconfig(&fleet.file("no-apps"), &fleet.plane.url, &token);
    let (findings, run) = check(fleet.rebalancer(metrics).kubeconfig(&kubeconfig)).await;
    assert_eq!(run.exit_code, 1);
    findings
        .expect(
            "error",
            "permission_missing",
            &["get deployments.apps 'check-names'", r#"resourceNames: ["check-names"]"#],
        )
        .expect("error", "permission_missing", &["get statefulsets.apps 'check-names'"])
        .expect("note", "not_checked", &["the workload"]);
    let of_deployment = ["deployments", "replicasets"];
    rules.extend([serde_json::json!({"apiGroups": ["apps"], "resources": of_deployment, "verbs": ["get"]})]);
    fixture::service_account(&fleet.client, &fleet.namespace, "deployments", &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, "deployments").await;
    let kubeconfig = fleet.plane.kubeconfig(&fleet.file("deployments"), &fleet.plane.url, &token);
    let (findings, run) = check(fleet.rebalancer(metrics).kubeconfig(&kubeconfig)).await;
    assert_eq!(run.exit_code, 0, "{findings:#?}");
    findings.lacks("permission_missing");
}

#[tokio::test]
#[ignore]
async fn rights_that_the_settings_do_not_need_are_not_asked_for() {
    let world = started("check-unneeded").await;
    findings_lack(&world, ("create", "events"), &[("KUBE_EVENTS", "false")]).await;
    findings_lack(&world, ("create", "leases"), &[("RECORD_STORE", "none")]).await;
    let findings = found(&world, ("create", "pods/eviction"), &[("REMOVAL_METHOD", "delete")]).await;
    findings.expect(
        "error",
        "permission_missing",
        &["delete pods", r#"resources: ["pods"], verbs: ["delete"]"#],
    );
    assert!(!format!("{findings:?}").contains("create pods/eviction"), "{findings:#?}");
}

/// What is only told, or needed later, is a warning.
#[tokio::test]
#[ignore]
async fn a_right_without_which_cycles_go_on_is_a_warning() {
    let world = started("check-softer").await;
    let findings = found(&world, ("create", "events"), &[]).await;
    findings.expect("warning", "permission_missing", &["create events.events.k8s.io"]);
    let findings = found(&world, ("update", "leases"), &[("DRY_RUN", "true")]).await;
    findings.expect("warning", "permission_missing", &["update leases"]).expect("note", "dry_run", &[]);
}

async fn findings_lack(world: &(Fleet, MetricServer), right: (&str, &str), variables: &[(&str, &str)]) {
    found(world, right, variables).await.lacks("permission_missing");
}

#[tokio::test]
#[ignore]
async fn rights_in_another_namespace_are_no_rights_here() {
    let world = started("check-elsewhere").await;
    let (findings, run) = check(world.0.rebalancer(&world.1).env("KUBE_NAMESPACE", "default")).await;
    assert_eq!(run.exit_code, 1, "{ACCOUNT} has no rights there");
    findings.expect("error", "permission_missing", &["list pods in namespace default"]);
    findings.expect("note", "not_checked", &["the pods", "a permission is missing"]);
}
