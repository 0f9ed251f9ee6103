//! What rotations are worth on groups that have been running for a while, by how many pods they remove, against the best
//! assignment with equal counts, and against what could be reached with foresight: the table in docs/decision.md.
//!
//! cargo test --release -p rebalancer-core --features simulation --test after_churn -- --ignored --nocapture
#![cfg(feature = "simulation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod oracle;

use oracle::Oracle;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::policy::{Persistence, Policy, Strategy, Timing};
use rebalancer_core::simulation::course::{self, Balance};
use rebalancer_core::simulation::{Fleet, Shape};
use rebalancer_core::unit::{Percent, Ratio, Tolerance};

const SEEDS: u64 = 20;

/// Removals after which the fleet is looked at.
const MOST: [usize; 4] = [4, 8, 16, 24];

/// Everything above the mean is worth a rotation: how far it can go, and not where an operator lets it rest.
fn policy(strategy: Strategy) -> Policy {
    Policy::default()
        .with_persistence(Persistence::default())
        .with_strategy(strategy)
        .with_timing(Some(Timing::LeaveThenJoin))
        .with_assignor(Some(Shape::default().assignor))
        .with_variance_thresholds([(Indicator::Cpu, Ratio::new(0.01).unwrap())].into())
        .with_tolerance(Tolerance::new(1.0).unwrap())
        .with_minimum_improvement(Percent::new(1.0).unwrap())
}

fn shape(pods: usize, partitions: usize, kafka: bool, seed: u64) -> Shape {
    Shape { pods, partitions, kafka, hpa_percent: None, seed, ..Shape::default() }
}

/// The lowest CV that was reached with at most so many removals, for each of [`MOST`], and with all; how many those
/// were, and how many of them were in vain.
fn reached(shape: &Shape, strategy: Strategy) -> Run {
    let course = run(shape, &policy(strategy));
    let start = Balance::of(&course.start).cv;
    let mut removed = 0;
    let mut reached = vec![start; MOST.len() + 1];
    for cycle in &course.cycles {
        removed += cycle.removed;
        let cv = Balance::of(&cycle.after).cv;
        for (place, slot) in reached.iter_mut().enumerate() {
            if MOST.get(place).is_none_or(|most| removed <= *most) {
                *slot = cv;
            }
        }
    }
    let summary = course.summary();
    (start, reached, summary.removals, summary.useless)
}

fn run(shape: &Shape, policy: &Policy) -> course::Course {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(course::run(shape, policy, 30)).unwrap()
}

/// The lowest CV of any assignment with equal counts that exchanges of two partitions lead to.
fn bound(shape: &Shape) -> f64 {
    let fleet = Fleet::new(shape).unwrap();
    let partitions = fleet.snapshot().unwrap().partitions.unwrap();
    let mut loads: Vec<f64> = partitions.iter().map(|one| one.load.get() * 0.000_5).collect();
    loads.sort_by(|a, b| b.total_cmp(a));
    let each = shape.partitions / shape.pods;
    let mut pods: Vec<Vec<f64>> = vec![Vec::new(); shape.pods];
    for load in loads {
        let room = pods.iter_mut().filter(|pod| pod.len() < each);
        let least = room.min_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum())).unwrap();
        least.push(load);
    }
    while exchange(&mut pods) {}
    let sums: Vec<f64> = pods.iter().map(|pod| shape.mean_cores * 0.03 + pod.iter().sum::<f64>()).collect();
    let mean = sums.iter().sum::<f64>() / sums.len() as f64;
    (sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / sums.len() as f64).sqrt() / mean
}

/// Exchanges two partitions of two pods so that their loads come closer; tells whether there were any.
fn exchange(pods: &mut [Vec<f64>]) -> bool {
    for a in 0..pods.len() {
        for b in 0..a {
            let difference = pods[a].iter().sum::<f64>() - pods[b].iter().sum::<f64>();
            for i in 0..pods[a].len() {
                for j in 0..pods[b].len() {
                    let moved = pods[a][i] - pods[b][j];
                    if (difference - 2.0 * moved).abs() < difference.abs() - 1e-9 {
                        (pods[a][i], pods[b][j]) = (pods[b][j], pods[a][i]);
                        return true;
                    }
                }
            }
        }
    }
    false
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[values.len() / 2], values[(values.len() - 1) / 2])
}

/// What came of one fleet: the CV at first, the lowest ones reached, removals, and those in vain.
type Run = (f64, Vec<f64>, usize, usize);

/// What could be reached with foresight.
fn possible(shape: &Shape) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let most = *MOST.last().unwrap();
    let lowest = runtime.block_on(Oracle::of(shape)).lowest(most);
    (lowest[0], MOST.iter().chain([&most]).map(|&removals| lowest[removals]).collect(), most, 0)
}

/// Multiples of the bound with ids known, after 8 removals and after 24.
const GROUPS: [(usize, usize, [f64; 2]); 2] = [(20, 80, [1.5, 1.25]), (50, 400, [3.4, 2.25])];

#[test]
#[ignore = "takes minutes without optimization"]
fn what_rotations_are_worth_after_churn() {
    for (pods, partitions, [after_8, after_24]) in GROUPS {
        let shapes = |kafka| (1..=SEEDS).map(move |seed| shape(pods, partitions, kafka, seed));
        let bounds: Vec<f64> = shapes(true).map(|shape| bound(&shape)).collect();
        println!("{pods} pods, {partitions} partitions: bound {:.3}", median(bounds.clone()));
        let show = |name, kafka, run: &dyn Fn(&Shape) -> Run| {
            let runs: Vec<Run> = shapes(kafka).map(|shape| run(&shape)).collect();
            let multiples = row(name, &runs, &bounds);
            (runs, multiples)
        };
        let by = |strategy| move |shape: &Shape| reached(shape, strategy);
        let (seeds, _) = show("rotate-outliers", false, &by(Strategy::RotateOutliers));
        show("predict, ids unknown", false, &by(Strategy::Predict));
        let (known, multiples) = show("predict, ids known", true, &by(Strategy::Predict));
        let (oracle, _) = show("all of it foreseen", true, &possible);
        assert!(known.iter().all(|run| run.3 == 0), "with ids and timing known, no removal is in vain");
        assert!(multiples[1] <= after_8 && multiples[3] <= after_24, "{multiples:.2?}");
        // A quarter of the removals: 4 against 16, on the same fleets.
        let pairs = known.iter().zip(&seeds).zip(&oracle).zip(1..);
        let worse: Vec<String> = pairs
            .filter(|(((own, seeds), _), _)| own.1[0] > seeds.1[2])
            .map(|(((own, seeds), oracle), seed)| {
                let (start, own, seeds, oracle) = (own.0, own.1[0], seeds.1[2], oracle.1[0]);
                format!("seed {seed}: {start:.3} to {own:.3}, {seeds:.3}, foreseen {oracle:.3}")
            })
            .collect();
        println!("  worse with 4 removals than rotate-outliers with 16: {} of {SEEDS}", worse.len());
        worse.iter().for_each(|worse| println!("    {worse}"));
    }
}

/// Prints the medians as multiples of the bound, and gives those after so many removals as [`MOST`] says.
fn row(name: &str, runs: &[Run], bounds: &[f64]) -> Vec<f64> {
    let multiple = |of: &dyn Fn(&Run) -> f64| {
        median(runs.iter().zip(bounds).map(|(run, bound)| of(run) / bound).collect())
    };
    let reached: Vec<f64> = (0..=MOST.len()).map(|at| multiple(&|run| run.1[at])).collect();
    let (all, useless) = runs.iter().fold((0, 0), |(all, vain), run| (all + run.2, vain + run.3));
    let start = multiple(&|run| run.0);
    let shown: Vec<String> = reached.iter().map(|multiple| format!("{multiple:.2}")).collect();
    println!("  {name:22} {start:.2} -> {}; {useless} of {all} removals useless", shown.join(" "));
    reached
}
