//! What a person writes, and what they are told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::Approval;
use rebalancer_core::policy::Persistence;
use rebalancer_core::port::Mode;
use rebalancer_kube::RemovalMethod;

use super::*;
use crate::config::layers::{Raw, gather};
use crate::config::problem::Problem;
use crate::config::variable;
use wrong::wrong;

mod addressed;
mod examples;
mod export;
mod group_lock;
mod indicators;
mod kafka;
mod several;
mod wrong;

const REQUIRED: [(&str, &str); 3] = [
    ("PROMETHEUS_ENDPOINT", "http://metrics:9090/prometheus"),
    ("KUBE_NAMESPACE", "streams"),
    ("DEPLOYMENT_NAME", "consumer"),
];

fn raw(environment: &[(&str, &str)]) -> Raw {
    let values: BTreeMap<&str, &str> = REQUIRED.into_iter().chain(environment.iter().copied()).collect();
    let (raw, problems) = gather(BTreeMap::new(), |name| values.get(name).map(OsString::from));
    assert_eq!(problems, []);
    raw
}

fn good(environment: &[(&str, &str)]) -> RunSettings {
    resolved(environment).run
}

fn resolved(environment: &[(&str, &str)]) -> WorkloadSettings {
    resolve::settings(&raw(environment), Purpose::Cycle)
        .unwrap_or_else(|problems| panic!("{environment:?}: {problems:?}"))
}

fn messages(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn bad(environment: &[(&str, &str)]) -> Vec<String> {
    let raw = raw(environment);
    let mut problems = workloads(&raw).err().unwrap_or_default();
    problems.extend(serve(&raw).err().unwrap_or_default());
    problems.extend(logs(&raw).err().unwrap_or_default());
    // What is wrong for both is told once.
    let mut told = Vec::new();
    problems.retain(|problem| {
        !told.contains(problem) && {
            told.push(problem.clone());
            true
        }
    });
    messages(problems)
}

/// Any text is a file or a context; whether it is there is known when it is read.
const WITHOUT_A_WRONG_VALUE: [&str; 4] =
    ["KUBECONFIG", "KUBE_CONTEXT", "GROUP_LOCK_KUBECONFIG", "GROUP_LOCK_CONTEXT"];

#[test]
fn a_wrong_value_of_each_variable_is_named_with_what_is_accepted() {
    for (variable, value, message) in wrong() {
        assert_eq!(bad(&[(variable, value)]), [*message], "{variable}");
    }
}

#[test]
fn no_variable_is_left_out_of_the_wrong_values() {
    for variable in variable::all() {
        let listed = wrong().any(|(name, _, _)| *name == variable.name);
        assert!(listed || WITHOUT_A_WRONG_VALUE.contains(&variable.name), "{}", variable.name);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let everything: Vec<(&str, &str)> = wrong().map(|(name, value, _)| (*name, *value)).collect();
    let messages = bad(&everything);
    for variable in variable::all().filter(|variable| !WITHOUT_A_WRONG_VALUE.contains(&variable.name)) {
        // Files for authentication are only looked at once it is clear which way is meant.
        let unclear = variable.name.ends_with("_USERNAME") || variable.name.ends_with("_PASSWORD_FILE");
        let named = messages.iter().any(|message| message.contains(variable.name));
        assert!(named || unclear, "{} is not in {messages:#?}", variable.name);
    }
}

#[test]
fn somebody_can_only_be_asked_where_there_is_a_record() {
    let messages = bad(&[("APPROVAL", "required"), ("RECORD_STORE", "none")]);
    let expected =
        "APPROVAL=\"required\": expected none with RECORD_STORE=none: a proposal is kept in the record";
    assert_eq!(messages, [expected]);
    assert_eq!(good(&[]).approval, Approval::NotRequired);
    let Approval::Required(limits) = good(&[("APPROVAL", "required")]).approval else { panic!("required") };
    assert_eq!((limits.valid_for(), limits.tolerance().get()), (SignedDuration::from_hours(1), 5.0));
}

#[test]
fn what_a_process_that_stays_is_told_must_fit_together() {
    let bad = |environment: &[(&str, &str)]| messages(serve(&raw(environment)).unwrap_err());
    assert_eq!(
        bad(&[("SHORTEST_INTERVAL", "2m")]),
        ["SHORTEST_INTERVAL=\"120s\": expected at most INTERVAL"]
    );
    let short = [("LEADER_LEASE_DURATION", "12s")];
    let message = "LEADER_LEASE_DURATION=\"12s\": expected at least 15s, since a removal may take as long as KUBE_TIMEOUT";
    assert_eq!(bad(&short), [message]);
    assert!(serve(&raw(&[short[0], ("LEADER_ELECTION", "false")])).unwrap().election.is_none());
    let lease = |environment: &[(&str, &str)]| serve(&raw(environment)).unwrap().election.unwrap();
    assert_eq!(lease(&[]).namespace(None), "streams");
    assert_eq!(lease(&[("LEADER_LEASE_NAMESPACE", "tools")]).namespace(None), "tools");
}

#[test]
fn what_is_required_is_asked_for_with_its_meaning() {
    let (raw, _) = gather(BTreeMap::new(), |_| None);
    let messages = messages(workloads(&raw).unwrap_err());
    assert_eq!(messages.len(), 3, "{messages:?}");
    for (name, _) in REQUIRED {
        assert!(
            messages.iter().any(|message| message.starts_with(&format!("{name} is not set"))),
            "{messages:?}"
        );
    }
}

#[test]
fn empty_is_not_set() {
    let empty: Vec<(&str, &str)> = variable::all()
        .filter(|variable| REQUIRED.iter().all(|(name, _)| *name != variable.name))
        .map(|variable| (variable.name, " "))
        .collect();
    let (empty, unset) = (good(&empty), good(&[]));
    assert_eq!(empty.policy, unset.policy);
    assert_eq!((empty.timeout, empty.mode), (unset.timeout, unset.mode));
    assert_eq!(unset.policy, {
        // The program asks for more than one reading, which a snapshot in memory does not have.
        let mut policy = rebalancer_core::policy::Policy::default().with_persistence(Persistence::default());
        policy.balance.variance_thresholds =
            Indicator::ALL.map(|i| (i, rebalancer_core::policy::default_threshold(i))).into();
        policy
    });
}

#[test]
fn values_are_read_as_a_person_means_them() {
    for (given, expected) in [
        ("true", Mode::DryRun),
        ("True", Mode::DryRun),
        ("1", Mode::DryRun),
        (" false ", Mode::Real),
        ("no", Mode::Real),
    ] {
        assert_eq!(good(&[("DRY_RUN", given)]).mode, expected, "{given}");
    }
    for given in ["0.30", "\"0.30\"", " 0.3 ", ".3", "3e-1"] {
        let policy = good(&[("CPU_VARIANCE_THRESHOLD", given)]).policy;
        assert!((policy.variance_threshold(Indicator::Cpu).get() - 0.3).abs() < 1e-12, "{given}");
    }
    for (given, seconds) in [(" 5m", 300), ("1m30s", 90), ("'90s'", 90), ("0s", 0)] {
        assert_eq!(
            good(&[("MINIMUM_POD_AGE", given)]).policy.eligibility.minimum_age,
            SignedDuration::from_secs(seconds)
        );
    }
    assert_eq!(good(&[("REMOVAL_METHOD", "Delete")]).method, RemovalMethod::Delete);
    assert_eq!(resolved(&[("KUBE_NAMESPACE", "0123")]).adapters.inventory.namespace, "0123");
}

#[test]
fn the_container_is_the_workload_unless_it_is_said_otherwise() {
    assert_eq!(resolved(&[]).adapters.inventory.container, "consumer");
    assert_eq!(resolved(&[("CONTAINER_NAME", "app")]).adapters.inventory.container, "app");
    let dotted = bad(&[("DEPLOYMENT_NAME", "consumer.v2")]);
    assert_eq!(dotted.len(), 1, "a workload's name that is no container's name: {dotted:?}");
    assert!(dotted[0].contains("CONTAINER_NAME"), "{dotted:?}");
}

#[test]
fn the_minimum_of_pods_has_two_spellings_that_must_agree() {
    assert_eq!(good(&[]).policy.limits.minimum_pods, 3);
    assert_eq!(good(&[("MIN_PODS_REQUIRED", "5")]).policy.limits.minimum_pods, 5);
    assert_eq!(
        good(&[("MIN_PODS_REQUIRED", "5"), ("MINIMUM_PODS_REQUIRED", "5")]).policy.limits.minimum_pods,
        5
    );
    assert_eq!(
        bad(&[("MIN_PODS_REQUIRED", "4"), ("MINIMUM_PODS_REQUIRED", "5")]),
        [
            "MIN_PODS_REQUIRED=\"4\": expected the same value as MINIMUM_PODS_REQUIRED=5; they are one setting, so set only one of them"
        ]
    );
}

#[test]
fn limits_of_the_memory_that_contradict_each_other_are_refused() {
    assert_eq!(
        bad(&[("BREAKER_LONGEST_PAUSE", "1m")]),
        [
            "BREAKER_LONGEST_PAUSE=\"1m\": expected another value: the breaker can't be open for 1m at most when it opens for 1h at first"
        ]
    );
    assert_eq!(bad(&[("REMOVAL_BUDGET_WINDOW", "30d")]).len(), 1);
    let several = [
        ("MINIMUM_EFFECT_PERCENT", "abc"),
        ("REMOVAL_BUDGET_WINDOW", "0s"),
        ("BREAKER_FIRST_PAUSE", "2h"),
        ("BREAKER_LONGEST_PAUSE", "1h"),
        ("MINIMUM_POD_AGE", "30h"),
    ];
    let problems = bad(&several);
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.starts_with("MINIMUM_POD_AGE=")), "{problems:?}");
    assert_eq!(bad(&[("SETTLE_TIME", "0s"), ("MINIMUM_POD_AGE", "0s")]).len(), 1);
}

#[test]
fn memory_is_kept_in_a_lease_unless_it_is_said_otherwise() {
    let history_policy = good(&[]).memory.unwrap().policy;
    assert_eq!(history_policy, rebalancer_core::history::HistoryPolicy::default());
    assert_eq!(good(&[("RECORD_STORE", "none")]).memory, None);
    assert_eq!(good(&[("REMOVAL_BUDGET_PODS", "none")]).memory.unwrap().policy.budget(), None);
    let none_at_all = good(&[("REMOVAL_BUDGET_PODS", "0")]).memory.unwrap().policy.budget();
    assert_eq!(none_at_all.unwrap().pods(), 0);
    let settle = good(&[("MINIMUM_POD_AGE", "1h")]).memory.unwrap().policy.settle();
    assert_eq!(settle, SignedDuration::from_hours(1), "pods must be old enough to be measured");
}

#[test]
fn more_than_half_of_the_readings_must_show_an_imbalance_unless_it_is_said_otherwise() {
    let counts = |environment: &[(&str, &str)]| {
        let persistence = good(environment).policy.balance.persistence;
        (persistence.required(), persistence.windows(), persistence.step())
    };
    let (five, ten) = (SignedDuration::from_mins(5), SignedDuration::from_mins(10));
    assert_eq!(counts(&[]), (2, 3, five));
    assert_eq!(counts(&[("PERSISTENCE_WINDOWS", "1")]), (1, 1, five));
    assert_eq!(counts(&[("PERSISTENCE_WINDOWS", "4"), ("METRICS_TIME_WINDOW", "10m")]), (3, 4, ten));
    assert_eq!(counts(&[("PERSISTENCE_REQUIRED", "3")]), (3, 3, five));
    assert_eq!(
        bad(&[("PERSISTENCE_REQUIRED", "4")]),
        ["PERSISTENCE_REQUIRED=\"4\": expected at most PERSISTENCE_WINDOWS=3"]
    );
}

#[test]
fn quiet_hours_are_by_the_clock_of_their_zone() {
    let quiet = |environment: &[(&str, &str)], at: &str| {
        let hours = good(environment).policy.guards.quiet_hours.unwrap();
        hours.at(at.parse().unwrap()).is_some()
    };
    let hours = ("QUIET_HOURS", "'Mon-Fri 08:00-18:00; Sat 10:00-12:00'");
    // A Monday, two hours before eight in UTC, and eight o'clock in Berlin.
    assert!(quiet(&[hours, ("TIME_ZONE", "Europe/Berlin")], "2026-06-01T06:00:00Z"));
    assert!(!quiet(&[hours], "2026-06-01T06:00:00Z"));
    assert_eq!(good(&[("TIME_ZONE", "Asia/Tokyo")]).policy.guards.quiet_hours, None);
}

#[test]
fn disruption_budgets_are_looked_at_unless_pods_are_plainly_deleted() {
    assert!(good(&[]).policy.limits.respect_budgets);
    assert!(!good(&[("REMOVAL_METHOD", "delete")]).policy.limits.respect_budgets);
}

#[test]
fn a_pod_must_be_as_old_as_the_window_unless_it_is_said_otherwise() {
    assert_eq!(
        good(&[("METRICS_TIME_WINDOW", "10m")]).policy.eligibility.minimum_age,
        SignedDuration::from_mins(10)
    );
    assert_eq!(
        good(&[("MINIMUM_POD_AGE", "1m")]).policy.eligibility.minimum_age,
        SignedDuration::from_mins(1)
    );
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_default() {
    let environment = |name: &str| match name {
        "CYCLE_TIMEOUT" => Some(OsString::from("20s")),
        _ => REQUIRED.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)),
    };
    let timeout = |flags: BTreeMap<String, OsString>| {
        resolve::settings(&gather(flags, environment).0, Purpose::Cycle).unwrap().run.timeout
    };
    assert_eq!(timeout(BTreeMap::new()), Duration::from_secs(20));
    assert_eq!(timeout([("CYCLE_TIMEOUT".to_owned(), "25s".into())].into()), Duration::from_secs(25));
    assert_eq!(good(&[]).timeout, Duration::from_secs(28));
}

#[test]
fn what_is_no_utf_8_is_a_problem_and_no_panic() {
    let (_, problems) =
        gather(BTreeMap::new(), |name| (name == "HPA_PREFIX").then(|| OsString::from_vec(vec![b'k', 0xff])));
    assert_eq!(messages(problems), ["HPA_PREFIX=\"k\u{fffd}\": expected text in UTF-8"]);
}

#[test]
fn what_is_no_file_or_has_no_end_is_refused_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, large) = (folder.path().join("pipe"), folder.path().join("large"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::write(&large, vec![b'x'; (1 << 20) + 1]).unwrap();
    for (path, expected) in [
        (pipe.as_path(), "it is no regular file"),
        (std::path::Path::new("/dev/zero"), "it is no regular file"),
        (folder.path(), "it is no regular file"),
        (large.as_path(), "it is larger than 1 MiB"),
    ] {
        for variable in ["PROMETHEUS_BEARER_TOKEN_FILE", "PROMETHEUS_CA_FILE", "WORKLOADS_FILE"] {
            let messages = bad(&[(variable, path.to_str().unwrap())]);
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].ends_with(&format!("expected a file that can be read: {expected}")));
        }
    }
}

#[test]
fn secrets_are_never_shown() {
    for (variable, value) in [
        ("PROMETHEUS_ENDPOINT", "http://me:s3cret@metrics:9090"),
        ("PROMETHEUS_ENDPOINT", "ftp://me:s3cret@metrics:9090"),
        ("PROMETHEUS_ENDPOINT", "ftp://metrics:9090/?key=s3cret"),
        ("PROMETHEUS_HEADERS", "Authorization: s3cret"),
        ("PROMETHEUS_HEADERS", "Bad Name=s3cret"),
        ("PROMETHEUS_HEADERS", "X-Token=s3cret\u{1}"),
        ("PROMETHEUS_HEADERS", "Authorization: Bearer s3cret=="),
        ("PROMETHEUS_HEADERS", "X-Token=a,s3cret=\u{1}b\u{1}b"),
    ] {
        let messages = bad(&[(variable, value)]);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains(variable) && !messages[0].contains("s3cret"), "{messages:?}");
    }
}
