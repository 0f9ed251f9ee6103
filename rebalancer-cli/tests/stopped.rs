//! The built binary, asked to stop while it looks a workload up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// An API server that takes a request and never answers, until the process is asked to stop.
fn stopped(arguments: &[&str]) -> (Option<i32>, Vec<serde_json::Value>) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "silent",
        "clusters": [{"name": "silent", "cluster": {"server": format!("http://{}", silent.local_addr().unwrap())}}],
        "contexts": [{"name": "silent", "context": {"cluster": "silent", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {}}],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_rebalancer"))
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", &kubeconfig)
        .env("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut asked, _) = silent.accept().unwrap();
    assert!(asked.read(&mut [0]).unwrap() > 0);
    let kill = Command::new("sh").args(["-c", &format!("kill -TERM {}", run.id())]).status().unwrap();
    assert!(kill.success());
    let ended = run.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    (ended.status.code(), log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn sigterm_while_a_workload_is_looked_up_ends_as_a_cycle_that_has_done_nothing() {
    for arguments in [
        &["plan", "-n", "streams", "orders"][..],
        &["plan", "-n", "streams"],
        &["check", "-n", "streams", "orders"],
        &["run", "-n", "streams", "orders", "--dry-run=true"],
    ] {
        let (code, log) = stopped(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {log:?}");
        let last = log.last().unwrap();
        assert_eq!(last["event"], "discovery_failed", "{arguments:?}");
        let expected = "stopped before anything was done: the process was asked to stop";
        assert_eq!(last["error"], expected, "{arguments:?}");
    }
}
