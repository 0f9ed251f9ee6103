//! Judging facts that are made up: what no real server has to be brought to say.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::port::{InventoryError, MetricsError, Readings};
use rebalancer_core::unit::Load;
use rebalancer_kube::ConnectError;
use rebalancer_prom::{Answers, UnusableServer};

use super::super::facts::{Cluster, Facts, Lookup, Metrics, Sampling, Series};
use super::super::finding::{Finding, Severity};
use super::judge;
use crate::config::layers::gather;
use crate::config::{self, AdapterSettings, RunSettings, WorkloadSettings};

mod cluster;
mod cruise_control;
mod group_lock;
mod kafka;
mod members;

const NOW: Timestamp = Timestamp::constant(3_600, 0);

pub(super) fn settings(also: &[(&str, &str)]) -> WorkloadSettings {
    let mut given = BTreeMap::from([
        ("PROMETHEUS_ENDPOINT", "http://m:1"),
        ("KUBE_NAMESPACE", "shop"),
        ("DEPLOYMENT_NAME", "orders"),
    ]);
    given.extend(also.iter().copied());
    let (raw, problems) = gather(BTreeMap::new(), |name| given.get(name).map(OsString::from));
    assert!(problems.is_empty());
    config::workloads(&raw).unwrap().remove(0)
}

pub(super) fn answering() -> Metrics {
    Metrics {
        base: "http://m:1".to_owned(),
        answers: Ok(Answers { clock: None, took: Duration::from_millis(7) }),
        elsewhere: None,
        ahead: None,
        readings: None,
        lookups: Vec::new(),
    }
}

pub(super) fn facts<'a>(
    adapters: &'a AdapterSettings,
    run: &'a RunSettings,
    now: Timestamp,
    metrics: Metrics,
    cluster: Cluster,
) -> Facts<'a> {
    let asks_for_partitions =
        adapters.metrics.as_ref().is_some_and(|server| server.queries.asks_for_partitions());
    let asked = &adapters.inventory;
    let (metrics, kafka, cruise_control) = (Some(metrics), None, None);
    let (observation, unsettled_before) = (None, None);
    Facts {
        settings: run,
        asked,
        asks_for_partitions,
        now,
        metrics,
        kafka,
        cruise_control,
        cluster,
        group_lock: None,
        observation,
        unsettled_before,
    }
}

/// What is found when only the metric server is there.
fn found(metrics: Metrics) -> Vec<Finding> {
    let WorkloadSettings { adapters, run, .. } = settings(&[]);
    let cluster = Cluster::NotConfigured(ConnectError::NoCluster { looked: "nowhere".to_owned() });
    judge(&facts(&adapters, &run, NOW, metrics, cluster))
}

#[track_caller]
pub(super) fn expect(findings: &[Finding], severity: Severity, code: &str, words: &[&str]) {
    let fits = |finding: &&Finding| {
        let text = format!("{} {}", finding.message, finding.fix.as_deref().unwrap_or_default());
        finding.severity == severity
            && finding.code.name() == code
            && words.iter().all(|word| text.contains(word))
    };
    assert!(findings.iter().any(|finding| fits(&finding)), "no {code} with {words:?} in {findings:#?}");
}

fn status(code: u16, message: &str) -> UnusableServer {
    UnusableServer::Status { code, message: message.to_owned() }
}

#[test]
fn each_way_in_which_an_address_fails_has_its_own_code_and_fix() {
    let message = || "words of others".to_owned();
    let tls = |message: &str| UnusableServer::Tls { message: message.to_owned() };
    for (why, code, fix) in [
        (UnusableServer::Secret { message: message() }, "endpoint_secret", "PROMETHEUS_BEARER_TOKEN_FILE"),
        (
            UnusableServer::UnknownHost { message: message() },
            "endpoint_unknown_host",
            "<service>.<namespace>.svc",
        ),
        (UnusableServer::Unreachable { message: message() }, "endpoint_unreachable", "NetworkPolicy"),
        (
            UnusableServer::TimeUp { limit: Duration::from_secs(5) },
            "endpoint_unreachable",
            "PROMETHEUS_PROXY",
        ),
        (tls("invalid peer certificate: UnknownIssuer"), "endpoint_tls", "PROMETHEUS_CA_FILE"),
        (
            tls("invalid peer certificate: certificate not valid for name \"m\""),
            "endpoint_tls",
            "another name",
        ),
        (tls("received corrupt message of type InvalidContentType"), "endpoint_tls", "http://"),
        (tls("received fatal alert: CertificateRequired"), "endpoint_tls", "PROMETHEUS_CLIENT_CERT_FILE"),
        (status(400, "Client sent an HTTP request to an HTTPS server."), "endpoint_tls", "https://"),
        (status(401, "no org id"), "endpoint_tenant_missing", "X-Scope-OrgID"),
        (status(401, "no"), "endpoint_unauthorized", "PROMETHEUS_USERNAME"),
        (status(403, "requests signed with AWS (SigV4)"), "endpoint_unauthorized", "docs/metrics-sources.md"),
        (status(403, "no"), "endpoint_unauthorized", "PROMETHEUS_BEARER_TOKEN_FILE"),
        (status(404, "no"), "endpoint_wrong_path", "/select/0/prometheus"),
        (status(302, "no"), "endpoint_wrong_path", "without /api/v1"),
        (status(503, "no"), "endpoint_failing", "check the metric server"),
        (UnusableServer::Foreign { message: message() }, "endpoint_wrong_path", "PROMETHEUS_ENDPOINT"),
    ] {
        let findings = found(Metrics { answers: Err(why), ..answering() });
        expect(&findings, Severity::Error, code, &["http://m:1", fix]);
        expect(&findings, Severity::Note, "not_checked", &["samples"]);
    }
}

#[test]
fn where_queries_are_answered_is_the_fix() {
    let elsewhere = Some("http://m:1/prometheus".to_owned());
    let findings = found(Metrics { answers: Err(status(404, "no")), elsewhere, ..answering() });
    expect(&findings, Severity::Error, "endpoint_wrong_path", &["PROMETHEUS_ENDPOINT=http://m:1/prometheus"]);
}

#[test]
fn clocks_may_differ_by_what_the_lock_tolerates() {
    let with = |seconds| found(Metrics { ahead: Some(SignedDuration::from_secs(seconds)), ..answering() });
    expect(&with(5), Severity::Ok, "clocks", &["the metric server's"]);
    expect(&with(-5), Severity::Ok, "clocks", &[]);
    expect(&with(6), Severity::Warning, "clock_skew", &["6s ahead of the metric server's"]);
    expect(&with(-6), Severity::Warning, "clock_skew", &["6s behind the metric server's"]);
    expect(&with(300), Severity::Error, "clock_skew", &["NTP"]);
}

fn reading(loads: &[(Indicator, Result<Samples, MetricsError>)]) -> Option<Readings> {
    Some(Readings {
        loads: loads.iter().cloned().collect(),
        claims: Default::default(),
        cpu_requests: Ok(Samples::new()),
        hpas: Ok(Vec::new()),
        partitions: None,
    })
}

#[test]
fn one_indicator_that_can_be_read_makes_the_others_warnings() {
    let refused = || Err(MetricsError::Refused { message: "bad_data".to_owned() });
    let some = || Ok(Samples::from([("a".to_owned(), Load::new(1.0).unwrap())]));
    let only = found(Metrics { readings: reading(&[(Indicator::Cpu, refused())]), ..answering() });
    expect(&only, Severity::Error, "query_refused", &["bad_data", "CPU_QUERY"]);
    let loads = [(Indicator::Cpu, some()), (Indicator::Lag, refused())];
    let both = found(Metrics { readings: reading(&loads), ..answering() });
    expect(&both, Severity::Warning, "query_refused", &["KAFKA_LAG_QUERY"]);
    expect(&both, Severity::Note, "samples", &["1 pods have a sample"]);
}

#[test]
fn what_the_server_has_tells_why_nothing_came() {
    let empty = || reading(&[(Indicator::Cpu, Ok(Samples::new()))]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let lookup = |series| Lookup {
        query: "cpu".to_owned(),
        metric: "container_x".to_owned(),
        selector: "container_x{a=\"b\"}".to_owned(),
        series,
    };
    let unknown = MetricsError::Unavailable { message: "too slow".to_owned() };
    let (missing, stale) = ("samples_missing", "samples_stale");
    let (now, newest) = (NOW, Some(Timestamp::UNIX_EPOCH + SignedDuration::from_mins(30)));
    let sampled = |within, interval: Option<i64>, age| {
        let seconds = SignedDuration::from_secs;
        let (window, interval) = (Some(SignedDuration::from_mins(5)), interval.map(seconds));
        let window = if within > 1 { None } else { window };
        let sampling = Some(Sampling { window, within, interval, age: seconds(age) });
        Ok(Series { pods: names(&["orders-1"]), sampling, ..Series::default() })
    };
    for (series, code, words) in [
        (Ok(Series::default()), missing, ["the server has no metric container_x", "cAdvisor"]),
        (
            Ok(Series { namespaces: names(&["other"]), ..Series::default() }),
            missing,
            ["other namespaces: other", "KUBE_NAMESPACE"],
        ),
        (
            Ok(Series { namespaces: names(&["shop"]), ..Series::default() }),
            missing,
            ["nothing matches container_x{a=\"b\"}", "CPU_QUERY"],
        ),
        (
            Ok(Series { containers: names(&["app"]), ..Series::default() }),
            missing,
            ["no container orders, but: app", "CONTAINER_NAME=app"],
        ),
        (
            Ok(Series { pods: names(&["p"]), ..Series::default() }),
            missing,
            ["series of other pods: p", "DEPLOYMENT_NAME"],
        ),
        (Ok(Series { newest, ..Series::default() }), stale, ["30m old", "scraping has stopped"]),
        (
            Ok(Series { newest, newest_up: newest, ..Series::default() }),
            "samples_late",
            ["and that of up 30m", "remote write"],
        ),
        (
            Ok(Series { newest, newest_up: Some(now), ..Series::default() }),
            stale,
            ["30m old", "scraping has stopped"],
        ),
        (
            Ok(Series { unmatched: Some(("cluster".to_owned(), names(&["", "us"]))), ..Series::default() }),
            missing,
            ["there is cluster=\"\", cluster=\"us\"", "PROMETHEUS_MATCHERS"],
        ),
        (
            Ok(Series {
                labels: names(&["container_name", "pod_name", "namespace", "x"]),
                ..Series::default()
            }),
            missing,
            [
                "without the label pod, container; they have: container_name, pod_name",
                "metric_relabel_configs",
            ],
        ),
        (
            Ok(Series {
                labels: names(&["exported_namespace", "exported_pod", "namespace"]),
                ..Series::default()
            }),
            missing,
            ["exported_namespace, exported_pod", "honor_labels: true"],
        ),
        (
            Ok(Series { similar: names(&["container_y"]), ..Series::default() }),
            missing,
            ["no metric container_x, but the pods have container_y", "CPU_QUERY"],
        ),
        (
            sampled(1, Some(60), 20),
            "window_too_short",
            ["a sample every 1m", "METRICS_TIME_WINDOW=4m or more"],
        ),
        (
            sampled(1, Some(15), 250),
            stale,
            ["4m 10s old, though there was one every 15s", "scraping has stopped"],
        ),
        (sampled(1, None, 10), missing, ["one sample in the last hour", "check again"]),
        (sampled(9, Some(15), 10), missing, ["the query gives nothing of them", "CPU_QUERY"]),
        (Err(unknown), missing, ["could not be looked up: ", "too slow"]),
    ] {
        let lookup = lookup(series);
        let findings = found(Metrics { readings: empty(), lookups: vec![lookup], ..answering() });
        expect(&findings, Severity::Error, code, &words);
    }
}

#[test]
fn a_cluster_that_says_nothing_is_told_apart_from_one_that_does_not_know_us() {
    let WorkloadSettings { adapters, run, .. } =
        settings(&[("DRY_RUN", "true"), ("REMOVAL_BUDGET_PODS", "0")]);
    let message = || "words".to_owned();
    for (error, code) in [
        (InventoryError::Unauthorized { message: message() }, "kubernetes_unauthorized"),
        (InventoryError::Unavailable { message: message() }, "kubernetes_unreachable"),
    ] {
        let cluster = Cluster::Silent(error);
        let findings = judge(&facts(&adapters, &run, Timestamp::UNIX_EPOCH, answering(), cluster));
        expect(&findings, Severity::Error, code, &["words"]);
        expect(&findings, Severity::Note, "not_checked", &["permissions"]);
        expect(&findings, Severity::Note, "dry_run", &[]);
        expect(&findings, Severity::Error, "removal_budget_zero", &["REMOVAL_BUDGET_PODS=0"]);
    }
}
