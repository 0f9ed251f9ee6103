//! Who did what to which pod, and why: in the log, and as Kubernetes Events.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{Budget, Rule, SURROUNDINGS};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

const DOCUMENT: &str = include_str!("../../../../docs/audit.md");

/// The fields that docs/audit.md names for one of the two records, those left out that only some settings bring.
fn documented(finished: bool) -> BTreeSet<String> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let rows = rows.filter(|row| !row[2].starts_with("with `"));
    let fields = rows.filter(|row| row[1] == "both" || (finished && row[1] == "finished"));
    fields
        .flat_map(|row| row[0].split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect()
}

fn fields(record: &Value) -> BTreeSet<String> {
    record.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
#[ignore]
async fn the_audit_records_have_the_documented_fields_and_no_others() {
    let fleet = Fleet::named("audited").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    for dry_run in ["true", "false"] {
        let run = fleet.rebalance(&metrics, &[FOUR_MAY_GO[0], ("DRY_RUN", dry_run)]).await.expect_exit(0);
        for (event, finished) in [("removal_intended", false), ("removal_finished", true)] {
            for record in run.log_with(&[event]) {
                assert_eq!(fields(&record), documented(finished), "{record}");
            }
        }
        let first = &run.log_with(&["removal_intended"])[0];
        let account = format!("system:serviceaccount:{}:rebalancer", fleet.namespace);
        assert_eq!(first["actor"], account, "{first}");
        assert_eq!(
            (&first["pod"], &first["uid"]),
            (&before.0[0].name.clone().into(), &before.0[0].uid.clone().into())
        );
        // A server extrapolates a rate, to the last bits of a float.
        let load = first["load"].as_f64().unwrap();
        assert!(first["role"] == "hot" && (load - 1.2).abs() < 1e-9, "{first}");
        assert_eq!(first["dry_run"], dry_run == "true");
    }
}

#[tokio::test]
#[ignore]
async fn a_rotation_is_an_event_on_each_pod_and_on_the_workload() {
    for (name, set) in [("told", false), ("told-set", true)] {
        let setup = Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70);
        let fleet = if set { setup.stateful_set() } else { setup }.start().await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(Server::Prometheus).await;
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert!(run.log_with(&["event_not_written"]).is_empty(), "{}", run.stderr);
        let cycle = run.log()[0]["cycle_id"].as_str().unwrap().to_owned();
        let about = async |name: &str, reason: &str| {
            let events = fleet.events_about(name).await;
            let mut events = events.into_iter().filter(|event| event.reason.as_deref() == Some(reason));
            let event = events.next().unwrap_or_else(|| panic!("no {reason} about {name}"));
            assert!(events.next().is_none(), "{reason} about {name} twice");
            assert_eq!(event.reporting_instance.as_deref(), Some(cycle.as_str()));
            event
        };
        for (index, role) in [(0, "hot"), (1, "hot"), (4, "cold"), (5, "cold")] {
            let event = about(&before.0[index].name, "Rotated").await;
            assert_eq!(event.involved_object.uid.as_deref(), Some(before.0[index].uid.as_str()));
            assert!(event.message.as_deref().unwrap().contains(role), "{event:?}");
        }
        let event = about(name, "Rebalanced").await;
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert!(event.message.as_deref().unwrap().contains("4 of 4 pods"), "{event:?}");
        let described = fleet.describe(if set { "statefulset" } else { "deployment" }, name).await;
        assert!(described.contains("Rebalanced") && described.contains("4 of 4 pods"), "{described}");
    }
}

#[tokio::test]
#[ignore]
async fn events_can_be_turned_off_and_a_missing_right_to_them_is_no_failure() {
    let fleet =
        Fleet::named("untold").cpu(&WORKED_EXAMPLE).hpa(70).budget(Budget::MaxUnavailable(4)).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let rules: [Rule<'static>; 5] = [
        ("", &["pods"], &["get", "list"]),
        ("", &["pods/eviction"], &["create"]),
        ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        SURROUNDINGS[0],
        SURROUNDINGS[1],
    ];
    let kubeconfig = fleet.kubeconfig_with("mute", &rules).await;
    let variables = [("MINIMUM_PODS_REQUIRED", "2"), ("REBALANCE_TOP_K_PODS", "1")];
    let mute = fleet.rebalancer(&metrics).envs(&variables).kubeconfig(&kubeconfig);
    let silent = mute.clone().env("KUBE_EVENTS", "false").env("DRY_RUN", "true");
    assert!(silent.run().await.expect_exit(0).log_with(&["event_not_written"]).is_empty());
    let run = mute.run().await.expect_exit(0);
    let warnings = run.log_with(&["event_not_written", "grant the verb 'create' on 'events.events.k8s.io'"]);
    assert!(!warnings.is_empty(), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 5]);
}
