//! Documentation that names what the program has, and nothing that it has not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::eligibility::{Annotation, Veto};
use rebalancer_core::fleet::{Indicator, Owner, Phase};
use rebalancer_core::guard::NotNow;
use rebalancer_core::history::{Pause, Trip};
use rebalancer_core::port::MetricsError;
use rebalancer_core::report::Hold;
use rebalancer_core::unit::Share;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const INSTALL: &str = include_str!("../../docs/install.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const SAFETY: &str = include_str!("../../docs/safety.md");

/// Environment variables that `--help` names.
fn variables() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_rebalancer")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    help.split("[env: ").skip(1).map(|rest| rest.split(']').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_configuration_guide_has_a_row_for_every_variable() {
    let variables = variables();
    assert!(variables.len() > 30, "{variables:?}");
    let rows: Vec<&str> = CONFIGURATION.lines().filter(|line| line.starts_with("| ")).collect();
    for variable in variables {
        let named = |row: &&&str| {
            row.split('|').nth(1).is_some_and(|cell| cell.split(',').any(|name| name.trim() == variable))
        };
        assert!(rows.iter().any(|row| named(&row)), "{variable} has no row in docs/configuration.md");
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

/// What a person reads, with numbers as an example.
fn messages() -> Vec<(&'static str, String)> {
    let at: Timestamp = "2026-01-01T10:00:00Z".parse().unwrap();
    let (hour, five_minutes) = (SignedDuration::from_hours(1), SignedDuration::from_mins(5));
    let until = at + hour;
    let of = || "Deployment consumer".to_owned();
    let owner = || Owner::of_apps("ReplicaSet", "other-7d4b9c", "u");
    let vetoes = [
        Veto::SystemNamespace,
        Veto::Critical { priority_class: "system-node-critical".to_owned() },
        Veto::Priority { priority: 5000, limit: 1000 },
        Veto::Mirror,
        Veto::Controller { kind: "DaemonSet".to_owned() },
        Veto::NoController,
        Veto::AnotherWorkload { owner: owner() },
        Veto::NoSuchContainer,
        Veto::NotReady,
        Veto::NotRunning { phase: Phase::Pending },
        Veto::Terminating,
        Veto::TooYoung { ready_for: Some(SignedDuration::from_mins(2)), minimum: five_minutes },
        Veto::OptedOut { annotation: Annotation::OptOut },
        Veto::NotOptedIn { annotation: Annotation::OptIn },
        Veto::SeveralBudgets { budgets: 2 },
    ];
    let guards = [
        NotNow::OptedOut { annotation: Annotation::OptOut },
        NotNow::QuietHours { window: "Mon-Fri 08:00-18:00".to_owned(), until },
        NotNow::SeveralOwners { owners: vec![of(), "Rollout consumer".to_owned()] },
        NotNow::OwnerGone { of: of() },
        NotNow::CountsDisagree { of: of(), says: 2, listed: 8, ending: 0 },
        NotNow::RolloutInProgress { of: of(), updated: 2, current: 6 },
        NotNow::ScalingInProgress { by: of(), current: 6, desired: 8 },
        NotNow::ScaleInPending { current: 6, minimum: 3 },
        NotNow::JustScaled { at, until: at + five_minutes },
        NotNow::Unsettled {
            young: 1,
            not_ready: 2,
            such_as: "consumer-1".to_owned(),
            pods: 12,
            minimum_age: five_minutes,
        },
    ];
    let cpu = Indicator::Cpu;
    let share = |share| Share::new(share).unwrap();
    let why = Trip::RotationsDidNotHelp { in_a_row: 2 };
    let holds = [
        Hold::NotPersistent { indicator: cpu, seen_in: 1, windows: 3, required: 2, younger: 0 },
        Hold::PastUnknown {
            indicator: cpu,
            error: Some(MetricsError::Unavailable { message: "no answer".to_owned() }),
        },
        Hold::BudgetsTooTight { budget: "consumer".to_owned(), allowed: 1, status_is_current: true },
        Hold::TooFewPods { serving: 4, minimum: 3 },
        Hold::ShareTooSmall { serving: 3, share: share(0.5) },
        Hold::MetricsIncomplete { indicator: cpu, sampled: 3, eligible: 6, required: share(0.8) },
        Hold::Paused(Pause::Settling { since: at, until }),
        Hold::Paused(Pause::BreakerOpen { until, why, times: 1 }),
        Hold::Paused(Pause::TrialPending { since: at, until }),
        Hold::Paused(Pause::BudgetSpent { removed: 12, budget: 12, window: hour, until }),
        Hold::Paused(Pause::GroupLocked {
            by: "streams/orders in us, cycle 7f3a".to_owned(),
            until: Some(until),
        }),
        Hold::Paused(Pause::GroupLockUnread { error: "no answer".to_owned() }),
    ];
    let vetoes = vetoes.iter().map(|veto| (veto.name(), veto.to_string()));
    let guards = guards.iter().map(|guard| (guard.name(), guard.to_string()));
    vetoes.chain(guards).chain(holds.iter().map(|hold| (hold.name(), hold.to_string()))).collect()
}

#[test]
fn the_safety_guide_has_the_message_of_every_guard() {
    let rows: Vec<String> =
        messages().into_iter().map(|(name, message)| format!("| `{name}` | {message} |")).collect();
    let missing: Vec<&String> = rows.iter().filter(|row| !SAFETY.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/safety.md:\n{}", rows.join("\n"));
}

/// Single rights as `verb resource.group`.
fn rights(rules: &serde_json::Value) -> BTreeSet<String> {
    let list = |rule: &serde_json::Value, key: &str| -> Vec<String> {
        rule[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        for group in list(rule, "apiGroups") {
            let suffix = if group.is_empty() { group } else { format!(".{group}") };
            for resource in list(rule, "resources") {
                rights.extend(list(rule, "verbs").iter().map(|verb| format!("{verb} {resource}{suffix}")));
            }
        }
    }
    rights
}

#[test]
fn the_install_guide_says_what_each_permission_is_for() {
    let role: serde_json::Value =
        serde_saphyr::from_str(include_str!("../../deploy/kustomize/base/role.yaml")).unwrap();
    let mut granted = rights(&role["rules"]);
    // The chart's, with REMOVAL_METHOD=delete.
    granted.insert("delete pods".to_owned());
    let section = INSTALL.split("## ").find(|section| section.starts_with("What each permission")).unwrap();
    let mut told = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, resource, verbs, what_for, without, _] = cells.as_slice() else { panic!("{row}") };
        assert!(!what_for.is_empty() && !without.is_empty(), "{row}");
        let resource = resource.trim_matches('`');
        told.extend(verbs.split(',').map(|verb| format!("{} {resource}", verb.trim().trim_matches('`'))));
    }
    assert_eq!(told, granted);
}
