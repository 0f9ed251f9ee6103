//! `rebalancer check` with queries that give nothing, too little, or something else; and with clocks that differ.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use jiff::SignedDuration;
use tokio::net::TcpListener;

use crate::harness::broken::{Broken, Fault};
use crate::harness::check::{Findings, check, six};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{History, Server};
use crate::harness::wait;

async fn found(
    fleet: &Fleet,
    metrics: impl AsRef<str>,
    variables: &[(&str, &str)],
    exit_code: i32,
) -> Findings {
    let (findings, run) = check(fleet.rebalancer(metrics).envs(variables)).await;
    assert_eq!(run.exit_code, exit_code, "{findings:#?}");
    findings.expect("ok", "permissions", &[]);
    findings
}

#[tokio::test]
#[ignore]
async fn a_metric_that_the_server_has_not_is_named() {
    let fleet = six("check-unscraped").start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.requests(&pods).serve(server).await;
        found(&fleet, &metrics, &[], 1).await.expect(
            "error",
            "samples_missing",
            &["none of 6 pods", "the server has no metric container_cpu_usage_seconds_total", "cAdvisor"],
        );
    }
}

#[tokio::test]
#[ignore]
async fn a_metric_of_another_namespace_container_or_pod_is_told_apart() {
    let fleet = six("check-mislabelled").start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        let history =
            |namespace: &str, container: &str, pod: &str| History::new(namespace, container).cpu(pod, 1.0);
        let elsewhere = history("elsewhere", fleet.name(), &pods.0[0].name).serve(server).await;
        found(&fleet, &elsewhere, &[], 1).await.expect(
            "error",
            "samples_missing",
            &["only for other namespaces: elsewhere"],
        );
        let sidecar = history(&fleet.namespace, "sidecar", &pods.0[0].name).serve(server).await;
        found(&fleet, &sidecar, &[], 1).await.expect(
            "error",
            "samples_missing",
            &["but: sidecar", "CONTAINER_NAME=sidecar"],
        );
        let stranger = history(&fleet.namespace, fleet.name(), "a-stranger").serve(server).await;
        found(&fleet, &stranger, &[], 1).await.expect(
            "error",
            "samples_missing",
            &["series of other pods: a-stranger"],
        );
    }
}

#[tokio::test]
#[ignore]
async fn series_that_have_ended_are_stale() {
    let fleet = six("check-stale").start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&pods).cpu_only_during(&(-1100..=-600)).serve(server).await;
        found(&fleet, &metrics, &[], 1).await.expect(
            "error",
            "samples_stale",
            &["is 10m ", "s old", "scraping has stopped"],
        );
    }
}

#[tokio::test]
#[ignore]
async fn a_window_that_holds_fewer_than_two_samples_is_named_with_one_that_would_do() {
    let fleet = six("check-window").start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&pods).every(60).serve(server).await;
        let too_short = [("METRICS_TIME_WINDOW", "1m"), ("MINIMUM_POD_AGE", "0s")];
        // VictoriaMetrics reckons with the last sample before the window too.
        if server == Server::VictoriaMetrics {
            found(&fleet, &metrics, &too_short, 0).await.expect("ok", "samples", &["cpu: all 6"]);
            continue;
        }
        found(&fleet, &metrics, &too_short, 1)
            .await
            .expect(
                "error",
                "window_too_short",
                &["a sample every 1m", "a window of 1m", "METRICS_TIME_WINDOW=4m"],
            )
            .lacks("samples_missing");
        found(&fleet, &metrics, &[("METRICS_TIME_WINDOW", "4m")], 0).await.expect(
            "ok",
            "samples",
            &["cpu: all 6"],
        );
    }
}

#[tokio::test]
#[ignore]
async fn samples_that_are_late_are_told_from_scraping_that_has_stopped() {
    let fleet = six("check-late").start().await;
    let pods = fleet.settled().await;
    let up = |span| History::new("monitoring", "x").gauge("up", &[("job", "kubelet")], 1.0).during(&span);
    for server in Server::BOTH {
        for (newest, code) in [(-400, "samples_late"), (300, "samples_stale")] {
            let cpu = fleet.history(&pods).cpu_only_during(&(-1100..=-400));
            let metrics = cpu.and(up(-1100..=newest)).serve(server).await;
            found(&fleet, &metrics, &[], 1).await.expect("error", code, &["m", "old"]);
        }
    }
    // Still within the window, which holds no second one.
    let cpu = fleet.history(&pods).cpu_only_during(&(-1100..=-100));
    let metrics = cpu.and(up(-1100..=300)).serve(Server::Prometheus).await;
    let window = [("METRICS_TIME_WINDOW", "2m")];
    let findings = found(&fleet, &metrics, &window, 1).await;
    findings.expect("error", "samples_stale", &["though there was one every 15s", "holds fewer than two"]);
}

#[tokio::test]
#[ignore]
async fn labels_that_are_called_otherwise_are_named() {
    let fleet = six("check-labels").start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        let whole = || fleet.history(&pods);
        let exported = ["namespace", "pod", "container"]
            .iter()
            .fold(whole(), |history, label| history.renamed(label, &format!("exported_{label}")));
        let exported = exported.labelled(&[
            ("namespace", "monitoring"),
            ("pod", "an-exporter"),
            ("container", "exporter"),
        ]);
        let old = whole().renamed("pod", "pod_name").renamed("container", "container_name");
        let no_container = whole().renamed("container", "container_name");
        let other = whole().renamed("namespace", "kubernetes_namespace");
        for (history, words) in [
            (exported, &["exported_namespace, exported_pod, exported_container", "honor_labels: true"][..]),
            (old, &["without the label pod, container", "container_name", "pod_name", "CPU_QUERY"]),
            (no_container, &["without the label container", "container_name"]),
            (other, &["without the label namespace", "kubernetes_namespace"]),
        ] {
            let metrics = history.serve(server).await;
            found(&fleet, &metrics, &[], 1).await.expect("error", "samples_missing", words);
        }
    }
}

#[tokio::test]
#[ignore]
async fn a_metric_of_another_name_and_matchers_that_match_nothing_are_named() {
    let fleet = six("check-renamed").start().await;
    let pods = fleet.settled().await;
    let (usual, other) = ("container_cpu_usage_seconds_total", "container_cpu_usage_seconds");
    for server in Server::BOTH {
        let renamed = fleet.history(&pods).metric_renamed(usual, other).serve(server).await;
        found(&fleet, &renamed, &[], 1).await.expect(
            "error",
            "samples_missing",
            &[&format!("no metric {usual}, but the pods have {other}"), "CPU_QUERY"],
        );
        let metrics = fleet.history(&pods).labelled(&[("cluster", "eu")]).serve(server).await;
        let matchers = [("PROMETHEUS_MATCHERS", "cluster=\"uk\"")];
        found(&fleet, &metrics, &matchers, 1).await.expect(
            "error",
            "samples_missing",
            &["there is cluster=\"eu\"", "correct PROMETHEUS_MATCHERS"],
        );
        let plan = fleet.rebalancer(&metrics).envs(&matchers).args(&["plan"]).run().await.expect_exit(0);
        assert!(plan.words().contains("PROMETHEUS_MATCHERS=cluster=\"uk\" (environment)"), "{}", plan.stdout);
    }
}

#[tokio::test]
#[ignore]
async fn pods_without_samples_are_named_and_too_many_of_them_are_an_error() {
    let fleet = six("check-few-samples").start().await;
    let pods = fleet.settled().await;
    let (first, second) = (&pods.0[0].name, &pods.0[1].name);
    let one = fleet.history(&pods).without_cpu(first).serve(Server::Prometheus).await;
    found(&fleet, &one, &[], 0).await.expect("warning", "samples_few", &["5 of 6 pods", first]);
    let two =
        fleet.history(&pods).without_cpu(first).without_cpu(second).serve(Server::VictoriaMetrics).await;
    let variables = [("MINIMUM_SAMPLE_COVERAGE", "0.8")];
    found(&fleet, &two, &variables, 1).await.expect(
        "error",
        "samples_few",
        &["4 of 6 pods", first, second, "MINIMUM_SAMPLE_COVERAGE"],
    );
    // Pods that are too young to be asked for samples are no mistake.
    let young = [("MINIMUM_POD_AGE", "1h")];
    found(&fleet, &two, &young, 0).await.expect("warning", "samples_few", &["younger than MINIMUM_POD_AGE"]);
}

#[tokio::test]
#[ignore]
async fn a_query_of_the_wrong_shape_and_one_that_is_refused_name_their_variable() {
    let fleet = six("check-queries").start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    let shapeless =
        [("CPU_QUERY", r#"sum(rate(container_cpu_usage_seconds_total{namespace="{{namespace}}"}[5m]))"#)];
    found(&fleet, &metrics, &shapeless, 1).await.expect(
        "error",
        "query_unusable",
        &["CPU_QUERY", "label pod"],
    );
    let foreign = [
        ("CPU_QUERY", "median by (pod) (rate(container_cpu_usage_seconds_total))"),
        ("QUERY_DIALECT", "metricsql"),
    ];
    found(&fleet, &metrics, &foreign, 1).await.expect("error", "query_refused", &["CPU_QUERY"]);
    // Another indicator can be used, so cycles go on.
    let lag = [
        ("KAFKA_LAG_QUERY", "sum by (pod) (no_such_metric)"),
        ("PARTITION_LOAD_QUERY", "no_such_partitions"),
    ];
    let findings = found(&fleet, &metrics, &lag, 0).await;
    findings
        .expect("ok", "samples", &["cpu: all 6 pods"])
        .expect("warning", "samples_missing", &["lag", "no_such_metric"])
        .expect("warning", "samples_missing", &["partition_load", "no_such_partitions"]);
}

#[tokio::test]
#[ignore]
async fn an_answer_that_is_not_whole_is_told() {
    let fleet = six("check-partial").start().await;
    let pods = fleet.settled().await;
    let loads: Vec<(&str, f64)> = pods.0.iter().map(|pod| (pod.name.as_str(), 1.0)).collect();
    let server = Broken::start(Fault::partial(&loads)).await;
    let (findings, run) = check(fleet.rebalancer(&server)).await;
    assert_eq!(run.exit_code, 1, "{findings:#?}");
    findings.expect("error", "query_failed", &["isPartial", "storage nodes"]);
}

#[tokio::test]
#[ignore]
async fn a_clock_that_differs_is_told_with_whose_it_is() {
    let fleet = six("check-clock").start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    for (offset, severity, words) in
        [(-90, "warning", "ahead of the metric server's"), (900, "error", "behind the metric server's")]
    {
        let url = dated(&metrics.url, offset).await;
        let (findings, _) = check(fleet.rebalancer(&url)).await;
        findings.expect(severity, "clock_skew", &[words, "NTP"]);
        // An answer takes some time on a busy machine, and its date has whole seconds.
        let message = findings.message("clock_skew");
        let (_, told) = message.split_once("our clock is ").unwrap();
        let told: SignedDuration = told
            .split(' ')
            .take_while(|word| word.ends_with(['m', 's']))
            .collect::<String>()
            .parse()
            .unwrap();
        assert!(
            told.as_secs().unsigned_abs().abs_diff(offset.unsigned_abs()) <= wait::PATIENCE.as_secs() / 2,
            "{findings:#?}"
        );
    }
}

/// The same server, whose clock is off by so many seconds.
async fn dated(upstream: &str, offset: i64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = upstream.to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let router = Router::new().fallback(any(move |request: Request| {
        let (upstream, http) = (upstream.clone(), http.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let request = http.post(format!("{upstream}{}", parts.uri)).body(body);
            let form = "application/x-www-form-urlencoded";
            let answer = request.header("content-type", form).send().await.unwrap().text().await.unwrap();
            let date = jiff::Timestamp::now() + SignedDuration::from_secs(offset);
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            ([("date", date), ("content-type", "application/json".to_owned())], answer)
        }
    }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
