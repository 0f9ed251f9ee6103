//! Nothing is removed before somebody approved it, on the real API server: by the command, or by an annotation.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::Rule;
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

const ASKING: [(&str, &str); 4] =
    [FOUR_MAY_GO[0], ("RECORD_STORE", "lease"), ("APPROVAL", "required"), ("KUBE_EVENTS", "true")];

fn end(run: &Run) -> Value {
    run.log_with(&["cycle_finished"])[0].clone()
}

fn proposed(run: &Run) -> String {
    let lines = run.log_with(&["\"rotation_proposed\""]);
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    lines[0]["proposal"].as_str().unwrap().to_owned()
}

async fn cycle(fleet: &Fleet, metrics: &MetricServer) -> Run {
    fleet.rebalance(metrics, &ASKING).await.expect_exit(0)
}

async fn answer(fleet: &Fleet, metrics: &MetricServer, command: &str, id: &str) -> Run {
    fleet.rebalancer(metrics).envs(&ASKING).args(&[command, id]).run().await
}

/// The texts of the Events on the workload that ask for an approval.
async fn asked(fleet: &Fleet) -> Vec<String> {
    let events = fleet.events_about(fleet.name()).await.into_iter();
    let asked = events.filter(|event| event.reason.as_deref() == Some("RotationProposed"));
    asked.map(|event| event.message.unwrap_or_default()).collect()
}

async fn annotate(fleet: &Fleet, key: &str, id: &str) {
    let patch = json!({"metadata": {"annotations": {key: id}}});
    let params = PatchParams { field_manager: Some("kubectl-annotate".to_owned()), ..PatchParams::default() };
    fleet.api::<Deployment>().patch(fleet.name(), &params, &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
#[ignore]
async fn a_run_proposes_waits_and_acts_once_after_somebody_approved() {
    let fleet = Fleet::named("asks").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(end(&run)["status"], "proposed");
    let id = proposed(&run);
    let events = asked(&fleet).await;
    assert!(events.iter().any(|text| text.contains(&format!("rebalancer approve {id}"))), "{events:?}");
    let plan = fleet.rebalancer(&metrics).envs(&ASKING).args(&["plan"]).run().await.expect_exit(0);
    for words in [format!("proposal {id} waits for an answer"), format!("rebalancer approve {id}")] {
        assert!(plan.words().contains(&words), "{words} is not in\n{}", plan.stdout);
    }
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(end(&run)["status"], "proposed");
    assert_eq!(run.log_with(&["\"approval_pending\""])[0]["proposal"], id);
    assert_eq!(fleet.gone(&before).await, NOBODY, "nobody has approved");
    let wrong = answer(&fleet, &metrics, "approve", "0123").await.expect_exit(1);
    assert!(wrong.stderr.contains(&format!("there is no proposal 0123; open is {id}")), "{}", wrong.stderr);
    // Whoever answers needs to say which workload, and nothing of what the run is set to.
    let named = ["approve", &id, "asks", "--namespace", &fleet.namespace];
    let person = Rebalancer::new().kubeconfig(&fleet.dir.path().join(ACCOUNT));
    let told = person.args(&named).run().await.expect_exit(0);
    assert!(told.stdout.contains(&format!("proposal {id} approved by ")), "{}", told.stdout);
    let again = answer(&fleet, &metrics, "approve", &id).await.expect_exit(1);
    assert!(again.stderr.contains("already approved"), "{}", again.stderr);
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(end(&run)["status"], "rebalanced");
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    for removal in run.log_with(&["\"removal_intended\""]) {
        assert_eq!(removal["proposal"], id);
        assert_eq!(removal["approved_by"], removal["actor"], "both are the tests' own account");
    }
    let late = answer(&fleet, &metrics, "approve", &id).await.expect_exit(1);
    assert!(late.stderr.contains(&format!("a cycle acted by proposal {id}")), "{}", late.stderr);
}

#[tokio::test]
#[ignore]
async fn an_approval_does_not_count_after_its_time() {
    let fleet = Fleet::named("asks-late").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let short = [ASKING[0], ASKING[1], ASKING[2], ("APPROVAL_VALID_FOR", "3s")];
    let id = proposed(&fleet.rebalance(&metrics, &short).await.expect_exit(0));
    answer(&fleet, &metrics, "approve", &id).await.expect_exit(0);
    let late = wait::until("the proposal to expire", async || {
        let dry = fleet.rebalancer(&metrics).envs(&short).env("DRY_RUN", "true").args(&["approve", &id]);
        let run = dry.run().await.expect_exit(1);
        if run.stderr.contains("expired at") { Ok(run) } else { Err(run.stderr) }
    })
    .await;
    assert_eq!(late.exit_code, 1);
    let run = fleet.rebalance(&metrics, &short).await.expect_exit(0);
    assert_eq!(end(&run)["status"], "proposed");
    assert_ne!(proposed(&run), id, "it asks again");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_changed_fleet_is_asked_about_again() {
    let fleet = Fleet::named("asks-anew").stateful_set().cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let id = proposed(&cycle(&fleet, &metrics).await);
    answer(&fleet, &metrics, "approve", &id).await.expect_exit(0);
    // Another pod has the name of one that was approved.
    let hot = before.0[0].name.clone();
    fleet.api::<Pod>().delete(&hot, &DeleteParams::default()).await.unwrap();
    let after = fleet.settled().await;
    let run = cycle(&fleet, &metrics).await;
    let told = &run.log_with(&["\"rotation_proposed\""])[0];
    assert!(
        told["why"].as_str().unwrap().contains(&format!("approved proposal {id}: 1 pod was not proposed")),
        "{told}"
    );
    assert_eq!(fleet.gone(&after).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_rejected_plan_is_neither_made_nor_proposed_again() {
    let fleet = Fleet::named("asks-no").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let id = proposed(&cycle(&fleet, &metrics).await);
    let told = answer(&fleet, &metrics, "reject", &id).await.expect_exit(0);
    assert!(told.stdout.contains(&format!("proposal {id} rejected by ")), "{}", told.stdout);
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(end(&run)["status"], "rejected");
    assert_eq!(run.log_with(&["\"rotation_rejected\""])[0]["proposal"], id);
    let late = answer(&fleet, &metrics, "approve", &id).await.expect_exit(1);
    assert!(late.stderr.contains(&format!("proposal {id} was rejected at")), "{}", late.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn an_annotation_of_the_workload_approves_and_its_manager_is_in_the_audit() {
    let fleet = Fleet::named("asks-marks").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let id = proposed(&cycle(&fleet, &metrics).await);
    for unclear in ["true", "", &id[1..]] {
        annotate(&fleet, "pod-rebalancer.io/approve", unclear).await;
        assert_eq!(end(&cycle(&fleet, &metrics).await)["status"], "proposed", "{unclear}");
    }
    annotate(&fleet, "pod-rebalancer.io/approve", &id).await;
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(end(&run)["status"], "rebalanced");
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    let approved = &run.log_with(&["\"rotation_approved\""])[0];
    assert_eq!(approved["way"], "annotation");
    assert_eq!(approved["approved_by"], "an annotation by the field manager kubectl-annotate");
}

#[tokio::test]
#[ignore]
async fn an_annotation_that_rejects_wins_over_one_that_approves() {
    let fleet = Fleet::named("asks-both").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let id = proposed(&cycle(&fleet, &metrics).await);
    annotate(&fleet, "pod-rebalancer.io/approve", &id).await;
    annotate(&fleet, "pod-rebalancer.io/reject", &id).await;
    assert_eq!(end(&cycle(&fleet, &metrics).await)["status"], "rejected");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn who_may_write_the_record_may_approve_and_who_may_only_read_it_may_not() {
    let fleet = Fleet::named("asks-rights").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let id = proposed(&cycle(&fleet, &metrics).await);
    let may: [Rule<'static>; 1] = [("coordination.k8s.io", &["leases"], &["get", "update"])];
    let may_not: [Rule<'static>; 1] = [("coordination.k8s.io", &["leases"], &["get"])];
    let reader = fleet.kubeconfig_with("reader", &may_not).await;
    let approver = fleet.kubeconfig_with("approver", &may).await;
    let command = fleet.rebalancer(&metrics).envs(&ASKING).args(&["approve", &id]);
    let refused = command.clone().kubeconfig(&reader).run().await.expect_exit(1);
    assert!(
        refused.stderr.contains("grant the verb 'update' on 'leases.coordination.k8s.io'"),
        "{}",
        refused.stderr
    );
    assert_eq!(end(&cycle(&fleet, &metrics).await)["status"], "proposed");
    let done = command.kubeconfig(&approver).run().await.expect_exit(0);
    assert!(done.stdout.contains(":approver\n"), "{}", done.stdout);
    let run = cycle(&fleet, &metrics).await;
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    let by = run.log_with(&["\"removal_intended\""])[0]["approved_by"].clone();
    assert!(by.as_str().unwrap().ends_with(":approver"), "{by}");
}

#[tokio::test]
#[ignore]
async fn a_dry_run_says_what_it_would_propose_and_writes_nothing() {
    let fleet = Fleet::named("asks-dry").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let run = fleet.rebalancer(&metrics).envs(&ASKING).env("DRY_RUN", "true").run().await.expect_exit(0);
    let told = &run.log_with(&["\"rotation_proposed\""])[0];
    assert_eq!(told["dry_run"], true);
    assert!(told["message"].as_str().unwrap().starts_with("a real run would propose"), "{told}");
    let leases = fleet.api::<Lease>().list(&ListParams::default()).await.unwrap();
    assert!(leases.items.is_empty(), "nothing is written");
    assert!(asked(&fleet).await.is_empty());
    assert_eq!(fleet.gone(&before).await, NOBODY);
}
