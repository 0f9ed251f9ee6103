//! What is served over HTTP. Everything is read-only, and nothing here waits for a cycle.

mod guard;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use rebalancer_core::fleet::Workload;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::error;

use super::api::View;
use super::board::{Board, Place};
use super::connections::{self, Limits};
use super::page;
use crate::target::Target;
use crate::telemetry;
use guard::Hosts;

/// Answers that are made at one time: drawing takes a core, and cycles want one too.
const AT_ONCE: usize = 1;

/// What every handler needs.
#[derive(Clone)]
struct Served {
    board: Arc<Board>,
    making: Arc<Semaphore>,
    /// From one cycle of a workload to the next, where nothing changes.
    interval: Duration,
}

/// Serves until the process ends.
///
/// # Errors
/// When the address can't be listened on.
pub(crate) async fn listen(
    address: SocketAddr,
    board: Arc<Board>,
    interval: Duration,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((address, connections::serve(listener, routes(board, address, interval), Limits::default())))
}

fn routes(board: Arc<Board>, address: SocketAddr, interval: Duration) -> Router {
    let hosts = Hosts::of(address);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/", get(fleet))
        .route("/workloads/{namespace}/{name}", get(workload))
        .route("/clusters/{cluster}/workloads/{namespace}/{name}", get(workload))
        .route("/style.css", get(async || typed("text/css; charset=utf-8", page::style())))
        .route("/live.js", get(async || typed("text/javascript; charset=utf-8", page::LIVE)))
        .route("/api/v1/workloads", get(fleet_as_json))
        .route("/api/v1/workloads/{namespace}/{name}", get(workload_as_json))
        .route("/api/v1/clusters/{cluster}/workloads/{namespace}/{name}", get(workload_as_json))
        .method_not_allowed_fallback(async || {
            let sentence = "Everything here is read-only: GET and HEAD are answered.";
            problem(StatusCode::METHOD_NOT_ALLOWED, "Not allowed", sentence)
        })
        .fallback(async || problem(StatusCode::NOT_FOUND, "Not found", "There is no such page."))
        .layer(from_fn(move |request, next| guard::known_hosts(hosts, request, next)))
        .layer(map_response(guard::with_headers))
        .with_state(Served { board, making: Arc::new(Semaphore::new(AT_ONCE)), interval })
}

/// One that stands by is ready: it has nothing to do until it leads.
async fn readyz(State(Served { board, .. }): State<Served>) -> Response {
    let (status, role) = match (board.is_ready(), board.leads()) {
        (true, true) => (StatusCode::OK, "ready: this replica acts"),
        (true, false) => (StatusCode::OK, "ready: another replica acts"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let lines = std::iter::once(role.to_owned()).chain(board.not_ready());
    (status, lines.map(|line| line + "\n").collect::<String>()).into_response()
}

async fn metrics(State(Served { board, interval, .. }): State<Served>) -> Response {
    let places = board.places();
    // One that has led before knows counters of then, and another replica tells those of now.
    let leads = board.leads();
    let ended = places.iter().filter(|_| leads).filter_map(|place| place.last.as_ref());
    let families = ended.flat_map(|last| last.families.clone());
    let targets: Vec<_> = places.iter().map(Place::target).collect();
    let own = telemetry::live(targets.iter(), leads, interval);
    match telemetry::exposition(families.chain(own)) {
        Ok(text) => typed("text/plain; version=0.0.4; charset=utf-8", text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}

async fn fleet(State(served): State<Served>) -> Response {
    served.make(|board| as_page(page::fleet(&View::of(board, Timestamp::now())))).await
}

/// The workload of a path.
#[derive(Deserialize)]
struct Asked {
    cluster: Option<String>,
    namespace: String,
    name: String,
}

impl From<Asked> for Target {
    fn from(Asked { cluster, namespace, name }: Asked) -> Self {
        Self { cluster, workload: Workload { namespace, name } }
    }
}

async fn workload(State(served): State<Served>, Path(asked): Path<Asked>) -> Response {
    let target = Target::from(asked);
    served
        .make(move |board| match View::of_one(board, Timestamp::now(), &target) {
            Some(view) => as_page(page::workload(&view).map(Option::unwrap_or_default)),
            None => unknown(&target),
        })
        .await
}

async fn fleet_as_json(State(served): State<Served>) -> Response {
    served.make(|board| as_json(&View::of(board, Timestamp::now()).workloads())).await
}

async fn workload_as_json(State(served): State<Served>, Path(asked): Path<Asked>) -> Response {
    let target = Target::from(asked);
    served
        .make(move |board| {
            let view = View::of_one(board, Timestamp::now(), &target);
            match view.as_ref().and_then(View::workload) {
                Some(workload) => as_json(&workload),
                None => {
                    let why = format!("there is no workload {target}");
                    (StatusCode::NOT_FOUND, as_json(&serde_json::json!({ "error": why }))).into_response()
                }
            }
        })
        .await
}

impl Served {
    /// Makes an answer beside what else the process does. It reads the board and waits for no cycle.
    async fn make(&self, answer: impl FnOnce(&Board) -> Response + Send + 'static) -> Response {
        let Ok(turn) = Arc::clone(&self.making).acquire_owned().await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let board = Arc::clone(&self.board);
        // The turn ends with the work, also when the client has gone.
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            answer(&board)
        });
        made.await.unwrap_or_else(|broken| failed(&broken))
    }
}

fn as_page(made: anyhow::Result<String>) -> Response {
    made.map_or_else(|error| failed(&error), |html| typed("text/html; charset=utf-8", html))
}

fn as_json(document: &impl Serialize) -> Response {
    match serde_json::to_string(document) {
        Ok(json) => typed("application/json", json + "\n"),
        Err(error) => failed(&error),
    }
}

fn unknown(target: &Target) -> Response {
    let sentence = format!("There is no workload {target} here.");
    problem(StatusCode::NOT_FOUND, "Not found", &sentence)
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    error!(event = "answer_failed", %error, "an answer could not be made");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Failed", "The answer could not be made; the log says why.")
}

fn problem(status: StatusCode, title: &str, sentence: &str) -> Response {
    (status, typed("text/html; charset=utf-8", page::problem(title, sentence))).into_response()
}

fn typed(kind: &'static str, text: impl Into<String>) -> Response {
    ([(header::CONTENT_TYPE, kind)], text.into()).into_response()
}
