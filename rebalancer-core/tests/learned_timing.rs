//! What learning when replacements join is worth, on groups whose ids Kafka tells: the table in docs/decision.md.
//!
//! cargo test --release -p rebalancer-core --features simulation --test learned_timing -- --ignored --nocapture
#![cfg(feature = "simulation")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use rebalancer_core::assignor::Assignor;
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::policy::{Persistence, Policy, Timing};
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::{self, Course};
use rebalancer_core::simulation::tally::Tally;

const SEEDS: u64 = 10;

const CYCLES: usize = 60;

fn policy(timing: Option<Timing>) -> Policy {
    let assignor = Some(Shape::default().assignor);
    Policy::default().with_persistence(Persistence::default()).with_assignor(assignor).with_timing(timing)
}

fn tally(truth: Timing, timing: Option<Timing>) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let course = |seed| -> Course {
        let shape = Shape { timing: truth, kafka: true, seed, ..Shape::default() };
        let policy = policy(timing);
        runtime.block_on(course::run_remembering(&shape, &policy, CYCLES)).unwrap()
    };
    Tally((1..=SEEDS).map(|seed| course(seed).summary()).collect())
}

fn shown(of: &str, tally: Tally) -> Tally {
    println!(
        "{of} CV {:.3} -> {:.3}, {} of {} removals useless",
        tally.before().cv,
        tally.after().cv,
        tally.useless(),
        tally.removals()
    );
    tally
}

#[test]
#[ignore = "takes minutes without optimization"]
fn a_timing_that_was_learned_is_as_good_as_one_that_was_told() {
    for truth in Timing::ALL {
        let show =
            |name: &str, timing| shown(&format!("{:16} {name:30}", truth.name()), tally(truth, timing));
        let told = show("told", Some(truth));
        let learned = show("learned", None);
        for wrong in Timing::ALL.into_iter().filter(|timing| *timing != truth) {
            show(&format!("told {}", wrong.name()), Some(wrong));
        }
        assert!(learned.after().cv <= told.after().cv * 1.1, "{}", truth.name());
        // Nobody knows it before the first rotation, of four pods at most.
        assert!(learned.useless() <= 4 * usize::try_from(SEEDS).unwrap(), "{}", truth.name());
    }
}

/// Of pods that start within three seconds, with so much time for replacements to join before the next pod goes. What is
/// first assumed is that all happens at once or that replacements join later; the truth may be another.
fn waiting(truth: Timing, assignor: Assignor, wait: SignedDuration) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start_up = SignedDuration::from_secs(3);
    let course = |seed| -> Course {
        let shape = Shape { timing: truth, assignor, kafka: true, start_up, seed, ..Shape::default() };
        let policy = Policy::default().with_persistence(Persistence::default()).with_replacement_wait(wait);
        runtime.block_on(course::run_remembering(&shape, &policy, CYCLES)).unwrap()
    };
    Tally((1..=SEEDS).map(|seed| course(seed).summary()).collect())
}

#[test]
#[ignore = "takes minutes without optimization"]
fn a_run_that_waits_between_removals_removes_fewer_pods_in_vain() {
    for assignor in [Assignor::CooperativeSticky, Assignor::Uniform] {
        let (mut with, mut without) = (0, 0);
        for truth in Timing::ALL {
            let show = |name: &str, wait| {
                let tally = waiting(truth, assignor, SignedDuration::from_secs(wait));
                shown(&format!("{assignor:18} {:16} {name:16}", truth.name()), tally)
            };
            without += show("does not wait", 0).useless();
            with += show("may wait", 30).useless();
        }
        assert!(with <= without, "{assignor}: {with} in vain, {without} without waiting");
    }
}
