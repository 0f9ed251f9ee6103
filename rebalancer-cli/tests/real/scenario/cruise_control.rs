//! Cruise Control, which balances the Kafka cluster itself, as its REST API answers: the real program holds while it works.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;

use super::owners::{NOBODY, ROTATED};
use crate::harness::check::check;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

type Answer = (StatusCode, &'static str);

const IDLE: Answer = (StatusCode::OK, r#"{"ExecutorState":{"state":"NO_TASK_IN_PROGRESS"},"version":1}"#);
const MOVING: Answer = (
    StatusCode::OK,
    r#"{"ExecutorState":{"state":"LEADER_MOVEMENT_TASK_IN_PROGRESS","triggeredUserTaskId":"5ce7c299",
        "numPendingLeadershipMovements":7,"numFinishedLeadershipMovements":0,"numTotalLeadershipMovements":7},"version":1}"#,
);
/// Without `json=true` it answers so, and a login page is no better.
const TEXT: Answer = (StatusCode::OK, "ExecutorState: {state: NO_TASK_IN_PROGRESS}");
const FORBIDDEN: Answer = (StatusCode::FORBIDDEN, "Access Denied");

#[tokio::test]
#[ignore]
async fn cruise_control_at_work_holds_and_so_does_one_that_does_not_tell() {
    // Each request takes the next answer; the last one stays.
    let answers = Arc::new(Mutex::new(vec![IDLE]));
    let told = Arc::clone(&answers);
    let state = async move || {
        let mut answers = told.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        (status, [(header::CONTENT_TYPE, "application/json")], body)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/kafkacruisecontrol", listener.local_addr().unwrap());
    let app = Router::new().route("/kafkacruisecontrol/state", get(state));
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    let fleet = Fleet::named("cruised").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let variables =
        [&FOUR_MAY_GO[..], &[("CRUISE_CONTROL_URL", &*url), ("CRUISE_CONTROL_TIMEOUT", "2s")]].concat();
    let holds = async |hold: &str, severity: &str, code: &str, words: &str| {
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let decision = run.log_with(&["\"event\":\"decision\""]).remove(0);
        assert_eq!(decision["decision"], hold, "{}", run.stderr);
        assert!(decision["reason"].as_str().unwrap().contains(words), "{words} is not in {decision}");
        assert_eq!(fleet.gone(&before).await, NOBODY);
        let (findings, _) = check(fleet.rebalancer(&metrics).envs(&variables)).await;
        findings.expect(severity, code, &[words]);
        findings.expect("note", "outlook", &[hold]);
    };
    let unread = "cruise_control_unread";
    *answers.lock().unwrap() = vec![MOVING];
    let executing = "cruise_control_executing";
    holds(executing, "note", executing, "LEADER_MOVEMENT_TASK_IN_PROGRESS").await;
    let plan = fleet.rebalancer(&metrics).envs(&variables).args(&["plan", "--output", "json"]);
    let plan: Value = serde_json::from_str(&plan.run().await.expect_exit(0).stdout).unwrap();
    assert_eq!(plan["decision"]["hold"]["guard"], "cruise_control_executing", "{}", plan["decision"]);
    for (nonsense, words) in [(TEXT, "check the path of the URL"), (FORBIDDEN, "check the credentials")] {
        *answers.lock().unwrap() = vec![nonsense];
        holds(unread, "error", unread, words).await;
    }
    *answers.lock().unwrap() = vec![IDLE];
    let (findings, _) = check(fleet.rebalancer(&metrics).envs(&variables)).await;
    findings.expect("ok", "cruise_control", &["executes nothing"]);

    // It begins after the decision.
    *answers.lock().unwrap() = vec![IDLE, MOVING];
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    assert_eq!(run.log_with(&["\"event\":\"decision\""])[0]["decision"], "rotate", "{}", run.stderr);
    assert!(run.stderr.contains("LEADER_MOVEMENT_TASK_IN_PROGRESS"), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);

    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    holds(unread, "error", unread, "/kafkacruisecontrol/state").await;

    // Where nobody says that there is one, it is not asked.
    let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, ROTATED, "{}", run.stderr);
}
