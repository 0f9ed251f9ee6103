use proptest::prelude::*;

use super::*;

fn answer(result_type: &str, result: &str, more: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}{more}}}"#)
}

fn pods(samples: &[(&str, &str)]) -> String {
    let series: Vec<_> = samples
        .iter()
        .map(|(pod, value)| format!(r#"{{"metric":{{"pod":"{pod}","x":"y"}},"value":[1.5,"{value}"]}}"#))
        .collect();
    answer("vector", &format!("[{}]", series.join(",")), "")
}

fn read(body: &str) -> Result<Vec<(String, f64)>, MetricsError> {
    samples(body.as_bytes())
        .map(|decoded| decoded.value.into_iter().map(|(pod, load)| (pod, load.get())).collect())
}

fn problem(body: &str) -> String {
    read(body).unwrap_err().to_string()
}

fn load(value: f64) -> Load {
    Load::new(value).unwrap()
}

#[test]
fn values_come_in_every_notation_that_servers_use() {
    assert_eq!(
        read(&pods(&[("b", "1.2"), ("a", "1e-3"), ("c", "0"), (r#"d\u00e4\""#, "7")])),
        Ok(vec![("a".into(), 0.001), ("b".into(), 1.2), ("c".into(), 0.0), ("dä\"".into(), 7.0)])
    );
}

#[test]
fn a_pod_without_a_usable_value_is_missing_and_counted() {
    let body = pods(&[("a", "NaN"), ("b", "+Inf"), ("c", "-Inf"), ("d", "-0.1"), ("e", "1e999"), ("f", "2")]);
    assert_eq!(
        samples(body.as_bytes()),
        Ok(Decoded { value: Samples::from([("f".into(), load(2.0))]), series: 6, values: 6, left_out: 5 })
    );
}

#[test]
fn an_empty_vector_is_a_fine_answer() {
    assert_eq!(read(&pods(&[])), Ok(vec![]));
}

#[test]
fn a_pod_that_comes_twice_is_a_contradiction_even_when_the_values_agree_or_are_unusable() {
    for (one, other) in [("1", "1"), ("1", "2"), ("NaN", "2"), ("2", "NaN")] {
        let words = problem(&pods(&[("a", one), ("a", other)]));
        assert!(
            words.ends_with("pod a came more than once, expected one value; aggregate the query 'by (pod)'"),
            "{words}"
        );
    }
}

#[test]
fn labels_with_control_characters_or_without_end_give_one_short_line() {
    let long = "x".repeat(5000);
    for pod in [r"a\n\u001b[31mb", long.as_str()] {
        let words = problem(&pods(&[(pod, "1"), (pod, "1")]));
        assert!(!words.contains(char::is_control) && words.chars().count() < 700, "{words}");
    }
}

#[test]
fn a_series_without_a_pod_label_makes_the_answer_useless() {
    for (metric, came) in [
        ("{}", "{}"),
        (r#"{"pod":""}"#, r#"{pod=""}"#),
        (r#"{"kubernetes_pod_name":"a\nb","x":"y"}"#, r#"{kubernetes_pod_name="a\nb", x="y"}"#),
    ] {
        let good = r#"{"metric":{"pod":"b"},"value":[1,"2"]}"#;
        let body = answer("vector", &format!(r#"[{good},{{"metric":{metric},"value":[1,"2"]}}]"#), "");
        let expected = format!("a series came with the labels {came}, expected a label 'pod'");
        assert!(problem(&body).ends_with(&expected), "{}", problem(&body));
    }
}

#[test]
fn an_answer_that_is_not_whole_is_never_read_as_the_fleet() {
    for (more, expected) in [
        (r#","warnings":["store x:\nno route"]"#, "store x: no route"),
        (r#","isPartial":true"#, "isPartial: some storage nodes did not answer"),
        (r#","warnings":["PromQL info: name","PromQL warning: mix"]"#, "PromQL warning: mix"),
    ] {
        let incomplete = Err(MetricsError::Incomplete { message: expected.into() });
        assert_eq!(read(&answer("vector", "[]", more)), incomplete);
        assert_eq!(read(&answer("vector", "[1]", more)), incomplete, "even when the samples can't be read");
    }
}

#[test]
fn remarks_and_unknown_fields_do_not_matter() {
    for more in [
        r#","warnings":[],"infos":["PromQL info: not a counter"]"#,
        r#","warnings":["PromQL info: metric might not be a counter"]"#,
        r#","isPartial":false,"warnings":null,"stats":{"seriesFetched":"1"},"trace":{}"#,
    ] {
        assert_eq!(read(&answer("vector", "[]", more)), Ok(vec![]), "{more}");
    }
}

#[test]
fn other_kinds_of_result_are_named() {
    for (kind, result, expected) in [
        ("matrix", r#"[{"metric":{"pod":"a"},"values":[[1,"2"]]}]"#, "a matrix (a range)"),
        ("matrix", "[]", "a matrix (a range)"),
        ("scalar", r#"[1,"2"]"#, "a scalar"),
        ("string", r#"[1,"x"]"#, "a string"),
    ] {
        let words = problem(&answer(kind, result, ""));
        assert!(words.ends_with(&format!("{expected} came, expected an instant vector")), "{words}");
    }
}

#[test]
fn an_error_in_the_answer_is_sorted_by_its_type() {
    let answer = |kind| format!(r#"{{"status":"error","errorType":"{kind}","error":"no"}}"#);
    let refused = |message: &str| Err(MetricsError::Refused { message: message.into() });
    assert_eq!(read(&answer("bad_data")), refused("bad_data: no"));
    assert_eq!(read(&answer("422")), refused("422: no"));
    assert_eq!(read(&answer("timeout")), Err(MetricsError::Unavailable { message: "timeout: no".into() }));
    assert_eq!(read(r#"{"status":"error","data":null}"#), refused("error: (no text)"));
}

#[test]
fn what_is_no_answer_of_a_query_api_is_shown_from_its_beginning() {
    let whole = pods(&[("a", "1")]);
    for (body, expected) in [
        ("", "(an empty body)"),
        ("<html>\n<body>Sign in", "it begins with: <html> <body>Sign in"),
        (&whole[..whole.len() - 5], "EOF while parsing"),
        (r#"{"status":"success"}"#, "an answer without 'data' came"),
        (&pods(&[("a", "much")]), r#"string "much", expected a sample value such as "1.5""#),
        (&answer("vector", r#"[{"metric":{"pod":"a"},"histogram":[1,{}]}]"#, ""), "missing field `value`"),
        (&answer("vector", r#"[{"metric":{"pod":"a"},"value":[1,2]}]"#, ""), "expected a sample value"),
        (&answer("vector", "[]", r#","data":null"#), "duplicate field `data`"),
        (&answer("tensor", "[]", ""), "unknown variant `tensor`"),
    ] {
        assert!(matches!(read(body), Err(MetricsError::Malformed { .. })), "{body}");
        let words = problem(body);
        assert!(words.contains(expected) && !words.contains('\n') && words.len() < 700, "{body} -> {words}");
    }
}

fn hpa_answer(targets: &[(&str, &str, &str)]) -> String {
    let series: Vec<_> = targets
        .iter()
        .map(|(name, kind, value)| {
            format!(
                r#"{{"metric":{{"horizontalpodautoscaler":"{name}","metric_target_type":"{kind}"}},"value":[1,"{value}"]}}"#
            )
        })
        .collect();
    answer("vector", &format!("[{}]", series.join(",")), "")
}

#[test]
fn autoscalers_come_with_the_unit_of_their_target() {
    let body = hpa_answer(&[("b", "average", "0.5"), ("a", "utilization", "70")]);
    let hpa = |name: &str, target| Hpa {
        name: name.into(),
        scales: None,
        scales_kind: None,
        of_container: false,
        cpu: Some(target),
        scaling: None,
        scales_by: Vec::new(),
    };
    assert_eq!(
        hpas(body.as_bytes()).unwrap().value,
        [hpa("a", CpuTarget::Utilization(70.0)), hpa("b", CpuTarget::AverageValue(Cores::new(0.5).unwrap()))]
    );
}

#[test]
fn an_autoscaler_whose_target_is_unclear_is_an_error_not_an_absence() {
    for (targets, expected) in [
        (vec![("a", "average", "1"), ("a", "utilization", "70")], "autoscaler a has two CPU targets"),
        (vec![("a", "utilization", "NaN")], "autoscaler a has the CPU target NaN"),
        (vec![("a", "average", "0")], "autoscaler a has the CPU target 0"),
        (vec![("a", "value", "1")], "metric_target_type 'value'"),
        (vec![("", "average", "1")], "expected a label 'horizontalpodautoscaler'"),
    ] {
        let words = hpas(hpa_answer(&targets).as_bytes()).unwrap_err().to_string();
        assert!(words.contains(expected), "{words}");
    }
}

fn partition_answer(loads: &[(&str, &str, &str, &str)]) -> String {
    let series: Vec<_> = loads
        .iter()
        .map(|(topic, partition, pod, value)| {
            format!(
                r#"{{"metric":{{"topic":"{topic}","partition":"{partition}","pod":"{pod}"}},"value":[1,"{value}"]}}"#
            )
        })
        .collect();
    answer("vector", &format!("[{}]", series.join(",")), "")
}

#[test]
fn partitions_come_with_their_pods_in_a_fixed_order() {
    let body = partition_answer(&[("t", "1", "a", "5"), ("s", "0", "b", "0")]);
    let of = |topic: &str, partition: &str, pod: &str, value| PartitionLoad {
        topic: topic.into(),
        partition: partition.into(),
        pod: Some(pod.into()),
        load: load(value),
    };
    assert_eq!(partitions(body.as_bytes()).unwrap().value, [of("s", "0", "b", 0.0), of("t", "1", "a", 5.0)]);
}

#[test]
fn two_owners_of_a_partition_are_passed_on_for_the_core_to_judge() {
    let body = partition_answer(&[("t", "0", "a", "1"), ("t", "0", "b", "1")]);
    let owners = partitions(body.as_bytes()).unwrap().value;
    assert_eq!(
        owners.iter().map(|partition| partition.pod.as_deref()).collect::<Vec<_>>(),
        [Some("a"), Some("b")]
    );
}

#[test]
fn partitions_are_known_all_together_or_not_at_all() {
    for (loads, expected) in [
        (vec![("t", "0", "a", "1"), ("t", "0", "a", "1")], "partition 0 of topic t came more than once"),
        (vec![("t", "0", "a", "NaN")], "partition 0 of topic t: NaN is not a load"),
        (vec![("t", "0", "", "1")], "expected a label 'pod'"),
        (vec![("t", "", "a", "1")], "expected a label 'partition'"),
        (vec![("", "0", "a", "1")], "expected a label 'topic'"),
    ] {
        let words = partitions(partition_answer(&loads).as_bytes()).unwrap_err().to_string();
        assert!(words.contains(expected), "{words}");
    }
}

/// Fragments that reach deeper than bytes at random do.
fn almost_an_answer() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<f64>().prop_map(|number| format!("{number:?}")),
        prop_oneof!["NaN", "[+-]Inf", "-?[0-9]{1,4}e[0-9]{1,3}", "\\PC{0,8}"],
    ];
    let series = ("[a-d]?", value).prop_map(|(pod, value)| {
        serde_json::json!({ "metric": { "pod": pod }, "value": [1.5, value] }).to_string()
    });
    // Every other answer breaks off somewhere.
    let lost = prop_oneof![Just(0_usize), 0..200_usize];
    (proptest::collection::vec(series, 0..5), lost).prop_map(|(series, lost): (Vec<String>, usize)| {
        let body = answer("vector", &format!("[{}]", series.join(",")), "");
        let kept = body.chars().count().saturating_sub(lost);
        body.chars().take(kept).collect()
    })
}

fn only_quantities(body: &[u8]) {
    if let Ok(decoded) = samples(body) {
        assert!(decoded.value.values().all(|load| load.get().is_finite() && load.get() >= 0.0));
        assert_eq!(decoded.values, decoded.value.len() + decoded.left_out);
    }
    let _ = (hpas(body), partitions(body), server_error(body));
}

proptest! {
    #[test]
    fn bytes_at_random_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        only_quantities(&body);
    }

    #[test]
    fn whatever_comes_only_quantities_come_out(body in almost_an_answer()) {
        only_quantities(body.as_bytes());
    }
}
