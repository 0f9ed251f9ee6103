//! Groups of each protocol and assignor, compared with what their consumers say.

use std::collections::BTreeSet;

use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupProtocol, GroupState, JoinedWith, MemberProtocol, Subscription,
};
use rebalancer_core::port::{GroupError, GroupSource, OtherGroup};
use rebalancer_kafka::KafkaGroupSource;

use crate::broker::Listener;
use crate::fleet::Fleet;
use crate::wait;

const MEMBERS: usize = 3;

/// Three consumers on two topics; the group once it is stable, and again after one of them was replaced.
async fn described(protocol: &str) -> [ConsumerGroup; 2] {
    let mut fleet = Fleet::start().await;
    let (a, b) = (fleet.topic("a", 7, "").await, fleet.topic("b", 4, "").await);
    let group = fleet.name("group");
    for number in 0..MEMBERS {
        fleet.order(&format!("add c{number} {group} {a},{b} {protocol}")).await;
    }
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    let (first, ids) = fleet.settled(&source, MEMBERS).await;
    fleet.order("close c0").await;
    fleet.order(&format!("add c3 {group} {a},{b} {protocol}")).await;
    let again = wait::until("a group without the closed one", async || {
        let (group, _) = fleet.settled(&source, MEMBERS).await;
        group.members.iter().all(|member| member.id != ids["c0"]).then_some(group)
    })
    .await;
    for group in [&first, &again] {
        assert_eq!(group.state, GroupState::Stable);
        assert_eq!(group.topics(), BTreeSet::from([a.clone(), b.clone()]));
        let count: usize = group.members.iter().map(|member| member.assigned.as_ref().unwrap().len()).sum();
        assert_eq!(count, 11);
        for member in &group.members {
            assert_eq!((member.client_id.as_str(), member.host.as_str()), ("pod", "127.0.0.1"));
            let subscription = Subscription { topics: vec![a.clone(), b.clone()], pattern: None };
            assert_eq!(member.subscription, Some(subscription));
            assert_eq!((&member.instance_id, &member.rack), (&None, &None));
        }
    }
    [first, again]
}

async fn classic(protocol: &str) -> [ConsumerGroup; 2] {
    let groups = described(protocol).await;
    for group in &groups {
        assert_eq!((group.protocol, group.assignor.as_deref()), (GroupProtocol::Classic, Some(protocol)));
        assert!(group.members.iter().all(|member| member.protocol == Some(MemberProtocol::Classic)));
        assert!(group.members.iter().all(|member| member.target.is_none() && member.epoch.is_none()));
    }
    groups
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn range_groups_are_described_as_their_consumers_see_them() {
    classic("range").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn round_robin_groups_are_described_as_their_consumers_see_them() {
    classic("roundrobin").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn sticky_groups_are_described_as_their_consumers_see_them() {
    classic("sticky").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn cooperative_groups_tell_what_members_held_when_they_joined() {
    let [_, again] = classic("cooperative-sticky").await;
    let joined: Vec<&JoinedWith> =
        again.members.iter().map(|member| member.joined_with.as_ref().unwrap()).collect();
    let held = joined.iter().filter(|joined| !joined.owned.is_empty() && joined.generation.is_some()).count();
    assert!(held >= MEMBERS - 1, "those that stayed held something: {joined:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn groups_of_the_consumer_protocol_are_described_with_epochs_and_targets() {
    let [first, again] = described("consumer").await;
    let mut epochs = Vec::new();
    for group in [first, again] {
        let GroupProtocol::Consumer { epoch, assignment_epoch } = group.protocol else { panic!("{group:?}") };
        assert_eq!(epoch, assignment_epoch, "a stable group");
        assert_eq!(group.assignor.as_deref(), Some("uniform"));
        for member in &group.members {
            assert_eq!(member.protocol, Some(MemberProtocol::Consumer));
            assert_eq!(member.epoch, Some(epoch));
            assert_eq!(member.target, member.assigned);
            assert_eq!(member.joined_with, None);
        }
        epochs.push(epoch);
    }
    assert!(epochs[1] > epochs[0], "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn static_members_and_patterns_are_described() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 4, "").await;
    for protocol in ["cooperative-sticky", "consumer"] {
        let group = fleet.name(protocol);
        let name = format!("c-{protocol}");
        fleet.order(&format!("add {name} {group} ^{topic}.* {protocol} group.instance.id=pod-0")).await;
        let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
        let described = wait::until("a member that holds all", async || {
            let group = source.group().await.ok()?;
            let holds_all = |held: &Vec<_>| held.len() == 4;
            group.members.first()?.assigned.as_ref().is_some_and(holds_all).then_some(group)
        })
        .await;
        let member = &described.members[0];
        assert_eq!(member.instance_id.as_deref(), Some("pod-0"));
        let subscription = member.subscription.clone().unwrap();
        match protocol {
            "consumer" => assert_eq!(
                subscription.pattern,
                Some(format!("{topic}.*").replace(&topic, &format!("^{topic}")))
            ),
            _ => assert_eq!(subscription.topics, std::slice::from_ref(&topic)),
        }
        assert_eq!(described.topics(), BTreeSet::from([topic.clone()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_group_that_lost_its_members_is_empty_and_one_that_never_was_is_not_there() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 2, "").await;
    let group = fleet.name("payments-consumer");
    fleet.order(&format!("add c0 {group} {topic} range")).await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    fleet.settled(&source, 1).await;
    fleet.order(&format!("commit c0 {topic} 0 0")).await;
    fleet.order("close c0").await;
    let empty = wait::until("an empty group", async || {
        source.group().await.ok().filter(|group| group.state == GroupState::Empty)
    })
    .await;
    assert!(empty.members.is_empty());

    let misspelt = format!("{group}s").replace("consumer", "consumr");
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &misspelt));
    match source.group().await {
        Err(GroupError::NoSuchGroup { group: asked, resembling }) => {
            assert_eq!(asked, misspelt);
            assert!(resembling.contains(&group), "{resembling:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_share_group_is_no_consumer_group() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 2, "").await;
    let group = fleet.name("shared");
    fleet.order(&format!("share c0 {group} {topic}")).await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    let error = wait::until("a group that exists", async || match source.group().await {
        Err(GroupError::NoSuchGroup { .. }) => None,
        other => Some(other),
    })
    .await;
    assert_eq!(error, Err(GroupError::NotAConsumerGroup { group, what: OtherGroup::Share }));
}
