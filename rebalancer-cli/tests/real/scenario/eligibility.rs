//! Who may be chosen at all: samples, states, limits.

use serde_json::Value;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kubelet::Behavior;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::Run;

const NOBODY: [usize; 0] = [];

/// The name of the decision that a run logged.
fn decision(run: &Run) -> String {
    run.log_with(&["\"event\":\"decision\""])[0]["decision"].as_str().unwrap().to_owned()
}

async fn serve(fleet: &Fleet, pods: &Pods, server: Server) -> MetricServer {
    fleet.history(pods).serve(server).await
}

#[tokio::test]
#[ignore]
async fn a_pod_without_samples_is_never_idle() {
    for server in Server::BOTH {
        let fleet = Fleet::named("no-sample").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        // The coldest one is not measured; of the others, 0.4 and 0.6 are the coldest.
        let metrics = fleet.history(&before).without_cpu(&before.0[5].name).serve(server).await;
        fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(fleet.gone(&before).await, [0, 1, 3, 4], "{server:?}");
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn too_few_samples_are_a_hold() {
    for server in Server::BOTH {
        let fleet = Fleet::named("few-samples").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let history = fleet.history(&before).without_cpu(&before.0[5].name).without_cpu(&before.0[4].name);
        let metrics = history.serve(server).await;
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(decision(&run), "metrics_incomplete");
        let none =
            before.0.iter().fold(fleet.history(&before), |history, pod| history.without_cpu(&pod.name));
        let metrics = none.serve(server).await;
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(decision(&run), "metrics_incomplete", "no sample is no balance");
        assert_eq!(fleet.gone(&before).await, NOBODY);
    }
}

#[tokio::test]
#[ignore]
async fn a_dead_pod_that_still_has_samples_is_ignored() {
    for server in Server::BOTH {
        let fleet = Fleet::named("dead").cpu(&[1.2, 1.1, 0.8, 0.6, 0.4, 0.3]).hpa(70).start().await;
        let before = fleet.settled().await;
        let history = fleet.history(&before).cpu("dead-hot", 9.0).cpu("dead-cold", 0.01);
        let metrics = history.serve(server).await;
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{server:?}");
        assert_eq!(run.log_with(&["\"event\":\"decision\""])[0]["gone"], 2);
        fleet.settled().await;
    }
}

#[tokio::test]
#[ignore]
async fn top_and_bottom_stay_disjoint_in_a_fleet_smaller_than_2k() {
    let fleet = Fleet::named("small").cpu(&[1.5, 0.5, 0.1]).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    let variables = [("REBALANCE_TOP_K_PODS", "5"), ("MINIMUM_PODS_REQUIRED", "0")];
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    assert_eq!(run.log_with(&["removal_intended"]).len(), 3, "each pod once: {}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 2]);
}

#[tokio::test]
#[ignore]
async fn the_minimum_of_ready_pods_is_kept() {
    let fleet = Fleet::named("minimum").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    let run = fleet.rebalance(&metrics, &[("MINIMUM_PODS_REQUIRED", "5")]).await.expect_exit(0);
    assert_eq!(decision(&run), "too_few_pods");
    assert_eq!(fleet.gone(&before).await, NOBODY);
    // Not Ready is not there: with one pod less, four of five must stay.
    fleet.behave(&before.0[2], Behavior::NotReady).await;
    let run = fleet.rebalance(&metrics, &[("MINIMUM_PODS_REQUIRED", "4")]).await.expect_exit(0);
    assert_eq!(decision(&run), "too_few_pods");
    assert_eq!(fleet.gone(&before).await, NOBODY);
    fleet.rebalance(&metrics, &[("MINIMUM_PODS_REQUIRED", "3")]).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 5], "trimmed to one hot and one cold pod");
}

#[tokio::test]
#[ignore]
async fn pods_that_do_not_serve_are_never_chosen() {
    let cores = [2.0, 1.9, 1.2, 1.1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1];
    let fleet = Fleet::named("not-serving").cpu(&cores).hpa(70).start().await;
    let before = fleet.settled().await;
    // The most extreme ones are not Ready, terminating, or have ended.
    fleet.behave(&before.0[0], Behavior::NotReady).await;
    fleet.terminate(&before.0[1]).await;
    fleet.behave(&before.0[8], Behavior::Succeeded).await;
    fleet.behave(&before.0[9], Behavior::Failed).await;
    let metrics = serve(&fleet, &before, Server::VictoriaMetrics).await;
    // Their replacements are fresh and have no samples.
    let variables = [("MINIMUM_PODS_REQUIRED", "0"), ("MINIMUM_SAMPLE_COVERAGE", "0.5")];
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    let chosen: Vec<_> = run.log_with(&["removal_intended"]).iter().map(|line| line["uid"].clone()).collect();
    let expected = [2, 7, 3, 6].map(|index: usize| Value::from(before.0[index].uid.clone()));
    assert_eq!(chosen, expected, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn fresh_pods_are_no_candidates_by_default() {
    let fleet = Fleet::named("fresh").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    let run = fleet.rebalance(&metrics, &[("MINIMUM_POD_AGE", "")]).await.expect_exit(0);
    assert_eq!(decision(&run), "no_eligible_pods", "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_selector_that_matches_nothing_is_a_hold_that_says_so() {
    let fleet = Fleet::named("nothing").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    let run = fleet.rebalance(&metrics, &[("KUBE_LABEL_SELECTOR", "app=another")]).await.expect_exit(0);
    assert_eq!(decision(&run), "no_pods");
    let run = fleet.rebalance(&metrics, &[("CONTAINER_NAME", "another")]).await.expect_exit(0);
    assert_eq!(decision(&run), "no_eligible_pods");
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn a_pod_that_opted_out_is_left_alone() {
    let fleet = Fleet::named("opted-out").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let marks = [
        ("pod-rebalancer.io/opt-out", "true"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        ("descheduler.alpha.kubernetes.io/prefer-no-eviction", ""),
    ];
    for ((name, value), pod) in marks.into_iter().zip([&before.0[0], &before.0[5], &before.0[4]]) {
        fleet.annotate(&pod.name, name, value).await.unwrap();
    }
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [1, 2, 3], "the most extreme ones that did not opt out");
}

/// Karpenter's mark on the hottest pod and the cluster autoscaler's on the coldest: by default both stay; where only
/// Karpenter's is honored, the coldest goes; and one that says for how long keeps no pod for longer.
#[tokio::test]
#[ignore]
async fn only_the_marks_that_are_honored_keep_a_pod() {
    let fleet = Fleet::named("honored").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let karpenter = "karpenter.sh/do-not-disrupt";
    fleet.annotate(&before.0[0].name, karpenter, "true").await.unwrap();
    fleet.annotate(&before.0[1].name, karpenter, "1ms").await.unwrap();
    fleet
        .annotate(&before.0[5].name, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false")
        .await
        .unwrap();
    let metrics = serve(&fleet, &before, Server::Prometheus).await;
    let planned = |honored: &'static str| {
        let variables = [FOUR_MAY_GO[0], ("HONORED_ANNOTATIONS", honored), ("DRY_RUN", "true")];
        let (fleet, metrics, before) = (&fleet, &metrics, &before);
        async move {
            let plan = fleet.rebalancer(metrics).envs(&variables).args(&["plan", "--output", "json"]);
            let run = plan.run().await.expect_exit(0);
            let report: Value = serde_json::from_str(&run.stdout).unwrap();
            let chosen = |pod: &Value| {
                let removals = report["decision"]["rotate"]["removals"].as_array();
                let removals = removals.unwrap_or_else(|| panic!("{report:#}"));
                removals.iter().any(|removal| removal["pod"]["name"] == *pod)
            };
            before.0.iter().map(|pod| chosen(&Value::from(pod.name.clone()))).collect::<Vec<bool>>()
        }
    };
    let all = planned("cluster-autoscaler,descheduler,karpenter").await;
    assert_eq!((all[0], all[1], all[5]), (false, true, false));
    let karpenter_s = planned("karpenter").await;
    assert_eq!((karpenter_s[0], karpenter_s[1], karpenter_s[5]), (false, true, true));
    let none = planned("none").await;
    assert_eq!((none[0], none[1], none[5]), (true, true, true));
}

#[tokio::test]
#[ignore]
async fn pods_of_another_workload_under_the_same_label_are_spared_and_do_not_count() {
    let fleet = Fleet::named("own").cpu(&[2.0, 0.3, 0.2]).hpa(70).start().await;
    let before = fleet.settled().await;
    let other = fleet.deploy_beside("api", 5).await;
    let metrics = fleet
        .history(&before)
        .cpu(&other.0[0].name, 9.0)
        .cpu(&other.0[1].name, 0.01)
        .serve(Server::Prometheus)
        .await;
    // Three of its own pods serve, and three must stay, however many others there are.
    let run = fleet.rebalance(&metrics, &[]).await.expect_exit(0);
    assert_eq!(decision(&run), "too_few_pods");
    fleet.rebalance(&metrics, &[("MINIMUM_PODS_REQUIRED", "1")]).await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 2]);
    assert_eq!(fleet.gone(&other).await, NOBODY);
}
