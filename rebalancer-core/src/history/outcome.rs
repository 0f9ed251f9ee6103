//! What came of a rotation, and how exactly that is known.

use super::{Promised, Rotation};
use crate::policy::ByTiming;
use crate::unit::Ratio;

/// How far the CV that Kafka shows right after a rotation may be off, as a share of the CV before.
const BY_KAFKA: f64 = 0.01;

/// The same of loads that are measured some time later.
const BY_METRICS: f64 = 0.05;

/// A rotation that was measured: in what pods carry where Kafka shows it, else in its indicator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// The CV before.
    pub(super) before: Ratio,
    /// The CV that was predicted.
    pub(super) predicted: Option<Ratio>,
    /// By when replacements join, where that was not said.
    pub(super) promised: Option<ByTiming<Promised>>,
    /// The CV that came.
    pub(super) measured: Ratio,
    /// How far that may be off.
    pub(super) noise: f64,
}

impl Came {
    /// `None` as long as it isn't measured.
    pub(super) fn of(rotation: &Rotation) -> Option<Self> {
        let Rotation { before, predicted_cv, promised, effect, group, .. } = rotation;
        let noise = |before: Ratio, share: f64| before.get() * share;
        Some(match group {
            Some(group) => Self {
                before: group.before.cv,
                predicted: group.predicted.map(|predicted| predicted.cv),
                promised: group.promised,
                measured: group.measured?.cv,
                noise: noise(group.before.cv, BY_KAFKA),
            },
            None => Self {
                before: before.cv,
                predicted: *predicted_cv,
                promised: *promised,
                measured: effect.measured()?.cv,
                noise: noise(before.cv, BY_METRICS),
            },
        })
    }
}
