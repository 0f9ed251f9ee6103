//! Whole fleets over time, with faults at every port: the production cycle must keep its promises whatever happens.
//!
//! An episode is made from one seed: a fleet whose pods fail, are drained, opted out, rolled out and scaled; a store with
//! the rules of the Lease; and a mix of time-outs, refusals, lost answers where the server did act, stale and partial
//! metrics, clocks that are set, signals, crashes between any two steps, two rebalancers at once, and fleets of two
//! clusters in one consumer group, each with a store of its own. What runs is
//! [`rebalancer_core::cycle::run`], as in production. Then nothing goes wrong any more for six hours, and it must fall
//! quiet.
//!
//! ```text
//!   seed ─> Setup ─> Sim ── schedule: whose turn is it, who dies, stands still, has its clock set
//!                     │         │ polls
//!                     │     cycle::run ──> ports: each call yields before it acts and before it is answered
//!                     │                      │
//!                     └── world, store <─────┘ faults
//!                            │ Events: what really happened
//!                            └──> invariants, one in each file
//! ```
//!
//! # How to replay
//!
//! A failure prints its seed, the cycle, the invariant, the last steps, and the command that shows all steps:
//!
//! ```text
//! FAULTS_SEED=127 cargo test -p rebalancer-core --features simulation --test faults replay -- --ignored --nocapture
//! ```
//!
//! # How to run more
//!
//! ```text
//! FAULTS_FIRST=1500 FAULTS_SEEDS=1000000 cargo test --release -p rebalancer-core --features simulation --test faults \
//!   many -- --ignored --nocapture
//! ```
//!
//! That is 84 million cycles; they take about four hours. Seeds up to 1500 are those of CI.
//!
//! # How it is known to find anything
//!
//! Each [planted bug](plant::Bug) must be found by its own invariant, within a few hundred seeds; and a long run fails
//! when it did not see enough of everything ([`coverage`]).
#![cfg(feature = "simulation")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a panic is how a test fails, and a test looks at the variants that it is about"
)]

mod coverage;
mod episode;
mod event;
mod fault;
mod group;
mod invariant;
mod person;
mod plant;
mod poll;
mod ports;
mod schedule;
mod setup;
mod sim;
mod tally;
mod world;

use std::ops::Range;

use plant::Bug;
use sim::Violation;
use tally::Tally;

/// Episodes of an ordinary test run.
const FEW: Range<u64> = 0..40;

/// Episodes in CI: some 85 cycles each.
const MANY: u64 = 1_500;

/// Seeds that a planted bug may take to be found.
const ENOUGH: Range<u64> = 0..400;

/// Steps of a failed episode that are shown.
const SHOWN: usize = 60;

/// Tells how to replay an episode, if it fails in whatever way.
struct Replayable(u64);

impl Drop for Replayable {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "\nall steps: FAULTS_SEED={} cargo test -p rebalancer-core --features simulation --test faults replay \
                 -- --ignored --nocapture\n",
                self.0
            );
        }
    }
}

fn keep_their_promises(seeds: Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let _replayable = Replayable(seed);
        let result = episode::run(seed, None, false);
        if let Some(violation) = result.violation {
            fail(seed, &violation);
        }
        tally.join(result.tally);
    }
    tally
}

fn fail(seed: u64, violation: &Violation) -> ! {
    let trace = episode::run(seed, None, true).trace;
    let steps: Vec<&str> = trace.lines().collect();
    let last = steps[steps.len().saturating_sub(SHOWN)..].join("\n");
    let Violation { cycle, invariant, message } = violation;
    panic!("{last}\n\nseed {seed}, {cycle}: broken is \"{invariant}\": {message}");
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "a test is told how much to do")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn promises_are_kept_whatever_goes_wrong() {
    let tally = keep_their_promises(FEW);
    assert!(tally.get("removals") > 200, "it did nothing:\n{tally}");
}

#[test]
#[ignore = "minutes without optimization: cargo test --release -p rebalancer-core --features simulation --test faults many -- --ignored"]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long it took is part of the result"
)]
fn many_episodes_with_everything_that_can_go_wrong() {
    let (first, seeds) = (number("FAULTS_FIRST").unwrap_or(0), number("FAULTS_SEEDS").unwrap_or(MANY));
    let began = std::time::Instant::now();
    let tally = keep_their_promises(first..first + seeds);
    println!("{tally}\n{seeds} episodes, {} cycles in {:.0?}", tally.get("cycles"), began.elapsed());
    assert!(seeds < MANY || tally.get("cycles") >= 100_000, "{} cycles", tally.get("cycles"));
    let missing = coverage::missing(&tally);
    assert!(seeds < MANY || missing.is_empty(), "seen too seldom to prove anything: {missing:#?}");
}

#[test]
#[ignore = "shows one episode: FAULTS_SEED=1 cargo test ... replay -- --ignored --nocapture"]
fn replay() {
    let seed = number("FAULTS_SEED").expect("FAULTS_SEED is set");
    let result = episode::run(seed, None, true);
    println!("{}", result.trace);
    assert!(result.violation.is_none(), "seed {seed}: {:?}", result.violation);
}

#[test]
fn the_same_seed_makes_the_same_episode() {
    for seed in 0..3 {
        let trace = |seed| episode::run(seed, None, true).trace;
        assert_eq!(trace(seed), trace(seed));
        assert_ne!(trace(seed), trace(seed + 1));
    }
}

#[test]
fn every_planted_bug_is_found_by_its_own_invariant() {
    for bug in Bug::ALL {
        let violation = |seed| Some((seed, episode::run(seed, Some(bug), false).violation?));
        let (seed, violation) =
            ENOUGH.into_iter().find_map(violation).unwrap_or_else(|| panic!("{bug:?} is not found"));
        println!("{bug:?}: seed {seed}, {:?}", violation.invariant);
        assert_eq!(violation.invariant, bug.breaks(), "{bug:?}, seed {seed}: {}", violation.message);
    }
}
