//! Secrets are in nothing that the binary prints, whatever is wrong with the file or variable in which they stand. A
//! canary is looked for in stdout and stderr of each command.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const CANARY: &str = "canary-0123456789-abcdef";

/// What every command prints with these variables; also that the place of the mistake is named.
fn is_silent(folder: &Path, variables: &[(&str, &str)], named: &str) {
    for command in [&["plan"][..], &["check"], &["check", "--output", "json"], &[], &["reset"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_rebalancer"))
            .args(command)
            .env_clear()
            .envs([
                ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
                ("PROMETHEUS_TIMEOUT", "300ms"),
                ("KUBE_TIMEOUT", "300ms"),
                ("KUBE_NAMESPACE", "streams"),
                ("DEPLOYMENT_NAME", "consumer"),
                ("LOG_LEVEL", "debug"),
                ("PATH", "/usr/bin:/bin"),
                ("HOME", folder.to_str().unwrap()),
            ])
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(!text.contains(CANARY), "{command:?}: {text}");
        assert!(text.contains(named), "{named} is not named by {command:?}: {text}");
    }
}

fn kubeconfig(user: &str) -> String {
    format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\nusers:\n- name: u\n  user:\n{user}"
    )
}

#[test]
fn of_a_kubeconfig() {
    for (user, named) in [
        (format!("    token: {CANARY}\n\tusername: x\n"), "line "),
        (format!("    token: {CANARY}\n    as-groups: {CANARY}\n"), "line 8"),
        (format!("    tokenFile: {CANARY}\n"), "tokenFile"),
        (format!("    client-certificate-data: YQ==\n    client-key-data: {CANARY}\n"), "client-"),
        // It works, until the server does not answer.
        (format!("    token: {CANARY}\n"), ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, kubeconfig(&user)).unwrap();
        is_silent(folder.path(), &[("KUBECONFIG", file.to_str().unwrap())], named);
    }
}

#[test]
fn of_a_credential_plugin() {
    for (script, mode) in [
        ("echo '{\"status\":{\"token\":\"CANARY\"}}'; echo CANARY >&2; exit 3", "Never"),
        ("echo '{\"status\":{\"token\":\"CANARY\"}}'; echo CANARY >&2; exit 3", "IfAvailable"),
        ("echo CANARY >&2; echo CANARY", "IfAvailable"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (plugin, file) = (folder.path().join("plugin"), folder.path().join("config"));
        fs::write(&plugin, format!("#!/bin/sh\n{}\n", script.replace("CANARY", CANARY))).unwrap();
        fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
        let user = format!(
            "    exec: {{apiVersion: v1, command: ./plugin, args: [{CANARY}], interactiveMode: {mode}}}\n"
        );
        fs::write(&file, kubeconfig(&user)).unwrap();
        is_silent(folder.path(), &[("KUBECONFIG", file.to_str().unwrap())], "credential plugin (exec)");
    }
}

#[test]
fn of_variables_and_the_files_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    let pem = format!("-----BEGIN CERTIFICATE-----\n-----BEGIN {CANARY}\n{CANARY}\n");
    fs::write(&bad, pem).unwrap();
    let bad = bad.to_str().unwrap();
    let kubeconfig = {
        let file = folder.path().join("config");
        fs::write(&file, kubeconfig("    {}\n")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let with_password = format!("http://me:{CANARY}@127.0.0.1:1");
    let with_key = format!("http://127.0.0.1:1?key={CANARY}");
    let address = format!("me:{CANARY}@127.0.0.1:1");
    let header = format!("X-Key={CANARY}\u{1}");
    let pasted = format!("{CANARY}{CANARY}/{CANARY}=");
    for (variables, named) in [
        (&[("PROMETHEUS_ENDPOINT", with_password.as_str())][..], "PROMETHEUS_ENDPOINT"),
        (&[("PROMETHEUS_ENDPOINT", &with_key)], ""),
        (&[("PROMETHEUS_PROXY", &with_password)], "PROMETHEUS_PROXY"),
        (&[("PROMETHEUS_HEADERS", CANARY)], "PROMETHEUS_HEADERS"),
        (&[("PROMETHEUS_HEADERS", &header)], "PROMETHEUS_HEADERS"),
        (&[("PROMETHEUS_BEARER_TOKEN_FILE", CANARY)], "PROMETHEUS_BEARER_TOKEN_FILE"),
        (&[("PROMETHEUS_BEARER_TOKEN_FILE", &pasted)], "PROMETHEUS_BEARER_TOKEN_FILE"),
        (&[("PROMETHEUS_USERNAME", "me"), ("PROMETHEUS_PASSWORD_FILE", CANARY)], "PROMETHEUS_PASSWORD_FILE"),
        (
            &[("PROMETHEUS_ENDPOINT", "https://127.0.0.1:1"), ("PROMETHEUS_CA_FILE", bad)],
            "PROMETHEUS_CA_FILE",
        ),
        (&[("METRICS_PUSH_URL", &with_password)], "METRICS_PUSH_URL"),
        (&[("KAFKA_BOOTSTRAP_SERVERS", &address)], "KAFKA_BOOTSTRAP_SERVERS"),
        (&[("KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", &with_password)], "TOKEN_ENDPOINT_URL"),
        (&[("KAFKA_SASL_PASSWORD_FILE", &pasted)], "KAFKA_SASL_PASSWORD_FILE"),
        (&[("KAFKA_SASL_OAUTHBEARER_TOKEN_FILE", CANARY)], "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE"),
        (&[("KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE", &pasted)], "CLIENT_SECRET_FILE"),
        (&[("KAFKA_SSL_KEY_FILE", &pasted)], "KAFKA_SSL_KEY_FILE"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", &with_key)], ""),
        (&[("METRICS_PUSH_URL", &with_key)], ""),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", &with_password), ("OTEL_EXPORTER_OTLP_HEADERS", &header)], ""),
        (
            &[("HTTPS_PROXY", &with_password), ("HTTP_PROXY", &with_password), ("ALL_PROXY", &with_password)],
            "",
        ),
    ] {
        let variables = [variables, &[("KUBECONFIG", kubeconfig.as_str())]].concat();
        is_silent(folder.path(), &variables, named);
    }
}

/// Files and URLs of Kafka that are used, by commands that reach nobody.
#[test]
fn of_kafka() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (secret, pem) = (write("secret", CANARY), write("pem", &format!("-----BEGIN {CANARY}\n{CANARY}\n")));
    let kubeconfig = write("config", &kubeconfig("    {}\n"));
    let with_key = format!("http://127.0.0.1:1/token?key={CANARY}");
    let common = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"),
        ("KAFKA_TIMEOUT", "300ms"),
    ];
    let plain = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_SASL_USERNAME", "me"),
        ("KAFKA_SASL_PASSWORD_FILE", &secret),
    ];
    let fetched = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "OAUTHBEARER"),
        ("KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", &with_key),
        ("KAFKA_SASL_OAUTHBEARER_CLIENT_ID", "me"),
        ("KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE", &secret),
    ];
    let certificate = [
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
        ("KAFKA_SSL_CA_FILE", &pem),
        ("KAFKA_SSL_CERTIFICATE_FILE", &pem),
        ("KAFKA_SSL_KEY_FILE", &pem),
    ];
    for also in [&plain[..], &fetched, &certificate] {
        is_silent(folder.path(), &[&common[..], also].concat(), "");
    }
}

#[test]
fn of_the_file_that_lists_workloads() {
    for text in [
        format!("workloads: [{{DEPLOYMENT_NAME: a, PROMETHEUS_HEADERS: X-Key={CANARY}\n"),
        format!("workloads:\n  - PROMETHEUS_HEADERS: {CANARY}\n\tDRY_RUN: true\n"),
        format!("workloads:\n  - PROMETHEUS_HEADERS: [{CANARY}]\n"),
        format!("workloads:\n  - PROMETHEUS_HEADERS: *{CANARY}\n"),
        format!("workloads: {CANARY}\n"),
        format!("workloads:\n  - PROMETHEUS_HEDERS: {CANARY}\n"),
        format!("workloads:\n  - PROMETHEUS_HEADERS: !!binary {CANARY}\n"),
        format!("workloads:\n  - PROMETHEUS_HEADERS: \"{CANARY}\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("workloads.yaml");
        fs::write(&file, text).unwrap();
        is_silent(folder.path(), &[("WORKLOADS_FILE", file.to_str().unwrap())], "");
    }
}
