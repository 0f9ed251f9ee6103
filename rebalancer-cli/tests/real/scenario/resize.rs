//! In-place resizes on the real API server: requests count as the autoscaler's controller reckons them, from the
//! specification (`calculateRequests` of `pkg/controller/podautoscaler/replica_calculator.go`, which asks `PodRequests` of
//! `k8s.io/component-helpers` without `UseStatusResources`), however far the kubelet has come.

use serde_json::json;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::resize::{self, Stage};

/// Cores of six pods.
const CORES: [f64; 6] = [1.9, 1.1, 1.2, 0.3, 0.5, 0.4];
const VARIABLES: [(&str, &str); 3] =
    [("MINIMUM_PODS_REQUIRED", "2"), ("REBALANCE_STRATEGY", "rotate-outliers"), ("DRY_RUN", "true")];

/// Limits while the first and the third pod request two cores, and the others one.
const RAISED: &str = "target 0.700 to 1.400 cores a pod by its CPU request, hot above 1.050 to 2.100";
/// Limits while every pod requests one core.
const EQUAL: &str = "target 0.700 cores a pod, hot above 1.050";

/// While the kubelet resizes a pod where it is, nothing is removed; the limits are those that were asked for all the same.
async fn expect(
    fleet: &Fleet,
    pods: &Pods,
    metrics: &MetricServer,
    stage: Stage,
    expected: &(String, Vec<usize>),
) {
    let (limits, chosen) = expected.clone();
    let chosen = if stage == Stage::InProgress { Vec::new() } else { chosen };
    assert_eq!(planned(fleet, pods, metrics).await, (limits, chosen), "{stage:?}");
    if stage == Stage::InProgress {
        let run = fleet.rebalance(metrics, &VARIABLES).await.expect_exit(0);
        let reason = run.log_with(&["\"event\":\"decision\""])[0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("are being resized where they are"), "{reason}");
    }
}

/// The limits of a dry run, and the pods that it would remove.
async fn planned(fleet: &Fleet, pods: &Pods, metrics: &MetricServer) -> (String, Vec<usize>) {
    let run = fleet.rebalance(metrics, &VARIABLES).await.expect_exit(0);
    let limit = run.log_with(&["indicator_analyzed"])[0]["limit"].as_str().unwrap().to_owned();
    let chosen = run.log_with(&["removal_finished", "\"outcome\":\"would_be_removed\""]);
    let index = |name: &str| pods.0.iter().position(|pod| pod.name == name).unwrap();
    let mut chosen: Vec<usize> = chosen.iter().map(|line| index(line["pod"].as_str().unwrap())).collect();
    chosen.sort_unstable();
    (limit, chosen)
}

#[tokio::test]
#[ignore]
async fn a_resize_counts_as_it_is_asked_for_at_every_stage_up_and_down() {
    let fleet = Fleet::named("resized").cpu(&CORES).hpa(70).start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::Prometheus).await;
    assert_eq!(planned(&fleet, &pods, &metrics).await, (EQUAL.to_owned(), vec![0, 2, 3, 5]));
    for ((from, to), expected) in
        [((1.0, 2.0), (RAISED.to_owned(), vec![1, 3, 5])), ((2.0, 1.0), (EQUAL.to_owned(), vec![0, 2, 3, 5]))]
    {
        for index in [0, 2] {
            resize::ask(&fleet, &pods.0[index], resize::of_container(&fleet, to)).await;
        }
        for stage in Stage::ALL {
            for index in [0, 2] {
                resize::show(&fleet, &pods.0[index], stage, from, to).await;
            }
            expect(&fleet, &pods, &metrics, stage, &expected).await;
        }
    }
}

#[tokio::test]
#[ignore]
async fn a_resize_of_a_whole_pod_counts_as_it_is_asked_for_too() {
    let whole = json!({"resources": {"requests": {"cpu": "1"}}});
    let setup = Fleet::named("resized-whole").cpu(&CORES).cpu_request(None).hpa(70).pod_spec(whole);
    let fleet = setup.start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::VictoriaMetrics).await;
    assert_eq!(planned(&fleet, &pods, &metrics).await, (EQUAL.to_owned(), vec![0, 2, 3, 5]));
    for index in [0, 2] {
        resize::ask(&fleet, &pods.0[index], resize::of_pod(2.0)).await;
    }
    for stage in Stage::ALL {
        for index in [0, 2] {
            resize::show_of_pod(&fleet, &pods.0[index], stage, 1.0, 2.0).await;
        }
        expect(&fleet, &pods, &metrics, stage, &(RAISED.to_owned(), vec![1, 3, 5])).await;
    }
}
