//! Every value of the core that the targets make, so that a new field is looked after in one place. Pods are read from
//! JSON by the real decoder.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::{Hpa, Indicator, PartitionLoad, Pod, Requests, Samples, Uid, Workload};
use rebalancer_core::policy::{Policy, Strategy};
use rebalancer_core::port::{InventoryError, MetricsError, Readings};
use rebalancer_core::report::{Choice, Removal};
use rebalancer_core::snapshot::{ObserveError, Snapshot};
use rebalancer_core::unit::Load;
use rebalancer_kube::fuzzing::one_pod as one_pod_of;
use serde_json::json;

/// 2026-01-01T00:00:00Z, an hour after the fleet became Ready.
pub const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The namespace that is asked.
pub const NAMESPACE: &str = "streams";

/// The container that counts.
pub const CONTAINER: &str = "consumer";

/// Whose fleet.
#[must_use]
pub fn workload() -> Workload {
    Workload { namespace: NAMESPACE.to_owned(), name: "consumer".to_owned() }
}

/// One pod that may be removed.
static POD: LazyLock<Pod> = LazyLock::new(|| {
    let pod = json!({
        "metadata": {
            "name": "any", "namespace": NAMESPACE, "uid": "any",
            "creationTimestamp": "2025-12-31T23:00:00Z",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "consumer-7d4b9c", "controller": true}],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": CONTAINER, "resources": {"requests": {"cpu": "1"}}}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2025-12-31T23:00:00Z"}],
        },
    });
    one_pod_of(pod.to_string().as_bytes(), NAMESPACE, CONTAINER).expect("the pod of this file")
});

/// A pod that may be removed, with this identity.
#[must_use]
pub fn one_pod(name: &str, uid: &str) -> Pod {
    Pod { name: name.to_owned(), uid: Uid::new(uid), ..POD.clone() }
}

/// Pods `p0` to `p7` that may all be removed. The last two have no CPU request of their own.
#[must_use]
pub fn pods() -> Vec<Pod> {
    let pod = |number| one_pod(&format!("p{number}"), &format!("uid-{number}"));
    let without_request = |pod| Pod { container: Some(Requests::default()), ..pod };
    (0..6).map(pod).chain((6..8).map(pod).map(without_request)).collect()
}

/// Joins pods with what was read.
///
/// # Errors
/// As in a cycle.
pub fn snapshot(
    pods: Vec<Pod>,
    hpas: Result<Vec<Hpa>, InventoryError>,
    readings: Readings,
) -> Result<Snapshot, ObserveError> {
    Snapshot::assemble(workload(), NOW, pods, hpas, "", readings)
}

/// Readings of one indicator, with nothing else.
#[must_use]
pub fn readings(indicator: Indicator, samples: Result<Samples, MetricsError>) -> Readings {
    Readings {
        loads: BTreeMap::from([(indicator, samples)]),
        claims: Default::default(),
        cpu_requests: Ok(Samples::new()),
        hpas: Ok(Vec::new()),
        partitions: None,
    }
}

/// An uneven load for each name, in turn: hot, cold and between.
#[must_use]
pub fn uneven<'a>(names: impl IntoIterator<Item = &'a str>) -> Samples {
    const LOADS: [f64; 8] = [2.4, 0.1, 1.0, 1.1, 0.2, 2.2, 0.9, 1.0];
    names.into_iter().zip(LOADS.iter().cycle()).map(|(name, cores)| (name.to_owned(), load(*cores))).collect()
}

/// Two partitions for each pod that explain its load, dealt as only a sticky rule leaves them.
#[must_use]
pub fn partitions(samples: &Samples) -> Vec<PartitionLoad> {
    let partition = |number: usize, pod: &str, rate: f64| PartitionLoad {
        topic: "orders".to_owned(),
        partition: number.to_string(),
        pod: Some(pod.to_owned()),
        load: load(rate),
    };
    let last = (2 * samples.len()).saturating_sub(1);
    let both = |(at, (pod, cores)): (usize, (&String, &Load))| {
        [partition(at, pod, cores.get() * 60.0), partition(last - at, pod, cores.get() * 40.0)]
    };
    samples.iter().enumerate().flat_map(both).collect()
}

fn load(value: f64) -> Load {
    Load::new(value).expect("a load of this file")
}

/// Both strategies, with few pods that must stay, so that much may be removed.
#[must_use]
pub fn policies() -> [Policy; 2] {
    [Strategy::Predict, Strategy::RotateOutliers].map(|strategy| {
        Policy::default()
            .with_strategy(strategy)
            .with_minimum_pods(1)
            .with_minimum_age(SignedDuration::from_mins(5))
    })
}

/// A pod by name and identity.
#[must_use]
pub fn pod_ref(name: &str, uid: &str) -> PodRef {
    PodRef { namespace: NAMESPACE.to_owned(), name: name.to_owned(), uid: Uid::new(uid) }
}

/// The removal of this pod.
#[must_use]
pub fn removal(pod: PodRef) -> Removal {
    Removal {
        pod,
        node: None,
        owner: None,
        indicator: Indicator::Cpu,
        load: load(1.0),
        choice: Choice::Cold { rank: 1, score: None },
    }
}
