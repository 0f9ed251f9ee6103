//! The workloads of a namespace that look like consumers, and what was read from one.

use serde::Serialize;

use super::Form;
use super::screen::{self, Screen, Sheet, Tone};
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
    match form {
        Form::Table | Form::Tables => screen::print(&sheet(listing, Screen::of_stdout())),
        Form::Json => super::print(&serde_json::to_string_pretty(&document(listing))?),
        Form::JsonLine => super::print(&serde_json::to_string(&document(listing))?),
    }
}

/// Prints what was read from a workload, before what is made of it. JSON has it in the log alone.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn facts(form: Form, workload: &str, facts: &[Fact]) -> anyhow::Result<()> {
    match form {
        Form::Table | Form::Tables if !facts.is_empty() => {
            screen::print(&facts_sheet(workload, facts, Screen::of_stdout())).and_then(|()| super::print(""))
        }
        Form::Table | Form::Tables | Form::Json | Form::JsonLine => Ok(()),
    }
}

fn facts_sheet(workload: &str, facts: &[Fact], screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    sheet.paragraph(Tone::Plain, &format!("read from {workload}, as it is not set:"));
    for Fact { variable, value, from } in facts {
        sheet.labelled((Tone::Plain, "", 2), &format!("{variable}={value}"));
        sheet.labelled((Tone::Plain, "", 4), from);
    }
    sheet
}

fn sheet(Listing { namespace, candidates, command }: &Listing<'_>, screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    let (consumers, others): (Vec<&Candidate>, Vec<&Candidate>) =
        candidates.iter().partition(|candidate| candidate.is_consumer());
    let (some, all) = (consumers.len(), candidates.len());
    let headline = format!("namespace {namespace}: {some} of {all} workloads look like Kafka consumers");
    sheet.paragraph(Tone::Plain, &headline);
    for candidate in consumers {
        sheet.blank();
        one(&mut sheet, candidate);
        sheet.command("next", &format!("{command} -n {namespace} {}", candidate.address()));
    }
    if !others.is_empty() {
        sheet.blank();
        sheet.paragraph(Tone::Plain, "others:");
    }
    for other in others {
        let why = if other.looks == Looks::Broker { " (a broker of Kafka)" } else { "" };
        sheet.labelled((Tone::Plain, "", 2), &format!("{}{why}", other.address()));
    }
    sheet
}

fn one(sheet: &mut Sheet, candidate: &Candidate) {
    let pods = candidate.pods.map(|pods| format!(", {pods} pods")).unwrap_or_default();
    sheet.paragraph(Tone::Strong, &format!("{}{pods}", candidate.address()));
    if let Looks::Consumer(evidence) = &candidate.looks {
        sheet.entry("seen by", evidence);
    }
    if let Said::Plainly { value, .. } = &candidate.group {
        sheet.entry("group", value);
    }
    if let Scaler::Known(hpas) = &candidate.scaler
        && !hpas.is_empty()
    {
        sheet.entry("autoscaler", &hpas.join(", "));
    }
    for Fact { variable, value, from } in &candidate.reading.facts {
        sheet.entry("told", &format!("{variable}={value}"));
        sheet.entry("", from);
    }
    for Missing { what, why } in &candidate.missing {
        sheet.entry("missing", &format!("{what}:"));
        sheet.entry("", why);
    }
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

    const SCREEN: Screen = Screen { width: 80, unicode: true };

    #[test]
    fn a_namespace_is_listed_to_the_last_letter() {
        golden("discovery/tests/listing.txt", &sheet(&shown(&some()), SCREEN).plain());
        golden(
            "discovery/tests/listing.json",
            &serde_json::to_string_pretty(&document(&shown(&some()))).unwrap(),
        );
    }

    /// Names may be long, and are written by others.
    #[test]
    fn whatever_workloads_are_called_no_line_is_too_wide_and_a_command_can_be_pasted() {
        let mut candidates = some();
        candidates[0].name = "a-service-with-a-name-as-long-as-names-of-services-are".to_owned();
        candidates[0].looks = Looks::Consumer("a group \u{202e}of many words ".repeat(9));
        let text = sheet(&shown(&candidates), SCREEN).plain();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        let command = "next       kubectl rebalancer plan -n streams \\\n           deployment/a-service-with-a-name-as-long";
        assert!(text.contains(command), "{text}");
    }

    #[test]
    fn what_was_read_says_where_it_stands() {
        let facts = [fact("CONTAINER_NAME", "app", "its only container")];
        let expected =
            "read from Deployment orders, as it is not set:\n  CONTAINER_NAME=app\n    its only container";
        assert_eq!(facts_sheet("Deployment orders", &facts, SCREEN).plain(), expected);
    }
}
