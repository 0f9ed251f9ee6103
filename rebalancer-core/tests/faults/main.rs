//! Whole fleets over time, with faults at every port: the production cycle must keep its promises whatever happens.
#![cfg(feature = "simulation")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is how a test fails")]

mod episode;
mod event;
mod fault;
mod invariant;
mod plant;
mod poll;
mod ports;
mod schedule;
mod setup;
mod sim;
mod tally;
mod world;

use plant::Bug;
use tally::Tally;

fn run(seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let result = episode::run(seed, None, false);
        if let Some(violation) = result.violation {
            let trace = episode::run(seed, None, true).trace;
            let tail: Vec<&str> = trace.lines().collect();
            let tail = tail[tail.len().saturating_sub(80)..].join("\n");
            panic!("seed {seed}: {} broken: {}\n{tail}", violation.invariant, violation.message);
        }
        tally.join(result.tally);
    }
    tally
}

#[test]
fn a_few() {
    println!("{}", run(0..100));
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Bug::ALL {
        let found =
            (0..300).find_map(|seed| episode::run(seed, Some(bug), false).violation.map(|it| (seed, it)));
        println!("{bug:?}: {found:?}, expected {}", bug.breaks());
    }
}

#[test]
#[ignore]
fn many() {
    println!("{}", run(0..10000));
}
