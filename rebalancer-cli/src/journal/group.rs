//! The consumer group, as Kafka shows it.

use rebalancer_core::cycle::{Rebalance, Watched};
use rebalancer_core::group::GroupSummary;
use rebalancer_core::history::Imbalance;
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::policy::Timing;
use rebalancer_core::prediction::Prediction;
use tracing::{info, warn};

/// What a cycle saw of it before it decided.
pub(super) fn seen(group: Option<&GroupSummary>, error: Option<&str>) {
    if let Some(error) = error {
        warn!(event = "group_unread", error, "the consumer group could not be read; nothing is removed");
    }
    let Some(group) = group else { return };
    info!(
        event = "group",
        group = group.id,
        state = group.state,
        assignor = group.assignor,
        members = group.members,
        elsewhere = group.elsewhere.len(),
        pods_without_member = group.pods_without_member.join(", "),
        static_members = group.static_members,
        eager = group.eager,
        "the consumer group, as Kafka tells it"
    );
}

/// What it did after the removals, beside what was predicted, in messages a second by pod.
pub(super) fn watched(predicted: Option<&Prediction>, watched: &Watched) {
    let timing = watched.timing.map(Timing::name);
    match &watched.rebalance {
        Rebalance::Settled { after } => info!(
            event = "group_settled",
            seconds = after.as_secs_f64(),
            timing,
            cv_before = predicted.map(|predicted| predicted.cv_before),
            predicted_cv = predicted.map(|predicted| predicted.expected_cv),
            cv_spread = predicted.map(|predicted| predicted.cv_spread),
            measured_cv = watched.carried.map(|carried| carried.cv.get()),
            max_to_mean = watched.carried.map(|carried| carried.max_to_mean.get()),
            "the consumer group is at rest with the replacements; CV is of the messages a second that pods carry"
        ),
        Rebalance::NotYet { state, members, expected, staying } => info!(
            event = "group_not_settled",
            state,
            members,
            expected,
            staying,
            "the consumer group is not at rest yet; the next cycle measures what came of it"
        ),
        Rebalance::Unread { error } => {
            warn!(event = "group_unread", error, "what became of the consumer group could not be read");
        }
    }
}

/// The replacement of a removed pod is a member, and the next pod may go.
pub(super) fn replaced(after: SignedDuration, carried: Imbalance) {
    info!(
        event = "replacement_joined",
        seconds = after.as_secs_f64(),
        measured_cv = carried.cv.get(),
        max_to_mean = carried.max_to_mean.get(),
        "the replacement of the pod that was removed is a member, and what came of it is what was expected; the next one follows"
    );
}

/// How the group was last seen, in words.
pub(super) fn at_last(rebalance: &Rebalance) -> String {
    match rebalance {
        Rebalance::Settled { after } => format!("at rest after {:.1} s", after.as_secs_f64()),
        Rebalance::NotYet { state, members, expected, staying: 0 } => {
            format!("{members} of {expected} members, {state}")
        }
        Rebalance::NotYet { state, members, expected, staying } => {
            format!("{members} of {expected} members, {staying} of them of the removed pod, {state}")
        }
        Rebalance::Unread { error } => format!("the group could not be read: {error}"),
    }
}
