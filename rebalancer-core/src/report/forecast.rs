//! What was forecast, and whether it counted.

use std::fmt;

use jiff::SignedDuration;

use crate::fleet::Indicator;
use crate::snapshot::{ForecastBy, ForecastTrials, NotForecast, Snapshot};
use crate::stats::Distribution;

/// What was forecast, and whether it counted.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ForecastReport {
    /// The indicator that raised an imbalance.
    pub indicator: Indicator,
    /// How far it looks.
    pub horizon: SignedDuration,
    /// Whose history was read.
    pub by: ForecastBy,
    /// How well the same method did on the last days; `None` when it did not come to that.
    pub trials: Option<ForecastTrials>,
    /// Why the loads of now count; `None` where the expected ones do.
    pub not_used: Option<NotForecast>,
    /// How the expected loads are distributed, in the mean over the horizon; `None` where they don't count.
    pub expected: Option<Distribution>,
    /// All of it in words.
    pub words: String,
}

impl ForecastReport {
    pub(crate) fn of(snapshot: &Snapshot) -> Option<Self> {
        let outlook = snapshot.outlook.as_ref()?;
        let loads = outlook.expected.as_ref().ok().map(|expected| expected.pods.values().copied());
        Some(Self {
            indicator: outlook.indicator,
            horizon: outlook.horizon,
            by: outlook.by,
            trials: outlook.trials,
            not_used: outlook.expected.as_ref().err().cloned(),
            expected: loads.and_then(Distribution::of),
            words: outlook.to_string(),
        })
    }
}

impl fmt::Display for ForecastReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
