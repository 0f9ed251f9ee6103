//! What is served over HTTP. Everything is read-only, and nothing here waits for a cycle.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tracing::error;

use super::board::Board;
use crate::telemetry;

/// Serves until the process ends.
///
/// # Errors
/// When the address can't be listened on.
pub(crate) async fn listen(
    address: SocketAddr,
    board: Arc<Board>,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let serving = async move {
        if let Err(error) = axum::serve(listener, routes(board)).await {
            error!(event = "serving_ended", %error, "nothing is served any more");
        }
    };
    Ok((address, serving))
}

fn routes(board: Arc<Board>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(board)
}

/// One that stands by is ready: it has nothing to do until it leads.
async fn readyz(State(board): State<Arc<Board>>) -> Response {
    let why = board.not_ready();
    if why.is_empty() {
        let role = if board.leads() { "ready: this replica acts\n" } else { "ready: another replica acts\n" };
        return role.into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, why.join("\n") + "\n").into_response()
}

async fn metrics(State(board): State<Arc<Board>>) -> Response {
    let places = board.places();
    let families =
        places.iter().filter_map(|place| place.last.as_ref()).flat_map(|last| last.families.clone());
    let own = telemetry::live(places.iter().map(|place| &place.workload), board.leads());
    match telemetry::exposition(families.chain(own)) {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}
