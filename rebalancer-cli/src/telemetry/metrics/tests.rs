//! What a run is told as.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus::proto::{MetricFamily, MetricType};
use rebalancer_core::cycle::Journal as _;
use rebalancer_core::cycle::{self, Outcome, Sources, Subject};
use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::{Indicator, Uid, Workload};
use rebalancer_core::history::{
    Budget, CycleCost, CycleHealth, GroupEffect, HistoryPolicy, Imbalance, Record, Role, Rotation,
};
use rebalancer_core::policy::{Policy, Timing};
use rebalancer_core::port::ApiErrors;
use rebalancer_core::report::Hold;
use rebalancer_core::simulation::{Fleet, Shape};
use rebalancer_core::unit::Ratio;

use super::catalog::{CLUSTER, Kind, METRICS, ON_EVERY_SERIES};
use super::families::{self, Part, Run};
use super::seen::MetricsJournal;
use super::send::text;
use super::textfile;
use crate::target::Target;

const MINUTE: Duration = Duration::from_secs(60);

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + 60 * minute).unwrap()
}

/// A rotation of one hot pod that took a fifth of the CV away, then a hold, with some trouble.
fn record() -> Record {
    let history_policy = HistoryPolicy::default();
    let ratio = |ratio| Ratio::new(ratio).unwrap();
    let (before, after) = (Imbalance::new(ratio(0.5), ratio(2.0)), Imbalance::new(ratio(0.4), ratio(1.5)));
    let pod = PodRef { namespace: "shop".into(), name: "orders-1".into(), uid: Uid::new("uid") };
    let pods = [(pod, Role::Hot)];
    let mut record = Record::default();
    let rotation = Rotation::intended("a", at(0), Indicator::Cpu, pods, before, None).unwrap();
    record.begin(rotation.with_group(Some(GroupEffect::predicted(before, after, ratio(0.01)))));
    record.watched("a", Some(SignedDuration::from_millis(6_500)), Some(Timing::AllAtOnce), Some(after));
    record.reconcile(&[], at(1));
    record.cycle_ended("rebalanced", CycleHealth::Sound, at(1), &history_policy);
    record.measure(at(20), &history_policy, |_| Some(after));
    record.count_decision(Some("no_pods"), SignedDuration::from_millis(300));
    let prometheus = ApiErrors { errors: 3, retries: 2 };
    let cycle = SignedDuration::from_secs(3);
    record.count_cost(CycleCost { cycle, prometheus, ..CycleCost::default() });
    record.cycle_ended("held", CycleHealth::Sound, at(20), &history_policy);
    record
}

/// What a cycle over an uneven fleet sees.
async fn journal(per_pod: bool) -> MetricsJournal {
    let fleet = Fleet::new(&Shape { seed: 7, ..Shape::default() }).unwrap();
    let subject = Subject { workload: Fleet::workload(), hpa_prefix: String::new() };
    let observation =
        cycle::observe(&subject, Sources::new(&fleet, &fleet), &Policy::default(), None, fleet.now())
            .await
            .unwrap();
    let journal = MetricsJournal::new(per_pod);
    journal.decided(&observation);
    journal
}

fn target(cluster: Option<&str>) -> Target {
    let workload = Workload { namespace: "shop".into(), name: "orders".into() };
    Target { cluster: cluster.map(str::to_owned), workload }
}

fn parts(
    change: impl FnOnce(&mut Run<'_>),
    record: Option<&Record>,
    journal: &MetricsJournal,
) -> Vec<(Part, Vec<MetricFamily>)> {
    let target = target(None);
    let mut run = Run {
        target: &target,
        status: "rebalanced",
        success: true,
        dry_run: false,
        ended: at(30),
        budget: Some(Budget::new(12, SignedDuration::from_hours(1)).unwrap()),
        record,
        journal,
    };
    change(&mut run);
    families::of(&run)
}

fn all(parts: Vec<(Part, Vec<MetricFamily>)>) -> Vec<MetricFamily> {
    parts.into_iter().flat_map(|(_, families)| families).collect()
}

/// Every line of a run that is no comment.
fn lines(
    change: impl FnOnce(&mut Run<'_>),
    record: Option<&Record>,
    journal: &MetricsJournal,
) -> Vec<String> {
    let text = text(&all(parts(change, record, journal))).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn of<'a>(lines: &'a [String], name: &str) -> Vec<&'a str> {
    let prefix = format!("{name}{{namespace=\"shop\",workload=\"orders\"");
    lines.iter().filter_map(|line| line.strip_prefix(&prefix)).collect()
}

#[test]
fn names_follow_the_conventions_and_stand_once() {
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for metric in METRICS {
        assert!(metric.name.starts_with("rebalancer_"), "{}", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}: {}", metric.name, metric.kind.name());
        let labels = metric.labels.iter().chain(&ON_EVERY_SERIES);
        assert!(labels.clone().all(|label| !label.values.is_empty()), "{}", metric.name);
        let known: BTreeSet<&str> = labels.clone().map(|label| label.name).collect();
        assert_eq!(known.len(), labels.count(), "{}", metric.name);
    }
}

#[tokio::test]
async fn a_run_that_knows_everything_has_every_metric_of_the_catalog_with_its_labels_and_no_other() {
    let mut all_families = all(parts(|_| {}, Some(&record()), &journal(true).await));
    all_families.extend(families::live(std::iter::once(&target(None)), true, MINUTE));
    let families = all_families;
    let named: BTreeMap<&str, &MetricFamily> =
        families.iter().map(|family| (family.name(), family)).collect();
    assert_eq!(named.len(), families.len());
    assert_eq!(named.keys().copied().collect::<BTreeSet<_>>(), METRICS.map(|metric| metric.name).into());
    for metric in METRICS {
        let family = named[metric.name];
        let kind = match metric.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        };
        assert_eq!((family.help(), family.get_field_type()), (metric.help, kind), "{}", metric.name);
        let labels: Vec<&str> = ON_EVERY_SERIES.iter().chain(metric.labels).map(|label| label.name).collect();
        for series in family.get_metric() {
            assert_eq!(series.get_label().iter().map(|pair| pair.name()).collect::<Vec<_>>(), labels);
            let complete = series.get_label().iter().all(|pair| !pair.value().is_empty());
            assert!(complete, "{}", metric.name);
        }
    }
}

#[tokio::test]
async fn every_series_and_every_file_of_a_cluster_with_a_name_has_it() {
    let target: &Target = Box::leak(Box::new(target(Some("eu"))));
    let families = all(parts(|run| run.target = target, Some(&record()), &journal(true).await));
    let families = families.into_iter().chain(families::live(std::iter::once(target), true, MINUTE));
    for family in families {
        for series in family.get_metric() {
            let first = series.get_label().first().unwrap();
            assert_eq!((first.name(), first.value()), (CLUSTER.name, "eu"), "{}", family.name());
        }
    }
    assert_eq!(textfile::name(target, "run"), "pod-rebalancer_eu_shop_orders_run.prom");
}

#[tokio::test]
async fn counters_are_those_of_the_record_and_known_names_begin_at_zero() {
    let lines = lines(|_| {}, Some(&record()), &MetricsJournal::new(false));
    assert_eq!(
        of(&lines, "rebalancer_pods_deleted_total"),
        [r#",role="hot"} 1"#, r#",role="cold"} 0"#, r#",role="partner"} 0"#]
    );
    let errors = of(&lines, "rebalancer_api_errors_total");
    assert_eq!(
        errors,
        [r#",component="prometheus"} 3"#, r#",component="kafka"} 0"#, r#",component="kubernetes"} 0"#]
    );
    let cycles = of(&lines, "rebalancer_cycles_total");
    assert_eq!(cycles.len(), Outcome::STATUSES.len() - 1, "dry runs are not counted: {cycles:?}");
    assert!(cycles.contains(&r#",status="held"} 1"#) && cycles.contains(&r#",status="failed"} 0"#));
    let holds = of(&lines, "rebalancer_holds_total");
    assert_eq!(holds.len(), Hold::NAMES.len());
    assert!(holds.contains(&r#",reason="no_pods"} 1"#));
    let verdicts = of(&lines, "rebalancer_rotations_judged_total");
    assert!(verdicts.contains(&r#",verdict="helped"} 1"#), "{verdicts:?}");
    assert_eq!(of(&lines, "rebalancer_analysis_duration_seconds_sum"), ["} 0.3"]);
    let buckets = of(&lines, "rebalancer_cycle_duration_seconds_bucket");
    assert!(buckets.contains(&r#",le="2.5"} 0"#) && buckets.contains(&r#",le="5"} 1"#), "{buckets:?}");
    assert_eq!(buckets.last(), Some(&r#",le="+Inf"} 1"#));
}

#[tokio::test]
async fn what_is_remembered_is_shown_as_it_is_at_the_end_of_the_run() {
    let lines = lines(|_| {}, Some(&record()), &MetricsJournal::new(false));
    let states = of(&lines, "rebalancer_breaker_state");
    assert_eq!(states, [r#",state="closed"} 1"#, r#",state="open"} 0"#, r#",state="half_open"} 0"#]);
    assert_eq!(of(&lines, "rebalancer_removal_budget_pods"), ["} 12"]);
    assert_eq!(of(&lines, "rebalancer_removal_budget_used_pods"), ["} 1"]);
    let [measured] = of(&lines, "rebalancer_measured_improvement_ratio")[..] else { panic!("{lines:?}") };
    let measured: f64 = measured.trim_start_matches("} ").parse().unwrap();
    assert!((measured - 0.2).abs() < 1e-9, "{measured}");
}

#[tokio::test]
async fn without_a_budget_there_is_no_limit_to_show() {
    let lines = lines(|run| run.budget = None, Some(&record()), &MetricsJournal::new(false));
    assert!(!lines.iter().any(|line| line.starts_with("rebalancer_removal_budget")));
}

/// A Pushgateway keeps what is not sent, and zeros would look like a reset of every counter.
#[tokio::test]
async fn a_run_that_could_not_read_the_record_says_nothing_of_what_is_remembered() {
    let failed = |run: &mut Run<'_>| (run.success, run.status) = (false, "failed");
    let parts = parts(failed, None, &MetricsJournal::new(false));
    assert_eq!(parts.iter().map(|(part, _)| *part).collect::<Vec<_>>(), [Part::Run]);
    let families = all(parts);
    assert!(families.iter().all(|family| family.get_field_type() == MetricType::GAUGE));
    let names: Vec<&str> = families.iter().map(MetricFamily::name).collect();
    let expected = ["last_run_timestamp_seconds", "last_run_status", "dry_run", "build_info"]
        .map(|name| format!("rebalancer_{name}"));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_failed_run_tells_so_and_leaves_the_time_of_the_last_success() {
    let journal = journal(false).await;
    let good = lines(|_| {}, None, &journal);
    assert_eq!(of(&good, "rebalancer_last_success_timestamp_seconds"), ["} 1767227400"]);
    let failed = lines(|run| (run.success, run.status) = (false, "failed"), None, &journal);
    assert!(of(&failed, "rebalancer_last_success_timestamp_seconds").is_empty());
    assert_eq!(of(&failed, "rebalancer_last_run_timestamp_seconds"), ["} 1767227400"]);
    let statuses = of(&failed, "rebalancer_last_run_status");
    assert_eq!(statuses.len(), Outcome::STATUSES.len());
    let present: Vec<_> = statuses.iter().filter(|status| status.ends_with(" 1")).collect();
    assert_eq!(present, [&r#",status="failed"} 1"#]);
}

#[test]
fn a_dry_run_tells_no_counters_since_a_real_run_may_have_counted_more_meanwhile() {
    let lines = lines(|run| run.dry_run = true, Some(&record()), &MetricsJournal::new(false));
    let counted: Vec<&String> = lines.iter().filter(|line| line.contains("_total{")).collect();
    assert!(counted.is_empty(), "{counted:?}");
    assert_eq!(of(&lines, "rebalancer_breaker_state").len(), 3);
}

#[tokio::test]
async fn a_fleet_is_shown_as_it_was_seen() {
    let lines = lines(|run| run.dry_run = true, None, &journal(false).await);
    assert_eq!(of(&lines, "rebalancer_dry_run"), ["} 1"]);
    let pods = of(&lines, "rebalancer_pods");
    assert!(pods.contains(&format!(r#",state="listed"}} {}"#, Shape::default().pods).as_str()), "{pods:?}");
    assert_eq!(of(&lines, "rebalancer_load_cv").len(), 1);
    let means = of(&lines, "rebalancer_load_mean");
    assert!(means[0].starts_with(r#",indicator="cpu",unit="cores"} "#), "{means:?}");
    assert_eq!(of(&lines, "rebalancer_predicted_improvement_ratio").len(), 1);
    assert!(of(&lines, "rebalancer_pod_load").is_empty(), "only on demand");
}

#[tokio::test]
async fn the_load_of_each_pod_is_shown_on_demand_and_not_without_end() {
    let shown = lines(|_| {}, None, &journal(true).await);
    assert_eq!(of(&shown, "rebalancer_pod_load").len(), Shape::default().pods);
    let fleet = Fleet::new(&Shape { pods: 600, partitions: 1200, ..Shape::default() }).unwrap();
    let subject = Subject { workload: Fleet::workload(), hpa_prefix: String::new() };
    let observation =
        cycle::observe(&subject, Sources::new(&fleet, &fleet), &Policy::default(), None, fleet.now())
            .await
            .unwrap();
    let journal = MetricsJournal::new(true);
    journal.decided(&observation);
    assert_eq!(of(&lines(|_| {}, None, &journal), "rebalancer_pod_load").len(), 500);
}
