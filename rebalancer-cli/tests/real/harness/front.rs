//! What people put in front of a metric server: something that ends TLS, asks who one is, tells tenants apart and hides
//! the server below a path.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::harness::proxy::forward;

/// For how long a client may hesitate in the middle of a handshake, while the next one waits.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// What a request must have; it is refused in the words that such front ends use.
#[derive(Debug, Clone)]
pub(crate) enum Demand {
    /// `Authorization: Basic`, as base64 of `<user>:<password>`.
    Basic(&'static str),
    /// `Authorization: Bearer`, with this token.
    Bearer(&'static str),
    /// A token that is good once: the next one is put into the client's file, as the kubelet does when a token rotates.
    Rotating(PathBuf),
    /// `X-Scope-OrgID`, with this tenant.
    Tenant(&'static str),
    /// The server is below this path.
    Prefix(&'static str),
}

/// A status, and what a person reads.
type Refusal = (StatusCode, &'static str);

impl Demand {
    /// Passes the request, or says why not. `passed` requests came before it.
    fn check(&self, headers: &HeaderMap, path: &str, passed: usize) -> Result<(), Refusal> {
        let sent = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
        let authorization = sent(header::AUTHORIZATION.as_str());
        let unauthorized = (StatusCode::UNAUTHORIZED, "Unauthorized");
        let (good, refusal) = match self {
            Self::Basic(pair) => (authorization == format!("Basic {pair}"), unauthorized),
            Self::Bearer(token) => (authorization == format!("Bearer {token}"), unauthorized),
            Self::Rotating(_) => (authorization == format!("Bearer {}", token(passed)), unauthorized),
            Self::Tenant(tenant) => {
                (sent("x-scope-orgid") == *tenant, (StatusCode::UNAUTHORIZED, "no org id"))
            }
            Self::Prefix(prefix) => (path.starts_with(prefix), (StatusCode::NOT_FOUND, "404 page not found")),
        };
        if let (true, Self::Rotating(file)) = (good, self) {
            write_token(file, passed + 1);
        }
        if good { Ok(()) } else { Err(refusal) }
    }
}

/// The token that is good for the request after this many.
fn token(passed: usize) -> String {
    format!("hush-{passed}")
}

/// Replaces the file at once, so that nobody reads half a token.
pub(crate) fn write_token(file: &Path, passed: usize) {
    let next = file.with_extension("next");
    fs::write(&next, token(passed)).unwrap();
    fs::rename(next, file).unwrap();
}

/// A running front end; ends when dropped.
#[derive(Debug)]
pub(crate) struct Front {
    /// Its address, without any path.
    pub(crate) url: String,
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AsRef<str> for Front {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

impl Front {
    /// In front of the server at this address, without encryption.
    pub(crate) async fn start(server: impl AsRef<str>, demands: &[Demand]) -> Self {
        Self::serve(server.as_ref(), demands, None).await
    }

    /// The same by TLS.
    pub(crate) async fn encrypted(server: impl AsRef<str>, demands: &[Demand], tls: TlsAcceptor) -> Self {
        Self::serve(server.as_ref(), demands, Some(tls)).await
    }

    /// Requests that were let through.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    async fn serve(server: &str, demands: &[Demand], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new(AtomicUsize::new(0));
        let router = router(server.to_owned(), demands.to_vec(), Arc::clone(&passed));
        match tls {
            None => {
                let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
                Self { url: format!("http://{address}"), passed, task }
            }
            Some(acceptor) => {
                let listener = Encrypted { listener, acceptor };
                let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
                Self { url: format!("https://{address}"), passed, task }
            }
        }
    }
}

fn router(server: String, demands: Vec<Demand>, passed: Arc<AtomicUsize>) -> Router {
    let upstream = reqwest::Client::builder().no_proxy().build().unwrap();
    Router::new().fallback(move |request: Request| {
        let answer = judge(&demands, &passed, request);
        let (upstream, server) = (upstream.clone(), server.clone());
        async move {
            match answer {
                Ok(request) => forward(&upstream, &server, request).await,
                Err(refusal) => refusal.into_response(),
            }
        }
    })
}

/// The request as the server gets it: without the path in front of it, and without what was meant for this front end.
fn judge(
    demands: &[Demand],
    passed: &AtomicUsize,
    mut request: Request<Body>,
) -> Result<Request<Body>, Refusal> {
    let before = passed.load(Ordering::SeqCst);
    let mut path = request.uri().path().to_owned();
    for demand in demands {
        demand.check(request.headers(), &path, before)?;
        if let Demand::Prefix(prefix) = demand {
            path = path[prefix.len()..].to_owned();
        }
    }
    passed.fetch_add(1, Ordering::SeqCst);
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().remove(header::AUTHORIZATION);
    Ok(request)
}

/// Connections that have made their handshake; the others are gone.
struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (connection, address) = Listener::accept(&mut self.listener).await;
            let handshake = tokio::time::timeout(HANDSHAKE, self.acceptor.accept(connection));
            if let Ok(Ok(stream)) = handshake.await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
