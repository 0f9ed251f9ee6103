//! The admission policy: a wall that does not trust the program. What the service account may do by its Roles is refused
//! all the same, unless it is the removal of a pod of its workload, by UID and with its grace.

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fixture;
use crate::harness::fleet::Fleet;
use crate::harness::installed::{RELEASE, values};
use crate::harness::metrics::Server;
use crate::harness::rights::client_of;
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

/// A pod of nobody's.
async fn bare_pod(fleet: &Fleet, name: &str, labels: Value) -> Pod {
    let pod = json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.invalid/other:1"}]},
    });
    fixture::create(&fleet.client, &fleet.namespace, pod).await
}

/// A request, and what the API server says: nothing, or the text of its refusal.
type Case = (&'static str, Result<(), String>);

fn told<T>(answer: kube::Result<T>) -> Result<(), String> {
    match answer {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(other) => panic!("{other}"),
    }
}

/// Asks for an eviction, as a dry run.
async fn evict(client: &Client, pod: &Pod, options: Value) -> Result<(), String> {
    let (namespace, name) = (pod.namespace().unwrap(), pod.name_any());
    let mut eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
    eviction["deleteOptions"] = options;
    eviction["deleteOptions"]["dryRun"] = json!(["All"]);
    let params = PostParams { dry_run: true, ..Default::default() };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    told(pods.create_subresource::<Value, Value>("eviction", &name, &params, &eviction).await)
}

/// The options of a removal that names its pod.
fn meaning(pod: &Pod) -> Value {
    json!({"preconditions": {"uid": pod.uid()}})
}

/// Asks for a deletion, as a dry run.
async fn delete(client: &Client, pod: &Pod, uid: Option<String>) -> Result<(), String> {
    let preconditions = uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None });
    let params = DeleteParams { dry_run: true, preconditions, ..Default::default() };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap());
    told(pods.delete(&pod.name_any(), &params).await)
}

/// Asks for a Lease, as a dry run.
async fn lease(client: &Client, namespace: &str, name: &str) -> Result<(), String> {
    let lease: Lease = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    let params = PostParams { dry_run: true, ..Default::default() };
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    told(leases.create(&params, &lease).await)
}

/// Rights in this fleet's namespace that go far beyond those of deploy/, for the service account of `home`.
async fn grant_too_much(fleet: &Fleet, home: &Fleet) {
    let rules = fixture::rules(&[
        ("", &["pods"], &["get", "list", "delete"]),
        ("", &["pods/eviction"], &["create"]),
        ("coordination.k8s.io", &["leases"], &["create"]),
    ]);
    fixture::grant(&fleet.client, &fleet.namespace, "too-much", &rules, (&home.namespace, RELEASE)).await;
}

/// Waits until both policies are in force: the one refuses this removal, the other a Lease of any other name.
async fn in_force(client: &Client, stranger: &Pod) {
    let namespace = stranger.namespace().unwrap();
    wait::until("the admission policies", async || {
        let answers =
            [evict(client, stranger, meaning(stranger)).await, lease(client, &namespace, "any").await];
        let by_policy = |answer: &Result<(), String>| {
            answer.as_ref().is_err_and(|message| message.contains("ValidatingAdmissionPolicy"))
        };
        if answers.iter().all(by_policy) { Ok(()) } else { Err(format!("{answers:?}")) }
    })
    .await;
}

/// The expressions of these policies are of the right types: the controller that checks them has no warning.
async fn are_well_typed(fleet: &Fleet, policies: &[String]) {
    let api: Api<ValidatingAdmissionPolicy> = Api::all(fleet.client.clone());
    for name in policies {
        let checked = wait::until("the policy's type check", async || {
            let policy = api.get(name).await.unwrap();
            policy.status.and_then(|status| status.type_checking).ok_or_else(|| "none yet".to_owned())
        })
        .await;
        assert_eq!(checked.expression_warnings.unwrap_or_default(), [], "{name}");
    }
}

/// What the wall lets through, and what it does not, although the Roles would.
async fn holds(fleet: &Fleet, abroad: &Fleet) {
    let name = fleet.name();
    let stranger = bare_pod(fleet, &format!("{name}-db-0"), json!({"app": "db"})).await;
    let unlabelled = bare_pod(fleet, &format!("{name}-bare-0"), json!({})).await;
    let namesake = bare_pod(fleet, "other-0", json!({"app": "consumer"})).await;
    grant_too_much(fleet, fleet).await;
    grant_too_much(abroad, fleet).await;
    let client = client_of(fleet, RELEASE).await;
    in_force(&client, &stranger).await;

    let own: Pod = fleet.api().get(&fleet.settled_of_workload().await).await.unwrap();
    let foreign: Pod = abroad.api().get(&abroad.settled().await.0[0].name).await.unwrap();
    let mut graceless = meaning(&own);
    graceless["gracePeriodSeconds"] = json!(0);
    let not_labelled = "does not have the label";
    let cases: Vec<(Case, Option<&str>)> = vec![
        (("evict a pod of the workload", evict(&client, &own, meaning(&own)).await), None),
        (("delete it", delete(&client, &own, own.uid()).await), None),
        (("its Lease", lease(&client, &fleet.namespace, &format!("pod-rebalancer-{name}")).await), None),
        (("evict a stranger", evict(&client, &stranger, meaning(&stranger)).await), Some(not_labelled)),
        (
            ("evict one without labels", evict(&client, &unlabelled, meaning(&unlabelled)).await),
            Some(not_labelled),
        ),
        (
            ("evict one of another name", evict(&client, &namesake, meaning(&namesake)).await),
            Some("it may remove"),
        ),
        (("evict whoever has the name", evict(&client, &own, json!({})).await), Some("UID")),
        (("evict without grace", evict(&client, &own, graceless).await), Some("grace period")),
        (
            ("evict in another namespace", evict(&client, &foreign, meaning(&foreign)).await),
            Some("namespace"),
        ),
        (("delete a stranger", delete(&client, &stranger, stranger.uid()).await), Some("with the label")),
        (("delete whoever has the name", delete(&client, &own, None).await), Some("UID")),
        (("delete in another namespace", delete(&client, &foreign, foreign.uid()).await), Some("namespace")),
        (("another Lease", lease(&client, &fleet.namespace, "leader").await), Some("it may create")),
        (
            ("a Lease elsewhere", lease(&client, &abroad.namespace, &format!("pod-rebalancer-{name}")).await),
            Some("namespace"),
        ),
    ];
    for ((what, answer), refusal) in cases {
        match (answer, refusal) {
            (Ok(()), None) => {}
            (Err(message), Some(text))
                if message.contains("ValidatingAdmissionPolicy") && message.contains(text) => {}
            (answer, _) => panic!("{what}: {answer:?}, and not {refusal:?}"),
        }
    }
    // It is about this service account alone.
    assert_eq!(evict(&fleet.client, &stranger, json!({})).await, Ok(()));
}

impl Fleet {
    /// The first of the workload's own pods.
    async fn settled_of_workload(&self) -> String {
        let pods = self.pods().await.0;
        pods.into_iter()
            .find(|pod| pod.name.starts_with(&format!("{}-", self.name())) && !pod.name.ends_with("-0"))
            .unwrap()
            .name
    }
}

async fn walled(name: &str) -> (Fleet, Fleet) {
    let fleet = Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let abroad = Fleet::named(name).cpu(&[0.5]).start().await;
    (fleet, abroad)
}

#[tokio::test]
#[ignore]
async fn behind_the_charts_wall_a_whole_cycle_works_and_nothing_else_does() {
    let (fleet, abroad) = walled("walled").await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut values = values(&fleet, &metrics);
    values["admissionPolicy"] = json!({"enabled": true});
    fleet.install(&values).await;
    let policies = ["removals", "labels"].map(|wall| format!("{RELEASE}-{}-{wall}", fleet.namespace));
    are_well_typed(&fleet, &policies).await;
    holds(&fleet, &abroad).await;
    fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    fleet.helm(&["uninstall", RELEASE, "--wait"]).await.succeeded();
    let left: Api<ValidatingAdmissionPolicy> = Api::all(fleet.client.clone());
    assert!(left.get_opt(&policies[0]).await.unwrap().is_none());
}

#[tokio::test]
#[ignore]
async fn behind_the_components_wall_a_whole_cycle_works_and_nothing_else_does() {
    let (fleet, abroad) = walled("component").await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    fleet.overlay("production", &metrics, &[("DRY_RUN", "false")]);
    let locked_down = fleet.file("kustomize/overlays/locked-down").display().to_string();
    fleet.kubectl_anywhere(&["apply", "--kustomize", &locked_down]).await.succeeded();
    let policies = ["pod-rebalancer-removals".to_owned(), "pod-rebalancer-labels".to_owned()];
    are_well_typed(&fleet, &policies).await;
    holds(&fleet, &abroad).await;
    fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    fleet.kubectl_anywhere(&["delete", "--kustomize", &locked_down]).await.succeeded();
}

/// As if the program had lost its mind: its settings are of another workload than the wall's, and its Roles allow it.
#[tokio::test]
#[ignore]
async fn a_run_that_meets_the_wall_fails_removes_nothing_and_says_which_policy_it_was() {
    let (fleet, _) = walled("astray").await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut values = values(&fleet, &metrics);
    values["admissionPolicy"] = json!({"enabled": true});
    values["config"]["DEPLOYMENT_NAME"] = json!("somebody-elses");
    fleet.install(&values).await;
    let rules = fixture::granted(fleet.name());
    fixture::grant(&fleet.client, &fleet.namespace, "astray", &rules, (&fleet.namespace, RELEASE)).await;
    let stranger: Pod = fleet.api().get(&before.0[0].name).await.unwrap();
    in_force(&client_of(&fleet, RELEASE).await, &stranger).await;
    let astray = || async { fleet.job_of(RELEASE).await.env("DEPLOYMENT_NAME", fleet.name()) };
    // Nor can it take its Lease.
    let run = astray().await.run().await.expect_exit(1);
    assert!(run.stderr.contains("it may create no Lease"), "{}", run.stderr);
    let run = astray().await.env("RECORD_STORE", "none").run().await.expect_exit(1);
    assert!(run.stderr.contains("ValidatingAdmissionPolicy"), "{}", run.stderr);
    assert!(run.stderr.contains("it may remove no pod"), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_wall_around_several_workloads_looks_at_every_label_of_each() {
    let fleet = Fleet::named("walls").start().await;
    fleet
        .install(&json!({
            "config": {"PROMETHEUS_ENDPOINT": "http://victoriametrics:8428"},
            "admissionPolicy": {"enabled": true},
            "workloads": [
                {"DEPLOYMENT_NAME": "orders", "KUBE_LABEL_SELECTOR": "app=orders,tier=consumer"},
                {"DEPLOYMENT_NAME": "returns", "KUBE_LABEL_SELECTOR": "app=returns"},
            ],
        }))
        .await;
    let orders = bare_pod(&fleet, "orders-0", json!({"app": "orders", "tier": "consumer"})).await;
    let orders_api = bare_pod(&fleet, "orders-api-0", json!({"app": "orders", "tier": "api"})).await;
    let orders_db = bare_pod(&fleet, "orders-db-0", json!({"app": "db", "tier": "consumer"})).await;
    let returns = bare_pod(&fleet, "returns-0", json!({"app": "returns"})).await;
    grant_too_much(&fleet, &fleet).await;
    let client = client_of(&fleet, RELEASE).await;
    in_force(&client, &orders_api).await;
    for pod in [&orders, &returns] {
        assert_eq!(evict(&client, pod, meaning(pod)).await, Ok(()));
    }
    for pod in [&orders_api, &orders_db] {
        let refusal = evict(&client, pod, meaning(pod)).await.unwrap_err();
        assert!(refusal.contains("does not have the labels of a workload"), "{refusal}");
    }
}
