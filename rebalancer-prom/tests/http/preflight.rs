//! What a server tells before it is relied on.

use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::port::MetricsError;
use rebalancer_prom::{Auth, Client, UnusableServer, selectors};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::world::{EMPTY, custom, field, file, header, json, nobody, raw_server, settings};

const CODES: [(u16, bool); 6] =
    [(401, false), (403, false), (404, false), (400, false), (500, true), (429, true)];

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&server).await;
    server
}

fn client(address: &str) -> Client {
    Client::new(&settings(address)).unwrap()
}

#[tokio::test]
async fn a_server_that_answers_tells_its_clock() {
    let date = "Fri, 02 Jan 2026 03:04:05 GMT";
    let server = answering(json(200, EMPTY).insert_header("date", date)).await;
    let token = file("hush");
    let with_token = settings(&server.uri()).auth(Auth::BearerFile(token.path().into()));
    let answers = Client::new(&with_token).unwrap().probe().await.unwrap();
    assert_eq!(answers.clock, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(field(&requests[0], "query").as_deref(), Some("vector(1)"));
    assert_eq!(header(&requests[0], "authorization").as_deref(), Some("Bearer hush"));
}

#[tokio::test]
async fn a_status_is_told_and_asked_for_again_only_when_it_may_pass() {
    for (code, passes) in CODES {
        let server = answering(ResponseTemplate::new(code).set_body_string("words")).await;
        let Err(UnusableServer::Status { code: told, message }) = client(&server.uri()).probe().await else {
            panic!("{code} is a status")
        };
        assert_eq!(told, code);
        assert!(message.contains("words"), "{message}");
        let requests = server.received_requests().await.unwrap().len();
        assert_eq!(requests > 1, passes, "{code}: {requests} requests");
    }
}

#[tokio::test]
async fn a_success_that_is_no_answer_of_a_query_api_is_foreign() {
    let page = ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html; charset=utf-8");
    let server = answering(page).await;
    let told = client(&server.uri()).probe().await;
    assert!(matches!(&told, Err(UnusableServer::Foreign { .. })), "{told:?}");
    let server = answering(json(200, "{\"hello\": \"world\"}")).await;
    let told = client(&server.uri()).probe().await;
    assert!(matches!(&told, Err(UnusableServer::Foreign { .. })), "{told:?}");
}

#[tokio::test]
async fn no_answer_is_told_by_what_kept_it_away() {
    let silent = nobody();
    let address = silent.local_addr().unwrap();
    let told = client(&format!("http://{address}")).probe().await;
    assert!(matches!(&told, Err(UnusableServer::Unreachable { .. })), "{told:?}");
    let (plain, _) = raw_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", false).await;
    let told = client(&format!("https://{plain}")).probe().await;
    assert!(matches!(&told, Err(UnusableServer::Tls { .. })), "{told:?}");
    let (slow, _) = raw_server(b"", true).await;
    let quick = settings(&format!("http://{slow}")).timeout(Duration::from_millis(300));
    let told = Client::new(&quick).unwrap().probe().await;
    assert!(matches!(&told, Err(UnusableServer::TimeUp { .. })), "{told:?}");
    let gone = settings("http://m").auth(Auth::BearerFile("/nowhere/token".into()));
    let told = Client::new(&gone).unwrap().probe().await;
    assert!(matches!(&told, Err(UnusableServer::Secret { .. })), "{told:?}");
}

#[tokio::test]
async fn the_base_that_answers_is_found_on_the_same_host() {
    let server = MockServer::start().await;
    let there = Mock::given(path("/select/0/prometheus/api/v1/query"));
    there.respond_with(json(200, EMPTY)).mount(&server).await;
    let expected = Some(format!("{}/select/0/prometheus", server.uri()));
    for wrong in ["", "/graph", "/select/0/vmui"] {
        let client = client(&format!("{}{wrong}?key=hush", server.uri()));
        assert_eq!(client.elsewhere().await, expected, "{wrong}");
        assert!(!client.base().contains("hush"));
    }
    let nothing = answering(ResponseTemplate::new(404)).await;
    assert_eq!(client(&nothing.uri()).elsewhere().await, None);
}

#[tokio::test]
async fn what_the_server_has_of_a_selector_is_asked_by_label_and_by_time() {
    let server = MockServer::start().await;
    let answer = |request: &Request| match field(request, "query").unwrap() {
        query if query.starts_with("group by (pod)") => json(
            200,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"1"]},{"metric":{},"value":[1,"1"]}]}}"#,
        ),
        query if query.starts_with("max(max_over_time(timestamp(") => json(
            200,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1767323045.5"]}]}}"#,
        ),
        _ => json(422, r#"{"status":"error","errorType":"422","error":"no"}"#),
    };
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let client = client(&server.uri());
    let now = "2026-01-02T03:10:00Z".parse().unwrap();
    let selector = selectors(&custom(r#"sum by (pod) (rate(x_total{a="b"}[5m]))"#)).remove(0);
    let pods = client.values(&selector, "pod", now).await.unwrap();
    assert_eq!(pods.into_iter().collect::<Vec<_>>(), ["", "a"]);
    let newest = client.newest(&selector, now, SignedDuration::from_hours(6)).await.unwrap();
    assert_eq!(newest, Some("2026-01-02T03:04:05.5Z".parse().unwrap()));
    let refused = client.values(&selector, "namespace", now).await;
    assert!(matches!(refused, Err(MetricsError::Refused { .. })), "{refused:?}");
    let asked: Vec<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .filter_map(|request| field(request, "query"))
        .collect();
    assert_eq!(asked[0], r#"group by (pod) (x_total{a="b"})"#);
}
