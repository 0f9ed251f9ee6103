//! What somebody is asked before anything is removed.

use rebalancer_core::fleet::Workload;
use rebalancer_core::history::Proposal;
use rebalancer_core::jiff::Timestamp;
use rebalancer_core::report::{Decision, Plan};
use rebalancer_core::unit::Elapsed;

use crate::render::Shown;
use crate::render::screen::Sheet;

/// The open proposal and how it is answered; nothing where nobody has to approve.
pub(super) fn entries(sheet: &mut Sheet, shown: &Shown<'_>) {
    let now = shown.report.taken_at;
    match (shown.approval.open(now), &shown.report.decision) {
        (Some(open), decision) => waiting(sheet, &shown.report.workload, open, decision, now),
        (None, Decision::Rotate(_)) if shown.approval.required => sheet.entry(
            "approval",
            "somebody has to approve it first: the next run proposes it and ends (APPROVAL=required)",
        ),
        (None, Decision::Rotate(_) | Decision::Balanced | Decision::Hold(_)) => {}
    }
}

fn waiting(sheet: &mut Sheet, workload: &Workload, open: &Proposal, decision: &Decision, now: Timestamp) {
    let Workload { namespace, name, .. } = workload;
    let Proposal { id, at, until, plan, approved, .. } = open;
    let left = Elapsed(until.duration_since(now));
    let pods: Vec<String> = plan.pods.iter().map(|pod| format!("{} ({})", pod.name, pod.role)).collect();
    let state = match approved {
        None => "waits for an answer".to_owned(),
        Some(by) => {
            format!("is approved by {by}; the next run acts by it, if its plan is the same or better")
        }
    };
    sheet.entry("approval", &format!("proposal {id} {state}"));
    sheet.entry("", &format!("made {at:.0}, valid until {until:.0} ({left} left)"));
    sheet.entry("", &format!("it would remove {}; expected: {}", pods.join(", "), plan.expected));
    if let Decision::Rotate(now) = decision
        && !is_part_of(now, open)
    {
        sheet.entry("", "the plan of now has other pods, so the next run proposes that in its place");
    }
    if approved.is_none() {
        sheet.command("to approve", &format!("rebalancer approve {id} {name} -n {namespace}"));
    }
    sheet.command("to reject", &format!("rebalancer reject {id} {name} -n {namespace}"));
    sheet.entry(
        "",
        &format!(
            "who may update the Lease of the workload may answer so; who may change the workload, by its annotation \
             pod-rebalancer.io/approve={id}"
        ),
    );
}

/// Each of its pods was proposed for the same role.
fn is_part_of(plan: &Plan, open: &Proposal) -> bool {
    plan.removals.iter().all(|removal| {
        open.plan.pods.iter().any(|pod| pod.uid == removal.pod.uid && pod.role == removal.choice.role())
    })
}
