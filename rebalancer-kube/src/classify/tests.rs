use kube::core::Status;
use rebalancer_core::port::{InventoryError, RemovalError};
use serde_json::{Value, json};

use super::{Right, read_error, removal_error};
use crate::wire::{Failure, Refusal};

const EVICT: Right = Right { verb: "create", resource: "pods/eviction" };

fn refused(status: Value) -> Failure {
    let status: Status = serde_json::from_value(status).unwrap();
    Failure::Refused(Box::new(Refusal { status, retry_after: None }))
}

fn removal(status: Value) -> RemovalError {
    removal_error(&refused(status), EVICT)
}

fn read(code: u16) -> InventoryError {
    let right = Right { verb: "list", resource: "pods" };
    read_error(&refused(json!({"code": code, "reason": "R", "message": "words"})), right, "shop")
}

#[test]
fn both_ways_in_which_the_server_spares_a_stranger_are_known() {
    for message in [
        "Operation cannot be fulfilled on Pod \"a\": the UID in the precondition (x) does not match the UID in record (y). The object might have been deleted and then recreated",
        "Operation cannot be fulfilled on pods \"a\": Precondition failed: UID in precondition: x, UID in object meta: y",
    ] {
        assert_eq!(
            removal(json!({"code": 409, "reason": "Conflict", "message": message})),
            RemovalError::Replaced
        );
    }
}

#[test]
fn any_other_conflict_stays_one() {
    let message = "the object has been modified; please apply your changes to the latest version";
    let error = removal(json!({"code": 409, "reason": "Conflict", "message": message}));
    assert_eq!(error, RemovalError::Conflict { message: format!("409 Conflict: {message}") });
}

#[test]
fn a_budget_is_told_from_a_rate_limit() {
    let full = "The disruption budget b needs 3 healthy pods and has 3 currently";
    let cause = json!({"reason": "DisruptionBudget", "message": full});
    let blocked = json!({"code": 429, "reason": "TooManyRequests",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.", "details": {"causes": [cause]}});
    assert_eq!(removal(blocked), RemovalError::Blocked { message: full.into() });
    let busy = json!({"code": 429, "message": "Too many requests, please try again later."});
    let message = "429: Too many requests, please try again later.".to_owned();
    assert_eq!(removal(busy), RemovalError::Throttled { message });
}

#[test]
fn a_budget_in_disorder_and_an_admission_rule_are_no_lack_of_rights() {
    let budget = json!({"code": 403, "reason": "Forbidden", "message": "pdb disruptions allowed is negative",
        "details": {"name": "b", "group": "policy", "kind": "poddisruptionbudget"}});
    assert!(matches!(removal(budget), RemovalError::Blocked { .. }));
    let webhook = json!({"code": 403, "message": "admission webhook \"w\" denied the request: not now"});
    assert!(matches!(removal(webhook), RemovalError::Rejected { .. }));
}

#[test]
fn a_missing_right_is_named() {
    let error = removal(json!({"code": 403, "message": "no"}));
    let message = "403: no".to_owned();
    assert_eq!(error, RemovalError::Forbidden { verb: "create", resource: "pods/eviction", message });
    let expired = removal(json!({"code": 401, "message": "no"}));
    assert_eq!(expired, RemovalError::Unauthorized { message: "401: no".to_owned() });
}

#[test]
fn only_a_missing_pod_is_gone() {
    let pod = json!({"code": 404, "reason": "NotFound", "details": {"name": "a", "kind": "pods"}});
    assert_eq!(removal(pod), RemovalError::Gone);
    for path in
        [json!({"code": 404, "reason": "NotFound", "details": {}}), json!({"code": 404, "message": "page"})]
    {
        assert!(matches!(removal(path), RemovalError::Rejected { .. }));
    }
}

#[test]
fn a_pod_with_two_budgets_is_surely_untouched_and_after_other_server_errors_nobody_knows() {
    let message =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    assert!(matches!(removal(json!({"code": 500, "message": message})), RemovalError::Rejected { .. }));
    for code in [0, 201, 408, 500, 502, 503, 504] {
        assert!(matches!(removal(json!({"code": code})), RemovalError::Unknown { .. }), "{code}");
    }
}

#[test]
fn what_was_not_sent_did_not_happen_and_what_was_lost_may_have() {
    for failure in [Failure::Unsendable("x".into()), Failure::NotConnected("x".into())] {
        assert!(matches!(removal_error(&failure, EVICT), RemovalError::Rejected { .. }));
    }
    for failure in [
        Failure::Lost("x".into()),
        Failure::Malformed("x".into()),
        Failure::TimeUp { limit: std::time::Duration::ZERO, server: None },
    ] {
        assert!(matches!(removal_error(&failure, EVICT), RemovalError::Unknown { .. }));
    }
}

#[test]
fn reads_are_sorted_by_what_must_be_done() {
    let message = |code: u16| format!("{code} R: words");
    assert_eq!(read(401), InventoryError::Unauthorized { message: message(401) });
    let namespace = "shop".to_owned();
    let message_403 = message(403);
    assert_eq!(
        read(403),
        InventoryError::Forbidden { verb: "list", resource: "pods", namespace, message: message_403 }
    );
    for code in [408, 410, 429, 500, 503] {
        assert_eq!(read(code), InventoryError::Unavailable { message: message(code) });
    }
    for code in [302, 400, 404, 422] {
        assert_eq!(read(code), InventoryError::Rejected { message: message(code) });
    }
}
