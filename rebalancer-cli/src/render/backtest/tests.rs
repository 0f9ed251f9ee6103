//! A backtest as it is shown: to the last letter.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::backtest::{Came, HoldCount, NotKnown};

use super::*;
use crate::render::fits;

const SCREEN: Screen = Screen { width: 80, unicode: true };

fn run(settings: &[(&str, &str)], removals: usize, cv_would: f64) -> Run {
    let text = include_str!("tests/run.json");
    let mut run: serde_json::Value = serde_json::from_str(text).unwrap();
    run["summary"]["removals"] = removals.into();
    run["summary"]["compared"]["cv_would"] = cv_would.into();
    run["summary"]["removals_per_hundredth"] = match cv_would < 0.4 {
        true => (removals as f64 / ((0.4 - cv_would) * 100.0)).into(),
        false => serde_json::Value::Null,
    };
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Run {
        settings: settings.collect(),
        summary: serde_json::from_value(run["summary"].clone()).unwrap(),
        backtest: serde_json::from_value(run["backtest"].clone()).unwrap(),
    }
}

fn shown<'a>(workload: &'a Workload, runs: &'a [Run]) -> Shown<'a> {
    let at = |second| Timestamp::from_second(second).unwrap();
    Shown {
        workload,
        from: at(1_767_225_600),
        to: at(1_767_312_000),
        step: SignedDuration::from_mins(5),
        runs,
        points: 12_345,
        kept: 3,
        usage: Usage { queries: 14, retries: 1, errors: 1, bytes: 65_536 },
        offsets: &Offsets::NotAsked,
        kafka: None,
    }
}

fn workload() -> Workload {
    Workload { namespace: "streams".to_owned(), name: "orders".to_owned() }
}

fn golden(name: &str, runs: &[Run]) {
    let text = sheet(&shown(&workload(), runs), SCREEN).plain();
    crate::render::golden::golden(&format!("backtest/tests/{name}.txt"), &text);
}

#[test]
fn one_past_is_compared_with_what_would_have_been() {
    let one = run(&[], 3, 0.3);
    assert_eq!(one.summary.holds[0], HoldCount { hold: "settling".to_owned(), cycles: 9 });
    assert!(matches!(one.backtest.cycles[0].came, Came::Rotated { .. }));
    golden("one", &[one]);
}

#[test]
fn a_sweep_names_the_best_by_removals_for_each_unit_of_improvement() {
    let top = "REBALANCE_TOP_K_PODS";
    golden("sweep", &[run(&[(top, "1")], 4, 0.3), run(&[(top, "2")], 9, 0.28), run(&[(top, "3")], 9, 0.41)]);
}

#[test]
fn machines_get_the_same_with_its_version() {
    let (workload, runs) = (workload(), [run(&[], 3, 0.3)]);
    let document = serde_json::to_value(BacktestDocument::of(&shown(&workload, &runs))).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema/backtest.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("backtest.json", schema).unwrap();
    let compiled = compiler.compile("backtest.json", &mut schemas).unwrap();
    schemas.validate(&document, compiled).unwrap();
    crate::render::golden::golden(
        "backtest/tests/one.json",
        &serde_json::to_string_pretty(&document).unwrap(),
    );
    assert_eq!((&document["version"], &document["best"]), (&VERSION.into(), &0.into()));
}

#[test]
fn what_offsets_told_and_lag_is_said() {
    let mut one = run(&[("REBALANCE_TOP_K_PODS", "1")], 3, 0.3);
    one.summary.lag = serde_json::from_value(serde_json::json!({
        "above": 1000.0, "pod_hours_was": 41.5, "pod_hours_removed": 30.0,
        "compared": {"cycles": 9, "pod_hours_was": 40.0, "pod_hours_would": 6.5},
    }))
    .unwrap();
    one.backtest.unknown.extend([NotKnown::Holders, NotKnown::Consumed, NotKnown::Pauses]);
    let told: FromOffsets = serde_json::from_value(serde_json::json!({
        "partitions": 24, "times": 336, "rates_from": "2026-01-01T06:00:00Z",
        "rates_before": "offsets can't be used as loads: partition orders-5: its log does not reach back to 2026-01-01T05:00:00Z",
        "held_from": "2026-01-01T00:00:00Z", "held_before": null, "assignor": "cooperative-sticky", "static_members": false,
    }))
    .unwrap();
    let kafka = rebalancer_kafka::Usage {
        connections: 3,
        requests: 373,
        bytes_sent: 162_944,
        bytes_received: 241_984,
    };
    let loads = |first: f64| -> rebalancer_core::fleet::Samples {
        let load = |pod: u32| rebalancer_core::unit::Load::new(first / f64::from(pod)).unwrap();
        (1..=4).map(|pod| (format!("orders-{pod}"), load(pod))).collect()
    };
    for (cycle, first) in one.backtest.cycles.iter_mut().zip([4.0, 2.0]) {
        (cycle.loads_were, cycle.loads_would) = (loads(4.0), loads(first));
    }
    let top = "REBALANCE_TOP_K_PODS";
    let (workload, runs) = (workload(), [one, run(&[(top, "2")], 9, 0.28)]);
    let offsets = Offsets::Told { told, kept: 64 };
    let shown = Shown { offsets: &offsets, kafka: Some(kafka), ..shown(&workload, &runs) };
    crate::render::golden::golden("backtest/tests/offsets.txt", &sheet(&shown, SCREEN).plain());
    let report = crate::render::report::backtest::report(&shown, None);
    crate::render::golden::golden_report("backtest/tests/offsets.html", &report);
}

#[test]
fn offsets_that_could_not_be_read_are_named_to_people_and_machines_and_in_the_report() {
    let (workload, runs) = (workload(), [run(&[], 3, 0.3)]);
    let why = "the consumer group could not be read: no broker answered";
    let offsets = Offsets::NotRead(why.to_owned());
    let shown = Shown { offsets: &offsets, ..shown(&workload, &runs) };
    let text = sheet(&shown, SCREEN).plain();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = format!(" offsets not read, so this is without partition loads of Kafka: {why} ");
    assert!(words.contains(&said), "{text}");
    let document = serde_json::to_value(BacktestDocument::of(&shown)).unwrap();
    assert_eq!(
        (&document["offsets"], &document["offsets_not_read"]),
        (&serde_json::Value::Null, &why.into())
    );
    let report = crate::render::report::backtest::report(&shown, None);
    assert!(report.sources.contains(&format!("Not read: Kafka's offsets: {why}.")), "{:?}", report.sources);
}

#[test]
fn lag_of_which_only_the_past_is_known_is_told_as_it_was() {
    let mut one = run(&[], 3, 0.3);
    one.summary.lag = serde_json::from_value(serde_json::json!({
        "above": 1000.0, "pod_hours_was": 41.5, "pod_hours_removed": 30.0, "compared": null,
    }))
    .unwrap();
    golden("lag", &[one]);
}

#[test]
fn no_line_is_wider_than_the_screen_and_no_figure_is_lost() {
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let names = (fits::any_name(&mut random), fits::any_name(&mut random));
        let runs: Vec<Run> = (0..random.random_range(1..=3))
            .map(|_| {
                let would = random.random_range(0.0..9.9);
                let mut one = run(&[("SOME_SETTING", &names.0)], random.random_range(0..1_000_000), would);
                if random.random_bool(0.5) {
                    one.summary.lag = serde_json::from_value(serde_json::json!({
                        "above": random.random_range(1.0..1e12), "pod_hours_was": random.random_range(0.0..1e7),
                        "pod_hours_removed": 30.0, "compared": null,
                    }))
                    .unwrap();
                }
                one
            })
            .collect();
        let workload = Workload { namespace: names.1.clone(), name: names.0.clone() };
        let offsets = Offsets::NotRead(names.1.clone());
        let shown = Shown { offsets: &offsets, ..shown(&workload, &runs) };
        let texts = fits::everywhere(seed, |screen| sheet(&shown, screen));
        for run in &runs {
            let would = format!("{:.3}", run.summary.compared.unwrap().cv_would);
            assert!(
                texts.iter().all(|text| text.contains(&would)),
                "seed {seed}: {would} is not in {texts:?}"
            );
        }
    }
}
