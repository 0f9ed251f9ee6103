//! What memory allows a planner.

use jiff::Timestamp;

use super::{HistoryPolicy, Pause, Record, Replacements, Rotation, TimingEvidence};
use crate::policy::Timing;
use crate::unit::Ratio;

/// What memory allows: how many pods may go in this cycle, and why none may. The default allows everything, for a planner
/// without memory.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Constraints {
    /// At most this many pods may go, as the removal budget and the record's size allow; `None` for no such limit.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "Option::deserialize"))]
    pub most_removals: Option<usize>,
    /// Why no rotation is made now.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "Option::deserialize"))]
    pub pause: Option<Pause>,
    /// When replacements joined after earlier rotations, as Kafka showed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub timing: Option<SeenTiming>,
    /// How well each timing explains what came of earlier rotations; `None` before anything did.
    #[cfg_attr(feature = "serde", serde(default))]
    pub evidence: Option<TimingEvidence>,
    /// How far the predicted CV was off in earlier rotations, as a share of the CV before; `None` before any was measured.
    #[cfg_attr(feature = "serde", serde(default))]
    pub prediction_error: Option<Ratio>,
    /// What replacements of slow pods brought.
    #[cfg_attr(feature = "serde", serde(default))]
    pub replacements: Replacements,
}

/// When replacements joined after the last rotations, which all agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SeenTiming {
    /// When.
    pub timing: Timing,
    /// After how many rotations.
    pub rotations: usize,
}

impl Constraints {
    /// Allows at most this many removals.
    #[must_use]
    pub fn with_most_removals(mut self, most: usize) -> Self {
        self.most_removals = Some(most);
        self
    }

    /// Knows when replacements join.
    #[must_use]
    pub fn with_timing(mut self, timing: Option<SeenTiming>) -> Self {
        self.timing = timing;
        self
    }

    /// Knows what came of earlier rotations.
    #[must_use]
    pub fn with_evidence(mut self, evidence: Option<TimingEvidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Knows how far earlier predictions were off.
    #[must_use]
    pub fn with_prediction_error(mut self, error: Option<Ratio>) -> Self {
        self.prediction_error = error;
        self
    }

    /// Knows what replacements of slow pods brought.
    #[must_use]
    pub fn with_replacements(self, replacements: Replacements) -> Self {
        Self { replacements, ..self }
    }

    /// Allows no rotation, for this reason.
    #[must_use]
    pub fn with_pause(mut self, pause: Option<Pause>) -> Self {
        self.pause = pause;
        self
    }
}

impl Record {
    /// What this record allows now. Call [`advance`](Self::advance) and [`measure`](Self::measure) before.
    #[must_use]
    pub fn constraints(&self, now: Timestamp, policy: &HistoryPolicy) -> Constraints {
        let allowance = self.allowance(now, policy).unwrap_or(u64::MAX);
        let most = usize::try_from(allowance).unwrap_or(usize::MAX).min(Rotation::MOST_PODS);
        Constraints {
            most_removals: Some(most),
            pause: self.pause(now, policy),
            timing: self.timing(),
            evidence: self.evidence(),
            prediction_error: self.prediction_error(),
            replacements: self.replacements(now),
        }
    }
}
