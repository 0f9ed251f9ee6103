//! What would help this group, and how much: each lever with what is to be expected of it, and what no lever can beat.
//!
//! ```text
//!   snapshot ─> plan (production) ──> the best rotation ─────┐
//!           └─> group model ──┬─────> other assignors        │
//!                             ├─────> more partitions        ├─> ranked, with costs ─> Conclusion
//!                             ├─────> replicas               │
//!                             ├─────> the hottest key ───────┘
//!                             └─────> bounds: any assignment, equal counts
//! ```
//!
//! Nothing is done here. The rotation is the planner's own; what other levers do is worked out by Kafka's rules
//! ([`assignor`](crate::assignor)) on the partition loads as they are, or on their mean over a window.
//!
//! Where the group can't be modeled there is no outlook, and the advice says why: what is not known is not estimated.

mod bounds;
mod conclusion;
mod estimate;
mod lever;
mod partitions;
mod replicas;
mod rotation;
pub(crate) mod stage;
mod switch;
#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
pub(crate) mod yardstick;

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Indicator, PartitionLoad, Workload};
use crate::group::{AssumedTiming, GroupModel, Inference, Unusable, assumed, infer};
use crate::history::Constraints;
use crate::planner::plan;
use crate::policy::Policy;
use crate::report::{Decision, Hold, IndicatorReport};
use crate::snapshot::Snapshot;
pub use bounds::{Bound, BoundKind, Floor, Found};
pub use conclusion::Conclusion;
pub use estimate::{Estimate, Outcome, RuleSpread, Uncertainty};
pub use lever::{Effect, Lever, LeverCost, LeverReport};
use stage::Stage;
use yardstick::Yardstick;

/// On which partition loads the advice is worked out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LoadBasis {
    /// Those of the snapshot.
    Present,
    /// Their mean over the time before it. What a unit of partition load costs a pod is taken from the snapshot.
    Mean {
        /// How long the time is.
        window: SignedDuration,
        /// Readings that were averaged; of offsets, the two ends are one.
        readings: usize,
        /// Readings that were asked for: at the others the metric system had none.
        asked: usize,
        /// Mean load of each partition; owners are not looked at.
        partitions: Vec<PartitionLoad>,
    },
}

/// The same without the loads, as an advice keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "basis")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Basis {
    /// The loads of the snapshot.
    Present,
    /// Their mean over a window.
    Mean {
        /// How long it is.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        window: SignedDuration,
        /// Readings that were averaged; of offsets, the two ends are one.
        readings: usize,
        /// Readings that were asked for: at the others the metric system had none.
        asked: usize,
    },
}

/// What would help a group.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[must_use]
#[non_exhaustive]
pub struct Advice {
    /// The workload.
    pub workload: Workload,
    /// The time of the snapshot.
    pub taken_at: Timestamp,
    /// The indicator that is looked at, as it was measured over the eligible pods: the first that is out of balance, or
    /// else the first that partition loads explain.
    pub measured: IndicatorReport,
    /// On which partition loads the outlook is worked out.
    pub basis: Basis,
    /// What each lever would bring, or why that is not known.
    pub outlook: Outlook,
}

/// What each lever would bring.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "outlook")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Outlook {
    /// The group can be modeled.
    Known(Box<Known>),
    /// It can't: nothing is estimated.
    Unknown {
        /// Why.
        why: Unusable,
    },
}

/// What is known of a group that can be modeled.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Known {
    /// How the group's assignor is known.
    pub assignor: Inference,
    /// What is assumed about when replacements join.
    pub timing: AssumedTiming,
    /// Pods with a member of the group.
    pub pods: usize,
    /// Members of the group, those outside of the fleet among them.
    pub members: usize,
    /// Partitions of all topics together.
    pub partitions: usize,
    /// The loads as they are now, by the model: without the noise of the measurement.
    pub now: Found,
    /// The partition with the highest load.
    pub hottest: HottestPartition,
    /// Pods on which the same work costs more than 25 % more or less than on a usual one: no assignment mends that.
    pub pod_side: Vec<PodSide>,
    /// Every lever: those with a known effect by the coefficient of variation that is to be expected, the lowest first,
    /// and of equal ones the cheaper first; then the others.
    pub levers: Vec<LeverReport>,
    /// What no assignment of these partitions to these pods can beat.
    pub bounds: Vec<Bound>,
    /// What follows.
    pub conclusion: Conclusion,
}

/// The partition with the highest load.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HottestPartition {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// What it carries, divided by what a pod carries on average: above 1, its pod is above the mean whatever else it
    /// holds.
    pub of_mean_pod: f64,
}

/// A pod on which the same work costs more or less.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PodSide {
    /// The pod's name.
    pub pod: String,
    /// Cost of its work, divided by what it costs on a usual pod.
    pub factor: f64,
}

/// Works out what would help. Pure and deterministic.
///
/// # Errors
/// The hold of a planner that can measure no indicator: there is nothing to advise on.
pub fn advise(
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
    basis: &LoadBasis,
) -> Result<Advice, Hold> {
    let report = plan(snapshot, policy, constraints);
    let Some(measured) = chosen(snapshot, &report.indicators) else {
        return Err(match report.decision {
            Decision::Hold(hold) => hold,
            Decision::Balanced | Decision::Rotate(_) => Hold::NoPods,
        });
    };
    let outlook = match known(snapshot, policy, constraints, basis, &measured) {
        Ok(known) => Outlook::Known(Box::new(known)),
        Err(why) => Outlook::Unknown { why },
    };
    let workload = snapshot.workload.clone();
    Ok(Advice { workload, taken_at: snapshot.taken_at, measured, basis: basis.into(), outlook })
}

/// The indicator to look at.
fn chosen(snapshot: &Snapshot, measured: &[IndicatorReport]) -> Option<IndicatorReport> {
    let explained = |report: &&IndicatorReport| GroupModel::of(snapshot, report.indicator).is_ok();
    let raised = measured.iter().find(|report| report.out_of_balance);
    raised.or_else(|| measured.iter().find(explained)).or_else(|| measured.first()).cloned()
}

fn known(
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
    basis: &LoadBasis,
    measured: &IndicatorReport,
) -> Result<Known, Unusable> {
    let mut model = GroupModel::of(snapshot, measured.indicator)?;
    let assignor = infer(&model, policy.group.assignor)?;
    let timing = assumed(snapshot, &policy.group, constraints);
    if let LoadBasis::Mean { partitions, .. } = basis {
        model.loads = averaged(&model, partitions)?;
    }
    let yardstick = Yardstick::of(snapshot, &model, policy, measured);
    let stage = Stage {
        model: &model,
        yardstick: &yardstick,
        assignor: assignor.assignor(),
        rules: assignor.rules(),
        timing: timing.timing,
    };
    let now = yardstick.found(&model.loads_now());
    let mut levers =
        vec![lever::nothing(&now), rotation::best(snapshot, policy, constraints, measured, &stage)];
    levers.extend(switch::all(&stage));
    levers.push(partitions::doubled(&stage));
    levers.extend(partitions::hottest_key(&stage));
    levers.extend(replicas::all(&stage, policy.limits.minimum_pods));
    lever::rank(&mut levers);
    // One that fits may be the present one, so it is no change that could be advised.
    let is_own = |report: &&LeverReport| matches!(&report.lever, Lever::Assignor { assignor } if stage.rules.contains(*assignor));
    let changes: Vec<LeverReport> = levers.iter().filter(|report| !is_own(report)).cloned().collect();
    let (bounds, hottest) = (bounds::all(&stage), hottest(&model));
    let conclusion = conclusion::of(&now, &hottest, &changes, &bounds, policy, measured);
    Ok(Known {
        assignor,
        timing,
        pods: model.pods.len(),
        members: model.members.len(),
        partitions: model.partitions(),
        now,
        hottest,
        pod_side: pod_side(snapshot, &model),
        levers,
        bounds,
        conclusion,
    })
}

/// The mean load of each partition of the model.
fn averaged(model: &GroupModel, means: &[PartitionLoad]) -> Result<Vec<Vec<f64>>, Unusable> {
    let of = |topic: &str, number: u32| {
        let of_it = |mean: &&PartitionLoad| mean.topic == topic && mean.partition.parse() == Ok(number);
        means.iter().find(of_it).map(|mean| mean.load.get())
    };
    let gap = |topic: &str, partition| Unusable::Gap { topic: topic.to_owned(), partition };
    let topics = model.topics.iter().map(|topic| {
        let name = topic.name.as_str();
        (0..topic.partitions).map(|number| of(name, number).ok_or_else(|| gap(name, number))).collect()
    });
    topics.collect()
}

fn hottest(model: &GroupModel) -> HottestPartition {
    let all = model.topics.iter().zip(&model.loads).flat_map(|(topic, loads)| {
        (0..).zip(loads).map(move |(partition, load): (u32, &f64)| (topic, partition, *load))
    });
    let carried = model.carried_now();
    let mean = carried.iter().sum::<f64>() / carried.len().max(1) as f64;
    let hottest = all.max_by(|a, b| a.2.total_cmp(&b.2));
    let (topic, partition, load) = hottest
        .map_or((String::new(), 0, 0.0), |(topic, partition, load)| (topic.name.clone(), partition, load));
    HottestPartition { topic, partition, of_mean_pod: if mean > 0.0 { load / mean } else { 0.0 } }
}

/// A usual pod has exactly this factor.
const USUAL: f64 = 1.0;

fn pod_side(snapshot: &Snapshot, model: &GroupModel) -> Vec<PodSide> {
    let stands_out = model.pods.iter().filter(|pod| (pod.factor - USUAL).abs() > f64::EPSILON);
    let named = stands_out.filter_map(|pod| {
        let observed = snapshot.pods.get(pod.pod)?;
        Some(PodSide { pod: observed.pod.name.clone(), factor: pod.factor })
    });
    named.collect()
}

impl Advice {
    /// The indicator that is looked at.
    #[must_use]
    pub const fn indicator(&self) -> Indicator {
        self.measured.indicator
    }
}

impl From<&LoadBasis> for Basis {
    fn from(basis: &LoadBasis) -> Self {
        match basis {
            LoadBasis::Present => Self::Present,
            LoadBasis::Mean { window, readings, asked, .. } => {
                Self::Mean { window: *window, readings: *readings, asked: *asked }
            }
        }
    }
}
