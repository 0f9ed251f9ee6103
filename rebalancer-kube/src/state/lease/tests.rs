use super::*;

const TTL: SignedDuration = SignedDuration::from_secs(60);

fn at(second: i64) -> Timestamp {
    later("2026-01-01T00:00:00Z".parse().unwrap(), SignedDuration::from_secs(second))
}

fn spec(lease: &Lease) -> &LeaseSpec {
    lease.spec.as_ref().unwrap()
}

fn holder(lease: &Lease, second: i64) -> Option<String> {
    held(lease, at(second)).map(|held| held.by)
}

#[test]
fn a_name_is_that_of_the_workload_unless_it_is_too_long() {
    assert_eq!(name("consumer"), "pod-rebalancer-consumer");
    let long = name(&"x".repeat(253));
    assert_eq!(long.len(), 253);
    assert_eq!(long, name(&"x".repeat(253)));
    assert_ne!(long, name(&format!("{}y", "x".repeat(252))));
    let dotted = name(&format!("{}.{}", "x".repeat(220), "y".repeat(32)));
    assert!(dotted.len() <= 253 && !dotted.contains(".-"), "{dotted}");
}

/// Kafka takes any text. Two groups have two Leases, and none that is a workload's.
#[test]
fn a_name_is_that_of_the_group_and_one_that_no_lease_can_have_gets_a_hash() {
    assert_eq!(name_of_group("orders-v2"), "pod-rebalancer.group-orders-v2");
    assert_ne!(name_of_group("x"), name("group-x"));
    let odd =
        ["Orders", "orders_", "orders.", "orders-", "ORDERS", "", "zamówienia", "a b", &"x".repeat(300)];
    let names: std::collections::BTreeSet<String> = odd.into_iter().map(name_of_group).collect();
    assert_eq!(names.len(), odd.len(), "{names:?}");
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    for name in names {
        assert!(name.len() <= 253 && name.chars().all(allowed) && !name.ends_with(['-', '.']), "{name}");
        assert!(name.starts_with("pod-rebalancer.group-") && !name.contains(".-"), "{name}");
    }
}

#[test]
fn a_hash_in_a_name_never_changes() {
    assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
}

#[test]
fn a_lock_is_held_until_its_time_is_up_and_a_little_longer() {
    let lease = taken(fresh("shop", "l"), at(0), "a", TTL);
    assert_eq!(holder(&lease, 0).as_deref(), Some("a"));
    assert_eq!(holder(&lease, 64).as_deref(), Some("a"));
    assert_eq!(holder(&lease, 65), None);
    assert_eq!(holder(&freed(lease), 0), None);
}

#[test]
fn a_holder_without_a_time_holds_for_ever() {
    let mut lease = fresh("shop", "l");
    lease.spec = Some(LeaseSpec { holder_identity: Some("somebody".into()), ..LeaseSpec::default() });
    assert_eq!(held(&lease, Timestamp::MAX), Some(Held { by: "somebody".into(), until: None }));
}

#[test]
fn a_holder_whose_clock_is_ahead_is_waited_for_until_its_time_is_up() {
    let lease = taken(fresh("shop", "l"), at(3600), "ahead", TTL);
    assert_eq!(held(&lease, at(0)), Some(Held { by: "ahead".into(), until: Some(at(3665)) }));
}

#[test]
fn no_time_makes_it_panic() {
    let forever = taken(fresh("shop", "l"), Timestamp::MAX, "a", SignedDuration::MAX);
    assert!(held(&forever, Timestamp::MIN).is_some());
    let never = taken(fresh("shop", "l"), Timestamp::MIN, "a", SignedDuration::MIN);
    assert_eq!(spec(&never).lease_duration_seconds, Some(1));
    assert!(held(&never, Timestamp::MAX).is_none());
}

#[test]
fn changes_of_the_holder_are_counted_as_kubernetes_counts_them() {
    let first = taken(fresh("shop", "l"), at(0), "a", TTL);
    assert_eq!(spec(&first).lease_transitions, Some(0));
    let renewed = taken(first, at(10), "a", TTL);
    assert_eq!(spec(&renewed).lease_transitions, Some(0));
    assert_eq!(spec(&renewed).acquire_time, Some(MicroTime(at(0))));
    assert_eq!(spec(&renewed).renew_time, Some(MicroTime(at(10))));
    let second = taken(freed(renewed), at(20), "b", TTL);
    assert_eq!(spec(&second).lease_transitions, Some(1));
    assert_eq!(spec(&second).acquire_time, Some(MicroTime(at(20))));
}
