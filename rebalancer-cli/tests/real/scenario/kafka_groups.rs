//! Groups that can't be rotated, as a run meets them: it says what they are, and nothing is evicted.

use std::sync::Arc;

use serde_json::json;

use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::Clients;
use crate::harness::kafka::pods::Launch;
use crate::harness::kafka::protocol::{Client, Protocol};
use crate::harness::kafka::world::World;
use crate::harness::metrics::Server;
use crate::harness::wait;

/// A group that no rotation is for, and what is said of it.
struct Other {
    group: String,
    hold: &'static str,
    said: String,
}

/// Waits until a member holds something.
async fn holding(clients: &Arc<Clients>, member: &str) {
    wait::until("a member", async || {
        let holds = clients.seen().await.get(member).is_some_and(|seen| !seen.held.is_empty());
        if holds { Ok(()) } else { Err("it holds nothing yet".to_owned()) }
    })
    .await;
}

/// One of each kind.
async fn others() -> Vec<Other> {
    let (broker, java) = (Broker::shared().await, Clients::shared(Client::Java).await);
    let (topic, known, empty) = (broker.name("orders"), broker.name("warehouse"), broker.name("empty"));
    java.order(format!("topic {topic} 2")).await;
    for (group, protocol) in [(&known, "range"), (&empty, "range")] {
        java.order(format!("add member-of-{group} {group} {topic} {protocol}")).await;
        holding(&java, &format!("member-of-{group}")).await;
    }
    java.order(format!("commit member-of-{empty} {topic} 0 0")).await;
    java.order(format!("close member-of-{empty}")).await;
    let [share, connect, streams, classic] =
        ["share", "connect", "streams", "stream"].map(|kind| broker.name(kind));
    java.order(format!("share sharer {share} {topic}")).await;
    java.order(format!("connect {connect}")).await;
    java.order(format!("streams {streams} {topic}")).await;
    java.order(format!("add member-of-{classic} {classic} {topic} stream")).await;
    holding(&java, &format!("member-of-{classic}")).await;
    let other =
        |group: &str, hold, said: &str| Other { group: group.to_owned(), hold, said: said.to_owned() };
    let misspelt = known.replace("warehouse", "warehose");
    vec![
        other(&misspelt, "group_unread", &format!("there is no group '{misspelt}'; there is {known}")),
        other(&share, "group_unread", "a share group, not a consumer group"),
        other(&connect, "group_unread", "a Kafka Connect group, not a consumer group"),
        other(&streams, "group_unread", "a Kafka Streams group, not a consumer group"),
        other(&classic, "group_unread", "a Kafka Streams group, not a consumer group"),
        other(&empty, "group_unsettled", "is Empty"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn groups_that_are_unknown_empty_or_of_another_kind_are_named_and_nothing_is_evicted() {
    let fleet = Fleet::named("groups").cpu(&WORKED_EXAMPLE).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    for Other { group, hold, said } in others().await {
        let rebalancer = fleet.rebalancer(&metrics).env("MINIMUM_PODS_REQUIRED", "2");
        let kafka = rebalancer.env("KAFKA_BOOTSTRAP_SERVERS", Broker::shared().await.bootstrap());
        let run = kafka.env("KAFKA_GROUP_ID", &group).run().await.expect_exit(0);
        let decision = run.log_with(&["\"event\":\"decision\""]).remove(0);
        assert_eq!(decision["decision"], json!(hold), "{group}: {}", run.stderr);
        assert!(run.stderr.contains(&said), "{group}, {said}: {}", run.stderr);
        assert!(fleet.gone(&before).await.is_empty(), "{group}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn an_empty_group_is_named_where_all_loads_come_from_kafka_too() {
    let world = World::start(Launch::of(Protocol::Range)).await;
    let empty = others().await.pop().unwrap();
    let run = world.rebalancer().env("KAFKA_GROUP_ID", &empty.group).run().await.expect_exit(0);
    assert_eq!(
        run.log_with(&["\"event\":\"decision\""])[0]["decision"],
        json!("group_not_stable"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(&empty.said), "{}", run.stderr);
    assert!(world.fleet.gone(&world.pods).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rule_of_a_known_name_that_gives_another_assignment_is_left_alone() {
    let world = World::of(Fleet::named("misnomer"), Launch::of(Protocol::Misnomer)).await;
    let rotated = world.rotated().await;
    rotated.expect_held("group_unclear");
    let words = "Kafka names the assignor range, and who holds what does not come from its rule";
    assert!(rotated.run.stderr.contains(words), "{}", rotated.run.stderr);
}
