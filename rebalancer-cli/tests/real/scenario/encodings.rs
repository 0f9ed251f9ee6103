//! Pods in protobuf and in JSON are the same pods.

use std::fs;

use serde_json::Value;

use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::proxy::Proxy;
use crate::harness::rebalancer::{Rebalancer, Run};

/// What a plan was made of, and how it was read.
async fn saved(rebalancer: Rebalancer, fleet: &Fleet, name: &str) -> (Value, Run) {
    let file = fleet.file(name);
    let run =
        rebalancer.args(&["plan", "--save", file.to_str().unwrap()]).env("LOG_LEVEL", "debug").run().await;
    let line: Value = serde_json::from_str(fs::read_to_string(file).unwrap().trim()).unwrap();
    (line["snapshot"]["pods"].clone(), run.expect_exit(0))
}

/// Bytes of the list of pods.
fn listed(run: &Run) -> u64 {
    let lists = run.log_with(&["\"event\":\"kubernetes_request\"", "/pods\""]);
    assert_eq!(lists.len(), 1, "the fleet is listed once");
    lists[0]["bytes"].as_u64().unwrap()
}

#[tokio::test]
#[ignore]
async fn a_server_that_speaks_only_json_shows_the_same_fleet() {
    let fleet = Fleet::named("encodings").cpu(&[2.0, 0.5, 0.5, 0.5, 0.4, 0.5]).hpa(70).start().await;
    let pods = fleet.settled().await;
    fleet.annotate(&pods.0[3].name, "pod-rebalancer.io/opt-out", "true").await.unwrap();
    fleet.terminate(&pods.0[4]).await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    let (in_protobuf, first) = saved(fleet.rebalancer(&metrics), &fleet, "protobuf").await;
    let proxy = Proxy::speaking_only_json(fleet.plane).await;
    let through = fleet.rebalancer(&metrics).kubeconfig(&fleet.kubeconfig_through(&proxy));
    let (in_json, second) = saved(through, &fleet, "json").await;
    assert_eq!(in_protobuf, in_json);
    let all = in_json.as_array().unwrap();
    let known = ["uid", "created_at", "ready_since", "node", "owner", "labels"];
    assert!(
        all.len() >= 6 && all.iter().all(|pod| known.iter().all(|name| !pod[name].is_null())),
        "{in_json}"
    );
    assert!(listed(&first) < listed(&second), "protobuf is smaller, and came");
}
