//! The workloads of a namespace that look like consumers, and what was read from one.

use std::fmt::Write as _;

use serde::Serialize;

use super::Form;
use crate::discovery::{Candidate, Fact, Looks, Missing, Said, Scaler};

/// The version of the shape of the listing as JSON.
pub(crate) const VERSION: u32 = 1;

/// A namespace, looked at.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) candidates: &'a [Candidate],
    /// The command that was asked for, as it is typed.
    pub(crate) command: &'a str,
}

/// The shape of `rebalancer plan --output json` where no workload is named. Fields are only ever added.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DiscoveryDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// Where they are.
    namespace: &'a str,
    /// Deployments and StatefulSets, by kind and name.
    workloads: Vec<Workload<'a>>,
}

/// One workload.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Workload<'a> {
    /// `Deployment` or `StatefulSet`.
    kind: &'a str,
    /// Its name.
    name: &'a str,
    /// Pods that it wants; `null` when it does not say.
    pods: Option<u32>,
    /// It looks like a Kafka consumer.
    is_consumer: bool,
    /// By what it does; `null` for others.
    evidence: Option<&'a str>,
    /// Its consumer group; `null` when it does not tell it plainly.
    group: Option<&'a str>,
    /// Its autoscalers; `null` when they can't be listed.
    autoscalers: Option<&'a [String]>,
    /// Settings that it tells, for what nobody has set.
    settings: Vec<Setting<'a>>,
    /// What stands in the way, or makes a decision worse.
    missing: Vec<Lack<'a>>,
}

/// A setting that a workload tells.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Setting<'a> {
    /// The variable.
    variable: &'a str,
    /// Its value.
    value: &'a str,
    /// Where it stands.
    from: &'a str,
}

/// Something that is missing.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Lack<'a> {
    /// A variable, `autoscaler` or `pods`.
    what: &'a str,
    /// Why, and what to do.
    why: &'a str,
}

/// Prints the workloads of a namespace.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn listing(form: Form, listing: &Listing<'_>) -> anyhow::Result<()> {
    let text = match form {
        Form::Table | Form::Tables => text(listing)?,
        Form::Json => serde_json::to_string_pretty(&document(listing))?,
        Form::JsonLine => serde_json::to_string(&document(listing))?,
    };
    super::print(&text)
}

/// Prints what was read from a workload, before what is made of it. JSON has it in the log alone.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn facts(form: Form, workload: &str, facts: &[Fact]) -> anyhow::Result<()> {
    match form {
        Form::Table | Form::Tables if !facts.is_empty() => {
            super::print(&facts_text(workload, facts)?).and_then(|()| super::print(""))
        }
        Form::Table | Form::Tables | Form::Json | Form::JsonLine => Ok(()),
    }
}

fn facts_text(workload: &str, facts: &[Fact]) -> Result<String, std::fmt::Error> {
    let mut out = format!("read from {workload}, as it is not set:\n");
    for Fact { variable, value, from } in facts {
        writeln!(out, "  {variable}={value}\n    {from}")?;
    }
    Ok(out)
}

fn text(Listing { namespace, candidates, command }: &Listing<'_>) -> Result<String, std::fmt::Error> {
    let (consumers, others): (Vec<&Candidate>, Vec<&Candidate>) =
        candidates.iter().partition(|candidate| candidate.is_consumer());
    let mut out = String::new();
    let (some, all) = (consumers.len(), candidates.len());
    writeln!(out, "namespace {namespace}: {some} of {all} workloads look like Kafka consumers")?;
    for candidate in consumers {
        writeln!(out)?;
        one(&mut out, candidate)?;
        writeln!(out, "  next        {command} -n {namespace} {}", candidate.address())?;
    }
    if !others.is_empty() {
        writeln!(out, "\nothers:")?;
    }
    for other in others {
        let why = if other.looks == Looks::Broker { "  (a broker of Kafka)" } else { "" };
        writeln!(out, "  {}{why}", other.address())?;
    }
    Ok(out)
}

fn one(out: &mut String, candidate: &Candidate) -> std::fmt::Result {
    match candidate.pods {
        Some(pods) => writeln!(out, "{}, {pods} pods", candidate.address())?,
        None => writeln!(out, "{}", candidate.address())?,
    }
    if let Looks::Consumer(evidence) = &candidate.looks {
        writeln!(out, "  seen by     {evidence}")?;
    }
    if let Said::Plainly { value, .. } = &candidate.group {
        writeln!(out, "  group       {value}")?;
    }
    if let Scaler::Known(hpas) = &candidate.scaler
        && !hpas.is_empty()
    {
        writeln!(out, "  autoscaler  {}", hpas.join(", "))?;
    }
    for Fact { variable, value, from } in &candidate.reading.facts {
        writeln!(out, "  told        {variable}={value}\n              {from}")?;
    }
    for Missing { what, why } in &candidate.missing {
        writeln!(out, "  missing     {what}:\n              {why}")?;
    }
    Ok(())
}

fn document<'a>(listing: &Listing<'a>) -> DiscoveryDocument<'a> {
    let workloads = listing.candidates.iter().map(workload).collect();
    DiscoveryDocument { version: VERSION, namespace: listing.namespace, workloads }
}

fn workload(candidate: &Candidate) -> Workload<'_> {
    let settings = candidate.reading.facts.iter();
    Workload {
        kind: candidate.kind.name(),
        name: &candidate.name,
        pods: candidate.pods,
        is_consumer: candidate.is_consumer(),
        evidence: match &candidate.looks {
            Looks::Consumer(evidence) => Some(evidence),
            Looks::Broker | Looks::Other => None,
        },
        group: match &candidate.group {
            Said::Plainly { value, .. } => Some(value),
            Said::Unclear(_) | Said::Nothing => None,
        },
        autoscalers: match &candidate.scaler {
            Scaler::Known(hpas) => Some(hpas),
            Scaler::Unknown => None,
        },
        settings: settings.map(|Fact { variable, value, from }| Setting { variable, value, from }).collect(),
        missing: candidate.missing.iter().map(|Missing { what, why }| Lack { what, why }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use rebalancer_kube::preflight::WorkloadKind;

    use super::*;
    use crate::discovery::Reading;
    use crate::render::golden::golden;

    fn candidate(kind: WorkloadKind, name: &str, looks: Looks) -> Candidate {
        Candidate {
            kind,
            name: name.to_owned(),
            pods: Some(6),
            looks,
            reading: Reading::default(),
            group: Said::Nothing,
            scaler: Scaler::Known(Vec::new()),
            missing: Vec::new(),
        }
    }

    fn fact(variable: &'static str, value: &str, from: &str) -> Fact {
        Fact { variable, value: value.to_owned(), from: from.to_owned() }
    }

    fn some() -> [Candidate; 4] {
        let group = "SPRING_KAFKA_CONSUMER_GROUP_ID of container app";
        let by = |what: &str| Looks::Consumer(what.to_owned());
        let orders = Candidate {
            group: Said::Plainly { value: "orders-v2".to_owned(), from: group.to_owned() },
            scaler: Scaler::Known(vec!["keda-hpa-orders".to_owned()]),
            reading: Reading {
                facts: vec![
                    fact("KUBE_LABEL_SELECTOR", "app=orders", "its selector"),
                    fact("CONTAINER_NAME", "app", "its only container"),
                ],
                open: Vec::new(),
            },
            ..candidate(WorkloadKind::Deployment, "orders", by(&format!("consumer group by {group}")))
        };
        let lack = |what, why: &str| Missing { what, why: why.to_owned() };
        let payments = Candidate {
            missing: vec![
                lack("KAFKA_GROUP_ID", "no variable tells it; payments is taken for it"),
                lack("autoscaler", "none scales it, so there is no CPU target to stay below"),
            ],
            ..candidate(WorkloadKind::StatefulSet, "payments", by("it has a variable KAFKA_TOPIC"))
        };
        let kafka = candidate(WorkloadKind::StatefulSet, "kafka", Looks::Broker);
        [orders, candidate(WorkloadKind::Deployment, "web", Looks::Other), kafka, payments]
    }

    fn shown(candidates: &[Candidate]) -> Listing<'_> {
        Listing { namespace: "streams", candidates, command: "kubectl rebalancer plan" }
    }

    #[test]
    fn a_namespace_is_listed_to_the_last_letter_and_in_80_columns() {
        let text = text(&shown(&some())).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        golden("discovery/tests/listing.txt", &text);
        golden(
            "discovery/tests/listing.json",
            &serde_json::to_string_pretty(&document(&shown(&some()))).unwrap(),
        );
    }

    #[test]
    fn what_was_read_says_where_it_stands() {
        let facts = [fact("CONTAINER_NAME", "app", "its only container")];
        let expected =
            "read from Deployment orders, as it is not set:\n  CONTAINER_NAME=app\n    its only container\n";
        assert_eq!(facts_text("Deployment orders", &facts).unwrap(), expected);
    }
}
