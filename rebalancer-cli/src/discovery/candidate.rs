//! Whether a workload looks like a Kafka consumer, and what is missing for it. Pure.

use rebalancer_core::fleet::Hpa;
use rebalancer_kube::preflight::{ContainerShape, WorkloadKind, WorkloadShape};

use super::environment::{Said, group, is_broker, of_client, servers};
use super::reading::{Open, Reading, read, telling};
use super::{GROUP, METRICS, SERVERS};
use crate::config::layers::Raw;
use crate::config::parse;

/// A rotation leaves so many pods where nothing else is set.
const MINIMUM_PODS: usize = 3;

/// A workload, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) kind: WorkloadKind,
    pub(crate) name: String,
    /// Pods that it wants.
    pub(crate) pods: Option<u32>,
    pub(crate) looks: Looks,
    /// The settings that it tells.
    pub(crate) reading: Reading,
    /// Its consumer group, whether or not that is needed.
    pub(crate) group: Said,
    pub(crate) scaler: Scaler,
    pub(crate) missing: Vec<Missing>,
}

/// What it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Looks {
    /// A consumer, by this.
    Consumer(String),
    /// A broker of Kafka.
    Broker,
    /// Nothing that has to do with Kafka.
    Other,
}

/// Its autoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scaler {
    Known(Vec<String>),
    /// Autoscalers can't be listed.
    Unknown,
}

/// What stands in the way, or makes a decision worse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Such as `autoscaler`, or a variable.
    pub(crate) what: &'static str,
    pub(crate) why: String,
}

/// Judges one workload. `hpas` are `None` where they can't be listed.
pub(crate) fn candidate(shape: &WorkloadShape, hpas: Option<&[Hpa]>, raw: &Raw) -> Candidate {
    let said = |ask: fn(&[&ContainerShape]) -> Said| telling(shape, None, ask);
    let group = said(|containers| group(containers.iter().copied()));
    let servers = said(|containers| servers(containers.iter().copied()));
    let reading = read(shape, raw);
    let scaler = scaler(shape, hpas);
    let missing = missing(shape, &reading, &group, &scaler, raw);
    let looks = looks(shape, &group, &servers);
    Candidate {
        kind: shape.kind,
        name: shape.name.clone(),
        pods: shape.replicas,
        looks,
        reading,
        group,
        scaler,
        missing,
    }
}

impl Candidate {
    pub(crate) const fn is_consumer(&self) -> bool {
        matches!(self.looks, Looks::Consumer(_))
    }

    /// As kubectl names it.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.kind.name().to_ascii_lowercase(), self.name)
    }
}

fn looks(shape: &WorkloadShape, group: &Said, servers: &Said) -> Looks {
    if is_broker(&shape.containers) {
        return Looks::Broker;
    }
    let by = |said: &Said, what: &str| match said {
        Said::Plainly { from, .. } => Some(format!("{what} by {from}")),
        Said::Unclear(why) => Some(format!("{what}: {why}")),
        Said::Nothing => None,
    };
    let client = || of_client(&shape.containers).map(|name| format!("it has a variable {name}"));
    match by(group, "consumer group").or_else(|| by(servers, "brokers")).or_else(client) {
        Some(evidence) => Looks::Consumer(evidence),
        None => Looks::Other,
    }
}

fn scaler(shape: &WorkloadShape, hpas: Option<&[Hpa]>) -> Scaler {
    let Some(hpas) = hpas else { return Scaler::Unknown };
    let its = |hpa: &&Hpa| {
        let kind = hpa.scales_kind.as_deref();
        hpa.scales.as_deref() == Some(&*shape.name) && kind.is_none_or(|kind| kind == shape.kind.name())
    };
    Scaler::Known(hpas.iter().filter(its).map(|hpa| hpa.name.clone()).collect())
}

fn missing(
    shape: &WorkloadShape,
    reading: &Reading,
    group: &Said,
    scaler: &Scaler,
    raw: &Raw,
) -> Vec<Missing> {
    let open = reading.open.iter().map(|Open { variable, why }| Missing { what: variable, why: why.clone() });
    let mut missing: Vec<Missing> = open.collect();
    let mut add = |what, why: String| missing.push(Missing { what, why });
    if *group == Said::Nothing && raw.get(GROUP).is_none() {
        add(GROUP, format!("{}; {} is taken for it", untold(shape), shape.name));
    }
    // One that reads Kafka alone evens messages; what a pod's work costs is not seen.
    let asks_kafka = raw.get(SERVERS).is_some() || reading.facts.iter().any(|fact| fact.variable == SERVERS);
    if asks_kafka && raw.get(METRICS).is_none() {
        add(METRICS, "without a metric server pods are compared by messages, not by CPU".to_owned());
    }
    match scaler {
        Scaler::Known(hpas) if hpas.is_empty() => {
            add("autoscaler", "none scales it, so there is no CPU target to stay below".to_owned());
        }
        Scaler::Known(hpas) if hpas.len() > 1 => {
            add("autoscaler", format!("several scale it, which holds: {}", hpas.join(", ")));
        }
        Scaler::Known(_) => {}
        Scaler::Unknown => add("autoscaler", "autoscalers can't be listed".to_owned()),
    }
    let minimum = minimum_pods(raw);
    let pods = shape.replicas.and_then(|pods| usize::try_from(pods).ok());
    if let Some(pods) = pods.filter(|pods| *pods <= minimum) {
        add("pods", format!("{pods}, of which MINIMUM_PODS_REQUIRED={minimum} must stay"));
    }
    missing
}

/// Why no variable tells the group.
fn untold(shape: &WorkloadShape) -> String {
    let sources: Vec<&str> =
        shape.containers.iter().flat_map(|container| &container.sources).map(String::as_str).collect();
    match sources.is_empty() {
        true => "no variable tells it".to_owned(),
        false => format!("no variable tells it but perhaps one of {}, which is not read", sources.join(", ")),
    }
}

fn minimum_pods(raw: &Raw) -> usize {
    let set = ["MINIMUM_PODS_REQUIRED", "MIN_PODS_REQUIRED"].into_iter().find_map(|name| raw.get(name));
    set.and_then(|text| parse::count(text).ok()).unwrap_or(MINIMUM_PODS)
}

#[cfg(test)]
mod tests {
    use super::super::reading::tests::{orders, set};
    use super::*;

    const NO_HPAS: Option<&[Hpa]> = Some(&[]);

    fn of(variables: &[(&str, &str)], hpas: Option<&[Hpa]>, raw: &[(&str, &str)]) -> Candidate {
        candidate(&orders(&[("app", variables)]), hpas, &set(raw))
    }

    fn hpa(name: &str, scales: &str, kind: Option<&str>) -> Hpa {
        Hpa {
            name: name.to_owned(),
            scales: Some(scales.to_owned()),
            scales_kind: kind.map(str::to_owned),
            cpu: None,
            of_container: false,
            scaling: None,
            scales_by: Vec::new(),
        }
    }

    fn missing(candidate: &Candidate) -> Vec<&str> {
        candidate.missing.iter().map(|missing| missing.what).collect()
    }

    #[test]
    fn a_consumer_is_told_by_its_environment_and_nothing_else_is_one() {
        for (variables, expected) in [
            (
                vec![("GROUP_ID", "orders")],
                Looks::Consumer("consumer group by GROUP_ID of container app".to_owned()),
            ),
            (
                vec![("KAFKA_BROKERS", "k:9092")],
                Looks::Consumer("brokers by KAFKA_BROKERS of container app".to_owned()),
            ),
            (vec![("KAFKA_TOPIC", "orders")], Looks::Consumer("it has a variable KAFKA_TOPIC".to_owned())),
            (vec![("GROUP_ID", "1000")], Looks::Other),
            (vec![("DATABASE_URL", "x")], Looks::Other),
            (vec![], Looks::Other),
            (vec![("KAFKA_CFG_NODE_ID", "0"), ("KAFKA_BROKERS", "k:9092")], Looks::Broker),
        ] {
            assert_eq!(of(&variables, NO_HPAS, &[]).looks, expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        let all = [("GROUP_ID", "orders"), ("KAFKA_BROKERS", "k:9092")];
        let metrics = [("PROMETHEUS_ENDPOINT", "http://m:9090")];
        let scaled =
            [hpa("keda-hpa-orders", "orders", Some("Deployment")), hpa("x", "orders", Some("StatefulSet"))];
        assert_eq!(missing(&of(&all, Some(&scaled), &metrics)), [""; 0]);
        assert_eq!(missing(&of(&all, Some(&scaled), &[])), [METRICS]);
        assert_eq!(missing(&of(&all[..1], Some(&scaled), &[])), [METRICS], "and no brokers");
        assert_eq!(missing(&of(&all[1..], Some(&scaled), &metrics)), [GROUP]);
        assert_eq!(missing(&of(&all, NO_HPAS, &metrics)), ["autoscaler"]);
        assert_eq!(missing(&of(&all, None, &metrics)), ["autoscaler"]);
        let two = [hpa("a", "orders", None), hpa("b", "orders", Some("Deployment"))];
        assert_eq!(missing(&of(&all, Some(&two), &metrics)), ["autoscaler"]);
        let few = [metrics[0], ("MINIMUM_PODS_REQUIRED", "6")];
        assert_eq!(missing(&of(&all, Some(&scaled), &few)), ["pods"]);
    }
}
