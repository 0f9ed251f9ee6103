//! A backtest in numbers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Backtest, Came, LagSeen, PastCycle, Seen};

/// How often it held for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoldCount {
    /// The hold's name.
    pub hold: String,
    /// Cycles.
    pub cycles: usize,
}

/// The past as it was, and as it would have been, over the same cycles: those of which both are known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Compared {
    /// Cycles that are compared.
    pub cycles: usize,
    /// Mean coefficient of variation as it was.
    pub cv_was: f64,
    /// As it would have been.
    pub cv_would: f64,
    /// Mean max/mean as it was.
    pub max_to_mean_was: f64,
    /// As it would have been.
    pub max_to_mean_would: f64,
    /// Hours that pods were above their limit, over all pods.
    pub pod_hours_above_was: f64,
    /// As it would have been.
    pub pod_hours_above_would: f64,
}

/// Hours that pods were behind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LagHours {
    /// A pod with more messages of lag than this is behind.
    pub above: f64,
    /// Hours that pods were behind as it was, over all pods and all cycles with lag.
    pub pod_hours_was: f64,
    /// Of these, hours of pods that a rotation would have removed before.
    pub pod_hours_removed: f64,
    /// The same over the cycles of which it is known what would have been; `None` where there is none.
    pub compared: Option<LagCompared>,
}

/// Hours that pods were behind and would have been, over the same cycles.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LagCompared {
    /// Cycles that are compared.
    pub cycles: usize,
    /// Hours as it was.
    pub pod_hours_was: f64,
    /// Hours as it would have been, at most: see the rule in the documentation.
    pub pod_hours_would: f64,
}

/// A backtest in numbers.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Summary {
    /// Cycles.
    pub cycles: usize,
    /// Those that found the fleet in balance.
    pub balanced: usize,
    /// Rotations that were carried out.
    pub rotations: usize,
    /// Pods that they removed.
    pub removals: usize,
    /// Rotations that it would have wanted, and of which nothing is predicted.
    pub wanted: usize,
    /// Pods that those would have removed.
    pub wanted_removals: usize,
    /// Cycles of times of which nothing is known.
    pub gaps: usize,
    /// Cycles that failed.
    pub failed: usize,
    /// Holds by reason, the most frequent first.
    pub holds: Vec<HoldCount>,
    /// As it was and as it would have been; `None` where no cycle knows both.
    pub compared: Option<Compared>,
    /// Hours that pods were behind; `None` where no lag is known.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lag: Option<LagHours>,
    /// Removals for each 0.01 by which the mean coefficient of variation would have been lower; `None` where it would not.
    pub removals_per_hundredth: Option<f64>,
}

impl Backtest {
    /// The backtest in numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            cycles: self.cycles.len(),
            balanced: 0,
            rotations: 0,
            removals: 0,
            wanted: 0,
            wanted_removals: 0,
            gaps: 0,
            failed: 0,
            holds: Vec::new(),
            compared: compared(&self.cycles, self.every),
            lag: lag_hours(&self.cycles, self.every, self.behind),
            removals_per_hundredth: None,
        };
        let mut holds: BTreeMap<&str, usize> = BTreeMap::new();
        for cycle in &self.cycles {
            match &cycle.came {
                Came::Balanced => summary.balanced += 1,
                Came::Held { hold } => *holds.entry(hold).or_default() += 1,
                Came::Rotated { pods, .. } => {
                    summary.rotations += 1;
                    summary.removals += pods.len();
                }
                Came::Wanted { pods } => {
                    summary.wanted += 1;
                    summary.wanted_removals += pods.len();
                }
                Came::Gap { .. } => summary.gaps += 1,
                Came::Failed { .. } => summary.failed += 1,
            }
        }
        let count = |(hold, cycles): (&str, usize)| HoldCount { hold: hold.to_owned(), cycles };
        summary.holds = holds.into_iter().map(count).collect();
        summary.holds.sort_by(|a, b| b.cycles.cmp(&a.cycles).then_with(|| a.hold.cmp(&b.hold)));
        let gain = summary.compared.map(|compared| compared.cv_was - compared.cv_would);
        let gain = gain.filter(|gain| *gain > SMALLEST_GAIN && summary.removals > 0);
        summary.removals_per_hundredth = gain.map(|gain| summary.removals as f64 / (gain * 100.0));
        summary
    }
}

/// A mean that differs by less has not changed.
const SMALLEST_GAIN: f64 = 1e-6;

fn compared(cycles: &[PastCycle], every: SignedDuration) -> Option<Compared> {
    let both: Vec<(Seen, Seen)> =
        cycles.iter().filter_map(|cycle| Some((cycle.was?, cycle.would?))).collect();
    if both.is_empty() {
        return None;
    }
    let count = both.len() as f64;
    let mean = |of: fn(&(Seen, Seen)) -> f64| both.iter().map(of).sum::<f64>() / count;
    let hours = |of: fn(&(Seen, Seen)) -> usize| {
        both.iter().map(of).sum::<usize>() as f64 * every.as_secs_f64() / 3_600.0
    };
    Some(Compared {
        cycles: both.len(),
        cv_was: mean(|(was, _)| was.cv),
        cv_would: mean(|(_, would)| would.cv),
        max_to_mean_was: mean(|(was, _)| was.max_to_mean),
        max_to_mean_would: mean(|(_, would)| would.max_to_mean),
        pod_hours_above_was: hours(|(was, _)| was.above),
        pod_hours_above_would: hours(|(_, would)| would.above),
    })
}

fn lag_hours(cycles: &[PastCycle], every: SignedDuration, above: f64) -> Option<LagHours> {
    let hours = |pods: usize| pods as f64 * every.as_secs_f64() / 3_600.0;
    let known: Vec<LagSeen> = cycles.iter().filter_map(|cycle| cycle.lag).collect();
    if known.is_empty() {
        return None;
    }
    let both: Vec<(usize, usize)> = known.iter().filter_map(|lag| Some((lag.was, lag.would?))).collect();
    let compared = LagCompared {
        cycles: both.len(),
        pod_hours_was: hours(both.iter().map(|(was, _)| was).sum()),
        pod_hours_would: hours(both.iter().map(|(_, would)| would).sum()),
    };
    Some(LagHours {
        above,
        pod_hours_was: hours(known.iter().map(|lag| lag.was).sum()),
        pod_hours_removed: hours(known.iter().map(|lag| lag.removed).sum()),
        compared: (!both.is_empty()).then_some(compared),
    })
}
