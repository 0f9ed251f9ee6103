//! The built binary as a newcomer meets it: no server, no cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output};

/// Runs the binary with nothing but these variables.
fn rebalancer(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rebalancer"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn log(output: &Output) -> Vec<serde_json::Value> {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    stderr.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

const COMPLETE: [(&str, &str); 4] = [
    ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
    ("KUBE_NAMESPACE", "streams"),
    ("DEPLOYMENT_NAME", "consumer"),
    ("HOME", "/nonexistent"),
];

#[test]
fn help_names_every_variable_with_its_default_and_the_exit_codes() {
    let output = rebalancer(&["--help"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    for text in [
        "PROMETHEUS_ENDPOINT",
        "--kube-namespace",
        "[default: app=consumer]",
        "[default: 1.5]",
        "MIN_PODS_REQUIRED",
        "simulate",
        "Exit codes:",
    ] {
        assert!(help.contains(text), "{text} is not in\n{help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = rebalancer(&["--version"], &[]);
    assert!(stdout(&output).starts_with(&format!("rebalancer {}", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn without_settings_it_says_all_that_is_missing_and_exits_with_2() {
    let output = rebalancer(&[], &[]);
    assert_eq!(output.status.code(), Some(2));
    let mut missing: Vec<String> =
        log(&output).iter().map(|line| line["variable"].as_str().unwrap().to_owned()).collect();
    missing.sort();
    assert_eq!(missing, ["DEPLOYMENT_NAME", "KUBE_NAMESPACE", "PROMETHEUS_ENDPOINT"]);
}

#[test]
fn a_mistyped_flag_exits_with_2_and_suggests_the_right_one() {
    let output = rebalancer(&["--kube-namespce", "x"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--kube-namespace"));
}

#[test]
fn without_a_cluster_it_says_what_to_do_and_exits_with_2() {
    let output = rebalancer(&[], &COMPLETE);
    assert_eq!(output.status.code(), Some(2));
    let last = log(&output).pop().unwrap();
    assert_eq!(last["event"], "configuration_error");
    assert!(last["error"].as_str().unwrap().contains("set KUBECONFIG, or run in a pod"), "{last}");
}

#[test]
fn text_logs_are_for_people() {
    let output = rebalancer(&["--log-format", "text"], &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("KUBE_NAMESPACE is not set"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "no colours off a terminal: {stderr}");
}

#[test]
fn a_simulation_shows_before_decisions_and_after_and_names_its_rule() {
    let output = rebalancer(&["simulate"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    for part in ["assignment rule: ", "before: ", "decisions", "cycle 1: rotate", "after: ", "CV "] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_seed_reproduces_a_simulation() {
    let run = |seed| stdout(&rebalancer(&["simulate", "--seed", seed], &[]));
    assert_eq!(run("3"), run("3"));
    assert_ne!(run("3"), run("4"));
}

#[test]
fn a_simulation_obeys_the_policy_and_refuses_what_makes_no_fleet() {
    let calm = rebalancer(&["simulate", "--tolerance-multiplier", "10"], &[]);
    assert!(stdout(&calm).contains("with 0 removals"), "{}", stdout(&calm));
    let wrong = rebalancer(&["simulate", "--tolerance-multiplier", "0.1"], &[]);
    assert_eq!(wrong.status.code(), Some(2));
    let impossible = rebalancer(&["simulate", "--sigma=-1"], &[]);
    assert_eq!(impossible.status.code(), Some(2), "{}", String::from_utf8_lossy(&impossible.stderr));
}
