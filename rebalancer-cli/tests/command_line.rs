//! The built binary as a newcomer meets it: no server, no cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

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
        "OTEL_EXPORTER_OTLP_ENDPOINT",
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
fn every_shell_gets_completions_that_know_commands_and_settings() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = rebalancer(&["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["simulate", "kube-namespace"] {
            assert!(stdout(&output).contains(word), "{word} is not in the completions for {shell}");
        }
    }
    let unknown = rebalancer(&["completions", "tcsh"], &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("zsh"), "the ones that there are: {unknown:?}");
}

#[test]
fn the_manual_page_has_every_command_and_every_setting_of_a_run() {
    let output = rebalancer(&["manual"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let page = stdout(&output).replace('\\', "");
    assert!(page.contains(".TH rebalancer 1"), "{page}");
    for word in ["simulate", "--kube-namespace", "PROMETHEUS_ENDPOINT", "Exit codes:"] {
        assert!(page.contains(word), "{word} is not in\n{page}");
    }
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
fn a_check_tells_all_at_once_and_exits_with_2_without_a_cluster() {
    let output = rebalancer(&["check", "--output", "json"], &COMPLETE);
    assert_eq!(output.status.code(), Some(2));
    let check: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((check["version"].as_u64(), check["worst"].as_str()), (Some(1), Some("error")));
    let findings = check["findings"].as_array().unwrap();
    let codes: Vec<_> = findings.iter().map(|finding| finding["code"].clone()).collect();
    for code in ["endpoint_unreachable", "cluster_not_configured"] {
        assert!(codes.contains(&code.into()), "{code} is not in {codes:?}");
    }
    let wrong = rebalancer(&["check"], &COMPLETE[1..]);
    assert_eq!((wrong.status.code(), stdout(&wrong)), (Some(2), String::new()));
    assert_eq!(
        log(&wrong)[0]["variable"],
        "PROMETHEUS_ENDPOINT",
        "nothing is checked before it is configured"
    );
}

/// The same binary as kubectl finds it.
fn plugin(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubectl-rebalancer");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rebalancer"), &path).unwrap();
    let mut command = Command::new(&path);
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn by_its_name_it_is_a_plugin_of_kubectl() {
    let help = stdout(&plugin(&["plan", "--help"], &[]));
    for text in [
        "Usage: kubectl rebalancer plan [OPTIONS] [WORKLOAD]",
        "-n, --kube-namespace",
        "--namespace",
        "--context",
    ] {
        assert!(help.contains(text), "{text} is not in\n{help}");
    }
    let mistake = plugin(&["plan", "pod/orders"], &[]);
    assert_eq!(mistake.status.code(), Some(2));
    let text = String::from_utf8_lossy(&mistake.stderr).into_owned();
    assert!(text.contains("'pod/orders'") && text.contains("deployment/NAME or statefulset/NAME"), "{text}");
}

#[test]
fn a_workload_that_is_named_or_looked_for_needs_a_cluster() {
    for arguments in [
        vec!["plan", "-n", "streams", "orders"],
        vec!["plan", "orders"],
        vec!["plan", "-n", "streams"],
        vec!["check"],
        vec!["plan", "-n", "streams", "--all"],
        vec!["run", "-n", "streams", "deployment/orders"],
        vec!["approve", "0123", "orders"],
        vec!["approve", "-n", "streams", "0123", "orders"],
    ] {
        let output = rebalancer(&arguments, &[("HOME", "/nonexistent"), ("DRY_RUN", "false")]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{arguments:?}");
        let last = log(&output).pop().unwrap();
        assert!(
            last["error"].as_str().unwrap_or_default().contains("set KUBECONFIG"),
            "{arguments:?}: {last}"
        );
    }
}

#[test]
fn an_argument_that_contradicts_the_settings_is_refused_before_anything_is_contacted() {
    for (arguments, environment, variable) in [
        (vec!["plan", "payments"], vec![("DEPLOYMENT_NAME", "orders")], "DEPLOYMENT_NAME"),
        (vec!["run", "payments"], vec![("DEPLOYMENT_NAME", "orders")], "DEPLOYMENT_NAME"),
        (vec!["plan", "--all"], vec![("DEPLOYMENT_NAME", "orders")], "DEPLOYMENT_NAME"),
        (vec!["plan", "--all"], vec![("WORKLOADS_FILE", "/no/file")], "WORKLOADS_FILE"),
        (vec!["plan", "--all"], vec![("KAFKA_GROUP_ID", "orders")], "KAFKA_GROUP_ID"),
        (vec!["plan", "--all"], vec![("KUBE_LABEL_SELECTOR", "app=orders")], "KUBE_LABEL_SELECTOR"),
    ] {
        let output = rebalancer(&arguments, &environment);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told: Vec<_> = log(&output).into_iter().map(|line| line["variable"].clone()).collect();
        assert_eq!(told, [variable], "{arguments:?}");
    }
}

/// What is set for the run in the cluster, such as APPROVAL, does not count for a person.
#[test]
fn a_run_by_hand_says_whether_it_evicts() {
    let output = rebalancer(&["run", "-n", "streams", "orders"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told: Vec<_> = log(&output).into_iter().map(|line| line["variable"].clone()).collect();
    assert_eq!(told, ["DRY_RUN"]);
}

#[test]
fn what_acts_by_itself_is_told_its_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = nowhere(folder.path());
    let environment = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
        ("DRY_RUN", "false"),
    ];
    for arguments in [vec!["run", "orders"], vec!["reset", "orders"]] {
        let output = rebalancer(&arguments, &environment);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told: Vec<_> = log(&output).into_iter().map(|line| line["variable"].clone()).collect();
        assert_eq!(told, ["KUBE_NAMESPACE"], "{arguments:?}");
    }
}

#[test]
fn with_kafka_three_variables_are_enough_and_a_check_says_that_it_cannot_be_reached() {
    let variables = [
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("KUBE_NAMESPACE", "streams"),
        ("DEPLOYMENT_NAME", "consumer"),
    ];
    let output = rebalancer(&["check", "--output", "json", "--kafka-timeout", "1s"], &variables);
    assert_eq!(output.status.code(), Some(2), "there is no cluster either");
    let check: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let findings = check["findings"].as_array().unwrap();
    let found = |code: &str| findings.iter().find(|finding| finding["code"] == code);
    let message = found("kafka_unreachable").unwrap()["message"].as_str().unwrap();
    assert!(message.contains("no connection to 127.0.0.1:1"), "{message}");
    assert!(found("cluster_not_configured").is_some(), "{findings:#?}");
    for code in ["metric_server", "endpoint_unreachable", "samples"] {
        assert!(found(code).is_none(), "nothing is asked of a metric server: {findings:#?}");
    }
}

#[test]
fn text_logs_are_for_people() {
    let output = rebalancer(&["--log-format", "text"], &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("KUBE_NAMESPACE is not set"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "no colors off a terminal: {stderr}");
    let line = stderr.lines().next().unwrap();
    assert!(line.ends_with(" event=configuration_error variable=KUBE_NAMESPACE"), "said once: {line}");
}

#[test]
fn colors_are_given_where_they_are_asked_for_and_never_to_who_wants_none() {
    let colored = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = rebalancer(&[&["check"], arguments].concat(), &[&COMPLETE[..], environment].concat());
        let text = stdout(&output) + &String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("error"), "said in words too: {text}");
        text.contains('\u{1b}')
    };
    assert!(!colored(&[], &[]), "no terminal");
    assert!(colored(&["--color", "always"], &[]) && colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_check_shows_its_findings_and_the_settings_only_with_the_flag() {
    let findings = stdout(&rebalancer(&["check"], &COMPLETE));
    assert!(findings.starts_with("streams/consumer\n\nerror   "), "{findings}");
    assert!(!findings.contains("TOLERANCE_MULTIPLIER") && findings.contains("--settings"), "{findings}");
    let both = stdout(&rebalancer(&["check", "--settings"], &COMPLETE));
    let place = |text: &str| both.find(text).unwrap_or_else(|| panic!("{text} is not in\n{both}"));
    assert!(place("error   ") < place("TOLERANCE_MULTIPLIER"), "{both}");
    for text in [findings, both] {
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn a_simulation_shows_before_decisions_and_after_and_names_its_rule() {
    let output = rebalancer(&["simulate"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    for part in ["assignor: ", "before: ", "decisions", "cycle 1: rotate", "after: ", "CV "] {
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

/// Runs the binary with a file of workloads.
fn with_workloads(arguments: &[&str], file: &str, environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workloads.yaml");
    std::fs::write(&path, file).unwrap();
    let environment: Vec<(&str, &str)> =
        environment.iter().copied().chain([("WORKLOADS_FILE", path.to_str().unwrap())]).collect();
    rebalancer(arguments, &environment)
}

/// A cluster that nobody answers for.
fn nowhere(folder: &std::path::Path) -> String {
    let path = folder.join("kubeconfig");
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nowhere",
        "clusters": [{"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

const TWO_WORKLOADS: &str =
    "workloads: [{DEPLOYMENT_NAME: orders}, {DEPLOYMENT_NAME: payments, KUBE_NAMESPACE: billing}]";

#[test]
fn a_file_of_workloads_with_problems_exits_with_2_and_names_their_entries() {
    let file =
        "workloads: [{DEPLOYMENT_NAME: orders, DRY_RUN: maybe}, {DEPLOYMENT_NAME: payments, DRYRUN: true}]";
    for arguments in [vec![], vec!["plan"], vec!["reset"]] {
        let output = with_workloads(&arguments, file, &COMPLETE);
        assert_eq!(output.status.code(), Some(2));
        let log = log(&output);
        let told: Vec<_> = log.iter().map(|line| [&line["entry"], &line["variable"]]).collect();
        assert_eq!(told, [["workloads[0] (orders)", "DRY_RUN"], ["workloads[1] (payments)", "DRYRUN"]]);
    }
}

#[test]
fn a_file_of_workloads_that_is_not_there_exits_with_2() {
    let output = rebalancer(&["--workloads-file", "/no/workloads"], &COMPLETE);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(log(&output).pop().unwrap()["variable"], "WORKLOADS_FILE");
}

#[test]
fn of_several_workloads_each_is_tried_and_the_run_tells_how_many_failed() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = nowhere(folder.path());
    let short = [("KUBECONFIG", kubeconfig.as_str()), ("CYCLE_TIMEOUT", "1s"), ("KUBE_TIMEOUT", "300ms")];
    let environment: Vec<_> = COMPLETE.into_iter().chain(short).collect();
    let output = with_workloads(&[], TWO_WORKLOADS, &environment);
    assert_eq!(output.status.code(), Some(1));
    let log = log(&output);
    let ends: Vec<_> = log.iter().filter(|line| line["event"] == "cycle_finished").collect();
    let who: Vec<_> = ends.iter().map(|line| [&line["namespace"], &line["workload"]]).collect();
    assert_eq!(who, [["streams", "orders"], ["billing", "payments"]]);
    assert_ne!(ends[0]["cycle_id"], ends[1]["cycle_id"]);
    let last = log.last().unwrap();
    assert_eq!(
        (&last["event"], &last["workloads"], &last["failed"]),
        (&"run_finished".into(), &2.into(), &2.into())
    );
    assert_eq!(last["cycle_id"], serde_json::Value::Null);
}

#[test]
fn a_run_of_one_workload_has_no_summary() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = nowhere(folder.path());
    let short = [("KUBECONFIG", kubeconfig.as_str()), ("CYCLE_TIMEOUT", "1s"), ("KUBE_TIMEOUT", "300ms")];
    let environment: Vec<_> = COMPLETE.into_iter().chain(short).collect();
    let output = rebalancer(&[], &environment);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(log(&output).last().unwrap()["event"], "cycle_finished");
}

#[test]
fn a_simulation_needs_no_file_of_workloads() {
    let output = rebalancer(&["simulate"], &[("WORKLOADS_FILE", "/no/workloads")]);
    assert_eq!(output.status.code(), Some(0));
}
