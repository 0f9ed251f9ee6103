//! What a rotation did to its consumer group, as Kafka shows it at once.

use super::effect::rounded;
use super::{Imbalance, Promised};
use crate::policy::{ByTiming, Timing};
use crate::unit::Ratio;

/// How unevenly what the pods' partitions carry, in messages a second, is spread: before, as predicted, as it came.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupEffect {
    /// Before.
    pub before: Imbalance,
    /// As predicted; `None` where not all of its pods were removed, since that says nothing of a part of them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub predicted: Option<Imbalance>,
    /// The predicted standard deviation of the CV.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub spread: Ratio,
    /// The CV that each timing would have led to.
    #[cfg_attr(feature = "serde", serde(default))]
    pub promised: Option<ByTiming<Promised>>,
    /// As it came; `None` until the group was seen at rest.
    #[cfg_attr(feature = "serde", serde(default))]
    pub measured: Option<Imbalance>,
    /// Milliseconds from the last removal until the group was at rest; `None` when that was not seen.
    #[cfg_attr(feature = "serde", serde(default))]
    pub settled_after_ms: Option<u64>,
    /// When replacements joined, where that was seen.
    #[cfg_attr(feature = "serde", serde(default))]
    pub timing: Option<Timing>,
}

impl GroupEffect {
    /// What is predicted; nothing is measured yet.
    #[must_use]
    pub fn predicted(before: Imbalance, predicted: Imbalance, spread: Ratio) -> Self {
        let spread = rounded(spread);
        Self {
            before,
            predicted: Some(predicted),
            spread,
            promised: None,
            measured: None,
            settled_after_ms: None,
            timing: None,
        }
    }

    /// With the CV that each timing would lead to.
    #[must_use]
    pub fn with_promised(self, promised: Option<ByTiming<Promised>>) -> Self {
        Self { promised, ..self }
    }

    /// Without what was promised, which is not what was made.
    #[must_use]
    pub fn without_promises(self) -> Self {
        Self { predicted: None, promised: None, ..self }
    }

    /// By how much the CV came out higher than predicted; below 0: lower. `None` until it is measured, or without a
    /// prediction.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        Some(self.measured?.cv.get() - self.predicted?.cv.get())
    }
}
