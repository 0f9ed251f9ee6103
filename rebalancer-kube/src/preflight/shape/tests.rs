use serde_json::json;

use super::*;

#[test]
fn a_pod_tells_its_containers_and_its_owner() {
    let raw = json!({
        "metadata": {"name": "a", "labels": {"app": "x"}, "ownerReferences": [
            {"kind": "Other", "name": "o"}, {"kind": "ReplicaSet", "name": "x-1", "controller": true}]},
        "spec": {"containers": [{"name": "one"}, {"name": "two"}],
            "initContainers": [{"name": "init"}, {"name": "beside", "restartPolicy": "Always"}]},
    });
    let shape = pod(serde_json::from_value(raw).unwrap());
    assert_eq!(shape.containers, ["one", "two", "beside"]);
    assert_eq!(shape.owner.unwrap().to_string(), "ReplicaSet x-1");
}

#[test]
fn what_a_budget_counts_is_known_only_by_a_status_of_its_present_specification() {
    for (observed, expected) in [(Some(2), Some(9)), (Some(1), None), (None, None)] {
        let status = json!({"observedGeneration": observed, "expectedPods": 9});
        let raw = json!({"metadata": {"name": "b", "generation": 2}, "spec": {}, "status": status});
        assert_eq!(budget(serde_json::from_value(raw).unwrap()).expected, expected);
    }
}

#[test]
fn a_budget_s_room_is_counted_as_the_disruption_controller_counts_it() {
    let shape =
        |spec| budget(serde_json::from_value(json!({"metadata": {"name": "b"}, "spec": spec})).unwrap());
    for (spec, pods, room) in [
        (json!({"maxUnavailable": 0}), 6, Some(0)),
        (json!({"maxUnavailable": "0%"}), 6, Some(0)),
        (json!({"maxUnavailable": "10%"}), 6, Some(1)),
        (json!({"minAvailable": 4}), 6, Some(2)),
        (json!({"minAvailable": 9}), 6, Some(0)),
        (json!({"minAvailable": "100%"}), 6, Some(0)),
        // Nine tenths of six pods are six pods.
        (json!({"minAvailable": "90%"}), 6, Some(0)),
        (json!({"minAvailable": "50%"}), 5, Some(2)),
        (json!({}), 6, None),
        (json!({"maxUnavailable": "many"}), 6, None),
    ] {
        assert_eq!(shape(spec.clone()).room(pods), room, "{spec}");
    }
    assert_eq!(shape(json!({"minAvailable": "90%"})).to_string(), "minAvailable: 90%");
}
