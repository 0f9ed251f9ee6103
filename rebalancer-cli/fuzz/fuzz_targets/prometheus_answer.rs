//! Answers of a metric server: CPU loads, CPU requests, autoscalers' targets and partition loads, in this order, as
//! documents of one input.
//!
//! Only quantities come out; what is not whole gives no samples, and what is given was in the answer. Joined with a
//! fleet of eight pods, it gives no plan that the audit refuses, and none at all without loads.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rebalancer_core::fleet::{CpuTarget, Indicator};
use rebalancer_core::port::{InventoryError, MetricsError, Readings};
use rebalancer_fuzz::{documents, fleet, general, is_one_short_line, judge};
use rebalancer_prom::fuzzing::{by_container, hpas, keeping_labels, partitions, samples, server_error};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    rebalancer_fuzz::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let answers = documents(data);
    for body in &answers {
        check_samples(body);
        check_hpas(body);
        check_partitions(body);
        check_keeping_labels(body);
        let _ = server_error(body);
    }
    let readings = as_cpu(&answers);
    check_plans(&readings);
    // What can't be read as one indicator can't be read as another.
    if readings.loads.values().all(Result::is_ok) {
        check_plans(&as_lag(readings));
    }
});

fn check_samples(body: &[u8]) {
    let samples = match samples(body) {
        Ok(samples) => samples,
        Err(error) => return is_one_short_line(&error.to_string()),
    };
    assert!(samples.values().all(|load| load.get().is_finite() && load.get() >= 0.0), "{samples:?}");
    let Some(raw) = raw(body) else { return };
    assert!(is_whole(&raw), "samples of an answer that is not whole");
    let given: BTreeMap<String, f64> = samples.into_iter().map(|(pod, load)| (pod, load.get())).collect();
    assert_eq!(given, usable(&raw), "samples are those of the answer");
}

fn check_hpas(body: &[u8]) {
    let hpas = match hpas(body) {
        Ok(hpas) => hpas,
        Err(error) => return is_one_short_line(&error.to_string()),
    };
    for hpa in hpas {
        let number = match hpa.cpu {
            Some(CpuTarget::Utilization(percent)) => percent,
            Some(CpuTarget::AverageValue(cores)) => cores.get(),
            None => panic!("an autoscaler without a target: {hpa:?}"),
        };
        assert!(number.is_finite() && number > 0.0 && !hpa.name.is_empty(), "{hpa:?}");
    }
    assert!(raw(body).is_none_or(|raw| is_whole(&raw)), "autoscalers of an answer that is not whole");
}

fn check_partitions(body: &[u8]) {
    let partitions = match partitions(body) {
        Ok(partitions) => partitions,
        Err(error) => return is_one_short_line(&error.to_string()),
    };
    for one in &partitions {
        assert!(one.load.get().is_finite() && one.load.get() >= 0.0, "{one:?}");
        let pod = one.pod.as_deref().unwrap_or_default();
        assert!(![one.topic.as_str(), &one.partition, pod].iter().any(|label| label.is_empty()), "{one:?}");
    }
    let Some(raw) = raw(body) else { return };
    assert!(is_whole(&raw), "partitions of an answer that is not whole");
    assert_eq!(partitions.len(), series(&raw).len(), "partitions are known all together or not at all");
}

/// As the queries that are ready are answered.
fn check_keeping_labels(body: &[u8]) {
    let (samples, _, partitions) = match keeping_labels(body) {
        Ok(read) => read,
        Err(error) => return is_one_short_line(&error.to_string()),
    };
    let loads = samples.values().chain(partitions.iter().map(|one| &one.load));
    assert!(loads.into_iter().all(|load| load.get().is_finite() && load.get() >= 0.0), "{samples:?}");
    assert!(raw(body).is_none_or(|raw| is_whole(&raw)), "loads of an answer that is not whole");
    let Ok(loads) = by_container(body) else { return };
    let loads = loads.iter().flat_map(|(samples, _)| samples.values());
    assert!(loads.into_iter().all(|load| load.get().is_finite() && load.get() >= 0.0));
    assert!(raw(body).is_none_or(|raw| is_whole(&raw)), "loads of an answer that is not whole");
}

/// What a general reader makes of it, unless it has lists for objects.
fn raw(body: &[u8]) -> Option<Value> {
    let of_objects = |raw: &Value| {
        raw["data"].is_object() && series(raw).iter().all(|series| series["metric"].is_object())
    };
    general(body).filter(of_objects)
}

fn is_whole(raw: &Value) -> bool {
    let gap = |warning: &Value| !warning.as_str().is_some_and(|words| words.starts_with("PromQL info:"));
    raw["status"] == "success" && raw["isPartial"] != true && !list(&raw["warnings"]).iter().any(gap)
}

/// The values of the answer that are loads.
fn usable(raw: &Value) -> BTreeMap<String, f64> {
    let sample = |series: &Value| {
        let value: f64 = series["value"][1].as_str()?.parse().ok()?;
        let pod = series["metric"]["pod"].as_str()?.to_owned();
        (value.is_finite() && value >= 0.0).then_some((pod, value))
    };
    series(raw).iter().filter_map(sample).collect()
}

fn series(raw: &Value) -> &[Value] {
    list(&raw["data"]["result"])
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The loads are the only ones that there are.
fn as_cpu(answers: &[&[u8]]) -> Readings {
    let loads = fleet::readings(Indicator::Cpu, samples(answers[0]));
    Readings {
        cpu_requests: answers.get(1).map_or_else(|| Err(not_asked()), |body| samples(body)),
        hpas: answers.get(2).map_or_else(|| Err(not_asked()), |body| hpas(body)),
        partitions: answers.get(3).map(|body| partitions(body)),
        ..loads
    }
}

/// The loads come on top of good ones.
fn as_lag(mut readings: Readings) -> Readings {
    let names: Vec<String> = fleet::pods().into_iter().map(|pod| pod.name).collect();
    let lag = readings.loads.remove(&Indicator::Cpu);
    readings.loads.extend(lag.map(|lag| (Indicator::Lag, lag)));
    readings.loads.insert(Indicator::Cpu, Ok(fleet::uneven(names.iter().map(String::as_str))));
    readings
}

fn not_asked() -> MetricsError {
    MetricsError::Unavailable { message: "not asked".to_owned() }
}

/// Plans with an API server that shows no autoscaler, and with one that can't be asked.
fn check_plans(readings: &Readings) {
    let asked = InventoryError::Unavailable { message: "not asked".to_owned() };
    let some_load = readings.loads.values().any(Result::is_ok);
    let some_target = readings.hpas.as_ref().is_ok_and(|hpas| hpas.iter().any(|hpa| hpa.name == "consumer"));
    for (hpas, may_be_seen) in [(Ok(Vec::new()), some_load), (Err(asked), some_load && some_target)] {
        let snapshot = fleet::snapshot(fleet::pods(), hpas, readings.clone());
        assert_eq!(snapshot.is_ok(), may_be_seen, "{snapshot:?}");
        for policy in fleet::policies() {
            let _ = snapshot.as_ref().map(|snapshot| judge::plan(snapshot, &policy));
        }
    }
}
