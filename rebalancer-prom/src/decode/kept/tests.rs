use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rebalancer_core::fleet::CpuTarget;

use super::*;

fn body(kind: &str, elements: &[String]) -> String {
    let elements = elements.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{elements}]}}}}"#)
}

/// Labels such as `pod=a cluster=eu`.
fn labels(text: &str) -> String {
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| format!("{name:?}:{value:?}")).collect::<Vec<_>>().join(",")
}

fn vector_of(elements: &[(&str, &str)]) -> String {
    let element =
        |(text, value): &(&str, &str)| format!(r#"{{"metric":{{{}}},"value":[1,"{value}"]}}"#, labels(text));
    body("vector", &elements.iter().map(element).collect::<Vec<_>>())
}

fn read(elements: &[(&str, &str)]) -> Result<Vec<(String, f64)>, MetricsError> {
    let value = samples(vector_of(elements).as_bytes())?.value;
    Ok(value.into_iter().map(|(pod, load)| (pod, load.get())).collect())
}

fn ambiguous<T>(of: &str, label: &str, values: &[&str]) -> Result<T, MetricsError> {
    let values = values.iter().map(|&value| value.to_owned()).collect();
    Err(MetricsError::Ambiguous { of: of.to_owned(), label: label.to_owned(), values, passing: false })
}

#[test]
fn copies_are_folded_to_the_larger_one_and_the_labels_of_one_pod_alone_do_not_matter() {
    assert_eq!(
        read(&[
            ("pod=a cluster=eu vm_replica=1", "1"),
            ("pod=a cluster=eu vm_replica=2", "2"),
            ("pod=b cluster=us", "3"),
            ("pod=c", "NaN"),
            ("pod=d vm_replica=1", "NaN"),
            ("pod=d vm_replica=2", "4"),
        ]),
        Ok(vec![("a".into(), 2.0), ("b".into(), 3.0), ("d".into(), 4.0)])
    );
}

#[test]
fn strangers_make_the_answer_useless_even_when_they_agree_or_have_no_usable_value() {
    for (one, other) in [("1", "1"), ("1", "9"), ("NaN", "9"), ("9", "NaN")] {
        let found = read(&[("pod=b", "1"), ("pod=a cluster=eu", one), ("pod=a cluster=us", other)]);
        assert_eq!(found, ambiguous("pod a", "cluster", &["eu", "us"]));
    }
}

#[test]
fn an_element_without_a_pod_must_tell_of_a_partition() {
    let error = read(&[("x=y", "1")]).unwrap_err().to_string();
    assert!(error.ends_with("expected a label 'pod'"), "{error}");
    assert_eq!(read(&[("pod=a", "1"), ("topic=t partition=3", "7")]), Ok(vec![("a".into(), 1.0)]));
    let clusters = [("pod=a", "1"), ("topic=t partition=3 k=x", "7"), ("topic=t partition=3 k=y", "7")];
    assert_eq!(read(&clusters), ambiguous("partition 3 of topic t", "k", &["x", "y"]));
}

#[test]
fn a_partition_that_no_pod_holds_has_no_owner() {
    let body = vector_of(&[
        ("topic=t partition=0 pod=a cluster=eu", "1"),
        ("topic=t partition=1 pod=b", "2"),
        ("topic=t partition=1 pod=c", "2"),
        ("topic=t partition=2", "7"),
        // Copies that the server did not fold, of one that a pod holds.
        ("topic=t partition=0 my_replica=1", "9"),
        ("topic=t partition=0 my_replica=2", "9"),
    ]);
    let loads = partitions(body.as_bytes()).unwrap().value;
    let seen: Vec<_> =
        loads.iter().map(|load| (load.partition.as_str(), load.pod.as_deref(), load.load.get())).collect();
    assert_eq!(seen, [("0", Some("a"), 1.0), ("1", Some("b"), 2.0), ("1", Some("c"), 2.0), ("2", None, 7.0)]);
}

#[test]
fn partitions_of_strangers_are_told() {
    for elements in [
        [("topic=t partition=0 pod=a cluster=eu", "1"), ("topic=t partition=0 pod=a cluster=us", "1")],
        [("topic=t partition=0 cluster=eu", "1"), ("topic=t partition=0 cluster=us", "1")],
    ] {
        let found = partitions(vector_of(&elements).as_bytes());
        assert_eq!(found, ambiguous("partition 0 of topic t", "cluster", &["eu", "us"]));
    }
    for missing in ["partition=0 pod=a", "topic=t pod=a"] {
        let found = partitions(vector_of(&[(missing, "1")]).as_bytes());
        assert!(matches!(found, Err(MetricsError::Malformed { .. })), "{found:?}");
    }
}

#[test]
fn an_autoscaler_of_another_cluster_is_a_stranger_and_two_kinds_of_target_stay_a_contradiction() {
    let one = "horizontalpodautoscaler=orders metric_target_type=utilization";
    let of = |more: &str| format!("{one} {more}");
    let copies = vector_of(&[(&of("my_replica=0"), "70"), (&of("my_replica=1"), "70")]);
    let found = hpas(copies.as_bytes()).unwrap().value;
    assert_eq!(found.iter().map(|hpa| hpa.cpu).collect::<Vec<_>>(), [Some(CpuTarget::Utilization(70.0))]);
    let strangers = vector_of(&[(&of("cluster=eu"), "70"), (&of("cluster=us"), "90")]);
    assert_eq!(hpas(strangers.as_bytes()), ambiguous("autoscaler orders", "cluster", &["eu", "us"]));
    let two = vector_of(&[(one, "70"), ("horizontalpodautoscaler=orders metric_target_type=average", "2")]);
    let error = hpas(two.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("two CPU targets"), "{error}");
}

/// 1000 is the present; the times are 900, 800 and 700.
fn grid() -> Grid {
    Grid::before(Timestamp::from_second(1000).unwrap(), SignedDuration::from_secs(100), 3).unwrap()
}

fn read_past(tracks: &[(&str, &[(u32, &str)])]) -> Result<Vec<Vec<(String, f64)>>, MetricsError> {
    let track = |(text, points): &(&str, &[(u32, &str)])| {
        let points: Vec<_> = points.iter().map(|(time, value)| format!(r#"[{time},"{value}"]"#)).collect();
        format!(r#"{{"metric":{{{}}},"values":[{}]}}"#, labels(text), points.join(","))
    };
    let body = body("matrix", &tracks.iter().map(track).collect::<Vec<_>>());
    let plain = |samples: Samples| samples.into_iter().map(|(pod, load)| (pod, load.get())).collect();
    Ok(past(body.as_bytes(), &grid())?.value.into_iter().map(plain).collect())
}

#[test]
fn in_the_past_a_pod_may_have_had_other_labels_but_not_two_at_a_time() {
    let moved = read_past(&[("pod=a node=n1", &[(700, "1"), (800, "2")]), ("pod=a node=n2", &[(900, "3")])]);
    let one = |load: f64| vec![("a".to_owned(), load)];
    assert_eq!(moved, Ok(vec![one(3.0), one(2.0), one(1.0)]));
    let strangers = read_past(&[("pod=a cluster=eu", &[(700, "1")]), ("pod=a cluster=us", &[(700, "1")])]);
    assert_eq!(strangers, ambiguous("pod a", "cluster", &["eu", "us"]));
    let copies = read_past(&[("pod=a my_replica=0", &[(700, "1")]), ("pod=a my_replica=1", &[(700, "2")])]);
    assert_eq!(copies, Ok(vec![vec![], vec![], one(2.0)]));
    let partitions =
        [("pod=a", &[(700, "1")][..]), ("topic=t partition=0", &[(700, "5")]), ("topic=t partition=1", &[])];
    assert_eq!(read_past(&partitions), Ok(vec![vec![], vec![], one(1.0)]));
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_a_panic(pairs in prop::collection::vec(("(pod|topic|partition|cluster|x)", "[ab]?"), 0..4), value in "(NaN|1|-1)") {
        let metric: BTreeMap<String, String> = pairs.into_iter().collect();
        let metric: Vec<_> = metric.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        let element = format!(r#"{{"metric":{{{}}},"value":[1,"{value}"]}}"#, metric.join(","));
        let body = body("vector", &[element.clone(), element]);
        let _ = (samples(body.as_bytes()), hpas(body.as_bytes()), partitions(body.as_bytes()));
    }
}
