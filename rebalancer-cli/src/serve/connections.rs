//! Connections, so that those that are slow or idle can't keep others out.
//!
//! A new connection is always accepted. When there are as many as there may be, the one that asked for nothing for the longest
//! time has to go: a probe asks at once, and so is served before any crowd that only holds connections.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

/// What clients may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at one time.
    pub(super) connections: usize,
    /// For the head of a request, and between two requests.
    pub(super) idle: Duration,
    /// For a connection as a whole; after it, the request in hand is finished.
    pub(super) longest: Duration,
}

impl Default for Limits {
    /// A scraper that asks every minute keeps its connection.
    fn default() -> Self {
        Self { connections: 128, idle: Duration::from_secs(75), longest: Duration::from_secs(15 * 60) }
    }
}

/// Bytes of the head of a request.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// For the answer in hand, when the time of a connection is up.
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// Before the next attempt, when no connection could be accepted: there may be no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is open. It is closed when this is dropped.
struct Open {
    task: AbortHandle,
    /// Milliseconds from the beginning of the listener to its last request.
    used: Arc<AtomicU64>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves these routes. It never ends.
pub(super) async fn serve(listener: TcpListener, routes: Router, limits: Limits) {
    let began = Instant::now();
    let mut open: VecDeque<Open> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(event = "connection_not_accepted", %error, "a connection could not be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        open.retain(|one| !one.task.is_finished());
        while open.len() >= limits.connections.max(1) {
            close_idlest(&mut open);
        }
        let used = Arc::new(AtomicU64::new(since(began)));
        let task = tokio::spawn(connection(stream, routes.clone(), Arc::clone(&used), began, limits));
        open.push_back(Open { task: task.abort_handle(), used });
    }
}

/// Of several that were used at the same time, the oldest.
fn close_idlest(open: &mut VecDeque<Open>) {
    let used = open.iter().map(|one| one.used.load(Ordering::Relaxed)).enumerate();
    if let Some((idlest, _)) = used.min_by_key(|(_, used)| *used) {
        open.remove(idlest);
    }
}

async fn connection(stream: TcpStream, routes: Router, used: Arc<AtomicU64>, began: Instant, limits: Limits) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |request| {
        used.store(since(began), Ordering::Relaxed);
        routes.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEAD);
    let mut serving = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    // How it ended is the client's affair.
    if timeout(limits.longest, &mut serving).await.is_err() {
        serving.as_mut().graceful_shutdown();
        let _ended = timeout(LAST_ANSWER, serving).await;
    }
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    async fn start(limits: Limits) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let large = "x".repeat(32 << 20);
        let routes = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/large", get(async move || large.clone()));
        tokio::spawn(serve(listener, routes, limits));
        address
    }

    async fn asked(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // One that is refused in the middle of its request may be reset.
        let _read = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_crowd_of_idle_and_slow_clients_keeps_no_probe_out() {
        let limits = Limits { connections: 32, ..Limits::default() };
        let address = start(limits).await;
        let mut crowd = Vec::new();
        for number in 0..200 {
            let mut client = TcpStream::connect(address).await.unwrap();
            let sent = match number % 4 {
                0 => "",
                1 => "G",
                2 => "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n",
                _ => "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx",
            };
            // One that had to go already can't write.
            let _written = client.write_all(sent.as_bytes()).await;
            crowd.push(client);
            if number % 10 == 0 {
                assert!(asked(address, HEALTH).await.ends_with("\r\n\r\nok\n"), "after {number}");
            }
        }
        assert!(asked(address, HEALTH).await.starts_with("HTTP/1.1 200 OK"));
        drop(crowd);
    }

    #[tokio::test]
    async fn who_asks_for_nothing_for_too_long_has_to_go() {
        let address = start(Limits { idle: Duration::from_millis(50), ..Limits::default() }).await;
        for sent in
            ["", "GET /healthz HTTP/1.1\r\nHost: loc", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]
        {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _end = client.read_to_end(&mut answer).await;
            let answer = String::from_utf8(answer).unwrap();
            assert_eq!(answer.contains("200 OK"), sent.ends_with("\r\n\r\n"), "{sent:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_connection_ends_after_its_time_however_busy_it_is() {
        let address = start(Limits { longest: Duration::from_millis(100), ..Limits::default() }).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let keep = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut answers = [0; 4096];
        loop {
            let asked = client.write_all(keep.as_bytes()).await;
            match client.read(&mut answers).await {
                Ok(0) | Err(_) => break,
                Ok(_) => asked.unwrap(),
            }
        }
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let address = start(Limits::default()).await;
        let large =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(2 * LONGEST_HEAD));
        let many =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(2 * MOST_HEADERS));
        for request in [large, many] {
            let answer = asked(address, &request).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        assert!(asked(address, HEALTH).await.contains("200 OK"));
    }
}
