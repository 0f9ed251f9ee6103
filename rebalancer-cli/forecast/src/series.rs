//! One series: its forecast, and the trials of it.

use augurs_core::prelude::*;
use augurs_mstl::MSTLModel;
use augurs_mstl::stlrs::MstlParams;
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::port::{ForecastError, SeriesForecast, SeriesTrial};
use rebalancer_core::unit::Load;

/// Trials in a day.
const TRIALS: usize = 6;
/// Days of trials.
const DAYS: usize = 2;
/// Days that the first trials learn from, at least: what is fitted must be there twice.
const LEAST_DAYS: usize = 2;

/// Readings of one time of day that are smoothed together: more days than there are.
const ALL_OF_IT: usize = 101;

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
    let (shape, tried) = best_shape(&loads, steps)?;
    let waves = waves(&loads, steps, shape, steps.horizon)?;
    let expected = expected(&loads, &waves, loads.len(), steps).ok_or_else(nothing)?;
    let scale = one_step(&loads);
    let of_scale = |error: f64| if error > 0.0 { error / scale } else { 0.0 };
    Ok(SeriesForecast::Tried(SeriesTrial {
        expected,
        forecast: of_scale(tried.forecast),
        as_now: of_scale(tried.as_now),
        as_a_day_ago: of_scale(tried.as_a_day_ago),
        trials: tried.trials,
    }))
}

/// Which waves a series is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Days,
    /// Two weeks tell little of a week, so this is used only where it did better.
    DaysAndWeeks,
}

/// The one that did better on the last days.
fn best_shape(loads: &[f64], steps: Steps) -> Result<(Shape, Tried), ForecastError> {
    let days = try_on_last_days(loads, steps, Shape::Days)?;
    if loads.len() < (2 * 7 + DAYS) * steps.day + steps.horizon {
        return Ok((Shape::Days, days));
    }
    let weeks = try_on_last_days(loads, steps, Shape::DaysAndWeeks)?;
    let better = weeks.forecast < days.forecast;
    Ok(if better { (Shape::DaysAndWeeks, weeks) } else { (Shape::Days, days) })
}

/// Where waves have come from the level of the last half day, over the horizon after the first `known` readings, in the mean.
fn expected(loads: &[f64], waves: &[f64], known: usize, steps: Steps) -> Option<f64> {
    let from = known.checked_sub(steps.day / 2)?;
    let both = loads.get(from..known)?.iter().zip(waves.get(from..known)?);
    let levels: Vec<f64> = both.map(|(load, wave)| load - wave).collect();
    let ahead = waves.get(known..known + steps.horizon)?;
    Some((mean(&levels) + mean(ahead)).max(0.0))
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
fn try_on_last_days(loads: &[f64], steps: Steps, shape: Shape) -> Result<Tried, ForecastError> {
    let Steps { day, horizon } = steps;
    let mut sums = Tried::default();
    for days in (1..=DAYS).rev() {
        let end = loads.len().saturating_sub(horizon + days * day);
        let before = loads.get(..end).ok_or_else(nothing)?;
        let waves = waves(before, steps, shape, day + horizon)?;
        for trial in 0..TRIALS {
            let known = end + trial * day / TRIALS;
            let over = |from: Option<usize>| Some(mean(loads.get(from?..from? + horizon)?));
            let now = known.checked_sub(1).and_then(|now| loads.get(now));
            let (Some(actual), Some(yesterday), Some(now), Some(expected)) =
                (over(Some(known)), over(known.checked_sub(day)), now, expected(loads, &waves, known, steps))
            else {
                continue;
            };
            sums.forecast += (expected - actual).abs();
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

/// The waves at each reading, and for so many steps after it.
fn waves(loads: &[f64], steps: Steps, shape: Shape, ahead: usize) -> Result<Vec<f64>, ForecastError> {
    let (day, week) = (steps.day, 7 * steps.day);
    let periods = match shape {
        Shape::Days => vec![day],
        Shape::DaysAndWeeks => vec![day, week],
    };
    let failed = |error: augurs_mstl::Error| ForecastError::Failed { message: error.to_string() };
    // A wave is taken to be the same over all that is read: with the usual windows its noise is that of a few days.
    let mut params = MstlParams::new();
    params.seasonal_lengths(&vec![ALL_OF_IT; periods.len()]);
    let fitted = MSTLModel::naive(periods).mstl_params(params).fit(loads).map_err(failed)?;
    let mut waves = vec![0.0; loads.len()];
    for wave in fitted.fit().seasonal() {
        waves.iter_mut().zip(wave).for_each(|(sum, wave)| *sum += f64::from(*wave));
    }
    // The naive trend stays where the last reading is without its waves.
    let (last, wave) = loads.last().zip(waves.last()).ok_or_else(nothing)?;
    let level = last - wave;
    let later = fitted.predict(ahead, None).map_err(failed)?.point;
    waves.extend(later.into_iter().map(|load| load - level));
    Ok(waves)
}

/// The mean absolute change from one reading to the next.
fn one_step(loads: &[f64]) -> f64 {
    let changes: Vec<f64> =
        loads.iter().zip(loads.iter().skip(1)).map(|(before, after)| (after - before).abs()).collect();
    mean(&changes).max(f64::MIN_POSITIVE)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
