//! A day of loads that drift: for how many hours a pod is hot. The table in docs/decision.md.
//!
//! cargo test --release -p rebalancer-core --features simulation --test simulated_day -- --ignored --nocapture
#![cfg(feature = "simulation")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use rebalancer_core::fleet::Samples;
use rebalancer_core::policy::{Persistence, Policy, Strategy};
use rebalancer_core::simulation::course::{self, Course, INTERVAL};
use rebalancer_core::simulation::{Drift, Fleet, Shape};

const SEEDS: u64 = 10;

/// Cycles of one day.
const DAY: usize = 144;

/// 70 % of the one core that each pod requests, and half as much again.
const LIMIT: f64 = 1.05;

/// Each partition doubles or triples in the course of the day, at its own time, and wanders besides.
fn shape(partitions: usize, seed: u64, kafka: bool) -> Shape {
    Shape {
        partitions,
        drift: Drift { swing: 0.5, walk: 0.1, ..Drift::default() },
        kafka,
        seed,
        ..Shape::default()
    }
}

/// What came of one day, in hours.
#[derive(Default)]
struct Day {
    /// At least one pod was above its limit.
    hot: f64,
    /// One partition alone was above the limit of a pod, so that no assignment could have helped.
    unavoidable: f64,
    removals: f64,
    useless: f64,
}

fn hours(cycles: usize) -> f64 {
    cycles as f64 * INTERVAL.as_secs_f64() / 3600.0
}

fn is_hot(loads: &Samples) -> bool {
    loads.values().any(|load| load.get() > LIMIT)
}

/// Nothing is done. Drift does not depend on what is done, so this shows which hours no assignment could have helped.
fn nothing(shape: &Shape) -> Day {
    let fleet = Fleet::new(shape).unwrap();
    let (mut hot, mut unavoidable) = (0, 0);
    for _ in 0..DAY {
        let partitions = fleet.snapshot().unwrap().partitions.unwrap();
        let idle = shape.mean_cores * 0.03;
        unavoidable += usize::from(partitions.iter().any(|one| idle + one.load.get() * 0.000_5 > LIMIT));
        hot += usize::from(is_hot(&fleet.loads()));
        fleet.advance(INTERVAL);
    }
    Day { hot: hours(hot), unavoidable: hours(unavoidable), ..Day::default() }
}

fn planned(shape: &Shape, strategy: Strategy) -> Day {
    let policy = Policy::default().with_persistence(Persistence::default()).with_strategy(strategy);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let course: Course = runtime.block_on(course::run_remembering(shape, &policy, DAY)).unwrap();
    let summary = course.summary();
    let hot = course.cycles.iter().filter(|cycle| is_hot(&cycle.after)).count();
    let (removals, useless) = (summary.removals as f64, summary.useless as f64);
    Day { hot: hours(hot), unavoidable: 0.0, removals, useless }
}

/// Prints the mean of all seeds, and gives it.
fn show(name: &str, day: impl Fn(u64) -> Day) -> Day {
    let days: Vec<Day> = (1..=SEEDS).map(day).collect();
    let mean = |of: fn(&Day) -> f64| days.iter().map(of).sum::<f64>() / days.len() as f64;
    let mean = Day {
        hot: mean(|day| day.hot),
        unavoidable: mean(|day| day.unavoidable),
        removals: mean(|day| day.removals),
        useless: mean(|day| day.useless),
    };
    println!(
        "  {name:24} {:4.1} h, {:.1} removals, {:.1} of them useless",
        mean.hot, mean.removals, mean.useless
    );
    mean
}

#[test]
#[ignore = "takes minutes without optimization"]
fn hours_with_a_hot_pod_in_a_day_of_drifting_loads() {
    for partitions in [160, 320] {
        println!("20 pods, {partitions} partitions");
        let of = |kafka| move |seed| shape(partitions, seed, kafka);
        let idle = show("nothing", |seed| nothing(&of(false)(seed)));
        println!("  {:.1} h of these can't be helped by any assignment", idle.unavoidable);
        let by = |name, strategy, kafka| show(name, |seed| planned(&of(kafka)(seed), strategy));
        let seeds = by("rotate-outliers", Strategy::RotateOutliers, false);
        let alone = by("predict, nothing told", Strategy::Predict, false);
        let told = by("predict, Kafka told", Strategy::Predict, true);
        assert!(told.hot < alone.hot && told.hot < seeds.hot, "ids are worth hours");
        assert!(told.removals < seeds.removals / 2.0, "{} removals", told.removals);
        if partitions == 320 {
            assert!(told.hot <= idle.hot / 3.0, "{} of {} hours", told.hot, idle.hot);
        }
    }
}
