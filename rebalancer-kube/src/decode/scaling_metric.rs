//! What an autoscaler scales by: its specification, and what its status saw of it.

use rebalancer_core::fleet::{Level, Measured, ScalingMetric};
use rebalancer_core::unit::Amount;
use serde::Deserialize;
use serde_json::Value;

use super::quantity;

/// One metric, of the specification (with a `target`) or of the status (with a `current`). One of the bodies is set, as
/// `type` says; a metric of a type that is not known here has none of them. In a status, a metric that could not be
/// read has not even a type.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metric {
    r#type: Option<String>,
    pub(super) resource: Option<Body>,
    pub(super) container_resource: Option<Body>,
    pods: Option<Body>,
    object: Option<Body>,
    external: Option<Body>,
}

/// What stands below the type: a resource has its name here, the others in `metric`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    pub(super) name: Option<String>,
    pub(super) container: Option<String>,
    metric: Option<Identifier>,
    described_object: Option<Described>,
    pub(super) target: Option<Numbers>,
    current: Option<Numbers>,
}

#[derive(Clone, Deserialize)]
struct Identifier {
    name: String,
    selector: Option<Value>,
}

#[derive(Clone, Deserialize)]
struct Described {
    kind: String,
    name: String,
}

/// A target has one of these, a status may have two.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Numbers {
    pub(super) average_utilization: Option<f64>,
    pub(super) average_value: Option<String>,
    value: Option<String>,
}

/// The metrics of a specification, with what the status says of each.
pub(super) fn metrics(specified: &[Metric], status: &[Metric]) -> Vec<ScalingMetric> {
    specified.iter().map(|metric| with_status(metric, status)).collect()
}

/// The status may be of an earlier specification, so a metric is found there by what it is and not by its place.
fn with_status(metric: &Metric, status: &[Metric]) -> ScalingMetric {
    let measured = metric.measured();
    let target = metric.body().and_then(|body| body.target.as_ref()?.level());
    let same = |seen: &&Metric| seen.measured() == measured && seen.selector() == metric.selector();
    let numbers = status.iter().find(same).and_then(|seen| seen.body()?.current.as_ref());
    let current = numbers.and_then(|numbers| numbers.comparable_with(target));
    ScalingMetric { measured, target, current }
}

impl Metric {
    fn body(&self) -> Option<&Body> {
        let Self { resource, container_resource, pods, object, external, .. } = self;
        [resource, container_resource, pods, object, external].into_iter().find_map(Option::as_ref)
    }

    fn measured(&self) -> Measured {
        let kind = || self.r#type.clone().unwrap_or_default();
        self.known().unwrap_or_else(|| Measured::Other { kind: kind() })
    }

    /// `None` when it is of no type that is known here, or lacks what belongs to its type.
    fn known(&self) -> Option<Measured> {
        let name = |body: &Body| Some(body.metric.as_ref()?.name.clone());
        if let Some(body) = &self.resource {
            return Some(Measured::Resource { name: body.name.clone()? });
        }
        if let Some(body) = &self.container_resource {
            let (name, container) = (body.name.clone()?, body.container.clone()?);
            return Some(Measured::ContainerResource { name, container });
        }
        if let Some(body) = &self.pods {
            return Some(Measured::Pods { name: name(body)? });
        }
        if let Some(body) = &self.object {
            let Described { kind, name: object } = body.described_object.as_ref()?;
            return Some(Measured::Object { name: name(body)?, described: format!("{kind}/{object}") });
        }
        Some(Measured::External { name: name(self.external.as_ref()?)? })
    }

    /// Two metrics may have one name, of other labels.
    fn selector(&self) -> Option<&Value> {
        self.body()?.metric.as_ref()?.selector.as_ref()
    }
}

impl Numbers {
    fn level(&self) -> Option<Level> {
        self.utilization().or_else(|| self.average()).or_else(|| self.plain())
    }

    /// The one that can be compared with the target.
    fn comparable_with(&self, target: Option<Level>) -> Option<Level> {
        match target {
            Some(Level::Utilization(_)) => self.utilization(),
            Some(Level::AverageValue(_)) => self.average(),
            Some(Level::Value(_)) => self.plain(),
            None => self.level(),
        }
    }

    fn utilization(&self) -> Option<Level> {
        Amount::new(self.average_utilization?).ok().map(Level::Utilization)
    }

    fn average(&self) -> Option<Level> {
        amount(self.average_value.as_deref()).map(Level::AverageValue)
    }

    fn plain(&self) -> Option<Level> {
        amount(self.value.as_deref()).map(Level::Value)
    }
}

/// What is no quantity is not known.
fn amount(text: Option<&str>) -> Option<Amount> {
    Amount::new(quantity::parse(text?)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decode(specified: Value, status: Value) -> Vec<ScalingMetric> {
        let read = |value| serde_json::from_value::<Vec<Metric>>(value).unwrap();
        metrics(&read(specified), &read(status))
    }

    fn amount_of(value: f64) -> Amount {
        Amount::new(value).unwrap()
    }

    #[test]
    fn every_type_is_read_with_its_target_and_what_was_seen_last() {
        let external = |what: &str, numbers: Value| {
            let metric = json!({"name": "s0-kafka-orders",
                "selector": {"matchLabels": {"scaledobject.keda.sh/name": "orders"}}});
            json!({"type": "External", "external": {"metric": metric, what: numbers}})
        };
        let described = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"});
        let read = decode(
            json!([
                {"type": "Resource", "resource": {"name": "memory",
                    "target": {"type": "Utilization", "averageUtilization": 80}}},
                {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "worker",
                    "target": {"type": "AverageValue", "averageValue": "700m"}}},
                {"type": "Pods", "pods": {"metric": {"name": "lag"},
                    "target": {"type": "AverageValue", "averageValue": "1k"}}},
                {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": described,
                    "target": {"type": "Value", "value": "2k"}}},
                external("target", json!({"type": "AverageValue", "averageValue": "100"})),
            ]),
            // In another order, as after a change of the specification.
            json!([
                external("current", json!({"value": "170", "averageValue": "42500m"})),
                {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": described,
                    "current": {"value": "1900"}}},
                {"type": "Pods", "pods": {"metric": {"name": "lag"}, "current": {"averageValue": "900"}}},
                {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "worker",
                    "current": {"averageUtilization": 50, "averageValue": "350m"}}},
                {"type": "Resource", "resource": {"name": "memory",
                    "current": {"averageUtilization": 61, "averageValue": "500Mi"}}},
            ]),
        );
        let one = |measured, target, current| ScalingMetric {
            measured,
            target: Some(target),
            current: Some(current),
        };
        let (utilization, average, value) = (
            |percent| Level::Utilization(amount_of(percent)),
            |average| Level::AverageValue(amount_of(average)),
            |value| Level::Value(amount_of(value)),
        );
        let container = Measured::ContainerResource { name: "cpu".into(), container: "worker".into() };
        let object = Measured::Object { name: "rps".into(), described: "Ingress/main".into() };
        assert_eq!(
            read,
            [
                one(Measured::Resource { name: "memory".into() }, utilization(80.0), utilization(61.0)),
                one(container, average(0.7), average(0.35)),
                one(Measured::Pods { name: "lag".into() }, average(1000.0), average(900.0)),
                one(object, value(2000.0), value(1900.0)),
                one(Measured::External { name: "s0-kafka-orders".into() }, average(100.0), average(42.5)),
            ]
        );
    }

    #[test]
    fn a_type_that_is_not_known_here_is_shown_as_such() {
        let other = |kind: &str| ScalingMetric {
            measured: Measured::Other { kind: kind.to_owned() },
            target: None,
            current: None,
        };
        assert_eq!(
            decode(
                json!([
                    {"type": "Dream", "dream": {"metric": {"name": "x"}, "target": {"value": "1"}}},
                    {"type": "Object", "object": {"metric": {"name": "x"}}},
                    {"type": "External"},
                    {},
                ]),
                json!([{"type": "Dream", "dream": {"current": {"value": "1"}}}]),
            ),
            ["Dream", "Object", "External", ""].map(other)
        );
    }

    #[test]
    fn what_was_seen_of_another_metric_says_nothing_about_this_one() {
        let external = |tier: &str, what: &str, numbers: Value| {
            let metric = json!({"name": "lag", "selector": {"matchLabels": {"tier": tier}}});
            json!({"type": "External", "external": {"metric": metric, what: numbers}})
        };
        let target = |tier| external(tier, "target", json!({"averageValue": "100"}));
        let current = |tier, value: &str| external(tier, "current", json!({"averageValue": value}));
        // One that could not be read is an empty one in a status.
        let unread = json!({"type": ""});
        let read = decode(
            json!([target("a"), target("b"), target("c")]),
            json!([unread, current("c", "3"), current("b", "2")]),
        );
        let seen: Vec<_> = read.into_iter().map(|metric| metric.current).collect();
        let average = |value| Some(Level::AverageValue(amount_of(value)));
        assert_eq!(seen, [None, average(2.0), average(3.0)]);
    }

    #[test]
    fn numbers_that_can_not_be_read_or_compared_are_not_known() {
        let resource = |what: &str, numbers: Value| json!([{"type": "Resource", "resource": {"name": "cpu", what: numbers}}]);
        for (target, current, expected) in [
            (
                json!({"averageValue": "lots"}),
                json!({"averageValue": "1"}),
                (None, Some(Level::AverageValue(amount_of(1.0)))),
            ),
            (
                json!({"averageUtilization": 70}),
                json!({"averageValue": "1"}),
                (Some(Level::Utilization(amount_of(70.0))), None),
            ),
            (json!({"value": "-5"}), json!({"value": ""}), (Some(Level::Value(amount_of(-5.0))), None)),
        ] {
            let read = decode(resource("target", target), resource("current", current));
            assert_eq!((read[0].target, read[0].current), expected);
        }
    }
}
