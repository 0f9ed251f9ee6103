//! What is asked before anything is removed, and by whose approval it is done, as log lines.

use rebalancer_core::cycle::Asked;
use rebalancer_core::history::{Approved, Proposal};
use rebalancer_core::port::Mode;
use tracing::info;

pub(super) fn asked(mode: Mode, asked: &Asked) {
    let dry_run = mode == Mode::DryRun;
    match asked {
        Asked::Proposed { proposal, because } => {
            let words = match mode {
                Mode::Real => {
                    "somebody has to approve this rotation: rebalancer approve, or the annotation pod-rebalancer.io/approve on the workload"
                }
                Mode::DryRun => "a real run would propose this rotation, and wait until somebody approves it",
            };
            info!(
                event = "rotation_proposed",
                proposal = proposal.id,
                pods = pods(proposal),
                expected = %proposal.plan.expected,
                until = %proposal.until,
                why = %because,
                dry_run,
                "{words}"
            );
        }
        Asked::Waiting(proposal) => info!(
            event = "approval_pending",
            proposal = proposal.id,
            pods = pods(proposal),
            until = %proposal.until,
            dry_run,
            "nothing is removed before somebody approves the proposal"
        ),
        Asked::Rejected(rejected) => info!(
            event = "rotation_rejected",
            proposal = rejected.proposal,
            rejected_by = %rejected.by,
            until = %rejected.until,
            dry_run,
            "the plan was rejected, and is not proposed again before this time"
        ),
    }
}

pub(super) fn approved(Approved { proposal, by }: &Approved) {
    info!(
        event = "rotation_approved",
        proposal,
        approved_by = %by,
        way = by.way.name(),
        approved_at = %by.at,
        "the plan is as good as the approved one, and is carried out; the approval is used up"
    );
}

fn pods(proposal: &Proposal) -> String {
    let names: Vec<&str> = proposal.plan.pods.iter().map(|pod| pod.name.as_str()).collect();
    names.join(", ")
}
