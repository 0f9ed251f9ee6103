//! Whose pods they are: by the chain of owner references and UIDs, on the real API server. `check`, `plan` and `run` must
//! say the same.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::check::check;
use crate::harness::custom::{CLONE_SET, Custom, Defined, ROLLOUT, clones};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{self, create};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kubelet;
use crate::harness::metrics::{History, MetricServer, Server};
use crate::harness::wait;

pub(super) const NOBODY: [usize; 0] = [];
pub(super) const ROTATED: [usize; 4] = [0, 1, 4, 5];

const POD_SET: Custom = Custom {
    group: "core.strimzi.io",
    version: "v1beta2",
    kind: "StrimziPodSet",
    plural: "strimzipodsets",
    defined: Defined::Open(None),
};

/// A Deployment without pods, and an autoscaler of its name.
pub(super) async fn empty(name: &str) -> Fleet {
    let mut fleet = Fleet::named(name).hpa(70).start().await;
    fleet.setup.cores = WORKED_EXAMPLE.to_vec();
    fleet
}

/// Waits for so many Ready pods.
pub(super) async fn ready(fleet: &Fleet, wanted: usize) -> Pods {
    wait::until("the pods", async || {
        let pods = fleet.api::<Pod>().list(&kube::api::ListParams::default()).await.unwrap();
        let ready = pods.iter().filter(|pod| kubelet::is_ready(pod)).count();
        if ready == wanted && pods.items.len() == wanted {
            Ok(())
        } else {
            Err(format!("{ready} of {wanted}"))
        }
    })
    .await;
    fleet.pods().await
}

/// A ReplicaSet with these pods, as a Rollout makes it.
pub(super) async fn replica_set(fleet: &Fleet, hash: &str, replicas: usize, owner: &Value) {
    let labels = json!({"app": "consumer", "rollouts-pod-template-hash": hash});
    let set = json!({
        "metadata": {"name": format!("{}-{hash}", fleet.name()), "labels": labels, "ownerReferences": [owner]},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": fleet.template().pod_spec()},
        },
    });
    create::<ReplicaSet>(&fleet.client, &fleet.namespace, set).await;
}

/// A pod that this owner made by itself.
pub(super) async fn pod_of(fleet: &Fleet, number: usize, revision: &str, owner: &Value) {
    let labels = json!({"app": "consumer", "controller-revision-hash": revision});
    let name = format!("{}-{number}", fleet.name());
    let metadata = json!({"name": name, "labels": labels, "ownerReferences": [owner]});
    let pod = json!({"metadata": metadata, "spec": fleet.template().pod_spec()});
    create::<Pod>(&fleet.client, &fleet.namespace, pod).await;
}

/// `check`, `plan` and `run` say this hold, and nobody goes.
pub(super) async fn all_hold(fleet: &Fleet, before: &Pods, metrics: &MetricServer, hold: &str, words: &str) {
    let run = fleet.rebalance(metrics, &FOUR_MAY_GO).await.expect_exit(0);
    let decision = run.log_with(&["\"event\":\"decision\""])[0].clone();
    assert_eq!(decision["decision"], hold, "{}", run.stderr);
    assert!(decision["reason"].as_str().unwrap().contains(words), "{words} is not in {decision}");
    assert_eq!(fleet.gone(before).await, NOBODY);
    let plan = fleet.rebalancer(metrics).envs(&FOUR_MAY_GO).args(&["plan"]).run().await.expect_exit(0);
    assert!(plan.words().contains(words), "{}", plan.stdout);
    let (findings, _) = check(fleet.rebalancer(metrics).envs(&FOUR_MAY_GO)).await;
    findings.expect("note", "outlook", &[hold, words]);
}

/// `check` and `plan` say that a cycle rotates, and `run` does.
pub(super) async fn all_rotate(fleet: &Fleet, before: &Pods, metrics: &MetricServer) {
    let (findings, run) = check(fleet.rebalancer(metrics).envs(&FOUR_MAY_GO)).await;
    assert_eq!(run.exit_code, 0, "{findings:#?}");
    findings.expect("ok", "outlook", &["rotate"]);
    let plan = fleet.rebalancer(metrics).envs(&FOUR_MAY_GO).args(&["plan"]).run().await.expect_exit(0);
    assert!(plan.stdout.contains("\nrotate"), "{}", plan.stdout);
    let run = fleet.rebalance(metrics, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.gone(before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_deployment_of_the_name_that_does_not_own_the_pods_says_nothing_of_them() {
    let fleet = empty("rollout").await;
    // As with workloadRef: the Deployment stays at 0. Its mark is no matter either.
    let mark = json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-out": "true"}}});
    fleet.patch_workload(mark).await;
    let owner = ROLLOUT.create(&fleet, json!({"spec": {}})).await;
    replica_set(&fleet, "7c9d8f", 6, &owner).await;
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO)).await;
    let rule = r#"apiGroups: ["argoproj.io"], resources: ["rollouts", "rollouts/scale"], resourceNames: ["rollout"]"#;
    findings.expect("note", "owner_not_read", &["Rollout rollout owns 6 pods", rule]);
    all_rotate(&fleet, &before, &metrics).await;

    // A canary: two ReplicaSets own pods.
    ready(&fleet, 6).await;
    replica_set(&fleet, "66c8b5", 2, &owner).await;
    let before = ready(&fleet, 8).await;
    let mut fleet = fleet;
    fleet.setup.cores = [&WORKED_EXAMPLE[..], &[0.7, 0.7]].concat();
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    all_hold(&fleet, &before, &metrics, "rollout_in_progress", "of 8 pods").await;
}

#[tokio::test]
#[ignore]
async fn an_owner_that_may_be_read_tells_its_own_marks_and_numbers() {
    let fleet = empty("told").await;
    let owner = ROLLOUT.create(&fleet, json!({"spec": {"replicas": 6}, "status": {"replicas": 6}})).await;
    replica_set(&fleet, "7c9d8f", 6, &owner).await;
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut rules = fixture::granted(fleet.name());
    rules.extend(fixture::rules(&[("argoproj.io", &["rollouts"], &["get"])]));
    fixture::service_account(&fleet.client, &fleet.namespace, "reader", &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, "reader").await;
    let reader = fleet.plane.kubeconfig(&fleet.file("reader"), &fleet.plane.url, &token);
    let decides = async |patch: Value, expected: &str| {
        ROLLOUT.change(&fleet, patch).await;
        let run =
            fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&reader).run().await.expect_exit(0);
        let decision = run.log_with(&["\"event\":\"decision\""])[0]["decision"].clone();
        assert_eq!(decision, expected, "{}", run.stderr);
        fleet.gone(&before).await
    };
    let marked = |value: Value| json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-out": value}}});
    assert_eq!(decides(marked(json!("true")), "workload_opted_out").await, NOBODY);
    let counting =
        |pods: u32| json!({"metadata": marked(Value::Null)["metadata"], "status": {"replicas": pods}});
    assert_eq!(decides(counting(2), "pod_count_disagrees").await, NOBODY);
    assert_eq!(decides(counting(6), "rotate").await, ROTATED);
}

#[tokio::test]
#[ignore]
async fn two_objects_of_one_name_that_both_own_pods_hold() {
    let fleet = empty("moving").await;
    let owner = ROLLOUT.create(&fleet, json!({"spec": {}})).await;
    replica_set(&fleet, "7c9d8f", 6, &owner).await;
    ready(&fleet, 6).await;
    fleet.patch_workload(json!({"spec": {"replicas": 2}})).await;
    let before = ready(&fleet, 8).await;
    let mut fleet = fleet;
    fleet.setup.cores = [&WORKED_EXAMPLE[..], &[0.7, 0.7]].concat();
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    all_hold(&fleet, &before, &metrics, "several_owners", "Deployment moving").await;
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO)).await;
    findings.expect("error", "several_owners", &["Rollout moving", "KUBE_LABEL_SELECTOR"]);
}

#[tokio::test]
#[ignore]
async fn pods_of_any_owner_that_replaces_them_are_rotated_and_two_revisions_are_a_rollout() {
    for (name, kind, more) in [
        ("clones", CLONE_SET, json!({"spec": clones(json!({}))})),
        ("connect", POD_SET, json!({"spec": {"pods": []}})),
    ] {
        let fleet = empty(name).await;
        let gone = fleet.api::<Deployment>().delete(name, &Default::default()).await;
        gone.unwrap();
        let owner = kind.create(&fleet, more).await;
        for number in 0..6 {
            pod_of(&fleet, number, if number < 2 { "new" } else { "old" }, &owner).await;
        }
        let before = ready(&fleet, 6).await;
        let metrics = fleet.history(&before).serve(Server::Prometheus).await;
        all_hold(&fleet, &before, &metrics, "rollout_in_progress", "pods are of its current template").await;
        for pod in &before.0 {
            let relabel = Patch::Merge(json!({"metadata": {"labels": {"controller-revision-hash": "new"}}}));
            fleet.api::<Pod>().patch(&pod.name, &PatchParams::default(), &relabel).await.unwrap();
        }
        all_rotate(&fleet, &before, &metrics).await;
    }
}

/// A kubeconfig of an account with the Role of deploy/, without `get` on this resource of `apps`.
async fn without(fleet: &Fleet, resource: &str) -> std::path::PathBuf {
    let mut rules = fixture::granted(fleet.name());
    for rule in &mut rules {
        rule["resources"].as_array_mut().unwrap().retain(|known| known != resource);
    }
    rules.retain(|rule| !rule["resources"].as_array().unwrap().is_empty());
    let account = format!("without-{resource}");
    fixture::service_account(&fleet.client, &fleet.namespace, &account, &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, &account).await;
    fleet.plane.kubeconfig(&fleet.file(&account), &fleet.plane.url, &token)
}

#[tokio::test]
#[ignore]
async fn without_the_right_to_replica_sets_a_deployment_is_believed_only_where_it_holds() {
    let fleet = Fleet::named("by-name").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let kubeconfig = without(&fleet, "deployments").await;
    let run =
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(1);
    assert!(run.stderr.contains("grant the verb 'get' on 'deployments.apps'"), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
    let kubeconfig = without(&fleet, "replicasets").await;
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig)).await;
    findings.expect(
        "warning",
        "permission_missing",
        &["get replicasets.apps", r#"resources: ["replicasets"]"#],
    );
    findings.expect("note", "owner_by_name", &["6 pods", "Deployment by-name is believed"]);
    let opt_in = json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-in": "true"}}});
    fleet.patch_workload(opt_in).await;
    let run = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig);
    let required = run.env("REQUIRE_OPT_IN", "true").run().await.expect_exit(0);
    assert!(required.stderr.contains("6 not_opted_in"), "{}", required.stderr);
    let run =
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(0);
    assert!(run.stderr.contains("grant the verb 'get' on 'replicasets.apps'"), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, ROTATED, "{}", run.stderr);

    // The Deployment of a Rollout that may not be told from it has no pods.
    let fleet = empty("by-count").await;
    let owner = ROLLOUT.create(&fleet, json!({"spec": {}})).await;
    replica_set(&fleet, "7c9d8f", 6, &owner).await;
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let kubeconfig = without(&fleet, "replicasets").await;
    let run =
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(0);
    let decision = run.log_with(&["\"event\":\"decision\""])[0].clone();
    assert_eq!(decision["decision"], "pod_count_disagrees", "{}", run.stderr);
    assert!(decision["reason"].as_str().unwrap().contains("has 0 pods, and 6 are listed"), "{decision}");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_selector_that_matches_a_part_of_the_workload_s_pods_holds() {
    let fleet = Fleet::named("part").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    for pod in &before.0[..5] {
        let label = Patch::Merge(json!({"metadata": {"labels": {"half": "yes"}}}));
        fleet.api::<Pod>().patch(&pod.name, &PatchParams::default(), &label).await.unwrap();
    }
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let narrow = [FOUR_MAY_GO[0], ("KUBE_LABEL_SELECTOR", "half=yes")];
    let run = fleet.rebalance(&metrics, &narrow).await.expect_exit(0);
    let decision = run.log_with(&["\"event\":\"decision\""])[0].clone();
    assert_eq!(decision["decision"], "pod_count_disagrees", "{}", run.stderr);
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&narrow)).await;
    findings.expect("error", "pod_count_disagrees", &["has 6 pods, and 5 are listed", "KUBE_LABEL_SELECTOR"]);
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn with_flagger_the_primary_is_named() {
    let fleet = empty("flagged").await;
    let primary = fleet.deploy_beside("flagged-primary", 6).await;
    let metrics = fleet.history(&primary).serve(Server::Prometheus).await;
    let (findings, run) = check(fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO)).await;
    assert_eq!(run.exit_code, 1);
    findings.expect("error", "selector_matches_others", &["DEPLOYMENT_NAME=flagged-primary"]).expect(
        "error",
        "workload_without_pods",
        &["DEPLOYMENT_NAME=flagged-primary"],
    );
}

#[tokio::test]
#[ignore]
async fn requests_of_whole_pods_count_as_they_do_for_the_autoscaler() {
    let whole = json!({"resources": {"requests": {"cpu": "1"}}});
    let setup = Fleet::named("whole").cpu(&WORKED_EXAMPLE).cpu_request(None).hpa(70).pod_spec(whole);
    let fleet = setup.start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    all_rotate(&fleet, &before, &metrics).await;
}

#[tokio::test]
#[ignore]
async fn a_native_sidecar_can_be_the_measured_container() {
    let worker = json!({"name": "worker", "image": "registry.invalid/worker:1", "restartPolicy": "Always",
        "resources": {"requests": {"cpu": "1"}}});
    let spec = json!({"initContainers": [worker]});
    let fleet = Fleet::named("sidecar").cpu(&WORKED_EXAMPLE).hpa(70).pod_spec(spec).start().await;
    let before = fleet.settled().await;
    let history = History::new(&fleet.namespace, "worker");
    let loads = before.0.iter().zip(WORKED_EXAMPLE);
    let history = loads.fold(history, |history, (pod, cores)| history.cpu(&pod.name, cores));
    let metrics = history.serve(Server::Prometheus).await;
    let worker = [FOUR_MAY_GO[0], ("CONTAINER_NAME", "worker")];
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&worker)).await;
    findings.expect("ok", "container", &["all 6 pods have a container worker"]);
    let run = fleet.rebalance(&metrics, &worker).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, ROTATED, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_pod_whose_container_was_restarted_is_young() {
    let fleet = Fleet::named("restarted").cpu(&WORKED_EXAMPLE).hpa(70).aged().start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    // The condition Ready has not changed: it is an hour old.
    let status = json!({"name": fleet.name(), "image": "registry.invalid/consumer:1", "imageID": "", "ready": true,
        "restartCount": 1, "state": {"running": {"startedAt": jiff::Timestamp::now()}}});
    let patch = Patch::Merge(json!({"status": {"containerStatuses": [status]}}));
    fleet.api::<Pod>().patch_status(&before.0[0].name, &PatchParams::default(), &patch).await.unwrap();
    let settled = [FOUR_MAY_GO[0], ("MINIMUM_POD_AGE", "5m"), ("MAXIMUM_YOUNG_SHARE", "0.5")];
    let plan = fleet.rebalancer(&metrics).envs(&settled).args(&["plan", "--output", "json"]);
    let plan: Value = serde_json::from_str(&plan.run().await.expect_exit(0).stdout).unwrap();
    let name = &before.0[0].name;
    let pod = plan["pods"].as_array().unwrap().iter().find(|pod| pod["name"] == *name).unwrap();
    assert!(pod["reason"].as_str().unwrap().contains("less than 5m"), "{pod}");
    let run = fleet.rebalance(&metrics, &settled).await.expect_exit(0);
    assert!(!fleet.gone(&before).await.contains(&0), "{}", run.stderr);
    assert!(fleet.gone(&before).await.contains(&1), "{}", run.stderr);
}
