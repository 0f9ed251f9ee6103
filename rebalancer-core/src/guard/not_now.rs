//! Why no rotation is made now, with its numbers.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::eligibility::Annotation;
use crate::fleet::{Activity, AtWork, ExecutorState, Neighbor, joined};
use crate::unit::Elapsed;

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
    /// Cruise Control rebalances the Kafka cluster, or is about to.
    CruiseControlExecuting {
        /// What its executor does.
        state: ExecutorState,
    },
    /// Cruise Control was asked what it does, and did not tell.
    CruiseControlUnread {
        /// Why.
        error: String,
    },
    /// The consumer group is not any more what it was when it was decided.
    GroupChanged {
        /// The group.
        group: String,
    },
    /// Another controller works on the fleet, or has been stopped in the middle of it.
    AtWork(Activity),
    /// A neighbor was asked what it does, and did not tell.
    NeighborUnread {
        /// Which one.
        neighbor: Neighbor,
        /// Why.
        error: String,
    },
    /// Too many nodes of the fleet are being drained.
    NodesDraining {
        /// How many.
        draining: usize,
        /// Nodes on which the fleet runs.
        nodes: usize,
        /// One that is drained.
        such_as: String,
        /// What says so: the key of a taint, or `cordoned` or `deleted`.
        by: String,
    },
    /// Pods are being resized where they are.
    PodsResizing {
        /// How many.
        pods: usize,
        /// One of them.
        such_as: String,
    },
    /// The vertical pod autoscaler restarts pods with other requests.
    PodsEvicted {
        /// Its object.
        vpa: String,
        /// Pods that are on their way out by an eviction.
        pods: usize,
        /// One of them.
        such_as: String,
    },
}

/// Names of what forbids a rotation besides what a controller says that it does.
const OWN: [&str; 21] = [
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
    "cruise_control_executing",
    "cruise_control_unread",
    "group_changed",
    "neighbor_unread",
    "nodes_draining",
    "pods_resizing",
    "pods_evicted",
];

impl NotNow {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; OWN.len() + AtWork::NAMES.len()] = joined(&OWN, &AtWork::NAMES);

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
            Self::CruiseControlExecuting { .. } => "cruise_control_executing",
            Self::CruiseControlUnread { .. } => "cruise_control_unread",
            Self::GroupChanged { .. } => "group_changed",
            Self::AtWork(activity) => activity.what.name(),
            Self::NeighborUnread { .. } => "neighbor_unread",
            Self::NodesDraining { .. } => "nodes_draining",
            Self::PodsResizing { .. } => "pods_resizing",
            Self::PodsEvicted { .. } => "pods_evicted",
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
            Self::CruiseControlExecuting { state } => {
                write!(f, "Cruise Control rebalances the Kafka cluster, or is about to ({state})")
            }
            Self::CruiseControlUnread { error } => {
                write!(f, "what Cruise Control does could not be read: {error}")
            }
            Self::GroupChanged { group } => write!(
                f,
                "the consumer group {group} has other members, or they hold other partitions, than when it was decided"
            ),
            Self::AtWork(activity) => activity.fmt(f),
            Self::NeighborUnread { neighbor, error } => {
                write!(f, "what {neighbor} does with the fleet could not be read: {error}")
            }
            Self::NodesDraining { draining, nodes, such_as, by } => write!(
                f,
                "{draining} of the {nodes} nodes that the fleet runs on are being drained, such as {such_as} ({by})"
            ),
            Self::PodsResizing { pods, such_as } => {
                write!(f, "{pods} pods are being resized where they are, such as {such_as}")
            }
            Self::PodsEvicted { vpa, pods, such_as } => write!(
                f,
                "{pods} pods are on their way out by an eviction, such as {such_as}, and {vpa} restarts pods"
            ),
        }
    }
}
