//! Others who move the same pods, by their own objects on the real API server: what they announce, and what is done about it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::owners::{NOBODY, ROTATED, all_hold, empty, pod_of, ready, replica_set};
use crate::harness::check::check;
use crate::harness::custom::{CLONE_SET, Custom, Defined, ROLLOUT, clones};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture;
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::operators::define_upstream;
use crate::harness::rebalancer::Run;

const SCALED_OBJECT: Custom = Custom {
    group: "keda.sh",
    version: "v1alpha1",
    kind: "ScaledObject",
    plural: "scaledobjects",
    defined: Defined::Upstream,
};
pub(super) const CANARY: Custom = Custom {
    group: "flagger.app",
    version: "v1beta1",
    kind: "Canary",
    plural: "canaries",
    defined: Defined::Upstream,
};
pub(super) const VPA: Custom = Custom {
    group: "autoscaling.k8s.io",
    version: "v1",
    kind: "VerticalPodAutoscaler",
    plural: "verticalpodautoscalers",
    defined: Defined::Upstream,
};

/// A ScaledObject of this workload.
fn scaling(workload: &str) -> Value {
    let trigger = json!({"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}});
    json!({"scaleTargetRef": {"name": workload}, "triggers": [trigger]})
}

type World = (Fleet, Pods, MetricServer);

async fn world(name: &str) -> World {
    let fleet = Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    allow(&fleet).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    (fleet, before, metrics)
}

/// Lets the fleet's account read what its neighbors do.
pub(super) async fn allow(fleet: &Fleet) {
    let rules = fixture::rules(&[
        ("keda.sh", &["scaledobjects"], &["list"]),
        ("flagger.app", &["canaries"], &["list"]),
        ("autoscaling.k8s.io", &["verticalpodautoscalers"], &["list"]),
        ("argoproj.io", &["rollouts"], &["get"]),
        ("apps.kruise.io", &["clonesets"], &["get"]),
    ]);
    fixture::grant(&fleet.client, &fleet.namespace, "neighbors", &rules, (&fleet.namespace, "rebalancer"))
        .await;
    let name = format!("{}-nodes", fleet.namespace);
    let role =
        json!({"metadata": {"name": name}, "rules": fixture::rules(&[("", &["nodes"], &["get", "list"])])});
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "rebalancer", "namespace": fleet.namespace}],
    });
    let (role, binding) = (serde_json::from_value(role).unwrap(), serde_json::from_value(binding).unwrap());
    Api::<ClusterRole>::all(fleet.client.clone()).create(&PostParams::default(), &role).await.unwrap();
    Api::<ClusterRoleBinding>::all(fleet.client.clone())
        .create(&PostParams::default(), &binding)
        .await
        .unwrap();
}

async fn run((fleet, _, metrics): &World, neighbors: &str) -> Run {
    let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", neighbors)]].concat();
    fleet.rebalance(metrics, &variables).await.expect_exit(0)
}

/// The run's decision, and its reason.
pub(super) fn decision(run: &Run) -> (String, String) {
    let told = run.log_with(&["\"event\":\"decision\""])[0].clone();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    (text("decision"), text("reason"))
}

async fn holds(world: &World, neighbors: &str, hold: &str, words: &str) {
    let run = run(world, neighbors).await;
    let (decision, reason) = decision(&run);
    assert_eq!(decision, hold, "{}", run.stderr);
    assert!(reason.contains(words), "{words} is not in {reason}");
    assert_eq!(world.0.gone(&world.1).await, NOBODY, "{hold}");
}

async fn patch(kind: &Custom, fleet: &Fleet, patch: Value) {
    kind.change(fleet, patch).await;
}

async fn plan((fleet, _, metrics): &World, neighbors: &str) -> Value {
    let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", neighbors)]].concat();
    let plan = fleet.rebalancer(metrics).envs(&variables).args(&["plan", "--output", "json"]);
    serde_json::from_str(&plan.run().await.expect_exit(0).stdout).unwrap()
}

/// Nodes are shared by all scenarios, so that this one alone marks some, and takes the marks away.
#[tokio::test]
#[ignore]
async fn a_node_that_is_drained_holds_and_one_that_is_cordoned_lends_no_cold_pod() {
    let world = world("drained").await;
    let (fleet, before, _) = &world;
    let nodes: Api<Node> = Api::all(fleet.client.clone());
    let pods = fleet.api::<Pod>();
    let node_of =
        async |place: usize| pods.get(&before.0[place].name).await.unwrap().spec.unwrap().node_name.unwrap();
    let mark = async |node: &str, spec: Value| {
        nodes.patch(node, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await.unwrap();
    };
    let chosen = |plan: &Value| -> BTreeSet<usize> {
        let removals = plan["decision"]["rotate"]["removals"].as_array().unwrap();
        let name = |removal: &Value| removal["pod"]["name"].as_str().unwrap().to_owned();
        let place = |name: String| before.0.iter().position(|pod| pod.name == name).unwrap();
        removals.iter().map(name).map(place).collect()
    };
    assert_eq!(chosen(&plan(&world, "nodes").await), BTreeSet::from(ROTATED));

    // The coldest pod's node is cordoned: another cold pod goes, and nobody who did not ask for it sees that.
    let cordoned = node_of(5).await;
    mark(&cordoned, json!({"unschedulable": true})).await;
    let seen = plan(&world, "nodes").await;
    assert!(!chosen(&seen).contains(&5), "{seen}");
    assert_eq!(seen["leaving_nodes"], json!([{"name": cordoned, "stage": "cordoned", "by": "cordoned"}]));
    assert_eq!(chosen(&plan(&world, "none").await), BTreeSet::from(ROTATED));
    define_upstream(fleet, "nodeclaims.karpenter.sh").await;
    let (findings, _) = check(fleet.rebalancer(&world.2).envs(&FOUR_MAY_GO)).await;
    findings.expect("note", "neighbor_not_asked", &["Karpenter is installed here", "NEIGHBORS=nodes"]);
    mark(&cordoned, json!({"unschedulable": null})).await;

    // Karpenter and the cluster autoscaler taint what they drain.
    let drained = node_of(2).await;
    for key in ["karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler"] {
        mark(&drained, json!({"taints": [{"key": key, "effect": "NoSchedule"}]})).await;
        holds(&world, "nodes", "nodes_draining", key).await;
    }
    mark(
        &drained,
        json!({"taints": [{"key": "DeletionCandidateOfClusterAutoscaler", "effect": "PreferNoSchedule"}]}),
    )
    .await;
    assert_ne!(decision(&run(&world, "nodes").await).0, "nodes_draining");
    mark(&drained, json!({"taints": null})).await;
}

#[tokio::test]
#[ignore]
async fn a_scaled_object_that_is_paused_falls_back_or_goes_to_zero_holds_where_keda_is_asked() {
    let world = world("scaled").await;
    let (fleet, before, _) = &world;
    let conditions =
        |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status}]}});
    SCALED_OBJECT.create(fleet, json!({"spec": scaling(fleet.name())})).await;
    let paused = |name: &str, value: Value| json!({"metadata": {"annotations": {name: value}}});
    let by = "autoscaling.keda.sh/paused";
    patch(&SCALED_OBJECT, fleet, paused(by, json!("true"))).await;
    holds(&world, "keda", "scaling_paused", "ScaledObject scaled is paused, so").await;
    patch(&SCALED_OBJECT, fleet, paused(by, Value::Null)).await;
    patch(&SCALED_OBJECT, fleet, paused("autoscaling.keda.sh/paused-replicas", json!("6"))).await;
    holds(&world, "keda", "scaling_paused", "paused at 6 pods").await;
    patch(&SCALED_OBJECT, fleet, paused("autoscaling.keda.sh/paused-replicas", Value::Null)).await;
    patch(&SCALED_OBJECT, fleet, conditions("Fallback", "True")).await;
    holds(&world, "keda", "scaling_fallback", "fallback").await;
    patch(&SCALED_OBJECT, fleet, conditions("Active", "False")).await;
    holds(&world, "keda", "scaling_to_zero", "about to scale to zero").await;

    // Who does not ask does not see it, and `check` says so.
    let (findings, _) = check(world.0.rebalancer(&world.2).envs(&FOUR_MAY_GO)).await;
    findings.expect("note", "neighbor_not_asked", &["KEDA is installed here", "NEIGHBORS=keda"]);
    let run = run(&world, "none").await;
    assert_eq!(fleet.gone(before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_canary_of_flagger_holds_until_it_is_promoted() {
    let world = world("canary").await;
    let (fleet, before, _) = &world;
    let target = json!({
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": fleet.name()},
        "service": {"port": 80},
        "analysis": {"interval": "1m", "threshold": 5, "stepWeight": 20},
    });
    CANARY
        .create(fleet, json!({"spec": target, "status": {"phase": "Progressing", "canaryWeight": 20}}))
        .await;
    holds(
        &world,
        "flagger",
        "canary_in_progress",
        "Canary canary is trying a new version (Progressing, 20 %)",
    )
    .await;
    patch(&CANARY, fleet, json!({"status": {"phase": "Succeeded", "canaryWeight": 0}})).await;
    let run = run(&world, "flagger").await;
    assert_eq!(fleet.gone(before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_neighbor_that_is_named_and_may_not_be_read_holds_and_its_own_role_is_enough() {
    let world = world("unread").await;
    let (fleet, before, metrics) = &world;
    SCALED_OBJECT.create(fleet, json!({"spec": scaling("another")})).await;
    fixture::service_account(&fleet.client, &fleet.namespace, "reader", &fixture::granted(fleet.name()))
        .await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, "reader").await;
    let reader = fleet.plane.kubeconfig(&fleet.file("reader"), &fleet.plane.url, &token);
    let asking = || {
        let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", "keda")]].concat();
        fleet.rebalancer(metrics).envs(&variables).kubeconfig(&reader)
    };
    let (decided, reason) = decision(&asking().run().await.expect_exit(0));
    assert_eq!(decided, "neighbor_unread", "{reason}");
    assert!(reason.contains("scaledobjects.keda.sh"), "{reason}");
    assert_eq!(fleet.gone(before).await, NOBODY);
    let (findings, _) = check(asking()).await;
    let rule = r#"apiGroups: ["keda.sh"], resources: ["scaledobjects"], verbs: ["list"]"#;
    findings.expect("error", "permission_missing", &["list scaledobjects.keda.sh", rule]);
    let component = include_str!("../../../../deploy/kustomize/components/neighbors/keda/role.yaml");
    let role: Value = serde_saphyr::from_str(component.split("---").next().unwrap()).unwrap();
    let rules = role["rules"].as_array().unwrap().clone();
    fixture::grant(&fleet.client, &fleet.namespace, "of-keda", &rules, (&fleet.namespace, "reader")).await;
    let run = asking().run().await.expect_exit(0);
    assert_eq!(fleet.gone(before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_vertical_autoscaler_shows_what_it_will_restart_and_a_resize_in_progress_holds() {
    let world = world("vertical").await;
    let (fleet, before, metrics) = &world;
    let bound = |cpu: &str| json!({"cpu": cpu});
    let recommended = json!({"containerName": fleet.name(), "target": bound("3"), "lowerBound": bound("2"), "upperBound": bound("4")});
    let of = json!({"targetRef": {"kind": "Deployment", "name": fleet.name()}, "updatePolicy": {"updateMode": "Recreate"}});
    let status = json!({"recommendation": {"containerRecommendations": [recommended]}});
    VPA.create(fleet, json!({"spec": of, "status": status})).await;
    let shown = plan(&world, "vpa").await;
    assert_eq!(shown["restarts_due"]["by"], "VerticalPodAutoscaler vertical", "{shown}");
    assert_eq!(shown["restarts_due"]["pods"], 6);
    let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", "vpa")]].concat();
    let (findings, _) = check(fleet.rebalancer(metrics).envs(&variables)).await;
    findings.expect("note", "restarts_due", &["other requests than 6 pods have"]);

    let resizing = |status: &str| {
        let condition = json!({"type": "PodResizeInProgress", "status": status});
        Patch::Strategic(json!({"status": {"conditions": [condition]}}))
    };
    let pods = fleet.api::<Pod>();
    let pod = &before.0[3].name;
    pods.patch_status(pod, &PatchParams::default(), &resizing("True")).await.unwrap();
    holds(&world, "none", "pods_resizing", pod).await;
    pods.patch_status(pod, &PatchParams::default(), &resizing("False")).await.unwrap();
    let run = run(&world, "vpa").await;
    assert_eq!(fleet.gone(before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_rollout_that_is_paused_degraded_or_in_a_canary_holds_by_its_own_status() {
    let fleet = empty("stepwise").await;
    allow(&fleet).await;
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}});
    let healthy =
        json!({"replicas": 6, "phase": "Healthy", "stableRS": "7c9d8f", "currentPodHash": "7c9d8f"});
    let more = json!({"spec": {"replicas": 6, "strategy": strategy}, "status": healthy});
    let owner = ROLLOUT.create(&fleet, more).await;
    replica_set(&fleet, "7c9d8f", 6, &owner).await;
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    // The new ReplicaSet has no pod yet: nothing but the status tells.
    let canary =
        json!({"status": {"phase": "Progressing", "currentPodHash": "66c8b5", "currentStepIndex": 0}});
    patch(&ROLLOUT, &fleet, canary).await;
    all_hold(
        &fleet,
        &before,
        &metrics,
        "canary_in_progress",
        "Rollout stepwise is trying a new version (step 1 of 2)",
    )
    .await;
    let paused = json!({"status": {"phase": "Paused", "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-02T03:04:05Z"}]}});
    patch(&ROLLOUT, &fleet, paused).await;
    all_hold(&fleet, &before, &metrics, "rollout_paused", "Rollout stepwise is paused").await;
    let aborted =
        json!({"status": {"phase": "Degraded", "message": "RolloutAborted", "pauseConditions": null}});
    patch(&ROLLOUT, &fleet, aborted).await;
    all_hold(&fleet, &before, &metrics, "rollout_degraded", "is degraded: RolloutAborted").await;
    patch(&ROLLOUT, &fleet, json!({"status": {"phase": "Healthy", "currentPodHash": "7c9d8f"}})).await;
    let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_clone_set_that_is_paused_or_partitioned_holds_by_its_own_words() {
    let fleet = empty("parts").await;
    allow(&fleet).await;
    let spec = clones(json!({"updateStrategy": {"partition": 4}}));
    let status = json!({"replicas": 6, "readyReplicas": 6, "availableReplicas": 6, "updatedReplicas": 2,
        "updatedReadyReplicas": 2});
    let owner = CLONE_SET.create(&fleet, json!({"spec": spec, "status": status})).await;
    for number in 0..6 {
        pod_of(&fleet, number, "one", &owner).await;
    }
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    all_hold(&fleet, &before, &metrics, "rollout_partitioned", "2 of 6 are new").await;
    patch(&CLONE_SET, &fleet, json!({"spec": {"updateStrategy": {"partition": 0, "paused": true}}, "status": {"updatedReplicas": 6}})).await;
    all_hold(&fleet, &before, &metrics, "rollout_paused", "CloneSet parts is paused").await;
}
