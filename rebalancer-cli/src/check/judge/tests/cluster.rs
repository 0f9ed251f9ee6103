//! Judging a cluster that is made up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{
    Addresses, Controller, CpuTarget, DisruptionBudget, Extras, Hpa, Indicator, Labels, Owner, Ownership,
    Phase, Pod, Progress, Requests, Samples, Scaling, Selector, Uid,
};
use rebalancer_core::history::{CycleHealth, HistoryPolicy, Peeked, Record, StateError};
use rebalancer_core::port::InventoryError;
use rebalancer_core::unit::Cores;
use rebalancer_kube::preflight::{Allowed, Amount, BudgetShape, Presence};

use super::super::super::facts::{Around, Cluster, Metrics, Survey};
use super::super::super::finding::{Finding, Severity};
use super::super::super::gather::{Read, observe};
use super::super::super::needs::needs;
use super::super::{judge, outlook};
use super::{answering, expect, facts, reading, settings};
use crate::adapters::Loads;
use crate::config::WorkloadSettings;

pub(super) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn pod(name: &str) -> Pod {
    let since = NOW - SignedDuration::from_hours(1);
    Pod {
        namespace: "shop".into(),
        name: name.to_owned(),
        uid: Uid::new(name),
        phase: Phase::Running,
        ready: true,
        ready_since: Some(since),
        terminating: false,
        created_at: Some(since),
        node: None,
        owner: Some(Owner::of_apps("StatefulSet", "orders", "orders")),
        mirror: false,
        priority: Some(0),
        labels: Labels::default(),
        annotations: Labels::default(),
        container: Some(Requests { cpu: Some(Cores::new(1.0).unwrap()), memory: None }),
        ips: Addresses::default(),
        container_id: None,
        extras: Extras::default(),
    }
}

fn requesting(name: &str, cpu: Option<f64>) -> Pod {
    let cpu = cpu.map(|cores| Cores::new(cores).unwrap());
    Pod { container: Some(Requests { cpu, memory: None }), ..pod(name) }
}

fn controller(pods: u32) -> Controller {
    Controller {
        api_version: "apps/v1".to_owned(),
        kind: "StatefulSet".to_owned(),
        name: "orders".to_owned(),
        uid: Uid::new("orders"),
        annotations: BTreeMap::new(),
        marks: Vec::new(),
        owner: None,
        progress: Some(Progress { status_is_current: true, desired: pods, current: pods, updated: pods }),
        at_work: None,
    }
}

/// Four pods of a StatefulSet, and nothing around them.
pub(super) fn survey() -> Survey {
    Survey {
        ahead: None,
        rights: Vec::new(),
        pods: Ok(["a", "b", "c", "d"].map(pod).into()),
        controller: Ok(Some(controller(4))),
        ownership: Ownership { objects: vec![controller(4)], ..Ownership::default() },
        shape: None,
        hpas: Ok(Vec::new()),
        budgets: Some(Ok(Vec::new())),
        budget_shapes: Vec::new(),
        record: None,
        lease: "pod-rebalancer-orders".to_owned(),
        around: None,
        neighbors: rebalancer_core::snapshot::Surroundings::default(),
        installed: Vec::new(),
    }
}

/// What is found of a cluster with these settings.
async fn found(also: &[(&str, &str)], metrics: Metrics, survey: Survey) -> Vec<Finding> {
    let WorkloadSettings { adapters, run, .. } = settings(also);
    let loads = Loads::of(adapters.metrics.as_ref());
    let read = Read { readings: metrics.readings.clone(), loads: &loads, group: None, cruise_control: None };
    let observation = observe(&survey, read, &run, NOW).await;
    let mut facts = facts(&adapters, &run, NOW, metrics, Cluster::There(Box::new(survey)));
    facts.observation = observation;
    judge(&facts)
}

#[track_caller]
fn expect_none(findings: &[Finding], code: &str) {
    let unwanted: Vec<&Finding> = findings.iter().filter(|finding| finding.code.name() == code).collect();
    assert!(unwanted.is_empty(), "{unwanted:#?}");
}

fn no_pods() -> InventoryError {
    let (namespace, message) = ("shop".to_owned(), "RBAC says no".to_owned());
    InventoryError::Forbidden { verb: "list", resource: "pods", namespace, message }
}

fn no_lease() -> StateError {
    let (namespace, message) = ("shop".to_owned(), "RBAC says no".to_owned());
    StateError::Forbidden { verb: "get", resource: "leases.coordination.k8s.io", namespace, message }
}

/// A survey that may read neither pods nor record, and what was answered about every right.
fn blind(answer: Result<Allowed, InventoryError>) -> Survey {
    let WorkloadSettings { run, .. } = settings(&[]);
    let rights = needs(&run, "pod-rebalancer-orders").into_iter().map(|need| (need, answer.clone()));
    Survey { rights: rights.collect(), pods: Err(no_pods()), record: Some(Err(no_lease())), ..survey() }
}

#[tokio::test]
async fn what_may_not_be_read_is_an_error_unless_the_missing_right_is_one_already() {
    let told = |allowed| Ok(Allowed { allowed, reason: String::new() });
    let findings = found(&[], answering(), blind(told(false))).await;
    expect(&findings, Severity::Error, "permission_missing", &["list pods"]);
    expect(&findings, Severity::Error, "permission_missing", &["get leases"]);
    expect(&findings, Severity::Note, "not_checked", &["the pods", "a permission is missing"]);
    expect(&findings, Severity::Note, "not_checked", &["the record", "a permission is missing"]);
    let refused = Err(InventoryError::Rejected { message: "no reviews".to_owned() });
    for answer in [told(true), refused] {
        let findings = found(&[], answering(), blind(answer)).await;
        expect(&findings, Severity::Error, "unreadable", &["the pods", "RBAC says no"]);
        expect(&findings, Severity::Error, "record_unusable", &["RBAC says no"]);
    }
}

/// A budget over every pod that lets `allowed` of `expected` go now.
fn budgeted(min_available: u32, expected: Option<u32>, (allowed, current): (u32, bool)) -> Survey {
    let name = "b".to_owned();
    let shape = BudgetShape {
        name: name.clone(),
        max_unavailable: None,
        min_available: Some(Amount::Pods(min_available)),
        expected,
    };
    let budget =
        DisruptionBudget { name, selector: Selector::All(Vec::new()), allowed, status_is_current: current };
    Survey { budgets: Some(Ok(vec![budget])), budget_shapes: vec![shape], ..survey() }
}

#[tokio::test]
async fn a_budget_may_cover_more_pods_than_the_selector_matches() {
    for (min_available, expected, status, error) in [
        (5, None, (0, true), Some("budget_never")),
        (3, None, (1, true), Some("budget_too_tight")),
        (5, Some(9), (0, true), None),
        (8, Some(9), (0, true), Some("budget_too_tight")),
        (5, None, (2, true), None),
        (5, None, (1, true), Some("budget_never")),
        (5, None, (2, false), Some("budget_never")),
    ] {
        let findings = found(&[], answering(), budgeted(min_available, expected, status)).await;
        match error {
            Some(code) => expect(&findings, Severity::Error, code, &["budget b"]),
            None => expect(&findings, Severity::Ok, "disruption_budgets", &["budget b"]),
        }
    }
}

fn scaled_by_cpu(pods: Vec<Pod>) -> Survey {
    let hpa = Hpa {
        name: "orders".to_owned(),
        scales: Some("orders".to_owned()),
        scales_kind: Some("StatefulSet".to_owned()),
        of_container: false,
        cpu: Some(CpuTarget::Utilization(50.0)),
        scaling: None,
        scales_by: Vec::new(),
    };
    Survey { pods: Ok(pods), hpas: Ok(vec![hpa]), ..survey() }
}

fn measured(indicator: Indicator) -> Metrics {
    Metrics { readings: reading(&[(indicator, Ok(Samples::new()))]), ..answering() }
}

#[tokio::test]
async fn requests_matter_for_cpu_of_pods_that_may_ever_go() {
    let (cpu, lag) = (|| measured(Indicator::Cpu), || measured(Indicator::Lag));
    let pods = |also: Pod| scaled_by_cpu(vec![pod("a"), pod("b"), also]);
    for request in [None, Some(0.0)] {
        let findings = found(&[], cpu(), pods(requesting("c", request))).await;
        expect(&findings, Severity::Error, "requests_missing", &["1 of 3 pods"]);
    }
    expect_none(&found(&[], cpu(), pods(requesting("c", Some(0.1)))).await, "requests_missing");
    let by_lag = [("INDICATORS", "lag"), ("KAFKA_LAG_QUERY", "x")];
    let without = || requesting("c", None);
    expect_none(&found(&by_lag, lag(), pods(without())).await, "requests_missing");
    let mark = [("pod-rebalancer.io/opt-out".to_owned(), "true".to_owned())];
    let opted_out = Pod { annotations: mark.into(), ..without() };
    expect_none(&found(&[], cpu(), pods(opted_out)).await, "requests_missing");
    let young = Pod { created_at: Some(NOW), ready_since: Some(NOW), ..without() };
    expect(&found(&[], cpu(), pods(young)).await, Severity::Error, "requests_missing", &["1 of 3 pods"]);
}

#[tokio::test]
async fn a_namespace_is_empty_only_when_its_pods_could_be_listed() {
    let lonely = |pods| Survey {
        pods: Ok(Vec::new()),
        controller: Ok(None),
        around: Some(Around { namespace: Presence::NotTold, pods, workloads: Vec::new() }),
        ..survey()
    };
    let empty = found(&[], answering(), lonely(Some(Vec::new()))).await;
    expect(&empty, Severity::Error, "namespace_empty", &["shop"]);
    let unknown = found(&[], answering(), lonely(None)).await;
    expect_none(&unknown, "namespace_empty");
    expect(&unknown, Severity::Error, "workload_missing", &["orders"]);
    expect(&unknown, Severity::Error, "selector_matches_nothing", &[]);
}

#[tokio::test]
async fn a_workload_of_any_kind_that_its_autoscaler_leaves_at_nothing_is_no_error() {
    let seen = |disabled| {
        let (active, current, desired, minimum) = (false, 0, 0, 1);
        let (last_scaled_at, wants_fewer) = (None, false);
        let scaling = Scaling { active, current, desired, minimum, last_scaled_at, wants_fewer, disabled };
        let scaled = scaled_by_cpu(Vec::new());
        let hpas = scaled.hpas.map(|mut hpas| {
            (hpas[0].scales_kind, hpas[0].scaling) = (Some("Rollout".to_owned()), Some(scaling));
            hpas
        });
        let around = Around { namespace: Presence::NotTold, pods: Some(Vec::new()), workloads: Vec::new() };
        let (controller, ownership) = (Ok(None), Ownership::default());
        Survey { hpas, controller, ownership, around: Some(around), pods: Ok(Vec::new()), ..survey() }
    };
    let findings = found(&[], measured(Indicator::Cpu), seen(true)).await;
    expect(
        &findings,
        Severity::Note,
        "workload_without_pods",
        &["Rollout orders", "scaled to 0 pods", "KEDA"],
    );
    expect(&findings, Severity::Note, "not_checked", &["samples of cpu"]);
    for code in ["workload_missing", "namespace_empty", "selector_matches_nothing", "samples_missing"] {
        expect_none(&findings, code);
    }
    // It has not found what it is to scale, as when that is not there at all.
    let findings = found(&[], measured(Indicator::Cpu), seen(false)).await;
    expect(&findings, Severity::Error, "namespace_empty", &["shop"]);
}

#[test]
fn a_breaker_whose_time_is_up_holds_nothing_up() {
    let WorkloadSettings { adapters, run, .. } = settings(&[]);
    let mut record = Record::default();
    let history_policy = HistoryPolicy::default();
    while record.pause(NOW, &history_policy).is_none() {
        record.cycle_ended("failed", CycleHealth::Failed, NOW, &history_policy);
    }
    let paused = |now| {
        let record = Some(Ok(Peeked { record: record.clone(), held: None }));
        let cluster = Cluster::There(Box::new(Survey { record, ..survey() }));
        outlook::paused(&facts(&adapters, &run, now, answering(), cluster))
    };
    assert!(paused(NOW).is_some_and(|pause| pause.contains("circuit breaker")), "{:?}", paused(NOW));
    assert_eq!(paused(NOW + SignedDuration::from_hours(24 * 30)), None);
}

#[tokio::test]
async fn the_smallest_rotation_follows_from_the_settings_whether_metrics_come_or_not() {
    let three = || {
        let controller = Ok(Some(controller(3)));
        Survey { pods: Ok(["a", "b", "c"].map(pod).into()), controller, ..survey() }
    };
    let least = ("MINIMUM_PODS_REQUIRED", "2");
    let by_seeds = found(&[least], answering(), three()).await;
    expect(&by_seeds, Severity::Error, "too_few_pods", &["the smallest rotation takes 2"]);
    let query = ("PARTITION_LOAD_QUERY", "x");
    expect_none(&found(&[least, query], answering(), three()).await, "too_few_pods");
}
