//! How long does it take to read a list of pods, in either encoding, as it arrives? With bytes a second as throughput.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rebalancer_kube::fuzzing::pods;

mod bodies;

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_pods");
    group.sample_size(10);
    type Body = fn(usize) -> Vec<u8>;
    for (encoding, body) in [("json", bodies::pods_json as Body), ("protobuf", bodies::pods_protobuf)] {
        for size in [1_000, 10_000, 50_000] {
            let body = body(size);
            let read = |body: &[u8]| pods(body, bodies::NAMESPACE, bodies::CONTAINER).unwrap();
            assert_eq!(read(&body).len(), size);
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_with_input(BenchmarkId::new(encoding, size), &body, |bencher, body| {
                bencher.iter(|| read(black_box(body)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
