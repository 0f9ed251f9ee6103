//! What runs remember of each other, in a Lease on the real API server.

use axum::http::Method;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{Rule, SURROUNDINGS};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::proxy::Gate;
use crate::harness::rebalancer::Run;
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

/// With memory, of which the shortest time is a second.
const REMEMBERING: [(&str, &str); 2] = [FOUR_MAY_GO[0], ("RECORD_STORE", "lease")];

fn end(run: &Run) -> serde_json::Value {
    run.log_with(&["cycle_finished"])[0].clone()
}

#[tokio::test]
#[ignore]
async fn the_next_run_leaves_a_settling_fleet_alone() {
    let fleet = Fleet::named("settling").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    fleet.rebalance(&metrics, &REMEMBERING).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    let after = fleet.settled().await;
    let lease = fleet.api::<Lease>().get("pod-rebalancer-settling").await.unwrap();
    assert!(lease.metadata.annotations.unwrap().contains_key("pod-rebalancer.io/record"));
    // The same imbalance, in the pods that came.
    let metrics = fleet.history(&after).serve(Server::Prometheus).await;
    let run = fleet.rebalance(&metrics, &REMEMBERING).await.expect_exit(0);
    assert_eq!(run.log_with(&["\"event\":\"decision\""])[0]["decision"], "settling", "{}", run.stderr);
    assert_eq!(fleet.gone(&after).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_later_run_shows_what_the_last_rotation_did() {
    let fleet = Fleet::named("measured").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    let patient = [REMEMBERING[0], REMEMBERING[1], ("SETTLE_TIME", "1s")];
    fleet.rebalance(&metrics, &patient).await.expect_exit(0);
    let after = fleet.settled().await;
    let even = after.0.iter().fold(fleet.requests(&after), |history, pod| history.cpu(&pod.name, 0.73));
    let metrics = even.serve(Server::VictoriaMetrics).await;
    let measured = wait::until("the rotation to be measured", async || {
        let run = fleet.rebalance(&metrics, &patient).await.expect_exit(0);
        run.log_with(&["rotation_measured"]).pop().ok_or(run.stderr)
    })
    .await;
    assert_eq!(measured["effect"], "helped");
    assert!(
        measured["measured_cv"].as_f64().unwrap() < 0.01 && measured["cv_before"].as_f64().unwrap() > 0.4
    );
}

#[tokio::test]
#[ignore]
async fn of_two_overlapping_runs_one_acts_and_the_other_ends_well_and_says_so() {
    let fleet = Fleet::named("overlap").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let first = fleet.rebalancer(&metrics).envs(&REMEMBERING).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    let second = fleet.rebalance(&metrics, &REMEMBERING).await.expect_exit(0);
    assert_eq!((&end(&second)["status"], &end(&second)["reason"]), (&"held".into(), &"lock_held".into()));
    gate.open();
    first.finish().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn a_run_that_is_killed_frees_the_lock_and_the_next_one_finishes_its_story() {
    let fleet = Fleet::named("killed").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let short = [REMEMBERING[0], REMEMBERING[1], ("CYCLE_TIMEOUT", "2s")];
    let first = fleet.rebalancer(&metrics).envs(&short).kubeconfig(&kubeconfig).start();
    gate.reached().await;
    first.kill().await;
    let held = fleet.rebalance(&metrics, &short).await.expect_exit(0);
    assert_eq!(end(&held)["reason"], "lock_held", "{}", held.stderr);
    let next = wait::until("the lock to expire", async || {
        let run = fleet.rebalance(&metrics, &short).await.expect_exit(0);
        if end(&run)["reason"] == "lock_held" { Err(run.stderr) } else { Ok(run) }
    })
    .await;
    assert_eq!(next.log_with(&["story_finished"]).len(), 4, "{}", next.stderr);
}

#[tokio::test]
#[ignore]
async fn without_the_right_to_remember_nothing_is_done_and_the_fix_is_named() {
    let fleet = Fleet::named("forgetful").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let rules: [Rule<'static>; 5] = [
        SURROUNDINGS[0],
        SURROUNDINGS[1],
        ("", &["pods"], &["get", "list"]),
        ("", &["pods/eviction"], &["create"]),
        ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
    ];
    let kubeconfig = fleet.kubeconfig_with("forgetful", &rules).await;
    let rebalancer = fleet.rebalancer(&metrics).envs(&REMEMBERING).kubeconfig(&kubeconfig);
    let run = rebalancer.clone().run().await.expect_exit(1);
    assert_eq!(end(&run)["reason"], "record_forbidden");
    assert!(run.stderr.contains("on 'leases.coordination.k8s.io'"), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
    rebalancer.env("RECORD_STORE", "none").run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "without the record, by explicit choice");
}

#[tokio::test]
#[ignore]
async fn a_dry_run_writes_no_record() {
    let fleet = Fleet::named("dry-memory").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let variables = [REMEMBERING[0], REMEMBERING[1], ("DRY_RUN", "true")];
    fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    assert_eq!(fleet.everything().await, everything);
}

#[tokio::test]
#[ignore]
async fn a_record_of_a_newer_program_or_of_nobody_is_a_hold() {
    let fleet = Fleet::named("newer").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let even = before.0.iter().fold(fleet.requests(&before), |history, pod| history.cpu(&pod.name, 0.5));
    let metrics = even.serve(Server::Prometheus).await;
    fleet.rebalance(&metrics, &REMEMBERING).await.expect_exit(0);
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    for (record, reason) in [("{\"version\": 999}", "record_newer"), ("gibberish", "record_unreadable")] {
        let patch = json!({"metadata": {"annotations": {"pod-rebalancer.io/record": record}}});
        let leases = fleet.api::<Lease>();
        leases.patch("pod-rebalancer-newer", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        let run = fleet.rebalance(&metrics, &REMEMBERING).await.expect_exit(0);
        assert_eq!((&end(&run)["status"], &end(&run)["reason"]), (&"held".into(), &reason.into()));
    }
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn failed_cycles_open_the_breaker_and_a_reset_closes_it() {
    let fleet = Fleet::named("breaker").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let nervous = [REMEMBERING[0], REMEMBERING[1], ("BREAKER_FAILED_CYCLES", "1")];
    let nobody = [("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"), ("PROMETHEUS_TIMEOUT", "300ms")];
    fleet.rebalance(&metrics, &[nervous.as_slice(), &nobody].concat()).await.expect_exit(1);
    let held = fleet.rebalance(&metrics, &nervous).await.expect_exit(0);
    let decision = held.log_with(&["\"event\":\"decision\""])[0].clone();
    assert_eq!(decision["decision"], "breaker_open", "{}", held.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);

    let reset =
        |dry_run| fleet.rebalancer(&metrics).envs(&nervous).env("DRY_RUN", dry_run).args(&["reset"]).run();
    let looked = reset("true").await.expect_exit(0);
    assert!(looked.stdout.contains("would be reset"), "{}", looked.stdout);
    let held = fleet.rebalance(&metrics, &nervous).await.expect_exit(0);
    assert!(!held.log_with(&["breaker_open"]).is_empty(), "a dry run resets nothing");
    let done = reset("false").await.expect_exit(0);
    assert!(
        done.stdout.contains("before  breaker open until") && done.stdout.contains("after   breaker closed"),
        "{}",
        done.stdout
    );
    fleet.rebalance(&metrics, &nervous).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn the_removal_budget_is_counted_across_runs() {
    let fleet = Fleet::named("spent").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let frugal = [REMEMBERING[0], REMEMBERING[1], ("REMOVAL_BUDGET_PODS", "3"), ("SETTLE_TIME", "1s")];
    fleet.rebalance(&metrics, &frugal).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 5], "trimmed to the budget");
    let after = fleet.settled().await;
    // The same imbalance, in the pods that came.
    let metrics = fleet.history(&after).serve(Server::Prometheus).await;
    wait::until("the rotation to settle", async || {
        let run = fleet.rebalance(&metrics, &frugal).await.expect_exit(0);
        match run.log_with(&["\"event\":\"decision\""])[0]["decision"].as_str() {
            Some("removal_budget_spent") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(fleet.gone(&after).await, NOBODY);
}
