//! As whom.

use std::time::{Duration, Instant};

use rebalancer_kube::ConnectError;

use crate::machine::{Machine, Server, at, config};

#[tokio::test]
async fn paths_start_at_the_folder_of_their_own_file() {
    let server = Server::new().await;
    let users = "users: [{name: u, user: {tokenFile: token}}]";
    let machine = Machine::new()
        .file("a/users", users)
        .file("a/token", "right\n")
        .file("b/token", "wrong")
        .file("b/config", config(&at(&server), "tokenFile: token"))
        .listing(&["a/users", "b/config"]);
    assert!(machine.sends(server).await.contains("authorization: bearer right\r\n"));
}

#[tokio::test]
async fn a_token_file_counts_before_a_token_as_long_as_it_can_be_read() {
    for (there, sent) in [(true, "bearer of-file"), (false, "bearer inline")] {
        let server = Server::new().await;
        let mut machine =
            Machine::new().file("config", config(&at(&server), "token: inline, tokenFile: token"));
        if there {
            machine = machine.file("token", "of-file");
        }
        let machine = machine.listing(&["config"]);
        assert!(machine.sends(server).await.contains(sent), "{there}");
    }
}

#[tokio::test]
async fn somebody_else_is_impersonated_with_everything_that_is_said_of_them() {
    let server = Server::new().await;
    let user = "as: Jane, as-uid: u1, as-groups: [dev, ops], as-user-extra: {'a/b': [c]}";
    let machine = Machine::new().file("config", config(&at(&server), user)).listing(&["config"]);
    let request = machine.sends(server).await;
    for header in [
        "impersonate-user: jane",
        "impersonate-uid: u1",
        "impersonate-group: dev",
        "impersonate-group: ops",
        "impersonate-extra-a%2fb: c",
    ] {
        assert!(request.contains(&format!("{header}\r\n")), "{header} is not in {request}");
    }
}

#[tokio::test]
async fn a_user_that_can_not_be_meant_is_refused() {
    for (user, told) in [
        ("as-groups: [dev]", "without 'as'"),
        ("as-uid: x", "without 'as'"),
        ("token: a, username: b", "both a token and a user name"),
        ("tokenFile: missing", "tokenFile that names a file that can't be read"),
        ("client-certificate-data: YQ==", "client-certificate without a client-key"),
        ("exec: {apiVersion: v1}", "an exec without a command"),
        ("exec: {command: x}", "an exec without an apiVersion"),
        ("exec: {command: x, apiVersion: v1, interactiveMode: Always}", "interactiveMode Always"),
        (
            "exec: {command: x, apiVersion: v1}, auth-provider: {name: oidc}",
            "both an exec and an auth-provider",
        ),
        ("exec: {command: ./nothing, apiVersion: v1}", "can't be started: No such file"),
        ("auth-provider: {name: oidc}", "an auth-provider that gives no token"),
        ("auth-provider: {name: azure}", "an auth-provider other than oidc"),
    ] {
        let text = config("server: 'http://127.0.0.1:1'", user);
        let machine = Machine::new().file("config", text).listing(&["config"]).in_pod(1);
        let error = machine.error().await;
        assert!(matches!(error, ConnectError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains("user 'u' has ") && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_user_whom_no_file_has_is_nobody() {
    let server = Server::new().await;
    let text = config(&at(&server), "").replace("user: u}", "user: other}");
    let machine = Machine::new().file("config", text).listing(&["config"]);
    assert!(!machine.sends(server).await.contains("authorization"));
}

#[tokio::test]
async fn a_plugin_gets_its_cluster_and_gives_a_token() {
    let server = Server::new().await;
    let plugin = r#"[ "$TOLD" = yes ] || exit 1
case "$KUBERNETES_EXEC_INFO" in
  *'"interactive":false'*'"server":"http://127.0.0.1'*) ;;
  *) exit 2 ;;
esac
echo "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"$1\"}}""#;
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [of-plugin], \
                env: [{name: TOLD, value: 'yes'}], interactiveMode: IfAvailable, provideClusterInfo: true}";
    let machine = Machine::new()
        .plugin("plugin", plugin)
        .file("config", config(&at(&server), user))
        .listing(&["config"]);
    assert!(machine.sends(server).await.contains("authorization: bearer of-plugin\r\n"));
}

#[tokio::test]
async fn a_token_spares_the_plugin() {
    let server = Server::new().await;
    let user = "token: abc, exec: {apiVersion: v1, command: ./plugin}";
    let machine = Machine::new()
        .plugin("plugin", "exit 1")
        .file("config", config(&at(&server), user))
        .listing(&["config"]);
    assert!(machine.sends(server).await.contains("bearer abc"));
}

#[tokio::test]
async fn a_plugin_that_hangs_is_given_up() {
    let user = "exec: {apiVersion: v1, command: ./plugin}";
    let mut machine = Machine::new()
        .plugin("plugin", "exec sleep 20")
        .file("config", config("server: 'http://127.0.0.1:1'", user))
        .listing(&["config"]);
    machine.settings.timeout = Duration::from_millis(300);
    let start = Instant::now();
    assert!(matches!(machine.error().await, ConnectError::PluginTimeUp { .. }));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
