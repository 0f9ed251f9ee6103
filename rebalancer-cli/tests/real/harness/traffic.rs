//! What goes between the program and a server, counted: requests by kind, and the bytes of answers as they come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use futures_util::TryStreamExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::control_plane::ControlPlane;
use crate::harness::proxy::forward;

/// The Lease that replicas compete for, unless another name is set.
const LEADER: &str = "/leases/pod-rebalancer-leader";

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Of a whole collection.
    List,
    Watch,
    /// Of one object.
    Get,
    Write,
    /// Of or to the Lease by which replicas elect the one that acts.
    Election,
    /// To a metric server.
    Query,
}

impl Kind {
    fn of(method: &Method, path: &str, query: &str) -> Self {
        let below = path.split_once("/namespaces/").and_then(|(_, rest)| rest.split_once('/'));
        match below {
            _ if path.ends_with(LEADER) => Self::Election,
            _ if path.ends_with("/api/v1/query") || path.ends_with("/api/v1/query_range") => Self::Query,
            _ if method != Method::GET => Self::Write,
            _ if query.split('&').any(|part| matches!(part, "watch=true" | "watch=1")) => Self::Watch,
            Some((_, rest)) if !rest.contains('/') => Self::List,
            Some(_) | None => Self::Get,
        }
    }
}

/// How many requests, and how many bytes of answers.
pub(crate) type Totals = BTreeMap<Kind, (u64, u64)>;

/// What came since then.
pub(crate) fn since(now: &Totals, then: &Totals) -> Totals {
    let less = |(kind, (count, bytes)): (&Kind, &(u64, u64))| {
        let (counted, read) = then.get(kind).copied().unwrap_or_default();
        (*kind, (count - counted, bytes - read))
    };
    now.iter().map(less).collect()
}

/// A proxy that counts; ends when dropped.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Its URL, plain HTTP.
    pub(crate) url: String,
    totals: Arc<Mutex<Totals>>,
    task: JoinHandle<()>,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AsRef<str> for Traffic {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

impl Traffic {
    /// Between the program and the API server. Answers are not compressed.
    pub(crate) async fn to_api_server(plane: &ControlPlane) -> Self {
        let authority = reqwest::Certificate::from_pem(&plane.certificate_authority()).unwrap();
        Self::to(&plane.url, reqwest::Client::builder().tls_certs_only([authority])).await
    }

    /// Between the program and a metric server.
    pub(crate) async fn to_metric_server(server: impl AsRef<str>) -> Self {
        Self::to(server.as_ref(), reqwest::Client::builder()).await
    }

    async fn to(server: &str, upstream: reqwest::ClientBuilder) -> Self {
        let (server, upstream) = (server.to_owned(), upstream.no_proxy().build().unwrap());
        let totals: Arc<Mutex<Totals>> = Arc::default();
        let counted = Arc::clone(&totals);
        let router = Router::new().fallback(move |request: Request| {
            let (server, upstream, counted) = (server.clone(), upstream.clone(), Arc::clone(&counted));
            async move {
                let uri = request.uri();
                let kind = Kind::of(request.method(), uri.path(), uri.query().unwrap_or_default());
                counted.lock().unwrap().entry(kind).or_default().0 += 1;
                let answer = forward(&upstream, &server, request).await;
                answer.map(|body| {
                    let read = body.into_data_stream().inspect_ok(move |bytes| {
                        counted.lock().unwrap().entry(kind).or_default().1 += bytes.len() as u64;
                    });
                    Body::from_stream(read)
                })
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, totals, task }
    }

    /// What has come so far.
    pub(crate) fn totals(&self) -> Totals {
        self.totals.lock().unwrap().clone()
    }
}
