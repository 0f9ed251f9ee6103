//! What is remembered of past rotations, and who holds the lock.

use rebalancer_core::history::{Breaker, Held, Pause, Peeked, StateError};

use super::super::facts::{Facts, LockFacts, Survey};
use super::super::finding::{Code, Finding};
use super::rights::{is_told, missing_of};

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    match &survey.record {
        None => vec![Finding::note(
            Code::RecordOff,
            "RECORD_STORE=none: nothing is remembered, and overlapping runs may both act",
        )],
        Some(Ok(peeked)) => readable(facts, survey, peeked),
        Some(Err(error)) => vec![unusable(error, survey)],
    }
}

fn readable(facts: &Facts<'_>, survey: &Survey, peeked: &Peeked) -> Vec<Finding> {
    let mut findings = Vec::new();
    match peeked.record.breaker() {
        Breaker::Open { until, why, .. } if facts.now < until => findings.push(Finding::warning(
            Code::BreakerOpen,
            format!("the circuit breaker is open until {until:.0}: {why}"),
            "look at the reason; `rebalancer reset` closes it",
        )),
        Breaker::Closed | Breaker::Open { .. } | Breaker::HalfOpen { .. } => {}
    }
    if let Some(Held { by, until }) = &peeked.held {
        let until = until.map_or_else(
            || "without an expiry: remove holderIdentity from the Lease to release it".to_owned(),
            |until| format!("until {until:.0} at most"),
        );
        findings.push(Finding::note(Code::LockHeld, format!("another run is at work ({by}), {until}")));
    }
    let rotations = peeked.record.rotations().len();
    let ok = format!("the record in Lease {} can be read; it has {rotations} rotations", survey.lease);
    findings.push(Finding::ok(Code::Record, ok));
    findings
}

/// The lock by which rebalancers of several clusters take turns. Another one that has it is at work, as it should be.
pub(super) fn of_group(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(LockFacts { namespace, rights, peeked }) = &facts.group_lock else { return Vec::new() };
    let mut findings = missing_of(rights, namespace);
    findings.push(match peeked {
        Ok(Peeked { held: None, .. }) => {
            Finding::ok(Code::GroupLock, "the lock of the consumer group is free")
        }
        Ok(Peeked { held: Some(Held { by, until }), .. }) => {
            let pause = Pause::GroupLocked { by: by.clone(), until: *until };
            Finding::ok(Code::GroupLock, pause.to_string())
        }
        Err(StateError::Forbidden { verb, resource, .. }) if is_told(rights, verb, resource) => {
            Finding::not_checked("the lock of the consumer group", "a permission is missing")
        }
        Err(error) => Finding::error(
            Code::GroupLockUnusable,
            format!("the lock of the consumer group can't be read: {error}"),
            "check GROUP_LOCK_KUBECONFIG, GROUP_LOCK_CONTEXT and GROUP_LOCK_NAMESPACE, and grant get, create and update on \
             leases there; nothing is rotated without the lock",
        ),
    });
    findings
}

fn unusable(error: &StateError, survey: &Survey) -> Finding {
    let message = error.to_string();
    match error {
        StateError::Newer { .. } => {
            Finding::error(Code::RecordNewer, message, "use the newer version of this program everywhere")
        }
        StateError::Unreadable { .. } => Finding::error(
            Code::RecordUnreadable,
            message,
            format!("start over: kubectl annotate lease {} pod-rebalancer.io/record-", survey.lease),
        ),
        StateError::Forbidden { verb, resource, .. } if is_told(&survey.rights, verb, resource) => {
            Finding::not_checked("the record", "a permission is missing")
        }
        StateError::Forbidden { .. }
        | StateError::Held { .. }
        | StateError::Conflict { .. }
        | StateError::Unavailable { .. }
        | StateError::Rejected { .. } => Finding::error(
            Code::RecordUnusable,
            message,
            "see the message; nothing is done without the record",
        ),
    }
}
