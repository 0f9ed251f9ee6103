//! What the preflight finds.

use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::GroupState;
use rebalancer_core::port::{AclResource, Misconfiguration, MissingAcl, OtherGroup};
use rebalancer_kafka::preflight::{Finding, Need, look};
use rebalancer_kafka::{KafkaGroupSource, Login, Sasl, Security, Settings, Tls};

use crate::broker::{Listener, PASSWORD, USER, WRONG_PASSWORD};
use crate::fleet::Fleet;
use crate::wait;

async fn findings(settings: Settings) -> Vec<Finding> {
    look(&KafkaGroupSource::new(settings), Vec::new(), Timestamp::now()).await.findings
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn where_all_is_well_nothing_is_found() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 3, "").await;
    let group = fleet.name("group");
    fleet.order(&format!("add c0 {group} {topic} consumer")).await;
    let source = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    let (described, _) = fleet.settled(&source, 1).await;
    let found = look(&source, Vec::new(), Timestamp::now()).await;
    assert_eq!(found.findings, []);
    assert_eq!((found.brokers, found.topics.len(), found.group), (Some(1), 1, Some(described)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn servers_and_listeners_that_are_of_no_use_are_found() {
    let fleet = Fleet::start().await;
    let broker = fleet.broker;
    let (dead, open) = (broker.dead(), broker.address(Listener::Plaintext));
    let found = findings(Settings::new([dead.clone()], "g").unwrap()).await;
    assert!(
        matches!(&found[..], [Finding::NoBrokerReachable { message }] if message.contains(&dead.to_string())),
        "{found:?}"
    );
    let found = findings(Settings::new([dead.clone(), open], "g").unwrap()).await;
    assert!(
        matches!(&found[..], [Finding::BootstrapServerUnusable { address, .. }, Finding::NoSuchGroup { .. }] if *address == dead.to_string()),
        "{found:?}"
    );
    let found = findings(broker.settings(Listener::Hidden, "g")).await;
    assert!(
        matches!(&found[..], [Finding::Misconfigured(Misconfiguration::AdvertisedListeners { .. })]),
        "{found:?}"
    );
    let found = findings(broker.settings(Listener::Ssl, "g")).await;
    assert!(
        matches!(&found[..], [Finding::Misconfigured(Misconfiguration::ListenerSpeaksTls { .. })]),
        "{found:?}"
    );
    let security = Security::Ssl(Tls { ca_file: Some(broker.authority.file()), identity: None });
    let found = findings(broker.settings(Listener::Plaintext, "g").security(security)).await;
    assert!(
        matches!(&found[..], [Finding::Misconfigured(Misconfiguration::ListenerSpeaksPlaintext { .. })]),
        "{found:?}"
    );
    let login = Login { username: USER.to_owned(), password_file: broker.file("wrong", WRONG_PASSWORD) };
    let security = Security::SaslPlaintext(Sasl::ScramSha256(login));
    let found = findings(broker.settings(Listener::SaslPlaintext, "g").security(security)).await;
    assert!(
        matches!(&found[..], [Finding::Misconfigured(Misconfiguration::CredentialsRefused { .. })]),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn rights_that_are_missing_are_found_with_whether_they_are_needed() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 1, "cleanup.policy=compact").await;
    let group = fleet.name("group");
    fleet.order(&format!("add c0 {group} {topic} range")).await;
    let open = KafkaGroupSource::new(fleet.broker.settings(Listener::Plaintext, &group));
    fleet.settled(&open, 1).await;
    assert_eq!(
        look(&open, Vec::new(), Timestamp::now()).await.findings,
        [Finding::CompactedTopic { topic: topic.clone() }]
    );

    let login = Login { username: USER.to_owned(), password_file: fleet.broker.file("password", PASSWORD) };
    let security = Security::SaslPlaintext(Sasl::Plain(login));
    let settings = || fleet.broker.settings(Listener::SaslPlaintext, &group).security(security.clone());
    let required =
        |resource| Finding::MissingAcl { missing: MissingAcl::describe(resource), need: Need::Required };
    assert_eq!(findings(settings()).await, [required(AclResource::Group(group.clone()))]);
    let orders = [("Describe GROUP", &group), ("Describe TOPIC", &topic)]
        .map(|(what, name)| format!("acl User:{USER} {what} {name}"));
    let settings = settings();
    fleet.order(&orders[0]).await;
    assert_eq!(findings(settings.clone()).await, [required(AclResource::Topic(topic.clone()))]);
    fleet.order(&orders[1]).await;
    let found = findings(settings).await;
    let optional = |finding: &Finding| matches!(finding, Finding::MissingAcl { need: Need::Optional, .. });
    assert!(found.len() == 2 && found.iter().all(optional), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn groups_that_are_absent_empty_or_of_another_kind_are_found() {
    let mut fleet = Fleet::start().await;
    let topic = fleet.topic("orders", 1, "").await;
    let (group, share) = (fleet.name("warehouse"), fleet.name("share"));
    fleet.order(&format!("add c0 {group} {topic} range")).await;
    fleet.order(&format!("share s0 {share} {topic}")).await;
    let settings = |group: &str| fleet.broker.settings(Listener::Plaintext, group);
    let (of_group, of_share, misspelt) = (settings(&group), settings(&share), settings("warehose"));
    fleet.settled(&KafkaGroupSource::new(of_group.clone()), 1).await;
    fleet.order(&format!("commit c0 {topic} 0 0")).await;
    fleet.order("close c0").await;

    let found = findings(misspelt).await;
    assert!(
        matches!(&found[..], [Finding::NoSuchGroup { resembling, .. }] if resembling.contains(&group)),
        "{found:?}"
    );
    let empty = wait::until("an empty group", async || {
        let found = look(&KafkaGroupSource::new(of_group.clone()), Vec::new(), Timestamp::now()).await;
        found.group.filter(|group| group.state == GroupState::Empty).map(|_| found.findings)
    });
    assert_eq!(empty.await, [Finding::EmptyGroup { group }]);
    let other = wait::until("a share group", async || {
        let found = findings(of_share.clone()).await;
        (!matches!(&found[..], [Finding::NoSuchGroup { .. }])).then_some(found)
    });
    assert_eq!(other.await, [Finding::NotAConsumerGroup { group: share, what: OtherGroup::Share }]);
}
