//! Flagger itself: it makes the copy of a Deployment that serves, tries each new version beside it and promotes it, and the real
//! program holds by what its Canary says.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::neighbors::{CANARY, allow, decision};
use super::owners::{NOBODY, ROTATED};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::operators::define_upstream;
use crate::harness::process::{Daemon, answers};
use crate::harness::wait;

/// The copy that serves, which Flagger makes, and its pods.
const PRIMARY: &str = "flag-primary";
const OF_PRIMARY: &str = "app=consumer-primary";

/// Flagger does nothing more often than every ten seconds, and a promotion takes it several of its steps.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// Runs it for this fleet's namespace alone, without a service mesh: Canaries of other scenarios are only written down.
async fn flagger(fleet: &Fleet, metrics: &MetricServer) -> Daemon {
    define_upstream(fleet, "canaries.flagger.app").await;
    let kubeconfig = fleet.plane.admin_kubeconfig();
    let args = |port| {
        vec![
            format!("-kubeconfig={}", kubeconfig.display()),
            format!("-namespace={}", fleet.namespace),
            format!("-metrics-server={}", metrics.as_ref()),
            format!("-port={port}"),
        ]
    };
    Daemon::start("flagger", fleet.dir.path(), args, answers("/healthz")).await
}

/// Waits until its Canary is in this phase.
async fn becomes(fleet: &Fleet, phase: &str) {
    wait::until_within(PATIENCE, phase, async || {
        let canary: DynamicObject = CANARY.api(fleet).get(fleet.name()).await.unwrap();
        let status = &canary.data["status"];
        if status["phase"] == json!(phase) { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

/// Waits until the Deployment that people change has so many pods.
async fn target_has(fleet: &Fleet, wanted: i32) {
    let deployments: Api<Deployment> = fleet.api();
    wait::until_within(PATIENCE, "the target's pods", async || {
        let status = deployments.get(fleet.name()).await.unwrap().status.unwrap_or_default();
        if status.replicas.unwrap_or(0) == wanted { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
}

/// What it takes to look after the copy that serves, besides what looking after the Deployment itself takes.
fn of_primary(fleet: &Fleet) -> Vec<(&str, &str)> {
    let other = [
        ("NEIGHBORS", "flagger"),
        ("DEPLOYMENT_NAME", PRIMARY),
        ("KUBE_LABEL_SELECTOR", OF_PRIMARY),
        ("CONTAINER_NAME", fleet.name()),
    ];
    [&FOUR_MAY_GO[..], &other].concat()
}

async fn holds(fleet: &Fleet, before: &Pods, metrics: &MetricServer, hold: &str, words: &str) {
    let run = fleet.rebalance(metrics, &of_primary(fleet)).await.expect_exit(0);
    let (decision, reason) = decision(&run);
    assert_eq!(decision, hold, "{}", run.stderr);
    assert!(reason.contains(words), "{words} is not in {reason}");
    assert_eq!(fleet.gone(before).await, NOBODY, "{hold}");
}

/// A cycle with the pods that serve now rotates.
async fn rotates(fleet: &Fleet, server: Server) {
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(server).await;
    let run = fleet.rebalance(&metrics, &of_primary(fleet)).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, ROTATED, "{}", run.stderr);
    fleet.settled().await;
}

#[tokio::test]
#[ignore]
async fn the_real_flagger_is_waited_for_until_it_has_promoted_a_new_version() {
    let mut fleet = Fleet::named("flag").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    allow(&fleet).await;
    let rules = fixture::granted(PRIMARY);
    fixture::grant(&fleet.client, &fleet.namespace, PRIMARY, &rules, (&fleet.namespace, ACCOUNT)).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let _flagger = flagger(&fleet, &metrics).await;

    // The copy does not start: the Deployment still serves by itself, and will be scaled to zero as soon as the copy does.
    fleet.freeze();
    let reference =
        |kind: &str, version: &str| json!({"apiVersion": version, "kind": kind, "name": fleet.name()});
    let spec = json!({
        "provider": "kubernetes",
        "targetRef": reference("Deployment", "apps/v1"),
        "autoscalerRef": reference("HorizontalPodAutoscaler", "autoscaling/v2"),
        "service": {"port": 80},
        "analysis": {"interval": "10s", "threshold": 2, "iterations": 1},
    });
    CANARY.create(&fleet, json!({"spec": spec})).await;
    becomes(&fleet, "Initializing").await;
    let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", "flagger")]].concat();
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    let (held, reason) = decision(&run);
    assert_eq!(held, "canary_in_progress", "{}", run.stderr);
    assert!(reason.contains("Canary flag is trying a new version (Initializing)"), "{reason}");
    assert_eq!(fleet.gone(&before).await, NOBODY);

    thaw(&fleet).await;
    becomes(&fleet, "Initialized").await;
    target_has(&fleet, 0).await;
    fleet.setup.selector = OF_PRIMARY;
    rotates(&fleet, Server::Prometheus).await;

    // The first pods of the new version do not start.
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    fleet.freeze();
    fleet
        .patch_workload(json!({"spec": {"template": {"metadata": {"annotations": {"version": "2"}}}}}))
        .await;
    becomes(&fleet, "Progressing").await;
    let words = "Canary flag is trying a new version (Progressing)";
    holds(&fleet, &before, &metrics, "canary_in_progress", words).await;
    CANARY.change(&fleet, json!({"spec": {"suspend": true}})).await;
    holds(&fleet, &before, &metrics, "rollout_paused", "Canary flag is paused").await;
    CANARY.change(&fleet, json!({"spec": {"suspend": false}})).await;

    // They do, and Flagger copies the new version.
    thaw(&fleet).await;
    becomes(&fleet, "Succeeded").await;
    target_has(&fleet, 0).await;
    let promoted: Value =
        serde_json::to_value(fleet.api::<Deployment>().get(PRIMARY).await.unwrap()).unwrap();
    assert_eq!(promoted["spec"]["template"]["metadata"]["annotations"]["version"], "2", "{promoted}");
    rotates(&fleet, Server::VictoriaMetrics).await;
}

/// Pods of any label go on, which [`Fleet::thaw`] does for those of one.
async fn thaw(fleet: &Fleet) {
    fleet.thaw().await;
    let pods = fleet.api::<k8s_openapi::api::core::v1::Pod>();
    for pod in pods.list(&Default::default()).await.unwrap() {
        let touch = Patch::Merge(json!({"metadata": {"annotations": {"test.rebalancer/touched": "thawed"}}}));
        let name = pod.metadata.name.unwrap();
        // One that is being deleted may be gone by now.
        let _ = pods.patch_metadata(&name, &PatchParams::default(), &touch).await;
    }
}
