//! Others who work on the same fleet.

use rebalancer_core::fleet::Neighbor;
use rebalancer_core::report::RestartsDue;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding};

/// Who is there and is not asked, and who is about to restart pods.
pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let asked = &facts.settings.policy.guards.neighbors;
    let unasked = survey.installed.iter().filter(|neighbor| !asked.contains(neighbor));
    let mut findings: Vec<Finding> = unasked.map(|neighbor| not_asked(*neighbor)).collect();
    let observation = facts.observation.as_ref().and_then(|observed| observed.as_ref().ok());
    let due = observation.and_then(|observed| RestartsDue::of(&observed.snapshot));
    findings.extend(due.map(|due| Finding::note(Code::RestartsDue, due.to_string())));
    findings
}

fn not_asked(neighbor: Neighbor) -> Finding {
    let (who, unseen) = match neighbor {
        Neighbor::Nodes => ("Karpenter", "a node that it drains"),
        Neighbor::Flagger => ("Flagger", "a canary that it tries"),
        Neighbor::Keda => ("KEDA", "a ScaledObject that is paused, falls back or goes to zero"),
        Neighbor::Vpa => ("the vertical pod autoscaler", "a pod that it is about to restart"),
    };
    let message =
        format!("{who} is installed here, and NEIGHBORS does not name {neighbor}: {unseen} is not seen");
    let fix = format!("set NEIGHBORS={neighbor}, and grant its right (docs/neighbors.md)");
    Finding { fix: Some(fix), ..Finding::note(Code::NeighborNotAsked, message) }
}
