//! Every wrong shape of an answer: its kind of error, and that one reads what came, what was expected and which
//! query it was.

use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource, Readings};
use rebalancer_core::unit::Load;
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
    Ambiguous,
    Offsets,
}

fn kind(error: &MetricsError) -> Kind {
    match error {
        MetricsError::Unavailable { .. } => Kind::Unavailable,
        MetricsError::Refused { .. } => Kind::Refused,
        MetricsError::Incomplete { .. } => Kind::Incomplete,
        MetricsError::Malformed { .. } => Kind::Malformed,
        MetricsError::Ambiguous { .. } => Kind::Ambiguous,
        MetricsError::Offsets { .. } => Kind::Offsets,
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

/// Every pod that has no usable value is missing, and never zero; that is no error of the query.
#[tokio::test]
async fn no_series_at_all_and_values_that_are_no_load_are_missing_samples() {
    let values = ["NaN", "+Inf", "-Inf", "-1", "1e999"];
    let pods = values
        .iter()
        .enumerate()
        .map(|(index, value)| series(&format!(r#""pod":"bad-{index}""#), &format!("{value:?}")));
    let good = series(r#""pod":"good""#, "\"2\"");
    let pods: Vec<_> = pods.chain([good]).collect();
    let only_good = Samples::from([("good".to_owned(), Load::new(2.0).unwrap())]);
    for (answer, expected) in [
        (result("vector", "[]"), Samples::new()),
        (result("vector", &format!("[{}]", pods[..values.len()].join(","))), Samples::new()),
        (result("vector", &format!("[{}]", pods.join(","))), only_good),
    ] {
        assert_eq!(lag(200, &answer, QUERY).await, Ok(expected), "{answer}");
    }
}

/// What Thanos and Mimir say of a part that is missing, and VictoriaMetrics of a storage node.
const GAPS: [(&str, &str); 4] = [
    (
        r#""warnings":["receive series from Addr: 10.0.0.7:10901 LabelSets: {replica=\"a\"}: rpc error: code = Unavailable desc = transport is closing"]"#,
        "receive series from Addr: 10.0.0.7:10901",
    ),
    (r#""warnings":["No StoreAPIs matched for this query"]"#, "No StoreAPIs matched for this query"),
    (
        r#""warnings":["the query was evaluated on partial data, since 1 of 3 ingester zones did not answer"]"#,
        "partial data",
    ),
    (r#""isPartial":true"#, "isPartial: some storage nodes did not answer"),
];

#[tokio::test]
async fn an_answer_with_a_gap_is_not_used_and_the_other_indicators_are() {
    for (gap, expected) in GAPS {
        let partial = result("vector", &format!("[{}]", series(r#""pod":"a""#, "\"9\"")));
        let partial = partial.replacen('{', &format!("{{{gap},"), 1);
        let server = MockServer::start().await;
        let whole = result("vector", &format!("[{}]", series(r#""pod":"a""#, "\"1\"")));
        for (query, body) in [("query=lag&", partial.as_str()), ("query=", &whole)] {
            let answers = wiremock::Mock::given(wiremock::matchers::body_string_contains(query));
            answers.respond_with(json(200, body)).mount(&server).await;
        }
        let queries = Queries::new(custom("requests"), custom("hpas"))
            .load(Indicator::Cpu, custom("cpu"))
            .load(Indicator::Lag, custom("lag"));
        let source = PrometheusSource::new(Client::new(&settings(&server.uri())).unwrap(), queries);
        let loads = source.read(jiff::Timestamp::UNIX_EPOCH).await.loads;
        let error = loads[&Indicator::Lag].clone().unwrap_err();
        assert_eq!(kind(&error), Kind::Incomplete, "{error}");
        let words = error.to_string();
        assert!(words.contains(expected) && words.ends_with("; the query 'lag' is: lag"), "{words}");
        assert_eq!(loads[&Indicator::Cpu], Ok(Samples::from([("a".to_owned(), Load::new(1.0).unwrap())])));
    }
}

#[tokio::test]
async fn a_wrong_shape_of_partition_loads_or_of_targets_says_the_same() {
    let one = |labels: &str, value: &str| result("vector", &format!("[{}]", series(labels, value)));
    let held = r#""topic":"t","partition":"0","pod":"a""#;
    let twice = result("vector", &format!("[{0},{0}]", series(held, "\"1\"")));
    let target = r#""horizontalpodautoscaler":"orders","metric_target_type""#;
    for (body, came, expected) in [
        (one(r#""pod":"a""#, "\"1\""), r#"the labels {pod="a"}"#, "expected a label 'topic'"),
        (one(r#""topic":"t","partition":"0""#, "\"1\""), "came with the labels", "expected a label 'pod'"),
        (one(held, "\"NaN\""), "partition 0 of topic t: NaN", "a load of 0 or more"),
        (twice, "partition 0 of topic t came more than once", "expected one value"),
        (result("matrix", "[]"), "a matrix (a range) came", "expected an instant vector"),
    ] {
        let words = other(&body).await.partitions.unwrap().unwrap_err().to_string();
        assert!(words.contains(came) && words.contains(expected), "{body} -> {words}");
        assert!(words.ends_with("; the query 'partition_load' is: partitions"), "{words}");
    }
    for (body, came, expected) in [
        (one(r#""pod":"a""#, "\"1\""), "came with the labels", "a label 'horizontalpodautoscaler'"),
        (one(&format!("{target}:\"value\""), "\"1\""), "'value'", "expected 'utilization' or 'average'"),
        (one(&format!("{target}:\"average\""), "\"NaN\""), "the CPU target NaN", "expected more than 0"),
        (result("scalar", r#"[1,"2"]"#), "a scalar came", "expected an instant vector"),
    ] {
        let words = other(&body).await.hpas.unwrap_err().to_string();
        assert!(words.contains(came) && words.contains(expected), "{body} -> {words}");
        assert!(words.ends_with("; the query 'hpa_target' is: hpas"), "{words}");
    }
}

/// A reading of which every query is answered like this.
async fn other(body: &str) -> Readings {
    let server = MockServer::start().await;
    wiremock::Mock::given(method("POST")).respond_with(json(200, body)).mount(&server).await;
    let queries = Queries::new(custom("requests"), custom("hpas")).partitions(custom("partitions"));
    let source = PrometheusSource::new(Client::new(&settings(&server.uri())).unwrap(), queries);
    source.read(jiff::Timestamp::UNIX_EPOCH).await
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
