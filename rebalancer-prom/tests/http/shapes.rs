//! Every wrong shape of an answer: its kind of error, and that one reads what came, what was expected and which
//! query it was.

use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource};
use rebalancer_prom::{Client, PrometheusSource, Queries};
use wiremock::MockServer;
use wiremock::matchers::method;

use crate::world::{custom, json, settings};

const QUERY: &str = "sum by (pod) (rate(messages_total{namespace=\"{{namespace}}\"}[{{window}}]))";
const SHOWN: &str = "; the query 'lag' is: sum by (pod) (rate(messages_total{namespace=\"shop\"}[5m]))";

#[derive(Debug, PartialEq)]
enum Kind {
    Unavailable,
    Refused,
    Incomplete,
    Malformed,
}

fn kind(error: &MetricsError) -> Kind {
    match error {
        MetricsError::Unavailable { .. } => Kind::Unavailable,
        MetricsError::Refused { .. } => Kind::Refused,
        MetricsError::Incomplete { .. } => Kind::Incomplete,
        MetricsError::Malformed { .. } => Kind::Malformed,
    }
}

async fn lag(status: u16, body: &str, query: &str) -> Result<Samples, MetricsError> {
    let server = MockServer::start().await;
    wiremock::Mock::given(method("POST")).respond_with(json(status, body)).mount(&server).await;
    let queries = Queries::new(custom("requests"), custom("hpas")).load(Indicator::Lag, custom(query));
    let source = PrometheusSource::new(Client::new(&settings(&server.uri())).unwrap(), queries);
    source.read(jiff::Timestamp::UNIX_EPOCH).await.loads.remove(&Indicator::Lag).unwrap()
}

fn result(kind: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
}

fn series(labels: &str, value: &str) -> String {
    format!(r#"{{"metric":{{{labels}}},"value":[1,{value}]}}"#)
}

#[tokio::test]
async fn every_wrong_shape_says_what_came_what_was_expected_and_which_query_it_was() {
    let vector = |series: &[String]| result("vector", &format!("[{}]", series.join(",")));
    let a = series(r#""pod":"a""#, "\"1\"");
    let error = |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"no"}}"#);
    let not_json = "expected the JSON of a query API, but ";
    for (body, expected_kind, came, expected) in [
        (
            vector(&[series(r#""instance":"10.0.0.1:80""#, "\"1\"")]),
            Kind::Malformed,
            r#"a series came with the labels {instance="10.0.0.1:80"}"#,
            "expected a label 'pod'",
        ),
        (
            result("matrix", r#"[{"metric":{"pod":"a"},"values":[[1,"1"]]}]"#),
            Kind::Malformed,
            "a matrix (a range) came",
            "expected an instant vector",
        ),
        (result("scalar", r#"[1,"2"]"#), Kind::Malformed, "a scalar came", "expected an instant vector"),
        (result("string", r#"[1,"x"]"#), Kind::Malformed, "a string came", "expected an instant vector"),
        (result("tensor", "[]"), Kind::Malformed, "unknown variant `tensor`", "`vector`"),
        (vector(&[a.clone(), a.clone()]), Kind::Malformed, "pod a came more than once", "expected one value"),
        (
            vector(&[series(r#""pod":"a""#, "1")]),
            Kind::Malformed,
            "invalid type: integer `1`",
            "expected a sample value such as \"1.5\"",
        ),
        (
            vector(&[series(r#""pod":"a""#, "\"1 core\"")]),
            Kind::Malformed,
            "string \"1 core\"",
            "expected a sample value such as \"1.5\"",
        ),
        (vector(&[series(r#""pod":7"#, "\"1\"")]), Kind::Malformed, "integer `7`", "expected a string"),
        (
            vector(&[r#"{"metric":{"pod":"a"},"histogram":[1,{}]}"#.to_owned()]),
            Kind::Malformed,
            "missing field `value`",
            not_json,
        ),
        ("<html>Sign in</html>".to_owned(), Kind::Malformed, "it begins with: <html>Sign in", not_json),
        (String::new(), Kind::Malformed, "(an empty body)", not_json),
        ("[]".to_owned(), Kind::Malformed, "it begins with: []", not_json),
        (r#"{"ok":true}"#.to_owned(), Kind::Malformed, "missing field `status`", not_json),
        (
            r#"{"status":"success"}"#.to_owned(),
            Kind::Malformed,
            "an answer without 'data' came",
            "expected the JSON of a query API",
        ),
        (error("bad_data"), Kind::Refused, "bad_data: no", ""),
        (
            r#"{"status":"success","warnings":["half of it"],"data":null}"#.to_owned(),
            Kind::Incomplete,
            "half of it",
            "",
        ),
    ] {
        let error = lag(200, &body, QUERY).await.unwrap_err();
        assert_eq!(kind(&error), expected_kind, "{body} -> {error}");
        let words = error.to_string();
        assert!(words.contains(came) && words.contains(expected), "{body} -> {words}");
        assert!(words.ends_with(SHOWN), "{body} -> {words}");
    }
    // A server that could not work says nothing about a query.
    let error = lag(200, &error("timeout"), QUERY).await.unwrap_err();
    assert_eq!((kind(&error), error.to_string().contains(SHOWN)), (Kind::Unavailable, false), "{error}");
}

#[tokio::test]
async fn no_series_at_all_is_a_fine_answer() {
    assert_eq!(lag(200, &result("vector", "[]"), QUERY).await, Ok(Samples::new()));
}

#[tokio::test]
async fn a_refused_query_is_shown_with_the_servers_own_words() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: no"}"#;
    let words = lag(400, body, QUERY).await.unwrap_err().to_string();
    assert!(words.contains("bad_data: 1:5: parse error: no (from http://"), "{words}");
    assert!(words.ends_with(SHOWN), "{words}");
}

#[tokio::test]
async fn a_long_query_is_shown_from_its_beginning_in_one_line() {
    let query = format!("up{{a=~\"{}\"}} # {{namespace}}", "\n  b".repeat(1000));
    let words = lag(200, &result("scalar", "[1,\"1\"]"), &query).await.unwrap_err().to_string();
    let shown = words.split("; the query 'lag' is: ").nth(1).unwrap();
    assert!(shown.starts_with("up{a=~\"   b   b") && shown.ends_with('…'), "{words}");
    assert_eq!(shown.chars().count(), 201);
}
