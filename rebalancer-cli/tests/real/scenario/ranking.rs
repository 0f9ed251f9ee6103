//! How pods rank: by several indicators together, and each by its own CPU request.

use serde_json::Value;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::Run;
use crate::harness::resize;

/// Cores of six pods; the first three are hot, above 1.05.
const CPU: [f64; 6] = [1.2, 1.1, 1.3, 0.5, 0.4, 0.3];
/// Messages behind; the fifth is hot, above 150.
const LAG: [f64; 6] = [140.0, 130.0, 60.0, 80.0, 160.0, 30.0];
/// Each load by its mean, which is 0.8 cores and 100 messages, and the mean of both.
const SCORES: [f64; 6] = [1.45, 1.3375, 1.1125, 0.7125, 1.05, 0.3375];

/// A dry run by rotate-outliers of six pods, of which four may go, by CPU and lag.
const BY_BOTH: [(&str, &str); 4] = [
    ("DRY_RUN", "true"),
    ("MINIMUM_PODS_REQUIRED", "2"),
    ("REBALANCE_STRATEGY", "rotate-outliers"),
    ("KAFKA_LAG_QUERY", "sum by (pod) (lag)"),
];

fn lagging(fleet: &Fleet, pods: &Pods) -> History {
    let each = pods.0.iter().zip(LAG);
    each.fold(fleet.history(pods), |history, (pod, lag)| history.gauge("lag", &[("pod", &pod.name)], lag))
}

/// The chosen pods by their index, in the order of their names.
fn chosen(run: &Run, pods: &Pods) -> Vec<usize> {
    let lines = run.log_with(&["removal_intended", "\"indicator\":\"cpu\""]);
    let is_chosen = |name: &str| lines.iter().any(|line| line["pod"] == name);
    (0..pods.0.len()).filter(|&index| is_chosen(&pods.0[index].name)).collect()
}

#[tokio::test]
#[ignore]
async fn lag_and_cpu_together_choose_other_pods_than_cpu_alone() {
    let fleet = Fleet::named("score").cpu(&CPU).hpa(70).start().await;
    let pods = fleet.settled().await;
    let history = lagging(&fleet, &pods);
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        for (weights, expected) in [
            ("cpu=1", [0, 1, 3, 5]),
            // The fifth pod still lags too much to go as a cold one.
            ("lag=0", [0, 2, 3, 5]),
            ("cpu=0", [0, 1, 3, 5]),
        ] {
            let weights = ("INDICATOR_WEIGHTS", weights);
            let run = fleet.rebalancer(&metrics).envs(&BY_BOTH).envs(&[weights]).run().await.expect_exit(0);
            assert_eq!(chosen(&run, &pods), expected, "{server:?} {weights:?}: {}", run.stderr);
        }
        let run = fleet.rebalance(&metrics, &BY_BOTH[..3]).await.expect_exit(0);
        assert_eq!(chosen(&run, &pods), [0, 2, 4, 5], "{server:?}: by CPU alone");
    }
}

#[tokio::test]
#[ignore]
async fn a_plan_shows_every_load_and_the_score_of_each_pod() {
    let fleet = Fleet::named("scores").cpu(&CPU).hpa(70).start().await;
    let pods = fleet.settled().await;
    let metrics = lagging(&fleet, &pods).serve(Server::Prometheus).await;
    let run = fleet.rebalancer(&metrics).envs(&BY_BOTH);
    let json = run.clone().args(&["plan", "--output", "json"]).run().await.expect_exit(0);
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    for (index, pod) in plan["pods"].as_array().unwrap().iter().enumerate() {
        assert_eq!(pod["name"], pods.0[index].name.as_str());
        for (shown, expected) in
            [(&pod["loads"]["cpu"], CPU), (&pod["loads"]["lag"], LAG), (&pod["score"], SCORES)]
        {
            let shown = shown.as_f64().unwrap();
            assert!((shown - expected[index]).abs() <= expected[index] * 0.01, "pod {index}: {pod}");
        }
    }
    let wide = run.args(&["plan", "--output", "wide"]).run().await.expect_exit(0);
    let explained =
        "each load divided by the mean of its indicator, weighted cpu 1, lag 1; 1 is the mean pod";
    assert!(wide.words().contains(explained), "{}", wide.stdout);
    for (index, pod) in pods.0.iter().enumerate() {
        let lines: Vec<&str> = wide.stdout.lines().collect();
        let is_row = |line: &&str| line.trim_start_matches(['>', ' ']).starts_with(&pod.name);
        let row = lines.iter().position(is_row).unwrap();
        let numbers = |text: &str| text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let mut shown: Vec<f64> = numbers(lines[row]);
        let reason = lines[row + 1..].iter().take_while(|line| line.starts_with("    "));
        let reason = reason.map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        shown.extend::<Vec<f64>>(
            numbers(reason.split_once("; lag ").unwrap().1).into_iter().take(1).collect(),
        );
        assert_eq!(shown.len(), 3, "{}", wide.stdout);
        for (shown, expected) in shown.into_iter().zip([CPU, SCORES, LAG]) {
            assert!((shown - expected[index]).abs() <= expected[index] * 0.01, "{}", wide.stdout);
        }
    }
}

/// Cores of six pods, of which the first and third request two, and the others one.
const SIZED: [f64; 6] = [1.9, 1.1, 1.2, 0.3, 0.5, 0.4];

#[tokio::test]
#[ignore]
async fn a_pod_is_hot_by_its_own_request_that_a_vertical_autoscaler_has_raised() {
    for server in Server::BOTH {
        let fleet = Fleet::named("sizes").cpu(&SIZED).hpa(70).start().await;
        let before = fleet.settled().await;
        for index in [0, 2] {
            resize::ask(&fleet, &before.0[index], resize::of_container(&fleet, 2.0)).await;
        }
        let metrics = fleet.history(&before).serve(server).await;
        let variables = [("MINIMUM_PODS_REQUIRED", "2"), ("REBALANCE_STRATEGY", "rotate-outliers")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        // By the mean request, the first would be hot alone: 1.9 cores of a limit of 1.4.
        assert_eq!(fleet.gone(&before).await, [1, 3, 5], "{server:?}: {}", run.stderr);
        assert_eq!(
            run.log_with(&["indicator_analyzed"])[0]["limit"],
            "target 0.700 to 1.400 cores a pod by its CPU request, hot above 1.050 to 2.100"
        );
        fleet.settled().await;
    }
}
