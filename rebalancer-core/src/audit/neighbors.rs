//! What others do with the fleet, worked out again.

use std::collections::BTreeMap;

use super::{Chosen, Seen, Violation};
use crate::fleet::{Disturbance, ExecutorState, Leaving};
use crate::snapshot::Snapshot;

/// No other controller is at work, and no pod that is about to move goes as a cold one.
pub(super) fn check(snapshot: &Snapshot, all: &[Seen<'_>], chosen: &[Chosen<'_>]) -> Vec<Violation> {
    let around = &snapshot.surroundings;
    let shows = |what: Disturbance| {
        all.iter().any(|seen| seen.own && seen.observed.pod.extras.disturbance == Some(what))
    };
    let vpa_restarts = around.vertical.as_ref().is_some_and(|vpa| vpa.restarts_pods);
    let mut violations = Vec::new();
    for (what, holds) in [
        ("another controller is at work", !around.at_work.is_empty()),
        ("a neighbor did not tell what it does", !around.unread_neighbors.is_empty()),
        (
            "Cruise Control executes",
            matches!(around.cruise_control, Some(Ok(state)) if state != ExecutorState::NoTaskInProgress),
        ),
        ("Cruise Control did not tell what it does", matches!(around.cruise_control, Some(Err(_)))),
        ("a tenth of the nodes are drained", are_drained(snapshot, all)),
        ("pods are being resized", shows(Disturbance::Resize)),
        ("pods are being evicted", vpa_restarts && shows(Disturbance::Eviction)),
    ] {
        violations.extend(holds.then_some(Violation::NotNow { what }));
    }
    let leaves = |node: &str| around.leaving_nodes.iter().any(|leaving| leaving.name.as_str() == node);
    let cold = chosen.iter().filter(|(removal, _)| !removal.choice.is_hot());
    let moving = cold.filter(|(_, observed)| observed.pod.node.as_deref().is_some_and(leaves));
    violations.extend(moving.map(|(removal, _)| Violation::OnLeavingNode { pod: removal.pod.name.clone() }));
    violations
}

/// By node: whether one of the fleet's pods is on its way out there.
fn are_drained(snapshot: &Snapshot, all: &[Seen<'_>]) -> bool {
    let leaving = &snapshot.surroundings.leaving_nodes;
    if leaving.is_empty() {
        return false;
    }
    let mut nodes: BTreeMap<&str, bool> = BTreeMap::new();
    for pod in all.iter().filter(|seen| seen.own).map(|seen| &seen.observed.pod) {
        let ended = matches!(pod.phase, crate::fleet::Phase::Succeeded | crate::fleet::Phase::Failed);
        if let Some(node) = pod.node.as_deref().filter(|_| pod.terminating || !ended) {
            *nodes.entry(node).or_insert(false) |= pod.terminating;
        }
    }
    let drained = leaving.iter().filter(|node| match (node.stage, nodes.get(node.name.as_str())) {
        (Leaving::Draining, Some(_)) | (Leaving::Cordoned, Some(true)) => true,
        (Leaving::Cordoned | Leaving::Candidate, _) | (Leaving::Draining, None) => false,
    });
    let drained = drained.count();
    drained > 0 && drained as f64 >= nodes.len() as f64 / 10.0
}
