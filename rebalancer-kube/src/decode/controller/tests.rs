use serde_json::{Value, json};

use super::*;

fn decode(kind: Kind, object: Value) -> Result<Controller, InventoryError> {
    controller(serde_json::from_value(object).unwrap(), kind)
}

fn object(kind: Kind, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind.name(),
        "metadata": {"name": "consumer", "uid": "u", "generation": 7},
        "spec": spec, "status": status,
    })
}

/// Desired, current and updated; `None` when the status does not speak of the present specification.
fn counts(kind: Kind, spec: Value, status: Value) -> Option<(u32, u32, u32)> {
    let read = decode(kind, object(kind, spec, status)).unwrap();
    read.status_is_current.then_some((read.desired, read.current, read.updated))
}

fn deployment(status: Value) -> Option<(u32, u32, u32)> {
    counts(Kind::Deployment, json!({"replicas": 5}), status)
}

/// A StatefulSet of five pods; `former`, `latest` count the pods of the two revisions.
fn set(strategy: Value, revisions: [&str; 2], former: u32, latest: u32) -> Option<(u32, u32, u32)> {
    let [current, update] = revisions;
    let status = json!({"observedGeneration": 7, "replicas": 5, "currentReplicas": former, "updatedReplicas": latest,
        "currentRevision": current, "updateRevision": update});
    counts(Kind::StatefulSet, json!({"replicas": 5, "updateStrategy": strategy}), status)
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
        Kind::Deployment,
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
        status_is_current: true,
        desired: 5,
        current: 6,
        updated: 2,
    };
    assert_eq!(decode(Kind::Deployment, deployment), Ok(expected));
}

#[test]
fn numbers_that_the_server_leaves_out_are_its_defaults() {
    assert_eq!(deployment(json!({"observedGeneration": 7})), Some((5, 0, 0)));
    let status = json!({"observedGeneration": 7, "replicas": 1, "updatedReplicas": 1});
    assert_eq!(counts(Kind::Deployment, json!({}), status), Some((1, 1, 1)));
}

#[test]
fn a_status_of_another_specification_or_of_none_is_not_current() {
    for status in [
        Value::Null,
        json!({}),
        json!({"replicas": 5, "updatedReplicas": 5}),
        json!({"observedGeneration": 6, "replicas": 5, "updatedReplicas": 5}),
    ] {
        let mut read = object(Kind::Deployment, json!({"replicas": 5}), status.clone());
        if status.is_null() {
            read.as_object_mut().unwrap().remove("status");
        }
        assert!(!decode(Kind::Deployment, read).unwrap().status_is_current, "{status}");
    }
    let mut read = object(Kind::Deployment, json!({}), json!({"observedGeneration": 7}));
    read["metadata"].as_object_mut().unwrap().remove("generation");
    assert!(!decode(Kind::Deployment, read).unwrap().status_is_current);
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
    let mut read = object(Kind::Deployment, json!({"replicas": 5}), status);
    read["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    assert!(!decode(Kind::Deployment, read).unwrap().status_is_current);
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
    let other = object(Kind::StatefulSet, json!({}), json!({}));
    let message = "a Deployment was asked for, a StatefulSet came".to_owned();
    assert_eq!(decode(Kind::Deployment, other), Err(InventoryError::Rejected { message }));
    for field in ["name", "uid"] {
        let mut lost = object(Kind::Deployment, json!({}), json!({}));
        lost["metadata"][field] = json!("");
        let message = decode(Kind::Deployment, lost).unwrap_err().to_string().to_lowercase();
        assert!(message.contains(field), "{message}");
    }
}
