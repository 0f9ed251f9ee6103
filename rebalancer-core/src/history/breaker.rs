//! The circuit breaker. Its state outlives the process, so it is arithmetic on times, not a timer.

use std::fmt;

use jiff::Timestamp;

use super::{HistoryPolicy, later};

/// Whether rotations may be made, as far as past ones say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", tag = "state")
)]
pub enum Breaker {
    /// They may.
    #[default]
    Closed,
    /// They may not, until the time is up.
    Open {
        /// Since when.
        since: Timestamp,
        /// Until when.
        until: Timestamp,
        /// Why it opened last.
        why: Trip,
        /// How many times in a row it opened without having closed in between.
        times: u32,
    },
    /// One rotation may be tried: when it helps, the breaker closes; when it doesn't, it opens for longer. Where it was
    /// open for failed cycles, a cycle that does not fail closes it too, and a rotation that doesn't help counts as
    /// ever.
    HalfOpen {
        /// Since when.
        since: Timestamp,
        /// Why it opened last.
        why: Trip,
        /// How many times in a row it opened without having closed in between.
        times: u32,
    },
}

/// Why a breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", tag = "reason")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Trip {
    /// Rotations did not help.
    RotationsDidNotHelp {
        /// How many in a row.
        in_a_row: u32,
    },
    /// Predictions were not kept.
    UnreliablePrediction {
        /// Over how many of the last rotations.
        rotations: u32,
        /// What came of the promised falls of the CV, in percent; below 0 it rose.
        kept_percent: i32,
    },
    /// Cycles failed: an API could not be used, or removals failed.
    CyclesFailed {
        /// How many in a row.
        in_a_row: u32,
    },
}

impl Trip {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 3] = ["rotations_did_not_help", "unreliable_prediction", "cycles_failed"];

    /// A short stable name for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RotationsDidNotHelp { .. } => "rotations_did_not_help",
            Self::UnreliablePrediction { .. } => "unreliable_prediction",
            Self::CyclesFailed { .. } => "cycles_failed",
        }
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RotationsDidNotHelp { in_a_row: 1 } => f.write_str("the last rotation did not help"),
            Self::RotationsDidNotHelp { in_a_row } => {
                write!(f, "{in_a_row} rotations in a row did not help")
            }
            Self::UnreliablePrediction { rotations, kept_percent } => write!(
                f,
                "predictions can't be relied on: of the falls of the CV that the last {rotations} rotations promised, \
                 {kept_percent} % came"
            ),
            Self::CyclesFailed { in_a_row: 1 } => f.write_str("the last cycle failed"),
            Self::CyclesFailed { in_a_row } => write!(f, "{in_a_row} cycles in a row failed"),
        }
    }
}

impl Breaker {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 3] = ["closed", "open", "half_open"];

    /// `closed`, `open` or `half_open`, as in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// How many times in a row it opened.
    #[must_use]
    pub const fn times(self) -> u32 {
        match self {
            Self::Closed => 0,
            Self::Open { times, .. } | Self::HalfOpen { times, .. } => times,
        }
    }

    /// Open for longer than the time before.
    pub(super) fn opened(self, why: Trip, now: Timestamp, policy: &HistoryPolicy) -> Self {
        let times = self.times().saturating_add(1);
        Self::Open { since: now, until: later(now, policy.open_for(times)), why, times }
    }

    /// Half-open once its time is up. A time that no present clock can have set is cut to the longest one.
    pub(super) fn advanced(self, now: Timestamp, policy: &HistoryPolicy) -> Self {
        match self {
            Self::Closed => self,
            Self::Open { until, why, times, .. } if until <= now => Self::HalfOpen { since: now, why, times },
            Self::Open { since, until, why, times } => {
                let until = until.min(later(now, policy.longest_open()));
                Self::Open { since: since.min(now), until, why, times }
            }
            Self::HalfOpen { since, why, times } => Self::HalfOpen { since: since.min(now), why, times },
        }
    }
}
