//! What is expected of the fleet's loads over a horizon, and whether that is to be relied on.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Snapshot;
use crate::fleet::{Indicator, PartitionLoad, Samples};
use crate::port::{ForecastError, MetricsError};
use crate::unit::{Elapsed, Load};

/// What is expected of one indicator over a horizon.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Outlook {
    /// The indicator that raised an imbalance.
    pub indicator: Indicator,
    /// How far it looks.
    pub horizon: SignedDuration,
    /// Whose history was read.
    pub by: ForecastBy,
    /// How well the same method did on the last days; `None` when it did not come to that.
    pub trials: Option<ForecastTrials>,
    /// The expected loads, or why the loads of now count.
    pub expected: Result<ExpectedLoads, NotForecast>,
}

/// Whose history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ForecastBy {
    /// That of each partition: it stays when pods go, and a pod's load follows from what it holds.
    Partitions,
    /// That of each pod since it became Ready.
    Pods,
}

/// Loads in the mean over the horizon.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExpectedLoads {
    /// Of each pod with a load now, by its name, in the indicator's unit.
    pub pods: Samples,
    /// Of each partition, in the order of the snapshot, where partitions were forecast.
    pub partitions: Option<Vec<PartitionLoad>>,
}

/// How well the method did on the last days, over all series. Errors are mean absolute errors of the mean over the horizon, by
/// that of a series that stays as it is for one step (MASE).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForecastTrials {
    /// Series that were read.
    pub series: usize,
    /// Of them, those that change and have enough readings up to now.
    pub tried: usize,
    /// Series that did not change at all in the trials; they count in nothing else.
    pub still: usize,
    /// Of those tried, those of which the method beat both *as now* and *as a day ago*.
    pub better: usize,
    /// Since when the shortest of the others has readings without a gap; `None` where there are none.
    pub unbroken_since: Option<Timestamp>,
    /// How many readings it takes.
    pub required: usize,
    /// Between two readings.
    pub step: SignedDuration,
    /// Readings that were asked for of each series.
    pub readings: usize,
    /// Trials of each series.
    pub trials: usize,
    /// The method's error, in the median over the series.
    pub forecast: f64,
    /// That of *as now*.
    pub as_now: f64,
    /// That of *as a day ago*.
    pub as_a_day_ago: f64,
}

/// Why the loads of now count.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "reason")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NotForecast {
    /// The past could not be read.
    Unread {
        /// Why.
        error: MetricsError,
    },
    /// It could not be worked out.
    Failed {
        /// Why.
        error: ForecastError,
    },
    /// Too many series have too few readings without a gap.
    Broken,
    /// On the last days it did not beat both *as now* and *as a day ago*: in the median, and for half of the series that change.
    NotBetter,
}

impl NotForecast {
    /// A short stable name for logs and machines.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unread { .. } => "unread",
            Self::Failed { .. } => "failed",
            Self::Broken => "broken",
            Self::NotBetter => "not_better",
        }
    }
}

impl Snapshot {
    /// The expected loads of this indicator, where they are relied on.
    #[must_use]
    pub fn expected(&self, indicator: Indicator) -> Option<&ExpectedLoads> {
        let outlook = self.outlook.as_ref().filter(|outlook| outlook.indicator == indicator)?;
        outlook.expected.as_ref().ok()
    }

    /// The same fleet with the loads that are expected of it; `None` where they are not known.
    pub(crate) fn over_the_horizon(&self, indicator: Indicator) -> Option<Self> {
        let expected = self.expected(indicator)?;
        let mut later = self.clone();
        for pod in &mut later.pods {
            let load: Option<Load> = expected.pods.get(&pod.pod.name).copied();
            if let (Some(load), Some(_)) = (load, pod.loads.get(indicator)) {
                pod.loads.set(indicator, load);
            }
        }
        if let Some(partitions) = &expected.partitions {
            later.partitions = Some(partitions.clone());
        }
        Some(later)
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            ForecastBy::Partitions => "partitions",
            ForecastBy::Pods => "pods",
        };
        let over = Elapsed(self.horizon);
        match &self.expected {
            Ok(_) => write!(f, "{} over the next {over} by the history of {by}", self.indicator)?,
            Err(why) => {
                write!(f, "not used over the next {over}, the loads of now count: ")?;
                match why {
                    NotForecast::Unread { error } => write!(f, "the history of {by}: {error}")?,
                    NotForecast::Failed { error } => write!(f, "{error}")?,
                    NotForecast::Broken => write!(f, "the history of {by} is broken or short")?,
                    NotForecast::NotBetter => {
                        f.write_str("on the last days it did not beat both 'as now' and 'as a day ago'")?;
                    }
                }
            }
        }
        self.trials.map_or(Ok(()), |trials| write!(f, "; {trials}"))
    }
}

impl fmt::Display for ForecastTrials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { series, tried, still, better, forecast, as_now, as_a_day_ago, trials, .. } = self;
        let short = series.saturating_sub(tried + still);
        if *tried > 0 {
            write!(
                f,
                "error {forecast:.2} against {as_now:.2} as now and {as_a_day_ago:.2} as a day ago (MASE), better than both \
                 for {better} of {tried} series, in {trials} trials each"
            )?;
        }
        if short > 0 {
            let separator = if *tried > 0 { "; " } else { "" };
            let enough = Elapsed(self.step.saturating_mul(i32::try_from(self.required).unwrap_or(i32::MAX)));
            write!(f, "{separator}{short} of {series} series have less than {enough} without a gap")?;
            if let Some(since) = self.unbroken_since {
                write!(f, ", the shortest since {since}")?;
            }
        }
        Ok(())
    }
}
