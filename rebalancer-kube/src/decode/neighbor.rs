//! Objects of neighbors: Flagger's Canaries, KEDA's ScaledObjects, and vertical pod autoscalers.

use std::collections::BTreeMap;

use rebalancer_core::fleet::{Activity, AtWork, Bounds, VerticalScaler};
use rebalancer_core::unit::{Bytes, Cores};
use serde::Deserialize;
use serde_json::Value;

use super::quantity;
use crate::answer::OnlyJson;

/// What an object works on.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Target {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: String,
    annotations: Option<BTreeMap<String, Value>>,
}

/// A Canary of Flagger, `flagger.app/v1beta1`.
#[derive(Deserialize)]
pub(crate) struct RawCanary {
    metadata: Metadata,
    #[serde(default)]
    spec: CanarySpec,
    #[serde(default)]
    status: CanaryStatus,
}

impl OnlyJson for RawCanary {}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CanarySpec {
    target_ref: Target,
    suspend: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CanaryStatus {
    phase: String,
    canary_weight: Option<i64>,
}

/// What a Canary of this workload says. Flagger runs the pods that serve in a copy of the target, `<target>-primary`.
pub(crate) fn canary(raw: RawCanary, workload: &str) -> Option<Activity> {
    let RawCanary { metadata, spec, status } = raw;
    let target = spec.target_ref.name;
    if target != workload && format!("{target}-primary") != workload {
        return None;
    }
    let what = match status.phase.as_str() {
        "Initialized" | "Succeeded" | "Failed" | "Terminated" => return None,
        // Before its first word it knows nothing of the workload.
        "" => return None,
        _ if spec.suspend => AtWork::Paused,
        phase => AtWork::Canary { stage: staged(phase, status.canary_weight) },
    };
    Some(Activity { of: format!("Canary {}", metadata.name), what })
}

fn staged(phase: &str, weight: Option<i64>) -> String {
    let phase = crate::text::excerpt(phase);
    weight.filter(|weight| *weight > 0).map_or(phase.clone(), |weight| format!("{phase}, {weight} %"))
}

/// A ScaledObject of KEDA, `keda.sh/v1alpha1`.
#[derive(Deserialize)]
pub(crate) struct RawScaledObject {
    metadata: Metadata,
    #[serde(default)]
    spec: ScaledObjectSpec,
    #[serde(default)]
    status: ScaledObjectStatus,
}

impl OnlyJson for RawScaledObject {}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ScaledObjectSpec {
    scale_target_ref: Target,
    min_replica_count: Option<i64>,
    idle_replica_count: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ScaledObjectStatus {
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
}

/// What a ScaledObject of this workload says. Without `minReplicaCount` its minimum is zero.
pub(crate) fn scaled_object(raw: RawScaledObject, workload: &str) -> Option<Activity> {
    let RawScaledObject { metadata, spec, status } = raw;
    if spec.scale_target_ref.name != workload {
        return None;
    }
    let annotation = |name: &str| {
        let value = metadata.annotations.as_ref()?.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned()))
    };
    let is = |r#type: &str, wanted: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|condition| condition.r#type == r#type && condition.status == wanted)
    };
    let at = annotation("autoscaling.keda.sh/paused-replicas");
    let paused =
        annotation("autoscaling.keda.sh/paused").is_some_and(|value| !value.eq_ignore_ascii_case("false"));
    let to_zero = spec.idle_replica_count.or(spec.min_replica_count).unwrap_or(0) == 0;
    let what = if let Some(at) = at {
        AtWork::ScalingPaused { replicas: at.parse().ok() }
    } else if paused || is("Paused", "True") {
        AtWork::ScalingPaused { replicas: None }
    } else if is("Fallback", "True") {
        AtWork::ScalingFallback
    } else if to_zero && is("Active", "False") {
        AtWork::ScalingToZero
    } else {
        return None;
    };
    Some(Activity { of: format!("ScaledObject {}", metadata.name), what })
}

/// A vertical pod autoscaler, `autoscaling.k8s.io/v1`.
#[derive(Deserialize)]
pub(crate) struct RawVpa {
    metadata: Metadata,
    #[serde(default)]
    spec: VpaSpec,
    #[serde(default)]
    status: VpaStatus,
}

impl OnlyJson for RawVpa {}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct VpaSpec {
    target_ref: Target,
    update_policy: Option<UpdatePolicy>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct UpdatePolicy {
    update_mode: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VpaStatus {
    recommendation: Option<Recommendation>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Recommendation {
    container_recommendations: Option<Vec<OfContainer>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OfContainer {
    container_name: String,
    lower_bound: Option<Resources>,
    upper_bound: Option<Resources>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resources {
    cpu: Option<String>,
    memory: Option<String>,
}

/// The autoscaler, if it is this workload's. Its updater restarts a pod whose request of a container lies outside the bounds
/// of the recommendation. A mode that is not known may do anything.
pub(crate) fn vertical(raw: RawVpa, workload: &str, container: &str) -> Option<VerticalScaler> {
    let RawVpa { metadata, spec, status } = raw;
    if spec.target_ref.name != workload {
        return None;
    }
    let mode = spec.update_policy.and_then(|policy| policy.update_mode);
    let restarts_pods = !matches!(mode.as_deref(), Some("Off" | "Initial"));
    let all = status.recommendation.and_then(|recommended| recommended.container_recommendations);
    let own = all.into_iter().flatten().find(|of| of.container_name == container);
    Some(VerticalScaler { name: metadata.name, restarts_pods, bounds: own.map(|own| bounds(&own)) })
}

fn bounds(of: &OfContainer) -> Bounds {
    let (low, high) = (of.lower_bound.as_ref(), of.upper_bound.as_ref());
    let number = |text: Option<&String>| text.and_then(|text| quantity::parse(text));
    let cpu = |of: Option<&Resources>| Cores::new(number(of?.cpu.as_ref())?).ok();
    let memory = |of: Option<&Resources>| Bytes::new(number(of?.memory.as_ref())?).ok();
    Bounds { cpu: cpu(low).zip(cpu(high)), memory: memory(low).zip(memory(high)) }
}

#[cfg(test)]
mod tests;
