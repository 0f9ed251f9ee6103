//! Judging the lock on a consumer group.

use rebalancer_core::history::{Held, Peeked, Record, StateError};
use rebalancer_kube::ConnectError;
use rebalancer_kube::preflight::Allowed;

use super::super::super::facts::{Cluster, LockFacts};
use super::super::super::finding::{Finding, Severity};
use super::super::super::needs::of_group_lock;
use super::{NOW, answering, expect, facts, judge, settings};
use crate::config::WorkloadSettings;

/// What is found with these rights of the three, and this look at the Lease.
fn found(dry: &str, granted: [bool; 3], peeked: Result<Peeked, StateError>) -> Vec<Finding> {
    let WorkloadSettings { adapters, run, .. } = settings(&[("DRY_RUN", dry)]);
    let cluster = Cluster::NotConfigured(ConnectError::NoCluster { looked: "nowhere".to_owned() });
    let answer = |allowed| Ok(Allowed { allowed, reason: String::new() });
    let rights = of_group_lock(&run, "pod-rebalancer.group-orders").into_iter().zip(granted.map(answer));
    let (namespace, rights) = ("locks".to_owned(), rights.collect());
    let mut facts = facts(&adapters, &run, NOW, answering(), cluster);
    facts.group_lock = Some(LockFacts { namespace, rights, peeked });
    judge(&facts)
}

fn free() -> Result<Peeked, StateError> {
    Ok(Peeked { record: Record::default(), held: None })
}

#[test]
fn each_right_that_is_missing_is_named_with_the_locks_namespace_and_a_dry_run_only_reads() {
    for (missing, severity, words) in [
        ([false, true, true], [Severity::Error; 2], "get leases"),
        ([true, false, true], [Severity::Error, Severity::Warning], "create leases"),
        ([true, true, false], [Severity::Error, Severity::Warning], "update leases"),
    ] {
        for (dry, severity) in ["false", "true"].into_iter().zip(severity) {
            let words = [words, "namespace locks", "add to the Role in locks"];
            expect(&found(dry, missing, free()), severity, "permission_missing", &words);
        }
    }
    let findings = found("false", [true; 3], free());
    assert!(findings.iter().all(|finding| finding.code.name() != "permission_missing"), "{findings:#?}");
    expect(&findings, Severity::Ok, "group_lock", &["is free"]);
}

#[test]
fn who_has_it_is_told_and_what_can_not_be_read_is_an_error_unless_the_missing_right_is_one_already() {
    let held = Some(Held { by: "streams/orders in us, cycle 1".to_owned(), until: Some(NOW) });
    let held = found("false", [true; 3], Ok(Peeked { record: Record::default(), held }));
    expect(&held, Severity::Ok, "group_lock", &["streams/orders in us, cycle 1"]);
    let refused = || {
        let (namespace, message) = ("locks".to_owned(), "RBAC says no".to_owned());
        Err(StateError::Forbidden { verb: "get", resource: "leases.coordination.k8s.io", namespace, message })
    };
    expect(&found("false", [true; 3], refused()), Severity::Error, "group_lock_unusable", &["RBAC says no"]);
    let told = found("false", [false, true, true], refused());
    expect(&told, Severity::Note, "not_checked", &["the lock of the consumer group"]);
    assert!(told.iter().all(|finding| finding.code.name() != "group_lock_unusable"), "{told:#?}");
}
