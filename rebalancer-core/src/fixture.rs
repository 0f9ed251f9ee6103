//! Pods, snapshots and policies for the tests of this crate.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::audit::Violation;
use crate::fleet::{
    Addresses, Controller, CpuTarget, Extras, Hpa, Indicator, Labels, Owner, OwnerReference, Ownership,
    Phase, Pod, Progress, Requests, Samples, Uid, Workload,
};
use crate::history::Constraints;
use crate::policy::{Persistence, Policy};
use crate::port::Readings;
use crate::report::{Plan, Report, Verdict};
use crate::snapshot::{Snapshot, Surroundings};
use crate::unit::{Cores, Load, Share};

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A pod that may be removed: Ready for an hour, one core requested, owned by a ReplicaSet.
pub(crate) fn pod(name: &str) -> Pod {
    let since = NOW - SignedDuration::from_hours(1);
    Pod {
        namespace: "streams".into(),
        name: name.to_owned(),
        uid: Uid::new(format!("uid-{name}")),
        phase: Phase::Running,
        ready: true,
        ready_since: Some(since),
        terminating: false,
        created_at: Some(since),
        node: Some("node-1".into()),
        owner: Some(owner("ReplicaSet", "consumer-1")),
        mirror: false,
        priority: Some(0),
        labels: [("app".to_owned(), "consumer".to_owned())].into(),
        annotations: Labels::default(),
        container: Some(Requests { cpu: Some(Cores::new(1.0).unwrap()), memory: None }),
        ips: Addresses::default(),
        container_id: None,
        extras: Extras::default(),
    }
}

/// A reference to an object whose UID follows from its kind and name.
pub(crate) fn owner(kind: &str, name: &str) -> Owner {
    Owner::of_apps(kind, name, format!("uid-of-{kind}-{name}"))
}

/// The object that [`owner`] names, at rest with so many pods.
pub(crate) fn controller(kind: &str, name: &str, pods: u32) -> Controller {
    let OwnerReference { api_version, kind, name, uid } = (*owner(kind, name)).clone();
    let progress = Progress { status_is_current: true, desired: pods, current: pods, updated: pods };
    Controller {
        api_version,
        kind,
        name,
        uid,
        annotations: BTreeMap::new(),
        marks: Vec::new(),
        owner: None,
        progress: Some(progress),
        at_work: None,
    }
}

/// The Deployment of [`workload`] with so many pods, and the ReplicaSet of [`pod`], which it owns.
pub(crate) fn owned_by(deployment: Controller) -> Surroundings {
    let set = Controller {
        owner: Some(owner("Deployment", "consumer")),
        ..controller("ReplicaSet", "consumer-1", 0)
    };
    let ownership = Ownership { objects: vec![set, deployment.clone()], ..Ownership::default() };
    Surroundings { controller: Some(deployment), ownership, ..Surroundings::default() }
}

pub(crate) fn workload() -> Workload {
    Workload { namespace: "streams".to_owned(), name: "consumer".to_owned() }
}

pub(crate) fn hpa(percent: f64) -> Hpa {
    Hpa {
        name: "consumer".to_owned(),
        scales: Some("consumer".to_owned()),
        scales_kind: None,
        of_container: false,
        cpu: Some(CpuTarget::Utilization(percent)),
        scaling: None,
        scales_by: Vec::new(),
    }
}

pub(crate) fn samples(loads: &[(&str, f64)]) -> Samples {
    loads.iter().map(|(name, load)| ((*name).to_owned(), Load::new(*load).unwrap())).collect()
}

pub(crate) fn readings(cpu: &[(&str, f64)]) -> Readings {
    Readings {
        loads: BTreeMap::from([(Indicator::Cpu, Ok(samples(cpu)))]),
        claims: Default::default(),
        cpu_requests: Ok(Samples::new()),
        hpas: Ok(Vec::new()),
        partitions: None,
    }
}

/// Names `a`, `b`, ... for a list of loads.
pub(crate) fn named(loads: &[f64]) -> Vec<(String, f64)> {
    loads.iter().enumerate().map(|(i, load)| (format!("p{i:03}"), *load)).collect()
}

/// A fleet with these CPU loads, and an HPA at this percentage of one core each.
pub(crate) fn snapshot(cpu: &[f64], percent: Option<f64>) -> Snapshot {
    let named = named(cpu);
    let loads: Vec<(&str, f64)> = named.iter().map(|(name, load)| (name.as_str(), *load)).collect();
    let pods = named.iter().map(|(name, _)| pod(name)).collect();
    let hpas = percent.map(hpa).into_iter().collect();
    Snapshot::assemble(workload(), NOW, pods, Ok(hpas), "", readings(&loads)).unwrap()
}

/// A fleet with these CPU loads and CPU requests, in cores, and an HPA at this percentage of each pod's own.
pub(crate) fn sized(cpu: &[(f64, f64)], percent: f64) -> Snapshot {
    let loads: Vec<f64> = cpu.iter().map(|(load, _)| *load).collect();
    let mut fleet = snapshot(&loads, Some(percent));
    for (pod, (_, request)) in fleet.pods.iter_mut().zip(cpu) {
        pod.cpu_request = Some(Cores::new(*request).unwrap());
    }
    fleet
}

/// A fleet measured by several indicators, where `None` is a missing sample, and an HPA at this percentage of one core each.
pub(crate) fn measured(by: &[(Indicator, &[Option<f64>])], percent: Option<f64>) -> Snapshot {
    let count = by.iter().map(|(_, loads)| loads.len()).max().unwrap_or(0);
    let names: Vec<String> = named(&vec![0.0; count]).into_iter().map(|(name, _)| name).collect();
    let samples = |loads: &[Option<f64>]| {
        let known = names.iter().zip(loads).filter_map(|(name, load)| Some((name.as_str(), (*load)?)));
        samples(&known.collect::<Vec<_>>())
    };
    let loads = by.iter().map(|(indicator, loads)| (*indicator, Ok(samples(loads)))).collect();
    let pods = names.iter().map(|name| pod(name)).collect();
    let hpas = percent.map(hpa).into_iter().collect();
    Snapshot::assemble(workload(), NOW, pods, Ok(hpas), "", Readings { loads, ..readings(&[]) }).unwrap()
}

/// The default policy without a minimum of pods and largest shares, satisfied with one reading.
pub(crate) fn policy() -> Policy {
    Policy::default()
        .with_minimum_pods(0)
        .with_most_share(Share::new(1.0).unwrap())
        .with_most_young(Share::new(1.0).unwrap())
        .with_persistence(Persistence::NONE)
}

/// Plans without memory.
pub(crate) fn plan(snapshot: &Snapshot, policy: &Policy) -> Report {
    crate::planner::plan(snapshot, policy, &Constraints::default())
}

/// What was decided about each pod, in the order of the snapshot.
pub(crate) fn verdicts(report: &Report) -> Vec<Verdict> {
    report.pods.iter().map(|pod| pod.verdict.clone()).collect()
}

/// Every safety rule that a plan breaks, without memory.
pub(crate) fn violations(plan: &Plan, snapshot: &Snapshot, policy: &Policy) -> Vec<Violation> {
    crate::audit::audit(plan, snapshot, policy, &Constraints::default()).err().unwrap_or_default()
}

/// Written as JSON and read again.
#[cfg(feature = "serde")]
pub(crate) fn read_back<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
