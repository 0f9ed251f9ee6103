//! `rebalancer check` and what is remembered: a record that can't be read, an open breaker, a lock that is held.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::harness::check::{Findings, check, six};
use crate::harness::fixture;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

/// What is found with this Lease, which stays as it is.
async fn found_with(
    fleet: &Fleet,
    metrics: &str,
    record: Option<&str>,
    spec: Value,
    exit_code: i32,
) -> Findings {
    let name = format!("pod-rebalancer-{}", fleet.name());
    let annotations = record.map(|record| json!({"pod-rebalancer.io/record": record}));
    let lease = json!({"metadata": {"name": name, "annotations": annotations}, "spec": spec});
    let created: Lease = fixture::create(&fleet.client, &fleet.namespace, lease).await;
    let (findings, run) = check(fleet.rebalancer(metrics).env("RECORD_STORE", "lease")).await;
    assert_eq!(run.exit_code, exit_code, "{findings:#?}");
    let leases = fleet.api::<Lease>();
    assert_eq!(leases.get(&name).await.unwrap(), created, "a check changes nothing");
    leases.delete(&name, &DeleteParams::default()).await.unwrap();
    findings
}

#[tokio::test]
#[ignore]
async fn what_is_remembered_is_told_and_left_alone() {
    let fleet = six("check-record").start().await;
    let pods = fleet.settled().await;
    let server = fleet.history(&pods).serve(Server::Prometheus).await;
    let metrics = server.url.as_str();
    let nobody = || json!({});

    let newer = found_with(&fleet, metrics, Some("{\"version\": 999}"), nobody(), 1).await;
    newer.expect("error", "record_newer", &["version 999", "newer version of this program"]);

    let broken = found_with(&fleet, metrics, Some("gibberish"), nobody(), 1).await;
    broken.expect("error", "record_unreadable", &["kubectl annotate lease pod-rebalancer-check-record"]);

    let now = Timestamp::now();
    let (since, until) = (now - SignedDuration::from_mins(10), now + SignedDuration::from_mins(50));
    let mut record: Value = serde_json::from_str(
        include_str!("../../../fuzz/corpus/record/breaker-open.json").lines().next().unwrap(),
    )
    .unwrap();
    record["breaker"]["since"] = json!(since);
    record["breaker"]["until"] = json!(until);
    let open = found_with(&fleet, metrics, Some(&record.to_string()), nobody(), 0).await;
    let shown = format!("{until:.0}");
    open.expect("warning", "breaker_open", &[&shown, "3 cycles", "rebalancer reset"]);

    let micros = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let spec = json!({"holderIdentity": "another-run", "leaseDurationSeconds": 60, "renewTime": micros(now)});
    let held = found_with(&fleet, metrics, None, spec, 0).await;
    held.expect("note", "lock_held", &["another-run", "until"]);

    let (off, _) = check(fleet.rebalancer(metrics).env("RECORD_STORE", "none")).await;
    off.expect("note", "record_off", &["RECORD_STORE=none"]);
}
