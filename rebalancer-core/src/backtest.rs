//! What would it have done? The production cycle over the past of a fleet.
//!
//! ```text
//!   Moment, Moment, ... ─> World (ports) ─> cycle::run ─> what it decides, and why it holds
//!                            ^                  │ removes
//!                            └── the group as its assignor's rules would have had it from then on,
//!                                under the real loads of its partitions
//! ```
//!
//! [`run`] is [`cycle::run`] again and again, with planner, guards, audit, memory and breaker: nothing of
//! them is copied. Where partition loads are known, the outcome is counterfactual: after a rotation partitions are held as
//! the rule gives them, and their real loads flow on. A pod's load is then what its partitions cost at that time, with what
//! the measurement of the pod in its place was off; without a rotation that is the past itself.
//!
//! Where they are not known, a rotation is what it would have wanted: it is not carried out, and nothing is predicted.
//!
//! # Invariants
//!
//! - What is not known of the past is a gap, and never filled in; [`Backtest::unknown`] names what was assumed.
//! - The same past, policy and seed give the same course.

mod counterfactual;
mod fleet;
mod lag;
mod offsets;
mod summary;
#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;
mod world;

use jiff::{SignedDuration, Timestamp};

use crate::advice::{Advice, LoadBasis, advise};
use crate::cycle::{self, CycleEnd, CycleSpec, MemorySettings, Outcome, PodOutcome, Ports, Subject};
use crate::fleet::{Indicator, Pod, Samples};
use crate::history::{Constraints, MemoryStore};
use crate::policy::Policy;
use crate::port::{Mode, Readings};
use crate::report::{Decision, Report};
pub use lag::PartitionUnit;
pub use offsets::{FromOffsets, KafkaPast, fill, times};
pub use summary::{Compared, HoldCount, LagCompared, LagHours, Summary};
use world::World;

/// What the metric system had at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The time.
    pub at: Timestamp,
    /// What a cycle would have read.
    pub readings: Readings,
    /// The pods of then; `None` where nobody knows them: then every pod with a sample is taken to have served.
    pub pods: Option<Vec<Pod>>,
}

/// How the past is gone through.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BacktestSpec {
    /// The workload.
    pub subject: Subject,
    /// By which rules.
    pub policy: Policy,
    /// How memory is used; `None` turns it off.
    pub memory: Option<MemorySettings>,
    /// Moments from one cycle to the next.
    pub stride: usize,
    /// What else is not known of the past.
    pub unknown: Vec<NotKnown>,
    /// What partition loads are.
    pub unit: PartitionUnit,
    /// A pod with more lag than this is behind, in messages.
    pub behind: f64,
}

impl BacktestSpec {
    /// Cycles at every so many moments.
    #[must_use]
    pub const fn new(
        subject: Subject,
        policy: Policy,
        memory: Option<MemorySettings>,
        stride: usize,
    ) -> Self {
        let unit = PartitionUnit::Other;
        Self { subject, policy, memory, stride, unknown: Vec::new(), unit, behind: BEHIND }
    }

    /// Partition loads come from Kafka's offsets: the rule is that which Kafka tells, unless the policy names one.
    #[must_use]
    pub fn with_offsets(mut self, told: &FromOffsets) -> Self {
        let group = &mut self.policy.group;
        group.assignor = group.assignor.or(told.assignor);
        group.static_members |= told.static_members;
        self.unit = PartitionUnit::Produced;
        self.unknown.extend([NotKnown::Holders, NotKnown::Consumed]);
        self
    }
}

/// Messages of lag, where nobody says how many are too many.
pub const BEHIND: f64 = 1_000.0;

/// Lag of the pods at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LagSeen {
    /// Pods that were behind.
    pub was: usize,
    /// Of these, pods that an earlier rotation would have removed.
    pub removed: usize,
    /// Pods that would have been behind; `None` where that is not known.
    pub would: Option<usize>,
}

/// How even the fleet was.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Seen {
    /// Coefficient of variation.
    pub cv: f64,
    /// Highest load over the mean.
    pub max_to_mean: f64,
    /// Pods above their limit: the tolerated target, or the tolerated mean without one.
    pub above: usize,
    /// Pods with a load.
    pub pods: usize,
}

/// What a cycle of the past came to.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "result")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Came {
    /// Loads were within their limits.
    Balanced,
    /// It held.
    Held {
        /// The hold's name.
        hold: String,
    },
    /// It removed pods, and the group went on as its rule says.
    Rotated {
        /// Their names. Replacements have the name of the pod of the past in whose place they are, with a number.
        pods: Vec<String>,
        /// The coefficient of variation that the planner expected.
        expected_cv: Option<f64>,
    },
    /// It would have removed pods; what had come of it is not known, so it was not carried out.
    Wanted {
        /// Their names.
        pods: Vec<String>,
    },
    /// Nothing is known of this time.
    Gap {
        /// Why there was nothing to decide on.
        why: String,
    },
    /// It failed otherwise.
    Failed {
        /// How.
        why: String,
    },
}

/// One cycle of the past.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PastCycle {
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub came: Came,
    /// How even the fleet was then, as measured; `None` where nothing is known.
    pub was: Option<Seen>,
    /// How even it would have been, before this cycle; `None` where that is not known.
    pub would: Option<Seen>,
    /// Lag of the pods; `None` where none is known.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lag: Option<LagSeen>,
    /// Load of each pod as it was, by the indicator of the comparison; not written down.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub loads_were: Samples,
    /// The same as it would have been.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub loads_would: Samples,
}

/// Something that is not known of the past, and what was done about that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NotKnown {
    /// kube-state-metrics showed no pods: every pod with a sample is taken to have served, its owner is told by its name, and
    /// a pod is as old as its first sample.
    Pods,
    /// When a pod became Ready: taken for the first time at which it was seen to be.
    ReadySince,
    /// Disruption budgets, annotations and priorities: none is assumed.
    Marks,
    /// What the autoscaler was doing: only its target is known.
    Scaling,
    /// Partition loads: rotations are not carried out.
    Partitions,
    /// Member ids: they were drawn, so that of a group under a sticky rule this is one of many possible courses.
    MemberIds,
    /// The assignor: several rules fitted who held what, and one of them was followed.
    Assignor,
    /// Who held what: Kafka tells it of now only, and it is taken to have been so for as long as the pods were those of now.
    Holders,
    /// What was consumed, and lag: Kafka keeps neither.
    Consumed,
    /// By how much the rebalances of rotations would have let lag grow: their pauses are not in it.
    Pauses,
    /// Topics came or went after the first rotation: what would have been is not known from then on.
    Topics,
}

/// A time of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// The first moment without any sample.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
    /// So many moments.
    pub moments: usize,
}

/// The past with the rebalancer in it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Backtest {
    /// The indicator by which courses are compared; `None` where no moment has a sample.
    pub indicator: Option<Indicator>,
    /// The time between two cycles.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub every: SignedDuration,
    /// The cycles, the earliest first.
    pub cycles: Vec<PastCycle>,
    /// Times without any sample.
    pub gaps: Vec<Gap>,
    /// What is not known.
    pub unknown: Vec<NotKnown>,
    /// A pod with more messages of lag than this is behind.
    #[cfg_attr(feature = "serde", serde(default = "behind"))]
    pub behind: f64,
}

#[cfg(feature = "serde")]
const fn behind() -> f64 {
    BEHIND
}

/// Runs the production cycle over the past. Moments are evenly apart, the earliest first.
pub async fn run(spec: &BacktestSpec, history: &[Moment]) -> Backtest {
    let world = World::new(spec, history);
    let store = MemoryStore::default();
    let mut cycles = Vec::new();
    for place in 0..history.len() {
        world.go_to(place);
        if place % spec.stride.max(1) == 0 {
            cycles.push(one(spec, &world, &store, cycles.len()).await);
        }
    }
    let every = match history {
        [first, second, ..] => second.at.duration_since(first.at).saturating_mul(stride(spec)),
        [] | [_] => SignedDuration::ZERO,
    };
    Backtest {
        indicator: world.indicator(),
        every,
        cycles,
        gaps: fleet::gaps(history),
        unknown: world.unknown(),
        behind: spec.behind,
    }
}

/// What would help the group, as it was at the last moment at which it can be modeled; `None` where there is none.
#[must_use]
pub fn advice(spec: &BacktestSpec, history: &[Moment]) -> Option<Advice> {
    let world = World::new(spec, history);
    let last = (0..history.len()).rev().find_map(|place| world.modeled(place))?;
    advise(&last, &spec.policy, &Constraints::default(), &LoadBasis::Present).ok()
}

fn stride(spec: &BacktestSpec) -> i32 {
    i32::try_from(spec.stride.max(1)).unwrap_or(i32::MAX)
}

async fn one(spec: &BacktestSpec, world: &World<'_>, store: &MemoryStore, number: usize) -> PastCycle {
    let [(was, loads_were), (would, loads_would)] = world.seen().map(|seen| seen.unzip());
    let (loads_were, loads_would) = (loads_were.unwrap_or_default(), loads_would.unwrap_or_default());
    let lag = world.lag();
    let mode = if world.can_go_on() { Mode::Real } else { Mode::DryRun };
    let cycle = CycleSpec::new(format!("past-{number}"), spec.subject.workload.clone())
        .with_hpa_prefix(spec.subject.hpa_prefix.clone())
        .with_policy(spec.policy.clone())
        .with_mode(mode);
    let ports = Ports::new(world, world, world, world);
    let end = match spec.memory {
        Some(memory) => cycle::run(&cycle.with_memory(memory), &ports.with_store(store)).await,
        None => cycle::run(&cycle, &ports).await,
    };
    world.settle();
    PastCycle { at: world.at(), came: came(end, was.is_some()), was, would, lag, loads_were, loads_would }
}

fn came(end: CycleEnd, is_known: bool) -> Came {
    let CycleEnd { outcome, report, .. } = end;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) if is_known => return Came::Failed { why: in_full(&error) },
        Err(error) => return Came::Gap { why: in_full(&error) },
    };
    match outcome {
        Outcome::Balanced => Came::Balanced,
        Outcome::Held => Came::Held { hold: report.as_ref().map_or_else(String::new, hold_name) },
        // A backtest asks nobody.
        Outcome::AwaitsApproval { .. } => Came::Held { hold: "awaits_approval".to_owned() },
        Outcome::AuditFailed(_) => Came::Failed { why: "the audit refused the plan".to_owned() },
        Outcome::Acted { pods, .. } => {
            let named = |wanted: &PodOutcome| -> Vec<String> {
                let of = pods.iter().filter(|(_, outcome)| outcome == wanted);
                of.map(|(removal, _)| removal.pod.name.clone()).collect()
            };
            let (removed, wanted) = (named(&PodOutcome::Removed), named(&PodOutcome::WouldBeRemoved));
            match (removed.is_empty(), wanted.is_empty()) {
                (false, _) => Came::Rotated {
                    pods: removed,
                    expected_cv: report
                        .and_then(|report| report.prediction)
                        .map(|expected| expected.expected_cv),
                },
                (true, false) => Came::Wanted { pods: wanted },
                (true, true) => Came::Failed { why: "no pod of the plan could be removed".to_owned() },
            }
        }
    }
}

fn hold_name(report: &Report) -> String {
    match &report.decision {
        Decision::Hold(hold) => hold.name().to_owned(),
        Decision::Balanced | Decision::Rotate(_) => String::new(),
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
