//! Weeks of partition loads on real metric servers: what will pass holds, what lasts is acted on, and a broken history is named.

use std::f64::consts::TAU;

use serde_json::Value;

use crate::harness::example::FOUR_MAY_GO;
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::Run;
use crate::harness::series::seconds;

/// Messages a second of each pod's partitions now. A message costs a millicore.
const HOLDS: [[f64; 4]; 6] = [
    [700.0, 600.0, 100.0, 100.0],
    [150.0, 150.0, 150.0, 150.0],
    [50.0, 50.0, 50.0, 50.0],
    [150.0, 140.0, 160.0, 150.0],
    [100.0, 120.0, 110.0, 130.0],
    [60.0, 40.0, 55.0, 45.0],
];

const STEP: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Two weeks to learn from, the days of trials, and some more.
const FROM: i64 = -18 * DAY;
const TO: i64 = 300;

/// What of the first pod's hot partitions is only there for two hours a day, now among them.
#[derive(Clone, Copy, PartialEq)]
enum Hot {
    ForAWhile,
    Always,
}

/// Messages a second so many seconds from now: the level grows from day to day, and has a daily wave.
fn rate(now: f64, hot: Hot, second: i64) -> f64 {
    let days = seconds(second) / seconds(DAY);
    let (usual, burst) = if hot == Hot::ForAWhile && now > 200.0 { (100.0, now - 100.0) } else { (now, 0.0) };
    let is_burst = (second + 90 * 60).rem_euclid(DAY) < 2 * HOUR;
    usual * (1.0 + 0.02 * days) * (1.0 + 0.1 * (TAU * days).sin()) + if is_burst { burst } else { 0.0 }
}

/// The counter, without what was scraped in the gap.
fn counter(now: f64, hot: Hot, gap: &std::ops::Range<i64>) -> Vec<f64> {
    let mut total = 1e6;
    let scrapes = (FROM..=TO).step_by(usize::try_from(STEP).unwrap());
    let value = |second| {
        total += rate(now, hot, second) * seconds(STEP);
        if gap.contains(&second) { f64::NAN } else { total }
    };
    scrapes.map(value).collect()
}

fn weeks(fleet: &Fleet, pods: &Pods, hot: Hot, gap: &std::ops::Range<i64>) -> History {
    let mut history = fleet.history(pods).every(usize::try_from(STEP).unwrap());
    for (index, pod) in pods.0.iter().enumerate() {
        for (place, &now) in HOLDS[index].iter().enumerate() {
            let number = match (index, place) {
                (0, 0) => 1,
                (1, 0) => 0,
                _ => place * 6 + index,
            };
            let number = number.to_string();
            let labels = [
                ("pod", pod.name.as_str()),
                ("container", fleet.name()),
                ("topic", "events"),
                ("partition", &number),
            ];
            let values = counter(now, hot, gap);
            history = history.recorded("rdkafka_topics_partitions_rxmsgs", &labels, values, FROM..=TO);
        }
    }
    history
}

async fn fleet() -> Fleet {
    let cores: Vec<f64> = HOLDS.iter().map(|loads| loads.iter().sum::<f64>() / 1000.0).collect();
    Fleet::named("forecast").cpu(&cores).hpa(70).start().await
}

async fn cycle(fleet: &Fleet, metrics: impl AsRef<str>) -> Run {
    let variables = [
        FOUR_MAY_GO[0],
        ("KAFKA_METRICS_PRESET", "librdkafka"),
        ("KAFKA_ASSIGNOR", "cooperative-sticky"),
        ("KAFKA_REPLACEMENT_TIMING", "all-at-once"),
        ("FORECAST_HORIZON", "4h"),
    ];
    fleet.rebalance(metrics, &variables).await.expect_exit(0)
}

fn logged(run: &Run, event: &str) -> Value {
    run.log_with(&[&format!("\"event\":\"{event}\"")])[0].clone()
}

#[tokio::test]
#[ignore]
async fn an_imbalance_that_passes_within_the_horizon_holds() {
    for server in Server::BOTH {
        let fleet = fleet().await;
        let before = fleet.settled().await;
        let metrics = weeks(&fleet, &before, Hot::ForAWhile, &(0..0)).serve(server).await;
        let run = cycle(&fleet, &metrics).await;
        let (forecast, decision) = (logged(&run, "forecast"), logged(&run, "decision"));
        assert_eq!(forecast["used"], true, "{server:?} {forecast}");
        assert_eq!(decision["decision"], "will_pass", "{server:?} {decision}");
        let error = |of: &str| forecast[of].as_f64().unwrap();
        assert!(error("error") < error("error_as_now") && error("error") < error("error_as_a_day_ago"));
        assert!(fleet.gone(&before).await.is_empty(), "{server:?}");
        println!("{server:?}: {forecast}\n{}", logged(&run, "metrics_usage"));
    }
}

#[tokio::test]
#[ignore]
async fn an_imbalance_that_lasts_is_acted_on() {
    for server in Server::BOTH {
        let fleet = fleet().await;
        let before = fleet.settled().await;
        let metrics = weeks(&fleet, &before, Hot::Always, &(0..0)).serve(server).await;
        let run = cycle(&fleet, &metrics).await;
        assert_eq!(logged(&run, "forecast")["used"], true, "{server:?}");
        assert!(fleet.gone(&before).await.contains(&0), "{server:?} {}", logged(&run, "decision"));
    }
}

#[tokio::test]
#[ignore]
async fn a_history_with_a_gap_is_named_and_not_used() {
    for server in Server::BOTH {
        let fleet = fleet().await;
        let before = fleet.settled().await;
        let gap = -30 * HOUR..-26 * HOUR;
        let metrics = weeks(&fleet, &before, Hot::ForAWhile, &gap).serve(server).await;
        let run = cycle(&fleet, &metrics).await;
        let forecast = logged(&run, "forecast");
        assert_eq!(
            (&forecast["used"], &forecast["not_used"]),
            (&false.into(), &"broken".into()),
            "{forecast}"
        );
        let why = forecast["why"].as_str().unwrap();
        assert!(
            why.contains("24 of 24 series have less than") && why.contains("the shortest since"),
            "{why}"
        );
        // The loads of now count.
        assert!(fleet.gone(&before).await.contains(&0), "{server:?}");
    }
}
