//! Forecasting loads from their own history.

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::unit::Load;

/// Whose loads a series has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesOf {
    /// The pod of this name.
    Pod(String),
    /// One partition.
    Partition {
        /// Topic.
        topic: String,
        /// Number, as the metric's label gives it.
        partition: String,
    },
}

/// Loads at times that are evenly apart; the last one is one step before now.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadHistory {
    /// Whose.
    pub of: SeriesOf,
    /// The earliest first; `None` is not known, and is never filled in.
    pub loads: Vec<Option<Load>>,
}

/// Which times a forecaster asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistoryGrid {
    /// Between two of them.
    pub step: SignedDuration,
    /// How many.
    pub count: usize,
}

/// What is expected of one series, and how well the same method did on its last days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesTrial {
    /// What the method has for the horizon, in the mean, in the unit of the series.
    pub expected: f64,
    /// Its mean absolute error over the trials, by that of a series that stays as it is for one step (MASE).
    pub forecast: f64,
    /// The same error of *as now*.
    pub as_now: f64,
    /// The same error of *as a day ago*.
    pub as_a_day_ago: f64,
    /// How many trials there were.
    pub trials: usize,
}

/// What came of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesForecast {
    /// It was long enough.
    Tried(SeriesTrial),
    /// Too few readings without a gap up to now.
    Short {
        /// How many there are.
        readings: usize,
        /// How many it takes.
        required: usize,
    },
}

/// Why nothing could be forecast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "kind")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ForecastError {
    /// More series than can be worked out in time, or than the horizon has steps for.
    #[error("{series} series are too many: {reason}")]
    TooMany {
        /// How many.
        series: usize,
        /// What does not fit.
        reason: String,
    },
    /// It was not done in time.
    #[error("it was not worked out within {limit_seconds} s")]
    Late {
        /// The time limit.
        limit_seconds: u64,
    },
    /// The method failed.
    #[error("the method failed: {message}")]
    Failed {
        /// What it said.
        message: String,
    },
}

/// Forecasts loads. It has the mathematics, and decides nothing.
#[async_trait]
pub trait LoadForecaster: Send + Sync {
    /// The readings that it takes for so many series.
    ///
    /// # Errors
    /// When there are too many.
    fn grid(&self, series: usize, horizon: SignedDuration) -> Result<HistoryGrid, ForecastError>;

    /// Forecasts each series over the horizon, and tries the same on its last days. What comes of them is in the order of the
    /// series.
    ///
    /// # Errors
    /// When it could not be done for all.
    async fn forecast(
        &self,
        series: Vec<LoadHistory>,
        grid: HistoryGrid,
        horizon: SignedDuration,
    ) -> Result<Vec<SeriesForecast>, ForecastError>;
}
