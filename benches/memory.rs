//! What does a pod take in memory? Bytes of the heap a pod, at rest: of the list as it was decoded, of the snapshot with two
//! indicators, and of the snapshot with its report. An allocator that counts tells them, with what glibc's adds to each
//! piece.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail loudly")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rebalancer_core::fleet::{Indicator, Samples, Workload};
use rebalancer_core::history::Constraints;
use rebalancer_core::planner::plan;
use rebalancer_core::policy::{Persistence, Policy, Strategy};
use rebalancer_core::port::Readings;
use rebalancer_core::snapshot::{ObservedPod, Snapshot};
use rebalancer_core::unit::Load;
use rebalancer_kube::fuzzing;

mod bodies;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// glibc has a word before each piece, and hands out multiples of 16, at least 32.
const fn taken(layout: &Layout) -> usize {
    let with_header = (layout.size() + 8).next_multiple_of(16);
    if with_header < 32 { 32 } else { with_header }
}

// SAFETY: everything is the system's; what is added are numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(taken(&layout), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(taken(&layout), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `make` leaves on the heap, in bytes a pod.
fn left<T>(pods: usize, make: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.load(Relaxed);
    let made = black_box(make());
    ((LIVE.load(Relaxed) - before) / pods, made)
}

fn samples(pods: usize, scale: f64) -> Samples {
    let load = |number: usize| Load::new(scale * (0.3 + (number * 7 % 60) as f64 / 100.0)).unwrap();
    (0..pods).map(|number| (bodies::name(number), load(number))).collect()
}

fn snapshot(pods: Vec<rebalancer_core::Pod>) -> Snapshot {
    let count = pods.len();
    let workload = Workload { namespace: bodies::NAMESPACE.into(), name: "orders".into() };
    let mut readings = Readings::none();
    readings.loads = BTreeMap::from([
        (Indicator::Cpu, Ok(samples(count, 1.0))),
        (Indicator::Memory, Ok(samples(count, 1e9))),
    ]);
    let at = "2026-06-01T00:00:00Z".parse().unwrap();
    let mut snapshot = Snapshot::assemble(workload, at, pods, Ok(Vec::new()), "", readings).unwrap();
    let surroundings = std::mem::take(&mut snapshot.surroundings);
    snapshot.surround(surroundings);
    snapshot
}

fn main() {
    let policy = Policy::default().with_persistence(Persistence::default());
    let policy = policy.with_strategy(Strategy::RotateOutliers);
    let (pod, observed) = (size_of::<rebalancer_core::Pod>(), size_of::<ObservedPod>());
    println!("of a snapshot's pod, {observed} bytes are its own fields, and {pod} of these the listed pod's");
    println!("{:>7} {:>9} {:>9} {:>9}  bytes a pod", "pods", "list", "snapshot", "+ report");
    for pods in [1_000, 10_000, 50_000] {
        let body = bodies::pods_protobuf(pods);
        let decode = || fuzzing::pods(&body, bodies::NAMESPACE, bodies::CONTAINER).unwrap();
        let (listed, list) = left(pods, decode);
        drop(list);
        let (seen, snapshot) = left(pods, || snapshot(decode()));
        let (reported, report) = left(pods, || plan(&snapshot, &policy, &Constraints::default()));
        println!("{pods:>7} {listed:>9} {seen:>9} {:>9}", seen + reported);
        drop((snapshot, report));
    }
}
