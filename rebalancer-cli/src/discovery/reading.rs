//! Settings that a workload tells, for what nobody has set; and what stays open. Pure.

use rebalancer_kube::preflight::{ContainerShape, WorkloadShape};

use super::environment::{Said, group, servers};
use super::{CONTAINER, GROUP, METRICS, SELECTOR, SERVERS};
use crate::config::layers::Raw;
use crate::config::parse;

/// What is set for one Kafka must not be sent to an address that a workload names.
const CREDENTIALS: [&str; 4] = [
    "KAFKA_SASL_PASSWORD_FILE",
    "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE",
    "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE",
    "KAFKA_SSL_KEY_FILE",
];

/// A setting that the workload tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) variable: &'static str,
    pub(crate) value: String,
    /// Where it stands.
    pub(crate) from: String,
}

/// A setting that it does not tell, and somebody must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) variable: &'static str,
    pub(crate) why: String,
}

/// What was read from a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) facts: Vec<Fact>,
    pub(crate) open: Vec<Open>,
}

/// Something that a workload may tell is not set.
pub(crate) fn needs_reading(raw: &Raw) -> bool {
    let kafka = raw.get(SERVERS).is_some();
    raw.is_open(SELECTOR)
        || raw.is_open(CONTAINER)
        || (kafka && raw.is_open(GROUP))
        || (!kafka && raw.get(METRICS).is_none())
}

/// Reads what is not set.
pub(crate) fn read(shape: &WorkloadShape, raw: &Raw) -> Reading {
    let mut reading = Reading::default();
    if raw.is_open(SELECTOR) {
        reading.selector(shape);
    }
    let measured = measured(shape, raw);
    if raw.is_open(CONTAINER) {
        reading.container(shape, measured);
    }
    let told =
        |ask: fn(&[&ContainerShape]) -> Said| telling(shape, measured.map(|(container, _)| container), ask);
    let mut kafka = raw.get(SERVERS).is_some();
    // Brokers are asked only where nothing else tells loads: who has set a metric server may have no way to Kafka from here.
    if !kafka && raw.get(METRICS).is_none() {
        match CREDENTIALS.into_iter().find(|name| raw.get(name).is_some()) {
            Some(set) => {
                let why = format!(
                    "{set} is set, and is sent to no address that a workload names; set it, or {METRICS}"
                );
                reading.open(SERVERS, why);
            }
            None => kafka = reading.servers(told(|containers| servers(containers.iter().copied()))),
        }
    }
    if kafka && raw.is_open(GROUP) {
        reading.group(told(|containers| group(containers.iter().copied())));
    }
    reading
}

impl Reading {
    fn fact(&mut self, variable: &'static str, value: &str, from: &str) {
        self.facts.push(Fact { variable, value: value.to_owned(), from: from.to_owned() });
    }

    fn open(&mut self, variable: &'static str, why: String) {
        self.open.push(Open { variable, why });
    }

    fn selector(&mut self, shape: &WorkloadShape) {
        match shape.selector.as_deref().filter(|selector| parse::label_selector(selector).is_ok()) {
            Some(selector) => self.fact(SELECTOR, selector, "its selector"),
            None => self.open(SELECTOR, "its selector is none that is understood here".to_owned()),
        }
    }

    fn container(&mut self, shape: &WorkloadShape, measured: Option<(&ContainerShape, &str)>) {
        match measured {
            Some((container, why)) => self.fact(CONTAINER, &container.name, why),
            None => {
                let names: Vec<&str> =
                    shape.containers.iter().map(|container| container.name.as_str()).collect();
                self.open(
                    CONTAINER,
                    format!("which of its containers consumes is not told: {}", names.join(", ")),
                );
            }
        }
    }

    /// Whether Kafka is asked.
    fn servers(&mut self, said: Said) -> bool {
        match said {
            Said::Plainly { value, from } => {
                self.fact(SERVERS, &value, &from);
                return true;
            }
            Said::Unclear(why) => self.open(SERVERS, format!("{why}; set it, or {METRICS}")),
            Said::Nothing => {
                self.open(METRICS, format!("nothing tells loads; set it, or {SERVERS}"));
            }
        }
        false
    }

    /// One that is not told at all is that of the workload's own name, as without this reading.
    fn group(&mut self, said: Said) {
        match said {
            Said::Plainly { value, from } => self.fact(GROUP, &value, &from),
            Said::Unclear(why) => self.open(GROUP, why),
            Said::Nothing => {}
        }
    }
}

/// The container that consumes, and why that one.
fn measured<'a>(shape: &'a WorkloadShape, raw: &Raw) -> Option<(&'a ContainerShape, &'static str)> {
    let called = |name: &str| shape.containers.iter().find(|container| container.name == name);
    if !raw.is_open(CONTAINER) {
        return Some((called(raw.get(CONTAINER)?)?, "set"));
    }
    if let [only] = shape.containers.as_slice() {
        return Some((only, "its only container"));
    }
    if let Some(own) = called(&shape.name) {
        return Some((own, "its container of the same name"));
    }
    let mut telling = shape.containers.iter().filter(|container| group([*container]) != Said::Nothing);
    match (telling.next(), telling.next()) {
        (Some(only), None) => Some((only, "its only container with a consumer group")),
        (_, _) => None,
    }
}

/// What the measured container says, or else what all of them say.
pub(super) fn telling(
    shape: &WorkloadShape,
    measured: Option<&ContainerShape>,
    ask: fn(&[&ContainerShape]) -> Said,
) -> Said {
    match measured.map(|container| ask(&[container])) {
        Some(Said::Nothing) | None => ask(&shape.containers.iter().collect::<Vec<_>>()),
        Some(said) => said,
    }
}

#[cfg(test)]
pub(super) mod tests;
