//! No text of another program or parser that could hold a credential is passed on: a canary stands in every place where
//! one may be, and must be in no message.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the failure")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use rebalancer_core::port::{Inventory, InventoryError};
use rebalancer_kube::{
    ConnectError, Connection, ConnectionSettings, Environment, InventorySettings, KubeInventory, Proxies,
    connect_in,
};
use secrecy::SecretString;
use tempfile::TempDir;

const CANARY: &str = "canary-0123456789-abcdef";

/// Everything that may be shown of an error.
fn shown(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.map(|cause| format!("{cause} {cause:#} {cause:?} ")).collect()
}

async fn connect(folder: &Path, kubeconfig: &str, proxies: Proxies) -> Result<Connection, ConnectError> {
    let file = folder.join("config");
    fs::write(&file, kubeconfig).unwrap();
    let settings = ConnectionSettings {
        kubeconfig: Some(file),
        context: None,
        timeout: Duration::from_secs(5),
        user_agent: "rebalancer/test".into(),
    };
    connect_in(&settings, &Environment { proxies, ..Environment::empty() }).await
}

/// A kubeconfig whose cluster and user have these fields.
fn config(cluster: &str, user: &str) -> String {
    format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters:\n- name: c\n  cluster:\n    server: https://127.0.0.1:9\n{cluster}\
         users:\n- name: u\n  user:\n{user}"
    )
}

/// In block style, so that a mistake has a line of its own.
fn of_cluster(field: &str) -> String {
    config(&format!("    {field}\n"), "    {}\n")
}

fn of_user(field: &str) -> String {
    config("", &format!("    {field}\n"))
}

fn plugin(folder: &Path, script: &str) -> String {
    let file = folder.join("plugin");
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    of_user(&format!(
        "exec: {{apiVersion: v1, command: ./plugin, args: [{CANARY}], env: [{{name: A, value: {CANARY}}}]}}"
    ))
}

#[tokio::test]
async fn a_mistake_in_a_kubeconfig_is_told_without_what_stands_there() {
    let pem = |text: &str| base64(text.as_bytes());
    let broken_key = pem(&format!("-----BEGIN PRIVATE KEY-----\n-----BEGIN {CANARY}\n"));
    let texts = [
        // Beside the secret, in it, and instead of it.
        of_user(&format!("token: {CANARY}\n\tusername: x")),
        of_user(&format!("token: \"{CANARY}")),
        of_user(&format!("token: '{CANARY}' x")),
        of_user(&format!("token: [{CANARY}]")),
        of_user(&format!("token: {{{CANARY}: 1}}")),
        of_user(&format!("token: !x {CANARY}\n    token: {CANARY}")),
        of_user(&format!("token: *{CANARY}")),
        of_user(&format!("token: &a {CANARY}\n    password: !!int *a")),
        of_user(&format!("as-groups: {CANARY}")),
        of_user(&format!("exec: {CANARY}")),
        of_user(&format!("exec: {{interactiveMode: {CANARY}}}")),
        of_user(&format!("exec: {{env: {CANARY}}}")),
        of_user(&format!("exec: {{provideClusterInfo: {CANARY}}}")),
        of_user(&format!("auth-provider: {{name: {CANARY}}}")),
        of_user(&format!("auth-provider: {{name: gcp, config: {{cmd-path: sh, cmd-args: {CANARY}}}}}")),
        of_user(&format!(
            "auth-provider: {{name: gcp, config: {{access-token: {CANARY}, expiry: {CANARY}}}}}"
        )),
        // What belongs into a file, written where its path belongs.
        of_user(&format!("tokenFile: {CANARY}")),
        of_user(&format!("client-certificate: x\n    client-key: {CANARY}")),
        of_user(&format!("client-certificate: {CANARY}\n    client-key: x")),
        of_user(&format!("client-certificate-data: {CANARY}\n    client-key-data: {CANARY}")),
        of_user(&format!("client-certificate-data: {broken_key}\n    client-key-data: {broken_key}")),
        of_user(&format!("exec: {{apiVersion: v1, command: '{CANARY}'}}")),
        of_user(&format!("exec: {{apiVersion: v1, command: 'nothing', args: ['{CANARY}']}}")),
        // What no header can have.
        of_user(&format!("token: \"{CANARY}\\u0001{CANARY}\"")),
        of_user(&format!("as: \"{CANARY}\\n\"")),
        of_user(&format!("as: x\n    as-groups: [\"{CANARY}\\n\"]")),
        of_cluster(&format!("certificate-authority: {CANARY}")),
        of_cluster(&format!("certificate-authority-data: {CANARY}")),
        of_cluster(&format!("certificate-authority-data: {}", pem(&format!("-----BEGIN {CANARY}\n")))),
        of_cluster(&format!("proxy-url: 'http://me:{CANARY}@p:port'")),
        of_cluster(&format!("proxy-url: 'ftp://me:{CANARY}@p'")),
        of_cluster(&format!("tls-server-name: '{CANARY} x'")),
        of_cluster(&format!("insecure-skip-tls-verify: {CANARY}")),
        config("", "").replace("https://127", &format!("https://me:{CANARY}@127")),
        config("", "").replace("https://127", &format!("{CANARY} https://127")),
        format!("kind: {CANARY}"),
        format!("apiVersion: {CANARY}"),
        format!("users: {CANARY}"),
        CANARY.to_owned(),
        format!("users: [{CANARY}"),
        format!("--- \n%{CANARY}\n---\n"),
    ];
    for text in texts {
        let folder = TempDir::new().unwrap();
        let error = connect(folder.path(), &text, Proxies::default()).await.err();
        let error = error.unwrap_or_else(|| panic!("no mistake is seen in {text}"));
        assert!(!shown(&error).contains(CANARY), "{error}: {error:?}");
        assert!(error.to_string().contains("config"), "which file? {error}");
    }
}

#[tokio::test]
async fn what_a_credential_plugin_prints_is_told_to_nobody() {
    let credential = format!(r#"{{"kind":"ExecCredential","status":{{"token":"{CANARY}"}}}}"#);
    let late = format!(r#"{{"status":{{"token":"{CANARY}","expirationTimestamp":"{CANARY}"}}}}"#);
    for script in [
        format!("echo '{credential}'; echo {CANARY} >&2; exit 3"),
        format!("echo '{credential}'; kill -9 $$"),
        format!("echo '{credential} {CANARY}'"),
        format!("echo {CANARY}"),
        format!("echo '{{\"status\": \"{CANARY}\"}}'"),
        format!("echo '{{\"token\": \"{CANARY}\"}}'"),
        format!("echo '{late}'"),
        format!("echo '{{\"status\":{{\"token\":\"{CANARY}\\n{CANARY}\",\"expirationTimestamp\":3}}}}'"),
    ] {
        let folder = TempDir::new().unwrap();
        let text = plugin(folder.path(), &script);
        let error = connect(folder.path(), &text, Proxies::default()).await.err();
        let error = error.unwrap_or_else(|| panic!("{script} is fine"));
        assert!(!shown(&error).contains(CANARY), "{error:?}");
        assert!(error.to_string().contains("user 'u'"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_shown() {
    for proxy in [format!("ftp://me:{CANARY}@p"), format!("http://me:{CANARY}@p:port")] {
        let folder = TempDir::new().unwrap();
        let proxies = Proxies { https: Some(SecretString::from(proxy)), ..Proxies::default() };
        assert!(!format!("{proxies:?}").contains(CANARY));
        let text = config("", "    {}\n").replace("127.0.0.1", "api");
        let error = connect(folder.path(), &text, proxies).await.err().unwrap();
        assert!(!shown(&error).contains(CANARY), "{error:?}");
    }
}

async fn pods(connection: &Connection) -> InventoryError {
    let settings = InventorySettings {
        namespace: "shop".into(),
        workload: "consumer".into(),
        label_selector: "app=consumer".into(),
        container: "consumer".into(),
    };
    KubeInventory::new(connection, settings).pods().await.unwrap_err()
}

/// A server that repeats what it got, and what a pod's variables could hold.
async fn repeating(code: u16, text: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |headers: HeaderMap| async move {
        let got = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        (StatusCode::from_u16(code).unwrap(), text.replace("HEADER", &got).replace("CANARY", CANARY))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}

#[tokio::test]
async fn what_a_server_or_a_proxy_repeats_of_our_credentials_is_hidden() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("token"), CANARY).unwrap();
    let expires = r#""expirationTimestamp":"2999-01-01T00:00:00Z""#;
    let printed = format!("echo '{{\"status\":{{\"token\":\"{CANARY}\",{expires}}}}}'");
    let by_plugin = plugin(folder.path(), &printed);
    for (code, text) in [
        (401, "<html>no such HEADER</html>"),
        (403, r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"HEADER is not allowed"}"#),
        (400, "bad header: HEADER"),
    ] {
        let url = repeating(code, text).await;
        for user in [
            of_user(&format!("token: {CANARY}")),
            of_user("tokenFile: token"),
            of_user(&format!("username: me\n    password: {CANARY}")),
            by_plugin.clone(),
        ] {
            let user = user.replace("https://127.0.0.1:9", &url);
            let connection = connect(folder.path(), &user, Proxies::default()).await.unwrap();
            let error = pods(&connection).await;
            let encoded = base64(format!("me:{CANARY}").as_bytes());
            assert!(!shown(&error).contains(CANARY) && !shown(&error).contains(&encoded), "{error}");
            assert!(error.to_string().contains("[hidden]"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_token_that_json_writes_in_another_way_is_hidden_too() {
    let refused = r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"canary\u00260123456789?"}"#;
    let url = repeating(403, refused).await;
    let folder = TempDir::new().unwrap();
    let text = of_user("token: canary&0123456789").replace("https://127.0.0.1:9", &url);
    let connection = connect(folder.path(), &text, Proxies::default()).await.unwrap();
    let error = pods(&connection).await;
    assert!(!shown(&error).contains("0123456789") && shown(&error).contains("[hidden]"), "{error}");
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_not_quoted() {
    for text in [
        r#"{"items": "CANARY"}"#,
        r#"{"items": [{"metadata": {"name": "a", "generation": "CANARY"}}]}"#,
        "CANARY",
        r#"{"items": [CANARY"#,
    ] {
        let url = repeating(200, text).await;
        let folder = TempDir::new().unwrap();
        let text = of_user("{}").replace("https://127.0.0.1:9", &url);
        let connection = connect(folder.path(), &text, Proxies::default()).await.unwrap();
        let error = pods(&connection).await;
        assert!(!shown(&error).contains(CANARY), "{error}");
    }
}

/// A plugin that worked once and fails later: its output then is no more to be shown than at the beginning.
#[tokio::test]
async fn a_plugin_that_fails_later_is_not_quoted_and_nothing_is_sent() {
    let folder = TempDir::new().unwrap();
    let first = format!(
        "[ -e used ] && {{ echo {CANARY}; echo {CANARY} >&2; exit 4; }}\ntouch used\n\
         echo '{{\"status\":{{\"token\":\"{CANARY}\",\"expirationTimestamp\":\"2000-01-01T00:00:00Z\"}}}}'"
    );
    let first = first.replace("used", &folder.path().join("used").display().to_string());
    let text = plugin(folder.path(), &first).replace("https://127.0.0.1:9", "http://127.0.0.1:9");
    let connection = connect(folder.path(), &text, Proxies::default()).await.unwrap();
    let error = pods(&connection).await;
    assert!(!shown(&error).contains(CANARY), "{error}");
    assert!(error.to_string().contains("credential plugin (exec) that ended with exit status: 4"), "{error}");
    assert!(matches!(error, InventoryError::Rejected { .. }), "{error:?}");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
