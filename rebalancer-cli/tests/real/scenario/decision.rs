//! Which pods go, and when none does: the decision on real metrics, seen in what the API server then holds.

use serde_json::Value;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{Rule, SURROUNDINGS, Target};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

#[tokio::test]
#[ignore]
async fn the_worked_example_removes_exactly_the_four_named_pods() {
    for server in Server::BOTH {
        let fleet = Fleet::named("worked-example").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(server).await;
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{server:?}");
        assert_eq!(run.log_with(&["removal_finished", "\"outcome\":\"removed\""]).len(), 4, "{}", run.stderr);
        assert_eq!(run.log_with(&["removal_intended"]).len(), 4, "{}", run.stderr);
        let end = run.log_with(&["cycle_finished"]);
        assert_eq!((&end[0]["status"], &end[0]["removed"]), (&"rebalanced".into(), &4.into()));
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn every_log_line_of_a_cycle_carries_its_id() {
    let fleet = Fleet::named("cycle-id").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let metrics = fleet.history(&fleet.pods().await).serve(Server::Prometheus).await;
    let run = fleet.rebalance(&metrics, &[("LOG_LEVEL", "debug"), ("DRY_RUN", "true")]).await.expect_exit(0);
    let ids: Vec<Value> = run.log().iter().map(|line| line["cycle_id"].clone()).collect();
    assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_balanced_fleet_is_left_alone() {
    for server in Server::BOTH {
        let fleet = Fleet::named("balanced").cpu(&[0.7, 0.7, 0.65, 0.72, 0.6, 0.75]).hpa(70).start().await;
        let before = fleet.settled().await;
        let everything = fleet.everything().await;
        let metrics = fleet.history(&before).serve(server).await;
        let run = fleet.rebalance(&metrics, &[]).await.expect_exit(0);
        assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "balanced");
        assert_eq!(fleet.everything().await, everything, "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn a_dry_run_changes_nothing_at_all() {
    for server in Server::BOTH {
        let fleet = Fleet::named("dry-run").may_delete().cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let everything = fleet.everything().await;
        let metrics = fleet.history(&before).serve(server).await;
        for method in ["evict", "delete"] {
            let variables = [FOUR_MAY_GO[0], ("DRY_RUN", "true"), ("REMOVAL_METHOD", method)];
            let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
            let end = &run.log_with(&["cycle_finished"])[0];
            assert_eq!(
                (&end["status"], &end["removed"]),
                (&"dry_run".into(), &0.into()),
                "never counted as done"
            );
            assert_eq!(run.log_with(&["would_be_removed"]).len(), 4, "{}", run.stderr);
            assert_eq!(fleet.everything().await, everything, "{server:?} {method}");
        }
    }
}

#[tokio::test]
#[ignore]
async fn a_plan_explains_every_pod_and_changes_nothing() {
    let fleet = Fleet::named("plan").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let table = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).args(&["plan"]).run().await.expect_exit(0);
    for pod in &before.0 {
        assert!(table.stdout.contains(&pod.name), "{}", table.stdout);
    }
    let chosen = table.stdout.lines().filter(|line| line.starts_with("> "));
    assert_eq!(chosen.count(), 4, "{}", table.stdout);
    let asking = ["plan", "--output", "json", "--exit-code"];
    let asked = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).args(&asking).run().await.expect_exit(4);
    assert!(asked.stdout.contains("\"would_act\": true"), "{}", asked.stdout);
    let quiet = [&FOUR_MAY_GO[..], &[("QUIET_HOURS", "Mon-Sun 00:00-24:00")]].concat();
    let held = fleet.rebalancer(&metrics).envs(&quiet).args(&asking).run().await.expect_exit(0);
    assert!(held.stdout.contains("\"would_act\": false"), "{}", held.stdout);
    let json = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).args(&["plan", "--output", "json"]).run().await;
    let plan: Value = serde_json::from_str(&json.expect_exit(0).stdout).unwrap();
    let verdicts: Vec<bool> =
        plan["pods"].as_array().unwrap().iter().map(|pod| pod["verdict"]["chosen"].is_object()).collect();
    assert_eq!(verdicts, [true, true, false, false, true, true]);
    let usage = &plan["metrics_usage"];
    assert_eq!((&usage["queries"], &usage["retries"]), (&2.into(), &0.into()), "{usage}");
    let cost = "metric server: queries: 2, retries: 0, errors: 0, bytes: ";
    assert!(table.stdout.contains(cost) && usage["bytes"].as_u64() > Some(500), "{usage}\n{}", table.stdout);
    assert_eq!(fleet.everything().await, everything);
}

#[tokio::test]
#[ignore]
async fn without_an_autoscaler_the_variance_decides() {
    for server in Server::BOTH {
        let fleet = Fleet::named("no-hpa").cpu(&WORKED_EXAMPLE).start().await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(server).await;
        let lenient = [FOUR_MAY_GO[0], ("CPU_VARIANCE_THRESHOLD", "0.5")];
        let run = fleet.rebalance(&metrics, &lenient).await.expect_exit(0);
        assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "balanced", "CV 0.45 is below 0.5");
        assert_eq!(fleet.gone(&before).await, [] as [usize; 0]);
        // Mean 0.733: hot above 1.1, and the rate of 1.1 is not exactly 1.1.
        let stricter = [FOUR_MAY_GO[0], ("TOLERANCE_MULTIPLIER", "1.4")];
        fleet.rebalance(&metrics, &stricter).await.expect_exit(0);
        assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{server:?}");
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn two_matching_autoscalers_are_a_hold_that_names_them() {
    for server in Server::BOTH {
        let fleet = Fleet::named("two-hpas")
            .cpu(&WORKED_EXAMPLE)
            .hpa(70)
            .hpa_named("keda-hpa-two-hpas", Target::Utilization(50))
            .start()
            .await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(server).await;
        let run = fleet.rebalance(&metrics, &[("HPA_PREFIX", "keda-hpa-")]).await.expect_exit(0);
        let decision = &run.log_with(&["\"event\":\"decision\""])[0];
        assert_eq!(decision["decision"], "ambiguous_target");
        let reason = decision["reason"].as_str().unwrap();
        assert!(reason.contains("match: keda-hpa-two-hpas, two-hpas;"), "{reason}");
        assert_eq!(fleet.gone(&before).await, [] as [usize; 0]);
    }
}

#[tokio::test]
#[ignore]
async fn an_autoscaler_of_keda_is_found_by_its_prefix() {
    let fleet = Fleet::named("keda")
        .cpu(&WORKED_EXAMPLE)
        .hpa_named("keda-hpa-keda", Target::Utilization(70))
        .start()
        .await;
    let before = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&before).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("HPA_PREFIX", "keda-hpa-")];
        let run = fleet.rebalancer(&metrics).envs(&variables).args(&["plan"]).run().await.expect_exit(0);
        assert!(run.words().contains("(autoscaler keda-hpa-keda)"), "{}", run.stdout);
        let chosen = run.stdout.lines().filter(|line| line.starts_with("> "));
        assert_eq!(chosen.count(), 4, "{}", run.stdout);
    }
}

#[tokio::test]
#[ignore]
async fn an_average_value_is_a_target_in_cores() {
    let fleet = Fleet::named("average")
        .cpu(&WORKED_EXAMPLE)
        .hpa_named("average", Target::AverageCores(0.7))
        .start()
        .await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

/// All rights but that to see autoscalers.
const WITHOUT_HPAS: &[Rule<'static>] = &[
    ("", &["pods"], &["get", "list"]),
    ("", &["pods/eviction"], &["create"]),
    SURROUNDINGS[0],
    SURROUNDINGS[1],
];

#[tokio::test]
#[ignore]
async fn kube_state_metrics_tells_the_target_when_the_api_does_not() {
    for server in Server::BOTH {
        let fleet = Fleet::named("ksm").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let kubeconfig = fleet.kubeconfig_with("blind", WITHOUT_HPAS).await;
        let history = fleet.history(&before).hpa("ksm", "ksm", Target::Utilization(70));
        let metrics = history.serve(server).await;
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(0);
        assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{server:?}");
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn when_nobody_tells_whether_there_is_an_autoscaler_nothing_is_done() {
    for server in Server::BOTH {
        let fleet = Fleet::named("no-target").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let kubeconfig = fleet.kubeconfig_with("blind", WITHOUT_HPAS).await;
        let metrics = fleet.history(&before).serve(server).await;
        let run =
            fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(1);
        let error = run.log_with(&["cycle_finished"])[0]["error"].as_str().unwrap().to_owned();
        assert!(error.contains("grant the verb 'list' on 'horizontalpodautoscalers"), "{error}");
        assert_eq!(fleet.gone(&before).await, [] as [usize; 0]);
    }
}

#[tokio::test]
#[ignore]
async fn lag_alone_may_raise_an_imbalance() {
    let fleet = Fleet::named("lag").cpu(&[0.5; 6]).hpa(70).start().await;
    let before = fleet.settled().await;
    let lag = [10.0, 12.0, 9000.0, 11.0, 8000.0, 13.0];
    let history = before.0.iter().zip(lag).fold(fleet.history(&before), |history, (pod, lag)| {
        history.gauge("kafka_lag", &[("pod", &pod.name), ("topic", "events")], lag)
    });
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        let variables = [
            FOUR_MAY_GO[0],
            ("KAFKA_LAG_QUERY", "sum by (pod) (kafka_lag{topic=\"events\"})"),
            ("DRY_RUN", "true"),
        ];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let mut chosen: Vec<String> = run
            .log_with(&["removal_intended", "\"indicator\":\"lag\""])
            .iter()
            .map(|line| line["pod"].as_str().unwrap().to_owned())
            .collect();
        chosen.sort();
        let expected: Vec<String> = [0, 2, 3, 4].map(|index: usize| before.0[index].name.clone()).into();
        assert_eq!(chosen, expected, "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn an_indicator_that_fails_is_dropped_and_named_and_the_rest_go_on() {
    let fleet = Fleet::named("degraded").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&before).serve(server).await;
        // Only the server knows that there is no such function.
        let lag = [("KAFKA_LAG_QUERY", "no_such_function(up)"), ("QUERY_DIALECT", "metricsql")];
        let variables = [FOUR_MAY_GO[0], lag[0], lag[1], ("DRY_RUN", "true")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        assert_eq!(run.log_with(&["indicator_degraded", "\"indicator\":\"lag\""]).len(), 1, "{}", run.stderr);
        assert_eq!(run.log_with(&["would_be_removed"]).len(), 4, "{}", run.stderr);
    }
}
