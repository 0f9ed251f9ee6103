//! Metrics that are sent away.

use std::time::{Duration, Instant};

use rebalancer_prom::{Auth, ClientSettings, NotPushed, Pusher, Receiver};
use secrecy::SecretString;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use crate::world::{after_failures, file, header, json, nobody, raw_server, settings};

const TEXT: &str = "# TYPE rebalancer_pods gauge\nrebalancer_pods 3\n";
const GROUP: [(&str, &str); 2] = [("namespace", "shop"), ("workload", "orders")];

async fn taking(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn push(settings: &ClientSettings, receiver: Receiver) -> Result<(), NotPushed> {
    Pusher::new(settings, receiver, "pod-rebalancer").unwrap().push(&GROUP, TEXT).await
}

#[tokio::test]
async fn a_pushgateway_gets_the_text_for_the_group() {
    let server = taking(ResponseTemplate::new(200)).await;
    push(&settings(&server.uri()), Receiver::Pushgateway).await.unwrap();
    let request = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(request.url.path(), "/metrics/job/pod-rebalancer/namespace/shop/workload/orders");
    assert_eq!(String::from_utf8(request.body.clone()).unwrap(), TEXT);
    assert_eq!(header(&request, "content-type").unwrap(), "text/plain; version=0.0.4; charset=utf-8");
}

#[tokio::test]
async fn victoriametrics_gets_the_text_with_the_job() {
    let server = taking(ResponseTemplate::new(204)).await;
    let base = format!("{}/insert/0/prometheus", server.uri());
    push(&settings(&base), Receiver::VictoriaMetrics).await.unwrap();
    let request = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(request.url.path(), "/insert/0/prometheus/api/v1/import/prometheus");
    assert_eq!(request.url.query(), Some("extra_label=job%3Dpod-rebalancer"));
}

#[tokio::test]
async fn what_passes_by_is_waited_out_and_the_same_text_is_sent_again() {
    let server = taking(after_failures(2, json(503, "starting"), ResponseTemplate::new(202))).await;
    push(&settings(&server.uri()), Receiver::Pushgateway).await.unwrap();
    let bodies: Vec<_> =
        server.received_requests().await.unwrap().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [TEXT.as_bytes(); 3]);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words_and_not_repeated() {
    let server = taking(json(400, "pushed metrics are invalid or inconsistent")).await;
    let error = push(&settings(&server.uri()), Receiver::Pushgateway).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.starts_with("HTTP 400 Bad Request: pushed metrics are invalid or inconsistent"), "{shown}");
    assert!(
        shown.contains("/metrics/job/pod-rebalancer/namespace/shop/workload/orders, attempt 1"),
        "{shown}"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn all_attempts_together_end_at_the_deadline() {
    let (silent, _) = raw_server(b"", true).await;
    let refusing = nobody();
    let busy = taking(ResponseTemplate::new(503)).await;
    let addresses =
        [format!("http://{silent}"), format!("http://{}", refusing.local_addr().unwrap()), busy.uri()];
    for address in addresses {
        let start = Instant::now();
        let settings = settings(&address).timeout(Duration::from_millis(600));
        push(&settings, Receiver::Pushgateway).await.unwrap_err();
        // Generous: a busy machine wakes late. Without a deadline, none would ever end.
        assert!(start.elapsed() < Duration::from_secs(5), "{address}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn credentials_and_headers_are_sent_and_never_shown() {
    let server = taking(json(401, "who are you?")).await;
    let (token, password) = (file("hush-token\n"), file("hush-password"));
    let basic = Auth::Basic { username: "me".into(), password_file: password.path().into() };
    for (auth, expected) in [
        (Auth::BearerFile(token.path().into()), "Bearer hush-token"),
        (basic, "Basic bWU6aHVzaC1wYXNzd29yZA=="),
    ] {
        let settings = settings(&format!("{}/?key=hush", server.uri()))
            .auth(auth)
            .header("X-Scope-OrgID", SecretString::from("hush-tenant"));
        let error = push(&settings, Receiver::Pushgateway).await.unwrap_err();
        let request = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(header(&request, "authorization").as_deref(), Some(expected));
        assert_eq!(header(&request, "x-scope-orgid").as_deref(), Some("hush-tenant"));
        let pusher = Pusher::new(&settings, Receiver::Pushgateway, "job").unwrap();
        let shown = format!("{error} {error:?} {pusher:?}");
        assert!(shown.contains("check the credentials") && !shown.contains("hush"), "{shown}");
    }
}

#[tokio::test]
async fn a_redirect_is_shown_and_not_followed() {
    let server = taking(ResponseTemplate::new(302).insert_header("location", "http://elsewhere/push")).await;
    let error = push(&settings(&server.uri()), Receiver::Pushgateway).await.unwrap_err().to_string();
    assert!(error.contains("it points to http://elsewhere/push"), "{error}");
}
