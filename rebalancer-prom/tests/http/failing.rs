//! Servers that fail: what is tried again, what is not, and what is said about it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rebalancer_core::fleet::Indicator;
use rebalancer_core::port::MetricsError;
use wiremock::ResponseTemplate;

use crate::world::{
    ONE_POD, after_failures, cpu, json, nobody, one_pod, raw_server, read, requests_for, server, settings,
};

#[tokio::test]
async fn what_passes_by_is_tried_again() {
    for failure in [
        ResponseTemplate::new(500),
        json(503, r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#),
        ResponseTemplate::new(429).insert_header("retry-after", "1"),
    ] {
        let server = server(after_failures(1, failure, json(200, ONE_POD))).await;
        assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
        assert_eq!(requests_for(&server, "cpu").await.len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_not_asked_sooner() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = server(after_failures(1, busy, json(200, ONE_POD))).await;
    let start = Instant::now();
    assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_asks_to_wait_beyond_the_deadline_is_not_asked_again() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    let server = server(busy).await;
    let words = cpu(&settings(&server.uri())).await.unwrap_err().to_string();
    assert!(words.contains("HTTP 429 Too Many Requests"), "{words}");
    assert!(words.contains("the server asks to wait 1h"), "{words}");
    assert!(words.contains("gave up after 1 attempt in"), "{words}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);
}

#[tokio::test]
async fn what_will_not_change_is_refused_at_once_in_the_servers_own_words() {
    for status in [400, 401, 403, 404, 422] {
        let server =
            server(json(status, r#"{"status":"error","errorType":"bad_data","error":"no, really"}"#)).await;
        let error = cpu(&settings(&server.uri())).await.unwrap_err();
        assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
        let words = error.to_string();
        assert!(
            words.contains(&format!("HTTP {status} ")) && words.contains("bad_data: no, really"),
            "{words}"
        );
        assert!(words.contains(&format!("(from {}/api/v1/query)", server.uri())), "{words}");
        assert_eq!(requests_for(&server, "cpu").await.len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_shown_and_not_followed() {
    let server =
        server(ResponseTemplate::new(302).insert_header("location", "https://sso.example/login?s=x")).await;
    let error = cpu(&settings(&server.uri())).await.unwrap_err();
    assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("it points to https://sso.example/login; "), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_tried_again_and_given_up_in_time() {
    let (address, connections) = raw_server(b"", true).await;
    let start = Instant::now();
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_millis(1500));
    let readings = read(&settings).await;
    // Generous: a busy machine wakes late.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let words = readings.loads[&Indicator::Cpu].clone().unwrap_err().to_string();
    assert!(words.contains("no whole answer within "), "{words}");
    assert!(words.contains(" attempts in "), "{words}");
    // There are three queries, so one of them came again.
    assert!(connections.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let nobody = nobody();
    let address = nobody.local_addr().unwrap();
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_millis(700));
    let error = cpu(&settings).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("Connection refused"), "{words}");
    assert!(words.contains(&format!("(from http://{address}/api/v1/query); gave up after")), "{words}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_and_never_used() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"status\":\"success\"";
    let (address, connections) = raw_server(answer, false).await;
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_secs(1));
    let error = cpu(&settings).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("attempts in"), "{error}");
    assert!(connections.load(Ordering::SeqCst) > 3);
}
