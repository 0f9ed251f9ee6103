//! One series: its forecast, and the trials of it.

use augurs_core::prelude::*;
use augurs_mstl::MSTLModel;
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::port::{ForecastError, SeriesForecast, SeriesTrial};
use rebalancer_core::unit::Load;

/// Trials in a day.
const TRIALS: usize = 6;
/// Days of trials.
const DAYS: usize = 2;
/// Days that the first trials learn from, at least: what is fitted must be there twice.
const LEAST_DAYS: usize = 2;

/// How many steps a day and the horizon have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    day: usize,
    horizon: usize,
}

impl Steps {
    /// `None` where a day is no multiple of the step, or the horizon is shorter than a step or longer than a day.
    pub(crate) fn of(step: SignedDuration, horizon: SignedDuration) -> Option<Self> {
        let step = usize::try_from(step.as_secs()).ok().filter(|step| *step > 0)?;
        let whole_day = 24 * 60 * 60;
        let horizon = usize::try_from(horizon.as_secs()).ok()? / step;
        let day = whole_day / step;
        (whole_day.is_multiple_of(step) && day >= TRIALS && (1..=day).contains(&horizon))
            .then_some(Self { day, horizon })
    }

    /// Readings without a gap that it takes.
    const fn required(self) -> usize {
        (LEAST_DAYS + DAYS) * self.day + self.horizon
    }
}

/// Forecasts a series from its last stretch without a gap, and tries the same on its last days.
pub(crate) fn forecast(loads: &[Option<Load>], steps: Steps) -> Result<SeriesForecast, ForecastError> {
    let unbroken = loads.iter().rev().take_while(|load| load.is_some()).count();
    let required = steps.required();
    if unbroken < required {
        return Ok(SeriesForecast::Short { readings: unbroken, required });
    }
    let first = loads.len() - unbroken;
    let loads: Vec<f64> = loads.iter().skip(first).flatten().map(|load| load.get()).collect();
    let tried = try_on_last_days(&loads, steps)?;
    let ahead = fit(&loads, steps, steps.horizon + 1)?;
    let (present, later) = ahead.split_first().ok_or_else(nothing)?;
    let scale = one_step(&loads);
    let of_scale = |error: f64| if error > 0.0 { error / scale } else { 0.0 };
    Ok(SeriesForecast::Tried(SeriesTrial {
        present: *present,
        expected: mean(later),
        forecast: of_scale(tried.forecast),
        as_now: of_scale(tried.as_now),
        as_a_day_ago: of_scale(tried.as_a_day_ago),
        trials: tried.trials,
    }))
}

fn nothing() -> ForecastError {
    ForecastError::Failed { message: "the fit gave nothing".to_owned() }
}

/// Mean absolute errors of the mean over the horizon.
#[derive(Debug, Default)]
struct Tried {
    forecast: f64,
    as_now: f64,
    as_a_day_ago: f64,
    trials: usize,
}

/// On each of the last days, a fit of what was before it is used for trials all over the day.
fn try_on_last_days(loads: &[f64], steps: Steps) -> Result<Tried, ForecastError> {
    let Steps { day, horizon } = steps;
    let mut sums = Tried::default();
    for days in (1..=DAYS).rev() {
        let end = loads.len().saturating_sub(horizon + days * day);
        let (before, after) = loads.split_at(end);
        let shape = fit(before, steps, day + horizon)?;
        for trial in 0..TRIALS {
            let at = trial * day / TRIALS;
            let over = |of: &[f64], from: usize| of.get(from..from + horizon).map(mean);
            let day_before = loads.get(end + at + 1 - day.min(end + at + 1)..).unwrap_or_default();
            let (Some(now), Some(actual), Some(ahead), Some(fitted), Some(yesterday)) = (
                after.get(at),
                over(after, at + 1),
                over(&shape, at + 1),
                shape.get(at),
                over(day_before, 0),
            ) else {
                continue;
            };
            sums.forecast += ((now + ahead - fitted).max(0.0) - actual).abs();
            sums.as_now += (now - actual).abs();
            sums.as_a_day_ago += (yesterday - actual).abs();
            sums.trials += 1;
        }
    }
    let trials = sums.trials.max(1) as f64;
    Ok(Tried {
        forecast: sums.forecast / trials,
        as_now: sums.as_now / trials,
        as_a_day_ago: sums.as_a_day_ago / trials,
        trials: sums.trials,
    })
}

/// Fits days, and weeks where there are two of them, and goes on for so many steps.
fn fit(loads: &[f64], steps: Steps, ahead: usize) -> Result<Vec<f64>, ForecastError> {
    let periods: Vec<usize> =
        [steps.day, 7 * steps.day].into_iter().filter(|period| 2 * period <= loads.len()).collect();
    let failed = |error: augurs_mstl::Error| ForecastError::Failed { message: error.to_string() };
    let fitted = MSTLModel::naive(periods).fit(loads).map_err(failed)?;
    Ok(fitted.predict(ahead, None).map_err(failed)?.point)
}

/// The mean absolute change from one reading to the next.
fn one_step(loads: &[f64]) -> f64 {
    let changes: Vec<f64> = loads
        .iter()
        .zip(loads.iter().skip(1))
        .map(|(before, after)| (after - before).abs())
        .collect();
    mean(&changes).max(f64::MIN_POSITIVE)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
