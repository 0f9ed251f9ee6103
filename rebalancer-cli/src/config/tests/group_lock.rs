//! The lock on a consumer group that spans clusters: where it is, and what it needs.

use super::*;
use crate::config::GroupLockSettings;

const SERVERS: (&str, &str) = ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092");
const NAMESPACE: (&str, &str) = ("GROUP_LOCK_NAMESPACE", "locks");

fn lock(environment: &[(&str, &str)]) -> Option<GroupLockSettings> {
    resolved(&[&[SERVERS], environment].concat()).adapters.group_lock
}

/// Its kubeconfig and context.
fn cluster(environment: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let cluster = lock(&[&[NAMESPACE], environment].concat()).unwrap().cluster;
    (cluster.kubeconfig.map(|file| file.display().to_string()), cluster.context)
}

#[test]
fn there_is_none_unless_its_namespace_is_set_and_it_is_called_as_the_group() {
    assert!(lock(&[]).is_none());
    let GroupLockSettings { namespace, group, .. } = lock(&[NAMESPACE]).unwrap();
    assert_eq!((namespace.as_str(), group.as_str()), ("locks", "consumer"));
    assert_eq!(lock(&[NAMESPACE, ("KAFKA_GROUP_ID", "orders")]).unwrap().group, "orders");
}

#[test]
fn it_is_in_the_fleets_own_cluster_unless_another_is_named() {
    let own = ("KUBE_CONTEXT", "own");
    let (file, context) = (("GROUP_LOCK_KUBECONFIG", "/etc/eu"), ("GROUP_LOCK_CONTEXT", "eu"));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(cluster(&[]), (None, None));
    assert_eq!(cluster(&[own]), (None, text("own")));
    assert_eq!(cluster(&[own, context]), (None, text("eu")));
    assert_eq!(cluster(&[own, file]), (text("/etc/eu"), None), "a context of one file is none of another");
    assert_eq!(cluster(&[own, file, context]), (text("/etc/eu"), text("eu")));
}

#[test]
fn it_needs_kafka_and_the_record_and_what_names_its_cluster_needs_its_namespace() {
    assert_eq!(
        bad(&[NAMESPACE]),
        [
            "KAFKA_BOOTSTRAP_SERVERS is not set: brokers to begin with, as host:port, since GROUP_LOCK_NAMESPACE is set"
        ]
    );
    assert_eq!(
        bad(&[SERVERS, NAMESPACE, ("RECORD_STORE", "none")]),
        ["RECORD_STORE=\"none\": expected lease, since GROUP_LOCK_NAMESPACE is set"]
    );
    assert_eq!(
        bad(&[SERVERS, ("GROUP_LOCK_CONTEXT", "eu")]),
        ["GROUP_LOCK_NAMESPACE is not set: the namespace of the Lease, since GROUP_LOCK_CONTEXT is set"]
    );
}

/// Nobody takes the workload's own lock over while the group's is given back.
#[test]
fn the_workloads_own_lock_lasts_for_one_call_more() {
    let lasts = |environment: &[(&str, &str)]| {
        let resolved = resolved(&[&[SERVERS, ("KUBE_TIMEOUT", "7s")], environment].concat());
        resolved.run.memory.unwrap().lock_for
    };
    assert_eq!(lasts(&[NAMESPACE]) - lasts(&[]), SignedDuration::from_secs(7));
}
