//! Earlier times: one range query, and nothing that was not asked for.

use std::num::NonZeroUsize;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource};
use rebalancer_core::unit::Load;
use rebalancer_prom::{Auth, Client, ClientSettings, PrometheusSource, Queries};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::world::{EMPTY, after_failures, custom, field, file, header, json, settings};

/// 1767323045.678 is the present.
const NOW: &str = "2026-01-02T03:04:05.678Z";
const ONE_POD: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":[[1767322445.678,"1"],[1767322745.678,"2"]]}]}}"#;

/// The past of this indicator, where only CPU has a query.
async fn past_of(
    indicator: Indicator,
    step: SignedDuration,
    count: usize,
    settings: &ClientSettings,
) -> Result<Vec<Samples>, MetricsError> {
    let queries =
        Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("rate(cpu[5m])"));
    let source = PrometheusSource::new(Client::new(settings).unwrap(), queries);
    let past = source.past(indicator, NOW.parse::<Timestamp>().unwrap(), step, count).await?;
    Ok(past.into_iter().map(|reading| reading.samples).collect())
}

async fn past(settings: &ClientSettings) -> Result<Vec<Samples>, MetricsError> {
    past_of(Indicator::Cpu, SignedDuration::from_mins(5), 2, settings).await
}

async fn server(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

fn one_pod() -> Result<Vec<Samples>, MetricsError> {
    Ok([2.0, 1.0].map(|load| Samples::from([("a".into(), Load::new(load).unwrap())])).into())
}

#[tokio::test]
async fn the_past_is_one_request_for_the_window_it_needs_and_no_more() {
    let server = server(json(200, ONE_POD)).await;
    let token = file("hush");
    let settings = settings(&format!("{}/select/0/prometheus", server.uri()))
        .auth(Auth::BearerFile(token.path().into()))
        .header("X-Scope-OrgID", "team-a".into());
    assert_eq!(past(&settings).await, one_pod());

    let requests = requests(&server).await;
    let [request] = &requests[..] else { panic!("{} requests", requests.len()) };
    assert_eq!(
        (request.method.as_str(), request.url.path()),
        ("POST", "/select/0/prometheus/api/v1/query_range")
    );
    let sent = |name| field(request, name).unwrap();
    assert_eq!(sent("query"), "rate(cpu[5m])");
    assert_eq!(
        (sent("start"), sent("end"), sent("step")),
        ("1767322445.678".into(), "1767322745.678".into(), "300.000".into())
    );
    assert_eq!(field(request, "time"), None);
    let timeout: u64 = sent("timeout").strip_suffix("ms").unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&timeout), "{timeout}");
    assert_eq!(header(request, "authorization").as_deref(), Some("Bearer hush"));
    assert_eq!(header(request, "x-scope-orgid").as_deref(), Some("team-a"));
    assert_eq!(header(request, "accept-encoding").as_deref(), Some("gzip"));
}

#[tokio::test]
async fn the_limit_on_series_counts_for_the_past_too() {
    let other = r#"{"metric":{"pod":"b"},"values":[[1767322745.678,"1"]]}]}}"#;
    let two = ONE_POD.replace("]}}", &format!(",{other}"));
    let server = server(json(200, &two)).await;
    let at_most = |series| settings(&server.uri()).series_limit(NonZeroUsize::new(series).unwrap());
    assert_eq!(past(&at_most(2)).await.unwrap().iter().map(Samples::len).collect::<Vec<_>>(), [2, 1]);
    assert!(matches!(past(&at_most(1)).await, Err(MetricsError::Incomplete { .. })));
    assert_eq!(field(&requests(&server).await[0], "limit").as_deref(), Some("3"));
}

#[tokio::test]
async fn no_earlier_times_ask_nobody() {
    let server = server(json(200, ONE_POD)).await;
    let none = past_of(Indicator::Lag, SignedDuration::from_mins(5), 0, &settings(&server.uri())).await;
    assert_eq!(none, Ok(vec![]));
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn what_can_not_be_asked_for_is_named_and_nobody_is_asked() {
    let server = server(json(200, ONE_POD)).await;
    let minutes = SignedDuration::from_mins;
    for (indicator, step, expected) in [
        (Indicator::Lag, minutes(5), "there is no query for 'lag', so its past can't be asked for"),
        (Indicator::Cpu, minutes(0), "2 times of 'cpu', 0s apart, before 2026-01-02T03:04:05.678Z can't be"),
        (Indicator::Cpu, SignedDuration::MAX, "before 2026-01-02T03:04:05.678Z can't be asked for"),
    ] {
        let error = past_of(indicator, step, 2, &settings(&server.uri())).await.unwrap_err();
        assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn what_passes_by_is_tried_again() {
    let server = server(after_failures(1, ResponseTemplate::new(503), json(200, ONE_POD))).await;
    assert_eq!(past(&settings(&server.uri())).await, one_pod());
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_refusal_names_the_address_of_the_range_query() {
    let server = server(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#)).await;
    let error = past(&settings(&server.uri())).await.unwrap_err();
    assert!(matches!(error, MetricsError::Refused { .. }), "{error}");
    let address = format!("bad_data: no (from {}/api/v1/query_range)", server.uri());
    assert!(error.to_string().contains(&address), "{error}");
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_can_not_be_used_is_not_the_past() {
    let partial = server(json(200, &ONE_POD.replace("\"data\"", "\"isPartial\":true,\"data\""))).await;
    assert!(matches!(past(&settings(&partial.uri())).await, Err(MetricsError::Incomplete { .. })));
    let aligned = ONE_POD.replace("445.678", "400").replace("745.678", "700");
    for (answer, limit, expected) in [
        (EMPTY, 1000, "an instant vector came, expected a matrix"),
        (ONE_POD, 100, "more than the 100 bytes that are accepted"),
        (&aligned, 1000, "a value at 1767322400, expected 1767322445.678 to 1767322745.678, every 300.000 s"),
    ] {
        let server = server(json(200, answer)).await;
        let error = past(&settings(&server.uri()).response_limit(limit)).await.unwrap_err();
        assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
