//! Two weeks of a real broker's records: a backtest and an advice by offsets of then, alone and beside a metric server.

use jiff::SignedDuration;
use rebalancer_core::assignor::Assignor;
use rebalancer_core::backtest::{self, Backtest, BacktestSpec, Came};
use rebalancer_core::fleet::{Indicator, Samples};
use rebalancer_core::policy::{Persistence, Policy};
use rebalancer_core::stats::Distribution;
use rebalancer_core::unit::Share;
use serde_json::Value;

use crate::harness::kafka::weeks::{HOURS, PARTITIONS, Weeks};
use crate::harness::rebalancer::{Rebalancer, Run};

/// Of the first hour it is not known whether the topic was there before.
const FIRST: usize = 2;

fn rebalancer(weeks: &Weeks) -> Rebalancer {
    weeks
        .fleet
        .rebalancer_without_metrics()
        .env("KAFKA_BOOTSTRAP_SERVERS", weeks.consumers.broker.bootstrap())
        .env("KAFKA_GROUP_ID", &weeks.consumers.group)
        .env("METRICS_TIME_WINDOW", "1h")
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
        .with_minimum_age(SignedDuration::ZERO);
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
                assert_eq!(pods, same, "{hour}")
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
    let requests = past["kafka_usage"]["requests"].as_u64().unwrap();
    assert!((336..=336 + 60).contains(&requests), "{}", past["kafka_usage"]);
    println!("{}: {}", past["kafka_usage"], past["runs"][0]["summary"]);
}
