//! Which cluster is meant, and as whom: kubectl's rules one by one. What is sent is seen by a server of the test's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rebalancer_core::port::Inventory;
use rebalancer_kube::{
    ConnectError, Connection, Environment, InventorySettings, KubeInventory, Settings, connect_in,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A machine: files in a folder, and what its environment says.
struct Machine {
    folder: TempDir,
    environment: Environment,
    settings: Settings,
}

impl Machine {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            kubeconfig: None,
            context: None,
            timeout: Duration::from_secs(5),
            user_agent: "rebalancer/test".into(),
        };
        let environment =
            Environment { service_account: folder.path().join("account"), ..Environment::empty() };
        Self { folder, environment, settings }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn plugin(self, name: &str, script: &str) -> Self {
        let machine = self.file(name, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    /// `KUBECONFIG` with these files of the folder; an empty name stays empty.
    fn listing(mut self, names: &[&str]) -> Self {
        let path = |name: &&str| if name.is_empty() { OsString::new() } else { self.path(name).into() };
        let paths: Vec<OsString> = names.iter().map(path).collect();
        self.environment.kubeconfig = Some(paths.join(std::ffi::OsStr::new(":")));
        self
    }

    fn context(mut self, name: &str) -> Self {
        self.settings.context = Some(name.into());
        self
    }

    /// As in a pod of the cluster at this port, whose certificate does not matter here.
    fn in_pod(mut self, port: u16) -> Self {
        self.environment.service_host = Some("127.0.0.1".into());
        self.environment.service_port = Some(port.to_string());
        self
    }

    async fn connect(&self) -> Result<Connection, ConnectError> {
        connect_in(&self.settings, &self.environment).await
    }

    async fn error(&self) -> ConnectError {
        self.connect().await.err().unwrap()
    }

    /// The first request that the program sends, in lower case.
    async fn sends(&self, server: Server) -> String {
        let connection = self.connect().await.unwrap();
        let inventory = KubeInventory::new(
            &connection,
            InventorySettings {
                namespace: "shop".into(),
                workload: "consumer".into(),
                label_selector: "app=consumer".into(),
                container: "consumer".into(),
            },
        );
        let (_, request) = tokio::join!(inventory.pods(), server.request());
        request
    }
}

/// A server that reads one request and refuses it.
struct Server(TcpListener);

impl Server {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    async fn request(self) -> String {
        let (mut socket, _) = self.0.accept().await.unwrap();
        let mut text = vec![0; 8192];
        let length = socket.read(&mut text).await.unwrap();
        socket.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&text[..length]).to_lowercase()
    }
}

/// A whole kubeconfig: context `here`, cluster `c` with these fields, user `u` with these.
fn config(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    )
}

fn at(server: &Server) -> String {
    format!("server: '{}'", server.url())
}

// Which files

#[tokio::test]
async fn a_missing_file_of_the_list_is_left_out_wherever_it_stands() {
    for list in [&["missing", "good"][..], &["good", "missing"], &["", "good", ""], &["good", "good"]] {
        let server = Server::new().await;
        let machine = Machine::new().file("good", config(&at(&server), "token: abc")).listing(list).in_pod(1);
        assert!(machine.sends(server).await.contains("authorization: bearer abc\r\n"), "{list:?}");
    }
}

#[tokio::test]
async fn the_first_file_that_has_a_name_wins_and_nothing_of_the_others_is_mixed_in() {
    let (right, wrong) = (Server::new().await, Server::new().await);
    let first = "current-context: ''\nclusters: []\nusers: [{name: u, user: {username: me}}]\n";
    let second = config(&at(&right), "token: second");
    let third =
        config(&at(&wrong), "token: third").replace("current-context: here", "current-context: there");
    let machine =
        Machine::new().file("1", first).file("2", second).file("3", third).listing(&["1", "2", "3"]);
    let request = machine.sends(right).await;
    // "me:"
    assert!(request.contains("authorization: basic bwu6\r\n"), "{request}");
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let server = Server::new().await;
    let mut machine = Machine::new().file("home/.kube/config", config(&at(&server), "token: abc"));
    machine.environment.home = Some(machine.path("home"));
    machine.environment.kubeconfig = Some(OsString::new());
    assert!(machine.sends(server).await.contains("bearer abc"));
}

#[tokio::test]
async fn a_list_of_nothing_does_not_lead_to_the_home() {
    let mut machine = Machine::new().file("home/.kube/config", config("server: 'http://127.0.0.1:1'", ""));
    machine.environment.home = Some(machine.path("home"));
    machine.environment.kubeconfig = Some(":".into());
    assert!(machine.error().await.nothing_configured());
}

#[tokio::test]
async fn a_file_that_is_named_has_to_be_there() {
    let mut machine = Machine::new().in_pod(1);
    machine.settings.kubeconfig = Some("/nowhere/config".into());
    let error = machine.error().await;
    assert!(matches!(&error, ConnectError::Unreadable { file, .. } if file == Path::new("/nowhere/config")));
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_there_and_can_not_be_used_is_never_passed_over() {
    for (text, told) in [
        ("clusters: {", "line 1, column "),
        ("kind: Pod", "its kind is not Config"),
        ("apiVersion: v2", "its apiVersion is not v1"),
        ("users: [{name: u}, {name: u}]", "'users' has the name 'u' twice"),
        ("clusters: 3", "line 1, column 11: a value is of another type"),
        ("clusters: [{cluster: {}}]", "'name' is missing"),
        ("---\nkind: Config\n---\nkind: Config\n", "a second YAML document"),
    ] {
        let good = config("server: 'http://127.0.0.1:1'", "");
        let machine = Machine::new().file("bad", text).file("good", good).listing(&["bad", "good"]).in_pod(1);
        let error = machine.error().await;
        assert!(matches!(&error, ConnectError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(told) && error.to_string().contains("/bad"), "{error}");
        assert!(!error.nothing_configured());
    }
    let folder = Machine::new().file("folder/x", "").listing(&["folder"]).in_pod(1);
    assert!(matches!(folder.error().await, ConnectError::Unreadable { .. }));
}

#[tokio::test]
async fn text_from_other_systems_is_read() {
    for mark in [&[0xff, 0xfe][..], &[0xfe, 0xff], &[0xef, 0xbb, 0xbf], &[]] {
        let server = Server::new().await;
        let text = config(&at(&server), "token: abc");
        let mut bytes = mark.to_vec();
        match mark {
            [0xff, _] => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            [0xfe, _] => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            _ => bytes.extend(text.as_bytes()),
        }
        let machine = Machine::new().file("config", bytes).listing(&["config"]);
        assert!(machine.sends(server).await.contains("bearer abc"), "{mark:?}");
    }
}

// Which cluster

#[tokio::test]
async fn with_no_kubeconfig_the_pods_own_account_counts_and_otherwise_there_is_none() {
    let pem = rcgen::generate_simple_self_signed(["kubernetes".to_owned()]).unwrap().cert.pem();
    for list in [None, Some(&["missing"][..]), Some(&["", ""]), Some(&["empty"]), Some(&["comment"])] {
        let mut machine = Machine::new()
            .file("account/token", "of-the-pod")
            .file("account/ca.crt", &pem)
            .file("empty", "")
            .file("comment", "# nothing\n");
        machine = match list {
            Some(list) => machine.listing(list),
            None => machine,
        };
        let error = machine.error().await;
        assert!(error.nothing_configured(), "{list:?}: {error}");
        machine.in_pod(1).connect().await.map(drop).unwrap();
    }
}

#[tokio::test]
async fn where_no_cluster_is_found_it_is_told_where_it_was_looked_for() {
    let machine = Machine::new().listing(&["missing"]);
    let error = machine.error().await.to_string();
    assert!(error.contains("no cluster found: set KUBECONFIG"), "{error}");
    assert!(error.contains("/missing: No such file") && error.contains("KUBERNETES_SERVICE_HOST"), "{error}");
}

#[tokio::test]
async fn a_pod_without_a_mounted_account_is_told_from_no_pod() {
    let machine = Machine::new().in_pod(1);
    let error = machine.error().await;
    assert!(matches!(error, ConnectError::ServiceAccount { .. }));
    assert!(error.to_string().contains("automountServiceAccountToken"), "{error}");
}

#[tokio::test]
async fn contexts_that_do_not_lead_to_a_cluster_are_told_apart() {
    let good = config("server: 'http://127.0.0.1:1'", "");
    let none = good.replace("current-context: here", "current-context: ''");
    let lost = good.replace("current-context: here", "current-context: gone");
    let empty = good.replace("clusters: [{name: c,", "clusters: [{name: d,");
    for (text, context, told) in [
        (&none, None, "has no current-context; set KUBE_CONTEXT to one of its contexts: here"),
        (&lost, None, "has no context 'gone'; it has: here"),
        (&good, Some("nowhere"), "has no context 'nowhere'; it has: here"),
        (&empty, None, "has no cluster 'c', which its context 'here' names"),
    ] {
        let machine = Machine::new().file("config", text).listing(&["config"]).in_pod(1);
        let machine = match context {
            Some(context) => machine.context(context),
            None => machine,
        };
        let error = machine.error().await.to_string();
        assert!(error.contains(told), "{error}");
    }
    let error = Machine::new().listing(&["missing"]).in_pod(1).context("here").error().await;
    assert!(matches!(&error, ConnectError::NoKubeconfig { context, .. } if context == "here"), "{error}");
}

#[tokio::test]
async fn a_half_written_context_that_is_not_used_does_no_harm() {
    let server = Server::new().await;
    let text = config(&at(&server), "token: abc")
        .replace("contexts: [", "contexts: [{name: half}, {name: other, context: {user: u}}, ");
    let machine = Machine::new().file("config", text).listing(&["config"]);
    assert!(machine.sends(server).await.contains("bearer abc"));
}

#[tokio::test]
async fn a_server_that_can_not_be_meant_is_refused() {
    for (cluster, told) in [
        ("", "cluster 'c' has no server"),
        ("server: ''", "cluster 'c' has no server"),
        ("server: '10.0.0.1:6443'", "no URL with http or https"),
        ("server: 'https://api:port'", "no URL with http or https"),
        ("server: 'https://me:hush@api'", "credentials in its URL"),
        ("server: 'https://api', certificate-authority: missing", "certificate-authority that names a file"),
        ("server: 'https://api', certificate-authority-data: '%'", "that is no base64"),
        ("server: 'https://api', certificate-authority-data: aGVsbG8=", "without a PEM certificate"),
        (
            "server: 'https://api', proxy-url: 'ftp://p'",
            "proxy-url that is no URL with http, https or socks5",
        ),
        ("server: 'https://api', tls-server-name: 'a b'", "tls-server-name that is neither"),
    ] {
        let machine = Machine::new().file("config", config(cluster, "")).listing(&["config"]).in_pod(1);
        let error = machine.error().await;
        assert!(matches!(error, ConnectError::Unusable { .. }));
        assert!(error.to_string().contains(told) && !error.to_string().contains("hush"), "{error}");
    }
    let pem = rcgen::generate_simple_self_signed(["api".to_owned()]).unwrap().cert.pem();
    let cluster = "server: 'https://api', insecure-skip-tls-verify: true, certificate-authority: ca.crt";
    let machine = Machine::new().file("ca.crt", pem).file("config", config(cluster, "")).listing(&["config"]);
    let error = machine.error().await.to_string();
    assert!(error.contains("both a certificate-authority and insecure-skip-tls-verify"), "{error}");
}

#[tokio::test]
async fn empty_values_are_as_good_as_none() {
    let server = Server::new().await;
    let cluster = format!(
        "{}, certificate-authority: '', certificate-authority-data: '', proxy-url: '', tls-server-name: ''",
        at(&server)
    );
    let user = "token: '', tokenFile: '', client-certificate: '', client-key-data: '', as: '', as-groups: [], \
                username: me, password: hush";
    let machine = Machine::new().file("config", config(&cluster, user)).listing(&["config"]);
    // "me:hush"
    assert!(machine.sends(server).await.contains("authorization: basic bwu6ahvzaa==\r\n"));
}

#[tokio::test]
async fn requests_go_through_the_clusters_own_proxy() {
    let proxy = Server::new().await;
    let cluster = format!("server: 'https://api.example:6443', proxy-url: 'http://me:hush@{}'", {
        proxy.0.local_addr().unwrap()
    });
    let mut machine = Machine::new().file("config", config(&cluster, "")).listing(&["config"]);
    machine.environment.proxies.https = Some(SecretString::from("http://127.0.0.1:1"));
    machine.environment.proxies.none_for = Some("*".into());
    let request = machine.sends(proxy).await;
    assert!(request.starts_with("connect api.example:6443 http/1.1\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: basic bwu6ahvzaa==\r\n"), "{request}");
}

#[tokio::test]
async fn the_environments_proxy_counts_where_the_cluster_has_none() {
    let proxy = Server::new().await;
    let cluster = "server: 'https://api.example:6443'";
    let mut machine = Machine::new().file("config", config(cluster, "")).listing(&["config"]);
    machine.environment.proxies.https = Some(SecretString::from(proxy.url()));
    assert!(machine.sends(proxy).await.starts_with("connect api.example:6443 "));
}

// As whom

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
        ("auth-provider: {name: azure}", "an auth-provider that gives no token"),
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
