//! Two weeks of a real broker's records: a backtest and an advice by offsets of then, alone and beside a metric server.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::backtest::{self, Backtest, BacktestSpec, Came};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::policy::{Persistence, Policy};
use rebalancer_core::stats::Distribution;
use rebalancer_core::unit::{Load, Share, Tolerance};
use serde_json::Value;

use crate::harness::kafka::weeks::{HOUR, HOURS, PARTITIONS, Weeks};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::series::seconds;

/// Of the first hour it is not known whether the topic was there before.
const FIRST: usize = 2;

/// No pod with a whole number of records is just at the limit, where the last bit of a metric server's rate decides.
const TOLERANCE: f64 = 1.213_7;

fn rebalancer(weeks: &Weeks) -> Rebalancer {
    weeks
        .fleet
        .rebalancer_without_metrics()
        .env("KAFKA_BOOTSTRAP_SERVERS", weeks.consumers.broker.bootstrap())
        .env("KAFKA_GROUP_ID", &weeks.consumers.group)
        .env("METRICS_TIME_WINDOW", "1h")
        .env("TOLERANCE_MULTIPLIER", TOLERANCE.to_string())
}

async fn backtest(rebalancer: Rebalancer, weeks: &Weeks, arguments: &[&str]) -> Run {
    let (from, to) = (weeks.at(FIRST).to_string(), weeks.end.to_string());
    let span = ["backtest", "--from", &from, "--to", &to, "--every", "1h"];
    rebalancer.args(&span).args(arguments).run().await
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

/// The same past in memory.
async fn in_memory(
    weeks: &Weeks,
    indicator: Indicator,
    loads: impl Fn(&Weeks, usize) -> Samples,
) -> Backtest {
    let mut policy = Policy::default()
        .with_assignor(Some(Assignor::CooperativeSticky))
        .with_minimum_age(SignedDuration::ZERO)
        .with_tolerance(Tolerance::new(TOLERANCE).unwrap());
    policy.limits.most_share = Share::new(1.0).unwrap();
    policy.balance.persistence = Persistence::NONE;
    let history = weeks.moments(FIRST, indicator, loads);
    let workload = rebalancer_core::Workload {
        namespace: weeks.fleet.namespace.clone(),
        name: weeks.fleet.name().to_owned(),
    };
    backtest::run(&BacktestSpec::new(workload.into(), policy, None, 1), &history).await
}

fn cv(loads: &Samples) -> f64 {
    Distribution::of(loads.values().copied()).unwrap().cv
}

/// The course is that of memory, and as it was, the true one.
fn expect_course(past: &Value, expected: &Backtest, weeks: &Weeks, allowed: f64) {
    let cycles = past["runs"][0]["backtest"]["cycles"].as_array().unwrap();
    assert_eq!(cycles.len(), HOURS + 1 - FIRST);
    for ((cycle, expected), hour) in cycles.iter().zip(&expected.cycles).zip(FIRST..) {
        let seen = |course: &str| cycle[course]["cv"].as_f64().unwrap_or_else(|| panic!("{hour}: {cycle}"));
        let close = |a: f64, b: f64| assert!((a - b).abs() < allowed, "{hour}: {a} is not {b}; {cycle}");
        close(seen("was"), cv(&weeks.by_pod(hour)));
        close(seen("would"), expected.would.unwrap().cv);
        let came: Came = serde_json::from_value(cycle["came"].clone()).unwrap();
        match (&came, &expected.came) {
            (Came::Rotated { pods, .. }, Came::Rotated { pods: same, .. }) => {
                // Of two that are as hot, either comes first.
                let set = |pods: &[String]| pods.iter().cloned().collect::<BTreeSet<_>>();
                assert_eq!(set(pods), set(same), "{hour}");
            }
            (came, same) => assert_eq!(came, same, "{hour}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn two_weeks_of_offsets_give_the_true_course_and_that_with_rotations() {
    let weeks = Weeks::start("weeks").await;
    let run = backtest(rebalancer(&weeks), &weeks, &["--output", "json"]).await.expect_exit(0);
    let past = document(&run);
    let expected = in_memory(&weeks, Indicator::ProductionRate, Weeks::by_pod).await;
    assert!(expected.summary().rotations > 0, "{:?}", expected.summary());
    expect_course(&past, &expected, &weeks, 1e-6);
    let offsets = &past["offsets"];
    assert_eq!((&offsets["partitions"], &offsets["times"]), (&PARTITIONS.into(), &HOURS.into()));
    assert_eq!(
        (&offsets["rates_before"], &offsets["held_before"]),
        (&Value::Null, &Value::Null),
        "{offsets}"
    );
    // What it cost is shown and bounded: a request for each time, and few others.
    let requests = |past: &Value| past["kafka_usage"]["requests"].as_u64().unwrap();
    assert!((336..=336 + 60).contains(&requests(&past)), "{}", past["kafka_usage"]);
    println!("{}: {}", past["kafka_usage"], past["runs"][0]["summary"]);
    // What was kept is not asked for again: all but the chunk of the end, since which nothing came.
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("answers").display().to_string();
    let keeping = ["--output", "json", "--cache", &cache];
    let kept = document(&backtest(rebalancer(&weeks), &weeks, &keeping).await.expect_exit(0));
    assert_eq!(kept["kept_times"], 0);
    let again = document(&backtest(rebalancer(&weeks), &weeks, &keeping).await.expect_exit(0));
    let times = again["kept_times"].as_u64().unwrap();
    assert!(times >= u64::try_from(HOURS - 64).unwrap(), "{times}");
    assert!(requests(&again) <= requests(&past) - times, "{}", again["kafka_usage"]);
    for other in [&kept, &again] {
        assert_eq!((&other["runs"], &other["offsets"]), (&past["runs"], &past["offsets"]));
    }
    println!("{times} times kept: {}", again["kafka_usage"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn retention_that_is_shorter_than_asked_is_named_and_nothing_is_carried_out_before() {
    const REACHES: usize = 200;
    let weeks = Weeks::start("retention").await;
    weeks.delete_before(5, REACHES).await;
    let run = backtest(rebalancer(&weeks), &weeks, &["--output", "json"]).await.expect_exit(0);
    let past = document(&run);
    let why = past["offsets"]["rates_before"].as_str().unwrap();
    assert!(why.contains(&format!("{}-5: its log does not reach back", weeks.topic)), "{why}");
    // The record at the log's start may be one of those that were deleted, by its time.
    let from: Timestamp = past["offsets"]["rates_from"].as_str().unwrap().parse().unwrap();
    assert!(weeks.at(REACHES) < from && from <= weeks.at(REACHES + 3), "{from}");
    for (cycle, hour) in past["runs"][0]["backtest"]["cycles"].as_array().unwrap().iter().zip(FIRST..) {
        let known = weeks.at(hour) >= from;
        assert_eq!(cycle["was"].is_null(), !known, "{hour}: {cycle}");
        assert!(known || cycle["came"]["result"] == "gap", "{hour}: {cycle}");
    }
    assert!(past["runs"][0]["summary"]["rotations"].as_u64().unwrap() > 0, "{}", past["runs"][0]["summary"]);
    // People are told the same.
    let shown = backtest(rebalancer(&weeks), &weeks, &[]).await.expect_exit(0).stdout;
    for words in
        ["what was produced is known from", "does not reach back", "who held what is known from", "Kafka: "]
    {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    println!("{shown}");
    // What would be too much is known before it is asked for.
    let run = backtest(rebalancer(&weeks), &weeks, &["--points", "1000"]).await.expect_exit(1);
    assert!(run.stderr.contains("offsets of 24 partitions at 336 times are 8064 values"), "{}", run.stderr);
    let run = backtest(rebalancer(&weeks).env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), &weeks, &[]).await;
    assert_eq!(run.exit_code, 1, "{run:?}");
    for words in ["there is no metric server", "the consumer group could not be read"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

/// A message costs a core second.
fn cores(weeks: &Weeks, hour: usize) -> Samples {
    weeks.by_pod(hour).into_iter().map(|(pod, rate)| (pod, Load::new(rate.get() * CORES).unwrap())).collect()
}

const CORES: f64 = 100.0;
/// Between two samples.
const SCRAPE: i64 = 240;

/// CPU, pods, and lag where there is some, as cAdvisor, kube-state-metrics and an exporter would have told it.
fn history(weeks: &Weeks, lag: impl Fn(&str, usize) -> f64) -> History {
    let mut history =
        weeks.fleet.requests(&weeks.pods).every(usize::try_from(SCRAPE).unwrap()).seen_at(weeks.end);
    let hours = i64::try_from(HOURS).unwrap();
    let span = || -hours * HOUR..=0;
    let scrapes = usize::try_from(HOUR / SCRAPE).unwrap();
    let each = |value: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let first = std::iter::once(value(1));
        first.chain((1..=HOURS).flat_map(|hour| std::iter::repeat_n(value(hour), scrapes))).collect()
    };
    let created = (weeks.end - SignedDuration::from_hours(480)).as_second();
    for pod in &weeks.pods.0 {
        let (name, uid, container) =
            (("pod", &*pod.name), ("uid", &*pod.uid), ("container", weeks.fleet.name()));
        let mut total = 0.0;
        let rates = each(&|hour| cores(weeks, hour)[&pod.name].get());
        let counted = rates.iter().map(|rate| {
            total += rate * seconds(SCRAPE);
            total
        });
        let cpu = [name, container, ("image", "registry.invalid/consumer:1"), ("cpu", "total")];
        history = history.recorded("container_cpu_usage_seconds_total", &cpu, counted.collect(), span());
        let (set, _) = pod.name.rsplit_once('-').unwrap();
        let info = [name, uid, ("created_by_kind", "ReplicaSet"), ("created_by_name", set)];
        let always = |history: History, metric: &str, labels: &[(&str, &str)], value: f64| {
            history.recorded(metric, labels, each(&|_| value), span())
        };
        history = always(history, "kube_pod_info", &info, 1.0);
        history = always(history, "kube_pod_container_info", &[name, uid, container], 1.0);
        history = always(history, "kube_pod_status_ready", &[name, uid, ("condition", "true")], 1.0);
        history = always(history, "kube_pod_created", &[name, uid], seconds(created));
        history = history.recorded("consumer_lag", &[name], each(&|hour| lag(&pod.name, hour)), span());
    }
    history
}

/// Each pod consumes so many messages in an hour at most; what it can't is its lag.
fn queues(weeks: &Weeks, capacity: f64) -> Vec<Samples> {
    let mut lags: Samples = weeks.by_pod(1).into_keys().map(|pod| (pod, Load::new(0.0).unwrap())).collect();
    let mut all = vec![lags.clone()];
    for hour in 1..=HOURS {
        for (pod, rate) in weeks.by_pod(hour) {
            let lag = lags[&pod].get() + rate.get() * seconds(HOUR) - capacity;
            lags.insert(pod, Load::new(lag.max(0.0)).unwrap());
        }
        all.push(lags.clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn beside_a_metric_server_offsets_tell_what_its_pods_hold_and_how_long_they_would_have_lagged() {
    const BEHIND: f64 = 100.0;
    let weeks = Weeks::start("beside").await;
    let expected = in_memory(&weeks, Indicator::Cpu, cores).await;
    assert!(expected.summary().rotations > 0, "{:?}", expected.summary());
    let mean =
        weeks.counts.iter().flatten().sum::<u32>() / u32::try_from(HOURS * weeks.pods.0.len()).unwrap();
    let lags = queues(&weeks, f64::from(mean) * 1.6);
    let behind = |lags: &Samples| lags.values().filter(|lag| lag.get() > BEHIND).count();
    let truth: usize = lags[FIRST..].iter().map(behind).sum();
    assert!(truth > 100, "{truth} pod-hours");
    for server in Server::BOTH {
        let metrics = history(&weeks, |pod, hour| lags[hour][pod].get()).serve(server).await;
        let base = || {
            rebalancer(&weeks)
                .env("PROMETHEUS_ENDPOINT", metrics.as_ref())
                .env("CPU_VARIANCE_THRESHOLD", "0.3")
        };
        let with_lag = base()
            .env("INDICATORS", "cpu,lag")
            .env("KAFKA_LAG_QUERY", "consumer_lag{namespace=\"{{namespace}}\"}")
            .env("LAG_VARIANCE_THRESHOLD", "1000")
            .env("INDICATOR_WEIGHTS", "lag=0");
        let run = backtest(with_lag, &weeks, &["--output", "json", "--lag", "100"]).await.expect_exit(0);
        let past = document(&run);
        expect_course(&past, &expected, &weeks, 0.002);
        assert_eq!(past["offsets"]["held_before"], Value::Null, "{server:?}: {}", past["offsets"]);
        let lag = &past["runs"][0]["summary"]["lag"];
        println!("{server:?}: {lag}; {}; {}", past["metrics_usage"], past["kafka_usage"]);
        let hours = |of: &Value| of.as_f64().unwrap_or_else(|| panic!("{server:?}: {lag}"));
        assert!((hours(&lag["pod_hours_was"]) - truth as f64).abs() < 0.5, "{server:?}: {truth} {lag}");
        assert_eq!(lag["compared"]["cycles"], HOURS + 1 - FIRST, "{server:?}: {lag}");
        let avoided = hours(&lag["compared"]["pod_hours_was"]) - hours(&lag["compared"]["pod_hours_would"]);
        assert!(avoided > truth as f64 / 10.0, "{server:?}: {lag}");
        // A broker that is gone takes away what it would have told, and nothing else.
        let gone = [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("INDICATORS", "cpu")];
        let without = base().envs(&gone);
        let run = backtest(without, &weeks, &["--output", "json"]).await.expect_exit(0);
        assert!(run.stderr.contains("offsets_not_read"), "{server:?}: {}", run.stderr);
        let other = document(&run);
        let why = other["offsets_not_read"].as_str().unwrap();
        assert!(why.contains("the consumer group could not be read"), "{server:?}: {why}");
        let cycles = |past: &Value| past["runs"][0]["backtest"]["cycles"].as_array().unwrap().clone();
        for (cycle, known) in cycles(&other).iter().zip(cycles(&past)) {
            for figure in ["above", "pods", "cv", "max_to_mean"] {
                let of = |cycle: &Value| cycle["was"][figure].as_f64();
                let (seen, same) = (of(cycle).unwrap(), of(&known).unwrap());
                // Asked twice, a metric server's rate may differ in its last digits.
                assert!((seen - same).abs() < 1e-9, "{server:?}: {figure} {seen} is not {same}");
            }
        }
        assert_eq!(
            other["runs"][0]["summary"]["rotations"], 0,
            "{server:?}: {}",
            other["runs"][0]["summary"]
        );
        assert_ne!(other["runs"][0]["summary"]["wanted"], 0, "{server:?}: {}", other["runs"][0]["summary"]);
        // Where an indicator is asked of it, there is no backtest without it.
        let needed = [gone[0], ("INDICATORS", "cpu,production_rate")];
        let run = backtest(base().envs(&needed), &weeks, &[]).await.expect_exit(1);
        assert!(run.stderr.contains("INDICATORS has production_rate"), "{server:?}: {}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn advice_on_the_mean_of_a_window_is_that_of_its_offsets() {
    let weeks = Weeks::start("advised").await;
    // A day to the last whole hour, and the minutes since, in which nothing came.
    let now = Timestamp::now();
    let run = rebalancer(&weeks)
        .args(&["advise", "--window", "72h", "--output", "json"])
        .run()
        .await
        .expect_exit(0);
    let advice = document(&run);
    assert_eq!(advice["basis"]["basis"], "mean", "{advice:#}");
    let known = &advice["outlook"];
    assert_eq!(
        (&known["outlook"], &known["partitions"]),
        (&"known".into(), &PARTITIONS.into()),
        "{advice:#}"
    );
    let sums = |from: usize| {
        let total = |partition: usize| weeks.counts[partition][from..].iter().sum::<u32>();
        (0..PARTITIONS).map(total).map(f64::from).collect::<Vec<_>>()
    };
    // The window begins within an hour: between these two.
    let begin = HOURS
        - usize::try_from(
            (now - SignedDuration::from_hours(72)).duration_since(weeks.end).as_secs().abs() / HOUR,
        )
        .unwrap();
    let between = |seen: f64, of: fn(&[f64]) -> f64| {
        let [a, b] = [of(&sums(begin - 1)), of(&sums(begin))];
        assert!(a.min(b) * 0.98 <= seen && seen <= a.max(b) * 1.02, "{seen} is not from {a} to {b}");
    };
    between(known["hottest"]["of_mean_pod"].as_f64().unwrap(), |sums| {
        sums.iter().copied().fold(0.0, f64::max) / (sums.iter().sum::<f64>() / 6.0)
    });
    let text = rebalancer(&weeks).args(&["advise", "--window", "72h"]).run().await.expect_exit(0).stdout;
    assert!(text.contains("mean of 3d by offsets") || text.contains("mean of 72h by offsets"), "{text}");
    // Before the first record nobody knows, and before retention neither.
    let far = rebalancer(&weeks).args(&["advise", "--window", "480h"]).run().await.expect_exit(1);
    assert!(far.stderr.contains("has no record before"), "{}", far.stderr);
    weeks.delete_before(7, HOURS - 24).await;
    let run = rebalancer(&weeks).args(&["advise", "--window", "72h"]).run().await.expect_exit(1);
    assert!(run.stderr.contains("does not reach back"), "{}", run.stderr);
}
