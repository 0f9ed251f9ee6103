//! What follows from the levers.

use super::HottestPartition;
use super::bounds::{Bound, BoundKind, Found};
use super::lever::{Lever, LeverReport};
use crate::policy::Policy;
use crate::report::IndicatorReport;

/// What follows for the group.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "conclusion")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Conclusion {
    /// The loads are within the policy's limits: there is nothing to mend.
    Even,
    /// The hottest partition alone carries more than a mean pod, and no assignment brings the loads nearer by the policy's
    /// minimum improvement: only its keys, or nothing.
    OneHotPartition,
    /// This lever brings the most.
    Best {
        /// It.
        lever: Lever,
        /// The coefficient of variation that is to be expected of it.
        expected_cv: f64,
    },
    /// No lever brings at least the policy's minimum improvement.
    NothingHelps,
}

/// A lever helps when the coefficient of variation falls by more than the policy's minimum improvement. Levers that rest on
/// an assumption about keys are looked at last; and of those that come as near to the best as that, the simplest is named.
pub(super) fn of(
    now: &Found,
    hottest: &HottestPartition,
    levers: &[LeverReport],
    bounds: &[Bound],
    policy: &Policy,
    measured: &IndicatorReport,
) -> Conclusion {
    if !measured.out_of_balance {
        return Conclusion::Even;
    }
    let step = now.cv * policy.selection.minimum_improvement.get() / 100.0;
    let any = bounds.iter().find(|bound| bound.kind == BoundKind::AnyAssignment);
    let floor = any.and_then(|bound| bound.floor);
    if hottest.of_mean_pod > 1.0 && floor.is_some_and(|floor| floor.cv >= now.cv - step) {
        return Conclusion::OneHotPartition;
    }
    let drawn = levers.iter().filter(|report| !rests_on_keys(&report.lever));
    let assumed = levers.iter().filter(|report| rests_on_keys(&report.lever));
    let best = simplest(drawn, now.cv, step).or_else(|| simplest(assumed, now.cv, step));
    best.unwrap_or(Conclusion::NothingHelps)
}

/// The simplest of those that help and bring nearly as much as the best of them.
fn simplest<'a>(levers: impl Iterator<Item = &'a LeverReport>, now: f64, step: f64) -> Option<Conclusion> {
    let expected = levers.filter_map(|report| Some((&report.lever, report.expected_cv()?)));
    let helping: Vec<(&Lever, f64)> = expected.filter(|(_, cv)| *cv < now - step).collect();
    let best = helping.iter().map(|(_, cv)| *cv).min_by(f64::total_cmp)?;
    let near = helping.into_iter().filter(|(_, cv)| *cv <= best + step);
    let (lever, expected_cv) = near.min_by_key(|(lever, _)| effort(lever))?;
    Some(Conclusion::Best { lever: lever.clone(), expected_cv })
}

const fn rests_on_keys(lever: &Lever) -> bool {
    match lever {
        Lever::DoublePartitions | Lever::HottestKey { .. } => true,
        Lever::Nothing | Lever::Rotation { .. } | Lever::Assignor { .. } | Lever::Replicas { .. } => false,
    }
}

/// The simplest first; of two of a kind, the one that was found first brings more.
const fn effort(lever: &Lever) -> u8 {
    match lever {
        Lever::Nothing => 0,
        Lever::Rotation { .. } => 1,
        Lever::Assignor { .. } => 2,
        Lever::Replicas { .. } => 3,
        Lever::DoublePartitions => 4,
        Lever::HottestKey { .. } => 5,
    }
}
