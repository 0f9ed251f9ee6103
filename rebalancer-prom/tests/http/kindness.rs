//! What we cost the server and ourselves.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{ApiErrors, MetricsError, MetricsSource};
use rebalancer_prom::{Client, PrometheusSource, Queries, Usage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::{MockServer, ResponseTemplate};

use crate::world::{
    EMPTY, ONE_POD, after_failures, cpu, custom, field, header, json, one_pod, raw_server, requests_for,
    server, settings,
};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zipped(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(gzip(text), "application/json")
}

#[tokio::test]
async fn a_zipped_answer_is_asked_for_and_read() {
    let server = server(zipped(ONE_POD)).await;
    assert_eq!(cpu(&settings(&server.uri())).await, one_pod());
    let requests = requests_for(&server, "cpu").await;
    assert_eq!(header(&requests[0], "accept-encoding").as_deref(), Some("gzip"));
}

#[tokio::test]
async fn a_zip_bomb_is_given_up_at_the_limit() {
    let bomb = format!("{ONE_POD}{}", " ".repeat(64 << 20));
    let size = gzip(&bomb).len();
    let limit = 1 << 20;
    assert!(size < limit, "{size}");
    let server = server(zipped(&bomb)).await;
    let error = cpu(&settings(&server.uri()).response_limit(limit)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("more than the 1048576 bytes that are accepted"), "{error}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);
}

#[tokio::test]
async fn the_server_is_told_who_asks() {
    let server = server(json(200, ONE_POD)).await;
    let agents = async |settings| {
        assert_eq!(cpu(&settings).await, one_pod());
        header(requests_for(&server, "cpu").await.last().unwrap(), "user-agent").unwrap()
    };
    assert_eq!(agents(settings(&server.uri())).await, concat!("pod-rebalancer/", env!("CARGO_PKG_VERSION")));
    assert_eq!(agents(settings(&server.uri()).user_agent("fleet/7")).await, "fleet/7");
}

/// Every query that there can be.
fn eight_queries() -> Queries {
    Indicator::ALL.into_iter().fold(
        Queries::new(custom("requests"), custom("hpas")).partitions(custom("partitions")),
        |queries, indicator| queries.load(indicator, custom(indicator.name())),
    )
}

/// Answers once this many requests have come and no other for a while; gives the sizes of such groups.
async fn groups_of(size: usize) -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let groups = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&groups);
    tokio::spawn(async move {
        loop {
            let mut streams = Vec::new();
            while let Ok(Ok((mut stream, _))) = match streams.len() {
                few if few < size => Ok(listener.accept().await),
                _ => tokio::time::timeout(Duration::from_millis(300), listener.accept()).await,
            } {
                let _ = stream.read(&mut [0; 4096]).await;
                streams.push(stream);
            }
            seen.lock().unwrap().push(streams.len());
            for mut stream in streams {
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
                let _ = stream.write_all(format!("{head} {}\r\n\r\n{EMPTY}", EMPTY.len()).as_bytes()).await;
            }
        }
    });
    (url, groups)
}

#[tokio::test]
async fn four_queries_at_most_are_under_way_at_the_same_time_or_as_many_as_is_said() {
    for (concurrency, expected) in [(None, vec![4, 4]), (NonZeroUsize::new(8), vec![8])] {
        let (url, groups) = groups_of(expected[0]).await;
        // Half of this is the first attempt's.
        let mut settings = settings(&url);
        if let Some(queries) = concurrency {
            settings = settings.concurrency(queries);
        }
        let client = Client::new(&settings).unwrap();
        let (source, at) = (PrometheusSource::new(client, eight_queries()), Timestamp::UNIX_EPOCH);
        let (readings, requests) = tokio::join!(source.read(at), source.cpu_requests(at));
        assert!(readings.loads.len() == 5 && readings.loads.values().all(Result::is_ok), "{readings:?}");
        assert_eq!(
            (requests, readings.hpas, readings.partitions),
            (Ok(Samples::new()), Ok(vec![]), Some(Ok(vec![])))
        );
        assert_eq!(*groups.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn waiting_for_a_turn_is_part_of_the_time_for_a_query() {
    let (address, connections) = raw_server(b"", true).await;
    let settings = settings(&format!("http://{address}"))
        .timeout(Duration::from_millis(600))
        .concurrency(NonZeroUsize::MIN);
    let start = Instant::now();
    let client = Client::new(&settings).unwrap();
    let readings = PrometheusSource::new(client, eight_queries()).read(Timestamp::UNIX_EPOCH).await;
    // Generous: a busy machine wakes late. One after the other, they would take eight times as long.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let errors: Vec<_> = readings.loads.into_values().map(|load| load.unwrap_err().to_string()).collect();
    assert!(
        errors.iter().any(|error| error.contains("no time was left after other queries (from http://")),
        "{errors:?}"
    );
    assert!(connections.load(Ordering::SeqCst) < 8);
}

#[tokio::test]
async fn a_repeated_query_lets_others_pass() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = server(after_failures(1, busy, json(200, ONE_POD))).await;
    let settings = settings(&server.uri()).concurrency(NonZeroUsize::MIN);
    assert_eq!(cpu(&settings).await, one_pod());
    let requests = server.received_requests().await.unwrap();
    let order: Vec<_> = requests.iter().map(|request| field(request, "query").unwrap() == "cpu").collect();
    assert_eq!(order, [true, false, true]);
}

#[tokio::test]
async fn one_series_more_than_may_come_is_asked_for_and_an_answer_that_has_it_is_not_used() {
    let series = |pod| format!(r#"{{"metric":{{"pod":"{pod}"}},"value":[1,"2"]}}"#);
    let two = format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{},{}]}}}}"#,
        series("a"),
        series("b")
    );
    let server = server(json(200, &two)).await;
    let at_most = |series| settings(&server.uri()).series_limit(NonZeroUsize::new(series).unwrap());
    assert_eq!(cpu(&at_most(2)).await.unwrap().len(), 2);
    let error = cpu(&at_most(1)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Incomplete { .. }), "{error}");
    let expected = "2 series came, more than the 1 that are accepted, so it may have been cut off";
    assert!(error.to_string().contains(expected), "{error}");
    let requests = requests_for(&server, "cpu").await;
    let asked: Vec<_> = requests.iter().map(|request| field(request, "limit").unwrap()).collect();
    assert_eq!(asked, ["3", "2"]);
}

/// The form fields of all requests of a reading, by the name of the field.
async fn fields(server: &MockServer, name: &str) -> Vec<Option<String>> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| field(request, name)).collect()
}

#[tokio::test]
async fn all_queries_of_a_reading_are_evaluated_at_one_time_with_the_time_that_is_left_for_them() {
    let server = server(json(200, ONE_POD)).await;
    let client = Client::new(&settings(&server.uri())).unwrap();
    let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let source = PrometheusSource::new(client, eight_queries());
    tokio::join!(source.read(at), source.cpu_requests(at)).1.unwrap();
    assert_eq!(fields(&server, "time").await, vec![Some("1767323045.678".to_owned()); 8]);
    for timeout in fields(&server, "timeout").await {
        let millis: u64 = timeout.unwrap().strip_suffix("ms").unwrap().parse().unwrap();
        assert!((1..=10_000).contains(&millis), "{millis}");
    }
}

#[tokio::test]
async fn what_a_reading_has_cost_is_counted() {
    let server = server(after_failures(1, json(503, "busy"), json(200, ONE_POD))).await;
    let client = Client::new(&settings(&server.uri())).unwrap();
    assert_eq!(client.usage(), Usage::default());
    let queries = Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("cpu"));
    PrometheusSource::new(client.clone(), queries).read(Timestamp::UNIX_EPOCH).await;
    let bytes = "busy".len() + ONE_POD.len() + EMPTY.len();
    let expected = Usage { queries: 2, retries: 1, errors: 1, bytes: bytes.try_into().unwrap() };
    assert_eq!(client.usage(), expected);
    assert_eq!(client.usage().to_string(), format!("queries: 2, retries: 1, errors: 1, bytes: {bytes}"));
}

#[tokio::test]
async fn a_refusal_and_an_answer_that_can_not_be_used_are_errors_too() {
    for useless in [json(400, "no"), json(200, "{}"), json(200, "<html>")] {
        let server = server(useless).await;
        let client = Client::new(&settings(&server.uri())).unwrap();
        let queries = Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("cpu"));
        let source = PrometheusSource::new(client, queries);
        source.read(Timestamp::UNIX_EPOCH).await;
        assert_eq!(source.errors(), ApiErrors { errors: 1, retries: 0 });
    }
}

#[tokio::test]
async fn bytes_are_counted_after_they_were_unzipped() {
    let server = server(zipped(ONE_POD)).await;
    let client = Client::new(&settings(&server.uri())).unwrap();
    let queries = Queries::new(custom("requests"), custom("hpas")).load(Indicator::Cpu, custom("cpu"));
    PrometheusSource::new(client.clone(), queries).read(Timestamp::UNIX_EPOCH).await;
    assert_eq!(client.usage().bytes, u64::try_from(ONE_POD.len() + EMPTY.len()).unwrap());
}
