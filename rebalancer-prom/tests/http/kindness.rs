//! What we cost the server and ourselves.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rebalancer_core::port::MetricsError;
use wiremock::ResponseTemplate;

use crate::world::{ONE_POD, cpu, header, json, one_pod, requests_for, server, settings};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zipped(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(gzip(text), "application/json")
}

#[tokio::test]
async fn a_zipped_answer_is_asked_for_and_read() {
    let server = server(zipped(ONE_POD)).await;
    assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
    let requests = requests_for(&server, "cpu").await;
    assert_eq!(header(&requests[0], "accept-encoding").as_deref(), Some("gzip"));
}

#[tokio::test]
async fn a_zip_bomb_is_given_up_at_the_limit() {
    let bomb = format!("{ONE_POD}{}", " ".repeat(64 << 20));
    let size = gzip(&bomb).len();
    let limit = 1 << 20;
    assert!(size < limit, "{size}");
    let server = server(zipped(&bomb)).await;
    let error = cpu(&settings(&server.uri()).response_limit(limit)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("more than the 1048576 bytes that are accepted"), "{error}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);
}

#[tokio::test]
async fn the_server_is_told_who_asks() {
    let server = server(json(200, ONE_POD)).await;
    let agents = async |settings| {
        assert_eq!(cpu(&settings).await, one_pod());
        header(requests_for(&server, "cpu").await.last().unwrap(), "user-agent").unwrap()
    };
    assert_eq!(agents(settings(&server.uri())).await, concat!("pod-rebalancer/", env!("CARGO_PKG_VERSION")));
    assert_eq!(agents(settings(&server.uri()).user_agent("fleet/7")).await, "fleet/7");
}
