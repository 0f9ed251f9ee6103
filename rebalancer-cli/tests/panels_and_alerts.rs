//! The dashboard and the alerts ask for what the program tells, and an operator finds what they speak of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, and helpers of integration tests aren't recognized as tests"
)]
#![allow(dead_code, reason = "the modules are made for other tests too")]

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, AggregateExpr, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

#[path = "shared/alerts.rs"]
mod alerts;
#[path = "../src/telemetry/metrics/catalog.rs"]
mod catalog;
#[path = "shared/dashboard.rs"]
mod dashboard;

use alerts::alerts;
use catalog::{CLUSTER, Kind, METRICS, ON_EVERY_SERIES};
use dashboard::{Asked, dashboard, filled, panels, queries};

const OPERATIONS: &str = include_str!("../../docs/operations.md");
const RULE_TESTS: [&str; 2] = [
    include_str!("../../deploy/prometheus/alerts_test.yaml"),
    include_str!("../../deploy/prometheus/alerts_serve_test.yaml"),
];

/// Metrics of others, with the labels that are asked for.
const OF_OTHERS: [(&str, &[&str]); 5] = [
    ("container_cpu_usage_seconds_total", &["namespace", "container", "pod", "id", "cpu"]),
    ("kube_job_owner", &["cluster", "namespace", "job_name", "owner_kind", "owner_name"]),
    ("kube_job_status_start_time", &["cluster", "namespace", "job_name"]),
    ("kube_job_failed", &["cluster", "namespace", "job_name", "condition"]),
    ("kube_job_complete", &["cluster", "namespace", "job_name", "condition"]),
];

/// Every series that there can be, with its labels.
fn known() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut known: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for metric in METRICS {
        let labels: BTreeSet<&str> =
            metric.labels.iter().chain(&ON_EVERY_SERIES).chain([&CLUSTER]).map(|label| label.name).collect();
        match metric.kind {
            Kind::Counter | Kind::Gauge => drop(known.insert(metric.name.to_owned(), labels)),
            Kind::Histogram => {
                let of_buckets = labels.iter().copied().chain(["le"]).collect();
                known.insert(format!("{}_bucket", metric.name), of_buckets);
                known.insert(format!("{}_sum", metric.name), labels.clone());
                known.insert(format!("{}_count", metric.name), labels);
            }
        }
    }
    let others =
        OF_OTHERS.iter().map(|(name, labels)| ((*name).to_owned(), labels.iter().copied().collect()));
    known.extend(others);
    known
}

/// What a query asks for.
#[derive(Default)]
struct Wanted {
    /// Metrics, with the labels that choose among their series.
    selected: Vec<(String, BTreeSet<String>)>,
    /// Labels that are kept by an aggregation, with the metrics below it.
    kept: Vec<(BTreeSet<String>, Vec<String>)>,
}

impl Wanted {
    fn of(query: &str) -> Self {
        let expr = parser::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut wanted = Self::default();
        walk_expr(&mut wanted, &expr).unwrap();
        wanted
    }

    fn selector(&mut self, selector: &VectorSelector) {
        let labels = selector.matchers.matchers.iter().map(|matcher| matcher.name.clone()).collect();
        self.selected.push((selector.name.clone().unwrap(), labels));
    }

    fn aggregation(&mut self, aggregate: &AggregateExpr) {
        let Some(LabelModifier::Include(labels)) = &aggregate.modifier else { return };
        let mut below = Self::default();
        walk_expr(&mut below, &aggregate.expr).unwrap();
        let metrics = below.selected.into_iter().map(|(name, _)| name).collect();
        self.kept.push((labels.labels.iter().cloned().collect(), metrics));
    }
}

impl ExprVisitor for Wanted {
    type Error = String;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => self.aggregation(aggregate),
            Expr::Unary(_)
            | Expr::Binary(_)
            | Expr::Paren(_)
            | Expr::Subquery(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::Call(_)
            | Expr::Extension(_) => {}
        }
        Ok(true)
    }
}

/// Every query of the dashboard and the alerts, with where it stands.
fn all_queries() -> Vec<(String, String)> {
    let values = [
        ("cluster", "eu"),
        ("namespace", "shop"),
        ("workload", "orders"),
        ("container", "orders"),
        ("indicator", "cpu"),
        ("window", "5m"),
        ("__rate_interval", "10m"),
    ];
    let of_alerts = alerts().into_iter().map(|alert| (alert.alert, alert.expr));
    let of_panels = queries(&dashboard()).into_iter().map(|query| (query.of, filled(&query.expr, &values)));
    of_alerts.chain(of_panels).collect()
}

#[test]
fn every_metric_that_is_asked_for_is_told_and_has_these_labels() {
    let known = known();
    for (of, query) in all_queries() {
        let wanted = Wanted::of(&query);
        assert!(!wanted.selected.is_empty(), "{of} asks for no metric");
        for (metric, labels) in &wanted.selected {
            let has = known.get(metric).unwrap_or_else(|| panic!("{of}: there is no metric {metric}"));
            let missing: Vec<&String> = labels.iter().filter(|label| !has.contains(label.as_str())).collect();
            assert!(missing.is_empty(), "{of}: {metric} has no label {missing:?}");
        }
        for (labels, metrics) in &wanted.kept {
            let has: BTreeSet<&str> =
                metrics.iter().filter_map(|metric| known.get(metric)).flatten().copied().collect();
            let missing: Vec<&String> = labels.iter().filter(|label| !has.contains(label.as_str())).collect();
            assert!(missing.is_empty(), "{of}: none of {metrics:?} has the label {missing:?}");
        }
    }
}

#[test]
fn the_values_that_are_asked_for_are_documented_ones() {
    for (of, query) in all_queries() {
        let expr = parser::parse(&query).unwrap();
        for metric in METRICS {
            for label in metric.labels.iter().filter(|label| label.values.starts_with('`')) {
                for value in values_of(&expr, metric.name, label.name) {
                    let documented = label.values.contains(&format!("`{value}`"));
                    assert!(documented, "{of}: {} has no {}=\"{value}\"", metric.name, label.name);
                }
            }
        }
    }
}

/// The values of a label that selectors of a metric name.
fn values_of(expr: &Expr, metric: &str, label: &str) -> Vec<String> {
    struct Values<'a>(&'a str, &'a str, Vec<String>);
    impl Values<'_> {
        fn take(&mut self, selector: &VectorSelector) {
            let matchers = selector.matchers.matchers.iter().filter(|matcher| matcher.name == self.1);
            if selector.name.as_deref() == Some(self.0) {
                let values = matchers.flat_map(|matcher| matcher.value.split('|').map(str::to_owned));
                self.2.extend(values.collect::<Vec<_>>());
            }
        }
    }
    impl ExprVisitor for Values<'_> {
        type Error = String;
        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
            if let Expr::VectorSelector(selector) = expr {
                self.take(selector);
            }
            if let Expr::MatrixSelector(matrix) = expr {
                self.take(&matrix.vs);
            }
            Ok(true)
        }
    }
    let mut values = Values(metric, label, Vec::new());
    walk_expr(&mut values, expr).unwrap();
    values.2
}

#[test]
fn every_alert_says_how_bad_it_is_what_happened_with_its_number_and_where_to_read_on() {
    for alert in alerts() {
        let name = &alert.alert;
        let annotation =
            |key: &str| alert.annotations.get(key).unwrap_or_else(|| panic!("{name} has no {key}"));
        assert!(["critical", "warning", "info"].contains(&alert.labels["severity"].as_str()), "{name}");
        assert!(annotation("summary").contains("{{ $labels.namespace }}"), "{name}");
        assert!(annotation("description").contains("{{ $value"), "{name}");
        assert_eq!(annotation("runbook_url"), &format!("docs/operations.md#{}", name.to_lowercase()));
    }
}

/// Several clusters may have workloads of the same names, and where nothing tells clusters apart the label is not there.
#[test]
fn whatever_is_told_by_workload_is_told_by_cluster_too() {
    for (of, query) in all_queries() {
        for (labels, metrics) in Wanted::of(&query).kept {
            let own = metrics.iter().any(|metric| metric.starts_with("rebalancer_"));
            assert!(!own || labels.contains("cluster"), "{of}: {query}");
        }
    }
}

#[test]
fn the_operations_guide_has_a_section_for_every_alert_and_for_no_other() {
    let sections: BTreeMap<&str, &str> = OPERATIONS
        .split("\n### ")
        .filter(|section| section.starts_with("Rebalancer"))
        .map(|section| section.split_once('\n').unwrap())
        .collect();
    let named: BTreeSet<&str> = sections.keys().copied().collect();
    let alerts = alerts();
    assert_eq!(named, alerts.iter().map(|alert| alert.alert.as_str()).collect::<BTreeSet<_>>());
    for (name, section) in sections {
        for part in ["**Means**: ", "**Look at**: ", "**Do**: "] {
            assert!(section.contains(part), "{name} has no {part}");
        }
    }
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent() {
    let files: Vec<Value> = RULE_TESTS.iter().map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let tests = files.iter().flat_map(|file| file["tests"].as_array().unwrap());
    let cases: Vec<&Value> = tests.flat_map(|test| test["alert_rule_test"].as_array().unwrap()).collect();
    for alert in alerts() {
        let own = cases.iter().filter(|case| case["alertname"] == alert.alert.as_str());
        let (silent, firing) =
            own.partition::<Vec<&&Value>, _>(|case| case["exp_alerts"].as_array().unwrap().is_empty());
        assert!(!firing.is_empty() && !silent.is_empty(), "{}", alert.alert);
    }
}

#[test]
fn the_panels_that_the_operations_guide_names_exist() {
    let dashboard = dashboard();
    let titles: BTreeSet<&str> =
        panels(&dashboard).iter().map(|panel| panel["title"].as_str().unwrap()).collect();
    let alerts = OPERATIONS.split("\n## Alerts\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: Vec<String> =
        alerts.split('"').skip(1).step_by(2).map(|name| name.replace("\n  ", " ")).collect();
    assert!(named.len() > 3, "{named:?}");
    for name in named {
        assert!(titles.contains(name.as_str()), "there is no panel '{name}'");
    }
}

#[test]
fn panels_have_ids_of_their_own_and_lie_beside_each_other() {
    let dashboard = dashboard();
    let all: Vec<&Value> = dashboard["panels"].as_array().unwrap().iter().collect();
    let ids: BTreeSet<u64> = all.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), all.len());
    let mut taken = BTreeSet::new();
    for panel in all {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for (x, y) in
            (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
        {
            assert!(taken.insert((x, y)), "{} lies over another panel", panel["title"]);
        }
    }
}

#[test]
fn the_cpu_of_each_pod_is_asked_for_as_the_program_does() {
    let asked = queries(&dashboard());
    let cpu = asked.iter().find(|query| query.of.starts_with("CPU of each pod")).unwrap();
    assert_eq!(cpu.asked, Asked::Range);
    let names = rebalancer_prom::query::Placeholders {
        namespace: "$namespace".to_owned(),
        container: "$container".to_owned(),
        workload: "$workload".to_owned(),
        window: rebalancer_prom::query::Window::new(std::time::Duration::from_secs(300)).unwrap(),
        matchers: rebalancer_prom::query::Matchers::default(),
    };
    let built_in = rebalancer_prom::query::cpu(&names).to_string();
    // Other workloads of the namespace may have a container of the same name; the program knows its pods.
    let narrowed = built_in.replace("pod!=\"\"", "pod=~\"$workload-.+\"").replace("[5m]", "[$window]");
    // A panel can't ask Kubernetes whose container a series is, so it adds them up, as the program does those of one pod.
    assert!(narrowed.starts_with("sum without (cpu) ("), "{narrowed}");
    assert_eq!(cpu.expr, narrowed.replacen("sum without (cpu)", "sum without (id, cpu)", 1));
}
