//! `rebalancer check` with disruption budgets that stand in the way.

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::{Value, json};

use crate::harness::check::{Findings, check, six};
use crate::harness::fixture::{self, Budget};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::setup::Setup;

async fn started(setup: Setup) -> (Fleet, MetricServer) {
    let fleet = setup.start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::VictoriaMetrics).await;
    (fleet, metrics)
}

async fn found((fleet, metrics): &(Fleet, MetricServer), exit_code: i32) -> Findings {
    let (findings, run) = check(fleet.rebalancer(metrics)).await;
    assert_eq!(run.exit_code, exit_code, "{findings:#?}");
    findings
}

#[tokio::test]
#[ignore]
async fn a_budget_that_can_never_be_met_is_told_whatever_way_it_says_so() {
    let world = started(six("check-never")).await;
    let (client, namespace) = (&world.0.client, &world.0.namespace);
    let promises: [(&str, Value, &str); 4] = [
        ("none-missing", json!({"maxUnavailable": 0}), "maxUnavailable: 0"),
        ("all-there", json!({"minAvailable": "100%"}), "minAvailable: 100%"),
        ("as-many", json!({"minAvailable": 6}), "minAvailable: 6"),
        ("nearly-all", json!({"minAvailable": "90%"}), "minAvailable: 90%"),
    ];
    for (name, mut spec, shown) in promises {
        spec["selector"] = json!({"matchLabels": {"app": "consumer"}});
        let object = json!({"metadata": {"name": name}, "spec": spec});
        fixture::create::<PodDisruptionBudget>(client, namespace, object).await;
        found(&world, 1).await.expect("error", "budget_never", &[name, shown, "6 pods", "maxUnavailable: 2"]);
        world.0.api::<PodDisruptionBudget>().delete(name, &Default::default()).await.unwrap();
    }
    found(&world, 0).await.expect("note", "disruption_budgets", &["no disruption budget"]);
}

#[tokio::test]
#[ignore]
async fn a_budget_with_room_for_one_pod_is_too_tight_without_partition_loads() {
    let world = started(six("check-one").budget(Budget::MaxUnavailable(1))).await;
    found(&world, 1).await.expect(
        "error",
        "budget_too_tight",
        &["check-one", "one of 6 pods", "KAFKA_METRICS_PRESET"],
    );
    let partitions = world.0.rebalancer(&world.1).env("KAFKA_METRICS_PRESET", "librdkafka");
    check(partitions).await.0.lacks("budget_too_tight").expect(
        "ok",
        "disruption_budgets",
        &["lets 1 pods go now"],
    );
    let deleting = world.0.rebalancer(&world.1).env("REMOVAL_METHOD", "delete");
    check(deleting).await.0.expect("note", "disruption_budgets", &["REMOVAL_METHOD=delete"]);
}

#[tokio::test]
#[ignore]
async fn two_budgets_over_the_same_pods_are_told() {
    let world = started(six("check-overlap").budget(Budget::MaxUnavailable(3))).await;
    found(&world, 0).await.expect("ok", "disruption_budgets", &["maxUnavailable: 3", "lets 3 pods go now"]);
    fixture::budget(&world.0.client, &world.0.namespace, "second", Budget::MinAvailable(1)).await;
    found(&world, 1).await.expect(
        "error",
        "budgets_overlap",
        &["6 of 6 pods", "check-overlap", "second", "keep one"],
    );
}
