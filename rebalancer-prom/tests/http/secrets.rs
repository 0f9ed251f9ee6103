//! Who we are: credentials come from files, and nobody else sees them.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::port::MetricsSource;
use rebalancer_prom::{Auth, Client, PrometheusSource, Queries};

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
