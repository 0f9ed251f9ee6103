//! A reverse proxy in front of the API server, to act exactly between two requests of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::harness::control_plane::ControlPlane;
use crate::harness::wait;

/// What the hook makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It goes on to the API server.
    Forward,
    /// It is answered here.
    Answer(u16, String),
}

type Hook = Arc<dyn Fn(Method, String) -> BoxFuture<'static, Pass> + Send + Sync>;

/// A running proxy; ends when dropped. Answers are passed on as they come, so watches work through it.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Its URL, plain HTTP.
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Calls `hook` with the method and the path of each request before it goes on.
    pub(crate) async fn start<F>(
        plane: &ControlPlane,
        hook: impl Fn(Method, String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Pass> + Send + 'static,
    {
        let hook: Hook = Arc::new(move |method, path| Box::pin(hook(method, path)));
        Self::serve(plane, hook, None).await
    }

    /// Lets everything pass, and asks for JSON whatever is asked for.
    pub(crate) async fn speaking_only_json(plane: &ControlPlane) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self::serve(plane, Arc::new(|_, _| Box::pin(async { Pass::Forward })), Some(json)).await
    }

    async fn serve(plane: &ControlPlane, hook: Hook, accept: Option<HeaderValue>) -> Self {
        let authority = reqwest::Certificate::from_pem(&plane.certificate_authority()).unwrap();
        let upstream = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
        let server = plane.url.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(move |mut request: Request| {
            if let Some(accept) = &accept {
                request.headers_mut().insert(header::ACCEPT, accept.clone());
            }
            let (hook, upstream, server) = (Arc::clone(&hook), upstream.clone(), server.clone());
            async move {
                let path = request.uri().path().to_owned();
                match hook(request.method().clone(), path).await {
                    Pass::Forward => forward(&upstream, &server, request).await,
                    Pass::Answer(status, body) => {
                        (StatusCode::from_u16(status).unwrap(), body).into_response()
                    }
                }
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, task }
    }
}

/// Stops the first request of a kind until it is let through, so that a test acts exactly in between.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    reached: Notify,
    open: Notify,
    used: AtomicBool,
}

impl Gate {
    /// A proxy that stops the first request with this method and this end of its path.
    pub(crate) async fn before(plane: &ControlPlane, method: Method, end: String) -> (Proxy, Arc<Self>) {
        let gate = Arc::new(Self::default());
        let hold = Arc::clone(&gate);
        let proxy = Proxy::start(plane, move |verb, path| {
            let (hold, hit) = (Arc::clone(&hold), verb == method && path.ends_with(&end));
            async move {
                if hit && !hold.used.swap(true, Ordering::SeqCst) {
                    hold.reached.notify_one();
                    hold.open.notified().await;
                }
                Pass::Forward
            }
        })
        .await;
        (proxy, gate)
    }

    /// Waits until the request is there.
    pub(crate) async fn reached(&self) {
        tokio::time::timeout(wait::PATIENCE, self.reached.notified()).await.expect("the request comes");
    }

    /// Lets it through.
    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

/// Passes a request on to the server at this address, and its answer back.
pub(crate) async fn forward(upstream: &reqwest::Client, server: &str, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let url = format!("{server}{}", parts.uri);
    // These belong to one connection; the client sets its own.
    for name in [header::HOST, header::CONNECTION, header::ACCEPT_ENCODING, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = upstream.request(parts.method, url).headers(parts.headers).body(body).send().await;
    match answer {
        Ok(answer) => {
            let (status, mut headers) = (answer.status(), answer.headers().clone());
            for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
                headers.remove(name);
            }
            let body = axum::http::Response::<reqwest::Body>::from(answer).into_body();
            (status, headers, Body::new(body)).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
