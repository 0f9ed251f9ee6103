//! Two weeks of real metric servers: a fleet whose true course is known, and a week of it without samples.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::simulation::course::Balance;
use serde_json::Value;

use super::backtest::{close, document, expect_course, in_memory, rebalancer, shape};
use crate::harness::metrics::Server;
use crate::harness::recorded::{Broken, Recorded};

/// Seconds between two moments.
const STEP: i64 = 1200;
/// Two weeks of them.
const WEEKS: usize = 14 * DAY;
const DAY: usize = 72;

fn rebalancer_of_weeks(metrics: impl AsRef<str>) -> crate::harness::rebalancer::Rebalancer {
    rebalancer(metrics)
        .env("METRICS_TIME_WINDOW", "20m")
        .env("MINIMUM_POD_AGE", "5m")
        .env("PERSISTENCE_STEP", "20m")
}

const EVERY: [&str; 2] = ["--every", "40m"];

#[tokio::test]
#[ignore]
async fn two_weeks_are_the_true_course_and_what_they_cost_is_bounded() {
    let recorded = Recorded::every(STEP, &shape(), WEEKS + 1, Timestamp::now()).await;
    let expected = in_memory(&recorded, SignedDuration::from_secs(STEP)).await;
    assert!(expected.summary().rotations > 0, "{:?}", expected.summary());
    let (from, to) = (recorded.moments[0].at.to_string(), recorded.moments.last().unwrap().at.to_string());
    for server in Server::BOTH {
        let metrics = recorded.history(&Broken::default()).serve(server).await;
        let arguments = [&["--from", from.as_str(), "--to", &to], &EVERY[..]].concat();
        let past = document(rebalancer_of_weeks(&metrics), &arguments).await;
        expect_course(&past, &expected, &recorded, server);
        println!(
            "{server:?}: {} values, {}; {}",
            past["points"], past["metrics_usage"], past["runs"][0]["summary"]
        );
        // Seven queries for each chunk of 288 moments, of which 1,009 have four or five.
        let queries = past["metrics_usage"]["queries"].as_u64().unwrap();
        assert!((28..=35).contains(&queries), "{server:?}: {}", past["metrics_usage"]);
        // CPU, requests, three of each pod, and one of each partition.
        let most = (WEEKS as u64 + 1) * (8 * 5 + 40);
        let points = past["points"].as_u64().unwrap();
        assert!(points <= most && points > most * 9 / 10, "{server:?}: {points} of {most}");
        assert!(past["metrics_usage"]["bytes"].as_u64().unwrap() < 64 * points, "{}", past["metrics_usage"]);
    }
}

#[tokio::test]
#[ignore]
async fn a_week_without_samples_and_a_short_retention_are_named_and_never_filled_in() {
    let recorded = Recorded::every(STEP, &shape(), WEEKS + 1, Timestamp::now()).await;
    let gap = 4 * DAY..11 * DAY;
    let broken = Broken { gap: gap.clone(), reset: Some(2 * DAY) };
    let to = recorded.moments.last().unwrap().at.to_string();
    // A week more than the server has.
    let from = (recorded.moments[0].at - SignedDuration::from_hours(7 * 24)).to_string();
    for server in Server::BOTH {
        let metrics = recorded.history(&broken).serve(server).await;
        let arguments = [&["--from", from.as_str(), "--to", &to], &EVERY[..]].concat();
        let past = document(rebalancer_of_weeks(&metrics), &arguments).await;
        let run = &past["runs"][0];
        let gaps = run["backtest"]["gaps"].as_array().unwrap();
        assert_eq!(gaps.len(), 2, "{server:?}: {gaps:?}");
        let end = |gap: usize, end: &str| gaps[gap][end].as_str().unwrap().parse::<Timestamp>().unwrap();
        let within =
            |a: Timestamp, b: Timestamp| a.duration_since(b).abs() <= SignedDuration::from_secs(2 * STEP);
        assert!(within(end(0, "to"), recorded.moments[0].at), "{server:?}: {gaps:?}");
        assert!(within(end(1, "from"), recorded.moments[gap.start].at), "{server:?}: {gaps:?}");
        assert!(within(end(1, "to"), recorded.moments[gap.end].at), "{server:?}: {gaps:?}");
        let mut known = 0;
        for cycle in run["backtest"]["cycles"].as_array().unwrap() {
            let at: Timestamp = cycle["at"].as_str().unwrap().parse().unwrap();
            let place = recorded.moments.binary_search_by_key(&at, |moment| moment.at).ok();
            let place = place.filter(|place| !(gap.start..=gap.end + 1).contains(place));
            match place.filter(|place| *place > 0) {
                Some(place) => {
                    known += 1;
                    let was =
                        cycle["was"]["cv"].as_f64().unwrap_or_else(|| panic!("{server:?} {place}: {cycle}"));
                    close(was, Balance::of(&recorded.truth[place]).cv, "as it was");
                }
                None if recorded.moments[gap.start].at < at && at < recorded.moments[gap.end].at => {
                    assert_eq!((&cycle["was"], &cycle["would"]), (&Value::Null, &Value::Null), "{server:?}");
                }
                None => {}
            }
        }
        assert!(known > 3 * DAY, "{known} cycles are known: those of seven days");
        let compared = run["summary"]["compared"]["cycles"].as_u64().unwrap();
        assert!(compared.abs_diff(known as u64) <= 2, "{server:?}: {compared} compared, {known} known");
    }
}
