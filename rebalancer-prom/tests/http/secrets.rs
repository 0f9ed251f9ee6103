//! Who we are: credentials come from files, and nobody else sees them.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::port::MetricsSource;
use rebalancer_prom::{Auth, Client, PrometheusSource, Queries};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::world::{
    ONE_POD, cpu, custom, file, header, json, nobody, one_pod, read, requests_for, server, settings,
};

#[tokio::test]
async fn a_token_is_read_again_for_every_request() {
    let server = server(json(200, ONE_POD)).await;
    let token = file(" one\n");
    let settings = settings(&server.uri()).auth(Auth::BearerFile(token.path().into()));
    let source = PrometheusSource::new(
        Client::new(&settings).unwrap(),
        Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("cpu")),
    );
    source.read(Timestamp::UNIX_EPOCH).await;
    std::fs::write(token.path(), "two").unwrap();
    source.read(Timestamp::UNIX_EPOCH).await;
    let requests = requests_for(&server, "cpu").await;
    let sent: Vec<_> = requests.iter().map(|request| header(request, "authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer one", "Bearer two"]);
}

#[tokio::test]
async fn a_password_comes_from_its_file() {
    let server = server(json(200, ONE_POD)).await;
    let password_file = file("hush\n").into_temp_path();
    let auth = Auth::Basic { username: "me".into(), password_file: password_file.to_path_buf() };
    assert_eq!(cpu(&settings(&server.uri()).auth(auth)).await, one_pod());
    // "me:hush"
    let requests = requests_for(&server, "cpu").await;
    assert_eq!(header(&requests[0], "authorization").as_deref(), Some("Basic bWU6aHVzaA=="));
}

#[tokio::test]
async fn a_secret_that_can_not_be_used_is_named_by_its_file_and_nobody_is_asked() {
    let server = server(json(200, ONE_POD)).await;
    let (empty, garbage) = (file(" \n"), file("hush\u{7f}hush"));
    for (path, expected) in [
        (Path::new("/nowhere/token"), "can't read /nowhere/token: No such file"),
        (empty.path(), "is empty"),
        (garbage.path(), "holds characters that no token has"),
    ] {
        let error = cpu(&settings(&server.uri()).auth(Auth::BearerFile(path.into()))).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains(expected) && words.contains(path.to_str().unwrap()), "{words}");
        assert!(!words.contains("hush"), "{words}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let token = file("hush");
    let nobody = nobody();
    let server = server(json(403, "go away")).await;
    for base in [server.uri(), format!("http://{}", nobody.local_addr().unwrap())] {
        let settings = settings(&format!("{base}/?key=hush"))
            .timeout(Duration::from_millis(600))
            .auth(Auth::BearerFile(token.path().into()))
            .header("X-Key", "hush".into());
        let client = Client::new(&settings).unwrap();
        let readings = read(&settings).await;
        let shown = format!(
            "{settings:?} {client:?} {readings:?} {}",
            readings.loads[&Indicator::Cpu].clone().unwrap_err()
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
}

/// A server, or a proxy on the way, that repeats every header in its error page; and one that does it in a success.
#[tokio::test]
async fn what_a_server_repeats_of_our_secrets_is_hidden() {
    let canary = "canary-0123456789";
    let (token, password_file) = (file(canary), file(canary));
    // "me:canary-0123456789"
    let encoded = "bWU6Y2FuYXJ5LTAxMjM0NTY3ODk=";
    let page = format!("bad headers: Bearer {canary}; Basic {encoded}; X-Key {canary}; ?key={canary}");
    let error = format!(r#"{{"status":"error","errorType":"x","error":"{page}"}}"#);
    let partial = format!(r#"{{"status":"success","data":null,"warnings":["{page}"]}}"#);
    for answer in [
        json(403, &page),
        json(400, &error),
        json(500, &page),
        json(200, &page),
        json(200, &error),
        json(200, &partial),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        for auth in [
            Auth::BearerFile(token.path().into()),
            Auth::Basic { username: "me".into(), password_file: password_file.path().into() },
        ] {
            let settings = settings(&format!("{}/?key={canary}", server.uri()))
                .timeout(Duration::from_millis(600))
                .auth(auth)
                .header("X-Key", canary.into());
            let client = Client::new(&settings).unwrap();
            let shown = format!("{:?} {:?}", read(&settings).await, client.probe().await);
            assert!(!shown.contains(canary) && shown.contains("[hidden]"), "{shown}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_pem_file_is_told_without_its_lines() {
    let canary = "canary0123456789";
    for text in [
        format!("-----BEGIN CERTIFICATE-----\n-----BEGIN {canary}\n-----END CERTIFICATE-----\n"),
        format!("-----BEGIN {canary}\n"),
        format!("-----BEGIN CERTIFICATE-----\n{canary}$\n-----END CERTIFICATE-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{canary}$\n-----END PRIVATE {canary}-----\n"),
    ] {
        let pem = file(&text);
        let https = || rebalancer_prom::ClientSettings::new("https://m".parse().unwrap());
        for settings in [https().ca_file(pem.path()), https().client_certificate(pem.path(), pem.path())] {
            let error = Client::new(&settings).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(canary), "{error} {error:?}");
        }
    }
}
