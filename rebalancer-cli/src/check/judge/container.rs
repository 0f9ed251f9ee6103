//! The container that is measured.

use std::collections::BTreeSet;

use super::super::facts::{Around, Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::selector::is_owned_by;

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let Ok(pods) = &survey.pods else { return Vec::new() };
    let (name, container) = (facts.workload(), &facts.asked.container);
    let own: Vec<_> = pods.iter().filter(|pod| survey.ownership.owns(pod, name)).collect();
    let without = own.iter().filter(|pod| pod.container.is_none()).count();
    if own.is_empty() {
        return Vec::new();
    }
    if without == 0 {
        return vec![Finding::ok(
            Code::Container,
            format!("all {} pods have a container {container}", own.len()),
        )];
    }
    let there = containers(facts, survey);
    let message = format!(
        "{without} of {} pods of {name} have no container {container}; they have: {}",
        own.len(),
        some(&there)
    );
    let fix = match there.iter().next() {
        Some(only) if there.len() == 1 => format!("set CONTAINER_NAME={only}"),
        _ => format!("set CONTAINER_NAME to the one that consumes{}", measured(facts)),
    };
    let finding = if without == own.len() { Finding::error } else { Finding::warning };
    vec![finding(Code::ContainerMissing, message, fix)]
}

/// Those of the pods, or else of their template.
fn containers(facts: &Facts<'_>, survey: &Survey) -> BTreeSet<String> {
    let pods = survey.around.as_ref().map(Around::known_pods).unwrap_or_default();
    let own = pods.iter().filter(|pod| is_owned_by(pod, facts.workload()));
    let of_pods: BTreeSet<String> = own.flat_map(|pod| pod.containers.clone()).collect();
    let of_template = || {
        let containers = survey.shape.iter().flat_map(|shape| &shape.containers);
        containers.map(|container| container.name.clone()).collect()
    };
    if of_pods.is_empty() { of_template() } else { of_pods }
}

fn measured(facts: &Facts<'_>) -> String {
    let measured: BTreeSet<&String> = facts
        .lookups()
        .iter()
        .flat_map(|lookup| &lookup.series)
        .flat_map(|series| &series.containers)
        .collect();
    if measured.is_empty() {
        String::new()
    } else {
        format!("; the metric server has samples of: {}", some(measured))
    }
}
