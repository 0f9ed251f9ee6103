use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

/// 1000 is the present; the times are 900, 800 and 700.
fn grid() -> Grid {
    Grid::before(Timestamp::from_second(1000).unwrap(), SignedDuration::from_secs(100), 3).unwrap()
}

fn answer(kind: &str, result: &str, more: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}{more}}}"#)
}

fn track(labels: &str, points: &[(&str, &str)]) -> String {
    let points: Vec<_> = points.iter().map(|(time, value)| format!(r#"[{time},"{value}"]"#)).collect();
    format!(r#"{{"metric":{{{labels}}},"values":[{}]}}"#, points.join(","))
}

fn pod(name: &str, points: &[(&str, &str)]) -> String {
    track(&format!(r#""pod":"{name}","x":"y""#), points)
}

fn matrix_of(tracks: &[String]) -> String {
    answer("matrix", &format!("[{}]", tracks.join(",")), "")
}

fn read(body: &str) -> Result<Vec<BTreeMap<String, f64>>, MetricsError> {
    let windows = past(body.as_bytes(), &grid())?.value;
    let plain = |samples: Samples| samples.into_iter().map(|(pod, load)| (pod, load.get())).collect();
    Ok(windows.into_iter().map(plain).collect())
}

fn problem(body: &str) -> String {
    let error = read(body).unwrap_err();
    assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
    error.to_string()
}

fn window(pods: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pods.iter().map(|(pod, load)| ((*pod).to_owned(), *load)).collect()
}

#[test]
fn each_point_lands_in_the_window_of_its_time_the_latest_first() {
    let body = matrix_of(&[
        pod("whole", &[("700", "7"), ("800", "8"), ("900", "9")]),
        pod("came", &[("900.0", "1e-3")]),
        pod("vanished", &[("700", "2.5")]),
    ]);
    assert_eq!(
        read(&body),
        Ok(vec![
            window(&[("whole", 9.0), ("came", 0.001)]),
            window(&[("whole", 8.0)]),
            window(&[("whole", 7.0), ("vanished", 2.5)]),
        ])
    );
}

#[test]
fn times_of_which_nothing_is_known_have_no_samples() {
    let nothing = Ok(vec![BTreeMap::new(); 3]);
    assert_eq!(read(&matrix_of(&[])), nothing);
    assert_eq!(read(&matrix_of(&[pod("a", &[])])), nothing);
}

#[test]
fn a_value_that_can_not_be_used_is_missing_at_its_time_only_and_counted() {
    for value in ["NaN", "+Inf", "-Inf", "-0.1", "1e999"] {
        let body = matrix_of(&[pod("a", &[("700", "1"), ("800", value), ("900", "2")])]);
        let decoded = past(body.as_bytes(), &grid()).unwrap();
        assert_eq!((decoded.values, decoded.left_out), (3, 1), "{value}");
        assert_eq!(read(&body), Ok(vec![window(&[("a", 2.0)]), window(&[]), window(&[("a", 1.0)])]));
    }
}

#[test]
fn a_point_off_the_grid_makes_the_answer_useless() {
    for time in ["1000", "600", "850", "902", "-900", "9e9"] {
        let words = problem(&matrix_of(&[pod("a", &[("700", "1"), (time, "1")])]));
        assert!(words.contains("pod a came with a value at "), "{words}");
        assert!(words.contains("expected 700.000 to 900.000, every 100.000 s"), "{words}");
    }
}

#[test]
fn two_values_for_one_time_are_a_contradiction() {
    let words = problem(&matrix_of(&[pod("a", &[("800", "1"), ("800.5", "NaN")])]));
    assert!(
        words.ends_with("pod a came with two values for one time, the second at 800.5, expected one"),
        "{words}"
    );
}

#[test]
fn a_pod_in_two_series_is_a_contradiction_even_at_different_times() {
    for points in [&[("900", "1")][..], &[("700", "NaN")], &[]] {
        let words = problem(&matrix_of(&[pod("a", &[("900", "1")]), pod("a", points)]));
        assert!(
            words.ends_with("pod a came more than once, expected one value; aggregate the query 'by (pod)'"),
            "{words}"
        );
    }
}

#[test]
fn a_series_without_a_pod_label_makes_the_answer_useless() {
    for labels in ["", r#""pod":"""#, r#""kubernetes_pod_name":"a""#] {
        let words = problem(&matrix_of(&[track(labels, &[("900", "1")])]));
        assert!(words.ends_with("expected a label 'pod'"), "{words}");
    }
}

#[test]
fn other_kinds_of_result_are_named() {
    for (kind, result, expected) in [
        ("vector", r#"[{"metric":{"pod":"a"},"value":[900,"2"]}]"#, "an instant vector"),
        ("vector", "[]", "an instant vector"),
        ("scalar", r#"[900,"2"]"#, "a scalar"),
        ("string", r#"[900,"x"]"#, "a string"),
    ] {
        let words = problem(&answer(kind, result, ""));
        assert!(words.ends_with(&format!("{expected} came, expected a matrix (a range)")), "{words}");
    }
}

#[test]
fn an_answer_that_is_not_whole_is_never_read_as_the_past() {
    for (more, expected) in [
        (r#","warnings":["store x:\nno route"]"#, "store x: no route"),
        (r#","isPartial":true"#, "isPartial: some storage nodes did not answer"),
    ] {
        let incomplete = Err(MetricsError::Incomplete { message: expected.into() });
        assert_eq!(read(&answer("matrix", "[]", more)), incomplete);
    }
}

#[test]
fn what_is_no_answer_of_a_query_api_is_shown_from_its_beginning() {
    for (body, expected) in [
        ("<html>\n<body>Sign in", "it begins with: <html> <body>Sign in"),
        (r#"{"status":"success"}"#, "an answer without 'data' came"),
        (
            &matrix_of(&[pod("a", &[("900", "much")])]),
            r#"string "much", expected a sample value such as "1.5""#,
        ),
        (&matrix_of(&[pod("a", &[("\"900\"", "1")])]), "expected f64"),
        (
            &answer("matrix", r#"[{"metric":{"pod":"a"},"histograms":[[900,{}]]}]"#, ""),
            "missing field `values`",
        ),
        (&answer("matrix", r#"[{"metric":{"pod":"a"},"values":[[900,2]]}]"#, ""), "expected a sample value"),
    ] {
        let words = problem(body);
        assert!(words.contains(expected) && !words.contains('\n') && words.len() < 700, "{body} -> {words}");
    }
}

/// Fragments that reach deeper than bytes at random do.
fn almost_an_answer() -> impl Strategy<Value = String> {
    let time = prop_oneof![Just(700.0), Just(800.0), Just(900.0), 690.0..910.0_f64];
    let value = prop_oneof!["NaN", "[+-]Inf", "-?[0-9]{1,4}e[0-9]{1,3}", "[0-9]\\.[0-9]", "\\PC{0,8}"];
    let points = proptest::collection::vec((time, value), 0..4);
    let series = ("[a-d]?", points).prop_map(|(pod, points)| {
        serde_json::json!({ "metric": { "pod": pod }, "values": points }).to_string()
    });
    // Every other answer breaks off somewhere.
    let lost = prop_oneof![Just(0_usize), 0..200_usize];
    (proptest::collection::vec(series, 0..4), lost).prop_map(|(series, lost)| {
        let body = matrix_of(&series);
        let kept = body.chars().count().saturating_sub(lost);
        body.chars().take(kept).collect()
    })
}

fn only_quantities(body: &[u8]) {
    if let Ok(decoded) = past(body, &grid()) {
        let kept: usize = decoded.value.iter().map(BTreeMap::len).sum();
        assert_eq!((decoded.value.len(), decoded.values), (3, kept + decoded.left_out));
        let mut loads = decoded.value.iter().flat_map(BTreeMap::values);
        assert!(loads.all(|load| load.get().is_finite() && load.get() >= 0.0));
    }
}

proptest! {
    #[test]
    fn bytes_at_random_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        only_quantities(&body);
    }

    #[test]
    fn whatever_comes_only_quantities_come_out_and_one_window_for_each_time(body in almost_an_answer()) {
        only_quantities(body.as_bytes());
    }
}
