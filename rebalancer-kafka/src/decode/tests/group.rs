//! Groups of both protocols.

use std::collections::BTreeSet;

use bytes::Bytes;
use kafka_protocol::messages::consumer_group_describe_response as consumer;
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as Assigned;
use kafka_protocol::messages::consumer_protocol_subscription::TopicPartition as Owned;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{
    ConsumerGroupDescribeResponse, ConsumerProtocolAssignment, ConsumerProtocolSubscription,
    DescribeGroupsResponse,
};
use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, JoinedWith, MemberProtocol, Subscription,
};
use rebalancer_core::port::OtherGroup;

use super::*;
use crate::wire::ErrorCode;

fn subscription(version: i16) -> Bytes {
    let mut message =
        ConsumerProtocolSubscription::default().with_topics(vec![text("orders"), text("bills")]);
    message.user_data = Some(Bytes::from_static(b"sticky"));
    if version >= 1 {
        message.owned_partitions =
            vec![Owned::default().with_topic(topic("orders")).with_partitions(vec![2, 0])];
    }
    if version >= 2 {
        message.generation_id = 7;
    }
    if version >= 3 {
        message.rack_id = Some(text("rack-a"));
    }
    Bytes::from([&version.to_be_bytes()[..], &written(&message, version)].concat())
}

fn assignment() -> Bytes {
    let partitions = vec![Assigned::default().with_topic(topic("orders")).with_partitions(vec![3, 1])];
    let message = ConsumerProtocolAssignment::default().with_assigned_partitions(partitions);
    Bytes::from([&0_i16.to_be_bytes()[..], &written(&message, 0)].concat())
}

fn classic_answer(version: i16, group_of: impl Fn(DescribedGroup) -> DescribedGroup) -> Vec<u8> {
    let mut member = DescribedGroupMember::default()
        .with_member_id(text("pod-1"))
        .with_client_id(text("pod"))
        .with_client_host(text("/10.0.0.7"))
        .with_member_metadata(subscription(3))
        .with_member_assignment(assignment());
    if version >= 4 {
        member.group_instance_id = Some(text("instance-0"));
    }
    let described = DescribedGroup::default()
        .with_group_id(group("g"))
        .with_group_state(text("Stable"))
        .with_protocol_type(text("consumer"))
        .with_protocol_data(text("cooperative-sticky"))
        .with_members(vec![member]);
    written(&DescribeGroupsResponse::default().with_groups(vec![group_of(described)]), version)
}

fn describe(version: i16, bytes: &[u8]) -> Result<Described, BadAnswer> {
    let version = Api::DescribeGroups.common(version, version).unwrap();
    describe_groups(&mut Reader::new(bytes, version.is_flexible()), version, "g")
}

#[test]
fn a_classic_group_is_read_in_every_version() {
    let read = |r: &mut Reader<'_>, version| describe_groups(r, version, "g");
    each_version(
        Api::DescribeGroups,
        |version| classic_answer(version, |group| group),
        read,
        |described, version| {
            let member = GroupMember {
                listed: 0,
                id: "pod-1".to_owned(),
                client_id: "pod".to_owned(),
                host: "10.0.0.7".to_owned(),
                instance_id: (version >= 4).then(|| "instance-0".to_owned()),
                rack: Some("rack-a".to_owned()),
                protocol: Some(MemberProtocol::Classic),
                epoch: None,
                subscription: Some(Subscription {
                    topics: vec!["bills".to_owned(), "orders".to_owned()],
                    pattern: None,
                }),
                assigned: Some(vec![partition(3), partition(1)]),
                target: None,
                joined_with: Some(JoinedWith {
                    generation: Some(7),
                    owned: vec![partition(2), partition(0)],
                    user_data: Some(6),
                }),
            };
            let expected = ConsumerGroup {
                id: "g".to_owned(),
                state: GroupState::Stable,
                protocol: GroupProtocol::Classic,
                assignor: Some("cooperative-sticky".to_owned()),
                members: vec![member],
                coordinator: None,
            };
            assert_eq!(described, Described::Group(Box::new(expected)));
        },
    );
}

#[test]
fn what_members_say_is_read_in_every_version_of_theirs_and_later_ones() {
    for version in 0..=3 {
        let joined = embedded::subscription(&subscription(version)).unwrap();
        assert_eq!(joined.joined_with.owned.len(), if version >= 1 { 2 } else { 0 });
        assert_eq!(joined.joined_with.generation, (version >= 2).then_some(7));
        assert_eq!(joined.rack, (version >= 3).then(|| "rack-a".to_owned()));
    }
    let later = [&9_i16.to_be_bytes()[..], &subscription(3)[2..], b"more"].concat();
    assert_eq!(embedded::subscription(&later), embedded::subscription(&subscription(3)));
}

#[test]
fn a_group_that_is_rebalancing_tells_no_assignment_rather_than_an_empty_one() {
    let rebalancing = classic_answer(6, |mut group| {
        group.group_state = text("PreparingRebalance");
        group.members[0].member_metadata = Bytes::new();
        group.members[0].member_assignment = Bytes::new();
        group
    });
    let Described::Group(group) = describe(6, &rebalancing).unwrap() else { panic!("no group") };
    assert_eq!(group.state, GroupState::PreparingRebalance);
    assert_eq!((&group.members[0].assigned, &group.members[0].subscription), (&None, &None));

    let idle = classic_answer(6, |mut group| {
        group.members[0].member_assignment = Bytes::new();
        group
    });
    let Described::Group(group) = describe(6, &idle).unwrap() else { panic!("no group") };
    assert_eq!(
        group.members[0].assigned,
        Some(Vec::new()),
        "a stable member without an assignment holds nothing"
    );
}

#[test]
fn groups_that_are_absent_or_of_another_kind_are_told_apart() {
    let with = |state: &'static str, kind: &'static str, data: &'static str, error: i16| {
        let bytes = classic_answer(6, move |group| {
            let group = group.with_group_state(text(state)).with_protocol_type(text(kind));
            group.with_protocol_data(text(data)).with_members(Vec::new()).with_error_code(error)
        });
        describe(6, &bytes).unwrap()
    };
    assert_eq!(with("Dead", "", "", 0), Described::Absent);
    assert_eq!(with("Dead", "", "", 69), Described::Absent);
    assert_eq!(with("", "", "", 30), Described::Failed(ErrorCode::GROUP_AUTHORIZATION_FAILED));
    assert_eq!(with("Stable", "connect", "sessioned", 0), Described::Other(OtherGroup::Connect));
    assert_eq!(with("Stable", "consumer", "stream", 0), Described::Other(OtherGroup::Streams));
    assert_eq!(with("Stable", "sr", "v0", 0), Described::Other(OtherGroup::Other("sr".to_owned())));
    assert!(matches!(with("Empty", "", "", 0), Described::Group(_)));
}

#[test]
fn what_any_client_may_have_written_is_refused_where_it_cannot_be_read() {
    for bad in [&b"\0"[..], b"\xff\xff", b"\0\0\x7f\xff\xff\xff", b"\0\x01\0\0\0\0\0\0\0\0\x7f\xff\xff\xff"] {
        let bytes = classic_answer(5, |mut group| {
            group.members[0].member_metadata = Bytes::copy_from_slice(bad);
            group
        });
        let error = describe(5, &bytes).unwrap_err();
        assert!(error.0.starts_with("member pod-1: "), "{error}");
    }
}

#[test]
fn a_member_twice_or_another_group_is_refused() {
    let twice = classic_answer(0, |mut group| {
        group.members.push(group.members[0].clone());
        group
    });
    assert!(describe(0, &twice).is_err());
    assert!(describe(0, &classic_answer(0, |described| described.with_group_id(group("other")))).is_err());
    assert!(describe(0, &written(&DescribeGroupsResponse::default(), 0)).is_err());
}

#[test]
fn a_group_of_the_consumer_protocol_is_read_in_every_version() {
    let held = |numbers: Vec<i32>| {
        let of_topic =
            consumer::TopicPartitions::default().with_topic_name(topic("orders")).with_partitions(numbers);
        consumer::Assignment::default().with_topic_partitions(vec![of_topic])
    };
    let message = |version: i16| {
        let mut member = consumer::Member::default()
            .with_member_id(text("uuid"))
            .with_instance_id(Some(text("instance-0")))
            .with_rack_id(Some(text("rack-b")))
            .with_member_epoch(11)
            .with_client_id(text("pod"))
            .with_client_host(text("/10.0.0.7"))
            .with_subscribed_topic_names(vec![topic("orders")])
            .with_subscribed_topic_regex(Some(text("ord.*")))
            .with_assignment(held(vec![0, 5]))
            .with_target_assignment(held(vec![0]));
        if version >= 1 {
            member.member_type = 1;
        }
        let described = consumer::DescribedGroup::default()
            .with_group_id(group("g"))
            .with_group_state(text("Reconciling"))
            .with_group_epoch(12)
            .with_assignment_epoch(11)
            .with_assignor_name(text("uniform"))
            .with_members(vec![member]);
        written(&ConsumerGroupDescribeResponse::default().with_groups(vec![described]), version)
    };
    let read = |r: &mut Reader<'_>, version| consumer_group_describe(r, version, "g");
    each_version(Api::ConsumerGroupDescribe, message, read, |described, version| {
        let Described::Group(group) = described else { panic!("no group") };
        assert_eq!(group.state, GroupState::Reconciling);
        assert_eq!(group.protocol, GroupProtocol::Consumer { epoch: 12, assignment_epoch: 11 });
        let member = &group.members[0];
        assert_eq!(
            (member.epoch, member.protocol),
            (Some(11), (version >= 1).then_some(MemberProtocol::Consumer))
        );
        assert_eq!(member.assigned, Some(vec![partition(0), partition(5)]));
        assert_eq!(member.target, Some(vec![partition(0)]));
        let subscription =
            Subscription { topics: vec!["orders".to_owned()], pattern: Some("ord.*".to_owned()) };
        assert_eq!(member.subscription, Some(subscription));
        assert_eq!(
            (member.instance_id.as_deref(), member.rack.as_deref()),
            (Some("instance-0"), Some("rack-b"))
        );
        assert_eq!(group.topics(), BTreeSet::from(["orders".to_owned()]));
    });
}
