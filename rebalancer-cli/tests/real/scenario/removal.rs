//! What the API server refuses, and what changes between decision and removal.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{Budget, Rule};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::proxy::{Gate, Pass, Proxy};
use crate::harness::rebalancer::Run;
use axum::http::Method;

const NOBODY: [usize; 0] = [];

/// How often each outcome was logged, as (outcome, pod) pairs in order.
fn outcomes(run: &Run) -> Vec<String> {
    let finished = run.log_with(&["removal_finished"]);
    finished.iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
#[ignore]
async fn what_a_disruption_budget_refuses_is_refused_never_removed() {
    let fleet =
        Fleet::named("budget").cpu(&WORKED_EXAMPLE).hpa(70).budget(Budget::MaxUnavailable(4)).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    fleet.freeze();
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let running = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    // Somebody tightens it after the decision.
    let tighten = Patch::Merge(json!({"spec": {"maxUnavailable": 1}}));
    let budgets = fleet.api::<PodDisruptionBudget>();
    budgets.patch("budget", &PatchParams::default(), &tighten).await.unwrap();
    fleet.allows_disruptions(1).await;
    gate.open();
    let run = running.finish().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0], "the budget allows one of four");
    assert_eq!(outcomes(&run), ["removed", "refused", "refused", "refused"]);
    let end = &run.log_with(&["cycle_finished"])[0];
    assert_eq!((&end["status"], &end["removed"], &end["refused"]), (&"partial".into(), &1.into(), &3.into()));
    for (kind, name, reason, words) in [
        ("pod", &before.0[1].name, "RotationRefused", "disruption budget"),
        ("deployment", &"budget".to_owned(), "RebalanceIncomplete", "removed 1 of 4 pods"),
    ] {
        let described = fleet.describe(kind, name).await;
        let told = described.lines().any(|line| line.contains(reason) && line.contains(words));
        assert!(told, "{reason} in:\n{described}");
    }
    fleet.thaw().await;
}

#[tokio::test]
#[ignore]
async fn plain_delete_is_an_option_and_knows_no_budget() {
    let fleet = Fleet::named("delete")
        .may_delete()
        .cpu(&WORKED_EXAMPLE)
        .hpa(70)
        .budget(Budget::MaxUnavailable(1))
        .start()
        .await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    fleet.rebalance(&metrics, &[FOUR_MAY_GO[0], ("REMOVAL_METHOD", "delete")]).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

/// A StatefulSet whose first pod, the hottest, is replaced under the same name right before this request of the
/// program. Its successor must be there afterwards.
async fn a_stranger_is_spared(name: &str, method: &str, verb: Method, suffix: &str) {
    let fleet = Fleet::named(name).may_delete().cpu(&WORKED_EXAMPLE).stateful_set().hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let victim = &before.0[0];
    let end = format!("/pods/{}{suffix}", victim.name);
    let (proxy, gate) = Gate::before(fleet.plane, verb, end).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let variables = [FOUR_MAY_GO[0], ("REMOVAL_METHOD", method)];
    let running = fleet.rebalancer(&metrics).envs(&variables).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    fleet.replace(victim).await;
    let successor = fleet.pods().await.0.into_iter().find(|pod| pod.name == victim.name).unwrap();
    gate.open();
    let run = running.finish().await.expect_exit(0);
    let now = fleet.pods().await;
    assert!(now.0.iter().any(|pod| pod.uid == successor.uid), "the successor is gone\n{}", run.stderr);
    assert_eq!(outcomes(&run), ["spared", "removed", "removed", "removed"]);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "the first by the test, the others by the program");
}

#[tokio::test]
#[ignore]
async fn a_pod_replaced_after_the_decision_is_spared() {
    a_stranger_is_spared("replaced-early", "evict", Method::GET, "").await;
}

#[tokio::test]
#[ignore]
async fn a_pod_replaced_right_before_its_eviction_is_spared() {
    a_stranger_is_spared("replaced-evict", "evict", Method::POST, "/eviction").await;
}

#[tokio::test]
#[ignore]
async fn a_pod_replaced_right_before_its_deletion_is_spared() {
    a_stranger_is_spared("replaced-delete", "delete", Method::DELETE, "").await;
}

#[tokio::test]
#[ignore]
async fn a_missing_right_ends_the_run_and_is_named() {
    let all: [Rule<'static>; 8] = [
        ("", &["pods"], &["list"]),
        ("", &["pods"], &["get"]),
        ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        ("", &["pods/eviction"], &["create"]),
        ("", &["pods"], &["delete"]),
        ("apps", &["deployments"], &["get"]),
        ("apps", &["statefulsets"], &["get"]),
        ("policy", &["poddisruptionbudgets"], &["list"]),
    ];
    let cases = [
        (0, "evict", "grant the verb 'list' on 'pods'"),
        (1, "evict", "grant the verb 'get' on 'pods'"),
        (2, "evict", "grant the verb 'list' on 'horizontalpodautoscalers.autoscaling'"),
        (3, "evict", "grant the verb 'create' on 'pods/eviction'"),
        (4, "delete", "grant the verb 'delete' on 'pods'"),
        (5, "evict", "grant the verb 'get' on 'deployments.apps'"),
        (7, "evict", "grant the verb 'list' on 'poddisruptionbudgets.policy'"),
    ];
    let fleet = Fleet::named("rights").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    for (missing, method, message) in cases {
        let mut rules = all.to_vec();
        rules.remove(missing);
        let kubeconfig = fleet.kubeconfig_with(&format!("without-{missing}"), &rules).await;
        for dry_run in ["true", "false"] {
            let variables = [FOUR_MAY_GO[0], ("REMOVAL_METHOD", method), ("DRY_RUN", dry_run)];
            let rebalancer = fleet.rebalancer(&metrics).envs(&variables).kubeconfig(&kubeconfig);
            let run = rebalancer.run().await.expect_exit(1);
            assert!(run.stderr.contains(message), "{message} is not in\n{}", run.stderr);
            assert_eq!(fleet.gone(&before).await, NOBODY);
        }
    }
}

#[tokio::test]
#[ignore]
async fn credentials_that_are_not_accepted_end_the_run() {
    let fleet = Fleet::named("stranger").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let kubeconfig = fleet.plane.kubeconfig(&fleet.file("unknown"), &fleet.plane.url, "no-such-token");
    let run = fleet.rebalancer(&metrics).kubeconfig(&kubeconfig).run().await.expect_exit(1);
    assert!(run.stderr.contains("does not accept the credentials"), "{}", run.stderr);
    assert!(!run.stderr.contains("no-such-token"), "a secret in the log");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_removal_whose_answer_is_lost_is_unknown_and_never_repeated() {
    let fleet = Fleet::named("lost-answer").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let proxy = Proxy::start(fleet.plane, move |method, path| {
        let log = Arc::clone(&log);
        async move {
            if method != Method::POST || !path.ends_with("/eviction") {
                return Pass::Forward;
            }
            log.lock().unwrap().push(path);
            Pass::Answer(502, "bad gateway".to_owned())
        }
    })
    .await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let run =
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(1);
    // Without a hot pod that is gone for sure, cold ones are left alone.
    assert_eq!(outcomes(&run), ["unknown", "unknown", "not_attempted", "not_attempted"]);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 2, "each hot pod once");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn sigterm_finishes_the_removal_in_hand_and_begins_no_other() {
    let fleet = Fleet::named("sigterm").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let running = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    running.terminate().await;
    gate.open();
    let run = running.finish().await.expect_exit(1);
    assert_eq!(outcomes(&run), ["removed", "not_attempted", "not_attempted", "not_attempted"]);
    assert_eq!(fleet.gone(&before).await, [0]);
}
