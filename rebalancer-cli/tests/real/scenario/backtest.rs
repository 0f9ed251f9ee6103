//! The past from real metric servers: a fleet whose true course is known from the simulator.

use std::num::NonZeroUsize;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::backtest::{self, Backtest, BacktestSpec, Came};
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::policy::{Persistence, Policy};
use rebalancer_core::simulation::course::Balance;
use rebalancer_core::simulation::{Drift, Fleet, Shape, Spread};
use serde_json::Value;

use crate::harness::metrics::Server;
use crate::harness::rebalancer::Rebalancer;
use crate::harness::recorded::{Broken, Recorded, STEP};

/// Loads that rise and fall with the day.
pub(super) fn shape() -> Shape {
    Shape {
        pods: 8,
        partitions: 40,
        spread: Spread::LogNormal { sigma: 1.0 },
        drift: Drift { swing: 0.5, walk: 0.0, ..Drift::default() },
        assignor: Assignor::CooperativeSticky,
        hpa_percent: None,
        seed: 3,
        ..Shape::default()
    }
}

/// Moments of this many hours.
fn hours(hours: usize) -> usize {
    hours * 3600 / usize::try_from(STEP).unwrap()
}

pub(super) fn rebalancer(metrics: impl AsRef<str>) -> Rebalancer {
    let workload = Fleet::workload();
    Rebalancer::new()
        .env("PROMETHEUS_ENDPOINT", metrics.as_ref())
        .env("KUBE_NAMESPACE", workload.namespace)
        .env("DEPLOYMENT_NAME", workload.name)
        .env("KAFKA_METRICS_PRESET", "librdkafka")
        .env("KAFKA_ASSIGNOR", "cooperative-sticky")
        .env("PERSISTENCE_REQUIRED", "2")
        .env("PERSISTENCE_WINDOWS", "3")
        .env("PERSISTENCE_STEP", "5m")
}

pub(super) async fn document(rebalancer: Rebalancer, arguments: &[&str]) -> Value {
    let run = rebalancer.args(&["backtest", "--output", "json"]).args(arguments).run().await.expect_exit(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The same past in memory.
pub(super) async fn in_memory(recorded: &Recorded, step: SignedDuration) -> Backtest {
    let mut policy = Policy::default();
    policy.group.assignor = Some(Assignor::CooperativeSticky);
    let (two, three) = (NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(3).unwrap());
    policy.balance.persistence = Persistence::new(two, three, step).unwrap();
    let memory = Some(MemorySettings::default());
    backtest::run(&BacktestSpec::new(Fleet::workload().into(), policy, memory, 2), &recorded.moments).await
}

pub(super) fn close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() < 0.002, "{what}: {a} is not {b}");
}

/// Every second moment has a cycle: as it truly was, and as in memory.
pub(super) fn expect_course(past: &Value, expected: &Backtest, recorded: &Recorded, server: Server) {
    let run = &past["runs"][0];
    let cycles = run["backtest"]["cycles"].as_array().unwrap();
    assert_eq!(cycles.len(), expected.cycles.len(), "{server:?}");
    for ((cycle, expected), truth) in
        cycles.iter().zip(&expected.cycles).zip(recorded.truth.iter().step_by(2))
    {
        let cv = |course: &str| cycle[course]["cv"].as_f64().unwrap();
        close(cv("was"), Balance::of(truth).cv, "as it was");
        close(cv("would"), expected.would.unwrap().cv, "as it would have been");
        let came: Came = serde_json::from_value(cycle["came"].clone()).unwrap();
        match (&came, &expected.came) {
            (Came::Rotated { pods, .. }, Came::Rotated { pods: expected, .. }) => {
                assert_eq!(pods, expected)
            }
            (came, other) => assert_eq!(came, other, "{server:?} {cycle}: {expected:?}"),
        }
    }
}

#[tokio::test]
#[ignore]
async fn the_past_of_a_fleet_is_gone_through_as_it_truly_was() {
    let recorded = Recorded::of(&shape(), hours(48) + 1, Timestamp::now()).await;
    let expected = in_memory(&recorded, SignedDuration::from_secs(STEP)).await;
    assert!(expected.summary().rotations > 0, "{:?}", expected.summary());
    for server in Server::BOTH {
        let metrics = recorded.history(&Broken::default()).serve(server).await;
        let from = recorded.moments[0].at.to_string();
        let to = recorded.moments.last().unwrap().at.to_string();
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("answers").display().to_string();
        let arguments = ["--from", &from, "--to", &to, "--cache", &cache];
        let past = document(rebalancer(&metrics), &arguments).await;
        expect_course(&past, &expected, &recorded, server);
        let run = &past["runs"][0];
        assert_eq!(run["backtest"]["gaps"], serde_json::json!([]), "{server:?}");
        // What it cost is shown, and what was kept is not asked for again.
        let queries = |past: &Value| past["metrics_usage"]["queries"].as_u64().unwrap();
        assert!((7..=28).contains(&queries(&past)), "{server:?}: {}", past["metrics_usage"]);
        println!("{server:?}: {} values, {}; {}", past["points"], past["metrics_usage"], run["summary"]);
        let again = document(rebalancer(&metrics), &arguments).await;
        assert!(queries(&again) < queries(&past), "{server:?}: {}", again["metrics_usage"]);
        assert!(again["kept_answers"].as_u64().unwrap() > 0, "{server:?}");
        // VictoriaMetrics rounds by what else a query asks for, so the last bits may differ.
        let came = |past: &Value| -> Vec<Value> {
            let cycles = past["runs"][0]["backtest"]["cycles"].as_array().unwrap();
            cycles.iter().map(|cycle| cycle["came"]["result"].clone()).collect()
        };
        assert!(came(&again) == came(&past), "{server:?}");
        let mean = |past: &Value| past["runs"][0]["summary"]["compared"]["cv_would"].as_f64().unwrap();
        close(mean(&again), mean(&past), "again");
    }
}

#[tokio::test]
#[ignore]
async fn gaps_resets_and_a_short_retention_are_named_and_never_filled_in() {
    let recorded = Recorded::of(&shape(), hours(24) + 1, Timestamp::now()).await;
    let broken = Broken { gap: hours(8)..hours(14), reset: Some(hours(4)) };
    for server in Server::BOTH {
        let metrics = recorded.history(&broken).serve(server).await;
        // A day more than the server has.
        let from = recorded.moments[0].at - SignedDuration::from_hours(24);
        let to = recorded.moments.last().unwrap().at.to_string();
        let past = document(rebalancer(&metrics), &["--from", &from.to_string(), "--to", &to]).await;
        let gaps = past["runs"][0]["backtest"]["gaps"].as_array().unwrap();
        assert_eq!(gaps.len(), 2, "{server:?}: {gaps:?}");
        let time = |gap: usize, end: &str| gaps[gap][end].as_str().unwrap().parse::<Timestamp>().unwrap();
        let within = |a: Timestamp, b: Timestamp| a.duration_since(b).abs() <= SignedDuration::from_mins(10);
        assert!(within(time(0, "to"), recorded.moments[0].at), "{server:?}: {gaps:?}");
        assert!(within(time(1, "from"), recorded.moments[hours(8)].at), "{server:?}: {gaps:?}");
        assert!(within(time(1, "to"), recorded.moments[hours(14)].at), "{server:?}: {gaps:?}");
        for cycle in past["runs"][0]["backtest"]["cycles"].as_array().unwrap() {
            let at: Timestamp = cycle["at"].as_str().unwrap().parse().unwrap();
            let place = recorded.moments.binary_search_by_key(&at, |moment| moment.at);
            let known = place.is_ok_and(|place| place < hours(8) || place > hours(14) + 1);
            match (known, place) {
                // The counter that began anew is no gap, and no load of its own.
                (true, Ok(place)) => {
                    close(
                        cycle["was"]["cv"].as_f64().unwrap(),
                        Balance::of(&recorded.truth[place]).cv,
                        "as it was",
                    );
                }
                _ if place.is_ok_and(|place| place <= hours(8) + 1 || place + 1 >= hours(14)) => {}
                _ => assert!(cycle["was"].is_null() && cycle["would"].is_null(), "{server:?}: {cycle}"),
            }
        }
    }
}

#[tokio::test]
#[ignore]
async fn settings_are_compared_over_one_past_that_is_read_once() {
    let recorded = Recorded::of(&shape(), hours(12) + 1, Timestamp::now()).await;
    let metrics = recorded.history(&Broken::default()).serve(Server::Prometheus).await;
    let (from, to) = (recorded.moments[0].at.to_string(), recorded.moments.last().unwrap().at.to_string());
    let sweep = ["--sweep", "REBALANCE_TOP_K_PODS=1,2", "--sweep", "CPU_VARIANCE_THRESHOLD=0.3,100"];
    let arguments = [&["--from", from.as_str(), "--to", &to], &sweep[..]].concat();
    let past = document(rebalancer(&metrics), &arguments).await;
    assert_eq!(past["runs"].as_array().unwrap().len(), 4);
    for run in past["runs"].as_array().unwrap() {
        let calm = run["settings"]["CPU_VARIANCE_THRESHOLD"] == "100";
        assert_eq!(run["summary"]["removals"] == 0, calm, "{}", run["summary"]);
    }
    let best = usize::try_from(past["best"].as_u64().unwrap()).unwrap();
    assert_eq!(past["runs"][best]["settings"]["CPU_VARIANCE_THRESHOLD"], "0.3");
    assert!(past["metrics_usage"]["queries"].as_u64().unwrap() <= 14, "{}", past["metrics_usage"]);
    let most = ["--from", from.as_str(), "--to", &to, "--points", "100"];
    let run = rebalancer(&metrics).args(&["backtest"]).args(&most).run().await.expect_exit(1);
    assert!(run.stderr.contains("more than the 100 of --points"), "{}", run.stderr);
}
