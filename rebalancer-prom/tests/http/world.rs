//! What the tests share: servers of the test's own, and a source that asks them.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource, Readings};
use rebalancer_core::unit::Load;
use rebalancer_prom::query::{self, Matchers, Placeholders, PromQl, Window};
use rebalancer_prom::{Client, ClientSettings, PrometheusSource, Queries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
pub(crate) const ONE_POD: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"2"]}]}}"#;

pub(crate) fn names() -> Placeholders {
    Placeholders {
        namespace: "shop".into(),
        container: "worker".into(),
        workload: "orders".into(),
        window: Window::new(Duration::from_secs(300)).unwrap(),
        matchers: Matchers::default(),
    }
}

pub(crate) fn custom(template: &str) -> PromQl {
    query::fill(template, &names()).unwrap()
}

pub(crate) fn settings(address: &str) -> ClientSettings {
    ClientSettings::new(address.parse().unwrap()).timeout(Duration::from_secs(10))
}

/// When everything is read.
pub(crate) const AT: &str = "2026-01-02T03:04:05.678Z";

/// Reads CPU and, because a source always does, autoscalers.
pub(crate) fn source(settings: &ClientSettings) -> PrometheusSource {
    let queries = Queries::new(query::cpu_requests(&names()), query::hpa_target(&names(), ""))
        .load(Indicator::Cpu, custom("cpu"));
    PrometheusSource::new(Client::new(settings).unwrap(), queries)
}

pub(crate) async fn read(settings: &ClientSettings) -> Readings {
    source(settings).read(AT.parse().unwrap()).await
}

pub(crate) async fn cpu(settings: &ClientSettings) -> Result<Samples, MetricsError> {
    read(settings).await.loads.remove(&Indicator::Cpu).unwrap()
}

pub(crate) fn one_pod() -> Result<Samples, MetricsError> {
    Ok(Samples::from([("a".into(), Load::new(2.0).unwrap())]))
}

/// A server that answers the CPU query like this and every other query with an empty vector.
pub(crate) async fn server(answer: impl wiremock::Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("query=cpu&")).respond_with(answer).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(200, EMPTY)).mount(&server).await;
    server
}

pub(crate) fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

pub(crate) async fn requests_for(server: &MockServer, query: &str) -> Vec<Request> {
    let mut requests = server.received_requests().await.unwrap();
    requests.retain(|request| field(request, "query").as_deref() == Some(query));
    requests
}

pub(crate) fn field(request: &Request, name: &str) -> Option<String> {
    let mut form = url::form_urlencoded::parse(&request.body);
    form.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// Fails with this status the first times, then gives that.
pub(crate) fn after_failures(
    failures: usize,
    failure: ResponseTemplate,
    answer: ResponseTemplate,
) -> impl wiremock::Respond {
    let seen = AtomicUsize::new(0);
    move |_: &Request| {
        if seen.fetch_add(1, Ordering::SeqCst) < failures { failure.clone() } else { answer.clone() }
    }
}

/// A server below HTTP: every connection gets these bytes once a request has come, and is closed or kept.
pub(crate) async fn raw_server(answer: &'static [u8], keep: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
            if keep {
                kept.push(stream);
            }
        }
    });
    (address, count)
}

/// A port that refuses connections, and that nobody else can get as long as this is kept.
pub(crate) fn nobody() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    socket
}

pub(crate) fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}
