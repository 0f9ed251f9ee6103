//! ACLs: each one that is missing is named, and none is needed that the documentation does not name.

use std::collections::BTreeSet;

use rebalancer_core::port::{AclOperation, AclResource, GroupError, GroupSource, MissingAcl};
use rebalancer_kafka::{KafkaGroupSource, Login, Sasl, Security};

use crate::broker::{Listener, PASSWORD, USER};
use crate::fleet::Fleet;

fn missing<T: std::fmt::Debug>(result: Result<T, GroupError>) -> MissingAcl {
    match result {
        Err(GroupError::Unauthorized { missing }) => missing,
        other => panic!("{other:?}"),
    }
}

async fn each_right_is_missed_in_turn(protocol: &str, listener: Listener) {
    let mut fleet = Fleet::start().await;
    let broker = fleet.broker;
    let topic = fleet.topic("orders", 2, "").await;
    let group = fleet.name("group");
    fleet.order(&format!("add c0 {group} {topic} {protocol}")).await;
    let open = KafkaGroupSource::new(broker.settings(Listener::Plaintext, &group));
    let (described, _) = fleet.settled(&open, 1).await;
    let topics = open.topics(&described.topics()).await.unwrap();

    let login = Login { username: USER.to_owned(), password_file: broker.file("password", PASSWORD) };
    let security = Security::SaslPlaintext(Sasl::ScramSha512(login));
    let source = KafkaGroupSource::new(broker.settings(listener, &group).security(security));
    let names = BTreeSet::from([topic.clone()]);
    let (of_group, of_topic) = (AclResource::Group(group.clone()), AclResource::Topic(topic.clone()));

    assert_eq!(missing(source.group().await), MissingAcl::describe(of_group));
    assert_eq!(missing(source.topics(&names).await), MissingAcl::describe(of_topic.clone()));
    assert_eq!(missing(source.offsets(&topics, &[]).await), MissingAcl::describe(of_topic.clone()));
    let configs = source.topic_configs(&names).await.unwrap();
    let operation = AclOperation::DescribeConfigs;
    assert_eq!(configs[&topic], Err(MissingAcl { operation, resource: of_topic }));
    let moves = source.reassignments(&topics).await.unwrap();
    assert_eq!(moves, Err(MissingAcl::describe(AclResource::Cluster)));

    fleet.order(&format!("acl User:{USER} Describe GROUP {group}")).await;
    if protocol == "consumer" {
        // The coordinator tells topics of members only to those who may describe them.
        assert_eq!(missing(source.group().await), MissingAcl::describe(AclResource::TopicsOf(group)));
    } else {
        assert_eq!(source.group().await.unwrap(), described);
    }
    fleet.order(&format!("acl User:{USER} Describe TOPIC {topic}")).await;
    assert_eq!(source.group().await.unwrap(), described);
    assert_eq!(source.topics(&names).await.unwrap(), topics);
    assert_eq!(source.offsets(&topics, &[]).await.unwrap().len(), 2);

    fleet.order(&format!("acl User:{USER} DESCRIBE_CONFIGS TOPIC {topic}")).await;
    assert!(source.topic_configs(&names).await.unwrap()[&topic].is_ok());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn each_missing_right_on_a_classic_group_is_named() {
    each_right_is_missed_in_turn("cooperative-sticky", Listener::SaslPlaintext).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn each_missing_right_on_a_group_of_the_consumer_protocol_is_named() {
    each_right_is_missed_in_turn("consumer", Listener::Scram).await;
}
