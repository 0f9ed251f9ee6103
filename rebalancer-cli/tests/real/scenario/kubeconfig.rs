//! The way to a real API server by what a kubeconfig can say: files that are merged, another name of the server, a proxy,
//! a credential plugin, somebody else who is meant.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::check::{check, six};
use crate::harness::control_plane::ADMIN_TOKEN;
use crate::harness::fleet::Fleet;
use crate::harness::forward_proxy::ForwardProxy;
use crate::harness::metrics::{MetricServer, Server};

/// A fleet with its metrics, and kubeconfigs that are written piece by piece.
struct Way {
    fleet: Fleet,
    metrics: MetricServer,
}

impl Way {
    async fn to(name: &str) -> Self {
        let fleet = six(name).start().await;
        let metrics = fleet.history(&fleet.settled().await).serve(Server::Prometheus).await;
        fs::write(fleet.file("ca.crt"), fleet.plane.certificate_authority()).unwrap();
        Self { fleet, metrics }
    }

    fn file(&self, name: &str, config: &Value) -> PathBuf {
        let file = self.fleet.file(name);
        fs::write(&file, config.to_string()).unwrap();
        file
    }

    fn plugin(&self, script: &str) {
        let file = self.fleet.file("plugin");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The API server; its authority's file is named as it lies beside the kubeconfig.
    fn cluster(&self, more: &Value) -> Value {
        let mut cluster = json!({"server": self.fleet.plane.url, "certificate-authority": "ca.crt"});
        cluster.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{"name": "c", "cluster": cluster}])
    }

    fn whole(&self, cluster: &Value, user: &Value) -> Value {
        json!({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": self.cluster(cluster), "users": [{"name": "u", "user": user}]})
    }

    fn token(&self) -> Value {
        json!({"token": self.fleet.token})
    }

    /// A cycle with this list of files comes to a decision.
    async fn decides(&self, kubeconfig: &str) {
        let run =
            self.fleet.rebalancer(&self.metrics).env("KUBECONFIG", kubeconfig).run().await.expect_exit(0);
        assert_eq!(run.log_with(&["\"decision\"", "\"pods\":6"]).len(), 1, "{}", run.stderr);
    }

    /// `check` says this of it.
    async fn is_told(&self, kubeconfig: &str, exit: i32, code: &str, words: &[&str]) {
        let (findings, run) = check(self.fleet.rebalancer(&self.metrics).env("KUBECONFIG", kubeconfig)).await;
        assert_eq!(run.exit_code, exit, "{findings:#?}");
        findings.expect("error", code, words);
    }
}

#[tokio::test]
#[ignore]
async fn files_are_merged_and_a_missing_one_is_left_out() {
    let way = Way::to("merged").await;
    let first = way.file("users", &json!({"users": [{"name": "u", "user": way.token()}]}));
    let second = way.file("rest", &way.whole(&json!({}), &json!({"token": "of-nobody"})));
    let missing = way.fleet.file("missing");
    let list = |files: &[&PathBuf]| {
        files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(":")
    };
    for files in
        [&[&first, &second, &missing][..], &[&missing, &first, &second], &[&first, &missing, &second]]
    {
        way.decides(&list(files)).await;
    }
    way.is_told(&list(&[&second, &first]), 1, "kubernetes_unauthorized", &["401"]).await;
    way.is_told(&list(&[&missing]), 2, "cluster_not_configured", &["no cluster found", "missing"]).await;
    way.is_told(&list(&[&first]), 2, "kubeconfig_unusable", &["no current-context"]).await;
    fs::write(&missing, "clusters: {").unwrap();
    way.is_told(&list(&[&missing, &second]), 2, "kubeconfig_unusable", &["missing", "line 1"]).await;
}

#[tokio::test]
#[ignore]
async fn the_server_is_known_by_its_tls_server_name() {
    let way = Way::to("tls-name").await;
    let named = |name: &str| way.whole(&json!({"tls-server-name": name}), &way.token());
    let right = way.file("right", &named("localhost"));
    way.decides(&right.display().to_string()).await;
    let wrong = way.file("wrong", &named("elsewhere.example"));
    way.is_told(&wrong.display().to_string(), 1, "kubernetes_unreachable", &["certificate", "elsewhere"])
        .await;
}

#[tokio::test]
#[ignore]
async fn requests_go_through_the_proxy_of_the_cluster() {
    let way = Way::to("proxy-url").await;
    let proxy = ForwardProxy::start().await;
    let file = way.file("proxied", &way.whole(&json!({"proxy-url": proxy.url}), &way.token()));
    way.decides(&file.display().to_string()).await;
    let address = way.fleet.plane.url.trim_start_matches("https://");
    let seen = proxy.seen();
    assert!(
        !seen.is_empty() && seen.iter().all(|head| head.starts_with(&format!("CONNECT {address} "))),
        "{seen:?}"
    );
}

#[tokio::test]
#[ignore]
async fn a_credential_plugin_is_told_its_cluster_and_what_it_prints_is_not_shown_when_it_fails() {
    let way = Way::to("plugin").await;
    let token = &way.fleet.token;
    let credential = format!(
        r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"{token}"}}}}"#
    );
    let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
        "interactiveMode": "IfAvailable", "provideClusterInfo": true});
    let file = way.file("by-plugin", &way.whole(&json!({}), &json!({"exec": exec})));
    let kubeconfig = file.display().to_string();
    let url = &way.fleet.plane.url;
    way.plugin(&format!(
        "case \"$KUBERNETES_EXEC_INFO\" in *'\"server\":\"{url}\"'*) ;; *) exit 5 ;; esac\n\
         case \"$KUBERNETES_EXEC_INFO\" in *certificate-authority-data*) ;; *) exit 6 ;; esac\necho '{credential}'"
    ));
    way.decides(&kubeconfig).await;
    way.plugin(&format!("echo '{credential}'; echo '{credential}' >&2; exit 3"));
    for arguments in [&["plan"][..], &["check"], &[]] {
        let rebalancer = way.fleet.rebalancer(&way.metrics).env("KUBECONFIG", &kubeconfig);
        let run = rebalancer.args(arguments).run().await.expect_exit(2);
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(!text.contains(token.as_str()), "{text}");
        // Lines end where the screen does.
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.join(" ").contains("ended with exit status: 3"), "{text}");
    }
}

#[tokio::test]
#[ignore]
async fn somebody_else_is_meant_by_as() {
    let way = Way::to("as").await;
    let user = json!({"token": ADMIN_TOKEN, "as": "somebody", "as-groups": ["a", "b"], "as-user-extra": {"x/y": ["z"]}});
    let file = way.file("as", &way.whole(&json!({}), &user));
    way.is_told(&file.display().to_string(), 1, "permission_missing", &["pods"]).await;
    let master = json!({"token": ADMIN_TOKEN, "as": "somebody", "as-groups": ["system:masters"]});
    let file = way.file("as-master", &way.whole(&json!({}), &master));
    way.decides(&file.display().to_string()).await;
}
