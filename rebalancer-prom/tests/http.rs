//! The source against HTTP servers of the test's own: what goes over the wire, and what each answer leads to.

#![allow(clippy::unwrap_used)] // The lint spares test functions, not what they share.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rebalancer_core::fleet::{CpuTarget, Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource, Readings};
use rebalancer_core::unit::Load;
use rebalancer_prom::query::{self, Placeholders, PromQl, Window};
use rebalancer_prom::{Auth, Client, PrometheusSource, Queries, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
const ONE_POD: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"2"]}]}}"#;

fn names() -> Placeholders {
    Placeholders {
        namespace: "shop".into(),
        container: "worker".into(),
        workload: "orders".into(),
        window: Window::new(Duration::from_secs(300)).unwrap(),
    }
}

fn custom(template: &str) -> PromQl {
    query::fill(template, &names()).unwrap()
}

fn settings(address: &str) -> Settings {
    Settings::new(address.parse().unwrap()).timeout(Duration::from_secs(10))
}

/// Reads CPU and, because a source always does, requests and autoscalers.
async fn read(settings: &Settings) -> Readings {
    let queries = Queries::new(query::cpu_requests(&names()), query::hpa_target(&names(), ""))
        .load(Indicator::Cpu, custom("cpu"));
    let source = PrometheusSource::new(Client::new(settings).unwrap(), queries);
    source.read("2026-01-02T03:04:05.678Z".parse().unwrap()).await
}

async fn cpu(settings: &Settings) -> Result<Samples, MetricsError> {
    read(settings).await.loads.remove(&Indicator::Cpu).unwrap()
}

fn one_pod() -> Result<Samples, MetricsError> {
    Ok(Samples::from([("a".into(), Load::new(2.0).unwrap())]))
}

/// A server that answers the CPU query like this and every other query with an empty vector.
async fn server(answer: impl wiremock::Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("query=cpu&")).respond_with(answer).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(200, EMPTY)).mount(&server).await;
    server
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

async fn requests_for(server: &MockServer, query: &str) -> Vec<Request> {
    let mut requests = server.received_requests().await.unwrap();
    requests.retain(|request| field(request, "query").as_deref() == Some(query));
    requests
}

fn field(request: &Request, name: &str) -> Option<String> {
    let mut form = url::form_urlencoded::parse(&request.body);
    form.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// Fails with this status the first times, then gives one pod.
fn after_failures(failures: usize, failure: ResponseTemplate) -> impl wiremock::Respond {
    let seen = AtomicUsize::new(0);
    move |_: &Request| {
        if seen.fetch_add(1, Ordering::SeqCst) < failures { failure.clone() } else { json(200, ONE_POD) }
    }
}

/// A server below HTTP: every connection gets these bytes once a request has come, and is closed or kept.
async fn raw_server(answer: &'static [u8], keep: bool) -> (SocketAddr, Arc<AtomicUsize>) {
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
fn nobody() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    socket
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn a_query_is_a_form_below_the_path_prefix() {
    let server = server(json(200, ONE_POD)).await;
    let settings =
        settings(&format!("{}/select/0/prometheus", server.uri())).header("X-Scope-OrgID", "team-a".into());
    assert_eq!(cpu(&settings).await, one_pod());

    let requests = requests_for(&server, "cpu").await;
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/select/0/prometheus/api/v1/query"));
    assert_eq!(field(request, "time").as_deref(), Some("1767323045.678"));
    let timeout: u64 = field(request, "timeout").unwrap().strip_suffix("ms").unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&timeout), "{timeout}");
    assert_eq!(field(request, "limit"), None);
    assert_eq!(header(request, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(request, "x-scope-orgid").as_deref(), Some("team-a"));
    assert_eq!(header(request, "accept-encoding").as_deref(), Some("gzip"));
    assert!(header(request, "user-agent").unwrap().starts_with("pod-rebalancer/"));
    assert_eq!(header(request, "authorization"), None);
}

#[tokio::test]
async fn what_passes_by_is_tried_again() {
    for failure in [
        ResponseTemplate::new(500),
        json(503, r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#),
        ResponseTemplate::new(429).insert_header("retry-after", "1"),
    ] {
        let server = server(after_failures(1, failure)).await;
        assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
        assert_eq!(requests_for(&server, "cpu").await.len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_not_asked_sooner() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = server(after_failures(1, busy)).await;
    let start = Instant::now();
    assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_asks_to_wait_beyond_the_deadline_is_not_asked_again() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    let server = server(busy).await;
    let words = cpu(&settings(&server.uri())).await.unwrap_err().to_string();
    assert!(words.contains("HTTP 429 Too Many Requests"), "{words}");
    assert!(words.contains("the server asks to wait 3600 s"), "{words}");
    assert!(words.contains("gave up after 1 attempt in"), "{words}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);
}

#[tokio::test]
async fn what_will_not_change_is_refused_at_once_in_the_servers_own_words() {
    for status in [400, 401, 403, 404, 422] {
        let server =
            server(json(status, r#"{"status":"error","errorType":"bad_data","error":"no, really"}"#)).await;
        let error = cpu(&settings(&server.uri())).await.unwrap_err();
        assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
        let words = error.to_string();
        assert!(
            words.contains(&format!("HTTP {status} ")) && words.contains("bad_data: no, really"),
            "{words}"
        );
        assert!(words.contains(&format!("(from {}/api/v1/query)", server.uri())), "{words}");
        assert_eq!(requests_for(&server, "cpu").await.len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_shown_and_not_followed() {
    let server =
        server(ResponseTemplate::new(302).insert_header("location", "https://sso.example/login?s=x")).await;
    let error = cpu(&settings(&server.uri())).await.unwrap_err();
    assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("it points to https://sso.example/login; "), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_tried_again_and_given_up_in_time() {
    let (address, connections) = raw_server(b"", true).await;
    let start = Instant::now();
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_millis(1500));
    let readings = read(&settings).await;
    // Generous: a busy machine wakes late.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let words = readings.loads[&Indicator::Cpu].clone().unwrap_err().to_string();
    assert!(words.contains("no whole answer within 0."), "{words}");
    assert!(words.contains(" attempts in "), "{words}");
    // There are three queries, so one of them came again.
    assert!(connections.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let nobody = nobody();
    let address = nobody.local_addr().unwrap();
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_millis(700));
    let error = cpu(&settings).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("Connection refused"), "{words}");
    assert!(words.contains(&format!("(from http://{address}/api/v1/query); gave up after")), "{words}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_and_never_used() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"status\":\"success\"";
    let (address, connections) = raw_server(answer, false).await;
    let settings = settings(&format!("http://{address}")).timeout(Duration::from_secs(1));
    let error = cpu(&settings).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("attempts in"), "{error}");
    assert!(connections.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read_to_its_end() {
    let server = server(json(200, &format!("{ONE_POD}{}", " ".repeat(1 << 20)))).await;
    let error = cpu(&settings(&server.uri()).response_limit(1000)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("more than the 1000 bytes that are accepted"), "{error}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);

    let whole = settings(&server.uri()).response_limit(ONE_POD.len() + (1 << 20));
    assert_eq!(cpu(&whole).await, one_pod());
}

#[tokio::test]
async fn an_answer_that_is_not_whole_or_not_an_answer_is_sorted() {
    let partial = server(json(200, &EMPTY.replace("\"data\"", "\"isPartial\":true,\"data\""))).await;
    assert!(matches!(cpu(&settings(&partial.uri())).await, Err(MetricsError::Incomplete { .. })));
    let page = server(ResponseTemplate::new(200).set_body_string("<html>Sign in</html>")).await;
    let error = cpu(&settings(&page.uri())).await.unwrap_err();
    assert!(
        matches!(error, MetricsError::Malformed { .. }) && error.to_string().contains("<html>Sign in"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_is_read_again_for_every_request() {
    let server = server(json(200, ONE_POD)).await;
    let token = file(" one\n");
    let settings = settings(&server.uri()).auth(Auth::BearerFile(token.path().into()));
    let source = PrometheusSource::new(
        Client::new(&settings).unwrap(),
        Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("cpu")),
    );
    source.read(Timestamp::UNIX_EPOCH).await;
    std::fs::write(token.path(), "two").unwrap();
    source.read(Timestamp::UNIX_EPOCH).await;
    let requests = requests_for(&server, "cpu").await;
    let sent: Vec<_> = requests.iter().map(|request| header(request, "authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer one", "Bearer two"]);
}

#[tokio::test]
async fn a_password_comes_from_its_file() {
    let server = server(json(200, ONE_POD)).await;
    let password_file = file("hush\n").into_temp_path();
    let auth = Auth::Basic { username: "me".into(), password_file: password_file.to_path_buf() };
    assert_eq!(cpu(&settings(&server.uri()).auth(auth)).await, one_pod());
    // "me:hush"
    let requests = requests_for(&server, "cpu").await;
    assert_eq!(header(&requests[0], "authorization").as_deref(), Some("Basic bWU6aHVzaA=="));
}

#[tokio::test]
async fn a_secret_that_can_not_be_used_is_named_by_its_file_and_nobody_is_asked() {
    let server = server(json(200, ONE_POD)).await;
    let (empty, garbage) = (file(" \n"), file("hush\u{7f}hush"));
    for (path, expected) in [
        (Path::new("/nowhere/token"), "can't read /nowhere/token: No such file"),
        (empty.path(), "is empty"),
        (garbage.path(), "holds characters that no token has"),
    ] {
        let error = cpu(&settings(&server.uri()).auth(Auth::BearerFile(path.into()))).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains(expected) && words.contains(path.to_str().unwrap()), "{words}");
        assert!(!words.contains("hush"), "{words}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let token = file("hush");
    let nobody = nobody();
    let server = server(json(403, "go away")).await;
    for base in [server.uri(), format!("http://{}", nobody.local_addr().unwrap())] {
        let settings = settings(&format!("{base}/?key=hush"))
            .timeout(Duration::from_millis(600))
            .auth(Auth::BearerFile(token.path().into()))
            .header("X-Key", "hush".into());
        let client = Client::new(&settings).unwrap();
        let readings = read(&settings).await;
        let shown = format!(
            "{settings:?} {client:?} {readings:?} {}",
            readings.loads[&Indicator::Cpu].clone().unwrap_err()
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
}

/// Answers only once all of these requests have come, so a source that asks one by one gets nothing.
#[tokio::test]
async fn all_queries_of_a_reading_are_under_way_at_the_same_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut streams = Vec::new();
        for _ in 0..8 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            streams.push(stream);
        }
        for mut stream in streams {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{EMPTY}", EMPTY.len());
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    let queries = Indicator::ALL.into_iter().fold(
        Queries::new(custom("requests"), custom("hpas")).partitions(custom("partitions")),
        |queries, indicator| queries.load(indicator, custom(indicator.name())),
    );
    // Half of this is the first attempt's; a second attempt would find nobody to accept it.
    let client = Client::new(&settings(&format!("http://{address}"))).unwrap();
    let readings = PrometheusSource::new(client, queries).read(Timestamp::UNIX_EPOCH).await;
    assert!(readings.loads.len() == 5 && readings.loads.values().all(Result::is_ok), "{readings:?}");
    assert_eq!(
        (readings.cpu_requests, readings.hpas, readings.partitions),
        (Ok(Samples::new()), Ok(vec![]), Some(Ok(vec![])))
    );
}

#[tokio::test]
async fn each_part_of_a_reading_fails_by_itself() {
    let server = MockServer::start().await;
    let hpa = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"horizontalpodautoscaler":"orders","metric_target_type":"utilization"},"value":[1,"70"]}]}}"#;
    for (query, answer) in
        [("kube_pod", json(200, ONE_POD)), ("kube_horizontal", json(200, hpa)), ("cpu", json(400, ""))]
    {
        Mock::given(body_string_contains(query)).respond_with(answer).mount(&server).await;
    }
    let readings = read(&settings(&server.uri())).await;
    assert!(matches!(readings.loads[&Indicator::Cpu], Err(MetricsError::Refused { .. })));
    assert_eq!(readings.cpu_requests, one_pod());
    let hpas = readings.hpas.unwrap();
    assert_eq!((hpas[0].name.as_str(), hpas[0].cpu), ("orders", Some(CpuTarget::Utilization(70.0))));
    assert_eq!(readings.partitions, None);
}
