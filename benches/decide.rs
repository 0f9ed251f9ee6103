//! How long does a decision take? `planner::plan` on simulated fleets by rotate-outliers, with pods a second as
//! throughput. What prediction adds is in `predict`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rebalancer_core::audit::audit;
use rebalancer_core::history::Constraints;
use rebalancer_core::planner::plan;
use rebalancer_core::policy::{Persistence, Policy, Strategy};
use rebalancer_core::report::Decision;
use rebalancer_core::simulation::{Fleet, Shape};
use rebalancer_core::snapshot::Snapshot;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// A fleet that wants a rotation, so that the whole path is measured.
fn snapshot(pods: usize) -> Snapshot {
    let shape = Shape { pods, partitions: pods * 8, ..Shape::default() };
    Fleet::new(&shape).unwrap().snapshot().unwrap()
}

fn policy() -> Policy {
    Policy::default().with_persistence(Persistence::default()).with_strategy(Strategy::RotateOutliers)
}

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for pods in SIZES {
        let (snapshot, policy, constraints) = (snapshot(pods), policy(), Constraints::default());
        assert!(matches!(plan(&snapshot, &policy, &constraints).decision, Decision::Rotate(_)));
        group.throughput(Throughput::Elements(pods as u64));
        group.bench_with_input(BenchmarkId::from_parameter(pods), &snapshot, |bencher, snapshot| {
            bencher.iter(|| plan(black_box(snapshot), &policy, &constraints));
        });
    }
    group.finish();
}

fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    for pods in SIZES {
        let (snapshot, policy, constraints) = (snapshot(pods), policy(), Constraints::default());
        let Decision::Rotate(plan) = plan(&snapshot, &policy, &constraints).decision else { unreachable!() };
        group.throughput(Throughput::Elements(pods as u64));
        group.bench_with_input(BenchmarkId::from_parameter(pods), &snapshot, |bencher, snapshot| {
            bencher.iter(|| audit(&plan, black_box(snapshot), &policy, &constraints));
        });
    }
    group.finish();
}

criterion_group!(benches, decide, check);
criterion_main!(benches);
