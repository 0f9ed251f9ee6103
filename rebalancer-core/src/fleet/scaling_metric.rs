//! What an autoscaler scales by, as it says itself. It is shown and decides nothing: only a CPU target does, by
//! [`fleet::Hpa::cpu`](crate::fleet::Hpa::cpu).

use std::fmt;

use crate::unit::{Amount, Memory};

/// One metric of an autoscaler.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScalingMetric {
    /// What is measured.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub measured: Measured,
    /// Where the autoscaler wants it; `None` when that is not understood.
    pub target: Option<Level>,
    /// Where the autoscaler saw it last; `None` when its status does not say.
    pub current: Option<Level>,
}

/// What a metric of an autoscaler is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "type")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Measured {
    /// A resource that the pods use, over all of their containers.
    Resource {
        /// Such as `memory`.
        name: String,
    },
    /// A resource that one container of the pods uses.
    ContainerResource {
        /// Such as `cpu`.
        name: String,
        /// The container.
        container: String,
    },
    /// A metric of each pod.
    Pods {
        /// Its name.
        name: String,
    },
    /// A metric of another object.
    Object {
        /// Its name.
        name: String,
        /// The object, as `kind/name`.
        described: String,
    },
    /// A metric from outside the cluster, such as the lag of a consumer group.
    External {
        /// Its name.
        name: String,
    },
    /// A type that is not known here, or one that came without what belongs to it.
    Other {
        /// What the autoscaler calls it.
        kind: String,
    },
}

/// How high a metric is, or should be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Level {
    /// Percent of what the pods request.
    Utilization(Amount),
    /// For each pod on average, in the metric's own unit.
    AverageValue(Amount),
    /// As it is, in the metric's own unit.
    Value(Amount),
}

impl fmt::Display for ScalingMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.measured)?;
        let shown = |level: &Option<Level>| level.as_ref().map(|level| level.of(&self.measured));
        match (shown(&self.target), shown(&self.current)) {
            (Some(target), Some(current)) => write!(f, ", target {target}, now {current}"),
            (Some(target), None) => write!(f, ", target {target}, now not known"),
            (None, Some(current)) => write!(f, ", target not known, now {current}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { name } => f.write_str(name),
            Self::ContainerResource { name, container } => write!(f, "{name} of the container {container}"),
            Self::Pods { name } => write!(f, "the pods' metric {name}"),
            Self::Object { name, described } => write!(f, "metric {name} of {described}"),
            Self::External { name } => write!(f, "external metric {name}"),
            Self::Other { kind } => write!(f, "a metric of type '{kind}', which is not known here"),
        }
    }
}

impl Level {
    /// As people write it, where its unit is known: memory is measured in bytes.
    fn of(&self, measured: &Measured) -> String {
        match (measured, self) {
            (
                Measured::Resource { name } | Measured::ContainerResource { name, .. },
                Self::AverageValue(value) | Self::Value(value),
            ) if name == "memory" => self.text(&Memory(value.get()).to_string()),
            (_, Self::Utilization(amount) | Self::AverageValue(amount) | Self::Value(amount)) => {
                self.text(&amount.to_string())
            }
        }
    }

    fn text(&self, amount: &str) -> String {
        match self {
            Self::Utilization(_) => format!("{amount} % of the request"),
            Self::AverageValue(_) => format!("{amount} a pod"),
            Self::Value(_) => amount.to_owned(),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utilization(amount) | Self::AverageValue(amount) | Self::Value(amount) => {
                f.write_str(&self.text(&amount.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(value: f64) -> Amount {
        Amount::new(value).unwrap()
    }

    #[test]
    fn a_person_reads_what_is_measured_where_it_should_be_and_where_it_is() {
        let name = || "cpu".to_owned();
        let lag = || Measured::External { name: "s0-kafka-orders".to_owned() };
        let object = Measured::Object { name: "rps".to_owned(), described: "Ingress/main".to_owned() };
        for (measured, target, current, expected) in [
            (
                Measured::Resource { name: name() },
                Some(Level::Utilization(amount(70.0))),
                Some(Level::Utilization(amount(45.0))),
                "cpu, target 70 % of the request, now 45 % of the request",
            ),
            (
                Measured::ContainerResource { name: name(), container: "worker".to_owned() },
                Some(Level::AverageValue(amount(0.7))),
                None,
                "cpu of the container worker, target 0.7 a pod, now not known",
            ),
            (
                Measured::Resource { name: "memory".to_owned() },
                Some(Level::AverageValue(amount(1_610_612_736.0))),
                Some(Level::Utilization(amount(45.0))),
                "memory, target 1.5 GiB a pod, now 45 % of the request",
            ),
            (
                lag(),
                Some(Level::AverageValue(amount(100.0))),
                Some(Level::AverageValue(amount(42.5))),
                "external metric s0-kafka-orders, target 100 a pod, now 42.5 a pod",
            ),
            (
                Measured::Pods { name: "lag".to_owned() },
                None,
                Some(Level::Value(amount(7.0))),
                "the pods' metric lag, target not known, now 7",
            ),
            (
                object,
                Some(Level::Value(amount(2000.0))),
                None,
                "metric rps of Ingress/main, target 2000, now not known",
            ),
            (
                Measured::Other { kind: "Dream".to_owned() },
                None,
                None,
                "a metric of type 'Dream', which is not known here",
            ),
        ] {
            assert_eq!(ScalingMetric { measured, target, current }.to_string(), expected);
        }
    }
}
