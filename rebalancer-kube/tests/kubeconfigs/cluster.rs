//! Which cluster, and how it is reached.

use base64::Engine as _;
use rebalancer_kube::ConnectError;
use secrecy::SecretString;

use crate::machine::{Machine, Server, at, config};

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
async fn where_no_namespace_is_named_that_of_the_context_or_of_the_pod_counts() {
    let plain = config("server: 'http://127.0.0.1:1'", "");
    let streams = plain.replace("user: u}}", "user: u, namespace: streams}}");
    for (text, expected) in [(&plain, "default"), (&streams, "streams")] {
        let machine = Machine::new().file("config", text).listing(&["config"]);
        assert_eq!(machine.connect().await.unwrap().namespace(), expected);
    }
    let pem = rcgen::generate_simple_self_signed(["kubernetes".to_owned()]).unwrap().cert.pem();
    let pod = Machine::new().file("account/token", "of-the-pod").file("account/ca.crt", &pem).in_pod(1);
    assert_eq!(pod.connect().await.unwrap().namespace(), "default");
    let pod = pod.file("account/namespace", "shop\n");
    assert_eq!(pod.connect().await.unwrap().namespace(), "shop");
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
    let cluster =
        format!("server: 'https://api.example:6443', proxy-url: 'http://me:hush@{}'", proxy.address());
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

#[tokio::test]
async fn base64_may_be_broken_into_lines() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["api".to_owned()]).unwrap();
    let lines = |pem: String| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(pem);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        lines.join("\n      ")
    };
    let (certificate, key) = (lines(cert.pem()), lines(signing_key.serialize_pem()));
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters:\n- name: c\n  cluster:\n    server: https://api\n    certificate-authority-data: |\n      {certificate}\n\
         users:\n- name: u\n  user:\n    client-certificate-data: |\n      {certificate}\n    client-key-data: |\n      {key}\n"
    );
    Machine::new().file("config", text).listing(&["config"]).connect().await.map(drop).unwrap();
}

#[tokio::test]
async fn a_kubeconfig_may_be_json() {
    let server = Server::new().await;
    let text = format!(
        "{{\n\t\"kind\": \"Config\",\n\t\"current-context\": \"x\",\n\t\"contexts\": [{{\"name\": \"x\", \"context\": {{\"cluster\": \"c\"}}}}],\n\
         \t\"clusters\": [\n\t\t{{\"name\": \"c\", \"cluster\": {{\"server\": \"{}\"}}}}\n\t],\n\t\"users\": null\n}}\n",
        server.url()
    );
    let machine = Machine::new().file("config", text).listing(&["config"]);
    assert!(machine.sends(server).await.starts_with("get /api/v1/namespaces/shop/pods?"));
}
