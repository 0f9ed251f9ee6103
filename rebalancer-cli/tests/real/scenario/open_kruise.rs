//! OpenKruise itself: its own manager makes the pods of a CloneSet and updates them part by part, and the real program holds
//! by what that says.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::neighbors::allow;
use super::owners::{ROTATED, all_hold, all_rotate, ready};
use crate::harness::control_plane::ControlPlane;
use crate::harness::custom::{CLONE_SET, clones};
use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::operators::define_bundle;
use crate::harness::process::{Daemon, answers, free_port};
use crate::harness::wait;

/// The manager writes its certificates into these and does not start without them. There are no webhooks in them: what they
/// would do, to complete a CloneSet and to refuse a wrong one, the scenario does itself.
async fn configurations(fleet: &Fleet) {
    let how = PatchParams::apply("open-kruise").force();
    let empty = |kind: &str, name: &str| {
        let metadata = json!({"name": name});
        Patch::Apply(
            json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": metadata}),
        )
    };
    let name = "kruise-mutating-webhook-configuration";
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(fleet.client.clone());
    mutating.patch(name, &how, &empty("MutatingWebhookConfiguration", name)).await.unwrap();
    let name = "kruise-validating-webhook-configuration";
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(fleet.client.clone());
    validating.patch(name, &how, &empty("ValidatingWebhookConfiguration", name)).await.unwrap();
}

/// Runs the manager, for all namespaces: for a part of them it takes no CloneSet (`multiNamespaceInformer from cache is not a
/// SharedIndexInformer`).
async fn manager(fleet: &Fleet) -> Daemon {
    // It looks for each of its kinds for a while.
    define_bundle(fleet, "open-kruise", &["clonesets.apps.kruise.io", "workloadspreads.apps.kruise.io"])
        .await;
    configurations(fleet).await;
    let kubeconfig = fleet.plane.admin_kubeconfig();
    let configure = |port| {
        let variables = [
            ("WEBHOOK_CERT_WRITER", "fs".to_owned()),
            ("WEBHOOK_CERT_DIR", fleet.file("certificates").display().to_string()),
            ("WEBHOOK_HOST", "localhost".to_owned()),
            ("WEBHOOK_PORT", free_port().to_string()),
        ];
        let args = vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            "--enable-leader-election=false".to_owned(),
            "--enable-pprof=false".to_owned(),
            "--metrics-addr=0".to_owned(),
            format!("--health-probe-addr=127.0.0.1:{port}"),
        ];
        (variables.map(|(name, value)| (name.to_owned(), value)).to_vec(), args)
    };
    Daemon::start_with("kruise-manager", fleet.dir.path(), configure, answers("/readyz")).await
}

/// The template with this version. A change of it is a new revision.
fn template(fleet: &Fleet, version: &str) -> Value {
    let metadata = json!({"labels": {"app": "consumer"}, "annotations": {"version": version}});
    json!({"metadata": metadata, "spec": fleet.template().pod_spec()})
}

/// Waits until the manager says so of what it was told last: so many pods are new and Ready, of six.
async fn updated(fleet: &Fleet, wanted: u64) {
    wait::until("the update", async || {
        let set = CLONE_SET.api(fleet).get(fleet.name()).await.unwrap();
        let status = &set.data["status"];
        let is_current = status["observedGeneration"] == json!(set.metadata.generation);
        let counts =
            ["replicas", "readyReplicas", "updatedReadyReplicas"].map(|count| status[count].as_u64());
        if is_current && counts == [Some(6), Some(6), Some(wanted)] {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .await;
}

#[tokio::test]
#[ignore]
async fn the_real_manager_of_a_clone_set_is_waited_for_until_all_parts_are_updated() {
    // CloneSets of other scenarios are only written down, so it must not see them.
    let mut fleet = Fleet::named("kruise").hpa(70).start_on(ControlPlane::own().await).await;
    fleet.setup.cores = WORKED_EXAMPLE.to_vec();
    allow(&fleet).await;
    let _manager = manager(&fleet).await;
    let strategy = json!({"type": "ReCreate", "partition": 0, "maxUnavailable": 1, "maxSurge": 0});
    let mut spec = clones(json!({"updateStrategy": strategy, "revisionHistoryLimit": 10}));
    spec["template"] = template(&fleet, "1");
    CLONE_SET.create(&fleet, json!({"spec": spec})).await;
    updated(&fleet, 6).await;

    // Four of six stay as they are.
    let change = json!({"template": template(&fleet, "2"), "updateStrategy": {"partition": 4}});
    CLONE_SET.change(&fleet, json!({"spec": change})).await;
    updated(&fleet, 2).await;
    let parted = ready(&fleet, 6).await;
    let metrics = fleet.history(&parted).serve(Server::Prometheus).await;
    all_hold(&fleet, &parted, &metrics, "rollout_partitioned", "2 of 6 are new").await;

    // The same by a share.
    CLONE_SET.change(&fleet, json!({"spec": {"updateStrategy": {"partition": "50%"}}})).await;
    updated(&fleet, 3).await;
    let parted = ready(&fleet, 6).await;
    let metrics = fleet.history(&parted).serve(Server::Prometheus).await;
    all_hold(&fleet, &parted, &metrics, "rollout_partitioned", "3 of 6 are new").await;

    // Nothing keeps the others but the pause.
    CLONE_SET.change(&fleet, json!({"spec": {"updateStrategy": {"partition": 0, "paused": true}}})).await;
    updated(&fleet, 3).await;
    all_hold(&fleet, &parted, &metrics, "rollout_paused", "CloneSet kruise is paused").await;

    CLONE_SET.change(&fleet, json!({"spec": {"updateStrategy": {"paused": false}}})).await;
    updated(&fleet, 6).await;
    let finished = ready(&fleet, 6).await;
    let metrics = fleet.history(&finished).serve(Server::VictoriaMetrics).await;
    all_rotate(&fleet, &finished, &metrics).await;
    assert_eq!(fleet.gone(&finished).await, ROTATED);
    // The manager makes up for those that went.
    updated(&fleet, 6).await;
    ready(&fleet, 6).await;
}
