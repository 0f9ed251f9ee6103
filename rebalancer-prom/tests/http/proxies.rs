//! Requests through a proxy, and past it. The server's name does not exist, so only a proxy can answer for it.

use std::process::Command;
use std::sync::{Arc, Mutex};

use rebalancer_core::port::MetricsError;
use rebalancer_prom::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{ONE_POD, cpu, json, one_pod, server, settings};

/// A proxy that answers every request like this and keeps the heads of the requests.
struct StandIn {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    async fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                head.truncate(length);
                kept.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{ONE_POD}",
                    ONE_POD.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, heads }
    }

    fn proxy(&self) -> Proxy {
        Proxy::Through(self.url.parse().unwrap())
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_plain_request_is_handed_to_the_proxy_whole() {
    let stand_in = StandIn::start("200 OK").await;
    let settings = settings("http://metrics.invalid/prefix").proxy(stand_in.proxy());
    assert_eq!(cpu(&settings).await, one_pod());
    let heads = stand_in.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with("POST http://metrics.invalid/prefix/api/v1/query HTTP/1.1\r\n"), "{head}");
    }
}

#[tokio::test]
async fn an_encrypted_request_goes_through_a_tunnel_that_shows_no_secret() {
    let stand_in = StandIn::start("403 Forbidden").await;
    let settings = settings("https://metrics.invalid/?key=hush")
        .header("X-Key", "hush".into())
        .timeout(std::time::Duration::from_millis(600))
        .proxy(stand_in.proxy());
    let error = cpu(&settings).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("tunnel"), "{error}");
    let heads = stand_in.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with("CONNECT metrics.invalid:443 HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains("hush"), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_set_counts_for_loopback_addresses_too() {
    let stand_in = StandIn::start("200 OK").await;
    assert_eq!(cpu(&settings("http://127.0.0.1:1").proxy(stand_in.proxy())).await, one_pod());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_from_a_server_that_refuses() {
    let stand_in = StandIn::start("407 Proxy Authentication Required").await;
    let error = cpu(&settings("http://metrics.invalid").proxy(stand_in.proxy())).await.unwrap_err();
    assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("a proxy on the way asks for credentials"), "{error}");
}

/// Reads from this address in a process of its own, because nobody can change the environment of this one safely.
async fn in_environment(variables: &[(&str, &str)], endpoint: &str, way: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.args(["--exact", "proxies::child", "--ignored", "--nocapture"]);
    command.env("CHILD_ENDPOINT", endpoint).env("CHILD_WAY", way).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "runs in an environment that other tests make for it"]
async fn child() {
    let Ok(endpoint) = std::env::var("CHILD_ENDPOINT") else { return };
    let proxy = match std::env::var("CHILD_WAY").unwrap().as_str() {
        "direct" => Proxy::Direct,
        _ => Proxy::Environment,
    };
    let settings = settings(&endpoint).proxy(proxy).timeout(std::time::Duration::from_millis(600));
    match cpu(&settings).await {
        Ok(samples) => println!("READ {}", samples.len()),
        Err(error) => println!("FAILED {error}"),
    }
}

#[tokio::test]
async fn the_environment_says_which_way_unless_told_otherwise() {
    let stand_in = StandIn::start("200 OK").await;
    let with_password = stand_in.url.replace("http://", "http://me:hush@");
    let far = "http://metrics.invalid";
    for (variables, way, read) in [
        (vec![("HTTP_PROXY", stand_in.url.as_str())], "environment", true),
        (vec![("http_proxy", &stand_in.url)], "environment", true),
        (vec![("ALL_PROXY", &stand_in.url)], "environment", true),
        (vec![("HTTP_PROXY", &with_password)], "environment", true),
        (vec![("HTTPS_PROXY", &stand_in.url)], "environment", false),
        (vec![("HTTP_PROXY", &stand_in.url), ("NO_PROXY", "a, .invalid")], "environment", false),
        (vec![("HTTP_PROXY", &stand_in.url)], "direct", false),
        (vec![], "environment", false),
    ] {
        let before = stand_in.heads().len();
        let output = in_environment(&variables, far, way).await;
        assert_eq!(output.contains("READ 1"), read, "{variables:?} {way}: {output}");
        assert_eq!(stand_in.heads().len() > before, read, "{variables:?} {way}");
        assert!(!output.contains("hush"), "{output}");
    }
    // "me:hush"
    let sent = stand_in.heads();
    assert!(sent.iter().any(|head| head.contains("proxy-authorization: Basic bWU6aHVzaA==")), "{sent:?}");
}

#[tokio::test]
async fn the_environments_proxy_is_never_asked_for_our_own_addresses() {
    let stand_in = StandIn::start("200 OK").await;
    let server = server(json(200, ONE_POD)).await;
    let output = in_environment(&[("HTTP_PROXY", &stand_in.url)], &server.uri(), "environment").await;
    assert!(output.contains("READ 1"), "{output}");
    assert!(stand_in.heads().is_empty());
}
