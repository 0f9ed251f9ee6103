//! The alerts, asked of real metric servers: what `promtool test rules` shows for Prometheus holds for VictoriaMetrics
//! too, and for series that have one sample a run.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::harness::alerts::{Alert, alerts};
use crate::harness::metrics::{History, MetricServer, Server};

/// Two hours, up to now.
const SCRAPED: RangeInclusive<i64> = -7200..=0;
/// Two hours, of which the last sample is older than what a plain selector looks back.
const IMPORTED: RangeInclusive<i64> = -7680..=-480;

/// How a workload fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fares {
    Well,
    Ill,
}

/// What the program tells of one workload.
fn told(history: History, workload: &str, fares: Fares, now: i64) -> History {
    let ill = fares == Fares::Ill;
    let seconds = |value: i64| crate::harness::series::seconds(value);
    let flag = |yes: bool| f64::from(u8::from(yes));
    // Once a sample, or not at all.
    let often = if ill { 1.0 / 60.0 } else { 0.0 };
    let of = |label: (&'static str, &'static str)| [("workload", workload), label];
    history
        .gauge("rebalancer_last_run_status", &of(("status", "failed")), flag(ill))
        .gauge("rebalancer_last_run_status", &of(("status", "balanced")), flag(!ill))
        .gauge(
            "rebalancer_last_success_timestamp_seconds",
            &[("workload", workload)],
            seconds(if ill { now - 3000 } else { now }),
        )
        // Another value at each sample: so many runs.
        .counter("rebalancer_last_run_timestamp_seconds", &[("workload", workload)], 1.0)
        .gauge("rebalancer_pods", &of(("state", "listed")), 12.0)
        .counter("rebalancer_pods_deleted_total", &of(("role", "hot")), often)
        .counter("rebalancer_holds_total", &of(("reason", "removal_budget_spent")), often)
        .gauge("rebalancer_breaker_state", &of(("state", "open")), flag(ill))
        .counter("rebalancer_rotations_judged_total", &of(("verdict", "did_not_help")), often)
        .counter("rebalancer_rotations_judged_total", &of(("verdict", "helped")), 0.0)
        .counter("rebalancer_indicators_degraded_total", &of(("indicator", "lag")), often)
        .counter("rebalancer_api_errors_total", &of(("component", "prometheus")), often)
        .counter("rebalancer_removals_refused_total", &of(("reason", "disruption_budget")), often)
        .gauge("rebalancer_proposal_state", &of(("state", "waiting")), flag(ill))
}

/// What kube-state-metrics tells of a CronJob with two Jobs. Of one that fares well, the earlier failed.
fn jobs(history: History, cron_job: &str, fares: Fares, now: i64) -> History {
    let (failed, complete) = if fares == Fares::Ill { ("2", "1") } else { ("1", "2") };
    let started = [("1", now - 900), ("2", now - 300)];
    let history = started.into_iter().fold(history, |history, (number, at)| {
        let job = format!("{cron_job}-{number}");
        let owner = [("job_name", job.as_str()), ("owner_kind", "CronJob"), ("owner_name", cron_job)];
        history.gauge("kube_job_owner", &owner, 1.0).gauge(
            "kube_job_status_start_time",
            &[("job_name", job.as_str())],
            crate::harness::series::seconds(at),
        )
    });
    let of = |number: &str| format!("{cron_job}-{number}");
    history.gauge("kube_job_failed", &[("job_name", &of(failed)), ("condition", "true")], 1.0).gauge(
        "kube_job_complete",
        &[("job_name", &of(complete)), ("condition", "true")],
        1.0,
    )
}

/// For which workloads, or CronJobs, an alert's expression is true now.
async fn true_for(server: &MetricServer, alert: &Alert) -> BTreeSet<String> {
    let elements = server.query(&alert.expr).await.into_iter();
    elements.filter_map(|(labels, _)| labels.get("workload").or(labels.get("owner_name")).cloned()).collect()
}

#[tokio::test]
#[ignore]
async fn every_alert_is_true_for_the_workload_that_fares_ill_and_for_no_other() {
    let now = jiff::Timestamp::now().as_second();
    let history = History::new("shop", "orders").every(60);
    let history = told(told(history, "ill", Fares::Ill, now), "well", Fares::Well, now);
    let history = jobs(history, "pod-rebalancer-ill", Fares::Ill, now);
    let history = jobs(history, "pod-rebalancer-well", Fares::Well, now);
    let history = jobs(history, "somebody-elses", Fares::Ill, now).during(&SCRAPED);
    for kind in Server::BOTH {
        let server = history.serve(kind).await;
        for alert in alerts() {
            let ill = if alert.alert == "RebalancerJobFailed" { "pod-rebalancer-ill" } else { "ill" };
            let expected = BTreeSet::from([ill.to_owned()]);
            assert_eq!(true_for(&server, &alert).await, expected, "{kind:?}: {}", alert.alert);
        }
    }
}

#[tokio::test]
#[ignore]
async fn one_sample_a_run_is_enough_for_every_alert() {
    let now = jiff::Timestamp::now().as_second();
    let history = History::new("shop", "orders").every(600);
    let history = told(told(history, "ill", Fares::Ill, now), "well", Fares::Well, now).during(&IMPORTED);
    for kind in Server::BOTH {
        let server = history.serve(kind).await;
        // kube-state-metrics is scraped, and has samples all the time.
        for alert in alerts().into_iter().filter(|alert| alert.alert != "RebalancerJobFailed") {
            let expected = BTreeSet::from(["ill".to_owned()]);
            assert_eq!(true_for(&server, &alert).await, expected, "{kind:?}: {}", alert.alert);
        }
    }
}

/// With the interval that `serve` tells, and without.
#[tokio::test]
#[ignore]
async fn workloads_of_the_same_name_in_two_clusters_are_told_apart() {
    let now = jiff::Timestamp::now().as_second();
    let of = |cluster: &str, fares: Fares, serves: bool| {
        let history = told(History::new("shop", "orders").every(60), "orders", fares, now);
        let history = jobs(history, "pod-rebalancer", fares, now);
        let interval = [("workload", "orders")];
        let history =
            if serves { history.gauge("rebalancer_interval_seconds", &interval, 60.0) } else { history };
        history.labelled(&[("cluster", cluster)])
    };
    for serves in [false, true] {
        let history = of("eu", Fares::Ill, serves).and(of("us", Fares::Well, serves)).during(&SCRAPED);
        for kind in Server::BOTH {
            let server = history.serve(kind).await;
            for alert in alerts() {
                let clusters = server.query(&alert.expr).await.into_iter();
                let clusters: BTreeSet<String> =
                    clusters.map(|(labels, _)| labels["cluster"].clone()).collect();
                let expected = BTreeSet::from(["eu".to_owned()]);
                assert_eq!(clusters, expected, "{kind:?}, {serves}: {}", alert.alert);
            }
        }
    }
}
