//! Least privilege: with the service account and the Role of deploy/ everything works, and without any one right of it the
//! run says which one is missing.

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::installed::{RELEASE, values, with};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::Run;
use crate::harness::rights::{Missing, Right, allow, client_of, rights_in, rights_of_role};
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

/// One cycle as the CronJob's container, without memory of the one before.
async fn cycle(fleet: &Fleet) -> Run {
    // There is none before the first.
    let lease = format!("pod-rebalancer-{}", fleet.name());
    let _ = fleet.api::<Lease>().delete(&lease, &DeleteParams::default()).await;
    fleet.job_of(RELEASE).await.run().await
}

/// Takes every right of the Role away, one after the other; in the end it has all of them, and the cycle is whole.
async fn every_right_is_needed(fleet: &Fleet) {
    let all = rights_of_role(fleet).await;
    assert!(all.len() >= 10, "{all:#?}");
    for missing in &all {
        let before = fleet.settled().await;
        allow(fleet, &all, Some(missing)).await;
        let run = cycle(fleet).await;
        let missed = missing.when_missing();
        let told = run.stderr.contains(&format!("grant {missing}"));
        assert_eq!(told, !matches!(missed, Missing::IsOfOthers), "grant {missing}\n{}", run.stderr);
        match missed {
            Missing::EndsTheRun => {
                assert_eq!(run.exit_code, 1, "{missing}\n{}", run.stderr);
                assert_eq!(fleet.gone(&before).await, NOBODY, "{missing}");
            }
            Missing::IsWarnedOf | Missing::IsOfOthers => {
                assert_eq!(run.exit_code, 0, "{missing}\n{}", run.stderr);
                assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{missing}");
            }
        }
    }
    let before = fleet.settled().await;
    allow(fleet, &all, None).await;
    let run = cycle(fleet).await.expect_exit(0);
    assert!(!run.stderr.contains("grant "), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

/// The pods of a StatefulSet keep their names, so that their loads hold for every cycle. What a Deployment needs stands in
/// `owners`.
async fn fleet(name: &str) -> (Fleet, MetricServer) {
    let fleet = Fleet::named(name).stateful_set().cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let metrics = fleet.history(&fleet.settled().await).serve(Server::Prometheus).await;
    (fleet, metrics)
}

#[tokio::test]
#[ignore]
async fn each_right_of_the_charts_role_is_needed_and_named_when_it_is_missing() {
    let (fleet, metrics) = fleet("chart-rights").await;
    fleet.install(&values(&fleet, &metrics)).await;
    every_right_is_needed(&fleet).await;
}

#[tokio::test]
#[ignore]
async fn each_right_of_the_charts_role_for_plain_deletion_is_needed_and_named_when_it_is_missing() {
    let (fleet, metrics) = fleet("chart-deletes").await;
    fleet.install(&with(values(&fleet, &metrics), &[("REMOVAL_METHOD", json!("delete"))])).await;
    let rights: Vec<String> = rights_of_role(&fleet).await.iter().map(Right::to_string).collect();
    assert!(rights.contains(&"the verb 'delete' on 'pods'".to_owned()), "{rights:?}");
    for of_eviction in
        ["the verb 'create' on 'pods/eviction'", "the verb 'list' on 'poddisruptionbudgets.policy'"]
    {
        assert!(!rights.contains(&of_eviction.to_owned()), "{rights:?}");
    }
    every_right_is_needed(&fleet).await;
}

#[tokio::test]
#[ignore]
async fn each_right_of_the_bases_role_is_needed_and_named_when_it_is_missing() {
    let (fleet, metrics) = fleet("base-rights").await;
    let overlay = fleet.overlay("production", &metrics, &[("DRY_RUN", "false")]);
    fleet.kubectl_anywhere(&["apply", "--kustomize", &overlay]).await.succeeded();
    every_right_is_needed(&fleet).await;
}

#[tokio::test]
#[ignore]
async fn what_is_switched_off_needs_no_right() {
    let (fleet, metrics) = fleet("chart-bare").await;
    let bare = [("KUBE_EVENTS", json!(false)), ("RECORD_STORE", json!("none"))];
    fleet.install(&with(values(&fleet, &metrics), &bare)).await;
    let rights = rights_of_role(&fleet).await;
    let optional = |right: &&Right| ["events", "leases"].contains(&right.resource.as_str());
    assert_eq!(rights.iter().find(optional), None);
    let before = fleet.settled().await;
    let run = cycle(&fleet).await.expect_exit(0);
    assert!(!run.stderr.contains("grant "), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn a_dry_run_writes_nothing_and_a_plan_asks_for_no_eviction() {
    let (fleet, metrics) = fleet("chart-dry").await;
    fleet.install(&with(values(&fleet, &metrics), &[("DRY_RUN", json!(true))])).await;
    let writes = |right: &&Right| ["create", "update"].contains(&right.verb.as_str());
    let (writing, reading): (BTreeSet<Right>, BTreeSet<Right>) =
        rights_of_role(&fleet).await.into_iter().partition(|right| writes(&right));
    allow(&fleet, &reading, None).await;
    let plan = fleet.job_of(RELEASE).await.args(&["plan"]).run().await.expect_exit(0);
    assert!(plan.stdout.contains("chart-dry-0"), "{}", plan.stdout);
    let evicting = writing.into_iter().filter(|right| right.resource == "pods/eviction");
    allow(&fleet, &reading.into_iter().chain(evicting).collect(), None).await;
    let run = cycle(&fleet).await.expect_exit(0);
    assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "dry_run", "{}", run.stderr);
    assert!(!run.stderr.contains("grant "), "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn its_rights_are_those_of_the_role_in_one_namespace_and_none_anywhere_else() {
    let fleet = Fleet::named("home").cpu(&[0.5]).start().await;
    let other = Fleet::named("abroad").cpu(&[0.5]).start().await;
    fleet.install(&values(&fleet, "http://victoriametrics:8428")).await;
    let (rebalancer, anybody) = (client_of(&fleet, RELEASE).await, client_of(&fleet, "default").await);
    let granted = rights_of_role(&fleet).await;
    wait::until("the installed Role", async || {
        let everybodys = rights_in(&anybody, &fleet.namespace).await;
        let own: BTreeSet<Right> = rights_in(&rebalancer, &fleet.namespace).await;
        let more: BTreeSet<Right> = own.difference(&everybodys).cloned().collect();
        if more == granted { Ok(()) } else { Err(format!("{more:#?}, not {granted:#?}")) }
    })
    .await;
    for namespace in [other.namespace.as_str(), "default", "kube-system"] {
        let (own, everybodys) =
            (rights_in(&rebalancer, namespace).await, rights_in(&anybody, namespace).await);
        assert_eq!(own, everybodys, "{namespace}");
    }

    let victim = &other.settled().await.0[0];
    let pods: Api<Pod> = Api::namespaced(rebalancer.clone(), &other.namespace);
    let eviction: Eviction = serde_json::from_value(json!({"metadata": {"name": victim.name}})).unwrap();
    let evicted: kube::Result<Value> =
        pods.create_subresource("eviction", &victim.name, &PostParams::default(), &eviction).await;
    assert!(matches!(evicted, Err(kube::Error::Api(status)) if status.code == 403));
    let deleted = pods.delete(&victim.name, &DeleteParams::default()).await;
    assert!(matches!(deleted, Err(kube::Error::Api(status)) if status.code == 403));
    assert_eq!(other.settled().await.0[0].uid, victim.uid);
}

#[tokio::test]
#[ignore]
async fn nothing_is_bound_cluster_wide() {
    let fleet = Fleet::named("bindings").start().await;
    fleet.install(&values(&fleet, "http://victoriametrics:8428")).await;
    let cluster: Api<ClusterRoleBinding> = Api::all(fleet.client.clone());
    for binding in cluster.list(&ListParams::default()).await.unwrap() {
        let name = binding.name_any();
        for subject in binding.subjects.iter().flatten() {
            assert_ne!(subject.namespace.as_deref(), Some(fleet.namespace.as_str()), "{name}");
        }
    }
    let bindings: Api<RoleBinding> = Api::all(fleet.client.clone());
    let ours = |binding: &RoleBinding| {
        let mut subjects = binding.subjects.iter().flatten();
        subjects.any(|subject| {
            subject.name == RELEASE && subject.namespace.as_deref() == Some(fleet.namespace.as_str())
        })
    };
    let bindings: Vec<RoleBinding> =
        bindings.list(&ListParams::default()).await.unwrap().items.into_iter().filter(ours).collect();
    let [binding] = bindings.as_slice() else { panic!("one: {bindings:#?}") };
    assert_eq!(binding.namespace().as_deref(), Some(fleet.namespace.as_str()));
    assert_eq!((binding.role_ref.kind.as_str(), binding.role_ref.name.as_str()), ("Role", RELEASE));
}
