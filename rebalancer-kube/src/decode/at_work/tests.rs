use rebalancer_core::fleet::{Controller, Progress};
use serde_json::json;

use super::*;
use crate::decode::controller;

fn read(api_version: &str, kind: &str, spec: Value, status: Value) -> Controller {
    let raw = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "orders", "uid": "u", "generation": 2}, "spec": spec, "status": status});
    controller(serde_json::from_value(raw).unwrap(), kind).unwrap()
}

fn canary(stage: &str) -> Option<AtWork> {
    Some(AtWork::Canary { stage: stage.to_owned() })
}

fn degraded(message: &str) -> Option<AtWork> {
    Some(AtWork::Degraded { message: message.to_owned() })
}

#[test]
fn a_rollout_says_that_it_is_paused_degraded_or_in_the_middle_of_a_canary() {
    let steps =
        json!({"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]}}});
    let at =
        |spec: &Value, status: Value| read("argoproj.io/v1alpha1", "Rollout", spec.clone(), status).at_work;
    for (status, expected) in [
        (json!({"phase": "Healthy", "stableRS": "a", "currentPodHash": "a", "currentStepIndex": 3}), None),
        (
            json!({"phase": "Progressing", "stableRS": "a", "currentPodHash": "b", "currentStepIndex": 0}),
            canary("step 1 of 3"),
        ),
        (
            json!({"phase": "Progressing", "stableRS": "a", "currentPodHash": "b", "currentStepIndex": 3}),
            canary("step 3 of 3"),
        ),
        (
            json!({"phase": "Paused", "stableRS": "a", "currentPodHash": "b", "pauseConditions": [{"reason": "CanaryPauseStep"}]}),
            Some(AtWork::Paused),
        ),
        (
            json!({"phase": "Degraded", "message": "RolloutAborted: metric failed", "stableRS": "a", "currentPodHash": "b"}),
            degraded("RolloutAborted: metric failed"),
        ),
        (json!({"abort": true, "stableRS": "a", "currentPodHash": "b"}), degraded("")),
        (json!({}), None),
        (json!({"phase": ["Healthy"], "stableRS": 7, "pauseConditions": "none"}), None),
    ] {
        assert_eq!(at(&steps, status.clone()), expected, "{status}");
    }
    let blue = json!({"strategy": {"blueGreen": {}}});
    assert_eq!(at(&blue, json!({"stableRS": "a", "currentPodHash": "b"})), canary("Progressing"));
    assert_eq!(at(&json!({"paused": true}), json!({})), Some(AtWork::Paused));
}

#[test]
fn a_clone_set_is_paused_or_keeps_a_part_of_its_pods_at_the_former_revision() {
    let of = |strategy: Value, updated: u32| {
        let status = json!({"replicas": 5, "updatedReplicas": updated, "observedGeneration": 2});
        read(
            "apps.kruise.io/v1alpha1",
            "CloneSet",
            json!({"replicas": 5, "updateStrategy": strategy}),
            status,
        )
        .at_work
    };
    let partitioned = Some(AtWork::Partitioned { updated: 2, current: 5 });
    assert_eq!(of(json!({"paused": true}), 5), Some(AtWork::Paused));
    assert_eq!(of(json!({"partition": 3}), 2), partitioned);
    assert_eq!(of(json!({"partition": "60%"}), 2), partitioned);
    assert_eq!(of(json!({"rollingUpdate": {"partition": 3}}), 2), partitioned);
    assert_eq!(of(json!({"rollingUpdate": {"paused": true}}), 5), Some(AtWork::Paused));
    for strategy in
        [json!({"partition": 3}), json!({"partition": 0}), json!({"partition": "0%"}), json!({}), Value::Null]
    {
        assert_eq!(of(strategy.clone(), 5), None, "{strategy}");
    }
}

#[test]
fn a_deployment_config_is_paused_or_failed_in_its_own_words() {
    let of =
        |spec: Value, status: Value| read("apps.openshift.io/v1", "DeploymentConfig", spec, status).at_work;
    assert_eq!(of(json!({"paused": true}), json!({})), Some(AtWork::Paused));
    let failed = json!({"conditions": [{"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "False", "message": "replication controller \"orders-3\" has failed progressing"}]});
    assert_eq!(of(json!({}), failed), degraded("replication controller \"orders-3\" has failed progressing"));
    assert_eq!(of(json!({}), json!({"conditions": [{"type": "Progressing", "status": "True"}]})), None);
}

#[test]
fn strimzi_tells_by_conditions_and_by_the_pods_that_a_set_counts() {
    let of = |kind: &str, conditions: Value| {
        read("kafka.strimzi.io/v1", kind, json!({"replicas": 3}), json!({"conditions": conditions})).at_work
    };
    assert_eq!(of("KafkaConnect", json!([{"type": "Ready", "status": "True"}])), None);
    let paused = json!([{"type": "ReconciliationPaused", "status": "True"}]);
    assert_eq!(of("KafkaMirrorMaker2", paused), Some(AtWork::Paused));
    let failed =
        json!([{"type": "NotReady", "status": "True", "reason": "TimeoutException", "message": "too slow"}]);
    assert_eq!(of("KafkaConnect", failed), degraded("too slow"));
    let pods = json!({"pods": [{"metadata": {}}, {"metadata": {}}, {"metadata": {}}]});
    let status = json!({"observedGeneration": 2, "pods": 3, "readyPods": 3, "currentPods": 1});
    let set = read("core.strimzi.io/v1", "StrimziPodSet", pods, status);
    let progress = Progress { status_is_current: true, desired: 3, current: 3, updated: 1 };
    assert_eq!((set.progress, set.at_work), (Some(progress), None));
}

#[test]
fn what_kubernetes_itself_or_an_unknown_group_says_is_not_read_so() {
    for api_version in ["apps/v1", "example.com/v1", "v1"] {
        let told = read(
            api_version,
            "Rollout",
            json!({"paused": true, "replicas": 1}),
            json!({"phase": "Degraded"}),
        );
        assert_eq!(told.at_work, None, "{api_version}");
    }
}
