//! What forbids any rotation now, whatever the loads: the workload is left alone, it is a quiet hour, or the fleet is
//! being changed by someone else.
//!
//! What forbids the removal of one pod is [`eligibility`](crate::eligibility); what memory forbids is
//! [`Pause`](crate::history::Pause).

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::eligibility::{Annotation, opts_out};
use crate::fleet::{Controller, Phase, Pod, Progress, Scaling, Watched, Workload};
use crate::policy::Policy;
use crate::snapshot::{Snapshot, Surroundings};
use crate::unit::Elapsed;
use census::{Census, Revisions};

pub(crate) use group::{changed, group_not_stable};

/// Why no rotation is made now.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "guard")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NotNow {
    /// The workload is marked to be left alone.
    OptedOut {
        /// By which annotation.
        annotation: Annotation,
    },
    /// A quiet hour.
    QuietHours {
        /// The window.
        window: String,
        /// Its end.
        until: Timestamp,
    },
    /// Several objects of the workload's name own its pods, and only one of them can be meant.
    SeveralOwners {
        /// What they are, such as `Rollout consumer`.
        owners: Vec<String>,
    },
    /// An object that owns pods, or owned them when it was decided, is not there any more: nothing would replace a pod.
    OwnerGone {
        /// What it was: `Deployment consumer`.
        of: String,
    },
    /// The controller does not have as many pods as are listed: one of the two is not what it is taken for.
    CountsDisagree {
        /// The controller: `Deployment consumer`.
        of: String,
        /// Pods that it says it has.
        says: u32,
        /// Pods that are listed as its own, those that end left out.
        listed: usize,
        /// Pods of its own that end.
        ending: usize,
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
    /// The fleet is known by watches, and the API server has not been heard of on one of them for too long.
    WatchStale {
        /// When it was heard of last; `None`: the first list is not there yet.
        heard_at: Option<Timestamp>,
        /// The longest silence that is allowed.
        longest: SignedDuration,
        /// Why, as far as that is known.
        error: Option<String>,
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
    /// Kafka was asked for the consumer group, and did not tell.
    GroupUnread {
        /// Why.
        error: String,
    },
    /// The consumer group is in the middle of a rebalance, or has no members.
    GroupNotStable {
        /// The group.
        group: String,
        /// Its state, in Kafka's words.
        state: String,
    },
    /// Partitions of the group are being moved between brokers.
    PartitionsMoving {
        /// How many.
        partitions: usize,
        /// One of them.
        such_as: String,
    },
    /// The consumer group is not any more what it was when it was decided.
    GroupChanged {
        /// The group.
        group: String,
    },
}

impl NotNow {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 15] = [
        "workload_opted_out",
        "quiet_hours",
        "watch_stale",
        "several_owners",
        "owner_gone",
        "pod_count_disagrees",
        "rollout_in_progress",
        "scaling_in_progress",
        "scale_in_pending",
        "just_scaled",
        "fleet_unsettled",
        "group_unread",
        "group_not_stable",
        "partitions_moving",
        "group_changed",
    ];

    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OptedOut { .. } => "workload_opted_out",
            Self::QuietHours { .. } => "quiet_hours",
            Self::WatchStale { .. } => "watch_stale",
            Self::SeveralOwners { .. } => "several_owners",
            Self::OwnerGone { .. } => "owner_gone",
            Self::CountsDisagree { .. } => "pod_count_disagrees",
            Self::RolloutInProgress { .. } => "rollout_in_progress",
            Self::ScalingInProgress { .. } => "scaling_in_progress",
            Self::ScaleInPending { .. } => "scale_in_pending",
            Self::JustScaled { .. } => "just_scaled",
            Self::Unsettled { .. } => "fleet_unsettled",
            Self::GroupUnread { .. } => "group_unread",
            Self::GroupNotStable { .. } => "group_not_stable",
            Self::PartitionsMoving { .. } => "partitions_moving",
            Self::GroupChanged { .. } => "group_changed",
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
            Self::WatchStale { heard_at, longest, error } => {
                match heard_at {
                    Some(at) => write!(f, "the watch on the fleet was last heard of at {at:.0}")?,
                    None => f.write_str("the watch on the fleet has not told it yet")?,
                }
                write!(f, "; at most {} of silence are allowed", Elapsed(*longest))?;
                error.as_ref().map_or(Ok(()), |error| write!(f, " ({error})"))
            }
            Self::SeveralOwners { owners } => write!(
                f,
                "several objects own pods that the selector matches and have the workload's name: {}",
                owners.join(", ")
            ),
            Self::OwnerGone { of } => {
                write!(f, "{of}, which owned the pods, is not there any more: nothing would replace a pod")
            }
            Self::CountsDisagree { of, says, listed, ending } => {
                let more = if *ending > 0 { format!(" ({ending} more end)") } else { String::new() };
                write!(
                    f,
                    "{of} has {says} pods, and {listed} are listed as its own{more}: either it is not what owns them, or \
                     the label selector does not match all of them"
                )
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
            Self::GroupUnread { error } => write!(f, "the consumer group could not be read: {error}"),
            Self::GroupNotStable { group, state } => {
                write!(f, "the consumer group {group} is {state}: nothing is removed until it is Stable")
            }
            Self::PartitionsMoving { partitions, such_as } => write!(
                f,
                "{partitions} partitions of the group, such as {such_as}, are being moved between brokers"
            ),
            Self::GroupChanged { group } => write!(
                f,
                "the consumer group {group} has other members, or they hold other partitions, than when it was decided"
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
    let pods = Census::of(snapshot, policy.eligibility.minimum_age);
    opted_out(snapshot, &pods)
        .or_else(|| quiet(policy, now))
        .or_else(|| stale(surroundings.watched.as_ref()?, policy, now))
        .or_else(|| owner::several(snapshot, &pods))
        .or_else(|| owner::gone(snapshot, &pods))
        .or_else(|| controller.and_then(rolling_out))
        .or_else(|| rolled(&pods.revisions, controller, &snapshot.workload))
        .or_else(|| controller.and_then(|controller| counts_disagree(controller, &pods)))
        .or_else(|| controller.and_then(scaling))
        .or_else(|| autoscaling(surroundings.scaling?, policy, now))
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
    let changing = |controller| rolling_out(controller).or_else(|| scaling(controller));
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
mod owner;
#[cfg(test)]
mod tests;
