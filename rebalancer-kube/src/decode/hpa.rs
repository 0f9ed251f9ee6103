//! Horizontal pod autoscalers, `autoscaling/v2`.

use rebalancer_core::fleet::{CpuTarget, Hpa};
use rebalancer_core::port::InventoryError;
use rebalancer_core::unit::Cores;
use serde::Deserialize;

use super::scaling::{Status, scaling};
use super::scaling_metric::{Body, Metric, Numbers, metrics};
use super::{incomplete, quantity};
use crate::answer::OnlyJson;

/// An autoscaler as the server sends it, as far as it matters here.
#[derive(Clone, Deserialize)]
pub(crate) struct RawHpa {
    pub(crate) metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

impl OnlyJson for RawHpa {}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: Option<String>,
    pub(crate) resource_version: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    scale_target_ref: Option<ScaleTarget>,
    min_replicas: Option<i64>,
    metrics: Option<Vec<Metric>>,
}

#[derive(Clone, Deserialize)]
struct ScaleTarget {
    kind: Option<String>,
    name: Option<String>,
}

/// Takes what the core wants to know of an autoscaler.
///
/// # Errors
/// When it has no name.
pub(crate) fn hpa(raw: RawHpa, container: &str) -> Result<Hpa, InventoryError> {
    let name = raw.metadata.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| incomplete("horizontal pod autoscaler", "", "a name"))?;
    let specified = raw.spec.metrics.unwrap_or_default();
    let (scales_kind, scales) =
        raw.spec.scale_target_ref.map(|target| (target.kind, target.name)).unwrap_or_default();
    let (own, of_pods) = (of_container(&specified, container), of_pods(&specified));
    Ok(Hpa {
        name,
        scales,
        scales_kind,
        // The target of this very container is closer to its load than that of the whole pod.
        of_container: own.is_some(),
        cpu: own.or(of_pods),
        scaling: Some(scaling(raw.spec.min_replicas, &raw.status)),
        scales_by: metrics(&specified, raw.status.metrics()),
    })
}

fn of_container(metrics: &[Metric], container: &str) -> Option<CpuTarget> {
    let resources = metrics.iter().filter_map(|metric| metric.container_resource.as_ref());
    cpu(resources.filter(|resource| resource.container.as_deref() == Some(container)))
}

fn of_pods(metrics: &[Metric]) -> Option<CpuTarget> {
    cpu(metrics.iter().filter_map(|metric| metric.resource.as_ref()))
}

fn cpu<'a>(resources: impl Iterator<Item = &'a Body>) -> Option<CpuTarget> {
    let cpu = resources.filter(|resource| resource.name.as_deref() == Some("cpu"));
    cpu.filter_map(|resource| resource.target.as_ref()).find_map(target)
}

fn target(target: &Numbers) -> Option<CpuTarget> {
    let average = || {
        let cores = quantity::parse(target.average_value.as_deref()?)?;
        Cores::new(cores).ok().map(CpuTarget::AverageValue)
    };
    target.average_utilization.map(CpuTarget::Utilization).or_else(average)
}

#[cfg(test)]
mod tests {
    use rebalancer_core::fleet::Scaling;
    use serde_json::{Value, json};

    use super::*;

    fn cpu_of(metrics: Value) -> Option<CpuTarget> {
        let value = json!({
            "metadata": {"name": "consumer"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "consumer"}, "metrics": metrics},
        });
        let hpa = hpa(serde_json::from_value(value).unwrap(), "consumer").unwrap();
        assert_eq!((hpa.name.as_str(), hpa.scales.as_deref()), ("consumer", Some("consumer")));
        hpa.cpu
    }

    fn resource(name: &str, target: Value) -> Value {
        json!({"type": "Resource", "resource": {"name": name, "target": target}})
    }

    fn of_container(container: &str, target: Value) -> Value {
        json!({"type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": container, "target": target}})
    }

    fn percent(percent: i32) -> Value {
        json!({"type": "Utilization", "averageUtilization": percent})
    }

    #[test]
    fn what_it_is_doing_comes_with_it() {
        let value = json!({
            "metadata": {"name": "consumer"},
            "spec": {"minReplicas": 4, "maxReplicas": 9},
            "status": {"currentReplicas": 6, "desiredReplicas": 7,
                "conditions": [{"type": "ScalingActive", "status": "True"}]},
        });
        let scaling = hpa(serde_json::from_value(value).unwrap(), "consumer").unwrap().scaling.unwrap();
        let Scaling { active, current, desired, minimum, .. } = scaling;
        assert_eq!((active, current, desired, minimum), (true, 6, 7, 4));
    }

    #[test]
    fn all_that_it_scales_by_comes_with_it() {
        let external = |what: &str, numbers: Value| {
            json!([{"type": "External",
            "external": {"metric": {"name": "s0-kafka-orders"}, what: numbers}}])
        };
        let value = json!({
            "metadata": {"name": "keda-hpa-consumer"},
            "spec": {"metrics": external("target", json!({"type": "AverageValue", "averageValue": "100"}))},
            "status": {"currentMetrics": external("current", json!({"averageValue": "42500m"}))},
        });
        let shown: Vec<_> = hpa(serde_json::from_value(value).unwrap(), "consumer").unwrap().scales_by;
        let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["external metric s0-kafka-orders, target 100 a pod, now 42.5 a pod"]);
    }

    #[test]
    fn a_utilization_is_in_percent_and_may_exceed_a_hundred() {
        let metrics = json!([resource("memory", percent(60)), resource("cpu", percent(150))]);
        assert_eq!(cpu_of(metrics), Some(CpuTarget::Utilization(150.0)));
    }

    #[test]
    fn an_average_value_is_in_cores() {
        let metrics = json!([resource("cpu", json!({"type": "AverageValue", "averageValue": "700m"}))]);
        assert_eq!(cpu_of(metrics), Some(CpuTarget::AverageValue(Cores::new(0.7).unwrap())));
    }

    #[test]
    fn the_target_of_our_container_wins_and_that_of_others_does_not_count() {
        let pods = resource("cpu", percent(80));
        let metrics =
            json!([pods, of_container("sidecar", percent(10)), of_container("consumer", percent(70))]);
        assert_eq!(cpu_of(metrics), Some(CpuTarget::Utilization(70.0)));
        assert_eq!(cpu_of(json!([of_container("sidecar", percent(10))])), None);
    }

    #[test]
    fn an_autoscaler_without_a_name_is_refused() {
        for metadata in [json!({}), json!({"name": null}), json!({"name": ""})] {
            let raw = serde_json::from_value(json!({"metadata": metadata, "spec": {}})).unwrap();
            let message = hpa(raw, "consumer").unwrap_err().to_string();
            assert!(message.ends_with("came without a name"), "{message}");
        }
    }

    #[test]
    fn an_autoscaler_by_something_else_has_no_cpu_target() {
        let external = json!({"type": "External", "external": {
            "metric": {"name": "lag"}, "target": {"type": "AverageValue", "averageValue": "100"}}});
        assert_eq!(cpu_of(json!([external, resource("memory", percent(60))])), None);
        assert_eq!(cpu_of(Value::Null), None);
        assert_eq!(
            cpu_of(json!([resource("cpu", json!({"type": "AverageValue", "averageValue": "lots"}))])),
            None
        );
    }
}
