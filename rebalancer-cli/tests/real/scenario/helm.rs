//! The Helm chart on the real API server: installed, upgraded, rolled back, tested and uninstalled by the real helm.

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::harness::container::starts_a_pod_from;
use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::installed::{RELEASE, values, with};
use crate::harness::kubelet::{ANNOTATION, Behavior};
use crate::harness::metrics::Server;
use crate::harness::namespaces::{namespaces, restrict};
use crate::harness::{operators, tools, wait};

const NOBODY: [usize; 0] = [];

/// The value files of the chart, which .ci/deploy lints.
fn value_files() -> Vec<String> {
    let folder = tools::deploy().join("helm/pod-rebalancer/ci");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    files.sort();
    files
}

/// What the release left in its namespace, as kind/name. Its own secrets and the program's Lease aside.
async fn of_the_release(fleet: &Fleet) -> Vec<String> {
    let params = ListParams::default().labels(&format!("app.kubernetes.io/instance={RELEASE}"));
    let mut found = Vec::new();
    macro_rules! look {
        ($($kind:ty),*) => {$(
            let list = fleet.api::<$kind>().list(&params).await.unwrap();
            found.extend(list.iter().map(|object| format!("{}/{}", stringify!($kind), object.name_any())));
        )*};
    }
    look!(CronJob, ServiceAccount, Role, RoleBinding, ConfigMap, NetworkPolicy);
    found
}

async fn dry_run_of(fleet: &Fleet) -> Option<String> {
    let cron_job = fleet.api::<CronJob>().get(RELEASE).await.unwrap();
    let spec = cron_job.spec.unwrap().job_template.spec.unwrap().template.spec.unwrap();
    let env = spec.containers[0].env.clone().unwrap();
    env.into_iter().find(|variable| variable.name == "DRY_RUN").unwrap().value
}

#[tokio::test]
#[ignore]
async fn every_value_file_renders_what_the_api_server_accepts_to_the_last_field() {
    let fleet = Fleet::named("chart").start().await;
    namespaces(&fleet, &["streams", "billing", "pod-rebalancer-locks"]).await;
    operators::define(&fleet).await;
    let files = value_files();
    assert!(files.len() >= 4, "{files:?}");
    for file in &files {
        let args = ["install", RELEASE, &tools::chart(), "--values", file, "--dry-run=server"];
        let said = fleet.helm(&args).await.succeeded();
        assert!(
            said.stdout.contains("helm test pod-rebalancer"),
            "the notes tell the next command\n{said:#?}"
        );
    }
    assert_eq!(of_the_release(&fleet).await, Vec::<String>::new(), "nothing was stored");
    // The pod of the test needs its account; helm installs that before.
    for account in [RELEASE, "kafka-rebalancer"] {
        fleet.kubectl(&["create", "serviceaccount", account]).await.succeeded();
    }
    for file in &files {
        let args = ["template", RELEASE, &tools::chart(), "--values", file];
        let manifest = fleet.file("rendered.yaml");
        std::fs::write(&manifest, fleet.helm(&args).await.succeeded().stdout).unwrap();
        fleet.accepts(&manifest.display().to_string(), None).await;
    }
}

#[tokio::test]
#[ignore]
async fn the_chart_carries_the_alerts_and_the_dashboard_as_they_are() {
    let fleet = Fleet::named("monitoring").start().await;
    operators::define(&fleet).await;
    let mut values = values(&fleet, "http://victoriametrics:8428");
    for part in ["prometheusRule", "vmRule", "dashboard"] {
        values[part] = json!({"enabled": true});
    }
    fleet.install(&values).await;
    let read = |path: &str| std::fs::read_to_string(tools::deploy().join(path)).unwrap();
    let alerts: Value = serde_saphyr::from_str(&read("prometheus/alerts.yaml")).unwrap();
    for kind in ["prometheusrule", "vmrule"] {
        let said = fleet.kubectl(&["get", kind, RELEASE, "--output", "json"]).await.succeeded();
        let rule: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(rule["spec"], alerts, "{kind}");
    }
    let map = fleet.api::<ConfigMap>().get("pod-rebalancer-dashboard").await.unwrap();
    assert_eq!(map.labels()["grafana_dashboard"], "1");
    let dashboard: Value = serde_json::from_str(&map.data.unwrap()["pod-rebalancer.json"]).unwrap();
    assert_eq!(dashboard, serde_json::from_str::<Value>(&read("grafana/pod-rebalancer.json")).unwrap());
}

#[tokio::test]
#[ignore]
async fn a_release_is_installed_upgraded_rolled_back_and_uninstalled() {
    let fleet = Fleet::named("release").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut dry = values(&fleet, &metrics);
    dry["config"].as_object_mut().unwrap().remove("DRY_RUN");

    fleet.install(&dry).await;
    let run = fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "dry_run", "the chart begins with a dry run");
    assert_eq!(fleet.gone(&before).await, NOBODY);

    fleet.upgrade(&values(&fleet, &metrics)).await;
    fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    fleet.api::<Lease>().get("pod-rebalancer-release").await.expect("its record");
    let events = fleet.events_about(fleet.name()).await;
    assert!(!events.is_empty(), "its Events on the workload");

    assert_eq!(dry_run_of(&fleet).await.as_deref(), Some("false"));
    fleet.helm(&["rollback", RELEASE, "1"]).await.succeeded();
    assert_eq!(dry_run_of(&fleet).await.as_deref(), Some("true"));

    assert!(!of_the_release(&fleet).await.is_empty());
    fleet.helm(&["uninstall", RELEASE, "--wait"]).await.succeeded();
    assert_eq!(of_the_release(&fleet).await, Vec::<String>::new());
    let left = fleet.api::<Secret>().list(&ListParams::default().labels("owner=helm")).await.unwrap();
    assert!(left.items.is_empty(), "helm's own record of the release");
}

#[tokio::test]
#[ignore]
async fn several_workloads_and_credentials_arrive_where_the_program_looks() {
    let fleet = Fleet::named("listed").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let beside = Fleet::named("listed-elsewhere").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let (before, before_beside) = (fleet.settled().await, beside.settled().await);
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let metrics_beside = beside.history(&before_beside).serve(Server::VictoriaMetrics).await;
    let authority =
        json!({"data": {"ca.crt": String::from_utf8(fleet.plane.certificate_authority()).unwrap()}});
    let mut ca = authority;
    ca["metadata"] = json!({"name": "ca"});
    crate::harness::fixture::create::<ConfigMap>(&fleet.client, &fleet.namespace, ca).await;
    let headers = json!({"metadata": {"name": "metrics"}, "stringData": {"headers": "X-Scope-OrgID=team-a"}});
    crate::harness::fixture::create::<Secret>(&fleet.client, &fleet.namespace, headers).await;

    let mut values = with(values(&fleet, &metrics), &[("DEPLOYMENT_NAME", json!(""))]);
    values["workloads"] = json!([
        {"DEPLOYMENT_NAME": fleet.name()},
        {
            "DEPLOYMENT_NAME": beside.name(),
            "KUBE_NAMESPACE": beside.namespace,
            "PROMETHEUS_ENDPOINT": metrics_beside.as_ref(),
        },
    ]);
    values["credentials"] = json!({
        "certificateAuthority": {"configMapName": "ca"},
        "headers": {"secretName": "metrics"},
    });
    fleet.install(&values).await;
    fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    assert_eq!(beside.gone(&before_beside).await, [0, 1, 4, 5]);
    fleet.helm(&["uninstall", RELEASE, "--wait"]).await.succeeded();
    let roles = beside.api::<Role>().list(&ListParams::default()).await.unwrap();
    let left: Vec<String> = roles.iter().map(ResourceExt::name_any).collect();
    assert_eq!(left, ["rebalancer"], "nothing of the release is left in the other namespace");
}

#[tokio::test]
#[ignore]
async fn its_pods_pass_the_restricted_pod_security_standard() {
    let fleet = Fleet::named("restricted").start().await;
    restrict(&fleet).await;
    fleet.install(&values(&fleet, "http://victoriametrics:8428")).await;
    starts_a_pod_from(&fleet, RELEASE).await;
    let rendered = fleet
        .helm(&[
            "template",
            RELEASE,
            &tools::chart(),
            "--values",
            &fleet.file("values.yaml").display().to_string(),
            "--show-only",
            "templates/tests/check.yaml",
        ])
        .await
        .succeeded();
    let manifest = fleet.file("check.yaml");
    std::fs::write(&manifest, rendered.stdout).unwrap();
    fleet.accepts(&manifest.display().to_string(), None).await;
}

/// `helm test` waits for the pod of the chart; here the binary is its container.
async fn helm_test(fleet: &Fleet) -> (tools::Said, crate::harness::rebalancer::Run) {
    let name = format!("{RELEASE}-check");
    let check = async {
        let pod = wait::until("the pod of helm test", async || {
            // One of an earlier test has ended, and is deleted before.
            let pod = fleet.api::<Pod>().get_opt(&name).await.unwrap();
            let waiting =
                |pod: &Pod| pod.annotations().get(ANNOTATION).is_some_and(|state| state == "pending");
            pod.filter(waiting).ok_or_else(|| "no pod that waits".to_owned())
        })
        .await;
        let run = fleet.container(pod.spec.as_ref().unwrap()).await.run().await;
        let end = if run.exit_code == 0 { Behavior::Succeeded } else { Behavior::Failed };
        fleet.annotate(&name, ANNOTATION, end.name()).await.unwrap();
        run
    };
    tokio::join!(fleet.helm(&["test", RELEASE, "--timeout", "60s"]), check)
}

#[tokio::test]
#[ignore]
async fn helm_test_passes_where_all_is_well_and_fails_with_the_fix_where_it_is_not() {
    let fleet = Fleet::named("tested").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut good = values(&fleet, &metrics);
    // The fake kubelet leaves the pod to this test.
    good["podAnnotations"] = json!({ANNOTATION: Behavior::Pending.name()});
    fleet.install(&good).await;
    let (said, run) = helm_test(&fleet).await;
    assert_eq!(run.exit_code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(said.succeeded().stdout.contains("Succeeded"));

    fleet.upgrade(&with(good, &[("CONTAINER_NAME", json!("consumr"))])).await;
    let (said, run) = helm_test(&fleet).await;
    assert!(run.words().contains("set CONTAINER_NAME=tested"), "{}", run.stdout);
    said.failed_with("pod-rebalancer-check failed");
    assert_eq!(fleet.gone(&before).await, NOBODY, "a check changes nothing");
}
