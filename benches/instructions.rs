//! One piece of work, to be counted by callgrind: `instructions CASE`. Without a case it does all of them once, as a test.
//! `.ci/instructions` counts what happens within [`under_callgrind`] and compares it with `benches/instructions.txt`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench may fail loudly"
)]

use std::hint::black_box;

use rebalancer_core::assignor::Assignor;
use rebalancer_core::audit::audit;
use rebalancer_core::history::Constraints;
use rebalancer_core::planner::{plan, to_confirm};
use rebalancer_core::policy::{Persistence, Policy, Strategy, Timing};
use rebalancer_core::report::Decision;
use rebalancer_core::simulation::{Fleet, Shape};
use rebalancer_core::snapshot::Snapshot;

mod bodies;

const CASES: [&str; 10] = [
    "decide-1000",
    "decide-10000",
    "confirm-1000",
    "confirm-10000",
    "audit-1000",
    "audit-10000",
    "predict-100",
    "decode-metrics-1000",
    "decode-pods-json-1000",
    "decode-pods-protobuf-1000",
];

/// What callgrind looks at, by its name.
#[inline(never)]
fn under_callgrind(work: &mut dyn FnMut()) {
    work();
}

fn count<T>(mut work: impl FnMut() -> T) {
    // Once before, so that what the allocator puts in order after the fleet was made does not count.
    black_box(work());
    under_callgrind(&mut || {
        black_box(work());
    });
}

fn snapshot(pods: usize) -> Snapshot {
    Fleet::new(&Shape { pods, partitions: pods * 8, ..Shape::default() }).unwrap().snapshot().unwrap()
}

fn outliers() -> Policy {
    Policy::default().with_persistence(Persistence::default()).with_strategy(Strategy::RotateOutliers)
}

fn run(case: &str) {
    let (what, size) = case.rsplit_once('-').unwrap();
    let (size, constraints): (usize, _) = (size.parse().unwrap(), Constraints::default());
    match what {
        "decide" => {
            let (snapshot, policy) = (snapshot(size), outliers());
            count(|| plan(black_box(&snapshot), &policy, &constraints));
        }
        "confirm" => {
            let (snapshot, policy) = (snapshot(size), outliers());
            count(|| to_confirm(black_box(&snapshot), &policy));
        }
        "audit" => {
            let (snapshot, policy) = (snapshot(size), outliers());
            let Decision::Rotate(plan) = plan(&snapshot, &policy, &constraints).decision else { panic!() };
            count(|| audit(&plan, black_box(&snapshot), &policy, &constraints).is_ok());
        }
        "predict" => {
            let (assignor, timing) = (Assignor::CooperativeSticky, Timing::LeaveThenJoin);
            let shape = Shape { pods: size, partitions: size * 10, assignor, timing, ..Shape::default() };
            let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
            let policy = Policy::default().with_persistence(Persistence::default());
            let policy = policy.with_assignor(Some(assignor)).with_timing(Some(timing));
            count(|| plan(black_box(&snapshot), &policy, &constraints));
        }
        "decode-metrics" => {
            let body = bodies::metrics(size);
            count(|| rebalancer_prom::fuzzing::samples(black_box(&body)).unwrap());
        }
        "decode-pods-json" => pods(&bodies::pods_json(size)),
        "decode-pods-protobuf" => pods(&bodies::pods_protobuf(size)),
        other => panic!("no case {other}"),
    }
}

fn pods(body: &[u8]) {
    let (namespace, container) = (bodies::NAMESPACE, bodies::CONTAINER);
    count(|| rebalancer_kube::fuzzing::pods(black_box(body), namespace, container).unwrap());
}

fn main() {
    match std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        Some(list) if list == "list" => CASES.iter().for_each(|case| println!("{case}")),
        Some(case) => run(&case),
        None => CASES.into_iter().for_each(run),
    }
}
