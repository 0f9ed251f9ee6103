//! What owners of other kinds say of themselves: paused, degraded, in the middle of a canary. Each by the fields of its own
//! API; what is not understood says nothing.

use rebalancer_core::fleet::AtWork;
use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::controller::{Spec, Status};
use crate::text::excerpt;

/// How long a list is, without what is in it; `None` where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Length(pub(super) Option<u32>);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Counted;
        impl<'de> Visitor<'de> for Counted {
            type Value = Length;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Length, A::Error> {
                let mut length = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(Some(length)))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Length, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Length(None))
            }

            fn visit_unit<E>(self) -> Result<Length, E> {
                Ok(Length(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Length, E> {
                Ok(Length(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Length, E> {
                Ok(Length(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Length, E> {
                Ok(Length(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Length, E> {
                Ok(Length(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Length, E> {
                Ok(Length(None))
            }
        }
        from.deserialize_any(Counted)
    }
}

/// What an object of this API group and kind says; `replicas` are its pods, and those of its present revision.
pub(super) fn at_work(
    (api_version, kind): (&str, &str),
    wanted: &Spec,
    told: &Status,
    replicas: Option<(u32, u32)>,
) -> Option<AtWork> {
    let (group, _) = api_version.split_once('/')?;
    match (group, kind) {
        ("argoproj.io", "Rollout") => rollout(wanted, told),
        ("apps.kruise.io", _) => kruise(&wanted.update_strategy, replicas),
        ("apps.openshift.io", "DeploymentConfig") => deployment_config(wanted, told),
        ("kafka.strimzi.io" | "core.strimzi.io", _) => strimzi(told),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

fn said(value: &Value) -> String {
    value.as_str().map(excerpt).unwrap_or_default()
}

/// `RolloutStatus` of Argo Rollouts: `phase` is Healthy, Progressing, Paused or Degraded; an aborted one is Degraded too.
fn rollout(wanted: &Spec, told: &Status) -> Option<AtWork> {
    if is_true(&told.abort) || told.phase == "Degraded" {
        return Some(AtWork::Degraded { message: said(&told.message) });
    }
    let waits = told.pause_conditions.as_array().is_some_and(|reasons| !reasons.is_empty());
    if is_true(&wanted.paused) || waits || told.phase == "Paused" {
        return Some(AtWork::Paused);
    }
    let hash = |value: &Value| value.as_str().filter(|hash| !hash.is_empty()).map(str::to_owned);
    let (stable, current) = (hash(&told.stable)?, hash(&told.current_pod_hash)?);
    (stable != current).then(|| AtWork::Canary { stage: stage(wanted, told) })
}

/// The step that runs, which is counted from zero there.
fn stage(wanted: &Spec, told: &Status) -> String {
    let steps = wanted.strategy.pointer("/canary/steps").and_then(Value::as_array).map(Vec::len);
    match told.current_step_index.as_u64().zip(steps) {
        Some((step, steps)) if steps > 0 => {
            format!("step {} of {steps}", step.saturating_add(1).min(steps as u64))
        }
        Some(_) | None => "Progressing".to_owned(),
    }
}

/// A CloneSet or another workload of OpenKruise: `updateStrategy` has `paused` and `partition`, or has them in
/// `rollingUpdate`. A partition matters as long as it keeps pods at the former revision.
fn kruise(update: &Value, replicas: Option<(u32, u32)>) -> Option<AtWork> {
    let of = |name: &str| {
        let nested = update.get("rollingUpdate").and_then(|rolling| rolling.get(name));
        update.get(name).or(nested).cloned().unwrap_or_default()
    };
    if is_true(&of("paused")) {
        return Some(AtWork::Paused);
    }
    let partition = of("partition");
    let keeps = partition.as_i64().is_some_and(|pods| pods > 0)
        || partition.as_str().is_some_and(|share| share.trim_end_matches('%').parse() != Ok(0.0));
    let (current, updated) = replicas?;
    (keeps && updated < current).then_some(AtWork::Partitioned { updated, current })
}

fn deployment_config(wanted: &Spec, told: &Status) -> Option<AtWork> {
    if is_true(&wanted.paused) {
        return Some(AtWork::Paused);
    }
    let failed = condition(told, "Progressing", "False")?;
    Some(AtWork::Degraded { message: said(failed.get("message").unwrap_or(&Value::Null)) })
}

/// Of the Kafka cluster, Kafka Connect and MirrorMaker of Strimzi, which stand above a `StrimziPodSet`.
fn strimzi(told: &Status) -> Option<AtWork> {
    if condition(told, "ReconciliationPaused", "True").is_some() {
        return Some(AtWork::Paused);
    }
    let failed = condition(told, "NotReady", "True")?;
    Some(AtWork::Degraded { message: said(failed.get("message").unwrap_or(&Value::Null)) })
}

/// The condition of this type, if it has this status.
fn condition<'a>(told: &'a Status, r#type: &str, status: &str) -> Option<&'a Value> {
    let of = |condition: &&Value| {
        let has = |name: &str, wanted: &str| condition.get(name).and_then(Value::as_str) == Some(wanted);
        has("type", r#type) && has("status", status)
    };
    told.conditions.as_array()?.iter().find(of)
}

#[cfg(test)]
mod tests;
