//! Cruise Control, as its REST API answers.

use std::time::{Duration, Instant};

use rebalancer_core::fleet::ExecutorState;
use rebalancer_core::port::CruiseControl as _;
use rebalancer_prom::{Auth, ClientSettings, CruiseControlApi};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use crate::world::{after_failures, file, header, json, nobody, raw_server, settings};

const IDLE: &str = r#"{"ExecutorState":{"state":"NO_TASK_IN_PROGRESS"},"version":1}"#;

/// One that knows this address and these parameters only, as without `json` it answers with text.
async fn answering(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/kafkacruisecontrol/state"))
        .and(query_param("substates", "executor"))
        .and(query_param("json", "true"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn at(server: &MockServer) -> ClientSettings {
    settings(&format!("{}/kafkacruisecontrol", server.uri()))
}

async fn told(settings: &ClientSettings) -> Result<ExecutorState, String> {
    CruiseControlApi::new(settings).unwrap().executor().await.map_err(|unread| unread.to_string())
}

#[tokio::test]
async fn what_the_executor_does_is_told() {
    let server = answering(json(200, IDLE)).await;
    assert_eq!(told(&at(&server)).await, Ok(ExecutorState::NoTaskInProgress));
    let moving = r#"{"ExecutorState":{"state":"LEADER_MOVEMENT_TASK_IN_PROGRESS"},"version":1}"#;
    let server = answering(json(200, moving)).await;
    assert_eq!(told(&at(&server)).await, Ok(ExecutorState::LeaderMovementTaskInProgress));
}

#[tokio::test]
async fn what_passes_by_is_waited_out() {
    let server = answering(after_failures(2, json(503, "starting"), json(200, IDLE))).await;
    assert_eq!(told(&at(&server)).await, Ok(ExecutorState::NoTaskInProgress));
}

#[tokio::test]
async fn an_answer_that_is_none_says_what_to_do() {
    for (answer, words) in [
        (json(401, "who are you?"), "HTTP 401 Unauthorized, check the credentials: who are you?"),
        (json(403, "VIEWER"), "check the credentials"),
        (
            ResponseTemplate::new(302).insert_header("location", "https://sso/login"),
            "it points to https://sso/login",
        ),
        (json(200, "<html>"), "check the path of the URL"),
        (json(200, r#"{"MonitorState":{},"version":1}"#), "no ExecutorState"),
        // An answer that is being worked on.
        (json(202, r#"{"progress":[],"version":1}"#), "HTTP 202 Accepted"),
    ] {
        let server = answering(answer).await;
        let error = told(&at(&server)).await.unwrap_err();
        assert!(error.contains(words), "{words} is not in {error}");
        assert!(error.contains("/kafkacruisecontrol/state, attempt 1"), "{error}");
    }
    let server = answering(json(200, IDLE)).await;
    let error = told(&settings(&server.uri())).await.unwrap_err();
    assert!(error.contains("HTTP 404 Not Found, check the path of the endpoint"), "{error}");
}

#[tokio::test]
async fn all_attempts_together_end_at_the_deadline() {
    let (silent, _) = raw_server(b"", true).await;
    let refusing = nobody();
    for address in [silent, refusing.local_addr().unwrap()] {
        let start = Instant::now();
        let settings = settings(&format!("http://{address}")).timeout(Duration::from_millis(600));
        told(&settings).await.unwrap_err();
        // Generous: a busy machine wakes late. Without a deadline, none would ever end.
        assert!(start.elapsed() < Duration::from_secs(5), "{address}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = answering(json(401, "not hush-password")).await;
    let password = file("hush-password");
    let auth = Auth::Basic { username: "me".into(), password_file: password.path().into() };
    let settings = at(&server).auth(auth);
    let error = told(&settings).await.unwrap_err();
    let request = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(header(&request, "authorization").as_deref(), Some("Basic bWU6aHVzaC1wYXNzd29yZA=="));
    let shown = format!("{error} {:?}", CruiseControlApi::new(&settings).unwrap());
    assert!(error.contains("[hidden]") && !shown.contains("hush"), "{shown}");
}
