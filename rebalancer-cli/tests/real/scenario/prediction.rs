//! Partition loads from real metric servers: what is predicted, and where removal is refused.

use crate::harness::check::check;
use crate::harness::example::FOUR_MAY_GO;
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};

/// Loads of the partitions of each pod, in messages/s. A message costs a millicore: the first pod is hot by two
/// partitions, either of which fits.
const HOLDS: [[f64; 4]; 6] = [
    [700.0, 600.0, 100.0, 100.0],
    [150.0, 150.0, 150.0, 150.0],
    [50.0, 50.0, 50.0, 50.0],
    [150.0, 140.0, 160.0, 150.0],
    [100.0, 120.0, 110.0, 130.0],
    [60.0, 40.0, 55.0, 45.0],
];

fn cores() -> Vec<f64> {
    HOLDS.iter().map(|loads| loads.iter().sum::<f64>() / 1000.0).collect()
}

/// Which number a partition has.
type Numbering = fn(usize, usize) -> usize;

/// Contiguous blocks, as range makes them.
pub(super) fn blocks(pod: usize, place: usize) -> usize {
    pod * 4 + place
}

/// In turn, as round robin deals, and each of the clients' sticky rules when a group is formed.
fn in_turn(pod: usize, place: usize) -> usize {
    place * 6 + pod
}

/// No pattern that range or round robin would make.
fn mixed(pod: usize, place: usize) -> usize {
    match (pod, place) {
        (0, 0) => 1,
        (1, 0) => 0,
        _ => in_turn(pod, place),
    }
}

/// The partitions that each pod holds, as `add` shows each to the metric server.
pub(super) fn with_partitions(
    fleet: &Fleet,
    (pods, holds): (&Pods, &[[f64; 4]]),
    numbering: Numbering,
    add: impl Fn(History, &[(&str, &str)], f64) -> History,
) -> History {
    let mut history = fleet.history(pods);
    for (index, pod) in pods.0.iter().enumerate() {
        for (place, &load) in holds[index].iter().enumerate() {
            let partition = numbering(index, place).to_string();
            let labels = [
                ("namespace", fleet.namespace.as_str()),
                ("pod", &pod.name),
                ("container", fleet.name()),
                ("topic", "events"),
                ("partition", &partition),
            ];
            history = add(history, &labels, load);
        }
    }
    history
}

/// librdkafka's statistics, with its own partition -1.
fn librdkafka(fleet: &Fleet, pods: &Pods, numbering: Numbering) -> History {
    let history = with_partitions(fleet, (pods, &HOLDS), numbering, |history, labels, load| {
        history.counter("rdkafka_topics_partitions_rxmsgs", labels, load)
    });
    let own =
        [("namespace", fleet.namespace.as_str()), ("pod", &pods.0[0].name), ("container", fleet.name())];
    let own: Vec<_> = own.into_iter().chain([("topic", "events"), ("partition", "-1")]).collect();
    history.counter("rdkafka_topics_partitions_rxmsgs", &own, 1.0)
}

/// The Java client tells who holds what, kafka_exporter how much flows.
fn jmx_exporter(fleet: &Fleet, pods: &Pods, numbering: Numbering) -> History {
    with_partitions(fleet, (pods, &HOLDS), numbering, |history, labels, load| {
        let partition: Vec<_> =
            labels.iter().filter(|(name, _)| matches!(*name, "topic" | "partition")).copied().collect();
        history.gauge("kafka_consumer_consumer_fetch_manager_metrics_records_lag", labels, 5.0).counter(
            "kafka_topic_partition_current_offset",
            &partition,
            load,
        )
    })
}

#[tokio::test]
#[ignore]
async fn a_sticky_group_is_rotated_by_what_is_predicted() {
    type Preset = fn(&Fleet, &Pods, Numbering) -> History;
    let presets: [(&str, Preset); 2] = [("librdkafka", librdkafka), ("jmx-exporter", jmx_exporter)];
    for server in Server::BOTH {
        for (preset, history) in presets {
            let fleet = Fleet::named("predicted").cpu(&cores()).hpa(70).start().await;
            let before = fleet.settled().await;
            let metrics = history(&fleet, &before, mixed).serve(server).await;
            let variables = [
                FOUR_MAY_GO[0],
                ("KAFKA_METRICS_PRESET", preset),
                ("KAFKA_ASSIGNOR", "cooperative-sticky"),
                ("KAFKA_REPLACEMENT_TIMING", "all-at-once"),
            ];
            let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
            let method = &run.log_with(&["\"event\":\"method\""])[0]["method"];
            assert_eq!(
                *method,
                "predict: 24 partitions on 6 members, assignor cooperative-sticky (configured); removed pods leave and \
                 replacements join in one rebalance (configured)",
                "{server:?} {preset}"
            );
            let prediction = &run.log_with(&["\"event\":\"prediction\""])[0];
            assert!(prediction["expected_cv"].as_f64() < prediction["cv_before"].as_f64(), "{prediction}");
            let gone = fleet.gone(&before).await;
            assert!(gone.contains(&0) && gone.len() <= 4, "{server:?} {preset}: {gone:?}");
            assert_eq!(run.log_with(&["removal_finished", "\"outcome\":\"removed\""]).len(), gone.len());
            fleet.settled().await;
        }
    }
}

#[tokio::test]
#[ignore]
async fn under_range_nothing_is_removed_and_the_remedy_is_named() {
    let fleet = Fleet::named("range").cpu(&cores()).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    for server in Server::BOTH {
        let metrics = librdkafka(&fleet, &before, blocks).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("KAFKA_METRICS_PRESET", "librdkafka"), ("KAFKA_ASSIGNOR", "range")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let decision = &run.log_with(&["\"event\":\"decision\""])[0];
        assert_eq!(decision["decision"], "assignor_restores_sets", "{server:?}: {}", run.stderr);
        assert!(decision["reason"].as_str().unwrap().contains("use cooperative-sticky"));
        assert_eq!(fleet.everything().await, everything, "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn a_rule_that_nothing_tells_is_not_guessed_and_what_tells_it_is_named() {
    for server in Server::BOTH {
        let fleet = Fleet::named("untold").cpu(&cores()).hpa(70).start().await;
        let before = fleet.settled().await;
        let everything = fleet.everything().await;
        let metrics = librdkafka(&fleet, &before, in_turn).serve(server).await;
        let untold = [
            FOUR_MAY_GO[0],
            ("KAFKA_METRICS_PRESET", "librdkafka"),
            ("KAFKA_REPLACEMENT_TIMING", "leave-then-join"),
        ];
        let run = fleet.rebalance(&metrics, &untold).await.expect_exit(0);
        let decision = &run.log_with(&["\"event\":\"decision\""])[0];
        assert_eq!(decision["decision"], "assignor_unclear", "{server:?}: {}", run.stderr);
        let reason = decision["reason"].as_str().unwrap();
        for word in ["roundrobin", "cooperative-sticky", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_ASSIGNOR"] {
            assert!(reason.contains(word), "{server:?}: {word} in {reason}");
        }
        assert_eq!(fleet.everything().await, everything, "{server:?}");
        let told = [&untold[..], &[("KAFKA_ASSIGNOR", "cooperative-sticky")]].concat();
        fleet.rebalance(&metrics, &told).await.expect_exit(0);
        let gone = fleet.gone(&before).await;
        assert!(gone.contains(&0) && gone.len() <= 4, "{server:?}: {gone:?}");
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn advice_names_the_lever_that_helps_and_changes_nothing() {
    let fleet = Fleet::named("advised").cpu(&cores()).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    for server in Server::BOTH {
        let metrics = librdkafka(&fleet, &before, blocks).serve(server).await;
        // Blocks of one size are what a uniform group begins with, too.
        let variables = [FOUR_MAY_GO[0], ("KAFKA_METRICS_PRESET", "librdkafka"), ("KAFKA_ASSIGNOR", "range")];
        let advise = |more: &'static [&'static str]| {
            let arguments = [&["advise", "--output", "json"], more].concat();
            fleet.rebalancer(&metrics).envs(&variables).args(&arguments).run()
        };
        let now = advise(&[]).await.expect_exit(0);
        let advice: serde_json::Value = serde_json::from_str(&now.stdout).unwrap();
        assert_eq!(advice["outlook"]["outlook"], "known", "{server:?}: {advice:#}");
        let levers = advice["outlook"]["levers"].as_array().unwrap();
        let cv = |name: &str| {
            let lever = levers.iter().find(|lever| lever["lever"]["lever"] == name).unwrap();
            lever["effect"]["cv"]["expected"].as_f64().unwrap()
        };
        // Blocks of four come back to other pods as they are, and the two hot partitions lie in one block.
        let loads: Vec<f64> = HOLDS.iter().map(|loads| loads.iter().sum()).collect();
        let mean = loads.iter().sum::<f64>() / 6.0;
        let real = (loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / 6.0).sqrt() / mean;
        assert!((cv("nothing") - real).abs() < 0.02, "{server:?}: {} is not {real}", cv("nothing"));
        assert!((cv("rotation") - cv("nothing")).abs() < 0.001, "{server:?}: {advice:#}");
        assert_eq!(advice["outlook"]["conclusion"]["lever"]["lever"], "assignor", "{server:?}: {advice:#}");
        let summary = advice["summary"].as_str().unwrap();
        assert!(summary.contains("removing pods makes the same sets of partitions again"), "{summary}");
        // Over a time in which nothing changed, the mean is what is there now.
        let mean = advise(&["--window", "5m"]).await.expect_exit(0);
        let mean: serde_json::Value = serde_json::from_str(&mean.stdout).unwrap();
        assert_eq!(mean["basis"]["readings"], 12, "{server:?}: {mean:#}");
        let nothing = mean["outlook"]["now"]["cv"].as_f64().unwrap();
        assert!((nothing - cv("nothing")).abs() < 0.02, "{server:?}: {nothing}");
        assert_eq!(fleet.everything().await, everything, "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn partition_loads_that_are_missing_fall_back_to_the_seeds_strategy_and_say_so() {
    let fleet = Fleet::named("fallback").cpu(&cores()).hpa(70).start().await;
    let before = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&before).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("KAFKA_METRICS_PRESET", "librdkafka"), ("DRY_RUN", "true")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let method = &run.log_with(&["\"event\":\"method\""])[0]["method"];
        assert_eq!(
            *method,
            "rotate-outliers, since the metric system knows no partition; set KAFKA_BOOTSTRAP_SERVERS and KAFKA_GROUP_ID, or PARTITION_LOAD_QUERY",
            "{server:?}"
        );
        assert_eq!(run.log_with(&["would_be_removed"]).len(), 3, "{}", run.stderr);
    }
}

#[tokio::test]
#[ignore]
async fn a_partition_with_two_owners_is_a_group_that_has_not_settled() {
    let fleet = Fleet::named("unsettled").cpu(&cores()).hpa(70).start().await;
    let before = fleet.settled().await;
    for server in Server::BOTH {
        let other = [
            ("namespace", fleet.namespace.as_str()),
            ("pod", before.0[3].name.as_str()),
            ("container", fleet.name()),
            ("topic", "events"),
            ("partition", "1"),
        ];
        let history = librdkafka(&fleet, &before, mixed);
        let metrics = history.counter("rdkafka_topics_partitions_rxmsgs", &other, 10.0).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("KAFKA_METRICS_PRESET", "librdkafka")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        assert_eq!(run.log_with(&["\"event\":\"decision\""])[0]["decision"], "group_unsettled", "{server:?}");
        assert_eq!(fleet.gone(&before).await, [] as [usize; 0]);
    }
}

#[tokio::test]
#[ignore]
async fn copies_of_partition_loads_change_no_plan() {
    type Preset = fn(&Fleet, &Pods, Numbering) -> History;
    let presets: [(&str, Preset); 2] = [("librdkafka", librdkafka), ("jmx-exporter", jmx_exporter)];
    let fleet = Fleet::named("copied").cpu(&cores()).hpa(70).start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        for (preset, history) in presets {
            let mut plans = Vec::new();
            let history = history(&fleet, &pods, mixed);
            let copied =
                [2, 4].iter().fold(history.clone(), |all, &pod| all.scraped_twice(&pods.0[pod].name));
            for history in [history, copied] {
                let metrics = history.serve(server).await;
                let variables = [
                    FOUR_MAY_GO[0],
                    ("DRY_RUN", "true"),
                    ("KAFKA_METRICS_PRESET", preset),
                    ("KAFKA_ASSIGNOR", "cooperative-sticky"),
                ];
                let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
                let method = run.log_with(&["\"event\":\"method\""])[0]["method"].clone();
                let removals = run.log_with(&["removal_intended"]);
                plans.push((method, removals.iter().map(|line| line["pod"].clone()).collect::<Vec<_>>()));
            }
            assert!(
                plans[0].0.as_str().unwrap().starts_with("predict: 24 partitions on 6 members"),
                "{plans:?}"
            );
            assert!(!plans[0].1.is_empty(), "{server:?} {preset}: {plans:?}");
            assert_eq!(plans[0], plans[1], "{server:?} {preset}");
        }
    }
}

/// Who shows which lag for a partition.
fn lag_of(fleet: &Fleet, history: History, pod: &str, partition: &str, lag: f64) -> History {
    let labels = [
        ("namespace", fleet.namespace.as_str()),
        ("pod", pod),
        ("container", fleet.name()),
        ("client_id", "a"),
        ("topic", "events"),
        ("partition", partition),
    ];
    history.gauge("kafka_consumer_consumer_fetch_manager_metrics_records_lag", &labels, lag)
}

#[tokio::test]
#[ignore]
async fn a_former_owners_lag_that_is_no_number_is_no_ownership_on_either_server() {
    let fleet = Fleet::named("former-owner").cpu(&cores()).hpa(70).start().await;
    let pods = fleet.settled().await;
    let mut decisions = Vec::new();
    for server in Server::BOTH {
        let history = jmx_exporter(&fleet, &pods, mixed);
        let history = lag_of(&fleet, history, &pods.0[3].name, "1", f64::NAN);
        let metrics = history.serve(server).await;
        let variables = [
            FOUR_MAY_GO[0],
            ("DRY_RUN", "true"),
            ("KAFKA_METRICS_PRESET", "jmx-exporter"),
            ("KAFKA_ASSIGNOR", "cooperative-sticky"),
        ];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        assert_eq!(
            run.log_with(&["\"event\":\"decision\""])[0]["decision"],
            "rotate",
            "{server:?}: {}",
            run.stderr
        );
        let removals = run.log_with(&["removal_intended"]);
        decisions.push(removals.iter().map(|line| line["pod"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(decisions[0], decisions[1]);
}

#[tokio::test]
#[ignore]
async fn an_owned_partition_whose_lag_is_no_number_does_not_vanish_on_either_server() {
    let fleet = Fleet::named("no-lag").cpu(&cores()).hpa(70).start().await;
    let pods = fleet.settled().await;
    for server in Server::BOTH {
        // The last one: no gap between others tells of it. Its owner has never known its lag.
        let partition = [("namespace", "kafka"), ("topic", "events"), ("partition", "24")];
        let history = jmx_exporter(&fleet, &pods, mixed);
        let history = lag_of(&fleet, history, &pods.0[3].name, "24", f64::NAN);
        let metrics =
            history.counter("kafka_topic_partition_current_offset", &partition, 300.0).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("KAFKA_METRICS_PRESET", "jmx-exporter")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let decision = run.log_with(&["\"event\":\"decision\""]).remove(0);
        assert_eq!(decision["decision"], "group_unsettled", "{server:?}: {}", run.stderr);
        assert!(decision["reason"].as_str().unwrap().contains("partition 24 of topic events"), "{decision}");
        assert_eq!(fleet.gone(&pods).await, [] as [usize; 0], "{server:?}");
        // It was so ten minutes ago too: no rebalance lasts so long.
        let (findings, run) = check(fleet.rebalancer(&metrics).envs(&variables)).await;
        assert_eq!(run.exit_code, 1, "{findings:#?}");
        findings.expect("error", "never_rotates", &["group_unsettled", "partition 24", "10 min ago"]);
    }
}
