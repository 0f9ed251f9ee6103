//! What forbids any rotation now, whatever the loads: the workload is left alone, it is a quiet hour, or the fleet is
//! being changed by someone else.
//!
//! What forbids the removal of one pod is [`eligibility`](crate::eligibility); what memory forbids is
//! [`Pause`](crate::history::Pause).

use jiff::Timestamp;

use crate::eligibility::{Annotation, opts_out};
use crate::fleet::{Activity, Controller, Phase, Pod, Progress, Scaling, Watched, Workload};
use crate::policy::Policy;
use crate::snapshot::{Snapshot, Surroundings};
use census::{Census, Revisions};

pub(crate) use group::{changed, group_not_stable, moved};
pub(crate) use neighbors::executing;
pub use not_now::NotNow;

/// The first reason to make no rotation now.
#[must_use]
pub fn not_now(snapshot: &Snapshot, policy: &Policy) -> Option<NotNow> {
    let now = snapshot.taken_at;
    let surroundings = &snapshot.surroundings;
    let controller = surroundings.controller.as_ref();
    let pods = Census::of(snapshot, policy.eligibility.minimum_age);
    opted_out(snapshot, &pods)
        .or_else(|| quiet(policy, now))
        .or_else(|| stale(surroundings.watched.as_ref()?, policy, now))
        .or_else(|| owner::several(snapshot, &pods))
        .or_else(|| owner::gone(snapshot, &pods))
        .or_else(|| owner::at_work(snapshot, &pods))
        .or_else(|| controller.and_then(rolling_out))
        .or_else(|| rolled(&pods.revisions, controller, &snapshot.workload))
        .or_else(|| controller.and_then(|controller| counts_disagree(controller, &pods)))
        .or_else(|| controller.and_then(scaling))
        .or_else(|| autoscaling(surroundings.scaling?, policy, now))
        .or_else(|| neighbors::not_now(snapshot))
        .or_else(|| unsettled(&pods, policy))
        .or_else(|| group::not_now(snapshot))
}

/// What has come up since the decision. `controller` is the workload's own object as it is now, where there was one.
/// `untouched`: the batch has not removed a pod yet, or what it removed is replaced; otherwise its own doings look like a rollout
/// or a scaling.
#[must_use]
pub fn still_not_now(
    controller: Option<&Controller>,
    policy: &Policy,
    now: Timestamp,
    untouched: bool,
) -> Option<NotNow> {
    let marked = controller.filter(|controller| opts_out(&controller.annotations)).map(|_| OPTED_OUT);
    let changing =
        |controller| busy(controller).or_else(|| rolling_out(controller)).or_else(|| scaling(controller));
    marked.or_else(|| quiet(policy, now)).or_else(|| controller.filter(|_| untouched).and_then(changing))
}

const OPTED_OUT: NotNow = NotNow::OptedOut { annotation: Annotation::OptOut };

/// A mark on any object that owns one of the pods counts, and so does one on what only has the workload's name.
fn opted_out(snapshot: &Snapshot, pods: &Census<'_>) -> Option<NotNow> {
    let Surroundings { controller, ownership, .. } = &snapshot.surroundings;
    let marked = |object: &Controller| opts_out(&object.annotations);
    let mut owners = pods
        .by_owner
        .iter()
        .copied()
        .filter(|pod| ownership.owns(pod, &snapshot.workload.name))
        .flat_map(|pod| ownership.marking(pod));
    (controller.as_ref().is_some_and(marked) || owners.any(marked)).then_some(OPTED_OUT)
}

fn quiet(policy: &Policy, now: Timestamp) -> Option<NotNow> {
    let (window, until) = policy.guards.quiet_hours.as_ref()?.at(now)?;
    Some(NotNow::QuietHours { window: window.to_string(), until })
}

/// What a silent watch last told may be of any age.
fn stale(watched: &Watched, policy: &Policy, now: Timestamp) -> Option<NotNow> {
    let Watched { heard_at, error } = watched;
    let longest = policy.guards.longest_silence;
    let silent = heard_at.is_none_or(|at| now.duration_since(at) > longest);
    silent.then(|| NotNow::WatchStale { heard_at: *heard_at, longest, error: error.clone() })
}

/// What an owner says that its controller does.
fn busy(controller: &Controller) -> Option<NotNow> {
    let what = controller.at_work.clone()?;
    Some(NotNow::AtWork(Activity { of: controller.to_string(), what }))
}

/// A status that does not speak of the present specification may be about to become anything.
fn rolling_out(controller: &Controller) -> Option<NotNow> {
    let Progress { status_is_current, current, updated, .. } = controller.progress?;
    (!status_is_current || updated < current).then(|| NotNow::RolloutInProgress {
        of: controller.to_string(),
        updated: updated as usize,
        current: current as usize,
    })
}

/// There to stay. Kubernetes leaves ended pods lying about for long.
fn stays(pod: &Pod) -> bool {
    let ended = matches!(pod.phase, Phase::Succeeded | Phase::Failed);
    !ended && !pod.terminating
}

/// Two revisions among the workload's own pods are a rollout, whatever kind of owner makes it: one that is not read, or
/// that tells less of itself. A StatefulSet's own status knows better.
#[must_use]
pub fn roll<'a>(
    own: impl Iterator<Item = &'a Pod>,
    controller: Option<&Controller>,
    workload: &Workload,
) -> Option<NotNow> {
    rolled(&Revisions::of(own.filter(|pod| stays(pod))), controller, workload)
}

fn rolled(own: &Revisions<'_>, controller: Option<&Controller>, workload: &Workload) -> Option<NotNow> {
    if controller.is_some_and(|owner| owner.is_stateful_set() && owner.progress.is_some()) {
        return None;
    }
    let (updated, current) = (own.updated(), own.pods);
    let of = || controller.map_or_else(|| workload.to_string(), Controller::to_string);
    (updated < current).then(|| NotNow::RolloutInProgress { of: of(), updated, current })
}

/// A controller counts its pods without those that end, a StatefulSet with them; other containers are no matter to it.
fn counts_disagree(controller: &Controller, pods: &Census<'_>) -> Option<NotNow> {
    let says = controller.progress?.current;
    let Census { listed, ending, .. } = *pods;
    let agrees = (listed..=listed + ending).contains(&(says as usize));
    (!agrees).then(|| NotNow::CountsDisagree { of: controller.to_string(), says, listed, ending })
}

fn scaling(controller: &Controller) -> Option<NotNow> {
    let Progress { current, desired, .. } = controller.progress?;
    (current != desired).then(|| NotNow::ScalingInProgress { by: controller.to_string(), current, desired })
}

/// An autoscaler that can't read its metrics does nothing.
fn autoscaling(scaling: Scaling, policy: &Policy, now: Timestamp) -> Option<NotNow> {
    let Scaling { active, current, desired, minimum, last_scaled_at, wants_fewer, disabled: _ } = scaling;
    let settled = |at: Timestamp| at.checked_add(policy.eligibility.minimum_age).unwrap_or(Timestamp::MAX);
    if active && current != desired {
        return Some(NotNow::ScalingInProgress { by: "the autoscaler".to_owned(), current, desired });
    }
    if policy.guards.wait_for_scale_in && active && wants_fewer && current > minimum {
        return Some(NotNow::ScaleInPending { current, minimum });
    }
    let at = last_scaled_at.filter(|at| settled(*at) > now)?;
    Some(NotNow::JustScaled { at, until: settled(at) })
}

/// Pods that start will join the group, and those that end have left it.
fn unsettled(pods: &Census<'_>, policy: &Policy) -> Option<NotNow> {
    let minimum_age = policy.eligibility.minimum_age;
    if minimum_age.is_zero() {
        return None;
    }
    let (young, not_ready, pods) = (&pods.young, &pods.not_ready, pods.revisions.pods);
    let such_as = not_ready.first.or(young.first)?.name.clone();
    let (young, not_ready) = (young.pods, not_ready.pods);
    let too_many = (young + not_ready) as f64 > policy.guards.most_young.get() * pods as f64;
    too_many.then_some(NotNow::Unsettled { young, not_ready, such_as, pods, minimum_age })
}

mod census;
mod group;
mod neighbors;
mod not_now;
mod owner;
#[cfg(test)]
mod tests;
