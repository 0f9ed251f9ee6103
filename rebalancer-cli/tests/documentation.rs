//! Documentation that names what the program has, and nothing that it has not.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::process::Command;

use rebalancer_core::guard::NotNow;
use rebalancer_core::report::{Hold, Veto};

const README: &str = include_str!("../../README.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const SAFETY: &str = include_str!("../../docs/safety.md");

/// Environment variables that `--help` names.
fn variables() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_rebalancer")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    help.split("[env: ").skip(1).map(|rest| rest.split(']').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_readme_has_a_row_for_every_variable() {
    let variables = variables();
    assert!(variables.len() > 30, "{variables:?}");
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| ")).collect();
    for variable in variables {
        let named = |row: &&&str| {
            row.split('|').nth(1).is_some_and(|cell| cell.split(',').any(|name| name.trim() == variable))
        };
        assert!(rows.iter().any(|row| named(&row)), "{variable} has no row in README.md");
    }
}

#[test]
fn the_operations_guide_has_a_row_for_every_reason() {
    for reason in Hold::NAMES.iter().chain(&NotNow::NAMES).chain(&Veto::NAMES) {
        assert!(OPERATIONS.contains(&format!("| `{reason}` |")), "{reason} has no row in docs/operations.md");
    }
}

#[test]
fn every_veto_and_every_guard_stands_in_the_safety_guide() {
    for reason in NotNow::NAMES.iter().chain(&Veto::NAMES) {
        let rows = SAFETY.lines().filter(|line| line.starts_with("| "));
        let named =
            rows.filter_map(|row| row.split('|').nth(1)).any(|cell| cell.contains(&format!("`{reason}`")));
        assert!(named, "{reason} has no row in docs/safety.md");
    }
    for hold in
        Hold::NAMES.iter().filter(|hold| !["no_pods", "no_eligible_pods", "no_hot_pod"].contains(hold))
    {
        assert!(SAFETY.contains(&format!("`{hold}`")), "{hold} is not in docs/safety.md");
    }
}
