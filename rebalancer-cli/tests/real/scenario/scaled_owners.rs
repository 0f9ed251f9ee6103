//! Owners of kinds that nobody told the program of: their numbers by the scale subresource, where that may be read; and
//! DeploymentConfigs of OpenShift, whose pods belong to ReplicationControllers, which the real controller fills.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::ReplicationController;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::owners::{NOBODY, ROTATED, all_hold, all_rotate, empty, pod_of, ready};
use crate::harness::check::check;
use crate::harness::custom::{Custom, Defined};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{self, Rule, create};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};

/// A kind that calls its numbers otherwise than others do.
const CREW: Custom = Custom {
    group: "example.org",
    version: "v1",
    kind: "Crew",
    plural: "crews",
    defined: Defined::Open(Some((".spec.size", ".status.present"))),
};

/// OpenShift serves it by an API server of its own, so that there is no definition of it.
const DEPLOYMENT_CONFIG: Custom = Custom {
    group: "apps.openshift.io",
    version: "v1",
    kind: "DeploymentConfig",
    plural: "deploymentconfigs",
    defined: Defined::Open(Some((".spec.replicas", ".status.replicas"))),
};

/// A kubeconfig of an account with the Role of deploy/ and these rights.
async fn with(fleet: &Fleet, account: &str, more: &[Rule<'_>]) -> PathBuf {
    let mut rules = fixture::granted(fleet.name());
    rules.extend(fixture::rules(more));
    fixture::service_account(&fleet.client, &fleet.namespace, account, &rules).await;
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, account).await;
    fleet.plane.kubeconfig(&fleet.file(account), &fleet.plane.url, &token)
}

/// A crew of six, and who may read what of it.
struct Crew {
    fleet: Fleet,
    before: Pods,
    metrics: MetricServer,
}

impl Crew {
    async fn named(name: &str) -> Self {
        let fleet = empty(name).await;
        let owner = CREW.create(&fleet, numbers(6, 6)).await;
        for number in 0..6 {
            pod_of(&fleet, number, "one", &owner).await;
        }
        let before = ready(&fleet, 6).await;
        let metrics = fleet.history(&before).serve(Server::Prometheus).await;
        Self { fleet, before, metrics }
    }

    async fn becomes(&self, patch: Value) {
        let patch = Patch::Merge(patch);
        CREW.api(&self.fleet).patch(self.fleet.name(), &PatchParams::default(), &patch).await.unwrap();
    }

    /// What a run of this account decides, why, and what it has removed.
    async fn decides(&self, kubeconfig: &std::path::Path) -> (String, String, Vec<usize>) {
        let run = self.fleet.rebalancer(&self.metrics).envs(&FOUR_MAY_GO).kubeconfig(kubeconfig);
        let run = run.run().await.expect_exit(0);
        let decision = run.log_with(&["\"event\":\"decision\""])[0].clone();
        let text = |field: &str| decision[field].as_str().unwrap_or_default().to_owned();
        (text("decision"), text("reason"), self.fleet.gone(&self.before).await)
    }
}

fn numbers(size: u32, present: u32) -> Value {
    json!({"spec": {"size": size}, "status": {"present": present}})
}

#[tokio::test]
#[ignore]
async fn the_numbers_of_any_owner_count_where_its_scale_may_be_read() {
    let crew = Crew::named("scaled").await;
    let scale = with(&crew.fleet, "scale", &[("example.org", &["crews/scale"], &["get"])]).await;
    let both = with(&crew.fleet, "both", &[("example.org", &["crews", "crews/scale"], &["get"])]).await;
    for kubeconfig in [&scale, &both] {
        crew.becomes(numbers(8, 6)).await;
        let (decision, reason, gone) = crew.decides(kubeconfig).await;
        assert_eq!((decision.as_str(), gone), ("scaling_in_progress", NOBODY.into()), "{reason}");
        assert!(reason.contains("Crew scaled"), "{reason}");
        crew.becomes(numbers(2, 2)).await;
        let (decision, reason, gone) = crew.decides(kubeconfig).await;
        assert_eq!((decision.as_str(), gone), ("pod_count_disagrees", NOBODY.into()), "{reason}");
        assert!(reason.contains("has 2 pods, and 6 are listed"), "{reason}");
    }
    let rebalancer = || crew.fleet.rebalancer(&crew.metrics).envs(&FOUR_MAY_GO);
    let (findings, _) = check(rebalancer().kubeconfig(&scale)).await;
    findings.expect("error", "pod_count_disagrees", &["has 2 pods, and 6 are listed"]).expect(
        "note",
        "owner_not_read",
        &["only its scale subresource may be read", r#""crews/scale""#],
    );
    crew.becomes(numbers(6, 6)).await;
    let (findings, _) = check(rebalancer().kubeconfig(&scale)).await;
    findings.expect("ok", "workload", &["Crew scaled wants 6 pods and has 6"]);
    // Right before a removal it is read again in the same way.
    let (decision, reason, gone) = crew.decides(&scale).await;
    assert_eq!((decision.as_str(), gone), ("rotate", ROTATED.into()), "{reason}");
}

#[tokio::test]
#[ignore]
async fn without_a_scale_or_the_right_to_it_the_pods_alone_tell() {
    let crew = Crew::named("silent").await;
    let object = with(&crew.fleet, "object", &[("example.org", &["crews"], &["get"])]).await;
    crew.becomes(numbers(8, 6)).await;
    let (findings, _) =
        check(crew.fleet.rebalancer(&crew.metrics).envs(&FOUR_MAY_GO).kubeconfig(&object)).await;
    let told = ["does not tell how far it is", "its number of pods is not compared", r#""crews/scale""#];
    findings.expect("note", "workload", &told);
    let run = crew.fleet.rebalancer(&crew.metrics).envs(&FOUR_MAY_GO).env("DRY_RUN", "true");
    let run = run.kubeconfig(&object).run().await.expect_exit(0);
    run.log_with(&["\"event\":\"decision\"", "\"decision\":\"rotate\""]);
    // It has nothing where its definition says that the number is: the server answers with an error, and is not asked again.
    let both = with(&crew.fleet, "both", &[("example.org", &["crews", "crews/scale"], &["get"])]).await;
    crew.becomes(json!({"spec": {"size": null}})).await;
    let run = crew.fleet.rebalancer(&crew.metrics).envs(&FOUR_MAY_GO).kubeconfig(&both);
    let run = run.run().await.expect_exit(0);
    assert!(!run.stderr.contains("kubernetes_retry"), "{}", run.stderr);
    assert_eq!(crew.fleet.gone(&crew.before).await, ROTATED, "{}", run.stderr);
}

/// A revision of a DeploymentConfig, with so many pods.
async fn revision(fleet: &Fleet, number: usize, pods: usize, owner: &Value) {
    let name = format!("{}-{number}", fleet.name());
    let labels = json!({"app": "consumer", "deployment": name, "deploymentconfig": fleet.name()});
    let config =
        json!({"openshift.io/deployment-config.name": fleet.name(), "openshift.io/deployment.name": name});
    let controller = json!({
        "metadata": {"name": name, "labels": labels, "annotations": config, "ownerReferences": [owner]},
        "spec": {
            "replicas": pods,
            "selector": labels,
            "template": {"metadata": {"labels": labels, "annotations": config}, "spec": fleet.template().pod_spec()},
        },
    });
    create::<ReplicationController>(&fleet.client, &fleet.namespace, controller).await;
}

async fn scale_revision(fleet: &Fleet, number: usize, pods: usize) {
    let patch = Patch::Merge(json!({"spec": {"replicas": pods}}));
    let name = format!("{}-{number}", fleet.name());
    let controllers = fleet.api::<ReplicationController>();
    controllers.patch(&name, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
#[ignore]
async fn pods_of_a_deployment_config_are_rotated_at_rest_and_not_in_the_middle_of_a_rollout() {
    let mut fleet = empty("config").await;
    fleet.setup.cores = [&WORKED_EXAMPLE[..], &[0.7, 0.7]].concat();
    let owner = DEPLOYMENT_CONFIG.create(&fleet, json!({})).await;
    revision(&fleet, 1, 6, &owner).await;
    revision(&fleet, 2, 2, &owner).await;
    let before = ready(&fleet, 8).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    all_hold(&fleet, &before, &metrics, "rollout_in_progress", "of 8 pods").await;
    scale_revision(&fleet, 1, 0).await;
    scale_revision(&fleet, 2, 6).await;
    let before = ready(&fleet, 6).await;
    fleet.setup.cores = WORKED_EXAMPLE.to_vec();
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO)).await;
    findings.expect("note", "owner_by_name", &["6 pods belong to ReplicationController config-2"]);
    all_rotate(&fleet, &before, &metrics).await;
}

#[tokio::test]
#[ignore]
async fn a_deployment_config_that_may_be_read_tells_its_own_numbers() {
    let fleet = empty("config").await;
    let told =
        |pods: u32| json!({"spec": {"replicas": 6}, "status": {"replicas": pods, "updatedReplicas": pods}});
    let owner = DEPLOYMENT_CONFIG.create(&fleet, told(6)).await;
    revision(&fleet, 1, 0, &owner).await;
    revision(&fleet, 2, 6, &owner).await;
    let before = ready(&fleet, 6).await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let revisions: Rule<'_> = ("", &["replicationcontrollers"], &["get"]);
    let whole =
        with(&fleet, "whole", &[revisions, ("apps.openshift.io", &["deploymentconfigs"], &["get"])]).await;
    let scale: Rule<'_> = ("apps.openshift.io", &["deploymentconfigs/scale"], &["get"]);
    let scale = with(&fleet, "scale", &[revisions, scale]).await;
    let decides = async |kubeconfig: &PathBuf| {
        let run =
            fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(kubeconfig).run().await.expect_exit(0);
        run.log_with(&["\"event\":\"decision\""])[0]["decision"].as_str().unwrap().to_owned()
    };
    let becomes = async |patch: Value| {
        let patch = Patch::Merge(patch);
        DEPLOYMENT_CONFIG.api(&fleet).patch(fleet.name(), &PatchParams::default(), &patch).await.unwrap();
    };
    becomes(told(4)).await;
    assert_eq!(decides(&whole).await, "pod_count_disagrees");
    assert_eq!(decides(&scale).await, "pod_count_disagrees");
    becomes(told(6)).await;
    becomes(json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-out": "true"}}})).await;
    assert_eq!(decides(&whole).await, "workload_opted_out");
    becomes(json!({"metadata": {"annotations": null}})).await;
    assert_eq!(fleet.gone(&before).await, NOBODY);
    assert_eq!(decides(&scale).await, "rotate");
    assert_eq!(fleet.gone(&before).await, ROTATED);
}
