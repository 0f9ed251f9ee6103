//! In which pod a member runs.

use super::*;
use crate::fleet::consumer_group::{GroupProtocol, GroupState};

fn member(host: &str, instance: Option<&str>, client: &str) -> GroupMember {
    GroupMember {
        client_id: client.to_owned(),
        host: host.to_owned(),
        instance_id: instance.map(str::to_owned),
        ..GroupMember::new(format!("{client}-{host}"))
    }
}

fn pods() -> Vec<Pod> {
    let pod = |name: &str, ip: &str| Pod::new(name, format!("uid-{name}")).with_ip(ip.parse().unwrap());
    vec![pod("orders-1", "10.0.0.1"), pod("orders-10", "10.0.0.2"), pod("orders-1-x", "fd00::3")]
}

fn placed(members: Vec<GroupMember>, pods: &[Pod], matching: MemberMatching) -> Vec<String> {
    let group = ConsumerGroup {
        id: "orders".to_owned(),
        state: GroupState::Stable,
        protocol: GroupProtocol::Classic,
        assignor: None,
        members,
        coordinator: None,
    };
    let shown = |placement: Placement| match placement {
        Placement::Pod { uid, by } => format!("{uid} by {by}"),
        Placement::Elsewhere => "elsewhere".to_owned(),
        Placement::Contradictory => "contradictory".to_owned(),
    };
    placements(&group, pods, matching).into_iter().map(shown).collect()
}

fn one(member: GroupMember) -> String {
    placed(vec![member], &pods(), MemberMatching::Auto).remove(0)
}

#[test]
fn a_member_is_in_the_pod_of_its_address_however_that_is_written() {
    for host in ["10.0.0.1", "/10.0.0.1", "::ffff:10.0.0.1"] {
        assert_eq!(one(member(host, None, "rdkafka")), "uid-orders-1 by host", "{host}");
    }
    assert_eq!(one(member("fd00:0::3", None, "rdkafka")), "uid-orders-1-x by host");
    assert_eq!(one(member("192.168.1.9", None, "rdkafka")), "elsewhere");
}

#[test]
fn a_name_counts_as_a_whole_and_the_longest_one_is_meant() {
    assert_eq!(one(member("", Some("orders-1"), "c")), "uid-orders-1 by instance-id");
    assert_eq!(one(member("", Some("orders-10"), "c")), "uid-orders-10 by instance-id");
    assert_eq!(one(member("", None, "eu.orders-1-0")), "uid-orders-1 by client-id");
    assert_eq!(one(member("", None, "orders-1-x-StreamThread-1")), "uid-orders-1-x by client-id");
    assert_eq!(one(member("", None, "reorders-1")), "elsewhere");
    assert_eq!(one(member("", None, "consumer-orders-2")), "elsewhere");
}

#[test]
fn ways_that_contradict_each_other_tell_nothing() {
    assert_eq!(one(member("10.0.0.2", None, "orders-1")), "contradictory");
    let asked = placed(vec![member("10.0.0.2", None, "orders-1")], &pods(), MemberMatching::ClientId);
    assert_eq!(asked, ["uid-orders-1 by client-id"]);
}

#[test]
fn an_address_that_two_pods_have_tells_neither_and_one_of_a_pod_that_ended_is_free() {
    let mut pods = pods();
    pods[1].ips = pods[0].ips.clone();
    let host = || vec![member("10.0.0.1", None, "rdkafka")];
    assert_eq!(placed(host(), &pods, MemberMatching::Auto), ["elsewhere"]);
    pods[1].phase = Phase::Failed;
    assert_eq!(placed(host(), &pods, MemberMatching::Auto), ["uid-orders-1 by host"]);
}
