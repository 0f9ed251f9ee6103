//! Real consumers in pods: how members tell their pods, and that the group does what the core's assignors say.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};

use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::{self, Flow, Loads};
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::pods::{Launch, PodConsumers, pod_of};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::rotation::{dealt, holdings};

const PODS: usize = 5;

async fn flows() -> Vec<Flow> {
    let broker = Broker::shared().await;
    let (orders, payments) = (broker.name("orders"), broker.name("payments"));
    vec![Flow::log_normal(&orders, 11, 1.0, 1).hot(3, 4), Flow::log_normal(&payments, 6, 1.0, 2)]
}

async fn running(launch: Launch) -> (Fleet, PodConsumers) {
    let mut fleet = Fleet::named("consumer").aged().start().await;
    let consumers = PodConsumers::launch(&mut fleet, launch, &flows().await, PODS).await;
    (fleet, consumers)
}

/// Deletes the two pods whose members carry most; their names.
async fn rotate(fleet: &Fleet, observed: &Observed, loads: &Loads) -> BTreeSet<String> {
    let mut by_load: Vec<(String, f64)> = observed.loads(loads).into_iter().collect();
    by_load.sort_by(|a, b| b.1.total_cmp(&a.1));
    let gone: BTreeSet<String> =
        by_load.iter().filter_map(|(name, _)| pod_of(name)).take(2).map(str::to_owned).collect();
    for name in &gone {
        fleet.api::<Pod>().delete(name, &DeleteParams::default()).await.unwrap();
    }
    gone
}

/// Names of pods by address.
async fn addresses(fleet: &Fleet) -> BTreeMap<String, String> {
    let pods = fleet.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let address = |pod: Pod| (pod.status.unwrap().pod_ip.unwrap(), pod.metadata.name.unwrap());
    pods.items.into_iter().map(address).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn members_of_java_are_at_the_addresses_of_their_pods() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Uniform] {
        let (fleet, consumers) = running(Launch::of(protocol)).await;
        let (_, before) = consumers.settled(&fleet).await;
        let loads = loads::measured(&consumers.source).await;
        let gone = rotate(&fleet, &before, &loads).await;
        let (_, after) = consumers.settled_without(&fleet, &gone).await;
        let addresses = addresses(&fleet).await;
        for member in &after.group.members {
            assert_eq!(Some(addresses[&member.host].as_str()), pod_of(after.name(member)), "{member:?}");
            assert_eq!(member.client_id, format!("consumer-{}-1", consumers.group));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn members_of_librdkafka_have_the_names_of_their_pods() {
    let (fleet, consumers) = running(Launch::of(Protocol::LibrdkafkaCooperativeSticky)).await;
    let (_, observed) = consumers.settled(&fleet).await;
    for member in &observed.group.members {
        assert_eq!(Some(member.client_id.as_str()), pod_of(observed.name(member)), "{member:?}");
        assert_eq!(member.host, "127.0.0.1");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn both_rebalances_of_a_rotation_go_by_the_rule_of_the_core() {
    for protocol in [Protocol::CooperativeSticky, Protocol::LibrdkafkaCooperativeSticky] {
        let (fleet, consumers) = running(Launch::of(protocol)).await;
        let (_, before) = consumers.settled(&fleet).await;
        let loads = loads::measured(&consumers.source).await;
        consumers.hold_back();
        let gone = rotate(&fleet, &before, &loads).await;
        let stays = |name: &&String| pod_of(name).is_some_and(|pod| !gone.contains(pod));
        let stay = before.names.values().filter(stays).cloned().collect();
        let between = Observed::at_rest(&consumers.clients, &consumers.source, &stay).await;
        assert_eq!(dealt(protocol.assignor(), &before, &between), holdings(&between), "{protocol}");
        consumers.let_start();
        let (_, after) = consumers.settled_without(&fleet, &gone).await;
        assert_eq!(dealt(protocol.assignor(), &between, &after), holdings(&after), "{protocol}");
    }
}
