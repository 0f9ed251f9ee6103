//! Settings from the environment and the command line.
//!
//! There are settings, or problems; every problem names a variable or an entry of a file, and none shows a secret, also
//! where the secret is misplaced. No file makes reading hang or takes the memory. A policy that was read plans no
//! rotation that the audit refuses.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::{HistoryPolicy, Record};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::Readings;
use rebalancer_fuzz::folder::SECRET;
use rebalancer_fuzz::settings::Given;
use rebalancer_fuzz::{fleet, judge};

use config::WorkloadSettings;
use config::layers::gather;
use config::problem::Problem;
use config::variable;

// A program has no library, so its modules are taken as they are.
#[allow(dead_code, unused_imports, reason = "each command uses its own part")]
#[path = "../../src/config/mod.rs"]
mod config;
#[path = "../../src/target.rs"]
mod target;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    rebalancer_fuzz::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let names: Vec<&str> = variable::all().map(|variable| variable.name).collect();
    let given = Given::read(data, &names);
    let (raw, unreadable) = gather(given.flags, |name| given.environment.get(name).cloned());
    check(&unreadable);
    match config::workloads(&raw) {
        Ok(workloads) => workloads.iter().for_each(check_settings),
        Err(problems) => some(&problems),
    }
    match config::policy(&raw) {
        Ok(policy) => check_plans(&policy),
        Err(problems) => some(&problems),
    }
    if let Err(problems) = config::logs(&raw) {
        some(&problems);
    }
});

fn check_settings(settings: &WorkloadSettings) {
    shows_no_secret(&format!("{settings:?}"));
    if let Some(MemorySettings { policy, lock_for, one_removal }) = settings.run.memory {
        assert!(lock_for.unsigned_abs() > settings.run.timeout + one_removal.unsigned_abs());
        assert_eq!(Record::default().pause(fleet::NOW, &policy).is_some(), spent(&policy));
    }
}

/// A budget that has no room for one hot and one cold pod holds from the beginning.
fn spent(policy: &HistoryPolicy) -> bool {
    policy.budget().is_some_and(|budget| budget.pods() < 2)
}

fn some(problems: &[Problem]) {
    assert!(!problems.is_empty(), "no settings, and no reason");
    check(problems);
}

fn check(problems: &[Problem]) {
    for problem in problems {
        let words = problem.to_string();
        let named = variable::all().any(|variable| words.contains(variable.name));
        assert!(named || problem.entry.is_some(), "{words}");
        assert!(!words.chars().any(char::is_control), "{words:?}");
        shows_no_secret(&words);
        shows_no_secret(&format!("{problem:?}"));
    }
}

fn shows_no_secret(words: &str) {
    assert!(!words.contains(SECRET), "a secret is shown: {words}");
}

/// What comes of no settings at all. To plan with it each time would take most of the time.
static USUAL: LazyLock<Option<Policy>> =
    LazyLock::new(|| config::policy(&gather(BTreeMap::new(), |_| None).0).ok());

fn check_plans(policy: &Policy) {
    if USUAL.as_ref() == Some(policy) {
        return;
    }
    let pods = fleet::pods();
    let samples = fleet::uneven(pods.iter().map(|pod| pod.name.as_str()));
    let partitions = Some(Ok(fleet::partitions(&samples)));
    let readings = Readings { partitions, ..fleet::readings(Indicator::Cpu, Ok(samples)) };
    let snapshot = fleet::snapshot(pods, Ok(Vec::new()), readings).expect("loads are there");
    let _ = judge::plan(&snapshot, policy);
}
