//! What a rotation did to the fleet.

use jiff::Timestamp;

use crate::stats::Distribution;
use crate::unit::{Ratio, Share};

/// Far above what any fleet can have: the CV of n pods is at most the root of n - 1.
const HIGHEST: f64 = 1e6;

/// How unevenly an indicator is spread. Kept to six decimals, so that it comes back from JSON as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Imbalance {
    /// Coefficient of variation.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub cv: Ratio,
    /// Highest load by mean load.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub max_to_mean: Ratio,
}

impl Imbalance {
    /// Rounds both.
    #[must_use]
    pub fn new(cv: Ratio, max_to_mean: Ratio) -> Self {
        Self { cv: rounded(cv), max_to_mean: rounded(max_to_mean) }
    }

    /// That of a distribution; `None` when it has values that are no ratio.
    #[must_use]
    pub fn of(distribution: &Distribution) -> Option<Self> {
        let Distribution { cv, max_to_mean, .. } = *distribution;
        Some(Self::new(Ratio::new(cv).ok()?, Ratio::new(max_to_mean).ok()?))
    }
}

/// A CV as it was predicted, over several draws of what was not known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Promised {
    /// The mean.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub cv: Ratio,
    /// Standard deviation.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub spread: Ratio,
}

impl Promised {
    /// Rounds both.
    #[must_use]
    pub fn new(cv: Ratio, spread: Ratio) -> Self {
        Self { cv: rounded(cv), spread: rounded(spread) }
    }
}

pub(super) fn rounded(ratio: Ratio) -> Ratio {
    let value = (ratio.get().min(HIGHEST) * 1e6).round() / 1e6;
    Ratio::new(value).unwrap_or(ratio)
}

/// Whether a rotation helped, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", tag = "verdict")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Effect {
    /// No pod was removed, so there is nothing to measure.
    NotMade,
    /// It has not settled yet, or its indicator could not be read since.
    NotYetKnown,
    /// The CV, or max/mean, fell by at least the minimum.
    Helped {
        /// When it was measured.
        at: Timestamp,
        /// What was measured.
        after: Imbalance,
    },
    /// Both fell by less, or rose.
    DidNotHelp {
        /// When it was measured.
        at: Timestamp,
        /// What was measured.
        after: Imbalance,
    },
    /// It could never be measured, and the breaker's trial could not wait any longer.
    NeverSeen {
        /// When it was given up.
        at: Timestamp,
    },
}

impl Effect {
    /// Every name that the effect of a judged rotation has.
    pub const JUDGED: [&str; 3] = ["helped", "did_not_help", "never_seen"];

    /// Compares before and after. A rotation helped when the CV fell by the minimum, or max/mean did: some rotations are
    /// made to relieve the hottest pods. The fall is relative, `(before - after) / before`.
    pub(super) fn judge(before: Imbalance, after: Imbalance, minimum: Share, at: Timestamp) -> Self {
        let after = Imbalance::new(after.cv, after.max_to_mean);
        let fell =
            |old: Ratio, new: Ratio| old.get() > 0.0 && (old.get() - new.get()) / old.get() >= minimum.get();
        if fell(before.cv, after.cv) || fell(before.max_to_mean, after.max_to_mean) {
            Self::Helped { at, after }
        } else {
            Self::DidNotHelp { at, after }
        }
    }

    /// What a clock that was ahead measured counts as measured now.
    pub(super) fn advanced(self, now: Timestamp) -> Self {
        match self {
            Self::NotMade | Self::NotYetKnown => self,
            Self::Helped { at, after } => Self::Helped { at: at.min(now), after },
            Self::DidNotHelp { at, after } => Self::DidNotHelp { at: at.min(now), after },
            Self::NeverSeen { at } => Self::NeverSeen { at: at.min(now) },
        }
    }

    /// What was measured, when it was.
    #[must_use]
    pub const fn measured(self) -> Option<Imbalance> {
        match self {
            Self::Helped { after, .. } | Self::DidNotHelp { after, .. } => Some(after),
            Self::NotMade | Self::NotYetKnown | Self::NeverSeen { .. } => None,
        }
    }

    /// A short stable name for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotMade => "not_made",
            Self::NotYetKnown => "not_yet_known",
            Self::Helped { .. } => "helped",
            Self::DidNotHelp { .. } => "did_not_help",
            Self::NeverSeen { .. } => "never_seen",
        }
    }
}
