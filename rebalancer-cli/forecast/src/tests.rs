//! What is forecast, and what is not.

use std::f64::consts::TAU;

use rebalancer_core::port::{SeriesOf, SeriesTrial};
use rebalancer_core::unit::Load;

use super::*;

const HORIZON: SignedDuration = SignedDuration::from_hours(2);

fn history(load: impl Fn(f64) -> f64) -> LoadHistory {
    let grid = Mstl::new().grid(1, HORIZON).unwrap();
    let hours = |step: usize| step as f64 * grid.step.as_secs_f64() / 3600.0;
    let loads = (0..grid.count).map(|step| Load::new(load(hours(step))).ok()).collect();
    LoadHistory { of: SeriesOf::Pod("orders-0".to_owned()), loads }
}

fn daily(hours: f64) -> f64 {
    100.0 + 50.0 * (TAU * hours / 24.0).sin()
}

async fn came(of: LoadHistory) -> SeriesForecast {
    let grid = Mstl::new().grid(1, HORIZON).unwrap();
    Mstl::new().forecast(vec![of], grid, HORIZON).await.unwrap().remove(0)
}

async fn tried(of: LoadHistory) -> SeriesTrial {
    match came(of).await {
        SeriesForecast::Tried(trial) => trial,
        short @ SeriesForecast::Short { .. } => panic!("{short:?}"),
    }
}

#[tokio::test]
async fn a_daily_wave_goes_on_and_beats_as_now() {
    let trial = tried(history(|hours| daily(hours) + hours % 0.7)).await;
    assert_eq!(trial.trials, 12);
    assert!(trial.forecast < trial.as_now / 2.0, "{trial:?}");
    let then = daily(17.0 * 24.0 + 1.0);
    assert!((trial.expected - then).abs() < 3.0, "{trial:?} against {then}");
}

#[tokio::test]
async fn a_weekend_is_known_and_beats_as_a_day_ago() {
    let weekly = |hours: f64| {
        let day = (hours / 24.0).floor() % 7.0;
        daily(hours) * if day < 5.0 { 1.0 } else { 0.2 }
    };
    let trial = tried(history(weekly)).await;
    assert!(trial.forecast < trial.as_a_day_ago && trial.forecast < trial.as_now, "{trial:?}");
}

#[tokio::test]
async fn what_has_no_days_does_not_beat_as_now() {
    let mut state = 7_u64;
    let mut steps = Vec::new();
    for _ in 0..5_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        steps.push((state >> 33) as f64 / f64::from(u32::MAX >> 1));
    }
    let mut level = 1_000.0;
    let mut walk = history(daily);
    for (load, step) in walk.loads.iter_mut().zip(steps) {
        level += step - 0.5;
        *load = Load::new(level).ok();
    }
    let trial = tried(walk).await;
    assert!(trial.forecast >= trial.as_now, "{trial:?}");
}

#[tokio::test]
async fn a_constant_series_has_no_error_at_all() {
    let trial = tried(history(|_| 5.0)).await;
    assert!(trial.as_now == 0.0 && (trial.expected - 5.0).abs() < 1e-3, "{trial:?}");
}

#[tokio::test]
async fn nothing_before_a_gap_counts_and_no_gap_is_filled() {
    let mut broken = history(daily);
    let last = broken.loads.len();
    broken.loads[last - 100] = None;
    assert_eq!(came(broken).await, SeriesForecast::Short { readings: 99, required: 4 * 96 + 8 });
    let mut earlier = history(daily);
    earlier.loads[last - 500] = None;
    let trial = tried(earlier).await;
    assert!(trial.forecast < trial.as_now, "{trial:?}");
}

#[tokio::test]
async fn of_a_pod_that_came_just_now_nothing_is_said() {
    let mut empty = history(daily);
    empty.loads.clear();
    assert_eq!(came(empty).await, SeriesForecast::Short { readings: 0, required: 4 * 96 + 8 });
}

#[test]
fn many_series_are_read_in_coarser_steps_and_too_many_not_at_all() {
    let grid = |series, horizon| Mstl::new().grid(series, horizon);
    let minutes = |series| grid(series, HORIZON).unwrap().step.as_mins();
    assert_eq!([1, 600, 601, 1_201, 10_000].map(minutes), [15, 15, 30, 60, 60]);
    for (series, horizon) in [(10_001, HORIZON), (2_000, SignedDuration::from_mins(30))] {
        assert!(matches!(grid(series, horizon), Err(ForecastError::TooMany { .. })));
    }
}

#[test]
fn what_takes_too_long_or_nobody_waits_for_is_not_done() {
    let steps = Steps::of(SignedDuration::from_mins(15), HORIZON).unwrap();
    let series = [history(daily)];
    let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
    let late = Err(ForecastError::Late { limit_seconds: 12 });
    assert_eq!(all(&series, steps, &go, Instant::now() - Duration::from_secs(1)), late);
    assert_eq!(all(&series, steps, &stop, Instant::now() + LIMIT), late);
}

#[tokio::test]
async fn the_order_of_the_series_is_that_of_the_forecasts() {
    let series = (1..9).map(|n| history(move |hours| daily(hours) * f64::from(n))).collect();
    let grid = Mstl::new().grid(8, HORIZON).unwrap();
    let came = Mstl::new().forecast(series, grid, HORIZON).await.unwrap();
    let expected = came.iter().map(|came| match came {
        SeriesForecast::Tried(trial) => trial.expected,
        SeriesForecast::Short { .. } => f64::NAN,
    });
    assert!(expected.collect::<Vec<_>>().is_sorted());
}
