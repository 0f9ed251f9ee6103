//! What no assignment of these partitions to these pods can beat, and what one that looks at loads would bring. No assignor
//! of Kafka's looks at loads: these are bounds, and no levers.
//!
//! *Floor*: a pod that holds a partition carries at least that partition. If partitions could be split at will except for
//! those that alone exceed the mean of what is left, the loads would be as even as this, and the real ones can't be more
//! even: the sum of squares of numbers with a given sum, of which some have lower limits, is smallest when those that
//! exceed the mean are at their limits and the others are equal, and two such partitions on one pod only add to it.
//!
//! *Found*: partitions in the order of their loads, each to the pod that is least loaded with it (LPT, Graham 1969), within
//! the counts. The best assignment lies between the two.

use super::partitions::loads_of;
use super::stage::Stage;
use crate::assignor::TopicPartition;
use crate::group::{Cost, GroupModel};

/// How even loads are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Found {
    /// Coefficient of variation.
    pub cv: f64,
    /// Highest load over the mean.
    pub max_to_mean: f64,
    /// Pods above their limit.
    pub above: usize,
}

/// What can't be beaten.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Floor {
    /// Coefficient of variation.
    pub cv: f64,
    /// Highest load over the mean.
    pub max_to_mean: f64,
}

/// Which assignments are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BoundKind {
    /// Any.
    AnyAssignment,
    /// Those in which the counts of two members differ by at most one, as all of Kafka's rules make them for one topic.
    EqualCounts,
}

/// The best that assignments could do.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Bound {
    /// Which assignments.
    pub kind: BoundKind,
    /// None of them is below; `None` where pods do not cost the same, so that no floor is known.
    pub floor: Option<Floor>,
    /// One of them does this.
    pub found: Found,
}

/// Both bounds. Partitions of members outside of the fleet stay where they are. None where members subscribe to different
/// topics: which partition may go where is then not looked at.
pub(super) fn all(stage: &Stage<'_>) -> Vec<Bound> {
    let model = stage.model;
    let mut subscriptions = model.members.iter().map(|member| &member.subscription);
    let first = subscriptions.next();
    if subscriptions.any(|other| Some(other) != first) {
        return Vec::new();
    }
    let items = items(model);
    [BoundKind::AnyAssignment, BoundKind::EqualCounts].map(|kind| bound(stage, kind, &items)).to_vec()
}

/// Loads of the partitions that the fleet holds, the largest first.
fn items(model: &GroupModel) -> Vec<f64> {
    let elsewhere: Vec<TopicPartition> = model
        .members
        .iter()
        .filter(|member| member.pod.is_none())
        .flat_map(|member| member.owned.iter().copied())
        .collect();
    let own = loads_of(&model.loads).filter(|(partition, _)| !elsewhere.contains(partition));
    let mut items: Vec<f64> = own.map(|(_, load)| load).collect();
    items.sort_unstable_by(|a, b| b.total_cmp(a));
    items
}

fn bound(stage: &Stage<'_>, kind: BoundKind, items: &[f64]) -> Bound {
    let found = stage.yardstick.found(&placed(stage.model, kind, items));
    Bound { kind, floor: floor(stage.model, kind, items), found }
}

fn floor(model: &GroupModel, kind: BoundKind, items: &[f64]) -> Option<Floor> {
    let same = model.pods.iter().all(|pod| (pod.factor - 1.0).abs() <= f64::EPSILON);
    let pods = model.pods.len();
    if !same || pods == 0 {
        return None;
    }
    let any = evenness(&relaxed(items, pods), &model.cost);
    match kind {
        BoundKind::AnyAssignment => Some(any),
        BoundKind::EqualCounts => {
            let held = companions(model, items);
            let with_hottest = evenness(&relaxed(&held, pods), &model.cost);
            Some(Floor {
                cv: any.cv.max(with_hottest.cv),
                max_to_mean: any.max_to_mean.max(with_hottest.max_to_mean),
            })
        }
    }
}

/// The same load in all, with the hottest partition and the least that comes with it as one. A pod with several members has
/// at least one member's count.
fn companions(model: &GroupModel, items: &[f64]) -> Vec<f64> {
    let members = model.members.iter().filter(|member| member.pod.is_some()).count().max(1);
    let more = (items.len() / members).saturating_sub(1).min(items.len().saturating_sub(1));
    let (rest, least) = items.split_at(items.len() - more);
    let mut held = rest.to_vec();
    if let Some(hottest) = held.first_mut() {
        *hottest += least.iter().sum::<f64>();
    }
    // What is below the hottest is split at will: it has no limit of its own here.
    let rest: f64 = held.iter().skip(1).sum();
    held.truncate(1);
    let pieces = items.len().max(2);
    held.extend(std::iter::repeat_n(rest / pieces as f64, pieces));
    held
}

/// As even as it could be if all but the largest could be split.
fn relaxed(items: &[f64], pods: usize) -> Vec<f64> {
    let mut left: f64 = items.iter().sum();
    let mut loads = Vec::with_capacity(pods);
    for item in items {
        let free = pods - loads.len();
        if free <= 1 || *item <= left / free as f64 {
            break;
        }
        loads.push(*item);
        left -= item;
    }
    let free = pods - loads.len();
    loads.extend(std::iter::repeat_n(left.max(0.0) / free.max(1) as f64, free));
    loads
}

fn evenness(carried: &[f64], cost: &Cost) -> Floor {
    let loads: Vec<f64> = carried.iter().map(|carried| cost.of(*carried)).collect();
    let mean = loads.iter().sum::<f64>() / loads.len().max(1) as f64;
    if mean <= 0.0 {
        return Floor { cv: 0.0, max_to_mean: 1.0 };
    }
    let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / loads.len() as f64;
    Floor { cv: variance.sqrt() / mean, max_to_mean: loads.iter().copied().fold(0.0, f64::max) / mean }
}

/// A pod that is being filled.
struct Filled {
    factor: f64,
    carried: f64,
    count: usize,
    /// Its members.
    members: usize,
}

/// Loads of the pods when each partition goes to the pod that is least loaded with it.
fn placed(model: &GroupModel, kind: BoundKind, items: &[f64]) -> Vec<f64> {
    let empty = |pod: &crate::group::MemberPod| Filled {
        factor: pod.factor,
        carried: 0.0,
        count: 0,
        members: pod.members.len(),
    };
    let mut pods: Vec<Filled> = model.pods.iter().map(empty).collect();
    let members: usize = pods.iter().map(|pod| pod.members).sum();
    let (least, mut larger) = (items.len() / members.max(1), items.len() % members.max(1));
    for item in items {
        let fits = |pod: &Filled| match kind {
            BoundKind::AnyAssignment => true,
            BoundKind::EqualCounts if pod.count < least * pod.members => true,
            BoundKind::EqualCounts => larger > 0 && pod.count < (least + 1) * pod.members,
        };
        let with = |pod: &Filled| model.cost.of(pod.carried + item) * pod.factor;
        let open = pods.iter_mut().filter(|pod| fits(pod));
        if let Some(pod) = open.min_by(|a, b| with(a).total_cmp(&with(b))) {
            larger -= usize::from(kind == BoundKind::EqualCounts && pod.count >= least * pod.members);
            pod.carried += item;
            pod.count += 1;
        }
    }
    pods.iter().map(|pod| model.cost.of(pod.carried) * pod.factor).collect()
}
