//! What a rotation does to the loads, worked out with the rules of the group's assignor.
//!
//! Member ids are made at random when a member joins, and rules sort by them. Those of members that stay are known where
//! Kafka tells them; those of replacements, and all of them without Kafka, are drawn: the rotation is worked out for many
//! draws, and what comes of it is a distribution.
//!
//! Where several rules fit who holds what, it is worked out under each of them.
//!
//! A `Stage` is the group with one draw of ids; `Tries` tries rotations of it, thousands of them, in the same buffers.
//!
//! Assumed: partitions keep their loads, and replacements subscribe as those that they replace. They land on usual nodes;
//! those of slow pods where earlier ones did. The timing is that of the policy.

mod evenness;
mod forecast;
mod stage;
mod steps;
mod tries;

use std::fmt;

pub(crate) use evenness::Evenness;
pub(crate) use forecast::{Forecast, Foreseen, Others};
pub(crate) use stage::Stage;
#[cfg(feature = "simulation")]
pub(crate) use steps::{Course, Step};
pub(crate) use tries::Tries;

use crate::assignor::Assignor;
use crate::fleet::{Indicator, Uid};
use crate::group::{AssumedTiming, GroupModel, Inference, Unusable, assumed, infer};
use crate::history::Constraints;
use crate::policy::{ByTiming, GroupPolicy, Pace, Timing};
use crate::snapshot::Snapshot;
use crate::unit::{PercentChange, Ratio, Share};

/// The loads after a rotation, over the draws of member ids.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Prediction {
    /// How the group's assignor is known.
    pub assignor: Inference,
    /// What is assumed about when replacements join.
    pub timing: Timing,
    /// How the removals follow each other.
    #[cfg_attr(feature = "serde", serde(default))]
    pub pace: Pace,
    /// Coefficient of variation now, as the model explains it: without the noise of the measurement.
    pub cv_before: f64,
    /// Expected coefficient of variation afterwards.
    pub expected_cv: f64,
    /// Standard deviation of it: over the draws, and by what earlier predictions were off.
    pub cv_spread: f64,
    /// The second part of that: by how much the CV that was predicted for earlier rotations was off, as a root of the mean
    /// square; 0 before any was measured.
    #[cfg_attr(feature = "serde", serde(default))]
    pub earlier_error: f64,
    /// Max/mean now, as the model explains it.
    pub max_to_mean_before: f64,
    /// Expected max/mean afterwards.
    pub expected_max_to_mean: f64,
    /// Share of the draws in which the coefficient of variation falls.
    pub better: Share,
    /// What of the load that the removed pods carried above the limit is expected to be gone from the whole fleet, in
    /// percent. 0: it only moves.
    pub relief_percent: PercentChange,
    /// Share of the draws in which less load is above the limit than now.
    pub cooler: Share,
    /// Expected fall of the load above the limit, over the whole fleet, in the indicator's unit.
    pub relief: f64,
    /// How many draws were made.
    pub draws: usize,
    /// The rule under which the expected CV is highest, where several fit who holds what.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub worst: Option<UnderRule>,
    /// The way that this rotation begins, where later ones are worth it too; each run plans afresh from what it sees.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub way: Option<Way>,
    /// The expected CV by when replacements join, where that has to be found out: what comes of it then tells which it was.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub by_timing: Option<ByTiming<Expected>>,
    /// What it costs everybody; `None` where a rebalance stops only partitions that move.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub stops: Option<Stops>,
}

/// Rebalances in which nobody consumes: under the eager protocol every member gives up all that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stops {
    /// How many of them the rotation takes, as members are expected to leave and join.
    pub rebalances: usize,
    /// How many members each stops: all.
    pub members: usize,
}

impl fmt::Display for Stops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { rebalances: 1, members } => write!(f, "1 rebalance that stops all {members} members"),
            Self { rebalances, members } => {
                write!(f, "{rebalances} rebalances that stop all {members} members")
            }
        }
    }
}

/// A CV that is expected, of several draws.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expected {
    /// The mean.
    pub cv: f64,
    /// Standard deviation over the draws.
    pub spread: f64,
}

/// What is expected under one of several rules.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnderRule {
    /// The rule.
    pub rule: Assignor,
    /// The expected coefficient of variation.
    pub cv: f64,
}

/// A rotation and those that are expected to follow it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Way {
    /// Rotations, this one among them.
    pub rotations: usize,
    /// Pods that they remove together.
    pub pods: usize,
    /// Coefficient of variation after the last one, for one draw of the ids that nobody knows yet.
    pub cv: f64,
}

impl Prediction {
    /// With the error of earlier predictions, which is a share of the CV before, in the spread.
    #[must_use]
    pub(crate) fn widened(self, error: Option<Ratio>) -> Self {
        let earlier_error = error.map_or(0.0, Ratio::get) * self.cv_before;
        Self { cv_spread: self.cv_spread.hypot(earlier_error), earlier_error, ..self }
    }

    /// The spread over the draws alone.
    pub(crate) fn spread_of_draws(&self) -> f64 {
        (self.cv_spread.powi(2) - self.earlier_error.powi(2)).max(0.0).sqrt()
    }

    /// What of the load above the limit is expected to be gone, where that is a share that means something.
    pub(crate) fn relief_in_words(&self) -> String {
        let percent = self.relief_percent.get();
        if percent <= 0.0 {
            "none".to_owned()
        } else {
            PercentChange::new(percent.min(100.0))
                .map_or_else(|_| "none".to_owned(), |share| share.to_string())
        }
    }

    /// Expected fall of the coefficient of variation, in percent of what it is now.
    #[must_use]
    pub fn improvement_percent(&self) -> f64 {
        if self.cv_before > 0.0 { (self.cv_before - self.expected_cv) / self.cv_before * 100.0 } else { 0.0 }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CV {:.3} -> {:.3} (± {:.3}), max/mean {:.2} -> {:.2}, better in {:.0} % of {} draws under {}",
            self.cv_before,
            self.expected_cv,
            self.cv_spread,
            self.max_to_mean_before,
            self.expected_max_to_mean,
            self.better.get() * 100.0,
            self.draws,
            self.assignor
        )?;
        if let Some(UnderRule { rule, cv }) = self.worst {
            write!(f, ", at worst {cv:.3} under {rule}")?;
        }
        match self.pace {
            Pace::Together => {}
            Pace::EachAwaited => {
                f.write_str("; each pod goes when the replacement of the one before is a member")?;
            }
        }
        if let Some(stops) = self.stops {
            write!(f, "; {stops}")?;
        }
        match self.way {
            Some(Way { rotations, pods, cv }) => write!(
                f,
                "; the first of {rotations} rotations with {pods} pods, CV {:.3} -> {cv:.3}",
                self.cv_before
            ),
            None => Ok(()),
        }
    }
}

/// How many draws of member ids are made where it matters which are drawn.
const DRAWS: usize = 32;

/// And where only a mean is asked.
const FEW: usize = 8;

/// Works out what the removal of these pods, by name, does to the group's loads by this indicator. Names of non-members
/// are ignored.
///
/// # Errors
/// Why that can't be worked out.
pub fn predict(
    snapshot: &Snapshot,
    indicator: Indicator,
    group: &GroupPolicy,
    removed: &[&str],
) -> Result<Prediction, Unusable> {
    let model = GroupModel::of(snapshot, indicator)?;
    let inference = infer(&model, group.assignor)?;
    let unlimited = vec![f64::MAX; model.pods.len()];
    let timing = assumed(snapshot, group, &Constraints::default());
    let forecast = Forecast::new(&model, inference, timing, unlimited);
    let name = |pod: usize| snapshot.pods.get(pod).map(|observed| observed.pod.name.as_str());
    let is_removed = |pod: usize| name(pod).is_some_and(|name| removed.contains(&name));
    let pods = model.pods.iter().enumerate().filter(|(_, pod)| is_removed(pod.pod));
    let pods: Vec<usize> = pods.map(|(place, _)| place).collect();
    Ok(forecast.predict(&pods, DRAWS, 1).all)
}

/// The same in what the pods' partitions carry, in messages a second, whatever that costs where: what Kafka itself shows
/// afterwards.
pub(crate) struct Carried<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) assignor: Inference,
    /// That of the plan.
    pub(crate) timing: AssumedTiming,
    /// That of the plan.
    pub(crate) pace: Pace,
    /// In the order in which they go.
    pub(crate) removed: Vec<&'a Uid>,
}

impl Carried<'_> {
    /// After all of them.
    ///
    /// # Errors
    /// Why that can't be worked out.
    pub(crate) fn predict(&self) -> Result<Prediction, Unusable> {
        let model = GroupModel::without_cost(self.snapshot)?;
        Ok(self.forecast(&model).promise(&self.places(&model), DRAWS, 1).all)
    }

    /// After each of them.
    ///
    /// # Errors
    /// Why that can't be worked out.
    pub(crate) fn after_each(&self) -> Result<Vec<Expected>, Unusable> {
        let model = GroupModel::without_cost(self.snapshot)?;
        let (forecast, places) = (self.forecast(&model), self.places(&model));
        let prefixes = (1..=places.len()).filter_map(|count| places.get(..count));
        let expected =
            |prediction: Prediction| Expected { cv: prediction.expected_cv, spread: prediction.cv_spread };
        Ok(prefixes.map(|removed| expected(forecast.predict(removed, FEW, 1).all)).collect())
    }

    fn forecast<'m>(&self, model: &'m GroupModel) -> Forecast<'m> {
        let unlimited = vec![f64::MAX; model.pods.len()];
        Forecast::new(model, self.assignor, self.timing, unlimited).paced(self.pace)
    }

    /// Those that are members, by their places in the model.
    fn places(&self, model: &GroupModel) -> Vec<usize> {
        let is = |pod: usize, uid: &Uid| {
            self.snapshot.pods.get(pod).is_some_and(|observed| observed.pod.uid == *uid)
        };
        let place = |uid: &&Uid| model.pods.iter().position(|pod| is(pod.pod, uid));
        self.removed.iter().filter_map(place).collect()
    }
}
