//! How long does it take to forecast histories with their trials? As many series as each step allows, on all cores.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail loudly")]

use std::f64::consts::TAU;
use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::SignedDuration;
use rebalancer_core::port::{LoadForecaster as _, LoadHistory, SeriesOf};
use rebalancer_core::unit::Load;
use rebalancer_forecast::Mstl;

const HORIZON: SignedDuration = SignedDuration::from_hours(4);

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// Days, a weaker week, and noise of its own for each series.
fn histories(series: usize) -> Vec<LoadHistory> {
    let grid = Mstl::new().grid(series, HORIZON).unwrap();
    let days = |step: usize| step as f64 * grid.step.as_secs_f64() / 86_400.0;
    let noise = |number: usize, step: usize| ((number * 31 + step * 7_919) % 1_000) as f64 / 100.0;
    let load = |number: usize, step: usize| {
        let (day, week) = ((TAU * days(step)).sin(), (TAU * days(step) / 7.0).sin());
        Load::new(100.0 + 40.0 * day + 20.0 * week + noise(number, step)).ok()
    };
    let one = |number: usize| LoadHistory {
        of: SeriesOf::Partition { topic: "events".to_owned(), partition: number.to_string() },
        loads: (0..grid.count).map(|step| load(number, step)).collect(),
    };
    (0..series).map(one).collect()
}

fn forecast(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forecast");
    group.sample_size(10);
    for series in [40, 600, 1_200, 10_000] {
        let grid = Mstl::new().grid(series, HORIZON).unwrap();
        let histories = histories(series);
        group.throughput(Throughput::Elements(series as u64));
        group.bench_with_input(BenchmarkId::from_parameter(series), &histories, |bencher, histories| {
            bencher.iter(|| wait(Mstl::new().forecast(black_box(histories.clone()), grid, HORIZON)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, forecast);
criterion_main!(benches);
