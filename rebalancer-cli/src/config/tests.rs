//! What a person writes, and what they are told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::port::Mode;
use rebalancer_kube::Method;

use super::*;
use crate::config::layers::{Raw, gather};
use crate::config::problem::Problem;
use crate::config::variable::VARIABLES;

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

fn good(environment: &[(&str, &str)]) -> Task {
    resolved(environment).task
}

fn resolved(environment: &[(&str, &str)]) -> Settings {
    settings(&raw(environment)).unwrap_or_else(|problems| panic!("{environment:?}: {problems:?}"))
}

fn messages(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn bad(environment: &[(&str, &str)]) -> Vec<String> {
    let raw = raw(environment);
    let mut problems = settings(&raw).err().unwrap_or_default();
    problems.extend(logs(&raw).err().unwrap_or_default());
    messages(problems)
}

/// One wrong value for each variable, with the whole message.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "PROMETHEUS_ENDPOINT",
        "metrics:9090",
        "PROMETHEUS_ENDPOINT=\"metrics:9090\": expected a base URL with http or https, such as http://victoriametrics:8428",
    ),
    (
        "PROMETHEUS_TIMEOUT",
        "30",
        "PROMETHEUS_TIMEOUT=\"30\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "PROMETHEUS_BEARER_TOKEN_FILE",
        "/no/token",
        "PROMETHEUS_BEARER_TOKEN_FILE=\"/no/token\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "PROMETHEUS_USERNAME",
        "me",
        "PROMETHEUS_PASSWORD_FILE is not set: a value, since PROMETHEUS_USERNAME is set",
    ),
    (
        "PROMETHEUS_PASSWORD_FILE",
        "/no/password",
        "PROMETHEUS_USERNAME is not set: a value, since PROMETHEUS_PASSWORD_FILE is set",
    ),
    (
        "PROMETHEUS_CA_FILE",
        "/no/ca",
        "PROMETHEUS_CA_FILE=\"/no/ca\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "PROMETHEUS_HEADERS",
        "s3cret",
        "PROMETHEUS_HEADERS: expected NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    ),
    ("METRICS_TIME_WINDOW", "5s", "METRICS_TIME_WINDOW=\"5s\": expected a duration between 10s and 24h"),
    (
        "KUBE_NAMESPACE",
        "Streams",
        "KUBE_NAMESPACE=\"Streams\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    (
        "DEPLOYMENT_NAME",
        "-consumer",
        "DEPLOYMENT_NAME=\"-consumer\": expected a Kubernetes name: at most 253 lower case letters, digits, '-' and '.', not at an end",
    ),
    (
        "CONTAINER_NAME",
        "a.b",
        "CONTAINER_NAME=\"a.b\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    (
        "KUBE_LABEL_SELECTOR",
        "app in consumer",
        "KUBE_LABEL_SELECTOR=\"app in consumer\": expected a label selector, such as app=consumer,tier!=test or app in (a,b)",
    ),
    (
        "HPA_PREFIX",
        "Keda_",
        "HPA_PREFIX=\"Keda_\": expected the beginning of a Kubernetes name, such as keda-hpa-",
    ),
    (
        "KUBE_TIMEOUT",
        "-1s",
        "KUBE_TIMEOUT=\"-1s\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("REBALANCE_TOP_K_PODS", "0", "REBALANCE_TOP_K_PODS=\"0\": expected a whole number of 1 or more"),
    ("TOLERANCE_MULTIPLIER", "0.5", "TOLERANCE_MULTIPLIER=\"0.5\": expected a multiplier of 1 or more"),
    (
        "MINIMUM_IMPROVEMENT_PERCENT",
        "101",
        "MINIMUM_IMPROVEMENT_PERCENT=\"101\": expected a percentage between 0 and 100",
    ),
    ("CPU_VARIANCE_THRESHOLD", "NaN", "CPU_VARIANCE_THRESHOLD=\"NaN\": expected a ratio of 0 or more"),
    ("MEMORY_VARIANCE_THRESHOLD", "inf", "MEMORY_VARIANCE_THRESHOLD=\"inf\": expected a ratio of 0 or more"),
    ("LAG_VARIANCE_THRESHOLD", "50%", "LAG_VARIANCE_THRESHOLD=\"50%\": expected a number, such as 1.5"),
    (
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD",
        "-1",
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD=\"-1\": expected a ratio of 0 or more",
    ),
    (
        "PRODUCTION_RATE_VARIANCE_THRESHOLD",
        "0,5",
        "PRODUCTION_RATE_VARIANCE_THRESHOLD=\"0,5\": expected a number, such as 1.5",
    ),
    ("REBALANCE_STRATEGY", "best", "REBALANCE_STRATEGY=\"best\": expected one of predict, rotate-outliers"),
    (
        "KAFKA_ASSIGNOR",
        "stickiest",
        "KAFKA_ASSIGNOR=\"stickiest\": expected one of auto, range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, server-range",
    ),
    ("KAFKA_STATIC_MEMBERSHIP", "2", "KAFKA_STATIC_MEMBERSHIP=\"2\": expected true or false"),
    (
        "KAFKA_REPLACEMENT_TIMING",
        "later",
        "KAFKA_REPLACEMENT_TIMING=\"later\": expected one of leave-then-join, all-at-once",
    ),
    ("DRY_RUN", "maybe", "DRY_RUN=\"maybe\": expected true or false"),
    ("MINIMUM_PODS_REQUIRED", "-3", "MINIMUM_PODS_REQUIRED=\"-3\": expected a whole number of 0 or more"),
    ("MIN_PODS_REQUIRED", "three", "MIN_PODS_REQUIRED=\"three\": expected a whole number of 0 or more"),
    (
        "MINIMUM_POD_AGE",
        "90",
        "MINIMUM_POD_AGE=\"90\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("MINIMUM_SAMPLE_COVERAGE", "80", "MINIMUM_SAMPLE_COVERAGE=\"80\": expected a share between 0 and 1"),
    ("REMOVAL_METHOD", "kill", "REMOVAL_METHOD=\"kill\": expected one of evict, delete"),
    ("RECORD_STORE", "file", "RECORD_STORE=\"file\": expected one of lease, none"),
    (
        "SETTLE_TIME",
        "soon",
        "SETTLE_TIME=\"soon\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("MINIMUM_EFFECT_PERCENT", "x", "MINIMUM_EFFECT_PERCENT=\"x\": expected a number, such as 1.5"),
    ("REMOVAL_BUDGET_PODS", "-1", "REMOVAL_BUDGET_PODS=\"-1\": expected a whole number of 0 or more"),
    (
        "REMOVAL_BUDGET_WINDOW",
        "8d",
        "REMOVAL_BUDGET_WINDOW=\"8d\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "BREAKER_UNHELPFUL_ROTATIONS",
        "0",
        "BREAKER_UNHELPFUL_ROTATIONS=\"0\": expected a whole number of 1 or more",
    ),
    ("BREAKER_FAILED_CYCLES", "0", "BREAKER_FAILED_CYCLES=\"0\": expected a whole number of 1 or more"),
    (
        "BREAKER_FIRST_PAUSE",
        "1",
        "BREAKER_FIRST_PAUSE=\"1\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "BREAKER_LONGEST_PAUSE",
        "never",
        "BREAKER_LONGEST_PAUSE=\"never\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("CYCLE_TIMEOUT", "1h", "CYCLE_TIMEOUT=\"1h\": expected a duration between 1s and 10m"),
    (
        "CPU_QUERY",
        "rate(cpu{pod=\"{{pod}}\"}[5m])",
        "CPU_QUERY=\"rate(cpu{pod=\\\"{{pod}}\\\"}[5m])\": expected PromQL with placeholders; {{pod}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "MEMORY_QUERY",
        "{{",
        "MEMORY_QUERY=\"{{\": expected PromQL with placeholders; '{{' without '}}' near ''",
    ),
    (
        "KAFKA_LAG_QUERY",
        "lag{namespace={{namespace}}}",
        "KAFKA_LAG_QUERY=\"lag{namespace={{namespace}}}\": expected PromQL with placeholders; {{namespace}} must stand between double quotes, as in \"{{namespace}}\"",
    ),
    (
        "CONSUMPTION_RATE_QUERY",
        "{{nope}}",
        "CONSUMPTION_RATE_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "PRODUCTION_RATE_QUERY",
        "{{nope}}",
        "PRODUCTION_RATE_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "PARTITION_LOAD_QUERY",
        "{{nope}}",
        "PARTITION_LOAD_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "KAFKA_METRICS_PRESET",
        "burrow",
        "KAFKA_METRICS_PRESET=\"burrow\": expected one of jmx-exporter, librdkafka",
    ),
    ("LOG_LEVEL", "loud", "LOG_LEVEL=\"loud\": expected one of debug, info, warn, error"),
    ("LOG_FORMAT", "xml", "LOG_FORMAT=\"xml\": expected one of json, text"),
];

/// Any text is a context; whether the kubeconfig has it is known when it is read.
const WITHOUT_A_WRONG_VALUE: [&str; 1] = ["KUBE_CONTEXT"];

#[test]
fn a_wrong_value_of_each_variable_is_named_with_what_is_accepted() {
    for (variable, value, message) in WRONG {
        assert_eq!(bad(&[(variable, value)]), [*message], "{variable}");
    }
}

#[test]
fn no_variable_is_left_out_of_the_wrong_values() {
    for variable in VARIABLES {
        let listed = WRONG.iter().any(|(name, _, _)| *name == variable.name);
        assert!(listed || WITHOUT_A_WRONG_VALUE.contains(&variable.name), "{}", variable.name);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let everything: Vec<(&str, &str)> = WRONG.iter().map(|(name, value, _)| (*name, *value)).collect();
    let messages = bad(&everything);
    for variable in VARIABLES.iter().filter(|variable| !WITHOUT_A_WRONG_VALUE.contains(&variable.name)) {
        // Files for authentication are only looked at once it is clear which way is meant.
        let unclear = ["PROMETHEUS_USERNAME", "PROMETHEUS_PASSWORD_FILE"].contains(&variable.name);
        let named = messages.iter().any(|message| message.contains(variable.name));
        assert!(named || unclear, "{} is not in {messages:#?}", variable.name);
    }
}

#[test]
fn what_is_required_is_asked_for_with_its_meaning() {
    let (raw, _) = gather(BTreeMap::new(), |_| None);
    let messages = messages(settings(&raw).unwrap_err());
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
    let empty: Vec<(&str, &str)> = VARIABLES
        .iter()
        .filter(|variable| REQUIRED.iter().all(|(name, _)| *name != variable.name))
        .map(|variable| (variable.name, " "))
        .collect();
    let (empty, unset) = (good(&empty), good(&[]));
    assert_eq!(empty.policy, unset.policy);
    assert_eq!((empty.timeout, empty.mode), (unset.timeout, unset.mode));
    assert_eq!(unset.policy, {
        let mut policy = rebalancer_core::policy::Policy::default();
        policy.variance_thresholds =
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
            good(&[("MINIMUM_POD_AGE", given)]).policy.minimum_age,
            SignedDuration::from_secs(seconds)
        );
    }
    assert_eq!(good(&[("REMOVAL_METHOD", "Delete")]).method, Method::Delete);
    assert_eq!(resolved(&[("KUBE_NAMESPACE", "0123")]).sight.inventory.namespace, "0123");
}

#[test]
fn the_container_is_the_workload_unless_it_is_said_otherwise() {
    assert_eq!(resolved(&[]).sight.inventory.container, "consumer");
    assert_eq!(resolved(&[("CONTAINER_NAME", "app")]).sight.inventory.container, "app");
    let dotted = bad(&[("DEPLOYMENT_NAME", "consumer.v2")]);
    assert_eq!(dotted.len(), 1, "a workload's name that is no container's name: {dotted:?}");
    assert!(dotted[0].contains("CONTAINER_NAME"), "{dotted:?}");
}

#[test]
fn the_minimum_of_pods_has_two_spellings_that_must_agree() {
    assert_eq!(good(&[]).policy.minimum_pods, 3);
    assert_eq!(good(&[("MIN_PODS_REQUIRED", "5")]).policy.minimum_pods, 5);
    assert_eq!(good(&[("MIN_PODS_REQUIRED", "5"), ("MINIMUM_PODS_REQUIRED", "5")]).policy.minimum_pods, 5);
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
    let patience = good(&[]).patience.unwrap();
    assert_eq!(patience, rebalancer_core::history::Patience::default());
    assert_eq!(good(&[("RECORD_STORE", "none")]).patience, None);
    assert_eq!(good(&[("REMOVAL_BUDGET_PODS", "0")]).patience.unwrap().budget(), None);
    let settle = good(&[("MINIMUM_POD_AGE", "1h")]).patience.unwrap().settle();
    assert_eq!(settle, SignedDuration::from_hours(1), "pods must be old enough to be measured");
}

#[test]
fn a_pod_must_be_as_old_as_the_window_unless_it_is_said_otherwise() {
    assert_eq!(good(&[("METRICS_TIME_WINDOW", "10m")]).policy.minimum_age, SignedDuration::from_mins(10));
    assert_eq!(good(&[("MINIMUM_POD_AGE", "1m")]).policy.minimum_age, SignedDuration::from_mins(1));
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_default() {
    let environment = |name: &str| match name {
        "CYCLE_TIMEOUT" => Some(OsString::from("20s")),
        _ => REQUIRED.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)),
    };
    let timeout =
        |flags: BTreeMap<String, OsString>| settings(&gather(flags, environment).0).unwrap().task.timeout;
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
fn secrets_are_never_shown() {
    for (variable, value) in [
        ("PROMETHEUS_ENDPOINT", "http://me:s3cret@metrics:9090"),
        ("PROMETHEUS_ENDPOINT", "ftp://me:s3cret@metrics:9090"),
        ("PROMETHEUS_HEADERS", "Authorization: s3cret"),
        ("PROMETHEUS_HEADERS", "Bad Name=s3cret"),
        ("PROMETHEUS_HEADERS", "X-Token=s3cret\u{1}"),
    ] {
        let messages = bad(&[(variable, value)]);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains(variable) && !messages[0].contains("s3cret"), "{messages:?}");
    }
}
