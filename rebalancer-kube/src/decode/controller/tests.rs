use serde_json::{Value, json};

use std::collections::BTreeMap;

use super::*;

fn decode(kind: &str, object: Value) -> Result<Controller, InventoryError> {
    controller(serde_json::from_value(object).unwrap(), kind)
}

fn object(kind: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": "consumer", "uid": "u", "generation": 7},
        "spec": spec, "status": status,
    })
}

/// Desired, current and updated; `None` when the status does not speak of the present specification.
fn counts(kind: &str, spec: Value, status: Value) -> Option<(u32, u32, u32)> {
    told(&decode(kind, object(kind, spec, status)).unwrap())
}

/// The same of an owner of any kind; `None` also where it does not tell.
fn told(read: &Controller) -> Option<(u32, u32, u32)> {
    let Progress { status_is_current, desired, current, updated } = read.progress?;
    status_is_current.then_some((desired, current, updated))
}

fn deployment(status: Value) -> Option<(u32, u32, u32)> {
    counts("Deployment", json!({"replicas": 5}), status)
}

/// A StatefulSet of five pods; `former`, `latest` count the pods of the two revisions.
fn set(strategy: Value, revisions: [&str; 2], former: u32, latest: u32) -> Option<(u32, u32, u32)> {
    let [current, update] = revisions;
    let status = json!({"observedGeneration": 7, "replicas": 5, "currentReplicas": former, "updatedReplicas": latest,
        "currentRevision": current, "updateRevision": update});
    counts("StatefulSet", json!({"replicas": 5, "updateStrategy": strategy}), status)
}

fn rolling(partition: u32) -> Value {
    json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}})
}

fn on_delete() -> Value {
    json!({"type": "OnDelete"})
}

#[test]
fn everything_that_matters_is_taken() {
    let mut deployment = object(
        "Deployment",
        json!({"replicas": 5, "template": {}}),
        json!({"observedGeneration": 7, "replicas": 6, "updatedReplicas": 2, "readyReplicas": 4}),
    );
    deployment["metadata"]["annotations"] =
        json!({"pod-rebalancer.io/opt-out": "true", "deployment.kubernetes.io/revision": "4"});
    let expected = Controller {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: "consumer".into(),
        uid: Uid::new("u"),
        annotations: BTreeMap::from([("pod-rebalancer.io/opt-out".into(), "true".into())]),
        marks: Vec::new(),
        owner: None,
        progress: Some(Progress { status_is_current: true, desired: 5, current: 6, updated: 2 }),
        at_work: None,
    };
    assert_eq!(decode("Deployment", deployment), Ok(expected));
}

#[test]
fn numbers_that_the_server_leaves_out_are_its_defaults() {
    assert_eq!(deployment(json!({"observedGeneration": 7})), Some((5, 0, 0)));
    let status = json!({"observedGeneration": 7, "replicas": 1, "updatedReplicas": 1});
    assert_eq!(counts("Deployment", json!({}), status), Some((1, 1, 1)));
}

#[test]
fn a_status_of_another_specification_or_of_none_is_not_current() {
    for status in [
        Value::Null,
        json!({}),
        json!({"replicas": 5, "updatedReplicas": 5}),
        json!({"observedGeneration": 6, "replicas": 5, "updatedReplicas": 5}),
    ] {
        let mut read = object("Deployment", json!({"replicas": 5}), status.clone());
        if status.is_null() {
            read.as_object_mut().unwrap().remove("status");
        }
        assert_eq!(told(&decode("Deployment", read).unwrap()), None, "{status}");
    }
    let mut read = object("Deployment", json!({}), json!({"observedGeneration": 7}));
    read["metadata"].as_object_mut().unwrap().remove("generation");
    assert_eq!(told(&decode("Deployment", read).unwrap()), None);
}

#[test]
fn negative_numbers_are_not_known() {
    for field in ["replicas", "updatedReplicas", "observedGeneration"] {
        let mut status = json!({"observedGeneration": 7, "replicas": 5, "updatedReplicas": 5});
        status[field] = json!(-1);
        assert_eq!(deployment(status), None, "{field}");
    }
}

#[test]
fn a_workload_that_is_being_deleted_is_never_at_rest() {
    let status = json!({"observedGeneration": 7, "replicas": 5, "updatedReplicas": 5});
    let mut read = object("Deployment", json!({"replicas": 5}), status);
    read["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    assert_eq!(told(&decode("Deployment", read).unwrap()), None);
    // One that tells no numbers tells this too; its scale subresource would not.
    let mut read = object("StrimziPodSet", json!({"pods": []}), json!({"pods": 5}));
    read["apiVersion"] = json!("core.strimzi.io/v1beta2");
    assert_eq!(decode("StrimziPodSet", read.clone()).unwrap().progress, None);
    read["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    let progress = decode("StrimziPodSet", read).unwrap().progress.unwrap();
    assert!(!progress.status_is_current);
}

#[test]
fn a_stateful_set_at_rest_has_one_revision() {
    for strategy in [rolling(0), rolling(3), on_delete(), json!({})] {
        assert_eq!(set(strategy, ["a", "a"], 5, 5), Some((5, 5, 5)));
    }
    // As servers before 1.11 have it.
    assert_eq!(set(rolling(0), ["a", "a"], 5, 0), Some((5, 5, 5)));
}

#[test]
fn a_rolling_update_is_in_progress_until_every_pod_has_the_new_revision() {
    for updated in 0..=5 {
        assert_eq!(set(rolling(0), ["a", "b"], 5 - updated, updated), Some((5, 5, updated)));
    }
}

#[test]
fn a_rollback_in_the_middle_of_a_rollout_is_one_too_although_both_revisions_are_the_same() {
    assert_eq!(set(rolling(0), ["a", "a"], 3, 3), Some((5, 5, 3)));
    assert_eq!(set(rolling(3), ["a", "a"], 3, 3), Some((5, 5, 3)));
}

#[test]
fn a_partition_is_rolled_out_when_the_pods_above_it_are() {
    for (partition, updated, expected) in [(3, 0, 0), (3, 1, 1), (3, 2, 5), (3, 4, 5), (5, 0, 5), (9, 0, 5)] {
        let read = set(rolling(partition), ["a", "b"], 5 - updated, updated);
        assert_eq!(read, Some((5, 5, expected)), "{partition} {updated}");
    }
}

#[test]
fn on_delete_keeps_the_former_revision_and_only_counters_tell() {
    assert_eq!(set(on_delete(), ["a", "b"], 5, 0), Some((5, 5, 0)));
    assert_eq!(set(on_delete(), ["a", "b"], 1, 4), Some((5, 5, 4)));
    assert_eq!(set(on_delete(), ["a", "b"], 0, 5), Some((5, 5, 5)));
}

#[test]
fn a_stateful_set_whose_revisions_are_not_known_is_not_current() {
    for revisions in [["", "b"], ["a", ""], ["", ""]] {
        assert_eq!(set(rolling(0), revisions, 5, 5), None, "{revisions:?}");
    }
    let negative = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": -1}});
    assert_eq!(set(negative, ["a", "b"], 0, 5), None);
}

#[test]
fn an_object_of_another_kind_or_without_identity_is_refused() {
    let other = object("StatefulSet", json!({}), json!({}));
    let message = "a Deployment was asked for, a StatefulSet came".to_owned();
    assert_eq!(decode("Deployment", other), Err(InventoryError::Rejected { message }));
    for field in ["name", "uid"] {
        let mut lost = object("Deployment", json!({}), json!({}));
        lost["metadata"][field] = json!("");
        let message = decode("Deployment", lost).unwrap_err().to_string().to_lowercase();
        assert!(message.contains(field), "{message}");
    }
}

/// An object of another kind, and how far it is.
fn of_another_kind(kind: &str, spec: Value, status: Value) -> Option<(u32, u32, u32)> {
    let mut read = object(kind, spec, status);
    read["apiVersion"] = json!("example.org/v1");
    told(&decode(kind, read).unwrap())
}

#[test]
fn other_kinds_tell_by_the_numbers_that_they_have_under_the_usual_names() {
    let five = || json!({"replicas": 5});
    let all = json!({"observedGeneration": "7", "replicas": 5, "updatedReplicas": 2});
    assert_eq!(of_another_kind("Rollout", five(), all), Some((5, 5, 2)));
    // What does not count new pods leaves it to the pods' labels.
    assert_eq!(of_another_kind("Workers", five(), json!({"replicas": 4})), Some((5, 4, 4)));
    assert_eq!(of_another_kind("StrimziPodSet", json!({"pods": []}), json!({"pods": 5})), None);
    for behind in [json!("6"), json!(6), json!("a-hash")] {
        let status = json!({"observedGeneration": behind, "replicas": 5, "updatedReplicas": 5});
        assert_eq!(of_another_kind("Rollout", five(), status), None);
    }
}

#[test]
fn a_stateful_set_of_another_group_may_have_another_form() {
    let strategy = json!({"rollingUpdate": {"partition": "50%"}});
    let spec = json!({"replicas": 5, "updateStrategy": strategy});
    let status = json!({"observedGeneration": 7, "replicas": 5, "updatedReplicas": 3, "currentRevision": 1});
    assert_eq!(of_another_kind("StatefulSet", spec, status), Some((5, 5, 3)));
}

#[test]
fn who_controls_it_in_turn_comes_with_it() {
    let mut set =
        object("ReplicaSet", json!({"replicas": 5}), json!({"replicas": 5, "observedGeneration": 7}));
    set["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "consumer", "uid": "r", "controller": true},
    ]);
    let read = decode("ReplicaSet", set).unwrap();
    let owner = read.owner.as_ref().unwrap();
    assert_eq!((owner.to_string().as_str(), owner.uid.to_string().as_str()), ("Rollout consumer", "r"));
    assert_eq!(owner.api_version, "argoproj.io/v1alpha1");
    assert_eq!(told(&read), Some((5, 5, 5)));
}
