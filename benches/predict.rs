//! How long does it take to work out what removals do? The whole plan with partition loads, on groups of up to 1,000
//! members with 10,000 partitions.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::history::Constraints;
use rebalancer_core::planner::plan;
use rebalancer_core::policy::{Persistence, Policy, Timing};
use rebalancer_core::simulation::{Fleet, Shape};

const ASSIGNORS: [Assignor; 3] =
    [Assignor::CooperativeSticky, Assignor::LibrdkafkaCooperativeSticky, Assignor::Uniform];

fn predict(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("predict");
    group.sample_size(10);
    for assignor in ASSIGNORS {
        for timing in [Timing::LeaveThenJoin, Timing::AllAtOnce] {
            for pods in [100, 300, 1_000] {
                let kafka = true;
                let shape =
                    Shape { pods, partitions: pods * 10, assignor, timing, kafka, ..Shape::default() };
                let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
                let policy = Policy::default()
                    .with_persistence(Persistence::default())
                    .with_assignor(Some(assignor))
                    .with_timing(Some(timing));
                let constraints = Constraints::default();
                group.throughput(Throughput::Elements(shape.partitions as u64));
                group.bench_with_input(
                    BenchmarkId::new(format!("{assignor}/{timing:?}"), pods),
                    &snapshot,
                    |bencher, snapshot| bencher.iter(|| plan(black_box(snapshot), &policy, &constraints)),
                );
            }
        }
    }
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);
