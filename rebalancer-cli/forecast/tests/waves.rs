//! What a forecast brings on fleets whose loads have days, weeks and trends.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a panic is how a test fails")]

use std::fmt;
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use rebalancer_core::Decision;
use rebalancer_core::policy::{ForecastHorizon, Persistence, Policy};
use rebalancer_core::port::{ForecastError, HistoryGrid, LoadForecaster, LoadHistory, SeriesForecast};
use rebalancer_core::report::Hold;
use rebalancer_core::simulation::course::{self, Balance, Course};
use rebalancer_core::simulation::{Drift, Metrics, Shape};
use rebalancer_forecast::Mstl;

/// A day and a half, in cycles of ten minutes.
const CYCLES: usize = 216;
/// None of those on which the method was made.
const SEEDS: RangeInclusive<u64> = 11..=14;

/// In steps of an hour, as of thousands of partitions.
struct Hourly(Mstl);

#[rebalancer_core::async_trait]
impl LoadForecaster for Hourly {
    fn grid(&self, _: usize, horizon: SignedDuration) -> Result<HistoryGrid, ForecastError> {
        self.0.grid(10_000, horizon)
    }

    async fn forecast(
        &self,
        series: Vec<LoadHistory>,
        grid: HistoryGrid,
        horizon: SignedDuration,
    ) -> Result<Vec<SeriesForecast>, ForecastError> {
        self.0.forecast(series, grid, horizon).await
    }
}

#[derive(Default)]
struct Sum {
    removals: usize,
    passed: usize,
    cv: f64,
    max: f64,
    above: f64,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removals, passed, cv, max, above } = self;
        write!(f, "{removals} removals, CV {cv:.3}, max/mean {max:.2}, above {above:.4}, will_pass {passed}")
    }
}

fn add(sum: &mut Sum, course: &Course) {
    let each = course.cycles.len() as f64 * SEEDS.count() as f64;
    for cycle in &course.cycles {
        let balance = Balance::of(&cycle.after);
        sum.removals += cycle.removed;
        sum.passed += usize::from(matches!(cycle.report.decision, Decision::Hold(Hold::WillPass { .. })));
        sum.cv += balance.cv / each;
        sum.max += balance.max_to_mean / each;
        sum.above += cycle.after.values().map(|load| (load.get() - 1.05).max(0.0)).sum::<f64>() / each;
    }
}

async fn whole(shape: Shape, policy: &Policy, horizon: Option<i64>) -> Sum {
    let horizon = horizon.map(|minutes| ForecastHorizon::new(SignedDuration::from_mins(minutes)).unwrap());
    let policy = policy.clone().with_horizon(horizon);
    let mut sum = Sum::default();
    for seed in SEEDS {
        let shape = Shape { seed, ..shape };
        add(&mut sum, &course::run_forecasting(&shape, &policy, CYCLES, &Hourly(Mstl::new())).await.unwrap());
    }
    sum
}

#[tokio::test]
#[ignore = "takes half an hour: cargo test --release -p rebalancer-forecast --test waves -- --ignored --nocapture"]
async fn what_a_forecast_brings() {
    let base = Shape { pods: 12, partitions: 72, kafka: false, ..Shape::default() };
    let day = Drift { swing: 0.6, ..Drift::default() };
    let week = Drift { swing: 0.5, week: 0.3, ..Drift::default() };
    let trend = Drift { swing: 0.5, trend: 0.05, ..Drift::default() };
    let walk = Drift { walk: 0.15, ..Drift::default() };
    let noise = Metrics { noise: 0.05, delay: 0 };
    let policy = Policy::default()
        .with_persistence(Persistence::default())
        .with_assignor(Some(base.assignor))
        .with_timing(Some(base.timing));
    for (name, drift) in
        [("days", day), ("days and weeks", week), ("days and trends", trend), ("walks", walk)]
    {
        for hpa_percent in [Some(70.0), None] {
            let shape = Shape { drift, hpa_percent, metrics: noise, ..base };
            let without = whole(shape, &policy, None).await;
            println!("{name:16} target {hpa_percent:?} off: {without}");
            for minutes in [60, 240, 480] {
                let with = whole(shape, &policy, Some(minutes)).await;
                println!("{name:16} target {hpa_percent:?} {minutes} minutes: {with}");
                if drift == trend {
                    assert_eq!((with.removals, with.passed), (without.removals, 0), "it is not relied on");
                } else if drift != walk {
                    assert!(with.cv <= 1.1 * without.cv, "as even as without: {with} and {without}");
                }
            }
        }
    }
}
