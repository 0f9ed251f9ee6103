use super::*;
use crate::fixture::{NOW, pod, readings, workload};
use crate::fleet::{Claims, ContainerId, Identity, Uid};

fn assemble(pods: Vec<Pod>, readings: Readings) -> Snapshot {
    Snapshot::assemble(workload(), NOW, pods, Ok(Vec::new()), "", readings).unwrap()
}

fn cpu_of(snapshot: &Snapshot) -> Vec<(&str, Option<f64>)> {
    snapshot
        .pods
        .iter()
        .map(|pod| (pod.pod.name.as_str(), pod.loads.get(Indicator::Cpu).map(Load::get)))
        .collect()
}

#[test]
fn a_pod_without_a_sample_is_missing_and_a_sample_without_a_pod_is_ignored() {
    let snapshot = assemble(
        vec![pod("c"), pod("a"), pod("b")],
        readings(&[("a", 1.0), ("b0", 9.0), ("c", 3.0), ("z", 9.0)]),
    );
    assert_eq!(cpu_of(&snapshot), [("a", Some(1.0)), ("b", None), ("c", Some(3.0))]);
    assert_eq!(snapshot.unlisted, ["b0", "z"]);
}

#[test]
fn a_sample_is_nobodys_when_two_pods_have_the_name() {
    let mut twin = pod("a");
    twin.uid = Uid::new("another");
    let snapshot = assemble(vec![pod("a"), twin, pod("b")], readings(&[("a", 1.0), ("b", 2.0)]));
    assert_eq!(cpu_of(&snapshot), [("a", None), ("a", None), ("b", Some(2.0))]);
    assert!(snapshot.unlisted.is_empty());
}

#[test]
fn the_pods_own_request_comes_before_the_measured_one() {
    let mut bare = pod("b");
    bare.container = Some(crate::fleet::Requests::default());
    let mut readings = readings(&[("a", 1.0)]);
    readings.cpu_requests = Ok(crate::fixture::samples(&[("a", 7.0), ("b", 2.0)]));
    let snapshot = assemble(vec![pod("a"), bare], readings);
    let requests: Vec<_> = snapshot.pods.iter().map(|pod| pod.cpu_request.map(Cores::get)).collect();
    assert_eq!(requests, [Some(1.0), Some(2.0)]);
}

#[test]
fn requests_that_the_metric_system_can_not_tell_matter_only_where_the_api_has_none() {
    let mixed = MetricsError::Ambiguous {
        of: "pod a".to_owned(),
        label: "cluster".to_owned(),
        values: vec!["eu".to_owned(), "us".to_owned()],
        passing: false,
    };
    let of = |pod: Pod| {
        let mut readings = readings(&[("a", 1.0)]);
        readings.cpu_requests = Err(mixed.clone());
        assemble(vec![pod], readings)
    };
    assert_eq!(of(pod("a")).ambiguous(), None);
    let mut bare = pod("a");
    bare.container = Some(crate::fleet::Requests::default());
    assert_eq!(of(bare).ambiguous(), Some(("cpu_requests", &mixed)));
}

#[test]
fn requests_are_those_that_the_autoscaler_divides_by() {
    let mut pod = pod("a");
    pod.extras.whole.cpu = Cores::new(4.0).ok();
    let request = |of_container| {
        let hpa = Hpa { of_container, ..crate::fixture::hpa(70.0) };
        let pods = vec![pod.clone()];
        let readings = readings(&[("a", 1.0)]);
        let snapshot = Snapshot::assemble(workload(), NOW, pods, Ok(vec![hpa]), "", readings).unwrap();
        snapshot.pods[0].cpu_request.map(Cores::get)
    };
    assert_eq!(request(false), Some(4.0));
    assert_eq!(request(true), Some(1.0));
}

#[test]
fn the_memory_of_a_container_that_may_be_dead_is_nobody_s() {
    let with = |ago: i64| {
        let restarted_at = NOW - jiff::SignedDuration::from_secs(ago);
        let mut both = readings(&[("a", 1.0)]);
        both.loads.insert(Indicator::Memory, Ok(crate::fixture::samples(&[("a", 1.6e9)])));
        let snapshot = assemble(vec![pod("a").with_restarted_at(restarted_at)], both);
        let of = |indicator| snapshot.pods[0].loads.get(indicator).is_some();
        (of(Indicator::Cpu), of(Indicator::Memory))
    };
    assert_eq!(with(299), (true, false));
    assert_eq!(with(300), (true, true));
}

#[test]
fn an_indicator_that_fails_is_dropped_and_named_and_without_any_there_is_no_snapshot() {
    let error = MetricsError::Unavailable { message: "down".to_owned() };
    let mut some = readings(&[("a", 1.0)]);
    some.loads.insert(Indicator::Lag, Err(error.clone()));
    let snapshot = assemble(vec![pod("a")], some);
    assert_eq!(snapshot.readable, [Indicator::Cpu]);
    assert_eq!(snapshot.degraded, [Degraded { indicator: Indicator::Lag, error: error.clone() }]);

    // A store that mixes clusters is no failure: it is decided on, and held.
    let mixed = MetricsError::Ambiguous {
        of: "pod a".to_owned(),
        label: "cluster".to_owned(),
        values: vec!["eu".to_owned(), "us".to_owned()],
        passing: false,
    };
    let mut strangers = readings(&[]);
    strangers.loads.insert(Indicator::Cpu, Err(mixed.clone()));
    assert_eq!(assemble(vec![pod("a")], strangers).ambiguous(), Some(("cpu", &mixed)));

    let mut none = readings(&[]);
    none.loads.insert(Indicator::Cpu, Err(error.clone()));
    assert_eq!(
        Snapshot::assemble(workload(), NOW, vec![pod("a")], Ok(Vec::new()), "", none),
        Err(ObserveError::Metrics { indicator: Indicator::Cpu, error })
    );
}

/// The same at an earlier time.
fn two_containers_before() -> PastReading {
    let (samples, claims) = two_containers();
    PastReading { samples, claims }
}

/// Memory of the pod `a`, in which the container `new` runs: of that one, and of one before it.
fn two_containers() -> (Samples, Claims) {
    let mut claims = Claims::default();
    for (container, bytes) in [("old", 1.6e9), ("new", 3e8)] {
        let identity = Identity { container: Some(ContainerId::new(container)), ..Identity::default() };
        claims.add("a", identity, Load::new(bytes).unwrap());
    }
    (crate::fixture::samples(&[("a", 1.6e9)]), claims)
}

#[test]
fn the_memory_of_the_running_container_is_the_pod_s_at_once() {
    let restarted_at = NOW - jiff::SignedDuration::from_secs(1);
    let container_id = Some(ContainerId::new("new"));
    let pod = Pod { container_id, ..pod("a").with_restarted_at(restarted_at) };
    let (samples, claims) = two_containers();
    let mut both = readings(&[("a", 1.0)]);
    both.loads.insert(Indicator::Memory, Ok(samples));
    both.claims.insert(Indicator::Memory, claims);
    let snapshot = assemble(vec![pod.clone()], both.clone());
    let memory = |snapshot: &Snapshot| snapshot.pods[0].loads.get(Indicator::Memory).map(Load::get);
    assert_eq!(memory(&snapshot), Some(3e8));
    assert_eq!(
        snapshot.own_past(Indicator::Memory, vec![two_containers_before()]).unwrap(),
        vec![crate::fixture::samples(&[("a", 3e8)])]
    );
    let another = Pod { container_id: Some(ContainerId::new("newer")), ..pod };
    let snapshot = assemble(vec![another], both);
    assert_eq!((memory(&snapshot), snapshot.unlisted.len()), (None, 0));
    let past = snapshot.own_past(Indicator::Memory, vec![two_containers_before()]).unwrap();
    assert_eq!(past, vec![Samples::new()]);
}

#[test]
fn series_that_name_nodes_which_nobody_knows_are_those_of_nobody_known() {
    let mut claims = Claims::default();
    for node in ["x", "y"] {
        let identity = Identity { node: Some(node.into()), ..Identity::default() };
        claims.add("a", identity, Load::new(1.0).unwrap());
    }
    let mut both = readings(&[("a", 1.0)]);
    both.loads.insert(Indicator::Lag, Ok(crate::fixture::samples(&[("a", 1.0)])));
    both.claims.insert(Indicator::Cpu, claims);
    let snapshot = assemble(vec![pod("a")], both);
    assert_eq!(snapshot.readable, [Indicator::Lag]);
    let (name, error) = snapshot.ambiguous().unwrap();
    assert_eq!((name, error.to_string().contains("label node (\"x\", \"y\")")), ("cpu", true), "{error}");
}
