use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rebalancer_core::fleet::{ContainerId, Indicator, Pod, Settled};

use super::*;

const POD: &str = "0b6c1f0e-1f2a-4a51-9c2d-3f8f5d2f7a10";

fn container(letter: char) -> String {
    letter.to_string().repeat(64)
}

/// The cgroup of a container of a pod.
fn cgroup(uid: &str, letter: char) -> String {
    format!("id=/kubepods/burstable/pod{uid}/{}", container(letter))
}

fn labels(text: &str) -> String {
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| format!("{name:?}:{value:?}")).collect::<Vec<_>>().join(",")
}

fn vector_of(elements: &[(String, &str)]) -> String {
    let elements: Vec<_> = elements
        .iter()
        .map(|(text, value)| format!(r#"{{"metric":{{{}}},"value":[1,"{value}"]}}"#, labels(text)))
        .collect();
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, elements.join(","))
}

/// What a pod's series come to by themselves.
fn alone(elements: &[(&str, &str)], parts: Parts) -> Result<Option<f64>, MetricsError> {
    let elements: Vec<_> = elements.iter().map(|(text, value)| (format!("pod=a {text}"), *value)).collect();
    let (found, _) = samples(vector_of(&elements).as_bytes(), parts)?.value;
    Ok(found.get("a").map(|load| load.get()))
}

#[test]
fn without_knowledge_of_the_pod_cpu_is_added_up_and_of_memory_the_larger_one_counts() {
    let both = [("id=/x", "1"), ("id=/y", "2"), ("id=/y my_replica=1", "3")];
    assert_eq!(alone(&both, Parts::Added), Ok(Some(4.0)));
    assert_eq!(alone(&both, Parts::Successive), Ok(Some(3.0)));
    let copy = [("id=/x", "1"), ("id=/y", "2"), ("app=x", "3")];
    assert_eq!(alone(&copy, Parts::Added), Ok(Some(3.0)), "a copy without the label is no third part");
    for parts in [Parts::Added, Parts::Successive] {
        assert_eq!(alone(&[("", "2"), ("my_replica=1", "1")], parts), Ok(Some(2.0)));
        assert_eq!(alone(&[("id=/x", "NaN")], parts), Ok(None));
    }
    assert_eq!(alone(&[("id=/x", "NaN"), ("id=/y", "2")], Parts::Successive), Ok(Some(2.0)));
}

#[test]
fn strangers_by_any_other_label_make_the_answer_useless_whatever_their_containers_are() {
    let (one, other) =
        (format!("{} cluster=eu", cgroup(POD, 'a')), format!("{} cluster=us", cgroup(POD, 'b')));
    let error = alone(&[(&one, "1"), (&other, "1")], Parts::Added).unwrap_err();
    assert!(error.to_string().contains("label cluster"), "{error}");
}

/// What is settled of a pod that runs this container on the node n1.
fn settled(elements: &[(&str, &str)], parts: Parts, running: Option<char>) -> Settled {
    let elements: Vec<_> = elements.iter().map(|(text, value)| (format!("pod=a {text}"), *value)).collect();
    let (_, claims) = samples(vector_of(&elements).as_bytes(), parts).unwrap().value;
    let mut pod = Pod::new("a", POD).with_node("n1");
    pod.container_id = running.map(|letter| ContainerId::new(container(letter)));
    let indicator = match parts {
        Parts::Added => Indicator::Cpu,
        Parts::Successive => Indicator::Memory,
    };
    claims.settle(&pod, indicator)
}

#[test]
fn the_running_container_s_memory_is_told_from_a_dead_one_s() {
    let load = |number| Load::new(number).unwrap();
    let (dead, running) = (cgroup(POD, 'd'), cgroup(POD, 'e'));
    let both = [(dead.as_str(), "1600"), (running.as_str(), "300")];
    assert_eq!(settled(&both, Parts::Successive, Some('e')), Settled::Running(load(300.0)));
    assert_eq!(settled(&both[..1], Parts::Successive, Some('e')), Settled::OfOthers);
    assert_eq!(settled(&both, Parts::Successive, None), Settled::OfPod(load(1600.0)));
    assert_eq!(settled(&[("app=x", "7")], Parts::Successive, Some('e')), Settled::Unclaimed);
    assert_eq!(settled(&both, Parts::Added, Some('e')), Settled::OfPod(load(1900.0)));
}

#[test]
fn a_predecessor_of_the_same_name_is_told_by_its_uid_or_its_node() {
    let load = |number| Load::new(number).unwrap();
    let predecessor = cgroup("ffffffff-1f2a-4a51-9c2d-3f8f5d2f7a10", 'd');
    let own = cgroup(POD, 'e');
    for (parts, expected) in
        [(Parts::Added, Settled::OfPod(load(1.0))), (Parts::Successive, Settled::Running(load(1.0)))]
    {
        let both = [(predecessor.as_str(), "9"), (own.as_str(), "1")];
        assert_eq!(settled(&both, parts, Some('e')), expected);
        assert_eq!(settled(&both[..1], parts, Some('e')), Settled::OfOthers);
        let nodes = [("node=n7 id=/x", "9"), ("node=n1 id=/y", "1")];
        assert_eq!(settled(&nodes, parts, Some('e')), Settled::OfPod(load(1.0)));
        let strange = [("node=10.0.0.7 id=/x", "9"), ("node=10.0.0.1 id=/y", "1")];
        let nodes = vec!["10.0.0.1".to_owned(), "10.0.0.7".to_owned()];
        assert_eq!(settled(&strange, parts, Some('e')), Settled::Unclear { nodes });
        assert_eq!(settled(&strange[1..], parts, Some('e')), Settled::OfPod(load(1.0)));
    }
}

#[test]
fn each_earlier_time_has_its_own_claims() {
    let grid =
        Grid::before(Timestamp::from_second(1000).unwrap(), SignedDuration::from_secs(100), 2).unwrap();
    let track = |letter, points: &str| {
        format!(
            r#"{{"metric":{{{}}},"values":[{points}]}}"#,
            labels(&format!("pod=a {}", cgroup(POD, letter)))
        )
    };
    let tracks = [track('d', r#"[800,"5"],[900,"5"]"#), track('e', r#"[900,"1"]"#)].join(",");
    let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{tracks}]}}}}"#);
    let decoded = past(body.as_bytes(), &grid, Parts::Successive).unwrap();
    assert_eq!((decoded.series, decoded.values, decoded.left_out), (2, 3, 0));
    let mut pod = Pod::new("a", POD);
    pod.container_id = Some(ContainerId::new(container('e')));
    let settled: Vec<_> = decoded
        .value
        .iter()
        .map(|(samples, claims)| (samples["a"].get(), claims.settle(&pod, Indicator::Memory)))
        .collect();
    let one = Load::new(1.0).unwrap();
    assert_eq!(settled, [(5.0, Settled::Running(one)), (5.0, Settled::OfOthers)]);
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_a_panic(pairs in prop::collection::vec(("(pod|id|uid|node|container_id)", "[a/-]{0,80}"), 0..4), value in "(NaN|1|-1|1e308)") {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        let element = format!(r#"{{"metric":{{{}}},"value":[1,"{value}"]}}"#, pairs.join(","));
        let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{element},{element}]}}}}"#);
        for parts in [Parts::Added, Parts::Successive] {
            let _ = samples(body.as_bytes(), parts);
        }
    }
}
