//! What the API server lists: pods, and autoscalers, as two documents of one input.
//!
//! No pod comes out without an identity. With an uneven load for each pod there is no plan that the audit refuses, and
//! each pod of a plan is one that the JSON itself shows to be Ready, replaceable and of this workload.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rebalancer_core::fleet::{CpuTarget, Hpa, Indicator, Pod};
use rebalancer_core::port::Readings;
use rebalancer_core::report::{Plan, Removal};
use rebalancer_fuzz::{documents, fleet, general, is_one_short_line, judge};
use rebalancer_kube::fuzzing;
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    rebalancer_fuzz::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let lists = documents(data);
    for body in &lists {
        match fuzzing::one_pod(body, fleet::NAMESPACE, fleet::CONTAINER) {
            Ok(pod) => check_pod(&pod),
            Err(error) => is_one_short_line(&error.to_string()),
        }
    }
    let hpas = lists.get(1).map_or_else(Vec::new, |body| hpas(body));
    match fuzzing::pods(lists[0], fleet::NAMESPACE, fleet::CONTAINER) {
        Ok(pods) => check_plans(lists[0], &pods, &hpas),
        Err(error) => is_one_short_line(&error.to_string()),
    }
});

fn check_pod(pod: &Pod) {
    assert!(pod.uid != *"" && !pod.name.is_empty() && !pod.namespace.is_empty(), "{pod:?}");
    let requests = pod.container.unwrap_or_default();
    assert!(requests.cpu.is_none_or(|cores| cores.get().is_finite() && cores.get() >= 0.0), "{pod:?}");
    assert!(requests.memory.is_none_or(|bytes| bytes.get().is_finite() && bytes.get() >= 0.0), "{pod:?}");
}

fn hpas(body: &[u8]) -> Vec<Hpa> {
    let hpas = match fuzzing::hpas(body, fleet::CONTAINER) {
        Ok(hpas) => hpas,
        Err(error) => {
            is_one_short_line(&error.to_string());
            return Vec::new();
        }
    };
    for hpa in &hpas {
        let number = match hpa.cpu {
            Some(CpuTarget::Utilization(percent)) => percent,
            Some(CpuTarget::AverageValue(cores)) => cores.get(),
            None => 0.0,
        };
        assert!(number.is_finite() && !hpa.name.is_empty(), "{hpa:?}");
    }
    hpas
}

fn check_plans(body: &[u8], pods: &[Pod], hpas: &[Hpa]) {
    pods.iter().for_each(check_pod);
    let samples = fleet::uneven(pods.iter().map(|pod| pod.name.as_str()));
    let partitions = Some(Ok(fleet::partitions(&samples)));
    let readings = fleet::readings(Indicator::Cpu, Ok(samples));
    let readings = [readings.clone(), Readings { partitions, ..readings }];
    for (readings, policy) in readings.into_iter().zip(fleet::policies().into_iter().rev()) {
        let snapshot = fleet::snapshot(pods.to_vec(), Ok(hpas.to_vec()), readings).expect("loads are there");
        if let Some(plan) = judge::plan(&snapshot, &policy) {
            check_against_the_json(body, &plan);
        }
    }
}

/// The audit believes the decoder; this doesn't.
fn check_against_the_json(body: &[u8], plan: &Plan) {
    let Some(raw) = general(body) else { return };
    for removal in &plan.removals {
        let shown = list(&raw["items"]).iter().any(|pod| is(pod, removal) && may_go(pod));
        assert!(shown, "{removal:?}");
    }
}

fn is(pod: &Value, removal: &Removal) -> bool {
    let metadata = &pod["metadata"];
    metadata["uid"] == removal.pod.uid.to_string()
        && metadata["name"] == removal.pod.name.as_str()
        && metadata["namespace"] == fleet::NAMESPACE
}

fn may_go(pod: &Value) -> bool {
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let owner = |owner: &Value| {
        let name = owner["name"].as_str().unwrap_or_default();
        owner["controller"] == true && (name == "consumer" || name.starts_with("consumer-"))
    };
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    metadata["deletionTimestamp"].is_null()
        && list(&metadata["ownerReferences"]).iter().any(owner)
        && metadata["annotations"]["pod-rebalancer.io/opt-out"] != "true"
        && metadata["annotations"]["kubernetes.io/config.mirror"].is_null()
        && list(&spec["containers"]).iter().any(|container| container["name"] == fleet::CONTAINER)
        && status["phase"] == "Running"
        && list(&status["conditions"]).iter().any(ready)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
