//! Argo Rollouts itself: its own controller makes the ReplicaSets of a Rollout, goes through the steps of a canary, aborts
//! and promotes it, and the real program holds by what that says.

use serde_json::{Value, json};

use super::owners::{ROTATED, all_hold, all_rotate, empty, ready};
use crate::harness::custom::ROLLOUT;
use crate::harness::fixture;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::operators::define_upstream;
use crate::harness::process::{Daemon, answers, free_port};
use crate::harness::wait;

/// The controller watches all of them.
const KINDS: [&str; 5] =
    ["rollouts", "experiments", "analysisruns", "analysistemplates", "clusteranalysistemplates"];

/// Runs the controller for this fleet's namespace alone: Rollouts of other scenarios are only written down.
async fn controller(fleet: &Fleet) -> Daemon {
    for kind in KINDS {
        define_upstream(fleet, &format!("{kind}.argoproj.io")).await;
    }
    let (kubeconfig, metrics) = (fleet.plane.admin_kubeconfig(), free_port());
    let args = |port| {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            "--namespaced".to_owned(),
            format!("--namespace={}", fleet.namespace),
            "--leader-elect=false".to_owned(),
            format!("--healthzPort={port}"),
            format!("--metricsPort={metrics}"),
        ]
    };
    Daemon::start("rollouts-controller", fleet.dir.path(), args, answers("/healthz")).await
}

/// The template with this version. A change of it is a new revision.
fn template(fleet: &Fleet, version: &str) -> Value {
    let metadata = json!({"labels": {"app": "consumer"}, "annotations": {"version": version}});
    json!({"template": {"metadata": metadata, "spec": fleet.template().pod_spec()}})
}

/// Waits until the controller says so of what it was told last.
async fn becomes(fleet: &Fleet, phase: &str, step: Option<u64>) {
    wait::until(phase, async || {
        let rollout = ROLLOUT.api(fleet).get(fleet.name()).await.unwrap();
        let status = &rollout.data["status"];
        let generation = rollout.metadata.generation.unwrap().to_string();
        let is_current = status["observedGeneration"] == json!(generation);
        let is_there = step.is_none_or(|step| status["currentStepIndex"] == json!(step));
        if is_current && status["phase"] == json!(phase) && is_there {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .await;
}

#[tokio::test]
#[ignore]
async fn the_real_controller_of_a_rollout_is_waited_for_until_it_has_promoted_a_new_version() {
    let fleet = empty("argo").await;
    let rules = fixture::rules(&[("argoproj.io", &["rollouts"], &["get"])]);
    let account = (&*fleet.namespace, "rebalancer");
    fixture::grant(&fleet.client, &fleet.namespace, "rollouts", &rules, account).await;
    let _controller = controller(&fleet).await;
    let canary = json!({"maxSurge": 1, "maxUnavailable": 0, "steps": [{"setWeight": 20}, {"pause": {}}]});
    let mut spec = json!({
        "replicas": 6,
        "selector": {"matchLabels": {"app": "consumer"}},
        "strategy": {"canary": canary},
    });
    spec["template"] = template(&fleet, "1")["template"].clone();
    ROLLOUT.create(&fleet, json!({"spec": spec})).await;
    ready(&fleet, 6).await;
    becomes(&fleet, "Healthy", None).await;

    // The first pod of the new version does not start: the canary is at its first step.
    fleet.freeze();
    ROLLOUT.change(&fleet, json!({"spec": template(&fleet, "2")})).await;
    becomes(&fleet, "Progressing", Some(0)).await;
    let seven = wait::until("the canary's pod", async || {
        let pods = fleet.pods().await;
        if pods.0.len() == 7 { Ok(pods) } else { Err(format!("{} pods", pods.0.len())) }
    })
    .await;
    let metrics = fleet.history(&seven).serve(Server::Prometheus).await;
    let words = "Rollout argo is trying a new version (step 1 of 2)";
    all_hold(&fleet, &seven, &metrics, "canary_in_progress", words).await;

    // It runs, and the controller waits at the pause for somebody.
    fleet.thaw().await;
    becomes(&fleet, "Paused", Some(1)).await;
    let before = fleet.pods().await;
    all_hold(&fleet, &before, &metrics, "rollout_paused", "Rollout argo is paused").await;

    // As `kubectl argo rollouts abort`.
    ROLLOUT.change(&fleet, json!({"status": {"abort": true}})).await;
    becomes(&fleet, "Degraded", None).await;
    let before = ready(&fleet, 6).await;
    all_hold(&fleet, &before, &metrics, "rollout_degraded", "Rollout argo is degraded: RolloutAborted").await;

    // As `kubectl argo rollouts retry rollout` and then `promote --full`.
    ROLLOUT.change(&fleet, json!({"status": {"abort": false, "currentStepIndex": 0}})).await;
    becomes(&fleet, "Paused", Some(1)).await;
    ROLLOUT.change(&fleet, json!({"status": {"promoteFull": true}})).await;
    becomes(&fleet, "Healthy", None).await;
    let promoted = ready(&fleet, 6).await;
    let metrics = fleet.history(&promoted).serve(Server::VictoriaMetrics).await;
    all_rotate(&fleet, &promoted, &metrics).await;
    assert_eq!(fleet.gone(&promoted).await, ROTATED);
    // The controller's ReplicaSet makes up for those that went.
    ready(&fleet, 6).await;
}
