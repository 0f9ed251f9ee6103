//! What a decision was made on, as a file, and the decision again from it.
//!
//! The file has one JSON object for each workload, one a line: the snapshot, the policy, what memory allowed, and the
//! plan as `--output json` shows it. Nothing of how servers are reached is in it, and of the pods' labels only those that
//! decide something.

mod compare;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use rebalancer_core::fleet::{LABELS, Requirement, Selector};
use rebalancer_core::history::Constraints;
use rebalancer_core::policy::Policy;
use rebalancer_core::snapshot::Snapshot;
use serde::Serialize;

pub(crate) use compare::Comparison;
pub(crate) use read::{Saved, read};

use crate::render::{PlanDocument, Shown};

/// The version of the shape of the file. A program reads no newer one: it may have reasons to hold that this one does not
/// know.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    program: String,
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    constraints: &'a Constraints,
    plan: PlanDocument<'a>,
}

/// One workload's line of the file.
///
/// # Errors
/// When a part of it is no JSON.
pub(crate) fn line(
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
    shown: &Shown<'_>,
) -> serde_json::Result<String> {
    let snapshot = with_needed_labels(snapshot);
    serde_json::to_string(&Line {
        version: VERSION,
        program: crate::args::version(),
        snapshot: &snapshot,
        policy,
        constraints,
        plan: PlanDocument::of(shown),
    })
}

/// Labels decide where they tell revisions apart, and by the selectors of disruption budgets; others are nobody's
/// business.
fn with_needed_labels(snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let selectors = snapshot.surroundings.budgets.iter().map(|budget| &budget.selector);
    let needed: BTreeSet<String> = selectors.flat_map(keys).chain(LABELS).map(ToOwned::to_owned).collect();
    for pod in &mut snapshot.pods {
        pod.pod.labels.retain(|key, _| needed.contains(key));
    }
    snapshot
}

fn keys(selector: &Selector) -> Vec<&str> {
    match selector {
        Selector::Nothing => Vec::new(),
        Selector::All(requirements) => requirements.iter().map(key).collect(),
    }
}

fn key(requirement: &Requirement) -> &str {
    match requirement {
        Requirement::In { key, .. }
        | Requirement::NotIn { key, .. }
        | Requirement::Exists { key }
        | Requirement::DoesNotExist { key } => key,
    }
}
