//! How long does it take to read the metric server's answer of one value for each pod? With bytes a second as throughput.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rebalancer_prom::fuzzing::samples;

mod bodies;

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_metrics");
    for series in [1_000, 10_000, 100_000] {
        let body = bodies::metrics(series);
        assert_eq!(samples(&body).unwrap().len(), series);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(series), &body, |bencher, body| {
            bencher.iter(|| samples(black_box(body)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
