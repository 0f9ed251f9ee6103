//! Forecasts the load of each series from its own history: its days and weeks, by MSTL of the crate `augurs-mstl`.
//!
//! ```text
//!   history without a gap ─┬─> fit on all but the last days ─> 12 trials ─> MASE, of 'as now' and 'as a day ago' too
//!                          └─> fit on all ─> the mean over the horizon
//! ```
//!
//! What is expected is the level of the last half day, and on it the waves of days and weeks. It decides nothing: whether that
//! is relied on is for the core to say.
//!
//! - A gap is never filled in: what lies before it does not count.
//! - The work is bounded: more series are read in coarser steps, and what is not done within [`LIMIT`] is not done.
//! - The same history gives the same forecast, whatever the number of cores.

mod series;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::port::{ForecastError, HistoryGrid, LoadForecaster, LoadHistory, SeriesForecast};
use rebalancer_core::unit::Elapsed;
use tokio::sync::oneshot;

use series::Steps;

/// What is read: two weeks to learn from, two days of trials, and a horizon of up to a day.
const DAYS: i64 = 17;

/// How many series are read in steps of so many minutes, at most.
const STEPS: [(usize, i64); 3] = [(600, 15), (1_200, 30), (10_000, 60)];

/// After so long the loads of now count.
pub const LIMIT: Duration = Duration::from_secs(12);

/// Forecasts by multiple seasonal-trend decomposition (MSTL) with days and weeks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mstl {
    _private: (),
}

impl Mstl {
    /// The method.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

/// Stops the work when nobody waits for it any more.
struct Awaited(Arc<AtomicBool>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl LoadForecaster for Mstl {
    fn grid(&self, series: usize, horizon: SignedDuration) -> Result<HistoryGrid, ForecastError> {
        let too_many = |reason| ForecastError::TooMany { series, reason };
        let fits = STEPS.iter().find(|(most, _)| series <= *most);
        let Some((_, minutes)) = fits else {
            return Err(too_many(format!("{} can be worked out in time", STEPS.map(|(most, _)| most)[2])));
        };
        let step = SignedDuration::from_mins(*minutes);
        if step > horizon {
            let (step, horizon) = (Elapsed(step), Elapsed(horizon));
            return Err(too_many(format!(
                "so many are read in steps of {step}, and the horizon is {horizon}"
            )));
        }
        let count = usize::try_from(DAYS * 24 * 60 / minutes).unwrap_or(0);
        Ok(HistoryGrid { step, count })
    }

    async fn forecast(
        &self,
        series: Vec<LoadHistory>,
        grid: HistoryGrid,
        horizon: SignedDuration,
    ) -> Result<Vec<SeriesForecast>, ForecastError> {
        let failed = |message: String| ForecastError::Failed { message };
        let steps = Steps::of(grid.step, horizon)
            .ok_or_else(|| failed("the steps do not fit into a day and the horizon".to_owned()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let _awaited = Awaited(Arc::clone(&stop));
        let (send, receive) = oneshot::channel();
        let work = move || {
            // Where nobody waits any more, nobody listens either.
            let _ = send.send(all(&series, steps, &stop, Instant::now() + LIMIT));
        };
        thread::Builder::new()
            .name("forecast".to_owned())
            .spawn(work)
            .map_err(|error| failed(error.to_string()))?;
        receive.await.map_err(|_| failed("the work ended without a result".to_owned()))?
    }
}

/// Every series, on all cores.
fn all(
    series: &[LoadHistory],
    steps: Steps,
    stop: &AtomicBool,
    until: Instant,
) -> Result<Vec<SeriesForecast>, ForecastError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let part = series.len().div_ceil(cores).max(1);
    let parts = thread::scope(|scope| {
        let workers: Vec<_> =
            series.chunks(part).map(|part| scope.spawn(move || one_part(part, steps, stop, until))).collect();
        let gone = || ForecastError::Failed { message: "a thread ended without a result".to_owned() };
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(gone())))
            .collect::<Result<Vec<_>, _>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn one_part(
    series: &[LoadHistory],
    steps: Steps,
    stop: &AtomicBool,
    until: Instant,
) -> Result<Vec<SeriesForecast>, ForecastError> {
    let one = |history: &LoadHistory| {
        if stop.load(Ordering::Relaxed) || Instant::now() > until {
            return Err(ForecastError::Late { limit_seconds: LIMIT.as_secs() });
        }
        series::forecast(&history.loads, steps)
    };
    series.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
