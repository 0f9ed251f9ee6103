//! The Helm chart has what the program has. What the chart renders is checked by `.ci/deploy` and on real servers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn values() -> Value {
    yaml(include_str!("../../deploy/helm/pod-rebalancer/values.yaml"))
}

fn schema() -> Value {
    yaml(include_str!("../../deploy/helm/pod-rebalancer/values.schema.json"))
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// Variables that `--help` names.
fn variables() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_rebalancer")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    help.split("[env: ").skip(1).map(|rest| rest.split(']').next().unwrap().trim().to_owned()).collect()
}

/// Variables that a value sets: the list of workloads is a value of its own.
fn expected() -> BTreeSet<String> {
    let mut expected = variables();
    assert!(expected.remove("WORKLOADS_FILE") && expected.len() > 60, "{expected:?}");
    expected
}

#[test]
fn every_variable_has_a_value_and_a_schema() {
    assert_eq!(keys(&values()["config"]), expected(), "deploy/helm/pod-rebalancer/values.yaml, config");
    let known = keys(&schema()["definitions"]["variables"]["properties"]);
    assert_eq!(known, expected(), "deploy/helm/pod-rebalancer/values.schema.json, definitions.variables");
}

/// Those of a workload's entry are all but those of the whole run.
#[test]
fn an_entry_of_workloads_knows_every_variable_but_those_of_the_whole_run() {
    let mut expected = expected();
    let of_a_process_that_stays = [
        "INTERVAL",
        "SHORTEST_INTERVAL",
        "CONCURRENT_CYCLES",
        "LISTEN_ADDRESS",
        "LEADER_ELECTION",
        "LEADER_LEASE_NAME",
        "LEADER_LEASE_NAMESPACE",
        "LEADER_LEASE_DURATION",
    ];
    for of_run in ["LOG_LEVEL", "LOG_FORMAT"].into_iter().chain(of_a_process_that_stays) {
        assert!(expected.remove(of_run), "{of_run}");
    }
    assert_eq!(keys(&schema()["properties"]["workloads"]["items"]["properties"]), expected);
}

/// So that the program's defaults are said once; and a release begins with a dry run.
#[test]
fn no_variable_has_a_default_of_the_charts_own_but_the_dry_run() {
    let values = values();
    let config = values["config"].as_object().unwrap();
    for (name, value) in config {
        let expected = if name == "DRY_RUN" { json!("true") } else { json!("") };
        assert_eq!(*value, expected, "{name}");
    }
}

#[test]
fn the_charts_versions_are_those_of_the_program() {
    let chart = yaml(include_str!("../../deploy/helm/pod-rebalancer/Chart.yaml"));
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!(env!("CARGO_PKG_VERSION")))
    );
}
