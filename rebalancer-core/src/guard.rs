//! What forbids any rotation now, whatever the loads: the workload is left alone, it is a quiet hour, or the fleet is
//! being changed by someone else.
//!
//! What forbids the removal of one pod is [`eligibility`](crate::eligibility); what memory forbids is
//! [`Pause`](crate::history::Pause).

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::eligibility::{OPT_OUT, opts_out};
use crate::fleet::Phase;
use crate::fleet::{Controller, Scaling};
use crate::policy::Policy;
use crate::snapshot::{ObservedPod, Snapshot};
use crate::unit::Elapsed;

/// Why no rotation is made now.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "guard"))]
pub enum NotNow {
    /// The workload is marked to be left alone.
    OptedOut {
        /// By which annotation.
        annotation: &'static str,
    },
    /// A quiet hour.
    QuietHours {
        /// The window.
        window: String,
        /// Its end.
        until: Timestamp,
    },
    /// Pods are being replaced by others of a new template.
    RolloutInProgress {
        /// What is rolled out: `Deployment consumer`.
        of: String,
        /// Pods of the new template.
        updated: usize,
        /// All of its pods.
        current: usize,
    },
    /// The number of pods is changing.
    ScalingInProgress {
        /// What says so: `Deployment consumer`, or the autoscaler.
        by: String,
        /// Pods now.
        current: u32,
        /// Pods that are wanted.
        desired: u32,
    },
    /// The autoscaler's metrics call for fewer pods; it only waits for its stabilization window.
    ScaleInPending {
        /// Pods now.
        current: u32,
        /// Pods that it always keeps.
        minimum: u32,
    },
    /// The autoscaler scaled a moment ago.
    JustScaled {
        /// When.
        at: Timestamp,
        /// When the fleet counts as settled.
        until: Timestamp,
    },
    /// Too many pods became Ready a moment ago, or are not yet: loads speak of another distribution of the work.
    Unsettled {
        /// Pods that have been Ready for less than the minimum age.
        young: usize,
        /// Pods that are not Ready.
        not_ready: usize,
        /// One of them.
        such_as: String,
        /// Pods that have not ended.
        pods: usize,
        /// The minimum age.
        minimum_age: SignedDuration,
    },
}

impl NotNow {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 7] = [
        "workload_opted_out",
        "quiet_hours",
        "rollout_in_progress",
        "scaling_in_progress",
        "scale_in_pending",
        "just_scaled",
        "fleet_unsettled",
    ];

    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OptedOut { .. } => "workload_opted_out",
            Self::QuietHours { .. } => "quiet_hours",
            Self::RolloutInProgress { .. } => "rollout_in_progress",
            Self::ScalingInProgress { .. } => "scaling_in_progress",
            Self::ScaleInPending { .. } => "scale_in_pending",
            Self::JustScaled { .. } => "just_scaled",
            Self::Unsettled { .. } => "fleet_unsettled",
        }
    }
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OptedOut { annotation } => {
                write!(f, "the workload is opted out by the annotation {annotation}")
            }
            Self::QuietHours { window, until } => {
                write!(f, "a quiet hour ({window}) until {until:.0}")
            }
            Self::RolloutInProgress { of, updated, current } => {
                write!(
                    f,
                    "a rollout of {of} is in progress: {updated} of {current} pods are of its current template"
                )
            }
            Self::ScalingInProgress { by, current, desired } => {
                write!(f, "{by} is scaling from {current} to {desired} pods")
            }
            Self::ScaleInPending { current, minimum } => write!(
                f,
                "the autoscaler is about to scale in: its metrics ask for fewer than {current} pods (at least {minimum}), \
                 and it only waits for its stabilization window"
            ),
            Self::JustScaled { at, until } => {
                write!(f, "the autoscaler scaled at {at:.0}; the fleet settles until {until:.0}")
            }
            Self::Unsettled { young, not_ready, such_as, pods, minimum_age } => write!(
                f,
                "of {pods} pods {not_ready} are not Ready and {young} have been Ready for less than {}, such as {such_as}: \
                 together too many, so loads still show another distribution of the work",
                Elapsed(*minimum_age)
            ),
        }
    }
}

/// The first reason to make no rotation now.
#[must_use]
pub fn not_now(snapshot: &Snapshot, policy: &Policy) -> Option<NotNow> {
    let now = snapshot.taken_at;
    let surroundings = &snapshot.surroundings;
    let controller = surroundings.controller.as_ref();
    controller
        .and_then(opted_out)
        .or_else(|| quiet(policy, now))
        .or_else(|| controller.and_then(rolling_out))
        .or_else(|| controller.map_or_else(|| several_owners(snapshot), |_| None))
        .or_else(|| controller.and_then(scaling))
        .or_else(|| autoscaling(surroundings.scaling?, policy, now))
        .or_else(|| unsettled(snapshot, policy))
}

/// What has come up since the decision. `untouched`: the batch has not removed a pod yet; afterwards its own doings look
/// like a rollout or a scaling.
#[must_use]
pub fn still_not_now(
    controller: Option<&Controller>,
    policy: &Policy,
    now: Timestamp,
    untouched: bool,
) -> Option<NotNow> {
    let opted_out = controller.and_then(opted_out).or_else(|| quiet(policy, now));
    let changing = |controller| rolling_out(controller).or_else(|| scaling(controller));
    opted_out.or_else(|| controller.filter(|_| untouched).and_then(changing))
}

fn opted_out(controller: &Controller) -> Option<NotNow> {
    opts_out(&controller.annotations).then_some(NotNow::OptedOut { annotation: OPT_OUT })
}

fn quiet(policy: &Policy, now: Timestamp) -> Option<NotNow> {
    let (window, until) = policy.guards.quiet_hours.as_ref()?.at(now)?;
    Some(NotNow::QuietHours { window: window.to_string(), until })
}

/// A status that does not speak of the present specification may be about to become anything.
fn rolling_out(controller: &Controller) -> Option<NotNow> {
    let (updated, current) = (controller.updated as usize, controller.current as usize);
    (!controller.status_is_current || updated < current).then(|| NotNow::RolloutInProgress {
        of: format!("{} {}", controller.kind, controller.name),
        updated,
        current,
    })
}

/// One of the workload's own pods that is there to stay. Kubernetes leaves ended ones lying about for long.
fn counts(pod: &&ObservedPod) -> bool {
    let ended = matches!(pod.pod.phase, Phase::Succeeded | Phase::Failed);
    pod.own && !ended && !pod.pod.terminating
}

fn owner(pod: &ObservedPod) -> Option<&str> {
    pod.pod.owner.as_ref().map(|owner| owner.name.as_str())
}

/// Owners that can't be read show a rollout by their pods: two of them own some at once.
fn several_owners(snapshot: &Snapshot) -> Option<NotNow> {
    let own = || snapshot.pods.iter().filter(counts);
    let mut owners = own().filter_map(owner);
    let first = owners.next()?;
    if owners.all(|other| other == first) {
        return None;
    }
    let newest = own().max_by_key(|pod| pod.pod.created_at)?;
    let updated = own().filter(|pod| owner(pod) == owner(newest)).count();
    Some(NotNow::RolloutInProgress { of: snapshot.workload.to_string(), updated, current: own().count() })
}

fn scaling(controller: &Controller) -> Option<NotNow> {
    let Controller { kind, name, current, desired, .. } = controller;
    (current != desired).then(|| NotNow::ScalingInProgress {
        by: format!("{kind} {name}"),
        current: *current,
        desired: *desired,
    })
}

/// An autoscaler that can't read its metrics does nothing.
fn autoscaling(scaling: Scaling, policy: &Policy, now: Timestamp) -> Option<NotNow> {
    let Scaling { active, current, desired, minimum, last_scaled_at, wants_fewer } = scaling;
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
fn unsettled(snapshot: &Snapshot, policy: &Policy) -> Option<NotNow> {
    let minimum_age = policy.eligibility.minimum_age;
    if minimum_age.is_zero() {
        return None;
    }
    let is_young = |pod: &ObservedPod| {
        let age = pod.pod.ready_since.map(|since| snapshot.taken_at.duration_since(since));
        age.is_none_or(|age| age < minimum_age)
    };
    let (mut pods, mut not_ready, mut young) = (0_usize, Vec::new(), Vec::new());
    for pod in snapshot.pods.iter().filter(counts) {
        pods += 1;
        match pod.pod.is_serving() {
            false => not_ready.push(pod),
            true if is_young(pod) => young.push(pod),
            true => {}
        }
    }
    let such_as = not_ready.iter().chain(&young).next()?.pod.name.clone();
    let (young, not_ready) = (young.len(), not_ready.len());
    let too_many = (young + not_ready) as f64 > policy.guards.most_young.get() * pods as f64;
    too_many.then_some(NotNow::Unsettled { young, not_ready, such_as, pods, minimum_age })
}

#[cfg(test)]
mod tests;
